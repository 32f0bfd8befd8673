"""Trains the U-Net on drawn scenes, whose knobs turn the cause of a limitation."""

from pathlib import Path

from colornb.datasets import ImageSet
from colornb.training import gan

LOSSES = {
    "l2": {"l1_weight": 0.0, "l2_weight": 100.0, "adversarial_weight": 0.0},
    "l1": {"l1_weight": 100.0, "adversarial_weight": 0.0},
    "gan": {"l1_weight": 100.0, "adversarial_weight": 1.0},
}
"""Name -> weights of the losses: regression on the squared or the absolute distance, or L1 with a
discriminator."""


def fit_losses(
    images: ImageSet, folder: Path, *, monitor: ImageSet, seeds: int, epochs: int, width: float
) -> None:
    """Trains generators under each of `LOSSES`, at a one-cycle rate with its peak at 2e-3.

    Each lies in `folder/LOSS/seedK`, which keeps and resumes it as `colornb.training.gan.fit` does.

    Args:
        images, monitor: scenes to train on, and those whose painting is followed.
        seeds: trainings of each loss.
        epochs, width: of each training and of its generator.

    Raises:
        ColornbError: the folder is in use.
    """
    for loss, weights in LOSSES.items():
        for seed in range(seeds):
            gan.fit(
                images,
                folder / loss / f"seed{seed}",
                monitor=monitor,
                seed=seed,
                epochs=epochs,
                width=width,
                batch_size=min(50, len(images)),
                learning_rate=2e-3,
                beta1=0.5,
                generator_steps=1,
                schedule="one_cycle",
                flip=True,
                **weights,
            )
