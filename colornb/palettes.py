"""A reference picture's colours as a palette: how much of it each of the 313 bins of ab has."""

from math import cos, radians, sin

import numpy as np
import torch
from torch import Tensor

from colornb import lab, scenes
from colornb.datasets import ImageSet
from colornb.intervals import Counts


@torch.no_grad()
def palette(images: Tensor) -> Tensor:
    """Share of the pixels of each picture, uint8 (N, 3, H, W), in each bin: (N, 313)."""
    shares = []
    for part in images.split(max(1, 2**20 // images[0, 0].numel())):
        index = lab.quantize_ab(lab.uint8_to_lab(part)[:, 1:]).flatten(1)
        found = torch.zeros(len(part), len(lab.ab_bins()))
        shares.append(found.scatter_add_(1, index, torch.ones(index.shape)) / index.shape[1])
    return torch.cat(shares)


def of_word(word: str) -> Tensor:
    """`of_colour` of one of the colours that scenes are drawn in, e.g. "red"."""
    hue, chroma = scenes.PALETTE[word]
    return of_colour((chroma * cos(radians(hue)), chroma * sin(radians(hue))))


def of_colour(ab: tuple[float, float], spread: float = 15.0) -> Tensor:
    """A palette (1, 313) of one colour, ab in Lab units, and those around it (a Gaussian)."""
    distance = (lab.ab_bins() - torch.tensor(ab)).norm(dim=1)
    share = torch.exp(-((distance / spread) ** 2) / 2)
    return (share / share.sum())[None]


def references(images: ImageSet, pool: ImageSet, kind: str, *, seed: int = 0) -> Tensor:
    """A reference for each picture: indices (N,) of pictures in `pool`.

    Args:
        kind: "class" (a random picture of the same class) or "random" (any).
    """
    dice = np.random.default_rng(seed)
    labels, chosen = pool.labels.numpy(), []
    for label in images.labels.tolist():
        among = np.flatnonzero(labels == label) if kind == "class" else np.arange(len(labels))
        chosen.append(dice.choice(among))
    return torch.tensor(np.array(chosen))


SEES = {
    "default": "reference",
    "random": "reference",
    "one_colour": "reference",
    "same_image": "answer",
    "mean_palette": "l",
}
"""What a network may be shown -> what it then sees."""


def choices(images: ImageSet, pool: ImageSet, *, seed: int = 0) -> dict[str, Tensor]:
    """Palettes (N, 313) to paint pictures with, by the names of `SEES`: that of a picture of the
    same class in `pool`, of any picture there, of one colour (four in turn), of the picture itself,
    and the mean of the pool. Another seed is another reference."""
    of_pool = palette(pool.images)
    colours = torch.cat([of_word(word) for word in ("red", "yellow", "green", "blue")])
    return {
        "default": of_pool[references(images, pool, "class", seed=seed)],
        "random": of_pool[references(images, pool, "random", seed=seed)],
        "one_colour": colours[(torch.arange(len(images)) + seed) % len(colours)],
        "same_image": palette(images.images),
        "mean_palette": of_pool.mean(0).repeat(len(images), 1),
    }


def count_distance(predicted: Tensor, wanted: Tensor) -> Counts:
    """Hellinger distance of each picture's palette, of uint8 (N, 3, H, W), to the wanted (N, 313):
    `distance` (N,), 0 for the same colours in the same amounts, 1 for none in common.

    sqrt(1 - sum(sqrt(p q))); unlike a divergence, it is finite where a bin is empty.
    """
    shared = (palette(predicted) * wanted).sqrt().sum(1)
    return {"distance": (1 - shared).clamp(min=0).sqrt().numpy()}


def distance(means: Counts) -> np.ndarray:
    """Mean distance to the references."""
    return means["distance"]
