"""Leaks: colour that runs over the boundaries of things.

Boundaries are those of label maps, int (N, H, W), a number for each region: drawn scenes have
exact ones, BSDS500 has human ones; pictures without any are measured at the chroma edges of the
truth. Distances are in pixels, from a pixel's centre to the boundary: 0.5 for its neighbours.
"""

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from colornb import lab
from colornb.datasets import ImageSet
from colornb.errors import ColornbError
from colornb.intervals import Counts
from colornb.limits.pixels import ab_distance

CHROMA_STEP = 10.0
"""ab distance (Lab units) of neighbours, or of two sides, from which on there is a chroma edge."""
_CLUSTER = 64  # pixels of a SLIC cluster
_CLUSTER_STEP = 5.0  # ab distance (Lab units) that weighs as much as the way to the next cluster
_WINDOW = 3  # CDR looks this many pixels each way


def label_maps(images: ImageSet) -> np.ndarray:
    """Regions int (N, H, W) of a data set: the exact masks of scenes; of BSDS500's several people,
    for each photograph, the one with the median number of regions.

    Raises:
        ColornbError: the set has neither.
    """
    if images.masks is not None:
        return images.masks.numpy().astype(int)
    if images.segmentations is None:
        raise ColornbError(f"{images.name} has no regions: use scenes or bsds500.")
    chosen = []
    for people in images.segmentations:
        by_number = sorted(people, key=lambda regions: len(np.unique(regions)))
        chosen.append(by_number[(len(by_number) - 1) // 2])
    return np.stack(chosen).astype(int)


def _steps(differs, pixels: np.ndarray) -> np.ndarray:
    """Pixels of (N, ..., H, W) that differ from a neighbour: bool (N, H, W)."""
    edge = np.zeros((len(pixels), *pixels.shape[-2:]), bool)
    below = differs(pixels[..., 1:, :], pixels[..., :-1, :])
    right = differs(pixels[..., :, 1:], pixels[..., :, :-1])
    edge[:, 1:] |= below
    edge[:, :-1] |= below
    edge[:, :, 1:] |= right
    edge[:, :, :-1] |= right
    return edge


def region_edges(regions: np.ndarray) -> np.ndarray:
    """Pixels beside a boundary of label maps (N, H, W): bool (N, H, W)."""
    return _steps(np.not_equal, regions)


def boundaries(images: ImageSet) -> np.ndarray:
    """`region_edges` of a data set's `label_maps`."""
    return region_edges(label_maps(images))


def chroma_edges(images: Tensor) -> np.ndarray:
    """Pixels of uint8 (N, 3, H, W) whose ab is at least `CHROMA_STEP` from a neighbour's."""
    ab = lab.uint8_to_lab(images)[:, 1:].numpy()
    return _steps(lambda one, other: np.linalg.norm(one - other, axis=1) >= CHROMA_STEP, ab)


def near(edges: np.ndarray, radius: float) -> np.ndarray:
    """Pixels at most `radius` from a boundary, given the pixels beside it: bool (N, H, W)."""
    found = [
        distance_transform_edt(~edge) + 0.5 <= radius if edge.any() else edge for edge in edges
    ]
    return np.stack(found)


def count_boundary_error(predicted: Tensor, truth: Tensor, close: np.ndarray) -> Counts:
    """Sums for each picture (N,): the ab distance of uint8 (N, 3, H, W) to the truth, and the
    number of pixels, of those `close` to a boundary (bool (N, H, W)) and of the others."""
    error = ab_distance(predicted, truth).numpy()
    return {
        "near_error": (error * close).sum((1, 2)),
        "near_pixels": close.sum((1, 2)),
        "far_error": (error * ~close).sum((1, 2)),
        "far_pixels": (~close).sum((1, 2)),
    }


def boundary_error(means: Counts) -> np.ndarray:
    """Mean ab error (Lab units) close to boundaries."""
    return means["near_error"] / means["near_pixels"]


def interior_error(means: Counts) -> np.ndarray:
    """Mean ab error (Lab units) elsewhere."""
    return means["far_error"] / means["far_pixels"]


def boundary_error_ratio(means: Counts) -> np.ndarray:
    """Error close to boundaries over that elsewhere; alone it rewards bad interiors."""
    return boundary_error(means) / interior_error(means)


ERRORS = {
    "boundary_error": boundary_error,
    "interior_error": interior_error,
    "boundary_error_ratio": boundary_error_ratio,
}


def luminance_contrast(images: Tensor, regions: np.ndarray, reach: int = 2) -> np.ndarray:
    """Difference of mean L between the two sides of a boundary, at each pixel: (N, H, W).

    Of uint8 (N, 3, H, W) with label maps (N, H, W), within a window of 2 `reach` + 1 pixels: the
    mean of the pixel's own region against that of the others; NaN where there is no other.
    """
    lightness = lab.uint8_to_lab(images)[:, 0].numpy()
    padded = np.pad(lightness, ((0, 0), (reach, reach), (reach, reach)))
    labels = np.pad(regions, ((0, 0), (reach, reach), (reach, reach)), constant_values=-1)
    h, w = lightness.shape[1:]
    sums, numbers = np.zeros((2, 2, *lightness.shape))
    for y in range(2 * reach + 1):
        for x in range(2 * reach + 1):
            there = labels[:, y : y + h, x : x + w]
            own = there == regions
            for side, pixels in enumerate((own, ~own & (there >= 0))):
                sums[side] += padded[:, y : y + h, x : x + w] * pixels
                numbers[side] += pixels
    with np.errstate(invalid="ignore"):
        own, other = sums / numbers
    return np.abs(own - other)


def count_by_contrast(
    predicted: Tensor, truth: Tensor, close: np.ndarray, contrast: np.ndarray, bounds: np.ndarray
) -> Counts:
    """As the near half of `count_boundary_error`, split by luminance contrast into the bins between
    `bounds`: each (N, len(bounds) - 1)."""
    error = ab_distance(predicted, truth).numpy()
    inside = [close & (contrast >= a) & (contrast < b) for a, b in pairwise(bounds)]
    return {
        "near_error": np.stack([(error * pixels).sum((1, 2)) for pixels in inside], axis=1),
        "near_pixels": np.stack([pixels.sum((1, 2)) for pixels in inside], axis=1),
    }


def count_bleed(predicted: Tensor, masks: np.ndarray, part: int, reach: int = 6) -> Counts:
    """How much of the other side's colour there is at each distance from an object's edge.

    At a pixel this is how far its predicted ab has gone from the colour of its own side towards
    that of the other, as a share of the way (cut to -1..1, so that texture cancels). The object's
    colour is the mean predicted ab of its inner half, by distance; outside, each part of the label
    map has the mean of its pixels further than `reach` from the object. Where the two predicted
    colours are closer than `CHROMA_STEP`, nothing is counted: a leak would not show.

    Args:
        predicted: uint8 (N, 3, H, W). masks: label maps int (N, H, W).
        part: the label of the object.
        reach: pixels on either side of the edge.

    Returns:
        `share` and `pixels`, (N, 2, reach): sums of the shares and numbers of pixels, outside and
        inside, at distances 0.5, 1.5, ...; and `counted` (N,), 1 for pictures with any.
    """
    colours = lab.uint8_to_lab(predicted)[:, 1:].permute(0, 2, 3, 1).numpy()
    share, pixels = np.zeros((2, len(masks), 2, reach))
    for n, (ab, regions) in enumerate(zip(colours, masks, strict=True)):
        inside = regions == part
        if inside.all() or not inside.any():
            continue
        depth, outward = distance_transform_edt(inside, return_indices=True)
        height = distance_transform_edt(~inside)
        own_colour = ab[depth > depth.max() / 2].mean(axis=0)
        beside = np.full((regions.max() + 1, 2), np.nan)
        for label in np.unique(regions[~inside]):
            far = (regions == label) & (height > reach)
            if far.any():
                beside[label] = ab[far].mean(axis=0)
        sides = (
            (~inside, height, beside[regions], own_colour),
            (inside, depth, own_colour, beside[regions[tuple(outward)]]),
        )
        for side, (where, distance, here, there) in enumerate(sides):
            way = there - here
            length = (way**2).sum(-1)
            valid = where & (length >= CHROMA_STEP**2) & (distance <= reach)
            gone = (((ab - here) * way).sum(-1)[valid] / length[valid]).clip(-1, 1)
            step = (distance[valid] - 1).round().astype(int)
            share[n, side] = np.bincount(step, gone, reach)
            pixels[n, side] = np.bincount(step, minlength=reach)
    return {"share": share, "pixels": pixels, "counted": pixels.any((1, 2)).astype(float)}


def bleed_profile(means: Counts) -> np.ndarray:
    """Share of the other side's colour outside and inside, by distance: (..., 2, reach)."""
    return means["share"] / means["pixels"]


def bleed_width(means: Counts) -> np.ndarray:
    """How far colour reaches over an edge (pixels): the area under `bleed_profile`, both sides.

    A colour that runs over the edge by k pixels and ends there gives k. NaN where nothing counts.
    A background that changes its colour towards the object all around adds to it or takes from it,
    in the truth as well; one that changes across the picture does not. So compare with the truth's.
    """
    profile, counted = bleed_profile(means), means["pixels"] > 0
    width = np.where(counted, profile, 0).sum((-2, -1))
    return np.where(counted.any((-2, -1)), width, np.nan)


def bleed_counted(means: Counts) -> np.ndarray:
    """Share of pictures in which `count_bleed` finds two colours; the others leave no trace in
    `bleed_width`, though the n of its interval holds them."""
    return means["counted"]


WIDTHS = {"bleed_width": bleed_width, "bleed_counted": bleed_counted}


def _cluster_means(images: Tensor) -> np.ndarray:
    """Mean ab of the SLIC cluster of each pixel, clusters having `_CLUSTER` pixels on average:
    (2, N, H, W), Lab units.

    skimage stretches each picture's values to 0..1 before it weighs them against distances: the
    compactness is divided by their range, so that faint colours are not clustered like strong ones.
    """
    from skimage.segmentation import slic

    ab = lab.uint8_to_lab(images)[:, 1:].double().numpy()
    number = max(4, ab[0, 0].size // _CLUSTER)
    clusters = np.stack(
        [
            slic(
                picture.transpose(1, 2, 0),
                number,
                compactness=_CLUSTER_STEP / max(np.ptp(picture), 1e-6),
                convert2lab=False,
                channel_axis=-1,
            )
            for picture in ab
        ]
    )
    index = clusters + (clusters.max() + 1) * np.arange(len(ab))[:, None, None]
    size = np.bincount(index.flat).clip(min=1)
    return np.stack(
        [(np.bincount(index.flat, axis.flat) / size)[index] for axis in ab.swapaxes(0, 1)]
    )


def count_cdr(predicted: Tensor, truth: Tensor) -> Counts:
    """Counts of the cluster discrepancy ratio (Kim et al. 2021, arXiv 2107.01619), repaired.

    Both pictures, uint8 (N, 3, H, W), are cut into SLIC clusters of chroma. Around each chroma edge
    pixel of the truth, in a window of 7 x 7 pixels, S is the set of pixels whose cluster is another
    colour than the centre's: their mean ab differ by at least half of `CHROMA_STEP`.

    Against the published code: the number of clusters grows with the area (250 mean nothing at
    32 x 32); windows end at the border of the picture (the first row and column scored 1); clusters
    are made of ab in Lab units (skimage's stretching took the rounding of a gray picture for
    colours); and clusters of one colour are one (SLIC cuts a plain area too, so gray scored 0.39,
    and the truth with a tenth of its chroma more than the truth blurred by a pixel). That a picture
    separates what should be together is not counted.

    Returns:
        Each (N,): `both`, pixels of S of the truth that are in S of the prediction too, and
        `separated`, pixels of S of the truth.
    """
    edges, true, made = chroma_edges(truth), _cluster_means(truth), _cluster_means(predicted)
    both, separated = np.zeros((2, len(edges)))
    height, width = edges.shape[1:]
    for y in range(-_WINDOW, _WINDOW + 1):
        for x in range(-_WINDOW, _WINDOW + 1):
            here = np.s_[..., max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)]
            there = np.s_[..., max(0, y) : height - max(0, -y), max(0, x) : width - max(0, -x)]
            apart, kept = (
                np.hypot(*(colours[here] - colours[there])) >= CHROMA_STEP / 2
                for colours in (true, made)
            )
            apart &= edges[here]
            separated += apart.sum((1, 2))
            both += (apart & kept).sum((1, 2))
    return {"both": both, "separated": separated}


def cdr(means: Counts) -> np.ndarray:
    """Share of the truth's separations at chroma edges that are kept: 1 for the truth, 0 for
    gray."""
    return means["both"] / means["separated"]


def count_edges(guessed: np.ndarray, true: np.ndarray) -> Counts:
    """Edge pixels of bool (N, H, W), each (N,): `guessed`, `true`, both (`hits`), and `pixels`."""
    return {
        "guessed": guessed.sum((1, 2)),
        "true": true.sum((1, 2)),
        "hits": (guessed & true).sum((1, 2)),
        "pixels": np.full(len(true), true[0].size),
    }


def precision(means: Counts) -> np.ndarray:
    """Share of the guessed edge pixels that are edge pixels."""
    return means["hits"] / means["guessed"]


def recall(means: Counts) -> np.ndarray:
    """Share of the edge pixels that are guessed."""
    return means["hits"] / means["true"]


def lift(means: Counts) -> np.ndarray:
    """Precision over that of a blind guess, which is the share of edge pixels: 1 is chance."""
    return precision(means) / (means["true"] / means["pixels"])


EDGES = {"precision": precision, "recall": recall, "lift": lift}


def lightness_edges(images: Tensor, like: np.ndarray) -> np.ndarray:
    """Edges without a network: the pixels of uint8 (N, 3, H, W) beside the largest steps of L, in
    each picture as many as in `like` bool (N, H, W)."""
    lightness = lab.uint8_to_lab(images)[:, 0].numpy()
    step = np.zeros_like(lightness)
    for axis in (1, 2):
        size = np.abs(np.diff(lightness, axis=axis))
        for side in ((1, 0), (0, 1)):
            widths = [side if k == axis else (0, 0) for k in range(3)]
            step = np.maximum(step, np.pad(size, widths))
    rank = (-step).reshape(len(step), -1).argsort(axis=1).argsort(axis=1).reshape(step.shape)
    return rank < like.sum((1, 2), keepdims=True)


def near_over_control(means: Counts) -> np.ndarray:
    """Error close to boundaries in multiples of a control's on the same pictures, whose counts are
    beside (`colornb.measured.beside`)."""
    return means["near_error"] / means["near_error_control"]


def high_minus_low_contrast(means: Counts) -> np.ndarray:
    """`near_over_control` by contrast: in the highest bin minus in the lowest."""
    found = near_over_control(means)
    return found[..., -1] - found[..., 0]


def object_contrast(images: ImageSet, part: int) -> np.ndarray:
    """Mean L of the part `part` of the masks minus that of its surroundings within 3 pixels: (N,),
    Lab units; NaN for pictures without it."""
    lightness = lab.uint8_to_lab(images.images)[:, 0].numpy()
    inside = label_maps(images) == part
    around = near(region_edges(inside), 3) & ~inside
    with np.errstate(invalid="ignore"):
        own, other = (
            (lightness * where).sum((1, 2)) / where.sum((1, 2)) for where in (inside, around)
        )
    return own - other


def close(images: ImageSet, edges: np.ndarray) -> np.ndarray:
    """`near` the edges: within 2 pixels, or a 28th of the pictures' width if that is more."""
    return near(edges, max(2, images.images.shape[-1] // 28))


def counting(
    edges_of: Callable[[ImageSet], np.ndarray], *, part: int | None = None, with_cdr: bool = False
) -> Callable[[Tensor, ImageSet], Counts]:
    """A function that counts the error close to edges and elsewhere on pictures of an image set.

    Args:
        edges_of: the pixels beside the boundaries of such a set, bool (N, H, W).
        part: label of the object whose bleed is counted as well, see `count_bleed`.
        with_cdr: counts for `cdr` as well.
    """
    close_to = cache(lambda images: close(images, edges_of(images)))

    def count(pictures: Tensor, images: ImageSet) -> Counts:
        counts = count_boundary_error(pictures, images.images, close_to(images))
        if part is not None:
            counts |= count_bleed(pictures, label_maps(images), part)
        return counts | (count_cdr(pictures, images.images) if with_cdr else {})

    return count
