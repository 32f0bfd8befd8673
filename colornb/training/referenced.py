"""Trains networks that take the colours of a reference."""

from pathlib import Path

from colornb import palettes
from colornb.datasets import ImageSet
from colornb.models import Referenced
from colornb.training import gan


def fit(
    images: ImageSet,
    folder: Path,
    *,
    monitor: ImageSet,
    foreign: float,
    seed: int,
    epochs: int,
    width: float,
) -> Referenced:
    """Trains generator and discriminator on pictures and their palettes, at a one-cycle rate with
    L1 100 times beside the discriminator's judgement.

    Args:
        folder: keeps and resumes the training, see `colornb.training.gan.fit`.
        monitor: images whose painting with their own palette is followed.
        foreign: see `models.Referenced`.
        seed, epochs, width: of the training and of its networks.
    """
    return gan.fit(
        images,
        folder,
        monitor=monitor,
        network="referenced",
        network_options={"foreign": foreign},
        given=[palettes.palette(images.images)],
        given_monitor=[palettes.palette(monitor.images)],
        judged=0,
        seed=seed,
        epochs=epochs,
        width=width,
        batch_size=min(50, len(images)),
        learning_rate=2e-3,
        beta1=0.5,
        generator_steps=1,
        schedule="one_cycle",
        flip=True,
    )
