import numpy as np
import pandas as pd
import pytest
import torch
from skimage import color
from skimage.metrics import peak_signal_noise_ratio

from colornb import intervals, lab, metrics, scenes
from colornb.errors import ColornbError


def pictures(n=5, size=24, seed=0):
    """Smooth random truth, the first picture exactly gray, and noisy predictions."""
    g = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, size // 4, size // 4, generator=g)
    truth = torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear") * 255
    truth[0] = truth[0].mean(0)
    noise = 20 * torch.randn(truth.shape, generator=g)
    noise[0] = 0
    return (truth + noise).clamp(0, 255).to(torch.uint8), truth.to(torch.uint8)


PREDICTED, TRUTH = pictures()


def as_numpy(images):
    return images.permute(0, 2, 3, 1).numpy()


def table(n=300, seed=0, **columns):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"mse_rgb": rng.random(n), "chroma_truth": np.linspace(0, 9, n)} | columns)


def test_agrees_with_scikit_image_and_definitions():
    got = metrics.evaluate(PREDICTED, TRUTH)
    p, t = as_numpy(PREDICTED), as_numpy(TRUTH)
    p_lab, t_lab = color.rgb2lab(p), color.rgb2lab(t)

    def per_image(x):
        return x.reshape(len(x), -1).mean(1)

    expected = {
        "mse_rgb": per_image((p / 255 - t / 255) ** 2),
        "mae_rgb": per_image(abs(p / 255 - t / 255)),
        "mse_ab": per_image((p_lab - t_lab)[..., 1:] ** 2) / 110**2,
        "delta_e2000": per_image(color.deltaE_ciede2000(t_lab, p_lab)),
        "chroma": per_image(np.hypot(p_lab[..., 1], p_lab[..., 2])),
        "chroma_truth": per_image(np.hypot(t_lab[..., 1], t_lab[..., 2])),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(got[name], values, rtol=1e-3, atol=0.01, err_msg=name)
    np.testing.assert_allclose(got["mse_rgb"], expected["mse_rgb"], rtol=1e-5)
    psnr = [peak_signal_noise_ratio(a, b) for a, b in zip(t[1:], p[1:], strict=True)]
    np.testing.assert_allclose(got["psnr"][1:], psnr, atol=1e-3)
    shift = abs(p_lab.round() - t_lab.round())
    for t_percent in (2, 5):
        hit = (shift <= np.array([1, 2.2, 2.2]) * t_percent + 1e-9).all(-1)
        np.testing.assert_allclose(got[f"acc{t_percent}"], per_image(hit), atol=0.005)
    assert (got["acc2"] < got["acc5"])[1:].all()


def test_ssim_agrees_with_torchmetrics():
    from torchmetrics.functional.image import structural_similarity_index_measure

    for size in (6, 24):
        p, t = pictures(size=4 * (size // 4 + 1))
        p, t = p[..., :size], t[..., :size]  # not square, to tell rows from columns
        expected = structural_similarity_index_measure(
            p / 255, t / 255, data_range=1.0, reduction="none"
        )
        np.testing.assert_allclose(metrics.evaluate(p, t)["ssim"], expected, atol=2e-5)


def test_equal_pictures_reach_the_ends_and_psnr_stays_finite():
    got = metrics.evaluate(TRUTH, TRUTH).mean()
    assert got["psnr"] == pytest.approx(10 * np.log10(12 * 255**2))  # 58.9 dB
    ends = {"mse_rgb": 0, "mae_rgb": 0, "delta_e2000": 0, "acc2": 1, "acc5": 1, "auc": 1, "ssim": 1}
    for name, end in ends.items():
        assert got[name] == pytest.approx(end, abs=1e-6), name
    assert got["colorfulness"] == got["colorfulness_truth"] > 0


def test_accuracy_counts_a_difference_at_the_limit():
    # The same gray shifted by one L unit counts at 2 %, by three only at 5 %, by six not at all.
    levels = {
        round(float(color.rgb2lab(np.full((1, 1, 3), v / 255))[0, 0, 0]), 1): v for v in range(256)
    }
    lightness = {v: round(k) for k, v in levels.items()}
    truth = torch.full((1, 3, 8, 8), 100, dtype=torch.uint8)
    for shift, counts in {2: (1, 1), 5: (0, 1), 6: (0, 0)}.items():
        value = next(v for v in range(256) if lightness.get(v) == lightness[100] + shift)
        got = metrics.evaluate(torch.full_like(truth, value), truth)
        assert (got["acc2"][0], got["acc5"][0]) == counts, shift


def test_auc_is_the_trapezoid_over_thresholds():
    distance = torch.tensor([0.0, 0.2, 1.0, 1.5, 77.0, 149.5, 150.0, 150.5, 200.0])
    thresholds = np.arange(151)
    curves = distance.numpy()[:, None] <= thresholds
    expected = np.trapezoid(curves.astype(float), thresholds, axis=1) / 150
    np.testing.assert_allclose(metrics._auc(distance), expected, atol=1e-6)


def test_rebalanced_auc():
    even = metrics.evaluate(PREDICTED, TRUTH, ab_frequency=torch.full((313,), 1 / 313))
    got = metrics.summarize([even])
    assert got["auc_rebalanced"]["value"] == pytest.approx(got["auc"]["value"], rel=1e-5)
    # A frequency of nearly 0 makes one bin the only one that counts.
    bins = lab.quantize_ab(lab.rgb_to_lab(lab.to_float(TRUTH))[:, 1:])
    chosen = int(bins.flatten().mode().values)
    frequency = torch.ones(313)
    frequency[chosen] = 1e-7
    got = metrics.summarize([metrics.evaluate(PREDICTED, TRUTH, ab_frequency=frequency)])
    ab = [lab.rgb_to_lab(lab.to_float(x))[:, 1:] for x in (PREDICTED, TRUTH)]
    pixels = metrics._auc((ab[0] - ab[1]).norm(dim=1))[bins == chosen]
    assert got["auc_rebalanced"]["value"] == pytest.approx(float(pixels.mean()), abs=1e-4)
    assert "auc_rebalanced" not in metrics.summarize([metrics.evaluate(PREDICTED, TRUTH)])


def test_colorfulness_is_the_signed_m3():
    got = metrics.evaluate(PREDICTED, TRUTH)
    r, g, b = np.moveaxis(as_numpy(TRUTH).astype(float), -1, 0)
    for i in range(len(TRUTH)):
        rg, yb = r[i] - g[i], (r[i] + g[i]) / 2 - b[i]
        m3 = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
        assert got["colorfulness_truth"][i] == pytest.approx(m3, abs=1e-3)


def test_chunks_do_not_show(monkeypatch):
    whole = metrics.evaluate(PREDICTED, TRUTH)
    monkeypatch.setattr(metrics, "_CHUNK_PIXELS", 2 * 24 * 24)
    pd.testing.assert_frame_equal(metrics.evaluate(PREDICTED, TRUTH), whole, rtol=1e-5)


@pytest.mark.parametrize(
    "p, t",
    [
        (PREDICTED.float(), TRUTH),
        (PREDICTED[:2], TRUTH),
        (PREDICTED[:, :1], TRUTH[:, :1]),
        (PREDICTED[..., :5], TRUTH[..., :5]),
    ],
)
def test_evaluate_refuses_other_inputs(p, t):
    with pytest.raises(ValueError, match="uint8"):
        metrics.evaluate(p, t)


def test_ab_frequency_is_smoothed_and_sums_to_one():
    red = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    red[:, 0] = 200
    frequency = metrics.ab_frequency(red)
    assert frequency.shape == (313,)
    assert frequency.sum() == pytest.approx(1, abs=1e-5)
    assert frequency.max() == pytest.approx(129 / (128 + 313))
    assert frequency.min() == pytest.approx(1 / (128 + 313))


def test_summary_is_the_mean_with_an_interval_of_the_right_width():
    images = metrics.evaluate(PREDICTED, TRUTH)
    got = metrics.summarize([images])
    assert list(got) == [name for name in metrics.METRICS if name in got]
    assert set(metrics.METRICS) - set(got) == {"auc_rebalanced", "kid", "c2st"}
    assert got["chroma_retention"]["value"] == pytest.approx(
        images["chroma"].sum() / images["chroma_truth"].sum()
    )
    one = metrics.summarize([table()])["mse_rgb"]
    assert one["value"] == pytest.approx(table()["mse_rgb"].mean()) and one["n"] == 300
    width = 2 * 1.96 * table()["mse_rgb"].std() / np.sqrt(300)
    assert one["high"] - one["low"] == pytest.approx(width, rel=0.1)
    assert one["low"] < one["value"] < one["high"]
    assert one == metrics.summarize([table()])["mse_rgb"]  # the same seed, the same interval


def test_ratio_of_gray_truth_is_nan():
    images = table(chroma=np.ones(300), chroma_truth=np.zeros(300))
    assert np.isnan(metrics.summarize([images])["chroma_retention"]["value"])


def test_paired_difference_is_narrow_where_images_vary_and_systems_agree():
    a, b = table(), table()
    b["mse_rgb"] -= 0.1 + 0.001 * np.random.default_rng(1).standard_normal(300)
    got = metrics.paired_difference([a], [b], "mse_rgb")
    assert 0.0995 < got["low"] < got["difference"] < got["high"] < 0.1005
    assert got["n"] == 300
    back = metrics.paired_difference([b], [a], "mse_rgb")
    assert back["difference"] == pytest.approx(-got["difference"])


def test_paired_difference_of_a_ratio():
    truth = np.linspace(0, 9, 300)
    a, b = table(chroma=0.9 * truth), table(chroma=0.5 * truth)
    got = metrics.paired_difference([a], [b], "chroma_retention")
    for name in ("difference", "low", "high"):
        assert got[name] == pytest.approx(0.4)


def test_seeds_widen_the_interval():
    seeds = [table(seed=0) for _ in range(3)]
    same = metrics.paired_difference(seeds, [table(seed=1)], "mse_rgb")
    for table_, shift in zip(seeds, (-0.3, 0, 0.3), strict=True):
        table_["mse_rgb"] += shift
    apart = metrics.paired_difference(seeds, [table(seed=1)] * 3, "mse_rgb")
    assert apart["difference"] == pytest.approx(same["difference"])
    assert apart["high"] - apart["low"] > 3 * (same["high"] - same["low"])
    alone = metrics.summarize(seeds)["mse_rgb"]
    assert alone["value"] == pytest.approx(np.mean([t["mse_rgb"].mean() for t in seeds]))
    assert alone["high"] - alone["low"] > 3 * (same["high"] - same["low"])


def test_other_images_or_columns_are_refused():
    other = table(chroma_truth=np.linspace(9, 0, 300))
    for b in (table(n=200), other):
        with pytest.raises(ColornbError, match="same images"):
            metrics.paired_difference([table()], [b], "mse_rgb")
    with pytest.raises(ColornbError, match="no column psnr"):
        metrics.paired_difference([table()], [table()], "psnr")


def test_metrics_have_a_direction_and_a_format():
    for metric in metrics.METRICS.values():
        assert metric.better in {"lower", "higher", "neither"}
        assert format(0.5, metric.format)


def test_a_metric_as_a_statistic_of_counts_is_the_summary():
    images = scenes.image_set("test", size=32, limit=8)
    predicted = images.images.flip(0)
    counts = metrics.counting(images.images)(predicted, images)
    frequency = metrics.ab_frequency(images.images)
    table = metrics.evaluate(predicted, images.images, ab_frequency=frequency)
    summary = metrics.summarize([table])
    for name in ("delta_e2000", "auc_rebalanced", "colorfulness_ratio"):
        found = intervals.estimate([counts], metrics.statistic(name))
        assert found["value"] == pytest.approx(summary[name]["value"])
