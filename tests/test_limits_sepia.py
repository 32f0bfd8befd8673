import os

import numpy as np
import pytest
import torch

from colornb import baselines, datasets, intervals, lab, painted, scenes
from colornb.limits import sepia

TRAIN, TEST = (scenes.image_set(split, size=32, limit=60) for split in ("train", "test"))
FITTED = baselines.fit(TRAIN.images, TRAIN.labels)


def plain(lightness, a, b, size=8):
    """One picture of one colour."""
    pixels = torch.tensor([lightness, a, b], dtype=torch.float32).view(1, 3, 1, 1)
    return lab.to_uint8(lab.lab_to_rgb(pixels.expand(1, 3, size, size)))


def measured(predicted, truth, mean_ab=FITTED.mean_ab, where=None):
    counts = sepia.count_sepia(predicted, truth, mean_ab, where)
    found = (sepia.sepia_index, sepia.mean_ab_projection, sepia.chroma_retention)
    return [intervals.estimate([counts], statistic)["value"] for statistic in found]


def test_known_answers():
    along = torch.tensor([0.0, 10.0])
    blue, yellow, red = (plain(60, *ab) for ab in ((0.0, -40.0), (0.0, 40.0), (40.0, 0.0)))
    assert measured(yellow, blue, along) == pytest.approx([1, 1, 1], abs=0.03)
    assert measured(blue, yellow, along) == pytest.approx([-1, -1, 1], abs=0.03)
    assert measured(red, red, along) == pytest.approx([0, 0, 1], abs=0.03)
    half = torch.cat((blue[:, :, :4], yellow[:, :, :4]), dim=2)  # half of the chroma is sepia
    assert measured(half, blue, along) == pytest.approx([0.5, 0, 1], abs=0.03)


def test_only_the_pixels_asked_for_count():
    along = torch.tensor([0.0, 10.0])
    blue, yellow = plain(60, 0.0, -40.0), plain(60, 0.0, 40.0)
    picture = torch.cat((yellow[:, :, :2], blue[:, :, 2:]), dim=2)
    top = torch.zeros(1, 8, 8, dtype=torch.bool)
    top[:, :2] = True
    assert measured(picture, blue, along, top)[0] == pytest.approx(1, abs=0.03)
    assert measured(picture, blue, along, ~top)[0] == pytest.approx(0, abs=0.03)


def check_controls(train, test, bad_rows):
    rows = painted.truth_and_blurred(test) | painted.trivial(test, train, bad_rows)
    mean_ab = baselines.fit(train.images, train.labels).mean_ab
    found = {name: measured(pictures[0], test.images, mean_ab) for name, pictures in rows.items()}
    assert found["truth"][0] == 0 and found["truth"][2] == 1
    for name in rows:
        if name.startswith("baseline"):
            assert found[name][0] > found["truth/blurred_4"][0] + 0.1
            assert found[name][1] > found["truth"][1] + 0.2
    kept = [found[name][2] for name in rows if name.startswith(("truth/b", "truth/f"))]
    assert kept == sorted(kept, reverse=True)
    assert kept[-2] > 0.5 and kept[-1] == pytest.approx(0.5, abs=0.02), "faded to a half"
    assert found["truth/faded"][:2] == pytest.approx(found["truth"][:2], abs=0.03), "not its hues"


def test_the_truth_is_at_the_good_end_and_one_colour_for_all_at_the_bad():
    check_controls(TRAIN, TEST, ["mean_ab"])


def test_the_order_holds_on_photographs():
    photos = datasets.load("photos", "test", size=64)
    check_controls(photos, photos, ["mean_ab"])


@pytest.mark.skipif("COLORNB_DATA" not in os.environ, reason="needs COLORNB_DATA")
def test_the_order_holds_on_real_pictures():
    train, test = (datasets.load("cifar10", split, limit=1000) for split in ("train", "test"))
    check_controls(train, test, ["mean_ab", "median_ab"])


def test_gray_has_no_hue():
    (gray,) = painted.trivial(TEST, TRAIN, ("gray",))["baseline/gray"]
    index, projection, retention = measured(gray, TEST.images)
    assert np.isnan([index, projection]).all() and retention == pytest.approx(0, abs=0.01)


def test_clear_skies_are_smooth_blue_and_warmer_below():
    rising = torch.linspace(-35, 15, 16)  # b of the rows of the sky

    def picture(b, noise=0.0):
        pixels = torch.zeros(1, 3, 32, 32)
        pixels[:, 0] = 70 + noise * torch.randn(32, 32, generator=torch.manual_seed(0))
        pixels[:, 2, :16] = b[:, None]
        return lab.to_uint8(lab.lab_to_rgb(pixels))

    for sky in (rising, rising.flip(0), rising + 50):
        assert sepia.smooth_tops(picture(sky))[0, :16].all(), "found in lightness alone"
    assert not sepia.smooth_tops(picture(rising))[0, 16:].any()
    assert not sepia.smooth_tops(picture(rising, noise=15)).any()
    found = sepia.clear_skies(picture(rising))
    assert found[0, :16].all() and not found[0, 16:].any()
    assert not sepia.clear_skies(picture(rising.flip(0))).any(), "colder below"
    assert not sepia.clear_skies(picture(torch.full((16,), -30.0))).any(), "one blue"
    assert not sepia.clear_skies(picture(rising + 50)).any(), "not blue"
    assert not sepia.clear_skies(picture(rising, noise=15)).any(), "not smooth"
