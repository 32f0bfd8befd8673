"""What a network is asked to minimise, by name: `OBJECTIVES[name](images, **options)` makes, for a
training set uint8 (N, 3, H, W), a function of `(model, l, ab, *given)` that gives a scalar."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    adaptive_avg_pool2d,
    binary_cross_entropy_with_logits,
    huber_loss,
    l1_loss,
    mse_loss,
    pad,
)

from colornb import distribution, lab
from colornb.models.unet import thin

Objective = Callable[..., Tensor]


def regression(distance: Callable[[Tensor, Tensor], Tensor], images: Tensor) -> Objective:
    """A mean distance between predicted and true ab / 110."""

    def objective(model: nn.Module, l: Tensor, ab: Tensor, *given: Tensor) -> Tensor:
        return distance(model(l, *given).float(), ab)

    return objective


def srgb(images: Tensor, *, ab_weight: float = 0.05) -> Objective:
    """The mean squared distance in sRGB from 0 to 1, which `metrics` calls `mse_rgb`, and beside it
    `ab_weight` times that of ab / 110: where the gamut cuts a colour off, only that says which way
    the truth lies."""

    def objective(model: nn.Module, l: Tensor, ab: Tensor, *given: Tensor) -> Tensor:
        painted = model(l, *given).float()
        pictures = [lab.lab_to_rgb(lab.denormalize(l, one)).clamp(0, 1) for one in (painted, ab)]
        return mse_loss(*pictures) + ab_weight * mse_loss(painted, ab)

    return objective


def bins(images: Tensor, *, rebalance: float = 0.0, mean_weight: float = 0.0) -> Objective:
    """Cross entropy over the 313 bins, and `mean_weight` times `distribution.mean_error`;
    `rebalance` above 0 is the strength of `distribution.rebalancing`.

    In training one pixel in four counts, on a grid that begins at random.
    """
    weight = distribution.rebalancing(images, rebalance) if rebalance else None

    def objective(model: nn.Module, l: Tensor, ab: Tensor, *given: Tensor) -> Tensor:
        grid = tuple(torch.randint(2, (2,)).tolist()) if model.training else None
        logits = model(l, *given, grid=grid)
        side = logits.shape[-1] * (2 if grid else 1)
        true = thin(adaptive_avg_pool2d(ab * lab.AB_SCALE, side), grid)
        loss = distribution.cross_entropy(logits, true, weight)
        if mean_weight:
            loss = loss + mean_weight * distribution.mean_error(logits, true, weight)
        return loss

    return objective


def variational(images: Tensor, *, divergence: float = 1e-3) -> Objective:
    """The loss of `models.Variational`: the mean absolute distance of ab / 110 over pixels and
    channels, and `divergence` times the Kullback-Leibler divergence (nats) of each picture's
    Gaussian from the standard normal. As a negative evidence lower bound, whose distance is a sum
    over pixels, that would weight the divergence with 2 * H * W * `divergence`: a beta-VAE (Higgins
    et al. 2017). Without the truth to look at, as on the monitor's pictures,
    the distance at z = 0 alone."""

    def objective(model: nn.Module, l: Tensor, ab: Tensor, *given: Tensor) -> Tensor:
        if not model.training:
            return l1_loss(model(l).float(), ab)
        painted, mean, log_variance = model(l, truth=ab)
        nats = (mean**2 + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return l1_loss(painted.float(), ab) + divergence * nats.mean()

    return objective


def chroma_edges(ab: Tensor, step: float = 10.0) -> Tensor:
    """Pixels of ab / 110 (N, 2, H, W) that differ from a neighbour by `step` Lab units or more:
    float (N, 1, H, W), 1 for an edge. As `limits.leaks.chroma_edges`, on the device."""
    edge = torch.zeros_like(ab[:, :1])
    for axis in (2, 3):
        far = ab.diff(dim=axis).norm(dim=1, keepdim=True) * lab.AB_SCALE >= step
        before, after = (0, 1) if axis == 3 else (0, 0, 0, 1), (1, 0) if axis == 3 else (0, 0, 1, 0)
        edge = edge.maximum(pad(far.float(), before)).maximum(pad(far.float(), after))
    return edge


def edges(images: Tensor, *, sees: str = "ab") -> Objective:
    """For `models.EdgeNet`: cross entropy between its logits on what it `sees` ("ab" or "l") and
    the edges, both kinds of pixels with equal weight. The edges are those of a second teacher
    where one is given, (N, 1, H, W) bool, otherwise the truth's chroma edges."""

    def objective(model: nn.Module, l: Tensor, ab: Tensor, *given: Tensor) -> Tensor:
        wanted = given[0].float() if given else chroma_edges(ab)
        share = wanted.mean().clamp(0.01, 0.99)
        weight = wanted / share + (1 - wanted) / (1 - share)
        logits = model(ab if sees == "ab" else l).float()
        return binary_cross_entropy_with_logits(logits, wanted, weight / 2)

    return objective


OBJECTIVES: dict[str, Callable[..., Objective]] = {
    "mse_ab": partial(regression, mse_loss),
    "l1_ab": partial(regression, l1_loss),
    "huber_ab": partial(regression, partial(huber_loss, delta=0.1)),
    "mse_rgb": srgb,
    "bins": bins,
    "variational": variational,
    "edges": edges,
}
