"""Colour bias, and texture turned green.

Counting functions take uint8 pictures (N, 3, H, W), predicted and true.
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy.special import rel_entr
from torch import Tensor
from torch.nn.functional import one_hot

from colornb import lab
from colornb.datasets import ImageSet
from colornb.intervals import Counts
from colornb.limits import GREEN
from colornb.limits.pixels import ab_distance, hue, roughness

SECTORS = 12
"""Sectors of 30 degrees that the circle of hues is cut into, the first centred on 0 degrees: about
as finely as there are names for hues."""
GROUPS = 10
"""Groups of colours from rare to frequent, and of places from smooth to rough. A bin of colour is
in one group, so where one holds more than a tenth of the pixels (gray has 28 % of CIFAR-10's),
groups beside its own may be empty."""
RECALL_DISTANCE = 10.0
"""ab distance (Lab units, a bin's width) within which a colour counts as recalled."""


def centre(images: Tensor) -> Tensor:
    """The central half of each picture each way, a stand-in for the object where there are no
    masks: bool (N, H, W)."""
    n, _, h, w = images.shape
    inside = torch.zeros(n, h, w, dtype=torch.bool)
    inside[:, h // 4 : h - h // 4, w // 4 : w - w // 4] = True
    return inside


def hue_counts(images: Tensor, where: Tensor) -> np.ndarray:
    """Pixels of each picture in each sector of hue, of those in `where` bool (N, H, W) that have a
    hue: (N, SECTORS)."""
    degrees, coloured = hue(lab.uint8_to_lab(images)[:, 1:])
    sector = ((degrees + 180 / SECTORS) // (360 / SECTORS)).long() % SECTORS
    return (
        ((sector[..., None] == torch.arange(SECTORS)) & (coloured & where)[..., None])
        .sum((1, 2))
        .numpy()
    )


def majority_hue(images: Tensor, labels: Tensor, classes: int, where: Tensor) -> np.ndarray:
    """The most frequent sector of hue of each class among the object pixels of training pictures:
    (classes,)."""
    member = one_hot(labels, classes).numpy()
    return (member.T @ hue_counts(images, where)).argmax(1)


def count_majority(
    predicted: Tensor, truth: Tensor, labels: Tensor, majority: np.ndarray, where: Tensor
) -> Counts:
    """Object pixels of each picture by the class it shows, each (N, classes): `majority` with the
    class's majority hue, `coloured` with any hue, `pixels` in all; and the same of the truth."""
    member = one_hot(labels, len(majority)).numpy()
    counts = {"pixels": member * where.sum((1, 2)).numpy()[:, None]}
    for images, ending in ((predicted, ""), (truth, "_truth")):
        hues = hue_counts(images, where)
        own = hues[np.arange(len(hues)), majority[labels.numpy()]]
        counts["majority" + ending] = member * own[:, None]
        counts["coloured" + ending] = member * hues.sum(1)[:, None]
    return counts


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def amplification_by_class(means: Counts) -> np.ndarray:
    """Share of a class's majority hue among coloured object pixels, predicted over true: (...,
    classes). NaN where a system paints no colour."""
    predicted = _share(means["majority"], means["coloured"])
    return _share(predicted, _share(means["majority_truth"], means["coloured_truth"]))


def bias_amplification(means: Counts) -> np.ndarray:
    """Share of object pixels with their class's majority hue, predicted over true: above 1,
    frequent hues win.

    Each class keeps its own number of object pixels. These are the same pixels in the prediction
    and in the truth, so they cancel, and what is left is the ratio of all majority pixels: the mean
    of the classes' ratios, weighted by the truth. A gray pixel has no majority hue: a system that
    paints dull lies below 1, whatever hues it prefers; for these see `majority_among_coloured`.
    """
    return _share(means["majority"].sum(-1), means["majority_truth"].sum(-1))


def majority_among_coloured(means: Counts) -> np.ndarray:
    """As `bias_amplification`, of the object pixels that have a hue.

    The share of the majority hue is taken in each class by itself and weighted by the class's
    coloured pixels in the truth, so that a system which colours some classes more than others
    gains nothing by it. Classes without any painted hue are left out. How many pixels have a hue
    cancels, but which ones does not: a faded truth keeps its most colourful pixels, and is 1 only
    if hues are as frequent among these as among all.
    """
    predicted = _share(means["majority"], means["coloured"])
    expected = np.nansum(means["coloured_truth"] * predicted, axis=-1)
    return _share(expected, (means["majority_truth"] * (means["coloured"] > 0)).sum(-1))


def coloured_share(means: Counts) -> np.ndarray:
    """Share of object pixels that have a hue at all, in the prediction."""
    return means["coloured"].sum(-1) / means["pixels"].sum(-1)


def _histograms(images: Tensor) -> np.ndarray:
    """Pixels of each picture in each of the 313 bins: (N, 313)."""
    index = lab.quantize_ab(lab.uint8_to_lab(images)[:, 1:]).flatten(1)
    found = torch.zeros(len(images), len(lab.ab_bins()))
    return found.scatter_add_(1, index, torch.ones(index.shape)).numpy()


def count_histograms(predicted: Tensor, truth: Tensor) -> Counts:
    """Histograms (N, 313) of ab: `bins` and `bins_truth`."""
    return {"bins": _histograms(predicted), "bins_truth": _histograms(truth)}


def js_divergence(means: Counts) -> np.ndarray:
    """Jensen-Shannon divergence of the histograms of predicted and true ab, in bits: 0 if they are
    equal, 1 if they share no bin.

    Few pictures make both histograms rough and the divergence too large, and repeated ones in a
    bootstrap draw make them rougher: it is marked as `biased`, so `intervals` corrects it. Equal
    histograms stay at exactly 0; of nearly equal ones the corrected value may lie below.
    """
    p, q = (means[k] / means[k].sum(-1, keepdims=True) for k in ("bins", "bins_truth"))
    middle = (p + q) / 2
    return (rel_entr(p, middle) + rel_entr(q, middle)).sum(-1) / np.log(4)


js_divergence.biased = True


def frequency_groups(images: Tensor) -> np.ndarray:
    """The group 0 (rare) .. GROUPS-1 (frequent) of each of the 313 bins: (313,).

    Bins are ranked by their frequency in training pictures, and a bin belongs to the tenth of the
    pixels that its middle falls into: the rarest group has many bins (those never seen, too), the
    most frequent bins are a group of their own, and beside a bin of more than a tenth of the pixels
    groups may be empty. `group_shares` says where the groups lie.
    """
    total = _histograms(images).sum(0)
    order = np.argsort(total)
    below = np.cumsum(total[order]) - total[order] / 2
    groups = np.empty(len(total), int)
    groups[order] = np.minimum(below / total.sum() * GROUPS, GROUPS - 1).astype(int)
    return groups


def group_shares(images: Tensor, groups: np.ndarray) -> np.ndarray:
    """Where each group lies from rare to frequent colours: the share 0..1 of training pixels up to
    its middle, (GROUPS,). An empty group lies on the border of its neighbours."""
    share = np.bincount(groups, _histograms(images).sum(0), GROUPS)
    return (np.cumsum(share) - share / 2) / share.sum()


def count_recall(predicted: Tensor, truth: Tensor, groups: np.ndarray) -> Counts:
    """True pixels of each group of colours, `group_pixels`, and those of them whose predicted ab is
    within `RECALL_DISTANCE`, `recalled`: each (N, GROUPS)."""
    close = ab_distance(predicted, truth) <= RECALL_DISTANCE
    group = torch.from_numpy(groups)[lab.quantize_ab(lab.uint8_to_lab(truth)[:, 1:])]
    return _by_group(group, "group_pixels", torch.ones_like(close), "recalled", close)


def _by_group(group: Tensor, whole: str, pixels: Tensor, part: str, chosen: Tensor) -> Counts:
    """Pixels of each picture and those of them that are chosen, by group (N, H, W)."""
    member = group[..., None] == torch.arange(GROUPS)
    return {
        name: (member & some[..., None]).sum((1, 2)).numpy()
        for name, some in ((whole, pixels), (part, pixels & chosen))
    }


def recall_by_frequency(means: Counts) -> np.ndarray:
    """Share of true pixels that are recalled, from the rarest colours to the most frequent:
    (..., GROUPS); NaN for groups without any."""
    return _share(means["recalled"], means["group_pixels"])


def rare_recall(means: Counts) -> np.ndarray:
    """Recall of the rarest tenth of the colours."""
    return recall_by_frequency(means)[..., 0]


def is_green(images: Tensor) -> Tensor:
    """Pixels with a hue, which is green: bool (N, H, W)."""
    degrees, coloured = hue(lab.uint8_to_lab(images)[:, 1:])
    return coloured & (degrees >= GREEN[0]) & (degrees <= GREEN[1])


def roughness_bounds(images: Tensor) -> np.ndarray:
    """The GROUPS-1 inner bounds of the tenths of `roughness`, over pixels that are not green."""
    rough = roughness(images)[~is_green(images)].numpy()
    return np.quantile(rough, np.arange(1, GROUPS) / GROUPS)


def count_turned_green(predicted: Tensor, truth: Tensor, bounds: np.ndarray) -> Counts:
    """Pixels that are not green in the truth (gray counts as not green), `not_green`, and those of
    them that are painted green, `turned_green`, by tenth of `roughness`: each (N, GROUPS)."""
    group = torch.bucketize(roughness(truth), torch.from_numpy(bounds).float())
    return _by_group(group, "not_green", ~is_green(truth), "turned_green", is_green(predicted))


def green_by_roughness(means: Counts) -> np.ndarray:
    """Share of pixels turned green, from the smoothest tenth to the roughest: (..., GROUPS)."""
    return _share(means["turned_green"], means["not_green"])


def texture_to_green(means: Counts) -> np.ndarray:
    """Share turned green in the roughest tenth minus that in the smoothest: above 0, texture turns
    green."""
    found = green_by_roughness(means)
    return found[..., -1] - found[..., 0]


STATISTICS = {
    "bias_amplification": bias_amplification,
    "majority_among_coloured": majority_among_coloured,
    "coloured_share": coloured_share,
    "js_divergence": js_divergence,
    "rare_recall": rare_recall,
    "texture_to_green": texture_to_green,
}


def counting(train: ImageSet, test: ImageSet) -> Callable[[Tensor, ImageSet], Counts]:
    """A function that counts all that `STATISTICS` needs, on pictures of an image set; what is
    frequent is decided on `train`, what is rough on `test`, and the object is `centre`."""
    objects = centre(train.images)
    majority = majority_hue(train.images, train.labels, len(train.classes), objects)
    groups, bounds = frequency_groups(train.images), roughness_bounds(test.images)

    def count(pictures: Tensor, images: ImageSet) -> Counts:
        truth = images.images
        return {
            **count_majority(pictures, truth, images.labels, majority, centre(truth)),
            **count_histograms(pictures, truth),
            **count_recall(pictures, truth, groups),
            **count_turned_green(pictures, truth, bounds),
        }

    return count


def count_red(images: Tensor, where: Tensor) -> Counts:
    """Pixels of each picture in `where` bool (N, H, W), `pixels`; those with a hue, `coloured`; and
    those of them that are red (hue -15 to 45 degrees), `red`: each (N,)."""
    hues = hue_counts(images, where)
    return {
        "red": hues[:, :2].sum(1),
        "coloured": hues.sum(1),
        "pixels": where.sum((1, 2)).numpy(),
    }


def red_share(means: Counts) -> np.ndarray:
    """Share of red among the pixels with a hue; NaN where no pixel has one."""
    return _share(means["red"], means["coloured"])


def hue_share(means: Counts) -> np.ndarray:
    """Share of pixels that have a hue, of counts without classes."""
    return means["coloured"] / means["pixels"]


def count_green(images: Tensor, where: Tensor) -> Counts:
    """Pixels of each picture in `where` bool (N, H, W), `pixels`, and those of them that are green,
    `green`: each (N,)."""
    return {
        "green": (is_green(images) & where).sum((1, 2)).numpy(),
        "pixels": where.sum((1, 2)).numpy(),
    }


def green_share(means: Counts) -> np.ndarray:
    """Share of green among the pixels that count."""
    return means["green"] / means["pixels"]


def mean_and_median(images: Tensor, where: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean and per-channel median of ab (2,) over the pixels in `where`: the one colour for all
    that is best under the squared distance, and under the absolute one."""
    ab = lab.uint8_to_lab(images)[:, 1:].permute(0, 2, 3, 1)[where].numpy()
    return ab.mean(axis=0), np.median(ab, axis=0)


def describe(ab: np.ndarray) -> str:
    """Hue and chroma of an ab (2,) in words for a table."""
    degrees, chroma = np.rad2deg(np.arctan2(ab[1], ab[0])) % 360, np.hypot(*ab)
    return f"hue {degrees:.0f}°, chroma {chroma:.0f}"
