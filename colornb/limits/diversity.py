"""Are the answers to different pictures different?"""

from operator import itemgetter

import torch
from torch import Tensor

from colornb import lab
from colornb.intervals import Counts, Statistic

OTHERS = 20
"""Pictures with which each is compared."""


def count(pictures: Tensor) -> Counts:
    """Of uint8 (N, 3, H, W), counts (N,) whose mean is the mean distance in ab (Lab units) of the
    pixels of a picture to those at the same place of `OTHERS` other ones, evenly spread over the
    set.

    A picture counts in its own distances and in those of the pictures that are compared with it, so
    its count is the jackknife's pseudo-value: what it adds to the mean in both roles. A bootstrap
    of the distances themselves, as if they were independent, would give intervals half as wide.
    """
    ab = lab.uint8_to_lab(pictures)[:, 1:]
    n = len(ab)
    shifts = sorted({1 + k * (n - 1) // OTHERS for k in range(OTHERS)})
    apart = [torch.hypot(*(ab - ab.roll(s, 0)).unbind(1)).mean((1, 2)) for s in shifts]
    both = [(d + d.roll(-s, 0)) / 2 for s, d in zip(shifts, apart, strict=True)]
    rows = torch.stack(both).mean(0)
    return {"output_diversity": (2 * rows - rows.mean()).numpy()}


STATISTICS: dict[str, Statistic] = {"output_diversity": itemgetter("output_diversity")}
"""Name in `colornb.limits.LIMITS` -> what makes it of the counts."""
