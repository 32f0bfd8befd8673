"""What the published study answers: sentences whose numbers come from its records, and which are
refused when the records no longer say so.

`book/answers.yaml` holds them: the answer of each chapter, for the top of its page, all of it in
short, for the first page, and what the source report claimed beside what was measured. In texts,
`{name}` is one of the `numbers` below:

- `{claim: ..., system: ...}`: what the chapter's verdict says of a system, or with `chapter: NAME`
  that of another;
- `{minus: [a, b], set: DATASET, metric: ...}`: a paired difference of `pairs.csv`, or with
  `profile: NAME` that of the published `images.csv` of that profile, for pairs of no chapter;
- `{of: SYSTEM, set: DATASET, metric: ...}`: a system, over its trainings;
- `{each: [a, b], set: DATASET, metric: ...}`: the differences of their single trainings, which
  with `is: of both signs` disagree.

With `trainings: DATASET` the interval of a difference `a minus b` in KID is moved outwards by how
much the published trainings of both differ, as `realism.kid_difference` does. That is for chapters
whose records are older than it, with intervals over pictures alone; one that is published anew must
not have it.

`is: below 0` (or `above`, `around`) is what the sentence rests on: the 95 % interval has to lie
there. Instead of 0 it may name another of the `numbers`, whose interval then has to lie apart.
`as` is the format, by default the metric's. All but the last kind are shown with their intervals.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from colornb import metrics, pages, records
from colornb.errors import ColornbError
from colornb.intervals import moved_outwards, training_variance
from colornb.limits import MEASURES
from colornb.prose import number, plain

Number = Mapping[str, Any]
OVER_PICTURES = (
    "\n\nIntervals of {term}`KID` are over pictures and trainings here, but in the tables of this "
    "page over pictures alone: there a row may read *better* or *worse* where the sentence above "
    "cannot tell."
)
"""What an answer adds that moves intervals of its page outwards."""


class Answers:
    """The sentences of a book and the records that they rest on.

    Args:
        path: of `answers.yaml`.
        results: published chapter -> folder of the records of the profile that it shows, which is
            beside `pairs.csv` and `results.csv`.
        found: folder and record of each of the profile that most chapters show.
    """

    def __init__(self, path: Path, results: Mapping[str, Path], found: pages.Found):
        self.texts = yaml.safe_load(path.read_text(encoding="utf8"))
        self.results, self.known = results, pages.systems(found)
        self.published = next(iter(results.values())).parent
        self.pairs = pd.read_csv(self.published / "pairs.csv")
        self.measured = pd.read_csv(self.published / "results.csv")

    def of_chapter(self, chapter: str) -> str:
        """The answer of a chapter, as MyST; empty if there is none. Raises ColornbError if it says
        what the records do not."""
        if chapter not in self.texts["chapters"]:
            return ""
        answer = self.texts["chapters"][chapter]
        text = self._say(answer, chapter)
        of_page = (n for n in answer.get("numbers", {}).values() if "chapter" not in n)
        if any("trainings" in number for number in of_page):
            text += OVER_PICTURES
        return f":::{{admonition}} Answer\n:class: answer\n{text}\n:::"

    def summary(self) -> str:
        """All of it in short, as MyST. Raises as `of_chapter` does."""
        return f"{self._say(self.texts['summary'], 'the first page')}\n"

    def claims(self) -> str:
        """The table "source report / this study", as MyST. Raises as `of_chapter` does."""
        head = "| The source report says | This study measures | Verdict | Where |\n"
        return f"{head}|---|---|---|---|\n" + "".join(
            f"| {one['said']} | {self._say(one, one['chapter'])} | **{one['verdict']}** "
            f"| [](chapters/{one['chapter']}.ipynb) |\n"
            for one in self.texts["claims"]
        )

    def _say(self, sentence: Mapping[str, Any], chapter: str) -> str:
        wanted = sentence.get("numbers", {})
        said = {name: self._number(one, chapter, wanted) for name, one in wanted.items()}
        return sentence["text"].format(**said).strip()

    def _number(self, wanted: Number, chapter: str, others: Mapping[str, Number]) -> str:
        if "each" in wanted:
            return self._each(wanted)
        found, style = self._interval(wanted, chapter)
        if side := wanted.get("is"):
            word, ideal = side.split()
            if ideal in others:
                other, _ = self._interval(others[ideal], chapter)
                lowest, highest = other["low"], other["high"]
            else:
                lowest = highest = float(ideal)
            low, high = found["low"], found["high"]
            holds = {
                "above": low > highest,
                "below": high < lowest,
                "around": low <= highest and lowest <= high,
            }
            if not holds[word]:
                raise ColornbError(
                    f"answers.yaml says for {chapter} that {_name(wanted)} is {side}, but the "
                    f"records say {number(found, '.4g')}: rewrite the sentence."
                )
        return number(found, wanted.get("as", style))

    def _interval(self, wanted: Number, chapter: str) -> tuple[Mapping[str, float], str]:
        """A number as the sentence shows it, with `low` and `high`, and how it is written."""
        found, style = self._find(wanted, chapter)
        return (self._moved(found, wanted) if "trainings" in wanted else found), style

    def _moved(self, found: Mapping[str, float], wanted: Number) -> Mapping[str, float]:
        """A difference in KID with an interval over pictures and trainings: those of the published
        profile that have this difference."""
        names = wanted.get("minus") or wanted["claim"].split(" minus ")
        where = {"dataset": wanted["trainings"], "metric": "kid"}
        table = self.measured[(self.measured[list(where)] == pd.Series(where)).all(axis=1)]
        for _, of_profile in table.groupby("profile"):
            called = of_profile["system"] + "/" + of_profile["variant"]
            # A trivial row may be published by several chapters; it is always the same.
            a, b = (of_profile[called == x].groupby("seed")["value"].first() for x in names)
            if np.isclose(a.mean() - b.mean(), found["value"], atol=1e-5):
                variance = training_variance(a) + training_variance(b)
                return moved_outwards(found["value"], found["low"], found["high"], variance)
        raise ColornbError(
            f"answers.yaml asks for {_name(wanted)}: no published trainings on "
            f"{wanted['trainings']} have this difference in KID."
        )

    def _each(self, wanted: Number) -> str:
        """The differences of two systems' trainings with the same seed, e.g. "−0.07, +0.01"."""
        metric = wanted["metric"]
        first, second = (
            self._system(name, wanted["set"], metric, wanted)["seeds"] for name in wanted["each"]
        )
        found = [a - b for a, b in zip(first, second, strict=True)]
        if wanted.get("is") == "of both signs" and not min(found) < 0 < max(found):
            raise ColornbError(
                f"answers.yaml says that {_name(wanted)} is of both signs, but the records say "
                f"{found}: rewrite the sentence."
            )
        style = wanted.get("as", MEASURES[metric].signed)
        return ", ".join(plain(one, style) for one in found)

    def _system(self, of: str, on: str, metric: str, wanted: Number) -> Mapping[str, Any]:
        """What a metric of a system is on a data set."""
        systems = [s for (name, data, _), s in self.known.items() if (name, data) == (of, on)]
        if len(systems) != 1 or metric not in systems[0].metrics:
            raise ColornbError(f"answers.yaml asks for {_name(wanted)}, which has no record.")
        return systems[0].metrics[metric]

    def _of_pictures(self, wanted: Number) -> Mapping[str, float]:
        """A paired difference of what a profile's records say of each picture. Several chapters may
        have recorded a training; not all of them kept its metrics of each picture."""
        metric = wanted["metric"]
        columns = {*metrics.RATIOS.get(metric, (metric,))}
        tables: dict[str, dict[int, pd.DataFrame]] = {name: {} for name in wanted["minus"]}
        for folder, record in records.within(self.published / wanted["profile"]):
            name = f"{record['system']}/{record['variant']}"
            if name in tables and record["dataset"] == wanted["set"]:
                table = pd.read_csv(folder / "images.csv", dtype={"id": str})
                if columns <= {*table.columns}:
                    tables[name][record["seed"]] = table
        if not all(tables.values()):
            raise ColornbError(f"answers.yaml asks for {_name(wanted)}, which has no records.")
        of_a, of_b = (list(of_seed.values()) for of_seed in tables.values())
        found = metrics.paired_difference(of_a, of_b, metric)
        return found | {"value": found["difference"]}

    def _find(self, wanted: Number, chapter: str) -> tuple[Mapping[str, float], str]:
        """What a number is, with `low` and `high`, and how it is written."""
        if "claim" in wanted:
            chapter = wanted.get("chapter", chapter)
            if chapter not in self.results:
                raise ColornbError(
                    f"answers.yaml speaks of {chapter}, which has no page: publish it."
                )
            (path,) = self.results[chapter].glob(f"{chapter}/*/seed0/tables/verdict.csv")
            table = pd.read_csv(path, dtype={"system": str}).fillna({"system": ""})
            where = (table["claim"] == wanted["claim"]) & (table["system"] == wanted["system"])
            style = ".3f"
        elif "profile" in wanted:
            return self._of_pictures(wanted), MEASURES[wanted["metric"]].signed
        elif "minus" in wanted:
            names = dict(zip("ab", wanted["minus"], strict=True))
            keys = {**names, "dataset": wanted["set"], "metric": wanted["metric"]}
            where = (self.pairs[list(keys)] == pd.Series(keys)).all(axis=1)
            table = self.pairs.rename(columns={"difference": "value"})
            style = MEASURES[wanted["metric"]].signed
        else:
            of, on, metric = (wanted[key] for key in ("of", "set", "metric"))
            return self._system(of, on, metric, wanted), MEASURES[metric].format
        rows = table[where].to_dict("records")
        if len(rows) != 1:
            raise ColornbError(
                f"answers.yaml asks for {_name(wanted)}: {chapter} has {len(rows)} of these."
            )
        return rows[0], style


def _name(wanted: Number) -> str:
    return ", ".join(str(wanted[key]) for key in wanted if key not in ("is", "as"))
