import os

import numpy as np
import pytest
import torch

from colornb import datasets, intervals, lab, painted, scenes
from colornb.errors import ColornbError
from colornb.limits import leaks

TRAIN, TEST = (scenes.image_set(split, size=32, limit=60) for split in ("train", "test"))
MASKS = TEST.masks.numpy().astype(int)


def square(grow=0, size=32):
    """A red square on blue, its colour `grow` pixels too large each way; and its true label map."""
    mask = np.zeros((1, size, size), int)
    mask[:, 10:22, 10:22] = 1
    painted_mask = np.zeros((1, size, size), bool)
    painted_mask[:, 10 - grow : 22 + grow, 10 - grow : 22 + grow] = True
    colours = torch.where(
        torch.from_numpy(painted_mask)[:, None],
        torch.tensor([55.0, 45.0, 30.0]).view(1, 3, 1, 1),
        torch.tensor([55.0, 0.0, -35.0]).view(1, 3, 1, 1),
    )
    return lab.to_uint8(lab.lab_to_rgb(colours)), mask


def value(counts, statistic):
    return intervals.estimate([counts], statistic)["value"]


@pytest.mark.parametrize("k", [-2, -1, 0, 1, 2, 3])
def test_a_square_leaked_by_k_pixels_has_bleed_width_k(k):
    picture, mask = square(grow=k)
    width = value(leaks.count_bleed(picture, mask, 1), leaks.bleed_width)
    assert width == pytest.approx(abs(k), abs=0.25)
    outside, inside = value(leaks.count_bleed(picture, mask, 1), leaks.bleed_profile)
    assert (outside if k < 0 else inside) == pytest.approx(np.zeros(6), abs=0.02)


def test_where_both_sides_have_one_colour_no_leak_can_show():
    picture, mask = square()
    gray = torch.full_like(picture, 120)
    assert np.isnan(value(leaks.count_bleed(gray, mask, 1), leaks.bleed_width))
    nothing = leaks.count_bleed(picture, np.zeros_like(mask), 1)
    assert nothing["pixels"].sum() == 0


def test_distance_and_closeness():
    _, mask = square()
    edges = leaks.region_edges(mask)
    assert edges[0, 10, 10] and edges[0, 9, 12] and not edges[0, 9, 9] and not edges[0, 12, 12]
    assert (leaks.near(edges, 0.5) == edges).all()
    assert leaks.near(edges, 1.5)[0, 12, 11] and not leaks.near(edges, 1.5)[0, 12, 12]
    assert not leaks.near(np.zeros_like(edges), 5).any(), "no boundary, nothing close to it"
    picture, _ = square()
    assert (leaks.chroma_edges(picture) == edges).all()


def test_boundary_error_is_where_the_leak_is():
    truth, mask = square()
    leaked, _ = square(grow=1)
    close = leaks.near(leaks.region_edges(mask), 1)
    counts = leaks.count_boundary_error(leaked, truth, close)
    assert value(counts, leaks.interior_error) < 2  # the corners of the larger square
    ring, step = 4 * 13, np.hypot(45, 65)
    expected = (ring - 4) * step / close.sum()
    assert value(counts, leaks.boundary_error) == pytest.approx(expected, rel=0.05)
    ratio = value(counts, leaks.boundary_error_ratio)
    assert ratio > 20


def test_luminance_contrast_is_that_of_the_two_sides():
    mask = np.zeros((1, 16, 16), int)
    mask[:, :, 8:] = 1
    lightness = torch.where(torch.from_numpy(mask) == 1, 70.0, 40.0)[:, None]
    picture = lab.assemble(lightness, torch.zeros(1, 2, 16, 16))
    contrast = leaks.luminance_contrast(picture, mask)
    assert contrast[0, :, 6:10] == pytest.approx(np.full((16, 4), 30), abs=0.5)
    assert np.isnan(contrast[0, :, :6]).all()
    close = leaks.near(leaks.region_edges(mask), 2)
    bounds = np.array([0, 20, 100])
    counts = leaks.count_by_contrast(picture, picture, close, contrast, bounds)
    assert counts["near_pixels"].tolist() == [[0, 64]]


def check_order(images, masks):
    """The more the truth's chroma is blurred, the worse it is by every measure."""
    controls = painted.truth_and_blurred(images)
    close = leaks.near(leaks.chroma_edges(images.images), 2)
    found = {"boundary_error": [], "cdr": [], "bleed_width": []}
    for (pictures,) in controls.values():
        error = leaks.count_boundary_error(pictures, images.images, close)
        found["boundary_error"].append(value(error, leaks.boundary_error))
        found["cdr"].append(-value(leaks.count_cdr(pictures, images.images), leaks.cdr))
        if masks is not None:
            bleed = leaks.count_bleed(pictures, masks, scenes.OBJECT)
            found["bleed_width"].append(value(bleed, leaks.bleed_width))
    assert found["boundary_error"][0] == 0 and found["cdr"][0] == -1
    for values in found.values():
        assert values == sorted(values)
    return found


def test_controls_order_on_scenes():
    widths = check_order(TEST, MASKS)["bleed_width"]
    assert abs(widths[0]) < 0.7 < widths[1]


@pytest.mark.skipif("COLORNB_DATA" not in os.environ, reason="needs COLORNB_DATA")
def test_controls_order_on_real_pictures():
    check_order(datasets.load("cifar10", "test", limit=200), None)


def test_of_several_people_the_one_with_the_median_number_of_regions_counts():
    regions = [np.repeat(np.arange(n), 24 // n)[None].repeat(4, 0) for n in (2, 8, 4)]
    images = datasets.ImageSet(
        "bsds500",
        "test",
        torch.zeros(1, 3, 4, 24, dtype=torch.uint8),
        torch.zeros(1, dtype=torch.int64),
        ("photograph",),
        ("1",),
        segmentations=(tuple(regions),),
    )
    assert len(np.unique(leaks.label_maps(images))) == 4
    assert (leaks.label_maps(TEST) == MASKS).all()
    with pytest.raises(ColornbError, match="has no regions"):
        leaks.label_maps(datasets.load("photos", "test", size=32))
