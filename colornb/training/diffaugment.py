"""Shifts what a discriminator sees and cuts a square out, at random: harder to learn by heart."""

import torch
from torch import Tensor
from torch.nn.functional import pad

SHIFT = 1 / 8
"""At most, to either side: the published share of the picture's height and width."""
CUTOUT = 1 / 2
"""Side of the square that is cut out: the published share of the picture's."""


def diff_augment(pictures: Tensor) -> Tensor:
    """Shifts each picture at random and cuts a square out of it: "translation" and "cutout" of
    differentiable augmentation (Zhao et al. 2020, arXiv 2006.10738).

    The gradient of what is left flows back to whatever made the pictures. Of the published three,
    "color" is left out: it would teach that any colour is as good as another.

    Args:
        pictures: (N, C, H, W); drawn anew for each of the N, alike for its channels.

    Returns:
        (N, C, H, W); what comes in from outside, and what is cut out, is 0.
    """
    return _cut_out(_shift(pictures))


def _shift(pictures: Tensor) -> Tensor:
    n, _, height, width = pictures.shape
    across, down = round(SHIFT * width), round(SHIFT * height)
    top, left = (
        torch.randint(0, 2 * most + 1, (n, 1), device=pictures.device) for most in (down, across)
    )
    rows = top + torch.arange(height, device=pictures.device)
    columns = left + torch.arange(width, device=pictures.device)
    which = torch.arange(n, device=pictures.device)[:, None, None]
    last = pad(pictures, (across, across, down, down)).permute(0, 2, 3, 1)
    return last[which, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def _cut_out(pictures: Tensor) -> Tensor:
    n, _, *sides = pictures.shape
    inside = []
    for length in sides:
        size = round(CUTOUT * length)
        # The square's middle lies anywhere in the picture, so that much of it may lie outside.
        middle = torch.randint(0, length + 1, (n, 1), device=pictures.device)
        place = torch.arange(length, device=pictures.device) - middle + size // 2
        inside.append((place >= 0) & (place < size))
    down, across = inside
    return pictures * ~(down[:, None, :, None] & across[:, None, None, :])
