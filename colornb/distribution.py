"""Colours as a distribution over the 313 bins of ab: loss, class rebalancing, samples.

After Zhang, Isola and Efros 2016 (arXiv 1603.08511). A network ends in logits (N, 313, h, w);
`colornb.lab` has the bins, the soft encoding and the annealed mean.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, softmax

from colornb import lab
from colornb.metrics import ab_frequency


@cache
def _soft_table(device: torch.device) -> tuple[Tensor, Tensor]:
    """Index and weight of the five bins of `lab.soft_encode` for every whole (a, b) of -128..127:
    two (5, 256, 256)."""
    steps = torch.arange(-128.0, 128)
    plane = torch.stack(torch.meshgrid(steps, steps, indexing="ij"))
    weight, index = lab.soft_encode(plane[None])[0].topk(5, dim=0)
    return index.to(device), weight.to(device)


def cross_entropy(logits: Tensor, ab: Tensor, pixel_weight: Tensor | None = None) -> Tensor:
    """Mean cross entropy between predicted and softly encoded true colours, a scalar (nats).

    The soft encoding is looked up for ab in whole units, and only its five bins are touched: a
    third of the time of the dense one.

    Args:
        logits: (N, 313, h, w).
        ab: the truth in Lab units (N, 2, H, W); averaged to h x w where that is smaller.
        pixel_weight: (313,) from `rebalancing`: a pixel counts by its nearest bin.
    """
    ab = adaptive_avg_pool2d(ab, logits.shape[2:])
    a, b = (ab.round().clamp(-128, 127).long() + 128).unbind(1)
    index, weight = (table[:, a, b].flatten(1).T for table in _soft_table(ab.device))
    rows = logits.permute(0, 2, 3, 1).flatten(0, 2)  # a pixel each; no copy where channels are last
    log_share = torch.log_softmax(rows, dim=1, dtype=torch.float32)
    loss = -(weight * log_share.gather(1, index)).sum(1)
    if pixel_weight is not None:
        loss = loss * pixel_weight[lab.quantize_ab(ab)].flatten()
    return loss.mean()


def mean_error(logits: Tensor, ab: Tensor, pixel_weight: Tensor | None = None) -> Tensor:
    """Mean squared distance of the predicted distributions' mean colours from the true ones, in
    ab / 110, a scalar; arguments as of `cross_entropy`.

    The right distribution has the least of both, so the two losses do not pull apart; but the
    cross entropy hardly tells a colour that is near from one that is far.
    """
    ab = adaptive_avg_pool2d(ab, logits.shape[2:])
    away = (lab.annealed_mean(logits.float(), 1.0) - ab) / lab.AB_SCALE
    squared = away.square().sum(1)
    if pixel_weight is not None:
        squared = squared * pixel_weight[lab.quantize_ab(ab)]
    return squared.mean()


def rebalancing(images: Tensor, strength: float = 0.5, sigma: float = 5.0) -> Tensor:
    """Weights (313,) by which a pixel of each bin counts, so that rare colours are learned too.

    1 / ((1 - strength) p + strength / 313), scaled to a mean of 1 over the pixels: p is the share
    of each bin in the training pictures, smoothed by a Gaussian of width `sigma` over the bins
    (arXiv 1603.08511, equation 4, where the strength is lambda).

    Args:
        images: training pictures, uint8 (N, 3, H, W).
        strength: above 0 (by how rare a bin is) to 1 (all bins alike).
    """
    share, bins = ab_frequency(images, added=0), lab.ab_bins().to(images.device)
    near = torch.exp(-(torch.cdist(bins, bins) ** 2) / (2 * sigma**2))
    smooth = (near / near.sum(dim=0)) @ share  # each bin's share is spread over its neighbours
    weight = 1 / ((1 - strength) * smooth + strength / len(bins))
    return weight / (share * weight).sum()


def sample(
    logits: Tensor, temperature: float = 1.0, *, seed: int = 0, coherent: bool = True
) -> Tensor:
    """ab (N, 2, h, w) in Lab units, drawn from softmax(logits / T) at every pixel.

    The largest of logits / T plus Gumbel noise is such a draw. With noise of its own every pixel
    draws apart, which gives confetti. With one noise for the whole picture each pixel is still
    drawn from its own distribution, but pixels that expect the same colours get the same one.

    Args:
        logits: (N, 313, h, w).
        temperature: above 0: 1 are the predicted distributions, less is bolder towards their
            most likely colour.
        seed: another seed is another sample.
        coherent: one noise for each picture, or one for each pixel.
    """
    if temperature <= 0:
        raise ValueError(f"the temperature must be above 0, got {temperature}")
    n, bins, h, w = logits.shape
    dice = torch.Generator().manual_seed(seed)
    shape = (n, bins, 1, 1) if coherent else (n, bins, h, w)
    noise = -torch.log(torch.empty(shape).exponential_(generator=dice)).to(logits)
    drawn = (logits / temperature + noise).argmax(dim=1)
    return lab.ab_bins().to(logits)[drawn].permute(0, 3, 1, 2)


@cache
def _candidates(device: torch.device) -> tuple[Tensor, Tensor]:
    """Colours to choose from, ab (825, 2) on a grid of 6 units over the gamut's bins, and the
    CIEDE2000 from each of the 313 bins to each of them at equal L, where it does not depend on
    L: (313, 825)."""
    steps, bins = torch.arange(-90.0, 101, 6), lab.ab_bins()
    plane = torch.stack(torch.meshgrid(steps, steps, indexing="ij")).flatten(1).T
    plane = plane[(torch.cdist(plane, bins) <= 5 * 2**0.5 + 0.1).any(1)]
    pairs = torch.stack(torch.broadcast_tensors(bins[:, None], plane[None])).movedim(3, 1)
    one, other = torch.cat((torch.full_like(pairs[:, :1], 50.0), pairs), dim=1)[:, None]
    return plane.to(device), lab.delta_e2000(one, other)[0].to(device)


def expected_error(logits: Tensor, discount: Tensor | None = None) -> Tensor:
    """How wrong each of 825 colours would be on average: the expected CIEDE2000 (N, h, w, 825) to a
    colour drawn from softmax(logits).

    Args:
        logits: (N, 313, h, w).
        discount: (313,) what each bin's probability is divided by first.
    """
    _, distance = _candidates(logits.device)
    logits = logits.movedim(1, 3).float()
    if discount is not None:
        logits = logits - discount.to(logits).log()
    return softmax(logits, dim=3) @ distance


def least_error(error: Tensor, bonus: float = 0.0, *, blend: float = 0.15) -> Tensor:
    """The colour with the least `expected_error`: ab (N, 2, h, w) in Lab units.

    Args:
        bonus: CIEDE2000 that a colour is forgiven for each unit of its chroma. What is nearest on
            average is dull; with a bonus it is as colourful as wanted where that costs least.
        blend: colours that are worse by no more than about this are mixed in, so that neighbouring
            pixels do not jump between the points of the grid.
    """
    colours, _ = _candidates(error.device)
    loss = error - bonus * colours.norm(dim=1)
    return (softmax(-loss / blend, dim=3) @ colours).movedim(3, 1)
