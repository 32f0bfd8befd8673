"""Trains the U-Net generator, with or without the conditional discriminator."""

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss

from colornb import lab
from colornb.datasets import ImageSet
from colornb.device import choose
from colornb.errors import ColornbError
from colornb.models import Discriminator, create_model, load_weights, source
from colornb.training.diffaugment import diff_augment as augmented
from colornb.training.graphed import Graphed
from colornb.training.run import Run, batches, check_sizes, launch, make_schedule, mirror, told

CODE = ("training/gan.py", "training/diffaugment.py", "training/graphed.py")
NETWORK = ("residual", "dropout")
"""Parameters of the chapter on the GAN that are options of its generator, not of `fit`."""

DISCRIMINATOR = ("discriminator_rate", "conditional", "diff_augment")
"""Parameters of the chapter on the GAN that change nothing where there is no discriminator."""


def edge_loss(edge_net: nn.Module, painted: Tensor, true: Tensor) -> Tensor:
    """Mean cross entropy (nats) between the edges that an EdgeNet sees in two ab (N, 2, H, W) in
    [-1, 1]: a scalar. It asks for a missing edge also where the painted colours are flat, at which
    the difference of two probabilities would hardly change."""
    seen, wanted = edge_net(painted).float(), edge_net(true).float().sigmoid()
    return binary_cross_entropy_with_logits(seen, wanted)


def fit(
    images: ImageSet,
    folder: Path,
    *,
    monitor: ImageSet,
    network: str = "unet",
    network_options: Mapping[str, Any] | None = None,
    given: Sequence[Tensor] = (),
    given_mirrored: Sequence[Tensor] | None = None,
    given_monitor: Sequence[Tensor] = (),
    discriminator_options: Mapping[str, Any] | None = None,
    judged: int | None = None,
    about: Mapping[str, str] | None = None,
    seed: int = 0,
    epochs: int = 100,
    batch_size: int = 50,
    learning_rate: float = 3e-4,
    beta1: float = 0.0,
    weight_decay: float = 0.0,
    discriminator_rate: float = 0.1,
    generator_steps: int = 2,
    l1_weight: float = 100.0,
    l2_weight: float = 0.0,
    adversarial_weight: float = 1.0,
    conditional: bool = True,
    diff_augment: bool = False,
    edge_weight: float = 0.0,
    edge_net: Path | None = None,
    warm_start: float = 0.0,
    schedule: str = "constant",
    flip: bool = False,
    width: float = 1.0,
    device: str = "auto",
    precision: str = "auto",
    devices: int = 1,
    strategy: str = "auto",
) -> nn.Module:
    """Trains a generator (Nazeri et al. 2018, arXiv 1803.05400) and returns it.

    Per batch: one step of the discriminator, then `generator_steps` of the generator on
    `adversarial_weight * BCE(D(l, G(l)), true) + l1_weight * |G(l) - ab|`, the non-saturating
    GAN loss with L1. Without an adversarial weight there is no discriminator. `l2_weight` adds the
    mean squared distance, for generators trained with that alone.

    Several devices share each batch and see the same pictures as one, but batch norm takes its
    statistics over each device's share: the weights are those of a training with smaller batches
    in the norm, not those of one device.

    Args:
        images: the training set; for the published networks 32x32.
        folder, given, given_mirrored, given_monitor, about, schedule, flip: see
            `colornb.training.regression.fit`.
        monitor: images whose MSE of ab / 110 is logged after each epoch; nothing is chosen by it.
        network, network_options: the generator; see `colornb.models.create_model`. Its `width` is
            the one below.
        discriminator_options: options of the discriminator, such as its norm.
        judged: which of `given`, a vector of shares, the discriminator is told as well: a picture
            is to be true and to go with it (a third kind of pairs: Reed et al. 2016, arXiv
            1605.05396).
        conditional: whether the discriminator sees L beside ab.
        diff_augment: whether what it sees is shifted and loses a square, at random; see
            `colornb.training.diffaugment`.
        discriminator_rate: the discriminator's learning rate over the generator's.
        edge_weight, edge_net: weight of `edge_loss`, and the weights of a trained EdgeNet.
        weight_decay: of the generator, decoupled as in AdamW.
        warm_start: share of the epochs, the first ones, without the discriminator.
        width: factor on the inner channels of both networks.
        device, precision, devices, strategy: see `colornb.training.run.make_fabric`.

    Raises:
        ColornbError: the folder is in use, a loss is not finite, or a number is out of its range.
    """
    options = {
        k: v
        for k, v in locals().items()
        if k not in ("images", "folder", "monitor", "edge_net") and not k.startswith("given")
    }
    check_sizes(epochs, batch_size, devices, len(images))
    if not 0 <= warm_start < 1:
        raise ColornbError(f"warm_start must be at least 0 and below 1, not {warm_start}.")
    if adversarial_weight and round(warm_start * epochs) >= epochs:
        raise ColornbError(
            f"A warm_start of {warm_start} leaves the discriminator none of {epochs} epochs: "
            "make it smaller."
        )
    if generator_steps < 1:
        raise ColornbError(f"generator_steps must be at least 1, not {generator_steps}.")
    options["device"], options["precision"] = choose(device, precision)
    given_mirrored = given if given_mirrored is None else given_mirrored
    if edge_weight:
        options["edge_net_sha256"] = sha256(edge_net.read_bytes()).hexdigest()
    options["network_options"] = dict(network_options or {})
    options["discriminator_options"] = dict(discriminator_options or {})
    options["about"] = dict(about or {})
    options["data_sha256"] = images.sha256
    options["given_sha256"] = [sha256(tensor.numpy().tobytes()).hexdigest() for tensor in given]
    tensors = (images.images, monitor.images, given, given_mirrored, given_monitor)
    launch(options, train, folder, tensors, edge_net, options)
    return load_weights(folder / "weights.safetensors")[0].to(options["device"])


def train(
    fabric: Fabric, folder: Path, tensors: tuple, edge_net: Path | None, options: dict
) -> None:
    """What `fit` starts on each device."""
    o = SimpleNamespace(**options)
    images, held_out = (tensor.to(fabric.device) for tensor in tensors[:2])
    given, mirrored, of_monitor = ([t.to(fabric.device) for t in part] for part in tensors[2:])
    torch.manual_seed(o.seed)
    generator = create_model(o.network, width=o.width, **o.network_options)
    generator.to(memory_format=torch.channels_last)
    condition = 0 if o.judged is None else given[o.judged].shape[1]
    discriminator = Discriminator(
        width=o.width, sees_l=o.conditional, condition=condition, **o.discriminator_options
    )
    discriminator.to(memory_format=torch.channels_last)
    g_optimizer = torch.optim.AdamW(
        generator.parameters(),
        o.learning_rate,
        betas=(o.beta1, 0.999),
        weight_decay=o.weight_decay,
        fused=True,
    )
    d_optimizer = torch.optim.Adam(
        discriminator.parameters(),
        o.learning_rate * o.discriminator_rate,
        betas=(o.beta1, 0.999),
        fused=True,
    )
    if o.edge_weight:
        edges = load_weights(edge_net)[0].to(fabric.device, memory_format=torch.channels_last)
        edges.requires_grad_(False)
    steps, l1_epochs = len(images) // o.batch_size, round(o.warm_start * o.epochs)
    g_schedule = make_schedule(o.schedule, g_optimizer, o.epochs * steps)
    d_schedule = make_schedule(o.schedule, d_optimizer, (o.epochs - l1_epochs) * steps)
    generator, g_optimizer = fabric.setup(generator, g_optimizer)
    discriminator, d_optimizer = fabric.setup(discriminator, d_optimizer)

    # A generator that gives L as well is compared and judged with its own.
    complete = o.network_options.get("head") == "lab"

    def judge(l: Tensor, painted: Tensor, rows: list[Tensor], truth: bool) -> Tensor:
        condition = None if o.judged is None else rows[o.judged]
        pictures = painted if complete else torch.cat((l, painted), dim=1)
        logits = discriminator(augmented(pictures) if o.diff_augment else pictures, condition)
        return binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(truth)))

    def step(index: Tensor, coins: Tensor, *, adversarial: bool) -> Tensor:
        """Trains on a batch; returns the losses of the generator, its L1, and the discriminator."""
        pixels = mirror(images[index], coins) if o.flip else images[index]
        l, ab = lab.normalize(lab.uint8_to_lab(pixels))
        true = torch.cat((l, ab), dim=1) if complete else ab
        rows = told(given, mirrored, index, coins)
        fake = generator(l, *rows)
        if adversarial:
            d_loss = (judge(l, true, rows, True) + judge(l, fake.detach(), rows, False)) / 2
            if o.judged is not None:  # a true picture that does not go with what is told
                d_loss = d_loss + judge(l, true, [row.roll(1, 0) for row in rows], False) / 2
            d_optimizer.zero_grad()
            fabric.backward(d_loss)
            d_optimizer.step()
        for again in range(o.generator_steps):
            if again:
                fake = generator(l, *rows)
            l1 = l1_loss(fake, true)
            g_loss = o.l1_weight * l1
            if o.l2_weight:
                g_loss = g_loss + o.l2_weight * mse_loss(fake, true)
            if o.edge_weight:
                with fabric.autocast():
                    g_loss = g_loss + o.edge_weight * edge_loss(edges, fake, true)
            if adversarial:
                discriminator.requires_grad_(False)
                g_loss = g_loss + o.adversarial_weight * judge(l, fake, rows, True)
                discriminator.requires_grad_(True)
            g_optimizer.zero_grad()
            fabric.backward(g_loss)
            g_optimizer.step()
        losses = (g_loss, l1, d_loss if adversarial else torch.zeros_like(l1))
        return torch.stack([loss.detach() for loss in losses])

    steps_of = {which: partial(step, adversarial=which) for which in (False, True)}
    if o.network != "referenced":  # it draws palettes while it learns, which a replay might repeat
        both = (g_optimizer, d_optimizer)
        steps_of = {k: Graphed(one, both[: 1 + k], fabric) for k, one in steps_of.items()}

    def train_one_epoch(adversarial: bool) -> dict[str, Tensor]:
        generator.train()
        sums = torch.zeros(3, device=fabric.device)
        for index, coins in batches(len(images), o.batch_size, fabric, flip=o.flip):
            sums += steps_of[adversarial](index, coins)
            if adversarial:
                d_schedule.step()
            g_schedule.step()
        g, l1, d = sums / steps
        return {"generator": g, "l1": l1} | ({"discriminator": d} if adversarial else {})

    @torch.no_grad()
    def monitored() -> Tensor:
        generator.eval()
        squares = []
        for part in torch.arange(len(held_out), device=fabric.device).split(250):
            l, ab = lab.normalize(lab.uint8_to_lab(held_out[part]))
            painted = generator(l, *(rows[part] for rows in of_monitor)).float()
            squares.append(mse_loss(painted[:, -2:], ab) * len(part))
        return torch.stack(squares).sum() / len(held_out)

    about = {"size": str(images.shape[-1]), **o.about}
    with Run.open(folder, options, (*source(o.network), *CODE), fabric) as run:
        parts = {"generator": generator, "g_optimizer": g_optimizer, "g_schedule": g_schedule}
        if o.adversarial_weight:
            parts |= {
                "discriminator": discriminator,
                "d_optimizer": d_optimizer,
                "d_schedule": d_schedule,
            }
        for epoch in run.epochs(o.epochs, "GAN" if o.adversarial_weight else "U-Net", **parts):
            losses = train_one_epoch(o.adversarial_weight > 0 and epoch >= l1_epochs)
            run.snapshot(epoch + 1, generator.module, **about)
            run.log(**losses, monitor_mse_ab=monitored())
        run.finish(generator.module, **about)
