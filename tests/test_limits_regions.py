import numpy as np
import pytest
import torch

from colornb import datasets, intervals, lab, painted, scenes
from colornb.limits import leaks, regions

TRAIN, TEST = (scenes.image_set(split, size=32, limit=24) for split in ("train", "test"))


def plain(*colours, size=20):
    """Pictures of one Lab colour each."""
    pixels = torch.tensor(colours, dtype=torch.float32)[:, :, None, None]
    return lab.to_uint8(lab.lab_to_rgb(pixels.expand(-1, -1, size, size).contiguous()))


RED, BLUE, GRAY = (55, 40, 20), (55, 0, -40), (55, 0, 0)


def value(counts, statistic):
    return intervals.estimate([counts], statistic)["value"]


def test_error_of_known_colours():
    counts = regions.count_error(plain(RED, GRAY), plain(RED, BLUE))
    assert value(counts, regions.ab_error) == pytest.approx(20, abs=0.3)
    total = np.hypot(40, 20) + 40
    assert value(counts, regions.relative_error) == pytest.approx(40 / total, abs=0.005)
    gray = regions.count_error(plain(GRAY, GRAY), plain(RED, BLUE))
    assert value(gray, regions.relative_error) == pytest.approx(1, abs=0.01)


def test_error_within_a_mask():
    truth, made = plain(RED), plain(RED)
    made[:, :, :, 10:] = plain(GRAY)[:, :, :, 10:]
    left = torch.zeros(1, 20, 20, dtype=torch.bool)
    left[:, :, :10] = True
    assert value(regions.count_error(made, truth, left), regions.ab_error) == 0
    right = value(regions.count_error(made, truth, ~left), regions.relative_error)
    assert right == pytest.approx(1, abs=0.01)


def test_a_small_region_counts_as_much_as_a_large_one_in_its_own_bin():
    """A square of 2 x 2 (1 % of the picture) painted gray, all around it right."""
    truth, made = plain(RED), plain(RED)
    made[:, :, 4:6, 4:6] = plain(GRAY)[:, :, 4:6, 4:6]
    maps = np.zeros((1, 20, 20), int)
    maps[:, 4:6, 4:6] = 7
    found = value(regions.count_by_area(made, truth, maps), regions.relative_error)
    assert found[2] == pytest.approx(1, abs=0.01) and found[5] == 0
    assert np.isnan(found[[0, 1, 3, 4]]).all()
    halves = np.zeros((1, 20, 20), int)
    halves[:, :, 10:] = 1
    counts = regions.count_by_area(made, truth, halves)
    assert counts["pixels"].tolist() == [[0, 0, 0, 0, 0, 2]]
    assert value(counts, regions.relative_error)[5] == pytest.approx(0.5 * 4 / 200, abs=1e-4)


ORDERED = ["truth", *(f"truth/blurred_{sigma}" for sigma in painted.BLURS), "baseline/mean_ab"]


def test_controls_order():
    rows = painted.truth_and_blurred(TEST) | painted.trivial(TEST, TRAIN, ["mean_ab"])
    maps = leaks.label_maps(TEST)
    whole, small = [], []
    for name in ORDERED:
        (pictures,) = rows[name]
        whole.append(value(regions.count_error(pictures, TEST.images), regions.ab_error))
        by_area = regions.count_by_area(pictures, TEST.images, maps)
        small.append(value(by_area, regions.ab_error)[1])
    assert whole == sorted(whole) and whole[0] == 0
    assert small[:4] == sorted(small[:4]) and small[0] == 0


def test_controls_order_on_photographs():
    photos = datasets.load("photos", "test", size=64)
    rows = painted.truth_and_blurred(photos) | painted.trivial(photos, photos, ["mean_ab", "gray"])
    error, relative = (
        [
            value(regions.count_error(rows[name][0], photos.images), statistic)
            for name in (*ORDERED, "baseline/gray")
        ]
        for statistic in (regions.ab_error, regions.relative_error)
    )
    assert error == sorted(error) and error[0] == 0
    assert relative[-1] == pytest.approx(1, abs=0.01)
    faded = regions.count_error(rows["truth/faded"][0], photos.images)
    assert value(faded, regions.relative_error) == pytest.approx(0.5, abs=0.01)


def test_hidden_surroundings_leave_the_object_and_the_mean_lightness():
    where = TEST.masks == scenes.OBJECT
    hidden = regions.hide_surroundings(TEST, where)
    before, after = (lab.uint8_to_lab(s.images) for s in (TEST, hidden))
    assert (after[:, 1:].abs() < 1).all(), "gray"
    assert (after[:, 0] - before[:, 0])[where].abs().max() < 0.5
    for one, other, inside in zip(before[:, 0], after[:, 0], where, strict=True):
        assert other[~inside].std() < 1e-3
        assert other[~inside].mean() == pytest.approx(one[~inside].mean(), abs=0.5)
    assert hidden.sha256 != TEST.sha256 and hidden.ids == TEST.ids


def test_mirroring_twice_changes_nothing():
    assert torch.equal(regions.mirror(regions.mirror(TEST)).images, TEST.images)


def test_hiding_moves_a_painter_that_looks_around_and_no_other():
    """One painter gives each pixel a colour by its own L, one the whole picture one by its mean L;
    neither knows left from right."""
    where = TEST.masks == scenes.OBJECT

    def by_pixel(images):
        lightness = lab.uint8_to_lab(images.images)[:, :1]
        return [lab.assemble(lightness, (lightness - 50).expand(-1, 2, -1, -1) / 5)]

    def by_picture(images):
        lightness = lab.uint8_to_lab(images.images)[:, :1]
        wide = (lightness - 50).square().mean((2, 3), keepdim=True).sqrt()
        return [lab.assemble(lightness, wide.expand(-1, 2, *lightness.shape[2:]))]

    for painter, moves in ((by_pixel, False), (by_picture, True)):
        found = regions.count_hiding(painter, TEST, where)
        assert set(found) == {"shown", "hidden", "moved by hiding", "moved by mirroring"}
        moved = {k: intervals.estimate(v, regions.ab_error)["value"] for k, v in found.items()}
        assert moved["moved by mirroring"] == pytest.approx(0, abs=0.05)
        assert (moved["moved by hiding"] > 1) == moves
        assert (abs(moved["shown"] - moved["hidden"]) > 0.02) == moves
