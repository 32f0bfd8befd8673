"""Trains the U-Net generator, with or without the conditional discriminator."""

from pathlib import Path
from types import SimpleNamespace

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss

from colornb import lab
from colornb.datasets import ImageSet
from colornb.device import choose
from colornb.errors import ColornbError
from colornb.models import Discriminator, UNetGenerator, load_weights
from colornb.training.run import (
    Run,
    batches,
    check_sizes,
    launch,
    make_schedule,
    mirror,
)

CODE = ("models/unet.py", "training/gan.py")


def fit(
    images: ImageSet,
    folder: Path,
    *,
    monitor: ImageSet,
    seed: int = 0,
    epochs: int = 100,
    batch_size: int = 50,
    learning_rate: float = 3e-4,
    beta1: float = 0.0,
    discriminator_rate: float = 0.1,
    generator_steps: int = 2,
    l1_weight: float = 100.0,
    l2_weight: float = 0.0,
    adversarial_weight: float = 1.0,
    warm_start: float = 0.0,
    schedule: str = "constant",
    flip: bool = False,
    width: float = 1.0,
    device: str = "auto",
    precision: str = "auto",
    devices: int = 1,
    strategy: str = "auto",
) -> UNetGenerator:
    """Trains a generator (Nazeri et al. 2018, arXiv 1803.05400) and returns it.

    Per batch: one step of the discriminator, then `generator_steps` of the generator on
    adversarial_weight * BCE(D(l, G(l)), true) + l1_weight * |G(l) - ab|, the non-saturating GAN
    loss with L1. Without an adversarial weight there is no discriminator. `l2_weight` adds the
    mean squared distance, for generators trained with that alone.

    Several devices share each batch and see the same pictures as one, but batch norm takes its
    statistics over each device's share: the weights are those of a training with smaller batches
    in the norm, not those of one device.

    Args:
        images: the training set, 32x32.
        folder: the run's folder; an interrupted run is resumed there.
        monitor: images whose loss is logged after each epoch; nothing is chosen by it.
        discriminator_rate: the discriminator's learning rate over the generator's.
        warm_start: share of the epochs, the first ones, without the discriminator.
        schedule: "constant" or "one_cycle".
        flip: mirrors half of the pictures of each batch.
        width: factor on the inner channels of both networks.
        device, precision, devices, strategy: see `colornb.training.run.make_fabric`.

    Raises:
        ColornbError: the folder is in use, or a loss is not finite.
    """
    options = {k: v for k, v in locals().items() if k not in ("images", "folder", "monitor")}
    if not 0 <= warm_start < 1:
        raise ColornbError(f"warm_start must be at least 0 and below 1, not {warm_start}.")
    check_sizes(epochs, batch_size, devices, len(images))
    device, options["precision"] = choose(device, precision)
    options["data_sha256"] = images.sha256
    launch(options, train, folder, images.images, monitor.images, options)
    return load_weights(folder / "weights.safetensors")[0].to(device)


def train(fabric: Fabric, folder: Path, images: Tensor, held_out: Tensor, options: dict) -> None:
    """What `fit` starts on each device."""
    o = SimpleNamespace(**options)
    images, held_out = images.to(fabric.device), held_out.to(fabric.device)
    torch.manual_seed(o.seed)
    generator = UNetGenerator(width=o.width).to(memory_format=torch.channels_last)
    discriminator = Discriminator(width=o.width).to(memory_format=torch.channels_last)
    g_optimizer = torch.optim.Adam(
        generator.parameters(), o.learning_rate, betas=(o.beta1, 0.999), fused=True
    )
    d_optimizer = torch.optim.Adam(
        discriminator.parameters(),
        o.learning_rate * o.discriminator_rate,
        betas=(o.beta1, 0.999),
        fused=True,
    )
    steps, l1_epochs = len(images) // o.batch_size, round(o.warm_start * o.epochs)
    g_schedule = make_schedule(o.schedule, g_optimizer, o.epochs * steps)
    d_schedule = make_schedule(o.schedule, d_optimizer, (o.epochs - l1_epochs) * steps)
    generator, g_optimizer = fabric.setup(generator, g_optimizer)
    discriminator, d_optimizer = fabric.setup(discriminator, d_optimizer)

    def judge(l: Tensor, ab: Tensor, truth: bool) -> Tensor:  # noqa: E741
        logits = discriminator(torch.cat((l, ab), dim=1))
        return binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(truth)))

    def train_one_epoch(adversarial: bool) -> dict[str, Tensor]:
        generator.train()
        sums = torch.zeros(3, device=fabric.device)
        for index, coins in batches(len(images), o.batch_size, fabric, flip=o.flip):
            pixels = mirror(images[index], coins) if o.flip else images[index]
            l, ab = lab.normalize(lab.uint8_to_lab(pixels))  # noqa: E741
            fake = generator(l)
            if adversarial:
                d_loss = (judge(l, ab, True) + judge(l, fake.detach(), False)) / 2
                d_optimizer.zero_grad()
                fabric.backward(d_loss)
                d_optimizer.step()
                d_schedule.step()
            for step in range(o.generator_steps):
                if step:
                    fake = generator(l)
                l1 = l1_loss(fake, ab)
                g_loss = o.l1_weight * l1
                if o.l2_weight:
                    g_loss = g_loss + o.l2_weight * mse_loss(fake, ab)
                if adversarial:
                    discriminator.requires_grad_(False)
                    g_loss = g_loss + o.adversarial_weight * judge(l, fake, True)
                    discriminator.requires_grad_(True)
                g_optimizer.zero_grad()
                fabric.backward(g_loss)
                g_optimizer.step()
            g_schedule.step()
            losses = (g_loss, l1, d_loss if adversarial else torch.zeros_like(l1))
            sums += torch.stack([loss.detach() for loss in losses])
        g, l1, d = sums / steps
        return {"generator": g, "l1": l1} | ({"discriminator": d} if adversarial else {})

    @torch.no_grad()
    def monitored() -> Tensor:
        generator.eval()
        squares = []
        for part in held_out.split(250):
            l, ab = lab.normalize(lab.uint8_to_lab(part))  # noqa: E741
            squares.append(mse_loss(generator(l).float(), ab) * len(part))
        return torch.stack(squares).sum() / len(held_out)

    about = {"size": str(images.shape[-1])}
    with Run.open(folder, options, CODE, fabric) as run:
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
