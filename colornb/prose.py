"""Measured numbers in sentences and table cells."""

from collections.abc import Mapping
from typing import Any

from colornb.figures import NAMES, Table

Found = Mapping[str, Any]
"""`value` or `difference`, with `low` and `high`."""


def number(found: Found, style: str = "+.3f") -> str:
    """An estimate or a difference with its 95 % interval, e.g. "+0.12 [+0.08, +0.16]"."""
    value = found["value"] if "value" in found else found["difference"]
    return f"{value:{style}} [{found['low']:{style}}, {found['high']:{style}}]"


def judge(found: Found, above: str, below: str, neither: str) -> str:
    """The word for an interval above 0, below 0, or around it."""
    return above if found["low"] > 0 else below if found["high"] < 0 else neither


def each(rows: Mapping[str, Found], style: str = "+.3f", words: tuple[str, ...] = ()) -> str:
    """Numbers of several systems in one line, each with the word of `judge` where `words` are
    given."""
    return "; ".join(
        f"{NAMES.get(name, name)} {number(found, style)}"
        + (f", {judge(found, *words)}" if words else "")
        for name, found in rows.items()
    )


def table(columns: Mapping[str, Mapping[str, Found]], style: str = "+.3f") -> Table:
    """Numbers with intervals, a row per system.

    Args:
        columns: label -> {`system/variant`: found}; all have the same systems.
    """
    systems = next(iter(columns.values()))
    return Table(
        [
            {"System": NAMES.get(system, system)}
            | {label: number(found[system], style) for label, found in columns.items()}
            for system in systems
        ]
    )
