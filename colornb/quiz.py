"""Real or colorized?: what people answered in the book's quiz, counted.

The quiz offers the answers of a sitting as a file of JSON:

    {"version": 1, "seed": 7, "answers": [{"picture": 3, "system": "gan/default",
     "shown": "colorized", "answer": "real", "ms": 2310}, ...]}

`shown` is what the picture was and `answer` what it was taken for: "real" or "colorized"; `ms` is
how long that took. What is counted is how often people were wrong: colorized pictures taken for
real, system by system, and real ones taken for colorized.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from colornb.errors import ColornbError
from colornb.paths import shown
from colornb.shapes import WrongShape, check

VERSION = 1
KINDS = ("colorized", "real")
COLUMNS = ("person", "picture", "system", "shown", "answer", "ms")
TABLE = ("shown", "system", "wrong", "value", "low", "high", "n", "people", "seconds")
_TEXTS = dict.fromkeys(("system", "shown", "answer"), str)
SHAPE = {
    "version": int,
    "answers": [{"picture": int | str, **_TEXTS, "ms": float, "*": object}],
    "*": object,
}
"""How a file of answers is built, see `colornb.shapes`."""


def wilson(k: int, n: int, *, level: float = 0.95) -> dict[str, float]:
    """The share k / n with Wilson's interval: `value`, `low`, `high`, `n`; NaN if n is 0.

    It holds every p that k / n is at most z deviations sqrt(p (1 - p) / n) away from (Wilson
    1927, doi 10.1080/01621459.1927.10502953), so it stays within [0, 1], also at 0 and n of n.
    """
    if n == 0:
        return dict.fromkeys(("value", "low", "high"), math.nan) | {"n": 0}
    z2, share = norm.isf((1 - level) / 2) ** 2 / n, k / n
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(z2 * share * (1 - share) + z2**2 / 4) / (1 + z2)
    return {"value": share, "low": max(0.0, middle - half), "high": min(1.0, middle + half), "n": n}


def read(folder: Path) -> tuple[pd.DataFrame, list[str]]:
    """The answers in the files of a folder, and a sentence on each file that is left out.

    Returns a row for each answer: `COLUMNS`, `person` being the name of its file. A folder that is
    not there has no answers. A file that repeats another one's answers is left out, too.

    Raises:
        ColornbError: a file stands in the folder's place.
    """
    if folder.exists() and not folder.is_dir():
        raise ColornbError(f"{shown(folder)} is not a folder: name the one with the answer files.")
    files = sorted(path for path in folder.glob("*") if path.name[0] != ".")
    rows, problems, before = [], [], {}
    for path in files:
        try:
            answers = _read_file(path)
            same = before.setdefault(json.dumps(answers, sort_keys=True), path.name)
            if same != path.name:
                raise WrongShape("", f"repeats the answers of {same}")
        except (WrongShape, ValueError, RecursionError, OSError) as error:
            problems.append(f"{shown(path.name)} is left out: {shown(error)}.")
        else:
            rows += [{"person": path.name, **{k: one[k] for k in COLUMNS[1:]}} for one in answers]
    return pd.DataFrame(rows, columns=list(COLUMNS)), problems


def _read_file(path: Path) -> list[dict]:
    if not path.is_file():  # a pipe might never end
        raise WrongShape("", "is not a file")
    found = json.loads(path.read_text(encoding="utf8"))
    check(found, SHAPE)
    if found["version"] != VERSION:
        raise WrongShape("version", f"must be {VERSION}, not {found['version']}")
    if not found["answers"]:
        raise WrongShape("answers", "is empty")
    for one in found["answers"]:
        for key in ("shown", "answer"):
            if one[key] not in KINDS:
                raise WrongShape(f"answers.{key}", f"must be {' or '.join(KINDS)}")
        if not 0 <= one["ms"] < math.inf:
            raise WrongShape("answers.ms", "must be a time")
    return found["answers"]


def table(answers: pd.DataFrame) -> pd.DataFrame:
    """How often people were wrong: a row for each system's pictures, and one for the real ones.

    Columns: what was `shown`, the `system` ("truth" for real pictures), `wrong` answers of `n`,
    their share `value` with Wilson's `low` and `high`, the number of `people`, and the median
    `seconds` of an answer.
    """
    asked = answers.assign(system=answers["system"].where(answers["shown"] != "real", "truth"))
    rows = []
    for (kind, system), part in asked.groupby(["shown", "system"]):
        wrong = int((part["answer"] != kind).sum())
        about = {"people": part["person"].nunique(), "seconds": part["ms"].median() / 1000}
        rows.append(
            {"shown": kind, "system": system, "wrong": wrong} | wilson(wrong, len(part)) | about
        )
    return pd.DataFrame(rows, columns=list(TABLE))


def guesses(people: int, questions: int, *, systems: Sequence[str], seed: int = 0) -> pd.DataFrame:
    """Answers that nobody gave: people who guess at random, half of the pictures being real.

    Each row is as those of `read`; whatever is counted of them has the true share 50 %.
    """
    draw = np.random.default_rng(seed)
    n = people * questions
    kinds = np.array(KINDS)
    frame = pd.DataFrame(
        {
            "person": np.repeat([f"guesser {k}" for k in range(people)], questions),
            "picture": [*range(questions)] * people,
            "system": draw.choice(list(systems), n),
            "shown": kinds[draw.integers(0, 2, n)],
            "answer": kinds[draw.integers(0, 2, n)],
            "ms": draw.lognormal(8, 0.5, n).round(),
        }
    )
    return frame[list(COLUMNS)]


def coverage(
    people: int, questions: int, spread: float, *, repeats: int = 2000, seed: int = 0
) -> dict[str, float]:
    """The share of simulated quizzes whose interval holds the true 50 %, as `wilson` gives it.

    Args:
        people, questions: in each quiz, and answers of each person.
        spread: standard deviation between people, in [0, 0.5), of the chance to be wrong, which is
            Beta distributed about 50 %; 0 is people who all guess.
    """
    draw = np.random.default_rng(seed)
    chance = np.full((repeats, people), 0.5)
    if spread:
        shape = (0.25 / spread**2 - 1) / 2
        chance = draw.beta(shape, shape, (repeats, people))
    wrong = draw.binomial(questions, chance).sum(axis=1)
    found = [wilson(int(k), people * questions) for k in wrong]
    return wilson(sum(one["low"] <= 0.5 <= one["high"] for one in found), repeats)
