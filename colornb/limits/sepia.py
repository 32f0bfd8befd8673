"""Sepia: colours drawn towards the mean colour of the training pictures."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from colornb import baselines, lab
from colornb.datasets import ImageSet
from colornb.intervals import Counts
from colornb.limits.pixels import hue, roughness

SEPIA_ANGLE = 25.0
"""Degrees from the hue of the training mean within which a colour counts as sepia."""
_FAINT = 0.1  # mean chroma (Lab units) below which a picture has no hue to measure


def counting(train: ImageSet) -> Callable[[Tensor, ImageSet], Counts]:
    """`count_sepia` over whole pictures of an image set, with the mean ab of training pictures."""
    mean_ab = baselines.fit(train.images, train.labels).mean_ab
    return lambda pictures, images: count_sepia(pictures, images.images, mean_ab)


@torch.no_grad()
def count_sepia(
    predicted: Tensor, truth: Tensor, mean_ab: Tensor, where: Tensor | None = None
) -> Counts:
    """Sums over the pixels of each picture, of uint8 (N, 3, H, W) predicted and true.

    Args:
        mean_ab: (2,) the mean ab of the training pictures, as `baselines.fit` finds it.
        where: bool (N, H, W), the pixels that count, e.g. the sky; by default all.

    Returns:
        Each (N,): `pixels`; of the prediction, and with the ending `_truth` of the truth, `chroma`
        (Lab units), `sepia` (the chroma of pixels whose hue is within `SEPIA_ANGLE` of that of
        `mean_ab`), `along` (ab along `mean_ab`, Lab units) and `b` (the blue-to-yellow axis).
    """
    where = torch.ones_like(truth[:, 0], dtype=torch.bool) if where is None else where
    counts = {"pixels": where.sum((1, 2))}
    for pictures, ending in ((predicted, ""), (truth, "_truth")):
        ab = lab.uint8_to_lab(pictures)[:, 1:] * where[:, None]
        chroma = torch.hypot(*ab.unbind(1))
        along = torch.einsum("nchw,c->nhw", ab, mean_ab / mean_ab.norm())
        sepia = chroma * (along > chroma * np.cos(np.deg2rad(SEPIA_ANGLE)))
        for name, values in {
            "chroma": chroma,
            "sepia": sepia,
            "along": along,
            "b": ab[:, 1],
        }.items():
            counts[name + ending] = values.sum((1, 2), dtype=torch.float64)
    return {name: values.numpy() for name, values in counts.items()}


def _where_coloured(means: Counts, part: np.ndarray, ending: str = "") -> np.ndarray:
    """`part` over the chroma; NaN where nearly all is gray, whose hue would be one of rounding."""
    enough = means["chroma" + ending] > _FAINT * means["pixels"]
    return np.where(enough, part / np.where(enough, means["chroma" + ending], 1), np.nan)


def sepia_index(means: Counts) -> np.ndarray:
    """Share of the predicted chroma with the hue of the training mean, minus the truth's share.

    0 for the truth; 1 minus the truth's share if everything has the training mean's colour.
    """
    return _where_coloured(means, means["sepia"]) - sepia_share_truth(means)


def mean_ab_projection(means: Counts) -> np.ndarray:
    """The mean predicted ab along the training mean ab, over the mean predicted chroma.

    1 if every pixel has the hue of the training mean, whatever its chroma; the truth, where hues
    cancel, lies far below. (Over the length of the training mean it would be 1 both for the truth
    and for a picture painted with that mean, and tell nothing.)
    """
    return _where_coloured(means, means["along"])


def chroma_retention(means: Counts) -> np.ndarray:
    """Mean chroma of the prediction over that of the truth."""
    return means["chroma"] / means["chroma_truth"]


def blueness(means: Counts) -> np.ndarray:
    """Mean predicted b (Lab units) of the pixels that count: blue below 0, yellow above."""
    return means["b"] / means["pixels"]


STATISTICS = {
    "sepia_index": sepia_index,
    "mean_ab_projection": mean_ab_projection,
    "chroma_retention": chroma_retention,
}


def sepia_share_truth(means: Counts) -> np.ndarray:
    """Share of the true chroma with the hue of the training mean."""
    return _where_coloured(means, means["sepia_truth"], "_truth")


def smooth_tops(images: Tensor) -> Tensor:
    """Smooth upper halves, as skies have them, found in L alone: bool (N, H, W) of uint8 pictures.

    The pixels of the upper half whose L fluctuates by less than 4 (`pixels.roughness`), of pictures
    where they are at least half of it. Elsewhere all is False.
    """
    half = images.shape[2] // 2
    smooth = roughness(images) < 4
    smooth[:, half:] = False
    return smooth & (_share_of_top(smooth) >= 0.5)[:, None, None]


def _share_of_top(pixels: Tensor) -> Tensor:
    return pixels[:, : pixels.shape[1] // 2].float().mean((1, 2))


@torch.no_grad()
def clear_skies(images: Tensor) -> Tensor:
    """Clear skies that turn from blue to warmer colours: bool (N, H, W) of true pictures uint8.

    A rule without a choice by eye: of the `smooth_tops`, those where at least a quarter of the
    upper half is blue (hue 200 to 300 degrees), and b of the third next to the middle is at least
    5 Lab units above b of the top third. The rule looks at the true colours, so any system that
    cannot see them looks more sepia than these skies.
    """
    ab = lab.uint8_to_lab(images)[:, 1:]
    smooth, half = smooth_tops(images), images.shape[2] // 2
    degrees, coloured = hue(ab)
    blue = smooth & coloured & (degrees >= 200) & (degrees <= 300)

    def b_of(rows: slice) -> Tensor:
        """NaN, which no comparison holds for, where these rows have no smooth pixel."""
        return (ab[:, 1] * smooth)[:, rows].sum((1, 2)) / smooth[:, rows].sum((1, 2))

    warmer = b_of(slice(half - half // 3, half)) - b_of(slice(0, half // 3)) >= 5
    return smooth & ((_share_of_top(blue) >= 0.25) & warmer)[:, None, None]
