"""Trains an EdgeNet on the edges of chroma, or on those of another teacher."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from colornb.datasets import ImageSet
from colornb.limits import leaks
from colornb.training import regression

KINDS = {
    "guess_chroma": ("l", False),
    "guess_boundaries": ("l", True),
    "judge_chroma": ("ab", False),
    "judge_boundaries": ("ab", True),
}
"""Name -> what an EdgeNet sees, and whether its teacher are boundaries of regions."""


def fit(
    images: ImageSet,
    folder: Path,
    *,
    monitor: ImageSet,
    sees: str = "ab",
    teacher: Sequence[Tensor] = (),
    teacher_monitor: Sequence[Tensor] = (),
    seed: int = 0,
    epochs: int = 4,
) -> Path:
    """Trains a `models.EdgeNet` at a one-cycle rate and returns the path of its weights.

    Args:
        images, folder, monitor, seed, epochs: see `colornb.training.regression.fit`.
        sees: "ab", to judge colours, or "l", to guess their edges from the gray picture.
        teacher, teacher_monitor: the edges to learn and those of the monitor, each one bool
            (N, 1, H, W); by default the chroma edges of the pictures.
    """
    pixels = images.images[0, 0].numel()
    regression.fit(
        images,
        folder,
        network="edgenet",
        network_options={"channels": 2 if sees == "ab" else 1},
        monitor=monitor,
        given=teacher,
        given_mirrored=[edges.flip(3) for edges in teacher],
        given_monitor=teacher_monitor,
        objective="edges",
        objective_options={"sees": sees},
        seed=seed,
        epochs=epochs,
        batch_size=min(50, len(images), max(4, 2**16 // pixels)),
        learning_rate=3e-3,
        schedule="one_cycle",
        flip=True,
    )
    return folder / "weights.safetensors"


def fit_kinds(
    images: ImageSet, folder: Path, kinds: Iterable[str], *, monitor: ImageSet, epochs: int
) -> dict[str, Path]:
    """Trains EdgeNets of `KINDS` on pictures with regions, and returns their weights."""
    weights = {}
    for kind in kinds:
        sees, taught = KINDS[kind]
        options = {"monitor": monitor, "sees": sees, "epochs": epochs}
        if taught:
            for name, one in (("teacher", images), ("teacher_monitor", monitor)):
                options[name] = [torch.from_numpy(leaks.boundaries(one))[:, None]]
        weights[kind] = fit(images, folder / kind, **options)
    return weights
