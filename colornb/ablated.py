"""What the variations of an ablation come to, each beside its base."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from colornb import figures, measured, naming, painted, records
from colornb.datasets import ImageSet
from colornb.measured import Line
from colornb.painted import Painted
from colornb.study import StudyRun
from colornb.training.ablations import Ablation

Folders = dict[str, list[Path]]


def record(
    run: StudyRun, ablation: Ablation, test: ImageSet, train: ImageSet
) -> tuple[Painted, Folders]:
    """Paints the test set with every network and writes a record of each.

    Args:
        train: the training set of those that have no other.

    Returns:
        What they paint, and the folders of their records and of the rows without a network.
    """
    made: Painted = {}
    folders: Folders = {}
    for name, weights in ablation.weights.items():
        made[name] = painted.paint_each(weights, test)
        sets = ablation.trained_on.get(name, [train] * len(weights))
        folders[name] = []
        for seed, (pictures, on) in enumerate(zip(made[name], sets, strict=True)):
            one = measured.record(run, {name: [pictures]}, test, on, seeds={name: [seed]})
            folders[name] += one[name]
    return made, folders | records.trivial(run, test, train)


def against_base(
    ablation: Ablation, folders: Folders, metrics: Sequence[str], test: ImageSet
) -> tuple[pd.DataFrame, figures.Picture]:
    """Every variation minus the base: rows of `pairs.csv`, and `figures.forest` of them."""
    every = [name for names in ablation.factors.values() for name in names]
    found = records.pairs(folders, [(name, ablation.base) for name in every], metrics, test)
    rows = {name: part.set_index("metric").T.to_dict() for name, part in found.groupby("a")}
    groups = {
        factor: {naming.variation(name): rows[name] for name in names}
        for factor, names in ablation.factors.items()
    }
    return found, figures.forest(groups, metrics)


def by_number(
    summaries: Mapping[str, Mapping[str, Any]], kinds: Mapping[str, Sequence[str]], metric: str
) -> dict[str, Line]:
    """A metric against the number of training pictures, for `measured.draw`.

    Args:
        summaries: `system/variant` -> what `records.summary` says of it.
        kinds: name of a curve -> the systems on it.
    """
    found = {name: [summaries[system] for system in systems] for name, systems in kinds.items()}
    return {
        name: measured.line(
            {one["parameters"]["train_n"]: one["metrics"][metric] for one in several}
        )
        for name, several in found.items()
        if several
    }
