"""Are the answers to different pictures different?"""

from operator import itemgetter

import torch
from torch import Tensor

from colornb import lab
from colornb.intervals import Counts, Statistic

OTHERS = 20
"""Pictures with which each is compared."""


def count(pictures: Tensor) -> Counts:
    """Of uint8 (N, 3, H, W), counts (N,): the mean distance in ab (Lab units) of the pixels of a
    picture to those at the same place of `OTHERS` other ones, evenly spread over the set."""
    ab = lab.uint8_to_lab(pictures)[:, 1:]
    n = len(ab)
    shifts = sorted({1 + k * (n - 1) // OTHERS for k in range(OTHERS)})
    apart = [torch.hypot(*(ab - ab.roll(s, 0)).unbind(1)).mean((1, 2)) for s in shifts]
    return {"output_diversity": torch.stack(apart).mean(0).numpy()}


STATISTICS: dict[str, Statistic] = {"output_diversity": itemgetter("output_diversity")}
"""Name in `colornb.limits.LIMITS` -> what makes it of the counts."""
