"""The sentences of the published book, and what becomes of one that no longer holds."""

import pandas as pd
import pytest
import yaml

from colornb import book, records
from colornb.answers import OVER_PICTURES, Answers
from colornb.errors import ColornbError
from colornb.paths import RESULTS, ROOT

VERDICT = {"claim": "red cars", "system": "gan/default", "value": 0.2, "low": 0.1, "high": 0.3}
PAIR = {
    "a": "gan/default",
    "b": "gan/l1_only",
    "dataset": "cifar10",
    "metric": "kid",
    "difference": -0.1,
    "low": -0.2,
    "high": -0.05,
    "n": 1000,
    "seeds": 3,
}


@pytest.fixture
def ask(tmp_path):
    """What the answers of a book make of one sentence about chapter 05."""
    tables = tmp_path / "results" / "cpu" / "05" / "default" / "seed0" / "tables"
    tables.mkdir(parents=True)
    pd.DataFrame([VERDICT]).to_csv(tables / "verdict.csv", index=False)
    pd.DataFrame([PAIR]).to_csv(tmp_path / "results" / "pairs.csv", index=False)
    singles = {"default": (0.1, 0.2, 0.3), "l1_only": (0.2, 0.4)}
    of = {"system": "gan", "profile": "cpu", "dataset": "cifar10", "metric": "kid"}
    rows = [
        {**of, "variant": variant, "seed": seed, "value": factor * value, **other}
        for factor, other in (
            (1, {}),
            (3, {"profile": "full"}),
            (5, {"dataset": "cats_dogs"}),
            (1, {"metric": "mse_rgb"}),
        )
        for variant, values in singles.items()
        for seed, value in enumerate(values)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "results" / "results.csv", index=False)

    def ask(text: str, **numbers) -> str:
        path = tmp_path / "answers.yaml"
        path.write_text(yaml.safe_dump({"chapters": {"05": {"text": text, "numbers": numbers}}}))
        return Answers(path, {"05": tmp_path / "results" / "cpu"}, []).of_chapter("05")

    ask.tables = tables
    return ask


def test_numbers_come_from_the_chapter_and_from_the_pairs(ask):
    red = {"claim": "red cars", "system": "gan/default", "is": "above 0", "as": ".2f"}
    kid = {"minus": ["gan/default", "gan/l1_only"], "set": "cifar10", "metric": "kid"}
    said = ask("Cars {red}, KID {kid}.", red=red, kid=kid | {"is": "below 0"})
    assert "Cars 0.20 [0.10, 0.30], KID −0.1000 [−0.2000, −0.0500]." in said


def test_an_interval_over_pictures_alone_is_moved_outwards_by_the_trainings(ask):
    """Variances of the means: 0.01 / 3 of 0.1, 0.2, 0.3 and 0.02 / 2 of 0.2, 0.4; 1.96 times the
    root of their sum is 0.22632."""
    kid = {"minus": ["gan/default", "gan/l1_only"], "set": "cifar10", "metric": "kid"}
    said = ask("{kid}", kid=kid | {"trainings": "cifar10", "is": "around 0"})
    assert "−0.1000 [−0.3474, +0.1318]" in said  # hypot(0.1, 0.22632), hypot(0.05, 0.22632)


def test_trainings_of_another_profile_are_those_that_have_its_difference(ask):
    """Of `full` all is three times as large: the reach is 0.67897."""
    one = {"claim": "gan/default minus gan/l1_only", "system": "KID", "trainings": "cifar10"}
    verdict = {"system": "KID", "claim": one["claim"], "value": -0.3, "low": -0.3, "high": -0.3}
    pd.DataFrame([verdict]).to_csv(ask.tables / "verdict.csv", index=False)
    assert "−0.300 [−0.979, +0.379]" in ask("{x}", x=one | {"as": "+.3f"})


@pytest.mark.parametrize(
    "changes", [{"trainings": "bsds500"}, {"trainings": "cats_dogs"}, {"minus": ["gan/none"] * 2}]
)
def test_trainings_without_the_difference_are_refused(ask, changes):
    kid = {"minus": ["gan/default", "gan/l1_only"], "set": "cifar10", "metric": "kid"}
    pairs = pd.DataFrame([PAIR, PAIR | {"a": "gan/none", "b": "gan/none"}])
    pairs.to_csv(ask.tables.parents[4] / "pairs.csv", index=False)
    with pytest.raises(ColornbError, match="no published trainings on .* have this difference"):
        ask("{x}", x=kid | {"trainings": "cifar10"} | changes)


def test_a_number_may_have_to_lie_apart_from_another(ask):
    red = {"claim": "red cars", "system": "gan/default"}  # 0.1 to 0.3
    kid = {"minus": ["gan/default", "gan/l1_only"], "set": "cifar10", "metric": "kid"}
    assert "0.200 [0.100, 0.300]" in ask("{red} {kid}", red=red | {"is": "above kid"}, kid=kid)
    for side in ("below kid", "around kid"):
        with pytest.raises(ColornbError, match=f"is {side}, but the records say"):
            ask("{red} {kid}", red=red | {"is": side}, kid=kid)
    assert ask("{red}", red=red | {"is": "around red"})


def test_a_claim_on_a_chapter_without_a_page_is_refused(ask, tmp_path):
    ask("")
    one = {"said": "a", "verdict": "b", "chapter": "19", "text": "{x}"}
    one["numbers"] = {"x": {"claim": "red cars", "system": "gan/default"}}
    path = tmp_path / "answers.yaml"
    path.write_text(yaml.safe_dump({"chapters": {}, "claims": [one]}))
    answers = Answers(path, {"05": tmp_path / "results" / "cpu"}, [])
    assert answers._number(one["numbers"]["x"] | {"chapter": "05"}, "19", {}).startswith("0.200")
    with pytest.raises(ColornbError, match="speaks of 19, which has no page: publish it"):
        answers.claims()


def test_trainings_that_disagree_are_shown_one_by_one():
    """Koalarization with a discriminator is more real in two of three trainings."""
    found = records.within(RESULTS / book.published_profile())
    answers = Answers(ROOT / "book" / "answers.yaml", book.places(), found)
    pair = ["koalarization/adversarial", "koalarization/default"]
    wanted = {"each": pair, "set": "cats_dogs", "metric": "kid", "as": "+.2f"}
    said = answers._number(wanted | {"is": "of both signs"}, "10", {})
    values = [float(one.replace("−", "-")) for one in said.split(", ")]
    a, b = (answers._system(name, "cats_dogs", "kid", wanted)["seeds"] for name in pair)
    assert values == pytest.approx([x - y for x, y in zip(a, b, strict=True)], abs=0.005)
    assert min(values) < 0 < max(values)
    wanted["metric"] = "delta_e2000"
    with pytest.raises(ColornbError, match="is of both signs, but the records say"):
        answers._number(wanted | {"is": "of both signs"}, "10", {})


def test_a_pair_of_no_chapter_is_made_of_the_published_pictures():
    found = records.within(RESULTS / book.published_profile())
    answers = Answers(ROOT / "book" / "answers.yaml", book.places(), found)
    wanted = {"minus": ["gan/default", "gan/l1_only"], "set": "cifar10", "metric": "mse_rgb"}
    wanted |= {"as": "+.5f", "is": "above 0"}
    of_pairs = answers._number(wanted, "03", {})
    assert answers._number(wanted | {"profile": "cpu"}, "03", {}) == of_pairs
    with pytest.raises(ColornbError, match="gan/none.*which has no records"):
        answers._number(wanted | {"profile": "cpu", "minus": ["gan/none", "gan/l1_only"]}, "03", {})


@pytest.mark.parametrize("side", ["below 0", "around 0", "above 0.15"])
def test_a_sentence_that_no_longer_holds_is_refused(ask, side):
    red = {"claim": "red cars", "system": "gan/default", "is": side}
    with pytest.raises(ColornbError, match=f"red cars, gan/default is {side}, but the records say"):
        ask("{red}", red=red)


@pytest.mark.parametrize(
    "wanted",
    [
        {"claim": "red cars", "system": "gan/other"},
        {"minus": ["gan/other", "gan/l1_only"], "set": "cifar10", "metric": "kid"},
        {"of": "gan/default", "set": "cifar10", "metric": "kid"},
    ],
)
def test_a_number_that_nobody_measured_is_refused(ask, wanted):
    with pytest.raises(ColornbError, match="answers.yaml asks for .*gan"):
        ask("{x}", x=wanted)


def test_every_published_chapter_has_its_answer_and_every_claim_holds():
    found = records.within(RESULTS / book.published_profile())
    answers = Answers(ROOT / "book" / "answers.yaml", book.places(), found)
    chapters = sorted(path.stem for path in (ROOT / "book" / "chapters").glob("*.ipynb"))
    assert set(answers.texts["chapters"]) >= set(chapters)
    for chapter in chapters:
        text = answers.of_chapter(chapter).removesuffix("\n:::").removesuffix(OVER_PICTURES)
        assert text.count("\n") == 2, "one paragraph"
    claims = answers.claims()
    assert claims.count("\n") == 2 + len(answers.texts["claims"])
