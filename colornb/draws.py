"""What comes of a network that expects more than one colour: a colour at every temperature, and
draws.

Such a network ends in a distribution over colours, of which there is an annealed mean at every
temperature and a sample for every seed, or it has a latent vector to draw (`models.Variational`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from colornb import (
    colorize,
    distribution,
    figures,
    lab,
    measured,
    metrics,
    naming,
    painted,
    prose,
    tables,
)
from colornb.baselines import recolor
from colornb.datasets import ImageSet
from colornb.intervals import Counts, Statistic
from colornb.limits.colour import describe
from colornb.measured import Measured, Sweep
from colornb.metrics import ab_frequency
from colornb.models import Variational
from colornb.painted import Painted
from colornb.study import StudyRun
from colornb.training.distribution import Weights

TEMPERATURES = (1.0, 0.8, 0.6, 0.5, 0.38, 0.3, 0.2, 0.1, 0.05)
GAINS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0)
"""What `sweep` turns."""
BONUSES = (0.0, 0.04, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12, 0.13, 0.14)
"""On chroma, for `bold`; steps are small where colourfulness rises fast."""
GOALS = (0.9, 1.0, 1.1)
"""Colourfulness over the truth's at which systems are compared."""
WAYS = {
    "distribution/sampled": ("distribution/unbalanced", True),
    "distribution/sampled_rebalanced": ("distribution/default", True),
    "distribution/sampled_pixels": ("distribution/unbalanced", False),
    "distribution/variational": ("distribution/variational", True),
}
"""Ways to draw -> the network of `training.distribution`, and whether samples are coherent."""
SPREADS = (0.25, 0.5, 1.0)
STATISTICS = {name: itemgetter(name) for name in ("diversity", "mean", "best")}
"""What `count` counts, as `colornb.intervals` takes it."""


def weights_of_colours(images: Tensor, strengths: Sequence[float]) -> list[dict[str, str]]:
    """What `distribution.rebalancing` makes of frequent and rare colours, rows for `tables.Table`.

    The most frequent bin of training pictures uint8 (N, 3, H, W), and rarer and rarer ones.
    """
    share = ab_frequency(images, added=0)
    order = share.argsort(descending=True)
    covered = share[order].cumsum(0)
    weight = {strength: distribution.rebalancing(images, strength) for strength in strengths}
    places = [min(int((covered < q).sum()), len(order) - 1) for q in (0, 0.5, 0.9, 0.99, 0.999)]
    return [
        {
            "Colour": describe(lab.ab_bins()[index].numpy()),
            "Share of training pixels": f"{share[index]:.2%}",
            "This and more frequent ones": f"{covered[place]:.1%}",
            **{f"Weight, λ = {k:g}": f"{found[index]:.2f}" for k, found in weight.items()},
        }
        for place, index in zip(places, order[places].tolist(), strict=True)
    ]


def anneal(weights: Path, images: ImageSet, temperatures: Iterable[float]) -> dict[float, Tensor]:
    """The pictures with the annealed mean at each temperature: T -> uint8 (N, 3, H, W).

    Raises:
        ColornbError: the weights are missing or none of this package.
    """
    return _at_each(weights, images, temperatures, lambda one: partial(lab.annealed_mean, one))


def _at_each(
    weights: Path,
    images: ImageSet,
    values: Iterable[float],
    colours_of: Callable[[Tensor], Callable[[float], Tensor]],
) -> dict[float, Tensor]:
    """The pictures with the ab that `colours_of` the logits of a batch gives at each value."""
    model, given = painted.load(weights, images)
    ab: dict[float, list[Tensor]] = {value: [] for value in values}
    for logits in colorize.predict(model, images.images, *given, batch_size=20):
        colours = colours_of(logits)
        for value, parts in ab.items():
            parts.append(colours(value))
    return {value: recolor(images.images, torch.cat(parts)) for value, parts in ab.items()}


def turn_up(weights: Path, images: ImageSet, gains: Iterable[float]) -> dict[float, Tensor]:
    """The pictures with a network's ab times each gain: gain -> uint8 (N, 3, H, W). What a claim
    about colourfulness has to beat.

    Raises:
        ColornbError: the weights are missing or none of this package.
    """
    ab = painted.predict_ab(weights, images)
    return {gain: recolor(images.images, gain * ab) for gain in gains}


def bold(
    weights: Path, images: ImageSet, bonuses: Iterable[float], *, discount: Tensor
) -> dict[float, Tensor]:
    """The pictures with the colours of least expected error at each bonus on chroma: bonus -> uint8
    (N, 3, H, W).

    Args:
        discount: see `distribution.expected_error`.

    Raises:
        ColornbError: the weights are missing or none of this package.
    """

    def colours_of(logits: Tensor) -> Callable[[float], Tensor]:
        return partial(distribution.least_error, distribution.expected_error(logits, discount))

    return _at_each(weights, images, bonuses, colours_of)


def sweep(
    annealed: Mapping[str, Sequence[Path]],
    turned_up: Mapping[str, Sequence[Path]],
    images: ImageSet,
    count: Callable[[Tensor, ImageSet], Counts],
) -> Sweep:
    """Counts at each of `TEMPERATURES` and `GAINS`.

    Args:
        annealed, turned_up: `system/variant` -> weights, a file for each training seed.
        count: counts on pictures of the images.
    """
    ways = [(annealed, anneal, TEMPERATURES), (turned_up, turn_up, GAINS)]
    return Sweep(
        {
            system: measured.turned(change, weights, values, images, count)
            for systems, change, values in ways
            for system, weights in systems.items()
        }
    )


def choose(swept: Sweep, ratio: Statistic, systems: Iterable[str]) -> dict[str, float]:
    """The temperature at which each system is as colourful as the truth, to two digits: between two
    of `TEMPERATURES` on the line that joins them; the nearest one if it never is.

    Args:
        swept: on validation pictures.
        ratio: colourfulness over the truth's.
    """
    lines = swept.curves(ratio, systems)
    return {k: round(_place(one["value"], one["x"], 1.0), 2) for k, one in lines.items()}


def by_temperature(
    run: StudyRun,
    name: str,
    swept: Mapping[str, Sweep],
    systems: Iterable[str],
    statistic: Statistic,
    **labels: Any,
) -> figures.Picture:
    """A measure of systems against the temperature, a panel for each of the `swept` image sets,
    with the run's table `name`."""
    panels = {title: found.curves(statistic, systems) for title, found in swept.items()}
    return measured.draw(run, name, panels, x="temperature T", **labels)


def decide(
    swept: Sweep, ratio: Statistic, control: str, systems: Sequence[str]
) -> tuple[dict[str, float], float]:
    """The temperatures that `choose` chooses, and the gain of the control that makes it as
    colourful as the first system (`match`)."""
    chosen = choose(swept, ratio, systems)
    return chosen, match(swept, ratio, control, systems[0], chosen[systems[0]])


def match(swept: Sweep, ratio: Statistic, control: str, system: str, t: float) -> float:
    """The gain at which the control is as colourful as a system at its temperature t."""
    lines = swept.curves(ratio, [control, system])
    goal = np.interp(-t, -lines[system]["x"], lines[system]["value"])  # T falls from 1
    return _place(lines[control]["value"], lines[control]["x"], goal)


def _place(rising: np.ndarray, x: np.ndarray, goal: float) -> float:
    """Where a knob x brings what rises along it to a goal; where it comes nearest if it never
    does."""
    if rising.max() < goal:
        return float(x[rising.argmax()])
    return float(np.interp(goal, np.maximum.accumulate(rising), x))


def at_equal(
    swept: Sweep, ratio: Statistic, statistics: Mapping[str, Statistic], goal: float, dataset: str
) -> Measured:
    """Systems at equal colourfulness: measures of a sweep where each is `goal` times as colourful
    as the truth, between two values of its knob on the line that joins them.

    A bootstrap draw finds that place anew, so that an interval covers how well it is known. Where a
    system is never as colourful, its measures are NaN.
    """

    def at(statistic: Statistic) -> Statistic:
        def interpolated(means: Counts) -> np.ndarray:
            x, y = ratio(means), statistic(means)  # (..., values of the knob)
            after = (x >= goal).argmax(-1)[..., None].clip(min=1)
            (x0, x1), (y0, y1) = (
                (np.take_along_axis(v, after - 1, -1), np.take_along_axis(v, after, -1))
                for v in (x, y)
            )
            found = y0 + (goal - x0) / (x1 - x0) * (y1 - y0)
            return np.where((x0 <= goal) & (goal <= x1), found, np.nan)[..., 0]

        return interpolated

    counts = {
        system: [
            {name: np.stack([one[name] for one in of_seed], axis=1) for name in of_seed[0]}
            for of_seed in zip(*points.values(), strict=True)
        ]
        for system, points in swept.counts.items()
    }
    return Measured(counts, {name: at(one) for name, one in statistics.items()}, dataset)


def equal_table(
    swept: Sweep, compared: Sequence[tuple[str, str]], names: Sequence[str], images: ImageSet
) -> pd.DataFrame:
    """The metrics `names`, of which the first is colourfulness, of systems a minus b at equal
    colourfulness (`at_equal`): rows of `pairs.csv`, and which of `GOALS` that is, in a column
    `colourfulness`."""
    ratio, *others = (metrics.statistic(name) for name in names)
    statistics = dict(zip(names[1:], others, strict=True))
    found = {
        goal: at_equal(swept, ratio, statistics, goal, images.name).pairs(compared)
        for goal in GOALS
    }
    return pd.concat([one.assign(colourfulness=k) for k, one in found.items()])


def equal_differences(table: pd.DataFrame) -> tables.Table:
    """What `equal_table` gives, for readers: a row for each pair of systems."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for row in table.to_dict("records"):
        a, b = (naming.called(row[key]) for key in ("a", "b"))
        cells = rows.setdefault((a, b), {"Difference": f"{a} − {b}"})
        label = f"{metrics.METRICS[row['metric']].label} at {row['colourfulness']:g}"
        cells[label] = prose.number(row, "+.3f")
    return tables.Table(list(rows.values()))


@torch.no_grad()
def draw(
    weights: Path, images: ImageSet, number: int, *, spread: float = 1.0, coherent: bool = True
) -> list[Tensor]:
    """Draws of each picture, `number` of them, each uint8 (N, 3, H, W).

    Args:
        spread: the temperature of `distribution.sample`, or a factor on the latent vector: 1 draws
            what the network expects, less stays closer to its best answer.
        coherent: see `distribution.sample`; a latent vector is one for the whole picture anyway.

    Raises:
        ColornbError: the weights are missing or none of this package.
    """
    model, given = painted.load(weights, images)
    drawn: list[list[Tensor]] = [[] for _ in range(number)]
    if isinstance(model, Variational):
        shape = (len(images), model.options["latent"])
        for seed, parts in enumerate(drawn):
            z = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
            parts.append(colorize.predict_ab(model, images.images, spread * z))
    else:
        for batch, logits in enumerate(colorize.predict(model, images.images, *given)):
            for seed, parts in enumerate(drawn):
                dice = 1000 * batch + seed
                parts.append(distribution.sample(logits, spread, seed=dice, coherent=coherent))
    return [recolor(images.images, torch.cat(parts)) for parts in drawn]


def anneal_each(weights: Sequence[Path], images: ImageSet, t: float) -> list[Tensor]:
    """The annealed means at one temperature by the networks of several training seeds."""
    return [anneal(path, images, [t])[t] for path in weights]


def systems(weights: Weights, images: ImageSet, chosen: Mapping[str, float]) -> Painted:
    """The pictures by what `training.distribution.fit_small` trained: the annealed means at the
    `chosen` temperatures, a coherent sample of the distribution without rebalancing at T = 1, and
    of the variational network a draw and z = 0."""
    made = {system: anneal_each(weights[system], images, t) for system, t in chosen.items()}
    for name in ("distribution/sampled", "distribution/variational"):
        made[name] = [draw(path, images, 1)[0] for path in weights[WAYS[name][0]]]
    middle = painted.paint_each(weights["distribution/variational"], images)
    return made | {"distribution/variational_z0": middle}


def count(draws: Sequence[Tensor], images: ImageSet) -> Counts:
    """Of draws of each picture, each uint8 (N, 3, H, W), counts (N,): `diversity`, the mean ab
    distance of two draws (Lab units); `mean` and `best`, the mean and the least CIEDE2000."""
    pictures, true = [lab.uint8_to_lab(one) for one in draws], lab.uint8_to_lab(images.images)
    errors = torch.stack([lab.delta_e2000(one, true).mean((1, 2)) for one in pictures])
    apart = torch.stack(
        [
            torch.hypot(*(one - other)[:, 1:].unbind(1)).mean((1, 2))
            for one, other in combinations(pictures, 2)
        ]
    )
    found = {"diversity": apart.mean(0), "mean": errors.mean(0), "best": errors.amin(0)}
    return {name: values.numpy() for name, values in found.items()}


def count_ways(weights: Weights, images: ImageSet, number: int) -> Sweep:
    """`count` of `number` draws of each picture in each of `WAYS`, at each of `SPREADS`."""

    def along(kind: str, coherent: bool) -> dict[float, list[Counts]]:
        def change(path: Path, images: ImageSet, spreads: Sequence[float]) -> dict:
            return {s: draw(path, images, number, spread=s, coherent=coherent) for s in spreads}

        return measured.turned(change, weights[kind], SPREADS, images, count)

    return Sweep({system: along(*way) for system, way in WAYS.items()})


def side_by_side(weights: Weights, images: ImageSet, number: int) -> dict[str, Tensor]:
    """Rows for `figures.rows_of_pictures`, one for each of `WAYS` (first training): of each picture
    its gray, the truth, and `number` draws."""
    rows = {}
    for system, (kind, coherent) in WAYS.items():
        drawn = draw(weights[kind][0], images, number, coherent=coherent)
        columns = torch.stack([figures.gray(images.images), images.images, *drawn], dim=1)
        rows[naming.called(system)] = columns.flatten(0, 1)
    return rows
