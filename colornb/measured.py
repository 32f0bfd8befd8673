"""Systems measured on the same pictures, once or along a knob: tables, curves and differences."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from colornb import figures, intervals, records, scenes
from colornb.datasets import ImageSet
from colornb.intervals import Counts, Statistic
from colornb.limits import LIMITS
from colornb.painted import UNTRAINED, Painted
from colornb.study import StudyRun

Line = dict[str, Any]
"""A curve for `figures.curves` or `figures.by_category`: arrays of one length under `x`, `value`,
`low` and `high`; under `n` the number of images, one or for each x, under `seeds` something of the
trainings' number."""


def line(found: Mapping[Any, Mapping[str, Any]]) -> Line:
    """Estimates or differences at several places x as one curve."""
    first = next(iter(found.values()))
    middle = "value" if "value" in first else "difference"
    keys = {"value": middle, "low": "low", "high": "high", "n": "n"}
    arrays = {name: np.array([one[key] for one in found.values()]) for name, key in keys.items()}
    return {"x": np.array(list(found)), **arrays, "seeds": first.get("seeds", ())}


def table_of(curves: Mapping[str, Line], x: str) -> pd.DataFrame:
    """Curves as a table: columns `system`, `x` under its name, `value`, `low`, `high`, `n`."""
    columns = ("x", "value", "low", "high", "n")
    parts = [
        pd.DataFrame({"system": name, **{key: one[key] for key in columns if key in one}})
        for name, one in curves.items()
    ]
    return pd.concat(parts).rename(columns={"x": x})


def draw(
    run: StudyRun, name: str, panels: Mapping[str, Mapping[str, Line]], *, x: str, **labels: Any
) -> figures.Picture:
    """`figures.curves` of the panels, whose numbers become the run's table `name`."""
    tables = [table_of(curves, "x").assign(panel=title) for title, curves in panels.items()]
    records.write_table(run, name, pd.concat(tables))
    return figures.curves(panels, x=x, **labels)


def draw_kinds(
    run: StudyRun, name: str, curves: Mapping[str, Line], kinds: Sequence[str], **labels: Any
) -> figures.Picture:
    """`figures.by_category` of curves whose places are `kinds`, with the run's table `name`."""
    named = {system: one | {"x": list(kinds)} for system, one in curves.items()}
    records.write_table(run, name, table_of(named, "kind"))
    return figures.by_category(curves, kinds, **labels)


def beside(counts: Sequence[Counts], control: Sequence[Counts]) -> list[Counts]:
    """Counts of a system and, under names with the ending `_control`, those of a row without a
    network on the same images: for statistics in multiples of that row's."""
    (one,) = control
    added = {f"{name}_control": values for name, values in one.items()}
    return [{**found, **added} for found in counts]


@dataclass(frozen=True)
class Measured:
    """Counts of several systems on the same images.

    Attributes:
        counts: `system/variant` -> its counts, one for each training seed.
        statistics: name -> what makes it of the counts.
        dataset: name of the images.
    """

    counts: Mapping[str, Sequence[Counts]]
    statistics: Mapping[str, Statistic]
    dataset: str

    @cached_property
    def rows(self) -> dict[str, dict[str, dict[str, Any]]]:
        """`system/variant` -> {name: estimate over images and seeds}."""
        return {
            system: {name: intervals.estimate(found, s) for name, s in self.statistics.items()}
            for system, found in self.counts.items()
        }

    def of(self, name: str, systems: Iterable[str]) -> dict[str, dict[str, Any]]:
        """One measure of some systems."""
        return {system: self.rows[system][name] for system in systems}

    def difference(self, a: str, b: str, name: str, **options: Any) -> dict[str, Any]:
        """A measure of system a minus that of b, on the same images; with options of
        `intervals.difference`."""
        return intervals.difference(
            self.counts[a], self.counts[b], self.statistics[name], **options
        )

    def beside(self, control: str) -> "Measured":
        """The systems' counts beside those of one of them; see `beside`."""
        counts = {k: beside(one, self.counts[control]) for k, one in self.counts.items()}
        return replace(self, counts=counts)

    def pairs(
        self, compared: Iterable[tuple[str, str]], names: Sequence[str] = (), **options: Any
    ) -> pd.DataFrame:
        """Rows of `pairs.csv`: the measures `names`, by default all, of systems a minus b; with
        options of `intervals.difference`."""
        return pd.DataFrame(
            [
                {
                    "a": a,
                    "b": b,
                    "dataset": self.dataset,
                    "metric": name,
                    **self.difference(a, b, name, **options),
                    "seeds": min(
                        (len(self.counts[s]) for s in (a, b) if not s.startswith(UNTRAINED)),
                        default=0,
                    ),
                }
                for a, b in compared
                for name in names or self.statistics
            ],
            columns=records.PAIR_COLUMNS,
        )

    def curves(
        self, statistic: Statistic, systems: Iterable[str] = (), x: Sequence[float] | None = None
    ) -> dict[str, Line]:
        """A measure that is a vector, of some systems (all), against `x` (1, 2, ...)."""
        found = {
            system: intervals.estimate(self.counts[system], statistic)
            for system in systems or self.counts
        }
        return {
            system: {
                "x": np.arange(1, len(one["value"]) + 1) if x is None else np.asarray(x),
                **{key: one[key] for key in ("value", "low", "high", "n", "seeds")},
            }
            for system, one in found.items()
        }


@dataclass(frozen=True)
class Sweep:
    """Counts of several systems at several x: values of a knob, epochs, kinds of content.

    Attributes:
        counts: `system/variant` -> {x: its counts, one for each training seed}.
    """

    counts: Mapping[str, Mapping[float, Sequence[Counts]]]

    def curves(
        self,
        statistic: Statistic,
        systems: Iterable[str] = (),
        *,
        over: Statistic | None = None,
    ) -> dict[str, Line]:
        """A measure of the systems against x, or against the value that another measure, `over`,
        has at x."""
        found = {
            system: line(
                {x: intervals.estimate(one, statistic) for x, one in self.counts[system].items()}
            )
            for system in systems or self.counts
        }
        if over:
            places = self.curves(over, found)
            return {system: one | {"x": places[system]["value"]} for system, one in found.items()}
        return found

    def beside(self, control: str) -> "Sweep":
        """The systems' counts beside those of one of them at the same x; see `beside`."""
        return Sweep(
            {
                system: {x: beside(one, self.counts[control][x]) for x, one in points.items()}
                for system, points in self.counts.items()
            }
        )

    def table(self, statistics: Mapping[str, Statistic], x: str) -> pd.DataFrame:
        """All numbers of the curves: columns `system`, `x` under its name, `measure`, `value`,
        `low`, `high`, `n`."""
        return pd.DataFrame(
            [
                {"system": system, x: place, "measure": name}
                | {k: v for k, v in intervals.estimate(one, s).items() if k != "seeds"}
                for system, points in self.counts.items()
                for name, s in statistics.items()
                for place, one in points.items()
            ]
        )

    def at(self, x: Any, statistic: Statistic) -> dict[str, dict[str, Any]]:
        """A measure of all systems at one x."""
        return {
            system: intervals.estimate(points[x], statistic)
            for system, points in self.counts.items()
        }

    def change(
        self,
        statistic: Statistic,
        first: Any,
        last: Any,
        systems: Iterable[str] = (),
        *,
        same_training: bool = True,
    ) -> dict[str, dict[str, Any]]:
        """A measure at x = `last` minus that at `first`, on the same images; with the same trained
        networks, unless each x has its own."""
        return {
            system: intervals.difference(
                self.counts[system][last],
                self.counts[system][first],
                statistic,
                same_training=same_training,
            )
            for system in systems or self.counts
        }

    def against(self, control: str, statistic: Statistic, x: Any) -> dict[str, dict[str, Any]]:
        """A measure of every other system minus that of `control` at one x."""
        return {
            system: intervals.difference(points[x], self.counts[control][x], statistic)
            for system, points in self.counts.items()
            if system != control
        }

    def from_first(self, statistic: Statistic, system: str) -> dict[Any, dict[str, Any]]:
        """A measure at each later x minus that at the first, on different images but with the same
        trained networks."""
        (_, first), *later = self.counts[system].items()
        return {
            x: intervals.difference_between_sets(one, first, statistic, same_training=True)
            for x, one in later
        }

    def slope(self, statistic: Statistic, system: str) -> dict[str, Any]:
        """The least-squares slope of a measure against x: `value`, `low`, `high`; NaN where the
        measure is not defined at some x. The training seeds of different x are drawn apart."""
        points = self.counts[system]
        images = len(next(iter(next(iter(points.values()))[0].values())))
        bootstrap = intervals.Bootstrap(images)
        values, draws = zip(*(bootstrap(one, statistic) for one in points.values()), strict=True)
        draws = np.stack(draws)
        complete = draws[:, ~np.isnan(draws).any(0)]
        if np.isnan(values).any() or not complete.size:
            return dict.fromkeys(("value", "low", "high"), np.nan)
        value, drawn = (np.polyfit(list(points), y, 1)[0] for y in (values, complete))
        return {"value": float(value), **intervals.interval(drawn), "n": images}


def measure(
    run: StudyRun,
    systems: Painted,
    count: Callable[[Tensor, ImageSet], Counts],
    statistics: Mapping[str, Statistic],
    test: ImageSet,
    train: ImageSet,
) -> Measured:
    """Measures painted systems, and writes a record of every training but of the truth's rows.

    Args:
        systems: `system/variant` -> its pictures of `test`, one for each training seed.
        count: counts on such pictures of the test set.
        statistics: name -> what makes it of the counts; those in `colornb.limits.LIMITS` are
            recorded.
        train: what the systems were trained on.
    """
    counts = {
        system: [count(one, test) for one in pictures] for system, pictures in systems.items()
    }
    found = Measured(counts, statistics, test.name)
    keep(run, systems, found, test, train)
    return found


def keep(run: StudyRun, systems: Painted, found: Measured, test: ImageSet, train: ImageSet) -> None:
    """Writes what was counted of painted systems into their records, as `measure` does; of the
    truth's rows, and of what is not among the systems, there is none."""
    for system in systems:
        if system.split("/")[0] == "truth" or system not in found.counts:
            continue
        for seed, (pictures, one) in enumerate(
            zip(systems[system], found.counts[system], strict=True)
        ):
            values = {
                name: intervals.estimate([one], statistic)
                for name, statistic in found.statistics.items()
                if name in LIMITS
            }
            defined = {k: v for k, v in values.items() if math.isfinite(v["value"])}
            records.write_limits(run, system, seed, pictures, one, defined, test, train)


def record(
    run: StudyRun,
    systems: Painted,
    test: ImageSet,
    train: ImageSet,
    about: Mapping[str, Mapping[str, Any]] | None = None,
    seeds: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, list[Path]]:
    """Writes the records of systems that a chapter makes itself, with all that every record has.

    Args:
        systems: `system/variant` -> its pictures of `test`, one for each training seed.
        train: what the systems were trained on.
        about: `system/variant` -> parameters to be recorded, and what it `sees`.
        seeds: `system/variant` -> the seeds of its trainings, where they are not 0, 1, ...

    Returns:
        `system/variant` -> folders, as `records.summary` and `records.pair` take them.
    """
    folders: dict[str, list[Path]] = {}
    for system, pictures in systems.items():
        numbers = (seeds or {}).get(system, range(len(pictures)))
        known = (about or {}).get(system, {})
        for seed, one in zip(numbers, pictures, strict=True):
            found = records.measure(one, test, train)
            records.write(run, found, test, train, variant=system, seed=seed, **known)
        folders[system] = [records.place(run, test, system, seed) for seed in numbers]
    return folders


def sweep(
    made: Mapping[Any, tuple[Painted, ImageSet]], count: Callable[[Tensor, ImageSet], Counts]
) -> Sweep:
    """Counts of painted systems.

    Args:
        made: x -> what the systems make of pictures, and the pictures.
        count: counts on one system's pictures of these.
    """
    counts: dict[str, dict[Any, list[Counts]]] = {}
    for x, (systems, images) in made.items():
        for system, pictures in systems.items():
            counts.setdefault(system, {})[x] = [count(one, images) for one in pictures]
    return Sweep(counts)


def turned(
    change: Callable[[Path, ImageSet, Sequence[float]], Mapping[float, Tensor]],
    weights: Sequence[Path],
    values: Sequence[float],
    images: ImageSet,
    count: Callable[[Tensor, ImageSet], Counts],
) -> dict[float, list[Counts]]:
    """Counts of trained networks at each value of a knob of theirs, for a `Sweep`.

    Args:
        change: what a network makes of the images at each value; e.g. `draws.anneal`.
        weights: of the network, a file for each training seed.
    """
    made = [change(path, images, values) for path in weights]
    return {x: [count(one[x], images) for one in made] for x in values}


def along_knob(
    knob: str,
    values: Iterable[float],
    paint: Callable[[ImageSet], Painted],
    count: Callable[[Tensor, ImageSet], Counts],
    *,
    limit: int,
    size: int = 32,
) -> Sweep:
    """`sweep` over test scenes that differ in one knob of `scenes.Knobs` and in nothing else.

    Args:
        paint: what the systems make of such scenes.
        limit, size: scenes for each value, and their pixels.
    """
    turned = {
        value: scenes.image_set("test", size=size, limit=limit, knobs=scenes.Knobs(**{knob: value}))
        for value in values
    }
    return sweep({value: (paint(images), images) for value, images in turned.items()}, count)
