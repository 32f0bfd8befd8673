"""Trains the U-Net on drawn scenes, whose knobs turn the cause of a limitation."""

from pathlib import Path
from typing import Any

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
    for loss in LOSSES:
        for seed in range(seeds):
            fit(
                images,
                folder / loss / f"seed{seed}",
                monitor=monitor,
                seed=seed,
                epochs=epochs,
                width=width,
                loss=loss,
            )


def fit(images: ImageSet, folder: Path, *, loss: str, **options: Any) -> Path:
    """Trains one generator under one of `LOSSES`, with more `options` of
    `colornb.training.gan.fit`, and returns the path of its weights."""
    gan.fit(
        images,
        folder,
        batch_size=min(50, len(images)),
        learning_rate=2e-3,
        beta1=0.5,
        generator_steps=1,
        schedule="one_cycle",
        flip=True,
        **LOSSES[loss],
        **options,
    )
    return folder / "weights.safetensors"


def fit_edges(
    images: ImageSet,
    folder: Path,
    edge_net: Path,
    edge_weight: float,
    *,
    loss: str,
    monitor: ImageSet,
    seeds: int,
    epochs: int,
    width: float,
) -> list[Path]:
    """Trains generators under one of `LOSSES` as `fit_losses` does, with an EdgeNet in it; see
    `colornb.training.gan.fit`. Returns their weights, a file for each seed."""
    options = {"edge_net": edge_net, "edge_weight": edge_weight, "loss": loss}
    options |= {"monitor": monitor, "epochs": epochs, "width": width}
    return [fit(images, folder / f"seed{seed}", seed=seed, **options) for seed in range(seeds)]
