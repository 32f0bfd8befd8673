"""The pictures that the book shows by itself, and what its scripts make of them.

They are cut from the figures of the executed chapters into `_static/pictures`: a slider between
gray and painted, the quiz "real or colorized?", and one set of pictures at several temperatures.
Without JavaScript all of them can be read as they stand.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from html import escape
from io import BytesIO
from pathlib import Path

import nbformat
import numpy as np
import torch
from PIL import Image

from colornb.errors import ColornbError
from colornb.figures import rows_of_pictures
from colornb.naming import called
from colornb.records import SHOWN

MAIN = (
    "baseline/mean_ab",
    "gan/l1_only",
    "gan/default",
    "baseline/regression_gain",
    "distribution/default",
    "captioned/default",
    "reference/default",
)
"""The rows between gray and the truth in the figure `fig-main` of chapter 13."""
TEMPERATURES = (1.0, 0.6, 0.38, 0.2, 0.05)
"""The rows above the truth in the figure `fig-t-pictures` of chapter 09."""
COLUMNS = 5
"""Pictures in a line of those that the slider and the quiz show."""
SIDE = 32
"""Of these pictures, in pixels."""


def raw(text: str) -> str:
    """HTML as a block of a page."""
    return f"```{{raw}} html\n{text}\n```\n"


def cut(figure: bytes, rows: int) -> np.ndarray:
    """The pictures of a JPEG of `figures.rows_of_pictures`, uint8 (rows, SHOWN, SIDE, SIDE, 3).

    Where they are is seen in the same figure with black pictures, which is as far from the right
    and the lower edge; on the left there are labels.

    Raises:
        ColornbError: the figure has another number of rows.
    """
    black = torch.zeros(SHOWN, 3, SIDE, SIDE, dtype=torch.uint8)
    blank = rows_of_pictures({" " * k: black for k in range(rows)})
    dark = np.asarray(Image.open(BytesIO(blank.data)).convert("L")) < 128
    shown = np.asarray(Image.open(BytesIO(figure)).convert("RGB"))
    if abs(shown.shape[0] - dark.shape[0]) > 2:
        raise ColornbError(f"A figure of pictures has not the {rows} rows that the book shows.")
    y, x = (
        _centres(dark.any(axis=axis)) + shown.shape[side] - dark.shape[side]
        for side, axis in ((0, 1), (1, 0))
    )
    found = shown[np.ix_(y, x)].reshape(rows, SIDE, SHOWN, SIDE, 3)
    return found.transpose(0, 2, 1, 3, 4)


def _centres(dark: np.ndarray) -> np.ndarray:
    """The middles of the pixels of pictures, along an axis where `dark` tells the pictures."""
    ends = np.flatnonzero(np.diff(np.r_[False, dark, False].astype(int)))
    middles = (np.arange(SIDE) + 0.5) / SIDE
    return np.concatenate([(a + middles * (b - a)).astype(int) for a, b in ends.reshape(-1, 2)])


def figure(notebook: nbformat.NotebookNode, name: str) -> bytes | None:
    """The JPEG of the numbered figure `name` of an executed notebook, if it is there."""
    for cell in notebook.cells:
        if cell.metadata.get("mystnb", {}).get("figure", {}).get("name") == name:
            return b64decode(cell.outputs[0].data["image/jpeg"])
    return None


def _figure_of(book: Path, chapter: str, name: str) -> bytes | None:
    path = book / "chapters" / f"{chapter}.ipynb"
    return figure(nbformat.read(path, as_version=4), name) if path.exists() else None


def exhibits(book: Path, dataset: str) -> dict[str, str]:
    """Writes the small pictures, and gives the slider, the quiz and the temperatures as pages."""
    folder = book / "_static" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)

    def save(name: str, pictures: np.ndarray) -> str:
        lines = pictures.reshape(-1, COLUMNS, *pictures.shape[1:])
        mosaic = np.concatenate([np.concatenate(list(line), axis=1) for line in lines])
        file = name.replace("/", "-") + ".png"
        Image.fromarray(mosaic).save(folder / file, optimize=True)
        return f"_static/pictures/{file}"

    texts = dict.fromkeys(("slider", "quiz", "temperature"), "")
    if main := _figure_of(book, "13_comparison", "fig-main"):
        names = ("gray", *MAIN, "truth")
        files = {
            name: save(name, row) for name, row in zip(names, cut(main, len(names)), strict=True)
        }
        texts["slider"], texts["quiz"] = raw(_slider(files, dataset)), raw(_quiz(files, dataset))
    if cooled := _figure_of(book, "09_distribution", "fig-t-pictures"):
        labels = [f"T = {t:g}" for t in TEMPERATURES] + ["truth"]
        rows = zip(labels, cut(cooled, len(labels)), strict=True)
        files = {label: save(f"temperature-{k}", row) for k, (label, row) in enumerate(rows)}
        texts["temperature"] = raw(_frames(files, dataset))
    return texts


def _image(file: str, alt: str, kind: str = "") -> str:
    return (
        f'<img class="pixels {kind}" src="{file}" alt="{escape(alt)}" '
        f'width="{SIDE * COLUMNS}" height="{SIDE * SHOWN // COLUMNS}">'
    )


def _name(system: str) -> str:
    return {"gray": "gray, as a system sees them", "truth": "the true colours"}.get(
        system, called(system)
    )


def _slider(files: Mapping[str, str], dataset: str) -> str:
    painted = {name: file for name, file in files.items() if name != "gray"}
    options = "".join(
        f'<option value="{file}"{" selected" if name == "gan/default" else ""}>'
        f"{escape(_name(name))}</option>"
        for name, file in painted.items()
    )
    return f"""\
<figure class="slider">
<div class="slider-stage">
{_image(files["gan/default"], f"Ten test pictures of {dataset}, painted", "slider-after")}
{_image(files["gray"], "The same ten pictures in gray", "slider-before")}
</div>
<div class="slider-choice" hidden>
<label>Painted by <select>{options}</select></label>
</div>
<figcaption>Ten test pictures of {dataset}, the first of their set, not chosen: gray, as a system
sees them, and painted: <span class="slider-name">{escape(_name("gan/default"))}</span>. Drag the
line, or move it with the arrow keys.</figcaption>
</figure>"""


def _quiz(files: Mapping[str, str], dataset: str) -> str:
    shown = {n: f for n, f in files.items() if n not in ("gray", "baseline/mean_ab")}
    data = {
        "pictures": SHOWN,
        "columns": COLUMNS,
        "systems": [
            {"system": name, "name": _name(name), "file": file} for name, file in shown.items()
        ],
    }
    key = "\n".join(
        f"<figure>{_image(file, f'The ten pictures: {_name(name)}')}"
        f"<figcaption>{escape(_name(name))}</figcaption></figure>"
        for name, file in shown.items()
    )
    return f"""\
<script type="application/json" class="quiz-data">{json.dumps(data)}</script>
<div class="quiz"><p>The questions need JavaScript; the pictures are below.</p></div>
<details class="quiz-key"><summary>All pictures of {dataset}, and who painted them</summary>
{key}
</details>"""


def _frames(files: Mapping[str, str], dataset: str) -> str:
    shown = "\n".join(
        f'<figure data-label="{escape(label)}">'
        f"{_image(file, f'Ten pictures of {dataset}, {label}')}"
        f"<figcaption>{escape(label)}</figcaption></figure>"
        for label, file in files.items()
    )
    return f'<div class="frames" data-title="Temperature">\n{shown}\n</div>'
