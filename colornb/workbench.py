"""Your photographs: which trained networks there are, and what they make of files of your own.

Chapter 15 shows it. In JupyterLab it has controls besides (`bench`), from `colornb.widgets`.
"""

import json
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors import SafetensorError, safe_open
from torch import Tensor

from colornb import datasets, figures, paths
from colornb.colorize import Wishes
from colornb.errors import ColornbError
from colornb.images import read_image
from colornb.study import StudyRun
from colornb.weights import SHIPPED, find

WEIGHTS = "weights.safetensors"
JUDGES = ("discriminator", "edgenet")
"""Networks that paint nothing."""
SAVED = "data/colorized"
"""Where the controls save, within the project."""
Done = tuple[Path, list[Path] | None, str]
"""A photograph, the files of its pictures, and what went wrong; see `colorize.colorize_files`."""


def networks(profile: str) -> dict[str, Path]:
    """The trained networks that paint, those of a profile and those that come with the package:
    name -> weights.

    A name is the folder of a training in `runs/PROFILE`, e.g. "03_gan/default/seed0", or one of
    `colornb.weights.SHIPPED`.
    """
    folder = paths.RUNS / profile
    found = sorted(folder.rglob(WEIGHTS))
    trained = {path.parent.relative_to(folder).as_posix(): path for path in found if _paints(path)}
    return trained | {name: find(name) for name in SHIPPED}


def _paints(weights: Path) -> bool:
    try:
        with safe_open(weights, framework="pt") as file:
            about = file.metadata() or {}
        # A network with a first guess paints in the notebook alone that makes the guess.
        guess = json.loads(about.get("options", "{}")).get("guess")
        return about.get("model", JUDGES[0]) not in JUDGES and not guess
    except (SafetensorError, OSError):
        return False


def network(profile: str, name: str) -> Path:
    """The weights that a name of `networks` or a path within the project stands for.

    Raises:
        ColornbError: there are none.
    """
    known = networks(profile)
    weights = known.get(name, paths.ROOT / name)
    if not weights.is_file():
        raise ColornbError(
            f"There is no network {name!r}: name a file of weights, or one of {', '.join(known)}; "
            f"`make study PROFILE={profile}` trains all of its profile."
        )
    return weights


def photographs(folder: str) -> list[Path]:
    """The files of a folder within the project; without a name scikit-image's photographs."""
    return datasets.folder_files(paths.ROOT / folder) if folder else datasets.photo_files()


def target(run: StudyRun) -> Path:
    """Folder of the results: the one that the run's parameter names, where nothing is overwritten;
    else one of the run's own, which begins empty."""
    if run.parameters["target"]:
        return paths.ROOT / run.parameters["target"]
    folder = run.folder / "colorized"
    rmtree(folder, ignore_errors=True)
    return folder


def wishes(run: StudyRun) -> Wishes:
    """What the run's parameters wish; "" and 0 wish nothing.

    Raises:
        ColornbError: the reference is no picture.
    """
    asked = run.parameters
    return Wishes(
        caption=asked["caption"],
        reference=read_image(paths.ROOT / asked["reference"]) if asked["reference"] else None,
        temperature=asked["temperature"] or None,
    )


def side_by_side(results: Sequence[Done], *, most: int = 6, side: int = 320) -> figures.Picture:
    """Gray, colorized and as they came: the first photographs, each on a white square.

    Raises:
        ColornbError: none of them was colorized.
    """
    done = [(source, written) for source, written, _ in results if written][:most]
    if not done:
        raise ColornbError(f"No photograph was colorized: {results[0][2]}")
    came = _squares([source for source, _ in done], side)
    draws = zip(*(written for _, written in done), strict=True)
    painted = {f"colorized {k}": _squares(files, side) for k, files in enumerate(draws, start=1)}
    if len(painted) == 1:
        painted = {"colorized": painted["colorized 1"]}
    return figures.rows_of_pictures({"gray": figures.gray(came), **painted, "as it came": came})


def _squares(files: Sequence[Path], side: int) -> Tensor:
    """uint8 (N, 3, side, side)."""
    squares = [
        ImageOps.pad(Image.fromarray(read_image(file)), (side, side), color="white")
        for file in files
    ]
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)


def bench(run: StudyRun):
    """Controls to colorize one photograph at a time, an ipywidgets widget; None where there is
    nobody to use them: outside JupyterLab, or without ipywidgets (the extra `lab`)."""
    if "JPY_SESSION_NAME" not in os.environ or not find_spec("ipywidgets"):
        return None
    from colornb.widgets import Bench

    folder = paths.ROOT / (run.parameters["target"] or SAVED)
    return Bench(networks(run.profile), folder, first=run.parameters["model"])
