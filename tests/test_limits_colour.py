import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from colornb import baselines, datasets, intervals, lab, painted, scenes
from colornb.limits import colour, pixels

TRAIN, TEST = (scenes.image_set(split, size=32, limit=60) for split in ("train", "test"))
PHOTOS = datasets.load("photos", "test", size=64)
BLURRED = [f"truth/blurred_{sigma}" for sigma in painted.BLURS]


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
    """Of four objects of a class two are red; a system that paints all of them red has 2. Gray
    objects have no hue, so they count in `bias_amplification` alone."""
    truth, labels = plain(RED, RED, BLUE, GREEN), torch.zeros(4, dtype=torch.long)
    where = colour.centre(truth)
    assert where.sum() == 4 * 16
    majority = colour.majority_hue(truth, labels, 1, where)
    for predicted, of_all, of_coloured in (
        (plain(RED, RED, RED, RED), 2, 2),
        (truth, 1, 1),
        (plain(GRAY, GRAY, GRAY, BLUE), 0, 0),
        (plain(RED, GRAY, GRAY, BLUE), 0.5, 1),
        (plain(RED, GRAY, GRAY, GRAY), 0.5, 2),
        (plain(*[GRAY] * 4), 0, np.nan),
    ):
        counts = colour.count_majority(predicted, truth, labels, majority, where)
        for statistic, expected in (
            (colour.bias_amplification, of_all),
            (colour.majority_among_coloured, of_coloured),
            (colour.amplification_by_class, [of_coloured]),
        ):
            assert value(counts, statistic) == pytest.approx(expected, nan_ok=True)
    counts = colour.count_majority(plain(RED, GRAY, GRAY, BLUE), truth, labels, majority, where)
    assert value(counts, colour.coloured_share) == 0.5


def test_no_mix_of_classes_is_taken_for_a_bias():
    """The painted hues of each class are as frequent as in the truth, but of the first class, where
    the majority is large, all pixels are painted and of the second a fourth: pooled, the majority
    would have a share of 11/15 instead of 3/5."""
    counts = {
        "pixels": np.array([[100, 100]]),
        "coloured_truth": np.array([[100, 100]]),
        "majority_truth": np.array([[80, 40]]),
        "coloured": np.array([[100, 25]]),
        "majority": np.array([[80, 10]]),
    }
    assert value(counts, colour.amplification_by_class) == pytest.approx(1)
    assert value(counts, colour.majority_among_coloured) == pytest.approx(1)
    assert value(counts, colour.bias_amplification) == pytest.approx(90 / 120)
    unpainted = counts | {"coloured": np.array([[100, 0]]), "majority": np.array([[80, 0]])}
    assert value(unpainted, colour.majority_among_coloured) == pytest.approx(1)


def test_a_faded_truth_paints_less_of_the_majority_and_keeps_what_is_colourful():
    objects = torch.ones_like(PHOTOS.images[:, 0], dtype=torch.bool)
    majority = colour.majority_hue(PHOTOS.images, PHOTOS.labels, 1, objects)
    (faded,) = painted.truth_and_blurred(PHOTOS)["truth/faded"]
    counts = colour.count_majority(faded, PHOTOS.images, PHOTOS.labels, majority, objects)
    assert value(counts, colour.bias_amplification) < 0.95
    assert value(counts, colour.coloured_share) < counts["coloured_truth"].sum() / objects.sum()
    assert value(counts, colour.majority_among_coloured) > 1.05, "selection, as documented"


def test_each_class_has_its_own_majority():
    truth, labels = plain(RED, RED, BLUE, BLUE), torch.tensor([0, 0, 1, 1])
    where = colour.centre(truth)
    majority = colour.majority_hue(truth, labels, 3, where)
    counts = colour.count_majority(plain(RED, BLUE, BLUE, BLUE), truth, labels, majority, where)
    found = value(counts, colour.amplification_by_class)
    assert found[:2].tolist() == [0.5, 1] and np.isnan(found[2]), "no picture of class 2"


def test_a_recoloured_histogram_has_its_divergence():
    truth, made = plain(RED, RED, BLUE, BLUE), plain(RED, RED, RED, GREEN)
    counts = colour.count_histograms(made, truth)
    found = colour.js_divergence({k: rows.mean(0) for k, rows in counts.items()})
    expected = jensenshannon([3 / 4, 0, 1 / 4], [1 / 2, 1 / 2, 0], base=2) ** 2
    assert found == pytest.approx(expected, abs=1e-6)
    assert value(colour.count_histograms(truth, truth), colour.js_divergence) == 0
    far = value(colour.count_histograms(plain(*[GRAY] * 4), truth), colour.js_divergence)
    assert far == pytest.approx(1)


def tiles(images, size):
    """Pictures (N, 3, H, W) cut into squares."""
    parts = images.unfold(2, size, size).unfold(3, size, size)
    return parts.permute(0, 2, 3, 1, 4, 5).flatten(0, 2).contiguous()


def test_the_divergence_of_few_pictures_is_corrected():
    """Of 40 of 320 pieces of photographs, against that of all of them."""

    def plain_divergence(means):
        return colour.js_divergence(means)

    controls, dice = painted.truth_and_blurred(PHOTOS), np.random.default_rng(0)
    for name in BLURRED:
        counts = colour.count_histograms(tiles(controls[name][0], 8), tiles(PHOTOS.images, 8))
        expected = plain_divergence({k: rows.mean(0) for k, rows in counts.items()})
        errors = {plain_divergence: [], colour.js_divergence: []}
        for _ in range(20):
            few = dice.choice(len(counts["bins"]), 40, replace=False)
            for statistic, found in errors.items():
                part = {k: rows[few] for k, rows in counts.items()}
                one = intervals.estimate([part], statistic, resamples=200)
                found.append(one["value"] - expected)
                if statistic is colour.js_divergence:
                    assert one["low"] <= one["value"] <= one["high"]
        raw, corrected = (np.mean(found) for found in errors.values())
        assert raw > 0 and abs(corrected) < 0.6 * raw
    same = colour.count_histograms(PHOTOS.images, PHOTOS.images)
    zero = intervals.estimate([same], colour.js_divergence)
    assert zero["value"] == zero["low"] == zero["high"] == zero["seeds"][0] == 0


def test_where_one_bin_holds_several_tenths_groups_are_empty():
    """Gray has four tenths: it is one group, and three have no colours at all."""
    train = plain(*[GRAY] * 4, RED, RED, RED, BLUE, BLUE, GREEN)
    groups = colour.frequency_groups(train)
    counts = colour.count_recall(train, train, groups)
    found = value(counts, colour.recall_by_frequency)
    held = np.isin(np.arange(colour.GROUPS), groups)
    assert (np.isnan(found) == ~held).all() and (found[held] == 1).all()
    assert held.nonzero()[0].tolist() == [0, 2, 4, 8]
    shares = colour.group_shares(train, groups)
    assert shares[held] == pytest.approx([0.05, 0.2, 0.45, 0.8])
    assert shares[~held] == pytest.approx([0.1, 0.3, *[0.6] * 3, 1])


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
    assert found["truth"]["majority_among_coloured"] == 1
    assert found["truth"]["js_divergence"] == 0 == found["truth"]["texture_to_green"]
    assert found["baseline/mean_ab"]["js_divergence"] > found["truth/blurred_4"]["js_divergence"]
    part = count(TEST.images[:7], TEST.subset(range(7)))
    assert {len(values) for values in part.values()} == {7}


def check_order(train, test):
    """The truth, blurred more and more, then one colour for all."""
    rows = painted.truth_and_blurred(test) | painted.trivial(test, train, ["mean_ab"])
    groups = colour.frequency_groups(train.images)
    divergence, recall = [], []
    for name in ("truth", *BLURRED, "baseline/mean_ab"):
        (pictures,) = rows[name]
        histograms = colour.count_histograms(pictures, test.images)
        divergence.append(value(histograms, colour.js_divergence))
        recalled = colour.count_recall(pictures, test.images, groups)
        recall.append(value(recalled, colour.rare_recall))
    assert divergence == sorted(divergence) and divergence[0] == 0
    assert recall == sorted(recall, reverse=True) and recall[0] == 1
    assert np.bincount(groups, minlength=colour.GROUPS)[0] > 10, "the rarest group has many bins"


def test_controls_order_on_scenes():
    check_order(TRAIN, TEST)


def test_controls_order_on_photographs():
    check_order(PHOTOS, PHOTOS)
    objects = torch.ones_like(PHOTOS.images[:, 0], dtype=torch.bool)
    majority = colour.majority_hue(PHOTOS.images, PHOTOS.labels, 1, objects)
    rows = painted.truth_and_blurred(PHOTOS) | painted.trivial(PHOTOS, PHOTOS, ["gray"])
    off = []
    for name in ("truth", *BLURRED, "baseline/gray"):
        counts = colour.count_majority(
            rows[name][0], PHOTOS.images, PHOTOS.labels, majority, objects
        )
        off.append(abs(value(counts, colour.bias_amplification) - 1))
    assert off == sorted(off) and off[0] == 0 and off[-1] == 1


def test_green_runs_over_texture_the_more_it_is_blurred():
    """Photographs with red and green exchanged, since there is little green in them."""
    greener = replace(PHOTOS, images=PHOTOS.images[:, [1, 0, 2]].contiguous())
    controls, bounds = painted.truth_and_blurred(greener), colour.roughness_bounds(greener.images)
    found, turned = [], []
    for name in ("truth", *BLURRED):
        counts = colour.count_turned_green(controls[name][0], greener.images, bounds)
        found.append(value(counts, colour.texture_to_green))
        turned.append(counts["turned_green"].sum())
    for values in (found, turned):
        assert values == sorted(values) and values[0] == 0 < values[1]


@pytest.mark.skipif("COLORNB_DATA" not in os.environ, reason="needs COLORNB_DATA")
def test_cifar10_orders_the_controls_and_has_groups_that_are_empty():
    train, test = (datasets.load("cifar10", split, limit=500) for split in ("train", "test"))
    check_order(train, test)
    groups = colour.frequency_groups(train.images)
    counts = colour.count_recall(test.images, test.images, groups)
    empty = ~np.isin(np.arange(colour.GROUPS), groups)
    assert 0 < empty.sum() < 4
    assert (np.isnan(value(counts, colour.recall_by_frequency)) == empty).all()
    shares = colour.group_shares(train.images, groups)
    assert (np.diff(shares) > 0).all()
    assert 0.8 < shares[~empty][-1] < 0.9, "the last bin holds more than a quarter"


def test_roughness_and_hue_of_known_pixels():
    stripes = torch.full((1, 3, 10, 10), 50.0)
    stripes[:, 1:] = 0
    stripes[:, 0, :, ::2] = 60
    inner = pixels.roughness(lab.to_uint8(lab.lab_to_rgb(stripes)))[0, 2:-2, 2:-2]
    two_of_five = 10 * np.sqrt(0.4 * 0.6)  # windows hold two columns of one kind and three others
    assert inner.numpy() == pytest.approx(np.full((6, 6), two_of_five), abs=0.3)
    assert (pixels.roughness(plain(RED)) < 0.1).all()
    degrees, coloured = pixels.hue(torch.tensor([[0.0, 11], [-11, 0], [0, 9]])[..., None, None])
    assert degrees.flatten().tolist() == pytest.approx([90, 180, 90])
    assert coloured.flatten().tolist() == [True, True, False]
    step = pixels.ab_distance(plain(RED), plain(BLUE))
    assert step.numpy() == pytest.approx(np.full((1, 8, 8), np.hypot(40, 60)), abs=1)


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
