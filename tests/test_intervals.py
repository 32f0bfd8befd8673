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


def test_counts_of_other_images_are_refused():
    with pytest.raises(ValueError, match="must be of the same images"):
        intervals.difference([counts(10)], [counts(11)], share)
