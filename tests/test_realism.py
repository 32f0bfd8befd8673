import numpy as np
import pytest
import torch

from colornb import realism


def features(n=200, d=8, seed=0):
    """Paired features of equal distribution: each pair shares most of its content."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((n, d))
    return tuple((shared + 0.3 * rng.standard_normal((n, d))).astype("float32") for _ in range(2))


def kid(real, fake):
    return realism.kid(real, [fake])


def shifted(seed=0, n=200, by=0.5):
    real, fake = features(n=n, seed=seed)
    return real, fake + np.float32(by)


def test_kid_is_torchmetrics_but_for_the_pairs():
    from torchmetrics.image.kid import maximum_mean_discrepancy, poly_kernel

    x, y = (torch.from_numpy(f).double() for f in shifted())
    cross = poly_kernel(x, y)
    n = len(x)
    apart = (cross.sum() - cross.trace()) / (n * (n - 1))
    cross.diagonal().fill_(apart)  # as if a pair were like any two pictures
    expected = maximum_mean_discrepancy(poly_kernel(x, x), cross, poly_kernel(y, y))
    assert kid(*shifted())["value"] == pytest.approx(float(expected), rel=1e-6)


def test_kid_agrees_with_torchmetrics_on_unpaired_sets():
    from torchmetrics.image.kid import KernelInceptionDistance

    class Same(torch.nn.Module):
        num_features = 8

        def forward(self, x):
            return x

    x, y = features(seed=1)[0], shifted(seed=2)[1]
    metric = KernelInceptionDistance(feature=Same(), subsets=1, subset_size=len(x))
    metric.update(torch.from_numpy(x), real=True)
    metric.update(torch.from_numpy(y), real=False)
    got = kid(x, y)
    assert got["value"] == pytest.approx(float(metric.compute()[0]), abs=0.02 * got["value"] + 0.01)


def test_jackknife_leaves_out_a_picture_with_its_colorization():
    x, y = shifted(n=12)
    left_out = []
    for i in range(12):
        keep = np.arange(12) != i
        left_out.append(kid(x[keep], y[keep])["value"])
    error = np.sqrt(11 / 12 * ((left_out - np.mean(left_out)) ** 2).sum())
    got = kid(x, y)
    assert got["high"] - got["value"] == pytest.approx(1.96 * error)
    assert got["value"] - got["low"] == pytest.approx(1.96 * error)


def test_intervals_of_kid_cover_the_true_distance():
    for by in (0.0, 0.5):
        results = [kid(*shifted(seed=seed, n=60, by=by)) for seed in range(200)]
        large = [kid(*shifted(seed=seed, n=400, by=by)) for seed in range(900, 930)]
        truth = np.mean([r["value"] for r in large]) if by else 0
        assert np.mean([r["low"] <= truth <= r["high"] for r in results]) > 0.9
        values = [r["value"] for r in results]  # unbiased, though paired:
        assert abs(np.mean(values) - truth) < 4 * np.std(values) / np.sqrt(len(values)) + 1e-3


def test_equal_sets_have_no_distance():
    x, _ = features()
    assert kid(x, x)["value"] == pytest.approx(0, abs=1e-9)


def test_kid_difference_is_paired():
    real, a = features()
    b = a + np.float32(0.3)
    of_a, of_b = (realism.kernels(real, [one]) for one in (a, b))
    got = realism.kid_difference(of_b, of_a)
    single_b, single_a = kid(real, b), kid(real, a)
    assert got["difference"] == pytest.approx(single_b["value"] - single_a["value"])
    assert 0 < got["low"] < got["difference"] < got["high"]
    none = realism.kid_difference(of_a, of_a)
    assert none == {"difference": 0, "low": 0, "high": 0, "n": 200}
    seeds = realism.kid_difference(realism.kernels(real, [b, a]), of_a)
    assert seeds["difference"] == pytest.approx(got["difference"] / 2), "the mean over seeds"
    mean = realism.kid(real, [b, a])["value"]
    assert mean == pytest.approx((single_b["value"] + single_a["value"]) / 2)


def test_kid_covers_trainings_that_differ():
    rng, (real, fake) = np.random.default_rng(3), features()
    shifts = rng.normal(0.3, 0.1, size=(200, 3))
    values = {s: kid(real, fake + np.float32(s))["value"] for s in shifts[:2].ravel()}
    first = realism.kid(real, [fake + np.float32(s) for s in shifts[0]])
    alone = kid(real, fake + np.float32(shifts[0].mean()))
    assert first["high"] - first["low"] > 1.3 * (alone["high"] - alone["low"])
    # The spread of three trainings is that of their mean, added to the pictures' as a variance.
    two = [realism.kernels(real, [fake + np.float32(s) for s in row]) for row in shifts[:2]]
    difference = realism.kid_difference(*two)
    pictures = realism._picture_variance(two[0].mean - two[1].mean)
    spread = sum(np.var([values[s] for s in row], ddof=1) / 3 for row in shifts[:2])
    reach = (difference["high"] - difference["low"]) / 2
    assert reach == pytest.approx(1.96 * np.sqrt(pictures + spread))
    # Of the same networks, only what the change does differently to each is chance.
    same = realism.kid_difference(two[0], two[0], same_training=True)
    assert same == {"difference": 0, "low": 0, "high": 0, "n": 200}
    apart = realism.kid_difference(two[0], two[0])
    assert apart["difference"] == 0 and apart["low"] < 0 < apart["high"]


def test_a_ratio_of_kids_is_of_their_means_and_paired():
    real, b = features()[0], shifted(by=0.6)[1]
    halves = [shifted(by=by)[1] for by in (0.4, 0.45)]
    of_a, of_b = realism.kernels(real, halves), realism.kernels(real, [b, b])
    got = realism.kid_ratio(of_a, of_b)
    mean_a = realism.kid(real, halves)["value"]
    assert got["value"] == pytest.approx(mean_a / kid(real, b)["value"])
    assert got["seeds"] == pytest.approx(
        [kid(real, y)["value"] / kid(real, b)["value"] for y in halves]
    )
    assert got["low"] < got["value"] < got["high"] and got["n"] == 200
    # A system over itself is 1 whichever pictures there are.
    of_one = realism.kernels(real, [b])
    same = realism.kid_ratio(of_one, of_one)
    assert (same["value"], same["low"], same["high"]) == pytest.approx((1, 1, 1))
    # Where trainings differ, their part of the variance is added to that of the pictures.
    for a, b in ((of_a, of_one), (of_one, of_a)):
        ratio, over = a.trainings.mean() / b.trainings.mean(), b.trainings.mean()
        spread = sum(
            np.var(k.trainings, ddof=1) / 2 * w for k, w in ((a, 1), (b, ratio**2)) if k is of_a
        )
        pictures = realism._picture_variance(a.mean - ratio * b.mean)
        found = realism.kid_ratio(a, b)
        assert found["high"] - ratio == pytest.approx(1.96 * np.sqrt(pictures + spread) / over)


def test_intervals_of_a_ratio_of_kids_cover_it():
    def ratio(seed, n):
        real, fake = features(n=n, seed=seed)
        pair = (realism.kernels(real, [fake + np.float32(by)]) for by in (0.4, 0.7))
        return realism.kid_ratio(*pair)

    truth = np.mean([ratio(seed, 400)["value"] for seed in range(900, 930)])
    found = [ratio(seed, 100) for seed in range(200)]
    assert np.mean([f["low"] <= truth <= f["high"] for f in found]) > 0.9


def test_c2st_covers_trainings_that_differ():
    x, y = shifted(by=6.0)
    alike, told, both = (realism.c2st(x, fakes) for fakes in ([x], [y], [x, y]))
    assert both["low"] < alike["value"] + 0.05 and both["high"] > told["value"] - 0.05


def test_floor_is_around_zero_and_matches_a_half_against_a_half():
    from torchmetrics.image.kid import poly_mmd

    x, _ = features()
    got = realism.kid_floor(x)
    assert got["n"] == 100 and got["low"] < 0 < got["high"]
    order = np.random.default_rng(5).permuted(np.tile(np.arange(200), (500, 1)), axis=1)
    halves = torch.from_numpy(x).double()
    draws = [float(poly_mmd(halves[o[:100]], halves[o[100:]])) for o in order]
    assert got["high"] == pytest.approx(np.percentile(draws, 97.5), rel=0.3)
    assert abs(got["value"]) < 0.2 * (got["high"] - got["low"])


def test_c2st_of_equal_sets_is_a_half():
    x, y = features(n=400)
    assert realism.c2st(x, [x])["value"] == pytest.approx(0.5)
    # With more features than pictures, torn pairs would drag this far below a half.
    real, fake = features(n=100, d=300)
    wide = realism.c2st(real, [fake])
    assert 0.4 < wide["value"] < 0.6
    got = realism.c2st(x, [y])
    assert got["low"] < 0.5 < got["high"] and got["n"] == 400


def test_c2st_of_separable_sets_is_one():
    x, y = shifted(by=6.0)
    got = realism.c2st(x, [y])
    assert got["value"] > 0.99 and got["low"] > 0.97
    assert realism.c2st(x, [y]) == got
    assert realism.told_right(x, y).mean() == got["value"]
    assert realism.c2st(x, [y, x])["value"] == pytest.approx((got["value"] + 0.5) / 2)


@pytest.mark.parametrize("measure", [realism.kid, realism.c2st])
def test_unpaired_sets_are_refused(measure):
    x, y = features()
    with pytest.raises(ValueError, match="one shape"):
        measure(x, [y[:-1]])
