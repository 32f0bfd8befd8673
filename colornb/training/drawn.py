"""Trains the U-Net on drawn scenes, whose knobs turn the cause of a limitation."""

from collections.abc import Mapping
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


EDGE_LOSSES = {
    "edges": ("gan", "judge_chroma"),
    "boundaries": ("gan", "judge_boundaries"),
    "l1_edges": ("l1", "judge_chroma"),
}
"""Name -> one of `LOSSES`, and which of `edges.KINDS` of EdgeNets joins it."""


def fit_edges(
    images: ImageSet,
    folder: Path,
    edge_nets: Mapping[str, Path],
    edge_weight: float,
    *,
    monitor: ImageSet,
    seeds: int,
    epochs: int,
    width: float,
) -> dict[str, list[Path]]:
    """Trains generators under each of `EDGE_LOSSES` as `fit_losses` does; see
    `colornb.training.gan.fit`. Returns "gan/scenes_NAME" -> weights, a file for each seed."""
    weights: dict[str, list[Path]] = {}
    for name, (loss, judge) in EDGE_LOSSES.items():
        for seed in range(seeds):
            path = fit(
                images,
                folder / name / f"seed{seed}",
                monitor=monitor,
                seed=seed,
                epochs=epochs,
                width=width,
                loss=loss,
                edge_net=edge_nets[judge],
                edge_weight=edge_weight,
            )
            weights.setdefault(f"gan/scenes_{name}", []).append(path)
    return weights
