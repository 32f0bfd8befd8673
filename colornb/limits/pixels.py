"""What several limitation measures look at in every pixel of pictures."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from colornb import lab
from colornb.limits import HUE_CHROMA


def ab_distance(predicted: Tensor, truth: Tensor) -> Tensor:
    """Distance in the ab plane between the pixels of uint8 (N, 3, H, W): (N, H, W), Lab units."""
    one, other = (lab.uint8_to_lab(images)[:, 1:] for images in (predicted, truth))
    return torch.hypot(*(one - other).unbind(1))


def hue(ab: Tensor) -> tuple[Tensor, Tensor]:
    """Hue of ab (N, 2, H, W) in degrees 0..360, (N, H, W), and where there is one, bool (N, H, W):
    at a chroma of at least `HUE_CHROMA`."""
    a, b = ab.unbind(1)
    return torch.rad2deg(torch.atan2(b, a)) % 360, torch.hypot(a, b) >= HUE_CHROMA


def roughness(images: Tensor) -> Tensor:
    """Standard deviation of L in windows of 5 x 5 pixels, of uint8 (N, 3, H, W): (N, H, W), Lab
    units."""
    lightness = lab.uint8_to_lab(images)[:, :1]

    def mean(x: Tensor) -> Tensor:
        return avg_pool2d(x, 5, 1, 2, count_include_pad=False)[:, 0]

    return (mean(lightness**2) - mean(lightness) ** 2).clamp(min=0).sqrt()
