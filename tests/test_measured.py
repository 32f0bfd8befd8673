import numpy as np
import pandas as pd
import pytest
import torch
from bs4 import BeautifulSoup

from colornb import intervals, measured, prose, records, scenes
from colornb.measured import Measured, Sweep
from colornb.metrics import METRICS
from colornb.study import StudyRun

TRAIN, TEST = (scenes.image_set(split, size=32, limit=12) for split in ("train", "test"))


def share(means):
    return means["part"] / means["whole"]


STATISTICS = {"rare_recall": share}


def counts(value, n=40, spread=0.1, seed=0):
    dice = np.random.default_rng(seed)
    return {"part": value + spread * dice.standard_normal(n), "whole": np.ones(n)}


def test_rows_pairs_and_differences_agree_with_the_intervals():
    found = Measured(
        {"gan/default": [counts(0.5), counts(0.7)], "truth": [counts(1)]}, STATISTICS, "x"
    )
    expected = intervals.estimate([counts(0.5), counts(0.7)], share)
    assert found.rows["gan/default"]["rare_recall"] == expected
    assert found.of("rare_recall", ["truth"]) == {"truth": found.rows["truth"]["rare_recall"]}
    (row,) = found.pairs([("gan/default", "truth")]).to_dict("records")
    assert list(row) == records.PAIR_COLUMNS and row["seeds"] == 2 and row["dataset"] == "x"
    assert row["difference"] == pytest.approx(-0.4)
    assert row["low"] == found.difference("gan/default", "truth", "rare_recall")["low"] < -0.4
    assert found.pairs([("truth", "truth")])["seeds"].item() == 0, "nothing was trained"


def test_curves_of_a_vector_and_their_table():
    vector = {"part": np.tile([1.0, 2.0], (5, 1)), "whole": np.full((5, 2), 4.0)}
    found = Measured({"a/b": [vector], "c/d": [vector]}, {}, "x")
    curves = found.curves(share, ["a/b"])
    assert list(curves) == ["a/b"] and curves["a/b"]["x"].tolist() == [1, 2]
    assert curves["a/b"]["value"].tolist() == [0.25, 0.5] == curves["a/b"]["low"].tolist()
    assert found.curves(share, x=[7, 8])["c/d"]["x"].tolist() == [7, 8]
    table = measured.table_of(curves, "place")
    assert list(table) == ["system", "place", "value", "low", "high", "n"] and len(table) == 2


def test_a_sweep_of_known_slope():
    points = {x: [counts(0.1 + 2 * x, seed=s) for s in range(3)] for x in (0.0, 0.5, 1.0)}
    sweep = Sweep({"gan/a": points})
    slope = sweep.slope(share, "gan/a")
    assert slope["value"] == pytest.approx(2) and slope["low"] < 2 < slope["high"]
    change = sweep.change(share, 0.0, 1.0)["gan/a"]
    assert change["difference"] == pytest.approx(2) and change["low"] > 1.9
    curve = sweep.curves(share)["gan/a"]
    assert curve["x"].tolist() == [0, 0.5, 1] and np.allclose(np.diff(curve["value"]), 1)
    table = sweep.table({"rare_recall": share}, "knob")
    assert list(table) == ["system", "knob", "measure", "value", "low", "high", "n"]
    assert len(table) == 3 and (table["n"] == 40).all()
    assert sweep.at(0.5, share)["gan/a"]["value"] == pytest.approx(curve["value"][1])


def test_a_change_of_the_same_networks_draws_their_seeds_together():
    seeds = [counts(offset, seed=0) for offset in (-0.1, 0.0, 0.1)]
    moved = [{**one, "part": one["part"] + 0.03} for one in seeds]
    sweep = Sweep({"a/b": {0.0: seeds, 1.0: moved}})
    same = sweep.change(share, 0.0, 1.0)["a/b"]
    assert [same[key] for key in ("difference", "low", "high")] == pytest.approx([0.03] * 3)
    apart = sweep.change(share, 0.0, 1.0, same_training=False)["a/b"]
    assert apart["low"] < -0.02 and apart["high"] > 0.08


def test_counts_beside_a_control():
    own, control = [counts(0.6), counts(0.8, seed=1)], [counts(0.5)]

    def quotient(means):
        return means["part"] / means["part_control"]

    sweep = Sweep({"a/b": {1: own}, "baseline/c": {1: control}}).beside("baseline/c")
    found = sweep.curves(quotient, ["a/b"])["a/b"]
    value = np.mean([one["part"].mean() for one in own]) / control[0]["part"].mean()
    assert found["value"] == pytest.approx([value])
    measures = Measured({"a/b": own, "baseline/c": control}, {"q": quotient}, "x")
    assert measures.beside("baseline/c").rows["baseline/c"]["q"]["value"] == 1


def test_differences_from_a_control():
    sweep = Sweep({"a/b": {0.5: [counts(0.7)]}, "truth": {0.5: [counts(0.5)]}})
    (found,) = sweep.against("truth", share, 0.5).items()
    assert found[0] == "a/b" and found[1]["difference"] == pytest.approx(0.2)


def test_drawn_curves_leave_their_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("colornb.study.RUNS", tmp_path)
    run = StudyRun("06_sepia", "gan", "smoke", "default", 0, {})
    lines = Sweep({"gan/a": {x: [counts(x)] for x in (0.0, 1.0)}}).curves(share)
    picture = measured.draw(run, "curve", {"left": lines, "right": lines}, x="x", y="y")
    assert picture.mime == "image/svg+xml" and "n = 40" in picture.data
    table = pd.read_csv(run.folder / "tables" / "curve.csv")
    assert list(table) == ["system", "x", "value", "low", "high", "n", "panel"] and len(table) == 4
    measured.draw_kinds(run, "kinds", lines, ["one", "two"], y="y", ideal=0)
    table = pd.read_csv(run.folder / "tables" / "kinds.csv")
    assert list(table["kind"]) == ["one", "two"]


def test_other_images_are_drawn_apart():
    own, other = [counts(0.5, n=40, seed=1)], [counts(0.9, n=25, seed=2)]
    (found,) = Sweep({"a/b": {"own": own, "other": other}}).from_first(share, "a/b").items()
    name, difference = found
    widths = [
        (lambda one: one["high"] - one["low"])(intervals.estimate(c, share)) for c in (own, other)
    ]
    assert name == "other" and difference["difference"] == pytest.approx(0.4, abs=0.08)
    width = difference["high"] - difference["low"]
    assert width == pytest.approx(np.hypot(*widths), rel=0.15)


def test_a_slope_that_is_not_defined_everywhere():
    nothing = [{"part": np.zeros(40), "whole": np.zeros(40)}]
    found = Sweep({"a/b": {0.0: [counts(1)], 1.0: nothing}}).slope(share, "a/b")
    assert np.isnan(list(found.values())).all()


def test_a_knob_turns_the_scenes_and_nothing_else():
    seen = []

    def paint(images):
        seen.append(images)
        return {"truth": [images.images], "a/b": [images.images, images.images]}

    def count(pictures, images):
        assert pictures is images.images
        red = pictures[:, 0].float().mean((1, 2)).numpy()
        return {"part": red, "whole": np.ones(len(red))}

    sweep = measured.along_knob("red_share", (0.0, 1.0), paint, count, limit=8, size=48)
    assert [images.images.shape for images in seen] == [(8, 3, 48, 48)] * 2
    assert torch.equal(seen[0].masks, seen[1].masks)
    assert {k: len(v[1.0]) for k, v in sweep.counts.items()} == {"truth": 1, "a/b": 2}
    assert sweep.change(share, 0.0, 1.0)["truth"]["difference"] > 0


def test_a_measure_is_recorded_for_every_training_but_of_the_truth(tmp_path, monkeypatch):
    monkeypatch.setattr("colornb.study.RUNS", tmp_path)
    run = StudyRun("06_sepia", "gan", "smoke", "default", 0, {"seeds": 1})

    def count(pictures, images):
        return {"part": np.arange(len(pictures)), "whole": np.ones(len(pictures))}

    systems = {name: [TEST.images] * n for name, n in (("gan/x", 2), ("truth/y", 1))}
    statistics = STATISTICS | {"not_a_limit": share}
    found = measured.measure(run, systems, count, statistics, TEST, TRAIN)
    assert set(found.rows) == set(systems)
    written = sorted(p.parent for p in run.folder.rglob("metrics.json"))
    assert [p.relative_to(run.folder).parts[2:] for p in written] == [
        ("gan", "x", "seed0"),
        ("gan", "x", "seed1"),
    ]
    record = records.read(written[0])
    assert set(record["metrics"]) - set(METRICS) == {"rare_recall"}
    columns = list(pd.read_csv(written[0] / "images.csv"))
    assert {"id", "mse_rgb", "chroma"} < set(columns) and columns[-2:] == ["part", "whole"]


def test_numbers_are_said_with_their_intervals():
    above = {"value": 0.5, "low": 0.25, "high": 0.75}
    around = {"difference": -0.1, "low": -0.3, "high": 0.1}
    assert prose.number(above, ".2f") == "0.50 [0.25, 0.75]"
    assert prose.number({"value": -0.001, "low": -0.3, "high": 0.001}, "+.1f") == "0.0 [−0.3, 0.0]"
    assert prose.number(around) == "−0.100 [−0.300, +0.100]"
    words, nothing = ("more", "less"), dict.fromkeys(("value", "low", "high"), np.nan)
    judged = [prose.judge(found, *words) for found in (above, around)]
    assert judged == ["more", "not distinguishable"]
    assert prose.judge({"value": -1.5, "low": -2, "high": -1}, *words) == "less"
    assert prose.judge(above, *words, ideal=1) == "less"
    assert (prose.judge(nothing, *words), prose.number(nothing)) == (
        "nothing to measure",
        "not defined",
    )
    say = prose.Verdict()
    assert say.number("one", above, ".2f", about="truth") == prose.number(above, ".2f")
    rows = {"truth": above | {"n": 7, "seeds": [0.4, 0.6]}, "mine": around}
    assert say.each("two", rows, "+.1f", words) == (
        "truth +0.5 [+0.2, +0.8], more; mine −0.1 [−0.3, +0.1], not distinguishable"
    )
    said = say.table()
    assert said["claim"].tolist() == ["one", "two", "two"]
    assert said["value"].tolist() == [0.5, 0.5, -0.1]
    assert (said["n"][1], said["seeds"][1]) == (7, 2)
    table = prose.table({"a": {"truth": above}, "b": {"truth": around}}, "+.1f")
    assert table.rows == [{"System": "truth", "a": "+0.5 [+0.2, +0.8]", "b": "−0.1 [−0.3, +0.1]"}]


def cells(text):
    rows = BeautifulSoup(text, "html.parser").find_all("tr")
    return [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in rows]


def test_claims_stand_beside_one_another_in_a_table():
    above = {"value": 0.5, "low": 0.25, "high": 0.75}
    below = {"difference": -0.1, "low": -0.3, "high": -0.05}
    nothing = dict.fromkeys(("value", "low", "high"), np.nan)
    say, words = prose.Verdict(), ("more", "less")
    text = say.columns(
        ("kid, of scenes", {"gan/default": above, "truth": below}, "+.2f", words),
        ("second", {"truth": nothing}),
        ("third", {}),
    )
    assert cells(text) == [
        ["System", "KID, of scenes", "Second"],
        ["U-Net + discriminator (GAN)", "+0.50[+0.25, +0.75]more", ""],
        ["truth", "−0.10[−0.30, −0.05]less", "not defined"],
    ]
    assert say.table()["claim"].tolist() == ["kid, of scenes"] * 2 + ["second"]
    assert say.columns(("none", {})) == "Nothing of this was trained."
    compared = {"a": "gan/default", "b": "gan/l1_only", "n": 5, "seeds": 1}
    pairs = pd.DataFrame([compared | {"metric": name} | below for name in ("kid", "delta_e2000")])
    text = say.pairs(pairs, ("gan/default", "gan/l1_only"), ("gan/residual", "gan/default"))
    assert cells(text) == [
        ["Pair", "KID", "CIEDE2000"],
        [
            "U-Net + discriminator (GAN) minus U-Net, L1 only",
            "−0.1000[−0.3000, −0.0500]lower",
            "−0.10[−0.30, −0.05]lower",
        ],
    ]
    assert say.table()["claim"].tolist()[-1] == "gan/default minus gan/l1_only"


def test_a_measure_against_another_takes_the_place_of_x():
    points = {
        x: [{"part": np.full(4, x**2), "whole": np.ones(4), "else": np.full(4, -x)}]
        for x in (1.0, 2.0)
    }
    sweep = Sweep({"a/b": points})
    (line,) = sweep.curves(share, over=lambda means: means["else"]).values()
    assert line["x"].tolist() == [-1, -2] and line["value"].tolist() == [1, 4]


def test_a_knob_of_the_networks_is_turned_for_every_seed():
    def change(path, images, values):
        return {value: images + int(path) * value for value in values}

    def count(pictures, images):
        return {"part": pictures - images}

    found = measured.turned(change, ["1", "2"], (3, 5), torch.zeros(4), count)
    assert {x: [one["part"][0].item() for one in seeds] for x, seeds in found.items()} == {
        3: [3, 6],
        5: [5, 10],
    }


def test_systems_of_a_chapter_get_full_records_and_later_their_limits(tmp_path, monkeypatch):
    monkeypatch.setattr("colornb.study.RUNS", tmp_path)
    run = StudyRun("09_distribution", "distribution", "smoke", "default", 0, {})
    systems = {"distribution/x": [TEST.images, TRAIN.images], "truth": [TEST.images]}
    folders = measured.record(
        run,
        {"distribution/x": systems["distribution/x"]},
        TEST,
        TRAIN,
        {"distribution/x": {"t": 1}},
    )
    assert [f.name for f in folders["distribution/x"]] == ["seed0", "seed1"]

    def count(pictures, images):
        return {"part": pictures.float().mean((1, 2, 3)).numpy(), "whole": np.ones(len(images))}

    measured.measure(run, systems, count, STATISTICS, TEST, TRAIN)
    for folder in folders["distribution/x"]:
        record = records.read(folder)
        assert record["parameters"]["t"] == 1 and set(METRICS) - {"mse_ab"} <= set(
            record["metrics"]
        )
        assert record["metrics"]["rare_recall"]["n"] == len(TEST)
    assert set(records.summary(folders["distribution/x"], TEST)["seeds"]) >= {"kid", "mse_rgb"}


def test_a_record_has_the_seed_of_its_training(tmp_path, monkeypatch):
    monkeypatch.setattr("colornb.study.RUNS", tmp_path)
    run = StudyRun("21_new_pictures", "baseline", "smoke", "default", 0, {})
    systems = {"gan/x": [TEST.images, TRAIN.images]}
    folders = measured.record(run, systems, TEST, TRAIN, seeds={"gan/x": [3, 5]})
    assert [records.read(folder)["seed"] for folder in folders["gan/x"]] == [3, 5]
    with pytest.raises(ValueError):
        measured.record(run, systems, TEST, TRAIN, seeds={"gan/x": [3]})


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.1, 0.5, "met"), (0.4, 0.6, "open"), (-0.1, 0.6, "open"), (0.51, 0.6, "missed")],
)
def test_a_mark_is_met_missed_or_open(low, high, word):
    found = {"low": low, "high": high}
    assert prose.within(found, 0, 0.5) == prose.within(found, None, 0.5) == word


def test_a_mark_may_have_no_lower_end():
    found = {"low": -0.3, "high": -0.1}
    assert (prose.within(found, None, 0.5), prose.within(found, 0, 0.5)) == ("met", "missed")


def test_pairs_become_sentences():
    found = Measured({"a/b": [counts(1.0)], "truth": [counts(0.5)]}, STATISTICS, "x")
    pairs = found.pairs([("a/b", "truth")], same_training=True)
    (of_pair,) = prose.of_pair(pairs, "a/b", "truth").items()
    assert of_pair[0].startswith("Recall of rare") and of_pair[1]["difference"] > 0.4
    assert list(prose.of_metric(pairs, "rare_recall")) == ["a/b"]
    assert prose.of_pair(pairs, "c/d", "truth") == {}
    assert found.pairs([]).empty and list(found.pairs([])) == records.PAIR_COLUMNS
