"""What one gets for nothing: colorizations without a network, and the control row for colour.

Every table of the study carries these rows. All keep the true L; ab is in Lab units, (2,) for a
colour and (N, 2, H, W) for pictures; pictures are uint8 sRGB (N, 3, H, W).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor

from colornb import lab
from colornb.errors import ColornbError

SEES = {
    "gray": "l",
    "mean_ab": "l",
    "median_ab": "l",
    "class_mean_ab": "class",
    "ab_given_l": "l",
    "oracle_image_mean": "answer",
}
"""Name -> what it looks at: `l` (as the systems do), the picture's `class`, or the `answer`."""

NAMES = tuple(SEES)

_CHUNK_PIXELS = 2**20  # pixels converted at once, to bound the memory
_REACH, _STEP = 128, 0.01  # |ab| of sRGB stays below; medians are exact to half a step


@dataclass(frozen=True)
class Baselines:
    """Colours learned from a training set; made by `fit`."""

    mean_ab: Tensor  # (2,)
    median_ab: Tensor  # (2,): of a and of b
    class_mean_ab: Tensor  # (classes, 2)
    ab_given_l: Tensor  # (101, 2): mean ab of the pixels whose L rounds to 0, 1, ..., 100

    @torch.no_grad()
    def predict(self, name: str, truth: Tensor, labels: Tensor) -> Tensor:
        """Colorize pictures with one of `NAMES`, using only what `SEES[name]` says.

        `truth` uint8 (N, 3, H, W) and `labels` int64 (N,) to uint8 (N, 3, H, W).
        """
        if name not in SEES:
            raise ColornbError(f"no baseline {name!r}: choose one of {', '.join(NAMES)}")
        return torch.cat(
            [
                lab.assemble(pixels[:, :1], self._ab(name, pixels, part).expand_as(pixels[:, 1:]))
                for pixels, part in _lab_chunks(truth, labels)
            ]
        )

    def _ab(self, name: str, pixels: Tensor, labels: Tensor) -> Tensor:
        """ab (N or 1, 2, H or 1, W or 1) for pictures in Lab."""
        match name:
            case "gray":
                return pixels.new_zeros(1, 2, 1, 1)
            case "class_mean_ab":
                return self.class_mean_ab.to(pixels)[labels][..., None, None]
            case "ab_given_l":
                return self.ab_given_l.to(pixels)[_l_bin(pixels)].movedim(-1, 1)
            case "oracle_image_mean":
                return pixels[:, 1:].mean(dim=(2, 3), keepdim=True)
            case _:
                return getattr(self, name).to(pixels).view(1, 2, 1, 1)


def _lab_chunks(images: Tensor, beside: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Lab (n, 3, H, W) of a few pictures at a time, and their rows of another tensor."""
    size = max(1, _CHUNK_PIXELS // images[0, 0].numel())
    for part, rows in zip(images.split(size), beside.split(size), strict=True):
        yield lab.uint8_to_lab(part), rows.to(part.device)


def _l_bin(pixels: Tensor) -> Tensor:
    return pixels[:, 0].round().long().clamp(0, 100)


@torch.no_grad()
def fit(images: Tensor, labels: Tensor, classes: int = 0) -> Baselines:
    """Learn the colours of training pictures uint8 (N, 3, H, W) with labels int64 (N,).

    There may be more `classes` than have a picture: the mean of such a class is that of all.
    """
    classes, levels = max(classes, int(labels.max()) + 1), round(2 * _REACH / _STEP)
    by_class = torch.zeros(3, classes, dtype=torch.float64)  # pixels, sum of a, sum of b
    by_l = torch.zeros(3, 101, dtype=torch.float64)
    by_level = torch.zeros(2, levels, dtype=torch.int64)  # histograms of a and of b
    for pixels, part in _lab_chunks(images, labels):
        l_bin = _l_bin(pixels).flatten()
        one_a_b = torch.cat((torch.ones_like(pixels[:, :1]), pixels[:, 1:]), dim=1)
        by_class.index_add_(1, part.cpu(), one_a_b.sum((2, 3), dtype=torch.float64).T.cpu())
        for row, values in enumerate(one_a_b.unbind(1)):
            by_l[row] += torch.bincount(l_bin, values.flatten().double(), 101).cpu()
        for row, values in enumerate(((pixels[:, 1:] + _REACH) / _STEP).long().unbind(1)):
            by_level[row] += torch.bincount(values.flatten(), minlength=levels).cpu()

    mean = by_l[1:].sum(1) / by_l[0].sum()
    class_mean = torch.where(by_class[0] > 0, by_class[1:] / by_class[0], mean[:, None])
    seen = by_l[0] > 0
    bins = np.arange(101)
    ab_given_l = [np.interp(bins, bins[seen], row[seen] / by_l[0, seen]) for row in by_l[1:]]
    middle = (by_level.cumsum(1) * 2 >= by_level.sum(1, keepdim=True)).int().argmax(1)
    return Baselines(
        mean_ab=mean.float(),
        median_ab=((middle + 0.5) * _STEP - _REACH).float(),
        class_mean_ab=class_mean.T.float(),
        ab_given_l=torch.from_numpy(np.stack(ab_given_l, axis=1)).float(),
    )


@torch.no_grad()
def recolor(truth: Tensor, ab: Tensor) -> Tensor:
    """Pictures with the L of `truth` uint8 (N, 3, H, W) and the colours ab (N, 2, h, w): uint8."""
    return torch.cat([lab.assemble(pixels[:, :1], part) for pixels, part in _lab_chunks(truth, ab)])


def chroma_gain(ab: Tensor, truth: Tensor) -> float:
    """The constant that, multiplied with predicted ab, makes `chroma_retention` 1.

    For the control row "regression x gain" beside every claim about colourfulness: choose the
    gain on validation pictures, then `recolor(truth, gain * ab)` the test pictures. `ab`
    (N, 2, h, w) in Lab units, `truth` uint8 (N, 3, H, W). What the sRGB gamut cuts off is taken
    into account. ColornbError if no gain up to 64 is enough.
    """
    goal = _mean_chroma(truth)

    def excess(gain: float) -> float:
        return _mean_chroma(recolor(truth, gain * ab)) - goal

    high = 1.0
    while excess(high) < 0:
        high *= 2
        if high > 64:
            raise ColornbError(
                "no gain up to 64 makes the predictions as colourful as the truth: "
                "the model predicts gray, train it longer"
            )
    return brentq(excess, 0, high, xtol=1e-3)


@torch.no_grad()
def _mean_chroma(images: Tensor) -> float:
    pictures = _lab_chunks(images, images)
    chroma = sum(torch.hypot(*pixels[:, 1:].unbind(1)).sum() for pixels, _ in pictures)
    return float(chroma) / images[:, 0].numel()
