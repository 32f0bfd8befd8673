import numpy as np
import pytest

from colornb import intervals


def share(means):
    return means["hits"] / means["all"]


def counts(n=400, rate=0.3, seed=0):
    rng = np.random.default_rng(seed)
    every = rng.integers(1, 20, n)
    return {"hits": rng.binomial(every, rate), "all": every}


def test_an_interval_covers_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        found = intervals.estimate([counts(100, seed=seed)], share, resamples=400)
        covered += found["low"] <= 0.3 <= found["high"]
    assert 180 <= covered <= 199  # 95 % of 200 is 190


def test_the_value_is_that_of_the_sums_and_single_seeds_are_kept():
    two = [counts(rate=0.2, seed=1), counts(rate=0.6, seed=1)]
    found = intervals.estimate(two, share)
    hits, every = (sum(c[name].sum() for c in two) for name in ("hits", "all"))
    assert found["value"] == pytest.approx(hits / every)
    assert found["seeds"] == pytest.approx([c["hits"].sum() / c["all"].sum() for c in two])
    assert found["n"] == 400
    one = intervals.estimate(two[:1], share)
    assert found["high"] - found["low"] > 3 * (one["high"] - one["low"])  # the seeds differ


def test_curves_have_an_interval_at_each_point_and_none_where_nothing_counts():
    rng = np.random.default_rng(0)
    every = rng.integers(1, 20, (300, 3))
    every[:, 2] = 0
    found = intervals.estimate([{"hits": every // 2, "all": every}], share)
    assert found["value"].shape == found["low"].shape == (3,)
    assert (found["low"][:2] < found["value"][:2]).all()
    assert (found["value"][:2] < found["high"][:2]).all()
    assert np.isnan([found[key][2] for key in ("value", "low", "high")]).all()


def test_a_paired_difference_is_narrower_than_its_sides():
    one = counts(rate=0.3)
    other = {"hits": np.minimum(one["hits"] + 1, one["all"]), "all": one["all"]}
    found = intervals.difference([other], [one], share)
    assert 0 < found["low"] < found["difference"] < found["high"]
    alone = intervals.estimate([one], share)
    assert found["high"] - found["low"] < alone["high"] - alone["low"]
    same = intervals.difference([one], [one], share)
    assert (same["difference"], same["low"], same["high"]) == (0, 0, 0)


def of_seeds(offsets, shift=0.0, n=50, seed=0):
    """Counts of trainings that differ by these offsets, and in nothing else."""
    level = np.random.default_rng(seed).normal(0.5, 0.001, n)
    return [{"hits": level + offset + shift, "all": np.ones(n)} for offset in offsets]


OFFSETS = (-0.1, 0.0, 0.1)


def test_measures_of_the_same_networks_draw_their_seeds_together():
    """Each of three networks, which differ by 0.1, moves by 0.03."""
    before, after = of_seeds(OFFSETS), of_seeds(OFFSETS, shift=0.03)
    paired = intervals.difference(after, before, share, same_training=True)
    assert [paired[k] for k in ("difference", "low", "high")] == pytest.approx([0.03] * 3)
    apart = intervals.difference(after, before, share)
    assert apart["difference"] == pytest.approx(0.03)
    assert apart["low"] < -0.08 and apart["high"] > 0.14
    with pytest.raises(ValueError, match="as many seeds, not 3 and 2"):
        intervals.difference(after, before[:2], share, same_training=True)


def test_the_same_networks_on_other_images_draw_their_seeds_together():
    """Only the images, which vary by 0.001 (0.00014 in the mean of 50), are in the interval."""
    before, after = of_seeds(OFFSETS), of_seeds(OFFSETS, shift=0.03, n=70, seed=1)
    paired = intervals.difference_between_sets(after, before, share, same_training=True)
    assert paired["difference"] == pytest.approx(0.03, abs=0.0006)
    assert 0.0004 < paired["high"] - paired["low"] < 0.0014
    apart = intervals.difference_between_sets(after, before, share)
    assert apart["high"] - apart["low"] > 0.2
    with pytest.raises(ValueError, match="as many seeds"):
        intervals.difference_between_sets(after, before[:1], share, same_training=True)


def spread(means):
    """The squared mean of a measure whose true mean is 0: on n images too large by variance / n."""
    return means["hits"] ** 2


def test_a_biased_measure_is_corrected_with_its_draws_and_its_seeds():
    def plain(means):
        return spread(means)

    def marked(means):
        return spread(means)

    marked.biased = True
    of = {plain: [], marked: []}
    for seed in range(200):
        rows = [{"hits": np.random.default_rng(seed).normal(0, 1, 50)}]
        for statistic, values in of.items():
            found = intervals.estimate(rows, statistic, resamples=400)
            values.append(found["value"])
            assert found["seeds"] == [found["value"]]
            if statistic is marked:
                assert found["low"] <= found["value"] <= found["high"]
    assert np.mean(of[plain]) == pytest.approx(1 / 50, rel=0.3)
    assert abs(np.mean(of[marked])) < 0.3 / 50
    two = [{"hits": np.random.default_rng(k).normal(k, 1, 50)} for k in (0, 1)]
    for seed, rows in zip(intervals.estimate(two, marked)["seeds"], two, strict=True):
        hits = rows["hits"]
        assert seed == pytest.approx(hits.mean() ** 2 - hits.var() / 50, abs=0.02)
    one, other = ([rows] for rows in two)
    lower, upper = (intervals.estimate(rows, marked)["value"] for rows in (one, other))
    difference = intervals.difference(other, one, marked)
    assert difference["difference"] == pytest.approx(upper - lower, abs=0.01)
    assert difference["low"] < difference["difference"] < difference["high"]


def test_counts_of_other_images_are_refused():
    with pytest.raises(ValueError, match="must be of the same images"):
        intervals.difference([counts(10)], [counts(11)], share)
