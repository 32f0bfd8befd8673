"""Controls for JupyterLab that colorize one photograph at a time; they need the extra `lab`."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import ipywidgets
import numpy as np
import torch
from PIL import Image

from colornb import figures
from colornb.colorize import TEMPERATURE, Painter, Wishes, free_output, save, wishes_of
from colornb.errors import ColornbError
from colornb.images import read_exif, read_image
from colornb.paths import ROOT, shown

PREVIEW = 720
"""Pixels of the longer side of what is shown; what is saved has all of them."""


def divided(before: np.ndarray, after: np.ndarray, percent: int) -> np.ndarray:
    """Two pictures uint8 (H, W, 3) as one: the left `percent` from `after`, the rest `before`."""
    place = round(before.shape[1] * percent / 100)
    return np.concatenate((after[:, :place], before[:, place:]), axis=1)


def _preview(image: np.ndarray) -> np.ndarray:
    small = Image.fromarray(image)
    small.thumbnail((PREVIEW, PREVIEW))
    return np.asarray(small)


def _uploaded(upload: ipywidgets.FileUpload) -> tuple[Path, np.ndarray, bytes]:
    """Name, pixels and EXIF data of the file that was chosen last."""
    if not upload.value:
        raise ColornbError(f"Choose a file first: {upload.description}.")
    name = Path(upload.value[-1]["name"]).name
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{Path(name).suffix}"
        path.write_bytes(upload.value[-1]["content"])
        try:
            return Path(name), read_image(path), read_exif(path)
        except ColornbError as error:
            raise ColornbError(str(error).replace(str(path), name)) from None


class Bench(ipywidgets.VBox):
    """Upload, choose, colorize, compare, save.

    Args:
        networks: name -> weights.
        target: folder that "Save" writes into; nothing is overwritten.
        first: name of the network that is chosen at first, if it is there.
    """

    def __init__(self, networks: Mapping[str, Path], target: Path, *, first: str = ""):
        self.target = target
        self.photograph = ipywidgets.FileUpload(accept="image/*", description="Photograph")
        self.network = ipywidgets.Dropdown(options=dict(networks), description="Network")
        if first in networks:
            self.network.value = networks[first]
        self.temperature = ipywidgets.FloatLogSlider(
            TEMPERATURE, min=-2, max=1, step=0.05, description="Temperature"
        )
        self.draw = ipywidgets.BoundedIntText(0, min=0, max=10_000, description="Draw")
        self.caption = ipywidgets.Text(placeholder="a red automobile", description="Caption")
        self.reference = ipywidgets.FileUpload(accept="image/*", description="Reference")
        self.colorize = ipywidgets.Button(description="Colorize", button_style="primary")
        self.slider = ipywidgets.IntSlider(100, 0, 100, description="After, %")
        self.picture = ipywidgets.Image(format="jpeg")
        self.save = ipywidgets.Button(description="Save", disabled=True)
        self.said = ipywidgets.Label()
        self.network.observe(lambda _: self._choose(), "value")
        self.slider.observe(lambda _: self._show(), "value")
        self.colorize.on_click(lambda _: self._attempt(self._colorize))
        self.save.on_click(lambda _: self._attempt(self._save))
        super().__init__(
            [
                ipywidgets.HBox([self.photograph, self.network]),
                ipywidgets.HBox([self.temperature, self.draw]),
                ipywidgets.HBox([self.caption, self.reference]),
                ipywidgets.HBox([self.colorize, self.slider, self.save]),
                self.said,
                self.picture,
            ]
        )
        self._choose()

    def _attempt(self, step) -> None:
        try:
            self.said.value = step()
        except ColornbError as error:
            self.said.value = shown(error)

    def _choose(self) -> None:
        """Loads the network and opens the controls for what it takes."""
        self._attempt(self._load)

    def _load(self) -> str:
        self.painter = Painter.load(self.network.value)
        can = wishes_of(self.painter.model)
        for control, wish in (
            (self.temperature, "temperature"),
            (self.draw, "sample"),
            (self.caption, "caption"),
            (self.reference, "reference"),
        ):
            control.disabled = wish not in can
        return "Choose a photograph, then colorize it."

    def _wishes(self) -> Wishes:
        """What the open controls say; a draw of 0 is the one best answer."""
        drawn = not self.draw.disabled and self.draw.value > 0
        return Wishes(
            caption="" if self.caption.disabled else self.caption.value,
            reference=None if self.reference.disabled else _uploaded(self.reference)[1],
            sample=self.draw.value - 1 if drawn else None,
            temperature=None if self.temperature.disabled else self.temperature.value,
        )

    def _colorize(self) -> str:
        self.save.disabled = True
        self.name, image, self.exif = _uploaded(self.photograph)
        self.result = self.painter(image, self._wishes())
        small = torch.from_numpy(_preview(image).copy()).permute(2, 0, 1)[None]
        self.before = figures.gray(small)[0].permute(1, 2, 0).numpy()
        self.after = _preview(self.result)
        self.save.disabled = False
        self._show()
        return f"{self.name} has new colours. They are a guess."

    def _show(self) -> None:
        if self.save.disabled:
            return
        file = BytesIO()
        Image.fromarray(divided(self.before, self.after, self.slider.value)).save(
            file, "jpeg", quality=90
        )
        self.picture.value = file.getvalue()

    def _save(self) -> str:
        output = free_output(self.target, self.name)
        save(self.result, output, self.exif)
        place = output.relative_to(ROOT) if output.is_relative_to(ROOT) else output
        return f"Saved as {place}."
