"""How several trainings of systems were made and what they went through, one by one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from colornb import figures, painted, records, study
from colornb.naming import NAMES
from colornb.study import StudyRun
from colornb.tables import Table
from colornb.training import gan

Trainings = Mapping[str, Sequence[Path]]
"""`system/variant` -> the folders of its runs, one for each seed."""
_TEST = "monitor_mse_ab"


def found(run: StudyRun, *systems: str) -> dict[str, list[Path]]:
    """The `Trainings` of those of these systems that the run's profile trains."""
    folders = {name: painted.seeds(run, *name.split("/")) for name in systems}
    return {name: several for name, several in folders.items() if several}


def settings(systems: Trainings, also: Sequence[str] = ()) -> Table:
    """How each of these systems was trained: pictures, length, rate, device, minutes of each. A
    parameter that is younger than a record has its usual value there.

    Args:
        also: names of parameters that are shown below the rate; what concerns a discriminator only
            where there is one.
    """
    lines = []
    for name, folders in systems.items():
        first = records.read(folders[0])
        usual = study.read()["chapters"][folders[0].parents[1].name]["parameters"]
        o, about = usual | first["parameters"], first["environment"]
        told = [k for k in also if o.get("adversarial_weight") or k not in gan.DISCRIMINATOR]
        minutes = [_history(folder)["seconds"].sum() / 60 for folder in folders]
        lines.append(
            {
                "System": NAMES[name],
                "Pictures": f"{o['train_n']:,} of {o['size']} px",
                "Epochs × batch": f"{o['epochs']} × {o['batch_size']}",
                "Width": f"{o['width']:g}",
                "Settings" if also else "Rate": "\n".join(
                    [f"{o['learning_rate']:g}, {o['schedule']}", *(f"{k}: {o[k]}" for k in told)]
                ),
                "Device": f"{about['device']}, {o['precision']}",
                "torch": about["torch"],
                "Minutes": " · ".join(f"{m:.1f}" for m in minutes),
            }
        )
    return Table(lines)


def losses(
    run: StudyRun, table: str, systems: Trainings, label: str, column: str
) -> figures.Picture:
    """The losses of each training on the pictures that it learns from and on the test pictures, as
    a figure; and as the run's `table`, to be taken along.

    Args:
        label, column: of the loss on the training pictures in `history.csv`.
    """
    histories = {name: [_history(one) for one in folders] for name, folders in systems.items()}
    every = [
        history.assign(system=name, training=number)
        for name, several in histories.items()
        for number, history in enumerate(several)
    ]
    records.write_table(run, table, pd.concat(every))
    panels = {f"{label}, training": column, "MSE of ab / 110, test": _TEST}
    return figures.trainings(histories, panels)


def by_heart(systems: Trainings, column: str, *, judged: bool = False) -> Table:
    """What each training has come to on the pictures that it learns from, in `column` of its
    `history.csv`, and on the test pictures: at the end, and where it was lowest. If `judged`, also
    the loss of its discriminator."""
    lines = []
    for name, folders in systems.items():
        line = {"System": NAMES[name]}
        cells = []
        for folder in folders:
            history = _history(folder)
            seen, unseen = history[column], history[_TEST]
            cells.append(
                {
                    "Training, first epoch": f"{seen.iloc[0]:.4f}",
                    "Training, last": f"{seen.iloc[-1]:.4f}",
                    "Test, lowest (epoch)": f"{unseen.min():.4f} ({unseen.idxmin() + 1})",
                    "Test, last": f"{unseen.iloc[-1]:.4f}",
                }
            )
            if judged:
                loss = history.get("discriminator")
                cells[-1]["Discriminator, last"] = "–" if loss is None else f"{loss.iloc[-1]:.2f}"
        line |= {key: "\n".join(cell[key] for cell in cells) for key in cells[0]}
        lines.append(line)
    return Table(lines)


def _history(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "history.csv")
