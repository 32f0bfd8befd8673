"""Answers to the quiz: Wilson's interval, files of answers, and the table."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from colornb import quiz
from colornb.errors import ColornbError


def answer(shown="colorized", said="real", system="gan/default", ms=1500, picture=3):
    return {"picture": picture, "system": system, "shown": shown, "answer": said, "ms": ms}


def write(folder, name, *answers, **changes):
    content = {"version": 1, "seed": 7, "answers": list(answers)} | changes
    (folder / name).write_text(json.dumps(content))


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("k, n", [(0, 1), (0, 20), (3, 3), (7, 10), (50, 100), (999, 1000)])
def test_wilsons_interval_is_scipys(k, n, level):
    found = quiz.wilson(k, n, level=level)
    expected = binomtest(k, n).proportion_ci(level, method="wilson")
    assert found["value"] == k / n and found["n"] == n
    np.testing.assert_allclose([found["low"], found["high"]], expected, atol=1e-12)


def test_wilsons_interval_is_the_published_one():
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263, 15 of 148, 0 of 20.
    published = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0, 0.1611)}
    for (k, n), bounds in published.items():
        found = quiz.wilson(k, n)
        assert (round(found["low"], 4), round(found["high"], 4)) == bounds


def test_no_answers_have_no_share():
    found = quiz.wilson(0, 0)
    assert found["n"] == 0 and all(np.isnan(found[key]) for key in ("value", "low", "high"))


def test_the_table_counts_who_was_wrong(tmp_path):
    write(tmp_path, "ann.json", answer(ms=1000), answer(said="colorized", ms=3000))
    write(
        tmp_path,
        "bob.json",
        answer(ms=2000),
        answer(system="gan/edgenet", said="colorized"),
        answer(shown="real", said="colorized", system="truth"),
        answer(shown="real", system="gan/default"),
    )
    answers, problems = quiz.read(tmp_path)
    assert not problems and list(answers.columns) == list(quiz.COLUMNS) and len(answers) == 6
    table = quiz.table(answers)
    rows = table[["shown", "system", "wrong", "n", "people", "seconds"]].values.tolist()
    assert rows == [
        ["colorized", "gan/default", 2, 3, 2, 2.0],
        ["colorized", "gan/edgenet", 0, 1, 1, 1.5],
        ["real", "truth", 1, 2, 1, 1.5],
    ]
    assert table["value"].tolist() == [2 / 3, 0, 1 / 2]


@pytest.mark.parametrize("folder", ["", "none"])
def test_an_empty_or_missing_folder_has_no_answers(folder, tmp_path):
    answers, problems = quiz.read(tmp_path / folder)
    assert answers.empty and not problems
    table = quiz.table(answers)
    assert table.empty and list(table.columns) == list(quiz.TABLE)


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "answers").write_text("{}")
    with pytest.raises(ColornbError, match="answers is not a folder"):
        quiz.read(tmp_path / "answers")


@pytest.mark.fault(
    "setting",
    "Answer files that are torn, empty, of another kind, or there twice.",
    "Each is left out with one sentence; the others are counted.",
)
def test_damaged_files_are_told_and_left_out(tmp_path):
    write(tmp_path, "good.json", answer())
    write(tmp_path, "again.json", answer())
    (tmp_path / "torn.json").write_text('{"version": 1, "answers": [{"pic')
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\0")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "folder.json").mkdir()
    write(tmp_path, "later.json", answer(), version=2)
    write(tmp_path, "none.json")
    write(tmp_path, "unsure.json", answer(said="maybe"))
    write(tmp_path, "endless.json", answer(ms=float("inf")))
    write(tmp_path, "number.json", answer(system=3))
    answers, problems = quiz.read(tmp_path)
    assert answers["person"].tolist() == ["again.json"]
    told = {line.split()[0]: line for line in problems}
    assert len(told) == len(problems) == 10
    assert all(line.endswith(".") and "\n" not in line for line in problems)
    for name, what in {
        "good.json": "repeats the answers of again.json",
        "folder.json": "is not a file",
        "later.json": "version must be 1, not 2",
        "none.json": "answers is empty",
        "unsure.json": "answers.answer must be colorized or real",
        "endless.json": "answers.ms must be a time",
        "number.json": "answers.system must be text, not int",
    }.items():
        assert what in told[name]


def test_guessing_is_wrong_half_of_the_time():
    answers = quiz.guesses(200, 20, systems=["a", "b"], seed=0)
    assert list(answers.columns) == list(quiz.COLUMNS) and len(answers) == 4000
    table = quiz.table(answers)
    assert table["system"].tolist() == ["a", "b", "truth"]
    assert (table["low"] < 0.5).all() and (table["high"] > 0.5).all()
    assert table["n"].sum() == 4000 and (table["people"] == 200).all()


def test_the_interval_keeps_its_promise_only_if_answers_are_independent():
    alike = quiz.coverage(20, 20, 0.0)
    assert alike["low"] < 0.95 < alike["high"] and alike["n"] == 2000
    one_each = quiz.coverage(400, 1, 0.2)
    assert one_each["low"] < 0.95 < one_each["high"]
    assert quiz.coverage(20, 20, 0.2)["high"] < 0.85
