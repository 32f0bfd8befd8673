import os

import numpy as np
import pytest
import torch

from colornb import datasets, intervals, lab, painted, scenes
from colornb.errors import ColornbError
from colornb.limits import leaks

TRAIN, TEST = (scenes.image_set(split, size=32, limit=60) for split in ("train", "test"))
MASKS = TEST.masks.numpy().astype(int)
PHOTOS = datasets.load("photos", "test", size=64)
ORDERED = ["truth", *(f"truth/blurred_{sigma}" for sigma in painted.BLURS)]


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
    corners = 0.06 * max(k, 0)  # those of the larger square are further than k from the mask
    assert abs(k) - 0.01 <= width <= abs(k) + 0.01 + corners
    outside, inside = value(leaks.count_bleed(picture, mask, 1), leaks.bleed_profile)
    assert (outside if k < 0 else inside) == pytest.approx(np.zeros(6), abs=0.02)


def band(up, down, sky, grass, part):
    """A red band across the whole picture, its colour too wide by `up` and `down` pixels: blue
    above, by `sky` (32, 32) more in b, `grass` (ab) below, by default blue too; and its label map,
    which is `part` below."""
    rows = np.arange(32)[:, None].repeat(32, 1)
    inside, wider = (rows >= 10) & (rows < 22), (rows >= 10 - up) & (rows < 22 + down)
    above = np.stack((np.zeros((32, 32)), -40 + sky), axis=-1)
    below = above if grass is None else np.array(grass)
    ab = np.where(wider[..., None], (45, 30), np.where((rows < 16)[..., None], above, below))
    colours = torch.from_numpy(ab).float().permute(2, 0, 1)[None]
    labels = np.where(inside, 1, np.where(rows < 16, 0, part))[None]
    return lab.assemble(torch.full((1, 1, 32, 32), 55.0), colours), labels


@pytest.mark.parametrize("k", [-2, -1, 0, 1, 2, 3])
def test_a_band_between_sky_and_grass_leaked_by_k_pixels_has_bleed_width_k(k):
    """Without corners the answer is exact: k at both edges, half of it over both if one leaks. One
    label for sky and grass would give them a colour that neither has, and a wrong width."""
    for up, width in ((k, abs(k)), (0, abs(k) / 2)):
        scene = {"sky": np.zeros((32, 32)), "grass": (-30, 30)}
        counts = leaks.count_bleed(*band(up, k, **scene, part=2), 1)
        assert value(counts, leaks.bleed_width) == pytest.approx(width, abs=0.01)
    if k:
        mixed = leaks.count_bleed(*band(0, k, **scene, part=0), 1)
        assert value(mixed, leaks.bleed_width) != pytest.approx(width, abs=0.02)


@pytest.mark.parametrize("k", [-2, -1, 0, 1, 2, 3])
def test_a_background_that_changes_across_the_picture_moves_the_bleed_width_little(k):
    """By 30 Lab units, to the right or downwards. Where the background's colour runs into the band,
    its shares lie around 1 and are cut there: a little is lost."""
    slope = np.linspace(-5, 25, 32)[None].repeat(32, 0)
    for sky in (slope, slope.T):
        counts = leaks.count_bleed(*band(k, k, sky, grass=None, part=0), 1)
        width = value(counts, leaks.bleed_width)
        assert width == pytest.approx(abs(k), abs=0.01 + 0.05 * max(-k, 0))


def test_only_pictures_with_pixels_to_measure_count():
    one, mask = square()
    gray = torch.full_like(one, 120)
    pictures, masks = torch.cat((one, gray, one)), np.concatenate((mask, mask, np.zeros_like(mask)))
    assert value(leaks.count_bleed(pictures, masks, 1), leaks.bleed_counted) == 1 / 3
    assert value(leaks.count_bleed(gray, mask, 1), leaks.bleed_counted) == 0


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
    for name in ORDERED:
        (pictures,) = controls[name]
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
    assert abs(widths[0]) < 0.5 and 0.8 < widths[1] < 1 < 1.4 < widths[2] < 2 < widths[3]


def test_controls_order_on_photographs():
    check_order(PHOTOS, None)


def test_what_has_no_colour_separates_nothing():
    """In the published code a gray picture scored 0.39, and the truth with a tenth of its chroma
    more than the truth blurred by a pixel."""
    pixels = lab.uint8_to_lab(PHOTOS.images)
    made = painted.truth_and_blurred(PHOTOS) | painted.trivial(PHOTOS, PHOTOS, ["gray", "mean_ab"])
    made["tenth"] = [lab.assemble(pixels[:, :1], pixels[:, 1:] / 10)]
    names = ("truth", "truth/blurred_1", "truth/blurred_4", "tenth", "baseline/gray")
    found = {
        name: value(leaks.count_cdr(made[name][0], PHOTOS.images), leaks.cdr)
        for name in (*names, "truth/faded", "baseline/mean_ab")
    }
    values = [found[name] for name in names]
    assert values == sorted(values, reverse=True) and values[0] == 1 and values[-1] == 0
    assert found["tenth"] < 0.1 and found["baseline/mean_ab"] < 0.1
    assert found["tenth"] < found["truth/faded"] < 1
    flat = torch.full_like(PHOTOS.images, 120)
    assert leaks.count_cdr(flat, flat)["separated"].sum() == 0, "a range of 0 is no error"


def test_clusters_do_not_depend_on_how_colourful_the_rest_of_the_picture_is():
    """skimage stretches values to 0..1: beside a red patch, faint colours would be cut by place."""
    faint = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0)) * 3
    ab = faint.repeat_interleave(11, 2).repeat_interleave(11, 3)[:, :, :64, :64]
    beside = ab.clone()
    beside[:, :, 44:, 44:] = torch.tensor([60.0, 45.0])[:, None, None]
    lightness = torch.full((1, 1, 64, 64), 55.0)
    alone, patched = (
        leaks._cluster_means(lab.assemble(lightness, colours))[..., :24, :24]
        for colours in (ab, beside)
    )
    assert patched == pytest.approx(alone, abs=0.01) and alone.std() > 2


@pytest.mark.skipif("COLORNB_DATA" not in os.environ, reason="needs COLORNB_DATA")
def test_controls_order_on_cifar10():
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
