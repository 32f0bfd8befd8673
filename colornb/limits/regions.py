"""What the limits of Koalarization are measured by: small regions, unfamiliar content, objects
whose surroundings are hidden.

Every counting function gives `error`, `chroma` and `pixels`, so that `ab_error` and
`relative_error` are made of any of them.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from colornb import lab
from colornb.datasets import ImageSet
from colornb.intervals import Counts
from colornb.limits.pixels import ab_distance

AREAS = (0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.01)
"""Bounds of the area of a region, as a share of its picture."""
AREA_NAMES = [f"{100 * a:g} to {100 * min(b, 1):g} %" for a, b in pairwise(AREAS)]


def _error_and_chroma(predicted: Tensor, truth: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """ab distance to the truth, and the truth's chroma, of each pixel: two (N, H, W)."""
    chroma = torch.hypot(*lab.uint8_to_lab(truth)[:, 1:].unbind(1))
    return ab_distance(predicted, truth).numpy(), chroma.numpy()


def count_error(predicted: Tensor, truth: Tensor, where: Tensor | None = None) -> Counts:
    """Sums for each picture (N,), of uint8 (N, 3, H, W), over the pixels in `where` bool (N, H, W),
    by default all: the ab distance `error`, the truth's `chroma`, and the number of `pixels`."""
    error, chroma = _error_and_chroma(predicted, truth)
    inside = np.ones(error.shape, bool) if where is None else where.numpy()
    return {
        "error": (error * inside).sum((1, 2)),
        "chroma": (chroma * inside).sum((1, 2)),
        "pixels": inside.sum((1, 2)),
    }


def count_by_area(predicted: Tensor, truth: Tensor, regions: np.ndarray) -> Counts:
    """The means over each region, summed over the regions of a picture by their area.

    A region counts once, whatever its area: `pixels` is the number of regions here.

    Args:
        predicted, truth: uint8 (N, 3, H, W).
        regions: label maps int (N, H, W), a number for each region.

    Returns:
        `error`, `chroma` and `pixels`, each (N, len(AREAS) - 1).
    """
    counts = {
        name: np.zeros((len(truth), len(AREAS) - 1)) for name in ("error", "chroma", "pixels")
    }
    for n, (error, chroma) in enumerate(zip(*_error_and_chroma(predicted, truth), strict=True)):
        _, region = np.unique(regions[n], return_inverse=True)
        region = region.ravel()
        area = np.bincount(region)
        bin_of = np.digitize(area / region.size, AREAS) - 1
        for name, values in (("error", error), ("chroma", chroma)):
            means = np.bincount(region, values.ravel()) / area
            np.add.at(counts[name][n], bin_of, means)
        np.add.at(counts["pixels"][n], bin_of, 1)
    return counts


def ab_error(means: Counts) -> np.ndarray:
    """Mean ab distance to the truth (Lab units)."""
    return means["error"] / means["pixels"]


def relative_error(means: Counts) -> np.ndarray:
    """ab error over the truth's chroma, which is the error of a gray picture: below 1 the colours
    are worth more than none, however colourful the content is."""
    return means["error"] / means["chroma"]


def large_minus_small(means: Counts) -> np.ndarray:
    """`error_over_control` by area: in the largest regions minus in those of the second bin; the
    first holds regions of a few pixels.

    A bin is a share of the picture: at 112 pixels its regions have a quarter of the pixels that
    they have at 224, and what is small in pixels differs between sizes.
    """
    found = error_over_control(means)
    return found[..., -1] - found[..., 1]


STATISTICS = {"ab_error": ab_error, "relative_error": relative_error}


def kinds(images: ImageSet) -> dict[str, np.ndarray]:
    """Parts of a set, bool (N,): each class, each quarter by the mean chroma of the picture, and
    all."""
    counts = count_error(images.images, images.images)
    quarter = np.argsort(np.argsort(counts["chroma"] / counts["pixels"])) * 4 // len(images)
    names = ("dullest quarter", "second quarter", "third quarter", "most colourful")
    return {
        **{name: (images.labels == i).numpy() for i, name in enumerate(images.classes)},
        **{name: quarter == i for i, name in enumerate(names)},
        "all": quarter >= 0,
    }


def hide_surroundings(images: ImageSet, where: Tensor) -> ImageSet:
    """The pictures in gray, all but `where` bool (N, H, W) set to the mean L of that rest: a
    network sees the object before nothing."""
    lightness = lab.uint8_to_lab(images.images)[:, 0]
    outside = ~where
    number = outside.sum((1, 2)).clamp(min=1)
    mean = (lightness * outside).sum((1, 2)) / number
    shown = torch.where(where, lightness, mean[:, None, None])[:, None]
    gray = lab.assemble(shown, torch.zeros_like(shown).expand(-1, 2, -1, -1))
    return replace(images, images=gray)


def mirror(images: ImageSet) -> ImageSet:
    """The pictures left to right. What it changes in a painting says how large a change is that
    means nothing."""
    return replace(images, images=images.images.flip(3))


def count_hiding(
    paint: Callable[[ImageSet], list[Tensor]], images: ImageSet, where: Tensor
) -> dict[str, list[Counts]]:
    """What hiding the surroundings does to the colour of objects, for each training seed.

    Args:
        paint: what the seeds of a system make of pictures, each uint8 (N, 3, H, W).
        where: bool (N, H, W), the object.

    Returns:
        Counts over the object: the error of the pictures as they are, `shown`, and of those without
        their surroundings, `hidden`; and the ab distance from the former painting to the latter,
        `moved by hiding`, and to that of the mirrored picture, `moved by mirroring`.
    """
    shown, hidden = paint(images), paint(hide_surroundings(images, where))
    mirrored = [pictures.flip(3) for pictures in paint(mirror(images))]
    truth = [images.images] * len(shown)
    return {
        aspect: [count_error(a, b, where) for a, b in zip(one, other, strict=True)]
        for aspect, one, other in (
            ("shown", shown, truth),
            ("hidden", hidden, truth),
            ("moved by hiding", hidden, shown),
            ("moved by mirroring", mirrored, shown),
        )
    }


def error_over_control(means: Counts) -> np.ndarray:
    """ab error in multiples of a control's on the same pictures, whose counts are beside
    (`colornb.measured.beside`)."""
    return means["error"] / means["error_control"]
