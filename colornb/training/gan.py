"""Trains the U-Net generator, with or without the conditional discriminator."""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss

from colornb import lab
from colornb.datasets import ImageSet
from colornb.models import create_model
from colornb.training.run import (
    Run,
    batches,
    check_sizes,
    coins,
    make_fabric,
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
    adversarial_weight: float = 1.0,
    schedule: str = "constant",
    flip: bool = False,
    width: float = 1.0,
    device: str = "auto",
    precision: str = "auto",
):
    """Trains a generator (Nazeri et al. 2018, arXiv 1803.05400) and returns it.

    Per batch: one step of the discriminator, then `generator_steps` of the generator on
    adversarial_weight * BCE(D(l, G(l)), true) + l1_weight * |G(l) - ab|, the non-saturating GAN
    loss with L1. Without an adversarial weight there is no discriminator.

    Args:
        images: the training set, 32x32.
        folder: the run's folder; an interrupted run is resumed there.
        monitor: images whose loss is logged after each epoch; nothing is chosen by it.
        discriminator_rate: the discriminator's learning rate over the generator's.
        schedule: "constant" or "one_cycle".
        flip: mirrors half of the pictures of each batch.
        width: factor on the inner channels of both networks.

    Raises:
        ColornbError: the folder is in use, or a loss is not finite.
    """
    settings = {k: v for k, v in locals().items() if k not in ("images", "folder", "monitor")}
    check_sizes(epochs, batch_size, len(images))
    fabric, settings["precision"] = make_fabric(device, precision)
    settings["data_sha256"] = images.sha256
    torch.manual_seed(seed)
    adversarial = adversarial_weight > 0
    generator = create_model("unet", width=width).to(memory_format=torch.channels_last)
    discriminator = create_model("discriminator", width=width)
    discriminator.to(memory_format=torch.channels_last)

    steps = epochs * (len(images) // batch_size)
    g_optimizer = torch.optim.Adam(generator.parameters(), learning_rate, betas=(beta1, 0.999))
    d_optimizer = torch.optim.Adam(
        discriminator.parameters(), learning_rate * discriminator_rate, betas=(beta1, 0.999)
    )
    g_schedule = make_schedule(schedule, g_optimizer, steps)
    d_schedule = make_schedule(schedule, d_optimizer, steps)
    generator, g_optimizer = fabric.setup(generator, g_optimizer)
    discriminator, d_optimizer = fabric.setup(discriminator, d_optimizer)
    data, held_out = images.images.to(fabric.device), monitor.images.to(fabric.device)

    def judge(l: Tensor, ab: Tensor, truth: bool) -> Tensor:  # noqa: E741
        logits = discriminator(torch.cat((l, ab), dim=1))
        return binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(truth)))

    def train_one_epoch() -> dict[str, Tensor]:
        generator.train()
        sums = torch.zeros(3, device=fabric.device)
        for index in batches(len(data), batch_size, fabric.device):
            pixels = data[index]
            if flip:
                pixels = mirror(pixels, coins(len(pixels), pixels.device))
            l, ab = lab.normalize(lab.rgb_to_lab(lab.to_float(pixels)))  # noqa: E741
            fake = generator(l)
            if adversarial:
                d_loss = (judge(l, ab, True) + judge(l, fake.detach(), False)) / 2
                d_optimizer.zero_grad()
                fabric.backward(d_loss)
                d_optimizer.step()
                d_schedule.step()
            for step in range(generator_steps):
                if step:
                    fake = generator(l)
                l1 = l1_loss(fake, ab)
                g_loss = l1_weight * l1
                if adversarial:
                    discriminator.requires_grad_(False)
                    g_loss = g_loss + adversarial_weight * judge(l, fake, True)
                    discriminator.requires_grad_(True)
                g_optimizer.zero_grad()
                fabric.backward(g_loss)
                g_optimizer.step()
            g_schedule.step()
            losses = (g_loss, l1, d_loss if adversarial else torch.zeros_like(l1))
            sums += torch.stack([loss.detach() for loss in losses])
        g, l1, d = sums / (len(data) // batch_size)
        return {"generator": g, "l1": l1} | ({"discriminator": d} if adversarial else {})

    @torch.no_grad()
    def monitored() -> Tensor:
        generator.eval()
        squares = []
        for part in held_out.split(250):
            l, ab = lab.normalize(lab.rgb_to_lab(lab.to_float(part)))  # noqa: E741
            squares.append(mse_loss(generator(l).float(), ab) * len(part))
        return torch.stack(squares).sum() / len(held_out)

    with Run.open(folder, settings, CODE) as run:
        parts = {"generator": generator, "g_optimizer": g_optimizer, "g_schedule": g_schedule}
        if adversarial:
            parts |= {
                "discriminator": discriminator,
                "d_optimizer": d_optimizer,
                "d_schedule": d_schedule,
            }
        for _ in run.epochs(epochs, "GAN" if adversarial else "U-Net", **parts):
            losses = train_one_epoch()
            run.log(**losses, monitor_mse_ab=monitored())
        return run.finish(generator.module, size=str(images.images.shape[-1]))
