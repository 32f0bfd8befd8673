import numpy as np
import pytest
import torch

from colornb import baselines, lab, metrics, paths
from colornb.errors import ColornbError


def pictures(n=12, size=16, seed=0):
    """Two classes, reddish and bluish, each on lightness of its own."""
    g = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    pixels = torch.empty(n, 3, size, size)
    pixels[:, 0] = 30 + 40 * torch.rand(n, size, size, generator=g) + 20 * labels[:, None, None]
    centre = torch.tensor([[25.0, 10.0], [-5.0, -20.0]])[labels]
    spread = torch.randn(n, 2, size, size, generator=g)
    pixels[:, 1:] = centre[..., None, None] + 4 * spread
    return lab.to_uint8(lab.lab_to_rgb(pixels)), labels


IMAGES, LABELS = pictures()
LAB = lab.rgb_to_lab(lab.to_float(IMAGES))
FITTED = baselines.fit(IMAGES, LABELS)


def test_fit_learns_the_colours():
    ab = LAB[:, 1:].movedim(1, -1)
    torch.testing.assert_close(FITTED.mean_ab, ab.flatten(0, 2).mean(0), atol=1e-4, rtol=0)
    median = torch.from_numpy(np.median(ab[:11].flatten(0, 2).numpy(), axis=0))
    got = baselines.fit(IMAGES[:11], LABELS[:11]).median_ab  # more red pictures than blue
    torch.testing.assert_close(got, median, atol=0.02, rtol=0)
    for k in (0, 1):
        mean = ab[LABELS == k].flatten(0, 2).mean(0)
        torch.testing.assert_close(FITTED.class_mean_ab[k], mean, atol=1e-4, rtol=0)
    fifty = LAB[:, 0].round() == 50
    torch.testing.assert_close(FITTED.ab_given_l[50], ab[fifty].mean(0), atol=1e-4, rtol=0)


def test_empty_bins_of_l_are_interpolated():
    levels = torch.tensor([60, 180], dtype=torch.uint8).view(2, 1, 1).expand(2, 8, 8)
    images = torch.stack((levels, levels // 2, levels // 3), dim=1)
    fitted = baselines.fit(images, torch.zeros(2, dtype=torch.int64)).ab_given_l
    (dark, bright) = lab.rgb_to_lab(lab.to_float(images))[:, 0, 0, 0].round().long()
    middle = (dark + bright) // 2
    share = (middle - dark) / (bright - dark)
    torch.testing.assert_close(fitted[middle], fitted[dark].lerp(fitted[bright], share))
    assert torch.equal(fitted[0], fitted[dark]) and torch.equal(fitted[100], fitted[bright])


def test_a_class_without_pictures_gets_the_mean():
    fitted = baselines.fit(IMAGES, LABELS * 2)
    torch.testing.assert_close(fitted.class_mean_ab[1], fitted.mean_ab)
    more = baselines.fit(IMAGES, LABELS, int(LABELS.max()) + 3)
    torch.testing.assert_close(more.class_mean_ab[-2:], more.mean_ab.expand(2, 2))


@pytest.mark.parametrize("name", baselines.NAMES)
def test_predictions_keep_l_and_see_only_what_they_say(name):
    predicted = FITTED.predict(name, IMAGES, LABELS)
    assert predicted.dtype == torch.uint8 and predicted.shape == IMAGES.shape
    got = lab.rgb_to_lab(lab.to_float(predicted))
    assert (got[:, 0] - LAB[:, 0]).abs().mean() < 0.3
    # Chroma that is not of the true picture, at the same L:
    swapped = baselines.recolor(IMAGES, LAB[:, 1:].flip(0))
    changed = (FITTED.predict(name, swapped, LABELS).float() - predicted.float()).abs()
    assert (changed.mean() > 1) == (baselines.SEES[name] == "answer")
    relabelled = FITTED.predict(name, IMAGES, 1 - LABELS)
    assert torch.equal(relabelled, predicted) == (baselines.SEES[name] != "class")


def test_predictions_have_the_learned_colours():
    gray = FITTED.predict("gray", IMAGES, LABELS)
    assert (gray.amax(1) - gray.amin(1)).max() <= 1
    for name, expected in {
        "mean_ab": FITTED.mean_ab.expand(12, 2),
        "class_mean_ab": FITTED.class_mean_ab[LABELS],
        "oracle_image_mean": LAB[:, 1:].mean((2, 3)),
    }.items():
        predicted = lab.to_float(FITTED.predict(name, IMAGES, LABELS))
        got = lab.rgb_to_lab(predicted)[:, 1:].mean((2, 3))
        torch.testing.assert_close(got, expected, atol=0.6, rtol=0)


def test_more_knowledge_costs_less():
    error = {
        name: metrics.evaluate(FITTED.predict(name, IMAGES, LABELS), IMAGES)["mse_ab"].mean()
        for name in baselines.NAMES
    }
    assert error["oracle_image_mean"] < error["class_mean_ab"] < error["ab_given_l"]
    assert error["ab_given_l"] < error["mean_ab"] < error["gray"]


def test_chunks_do_not_show(monkeypatch):
    whole = FITTED.predict("class_mean_ab", IMAGES, LABELS)
    monkeypatch.setattr(baselines, "_CHUNK_PIXELS", 5 * 16 * 16)
    assert torch.equal(FITTED.predict("class_mean_ab", IMAGES, LABELS), whole)
    torch.testing.assert_close(baselines.fit(IMAGES, LABELS).mean_ab, FITTED.mean_ab)


def test_unknown_baseline_is_refused():
    with pytest.raises(ColornbError, match="median_ab"):
        FITTED.predict("sepia", IMAGES, LABELS)


def test_gain_restores_the_chroma():
    faded = 0.4 * LAB[:, 1:]
    gain = baselines.chroma_gain(faded, IMAGES)
    assert gain == pytest.approx(2.5, rel=0.03)
    images = metrics.evaluate(baselines.recolor(IMAGES, gain * faded), IMAGES)
    retention = metrics.summarize([images], resamples=10)["chroma_retention"]["value"]
    assert retention == pytest.approx(1, abs=0.005)
    small = torch.nn.functional.avg_pool2d(faded, 2)  # chroma at half the resolution
    assert baselines.chroma_gain(small, IMAGES) > 2.5
    with pytest.raises(ColornbError, match="no gain"):
        baselines.chroma_gain(0 * faded, IMAGES)


def test_published_table_of_cifar10():
    """The rows of the study's table of trivial baselines, from an independent computation."""
    if not (paths.data_root() / "cifar-10-batches-bin").is_dir():
        pytest.skip("needs CIFAR-10: set COLORNB_DATA")
    from colornb import datasets

    train, test = datasets.load("cifar10", "train"), datasets.load("cifar10", "test")
    fitted = baselines.fit(train.images, train.labels)
    expected = {  # mse_rgb, psnr, mae_rgb, acc2, acc5, delta_e2000, chroma_retention
        "gray": (0.00693, 24.45, 0.0502, 0.257, 0.550, 10.49, 0),
        "mean_ab": (0.00647, 24.15, 0.0500, 0.175, 0.569, 10.89, 0.39),
        "median_ab": (0.00650, 24.31, 0.0492, 0.241, 0.572, 10.60, 0.24),
        "ab_given_l": (0.00633, 24.37, 0.0486, 0.221, 0.575, 10.75, 0.42),
        "class_mean_ab": (0.00576, 24.67, 0.0470, 0.205, 0.595, 10.41, 0.52),
        "oracle_image_mean": (0.00319, 27.75, 0.0340, 0.348, 0.744, 7.21, 0.78),
    }
    names = ["mse_rgb", "psnr", "mae_rgb", "acc2", "acc5", "delta_e2000", "chroma_retention"]
    tolerance = [6e-6, 0.006, 6e-5, 6e-4, 6e-4, 0.006, 0.006]
    for baseline, row in expected.items():
        predicted = fitted.predict(baseline, test.images, test.labels)
        got = metrics.summarize([metrics.evaluate(predicted, test.images)], resamples=2)
        values = np.array([got[name]["value"] for name in names])
        assert (abs(values - row) <= tolerance).all(), (baseline, values)
