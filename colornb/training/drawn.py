"""Trains the U-Net on drawn scenes, whose knobs turn the cause of a limitation."""

from pathlib import Path

from colornb.datasets import ImageSet
from colornb.errors import ColornbError
from colornb.models import UNetGenerator
from colornb.training import gan

LOSSES = {
    "l2": {"l1_weight": 0.0, "l2_weight": 100.0, "adversarial_weight": 0.0},
    "l1": {"l1_weight": 100.0, "adversarial_weight": 0.0},
    "gan": {"l1_weight": 100.0, "adversarial_weight": 1.0},
}
"""Name -> weights of the losses: regression on the squared or the absolute distance, or L1 with a
discriminator."""


def fit(
    images: ImageSet,
    folder: Path,
    loss: str,
    *,
    monitor: ImageSet,
    seed: int,
    epochs: int,
    width: float,
    batch_size: int = 50,
) -> UNetGenerator:
    """Trains a generator under one of `LOSSES`, at a one-cycle rate with its peak at 2e-3; the
    folder keeps and resumes it, as `colornb.training.gan.fit` does.

    Raises:
        ColornbError: an unknown loss; the folder is in use.
    """
    if loss not in LOSSES:
        raise ColornbError(f"There is no loss {loss!r}; there are: {', '.join(LOSSES)}.")
    return gan.fit(
        images,
        folder,
        monitor=monitor,
        seed=seed,
        epochs=epochs,
        width=width,
        batch_size=batch_size,
        learning_rate=2e-3,
        beta1=0.5,
        generator_steps=1,
        schedule="one_cycle",
        flip=True,
        **LOSSES[loss],
    )
