"""The study's tables, which notebooks and the book show as they are."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from colornb.limits import MEASURES
from colornb.metrics import METRICS
from colornb.naming import SEES, called


def html_of(value: str) -> str:
    """The inside of a cell: its lines after the first are set smaller."""
    first, *rest = html.escape(str(value)).split("\n")
    return first + "".join(f"<br><small>{line}</small>" for line in rest)


@dataclass(frozen=True)
class Table:
    """A table of cells for reading; lines of a cell after its first are set smaller."""

    rows: list[dict[str, str]]

    def _repr_html_(self) -> str:
        frame = pd.DataFrame([{k: html_of(v) for k, v in row.items()} for row in self.rows])
        return frame.to_html(escape=False, index=False, border=0, classes="study")

    def __repr__(self) -> str:
        return pd.DataFrame(self.rows).to_string(index=False)


def cell(found: Mapping, metric: str, singles: Sequence[float] = ()) -> str:
    """A value of a metric, below it its interval, and below that those of single trainings; a dash
    where it is not defined."""
    style = MEASURES[metric].format
    if np.isnan(found["value"]):
        return "–"
    lines = [f"{found['value']:{style}}", f"[{found['low']:{style}}, {found['high']:{style}}]"]
    if len(singles) > 1:
        lines.append(" · ".join(f"{value:{style}}" for value in singles))
    return "\n".join(lines)


def systems(
    records: Mapping[str, Mapping],
    metrics: Sequence[str],
    more: Mapping[str, Mapping[str, str]] | None = None,
) -> Table:
    """Metrics with 95 % intervals, a row per system; with several seeds, the single ones too.

    Args:
        records: `system/variant` -> record.
        metrics: names in `METRICS`, the columns.
        more: `system/variant` -> cells of more columns, before the metrics.
    """
    lines = []
    for system, record in records.items():
        line = {"System": called(system), "Sees": SEES[record["parameters"]["sees"]]}
        line |= (more or {}).get(system, {})
        for name in metrics:
            singles = record.get("seeds", {}).get(name, ())
            line[METRICS[name].label] = cell(record["metrics"][name], name, singles)
        lines.append(line)
    return Table(lines)


def limits(rows: Mapping[str, Mapping[str, Mapping]]) -> Table:
    """Limitation measures with 95 % intervals and single seeds, a row per system.

    Args:
        rows: `system/variant` -> {name in `METRICS` or `LIMITS`: `value`, `low`, `high`, `seeds`}.
    """
    lines = []
    for system, found in rows.items():
        first = next(iter(found.values()))
        line = {"System": f"{called(system)}\nn = {first['n']:,}"}
        if len(first["seeds"]) > 1:
            line["System"] += f" × {len(first['seeds'])} trainings"
        line |= {MEASURES[k].label: cell(one, k, one["seeds"]) for k, one in found.items()}
        lines.append(line)
    return Table(lines)


def bench(rows: Sequence) -> Table:
    """Rows of `colornb.bench`: what was measured, the ratio, its range and the goal."""
    return Table(
        [
            {
                "Row": f"{row.name}\n{row.what}",
                "Ours": f"{row.ours:.4g} {row.unit}",
                "Other": f"{row.other:.4g} {row.unit}",
                "Ratio": f"{row.ratio:.2f}\n[{row.low:.2f}, {row.high:.2f}]",
                "Goal": f"{row.goal:g}",
                "Met": "yes" if row.met else "no",
            }
            for row in rows
        ]
    )


def pairs(found: pd.DataFrame) -> Table:
    """Rows of `pairs.csv`: a row per pair of systems, a column per metric with a verdict."""
    lines = {}
    for row in found.to_dict("records"):
        a, b = (called(row[key]) for key in "ab")
        line = lines.setdefault((a, b, row["dataset"]), {"System": a, "against": b})
        line["on"] = row["dataset"]
        line[MEASURES[row["metric"]].label] = _difference(row)
    columns = dict.fromkeys(label for line in lines.values() for label in line)
    return Table([{label: line.get(label, "–") for label in columns} for line in lines.values()])


def _difference(row: Mapping) -> str:
    digits = 5 if row["metric"].startswith("mse") else 3
    value, low, high = (f"{row[key]:+.{digits}f}" for key in ("difference", "low", "high"))
    verdict = MEASURES[row["metric"]].verdict(row["low"], row["high"])
    return f"{verdict}: {value}\n[{low}, {high}]"
