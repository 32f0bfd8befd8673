import os

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from colornb import baselines, datasets, intervals, lab, painted, scenes
from colornb.limits import colour

TRAIN, TEST = (scenes.image_set(split, size=32, limit=60) for split in ("train", "test"))


def plain(*colours, size=8):
    """Pictures of one Lab colour each."""
    pixels = torch.tensor(colours, dtype=torch.float32)[:, :, None, None]
    return lab.to_uint8(lab.lab_to_rgb(pixels.expand(-1, -1, size, size).contiguous()))


RED, BLUE, GREEN, GRAY = (55, 40, 20), (55, 0, -40), (55, -30, 30), (55, 0, 0)


def value(counts, statistic):
    return intervals.estimate([counts], statistic)["value"]


def test_hue_sectors_are_where_they_should_be_and_gray_has_none():
    images = plain((60, 40, 0), (60, 0, 40), (60, -30, 0), GRAY, size=4)
    found = colour.hue_counts(images, torch.ones(4, 4, 4, dtype=torch.bool))
    assert [int(row.argmax()) for row in found[:3]] == [0, 3, 6]  # 0, 90 and 180 degrees
    assert found.sum(1).tolist() == [16, 16, 16, 0]


def test_amplification_of_a_known_share():
    """Of four objects of a class two are red; a system that paints all of them red has 2."""
    truth, labels = plain(RED, RED, BLUE, GREEN), torch.zeros(4, dtype=torch.long)
    where = colour.centre(truth)
    assert where.sum() == 4 * 16
    majority = colour.majority_hue(truth, labels, 1, where)
    for predicted, expected in (
        (plain(RED, RED, RED, RED), 2),
        (truth, 1),
        (plain(GRAY, GRAY, GRAY, BLUE), 0),
        (plain(RED, GRAY, GRAY, BLUE), 1),  # gray objects have no hue to count
    ):
        counts = colour.count_majority(predicted, truth, labels, majority, where)
        assert value(counts, colour.bias_amplification) == pytest.approx(expected)
    counts = colour.count_majority(plain(RED, GRAY, GRAY, BLUE), truth, labels, majority, where)
    assert value(counts, colour.coloured_share) == 0.5
    counts = colour.count_majority(plain(*[GRAY] * 4), truth, labels, majority, where)
    assert np.isnan(value(counts, colour.bias_amplification))


def test_each_class_has_its_own_majority():
    truth, labels = plain(RED, RED, BLUE, BLUE), torch.tensor([0, 0, 1, 1])
    where = colour.centre(truth)
    majority = colour.majority_hue(truth, labels, 3, where)
    counts = colour.count_majority(plain(RED, BLUE, BLUE, BLUE), truth, labels, majority, where)
    found = value(counts, colour.amplification_by_class)
    assert found[:2].tolist() == [0.5, 1] and np.isnan(found[2]), "no picture of class 2"


def test_a_recoloured_histogram_has_its_divergence():
    truth, made = plain(RED, RED, BLUE, BLUE), plain(RED, RED, RED, GREEN)
    found = value(colour.count_histograms(made, truth), colour.js_divergence)
    expected = jensenshannon([3 / 4, 0, 1 / 4], [1 / 2, 1 / 2, 0], base=2) ** 2
    assert found == pytest.approx(expected, abs=1e-6)
    assert value(colour.count_histograms(truth, truth), colour.js_divergence) == 0
    far = value(colour.count_histograms(plain(*[GRAY] * 4), truth), colour.js_divergence)
    assert far == pytest.approx(1)


def test_recall_is_counted_by_frequency():
    train = plain(*[GRAY] * 8, RED, BLUE)  # gray is eight tenths, red and blue a tenth each
    groups = colour.frequency_groups(train)
    truth = plain(GRAY, RED, BLUE)
    counts = colour.count_recall(plain(GRAY, GRAY, (55, 5, -38)), truth, groups)
    found = value(counts, colour.recall_by_frequency)
    bins = lab.quantize_ab(lab.uint8_to_lab(truth)[:, 1:])[:, 0, 0]
    assert sorted(groups[bins[1:]]) == [0, 1] and groups[bins[0]] > 1
    assert found[groups[bins]].tolist() == [1, 0, 1]
    assert value(counts, colour.rare_recall) == found[0]


def test_texture_turned_green():
    generator = torch.Generator().manual_seed(0)
    pixels = torch.zeros(1, 3, 32, 32)
    pixels[:, 0] = 60
    pixels[:, 0, :, 16:] += 8 * torch.randn(32, 16, generator=generator)
    truth = lab.to_uint8(lab.lab_to_rgb(pixels))
    bounds = colour.roughness_bounds(truth)
    everywhere = pixels.clone()
    pixels[:, 1:, :, 19:] = torch.tensor([-25.0, 25.0]).view(1, 2, 1, 1)
    only_rough = lab.to_uint8(lab.lab_to_rgb(pixels))
    counts = colour.count_turned_green(only_rough, truth, bounds)
    assert value(counts, colour.texture_to_green) == pytest.approx(1, abs=0.1)
    assert counts["not_green"].sum() == 32 * 32
    everywhere[:, 1:] = torch.tensor([-25.0, 25.0]).view(1, 2, 1, 1)
    counts = colour.count_turned_green(lab.to_uint8(lab.lab_to_rgb(everywhere)), truth, bounds)
    assert value(counts, colour.texture_to_green) == pytest.approx(0, abs=0.02)
    grass = plain(GREEN, GREEN, size=32)
    assert colour.count_turned_green(grass, grass, bounds)["not_green"].sum() == 0


def test_shares_of_red_and_of_green():
    images = plain(RED, RED, BLUE, GREEN, GRAY)
    where = torch.ones(5, 8, 8, dtype=torch.bool)
    counts = colour.count_red(images, where)
    assert value(counts, colour.red_share) == 0.5 and value(counts, colour.hue_share) == 0.8
    assert value(colour.count_green(images, where), colour.green_share) == 0.2
    assert np.isnan(value(colour.count_red(plain(GRAY), where[:1]), colour.red_share))
    nowhere = colour.count_green(images, ~where)
    assert nowhere["pixels"].sum() == nowhere["green"].sum() == 0


def test_all_measures_are_counted_at_once():
    count = colour.counting(TRAIN, TEST)
    found = {
        name: {k: value(count(pictures, TEST), s) for k, s in colour.STATISTICS.items()}
        for name, (pictures,) in painted.beside_controls({}, TEST, TRAIN, ["mean_ab"]).items()
    }
    assert found["truth"]["bias_amplification"] == 1 == found["truth"]["rare_recall"]
    assert found["truth"]["js_divergence"] == 0 == found["truth"]["texture_to_green"]
    assert found["baseline/mean_ab"]["js_divergence"] > found["truth/blurred_4"]["js_divergence"]
    part = count(TEST.images[:7], TEST.subset(range(7)))
    assert {len(values) for values in part.values()} == {7}


def check_order(train, test):
    """The truth, blurred more and more, then one colour for all."""
    rows = painted.truth_and_blurred(test)
    rows |= painted.trivial(test, train, ["mean_ab"])
    groups = colour.frequency_groups(train.images)
    divergence, recall = [], []
    for (pictures,) in rows.values():
        histograms = colour.count_histograms(pictures, test.images)
        divergence.append(value(histograms, colour.js_divergence))
        recalled = colour.count_recall(pictures, test.images, groups)
        recall.append(value(recalled, colour.rare_recall))
    assert divergence == sorted(divergence) and divergence[0] == 0
    assert recall == sorted(recall, reverse=True) and recall[0] == 1
    assert np.bincount(groups, minlength=colour.GROUPS)[0] > 10, "the rarest group has many bins"


def test_controls_order_on_scenes():
    check_order(TRAIN, TEST)


@pytest.mark.skipif("COLORNB_DATA" not in os.environ, reason="needs COLORNB_DATA")
def test_controls_order_on_real_pictures():
    check_order(*(datasets.load("cifar10", split, limit=500) for split in ("train", "test")))


def test_the_class_mean_amplifies_the_hue_of_its_class():
    """All objects of a class in one colour: its majority hue has all or nothing."""
    where = TEST.masks == scenes.OBJECT
    majority = colour.majority_hue(TRAIN.images, TRAIN.labels, 6, TRAIN.masks == scenes.OBJECT)
    fitted = baselines.fit(TRAIN.images, TRAIN.labels)
    pictures = fitted.predict("class_mean_ab", TEST.images, TEST.labels)
    counts = colour.count_majority(pictures, TEST.images, TEST.labels, majority, where)
    found = value(counts, colour.amplification_by_class)
    truth = value(counts, lambda m: m["majority_truth"] / m["coloured_truth"])
    one = found[~np.isnan(found)] * truth[~np.isnan(found)]
    assert ((one < 0.05) | (one > 0.95)).all()
