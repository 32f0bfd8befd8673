"""Short trainings of Koalarization that differ in one thing and are compared among themselves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from colornb import features
from colornb.datasets import ImageSet
from colornb.training import koalarization


def fit(
    images: ImageSet,
    folder: Path,
    settings: Mapping[str, Any],
    *,
    monitor: ImageSet,
    steps: int,
    seed: int,
) -> Path:
    """Trains for about `steps` steps, whatever the number of images: whole epochs, at least one.
    Returns the path of the weights.

    Args:
        settings: parameters of the chapter on Koalarization (`study.parameters`), of which the
            epochs do not count.
        monitor: images whose loss is logged.
        seed: as in `colornb.training.koalarization.fit`, which keeps and resumes the training in
            `folder`.
    """
    chosen, extractor = dict(settings), settings["extractor"]
    del chosen["hold_out"]
    chosen["epochs"] = epochs(len(images), chosen["batch_size"], steps)
    mirrored = features.embed(images, extractor, mirrored=True) if chosen.pop("flip") else None
    koalarization.fit(
        images,
        features.embed(images, extractor),
        folder,
        monitor=monitor,
        monitor_features=features.embed(monitor, extractor),
        mirrored_features=mirrored,
        seed=seed,
        **chosen,
    )
    return folder / "weights.safetensors"


def epochs(images: int, batch_size: int, steps: int) -> int:
    """Whole epochs of about `steps` steps, at least one."""
    return max(1, steps // max(1, images // batch_size))


def part(images: ImageSet, number: int, seed: int) -> ImageSet:
    """`number` images drawn with `seed`; a larger part contains the smaller ones."""
    dice = torch.Generator().manual_seed(seed)
    return images.subset(torch.randperm(len(images), generator=dice)[:number])


def fit_variations(
    train: ImageSet,
    drawn: ImageSet,
    folder: Path,
    settings: Mapping[str, Any],
    *,
    monitor: ImageSet,
    seeds: int,
    sizes: Sequence[int],
    steps: int,
    width: float,
) -> dict[str, list[Path]]:
    """Trains on `part`s of `train` ("with_250", ...), on the largest of them without the
    classifier's features ("without"), and on drawn scenes ("scenes").

    Args:
        seeds: trainings of each.
        sizes: of the parts, increasing.
        settings, monitor, steps: see `fit`.
        width: of the network, in place of that in the settings.

    Returns:
        name -> weights, one file for each seed.
    """
    usual = settings["extractor"]
    weights: dict[str, list[Path]] = {}
    for seed in range(seeds):
        variations = {f"with_{n}": (part(train, n, seed), usual) for n in sizes}
        variations["without"] = part(train, sizes[-1], seed), "none"
        variations["scenes"] = drawn, usual
        for name, (images, extractor) in variations.items():
            chosen = {**settings, "extractor": extractor, "width": width}
            options = {"monitor": monitor, "steps": steps, "seed": seed}
            path = fit(images, folder / name / f"seed{seed}", chosen, **options)
            weights.setdefault(name, []).append(path)
    return weights
