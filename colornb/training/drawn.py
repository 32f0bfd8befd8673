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


def _fit(images: ImageSet, folder: Path, *, loss: str, seeds: int, **options: Any) -> list[Path]:
    """Trains a generator with each seed under one of `LOSSES`, with more `options` of
    `colornb.training.gan.fit`; the weights, a file for each seed."""
    folders = [folder / f"seed{seed}" for seed in range(seeds)]
    for seed, place in enumerate(folders):
        gan.fit(
            images,
            place,
            seed=seed,
            batch_size=min(50, len(images)),
            learning_rate=2e-3,
            beta1=0.5,
            generator_steps=1,
            schedule="one_cycle",
            flip=True,
            **LOSSES[loss],
            **options,
        )
    return [place / "weights.safetensors" for place in folders]


def fit_losses(images: ImageSet, folder: Path, **options: Any) -> None:
    """Trains generators under each of `LOSSES`, at a one-cycle rate with its peak at 2e-3.

    Each lies in `folder/LOSS/seedK`, which keeps and resumes it as `colornb.training.gan.fit` does.

    Args:
        images: scenes to train on.
        options: `monitor`, scenes whose painting is followed; `seeds`, trainings of each loss;
            `epochs` and `width` of each training and of its generator.

    Raises:
        ColornbError: the folder is in use.
    """
    for loss in LOSSES:
        _fit(images, folder / loss, loss=loss, **options)


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
    **options: Any,
) -> dict[str, list[Path]]:
    """Trains generators under each of `EDGE_LOSSES`, with the options of `fit_losses`; see
    `colornb.training.gan.fit`. Returns "gan/scenes_NAME" -> weights, a file for each seed."""
    return {
        f"gan/scenes_{name}": _fit(
            images,
            folder / name,
            loss=loss,
            edge_net=edge_nets[judge],
            edge_weight=edge_weight,
            **options,
        )
        for name, (loss, judge) in EDGE_LOSSES.items()
    }
