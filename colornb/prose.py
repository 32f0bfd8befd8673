"""Measured numbers in sentences and table cells."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from colornb.limits import MEASURES
from colornb.naming import called
from colornb.tables import Table

Found = Mapping[str, Any]
"""`value` or `difference`, with `low` and `high`."""


def _value(found: Found) -> float:
    return found["value"] if "value" in found else found["difference"]


def number(found: Found, style: str = "+.3f") -> str:
    """An estimate or a difference with its 95 % interval, e.g. "+0.12 [+0.08, +0.16]"."""
    if math.isnan(_value(found)):
        return "not defined"
    value, low, high = (plain(v, style) for v in (_value(found), found["low"], found["high"]))
    return f"{value} [{low}, {high}]"


def plain(value: float, style: str) -> str:
    """A formatted value with a minus sign instead of a hyphen, and none before a zero."""
    text = f"{value:{style}}"
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def judge(found: Found, above: str, below: str, *, ideal: float = 0.0) -> str:
    """The word for an interval above `ideal`, below it, or around it. An interval around it is no
    proof of no effect, so the word for that claims none."""
    if math.isnan(_value(found)):
        return "nothing to measure"
    low, high = found["low"], found["high"]
    return above if low > ideal else below if high < ideal else "not distinguishable"


def within(found: Found, lowest: float | None, highest: float) -> str:
    """Whether a mark, to lie from `lowest` (if there is one) to `highest`, is "met" by the whole
    interval, "missed" by all of it, or "open"."""
    low, high = found["low"], found["high"]
    lowest = -math.inf if lowest is None else lowest
    if lowest <= low and high <= highest:
        return "met"
    return "missed" if high < lowest or low > highest else "open"


def _found(rows: pd.DataFrame, key: str) -> dict[str, Found]:
    return rows.set_index(key)[["difference", "low", "high", "n"]].to_dict("index")


def of_pair(pairs: pd.DataFrame, a: str, b: str) -> dict[str, Found]:
    """Of rows of `pairs.csv`, those of system a minus b: label of the metric -> what was found."""
    rows = pairs[(pairs["a"] == a) & (pairs["b"] == b)]
    return {MEASURES[k].label: one for k, one in _found(rows, "metric").items()}


def of_metric(pairs: pd.DataFrame, metric: str) -> dict[str, Found]:
    """Of rows of `pairs.csv` with one b, those of a metric: system a -> what was found."""
    return _found(pairs[pairs["metric"] == metric], "a")


def table(columns: Mapping[str, Mapping[str, Found]], style: str = "+.3f") -> Table:
    """Numbers with intervals, a row per system.

    Args:
        columns: label -> {`system/variant`: found}; all have the same systems.
    """
    systems = next(iter(columns.values()))
    return Table(
        [
            {"System": called(system)}
            | {label: number(found[system], style) for label, found in columns.items()}
            for system in systems
        ]
    )


_LABELS = {name: metric.label for name, metric in MEASURES.items()}
_FORMATS = {metric.label: metric.signed for metric in MEASURES.values()}


def _heading(claim: str) -> str:
    """A claim with the labels of the systems and metrics that it names."""
    text = re.sub(r"[\w/]+", lambda word: _LABELS.get(word[0], called(word[0])), claim)
    return text if text.startswith("ab ") else text[0].upper() + text[1:]


def _cell(
    found: Found, style: str = "+.3f", words: Sequence[str] = (), *, ideal: float = 0.0
) -> str:
    """An estimate, and below it its interval with the word of `judge`."""
    if math.isnan(_value(found)):
        return "not defined"
    value, *interval = number(found, style).split(" ", 1)
    return "\n".join([value, *interval, *([judge(found, *words, ideal=ideal)] if words else [])])


def _html(corner: str, cells: Mapping[str, Mapping[str, str]]) -> str:
    """A table of cells, row -> {heading: cell}, as HTML that stands in a Markdown text."""
    headings = dict.fromkeys(heading for row in cells.values() for heading in row)
    rows = [{corner: row} | {h: found.get(h, "") for h in headings} for row, found in cells.items()]
    return f"\n{Table(rows)._repr_html_()}\n" if rows else "Nothing of this was trained."


class Verdict:
    """Says numbers as `number` and `each` do, and remembers them for a table of what was said."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def number(self, claim: str, found: Found, style: str = "+.3f", *, about: str = "") -> str:
        """`number`, remembered as one of the claim's, about a system."""
        bounds = {key: found[key] for key in ("low", "high")}
        seeds = found.get("seeds")  # their values, or their number in a row of `pairs.csv`
        n = {"n": found.get("n"), "seeds": len(seeds) if isinstance(seeds, Sequence) else seeds}
        self.rows.append({"claim": claim, "system": about, "value": _value(found), **bounds, **n})
        return number(found, style)

    def each(
        self,
        claim: str,
        rows: Mapping[str, Found],
        style: str = "+.3f",
        words: tuple[str, ...] = (),
        *,
        ideal: float = 0.0,
    ) -> str:
        """Numbers of several systems in one line, remembered, each with the word of `judge` where
        `words` are given."""
        return "; ".join(
            f"{called(system)} {self.number(claim, found, style, about=system)}"
            + (f", {judge(found, *words, ideal=ideal)}" if words else "")
            for system, found in rows.items()
        )

    def columns(self, *columns: tuple[Any, ...], ideal: float = 0.0, of: str = "System") -> str:
        """A table for a Markdown text, remembered: a row per system, a column per claim about any.

        Args:
            columns: the arguments of `each`, claim, rows, style and words, of which the last may
                be missing. The claim is the heading.
            of: the heading of the rows.
        """
        cells: dict[str, dict[str, str]] = {}
        for claim, rows, *more in columns:
            self.each(claim, rows, *more, ideal=ideal)
            for system, found in rows.items():
                row = cells.setdefault(called(system), {})
                row[_heading(claim)] = _cell(found, *more, ideal=ideal)
        return _html(of, cells)

    def pairs(self, pairs: pd.DataFrame, *compared: tuple[str, str]) -> str:
        """A table for a Markdown text, remembered: of rows of `pairs.csv`, a row per pair of
        systems that is found there, the first minus the second, and a column per metric."""
        cells: dict[str, dict[str, str]] = {}
        for a, b in compared:
            claim, found = f"{a} minus {b}", of_pair(pairs, a, b)
            self.each(claim, found)
            for label, one in found.items():
                cell = _cell(one, _FORMATS[label], ("higher", "lower"))
                cells.setdefault(_heading(claim), {})[label] = cell
        return _html("Pair", cells)

    def table(self) -> pd.DataFrame:
        """What was said: columns `claim`, `system`, `value`, `low`, `high`, `n`, `seeds`."""
        return pd.DataFrame(self.rows)
