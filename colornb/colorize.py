"""Colours for gray pictures, with a trained network: batches of a data set, and photographs."""

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from colornb import features, lab
from colornb.captions import encode
from colornb.device import is_out_of_memory
from colornb.distribution import sample
from colornb.errors import ColornbError, NotWrittenError
from colornb.files import create_atomically
from colornb.images import read_exif, read_image, squash
from colornb.models import (
    Captioned,
    Discriminator,
    EdgeNet,
    Referenced,
    Variational,
    load_weights,
    takes_features,
)
from colornb.models.unet import HEADS
from colornb.palettes import palette
from colornb.paths import shown
from colornb.weights import find

_TEXTURE = 10.0**2
"""The guided filter's epsilon: the variance of L, in [0, 100], that may be no more than texture.

A squashed photograph has lost the contrast of its texture, and a line fitted to the little that
is left leads far off at full size. Of 1 to 400, 100 brings the true chroma of BSDS500, squashed to
32 and 64 pixels, back with the least error, 9% under bilinear; 1 has more error than bilinear.
"""
TEMPERATURE = 0.38
"""Of the annealed mean, as published (arXiv 1603.08511)."""
MOST_SAMPLES = 100
"""Draws of a photograph at once; all of them are in memory together."""
_MADE = re.compile(r"(.+)-colorized(?:-\d+)?\.png")  # names of results, as `_output` gives them
_STRIP = 2**17  # pixels painted at a time: what they need stays in a CPU's cache
# A quarter of the time of Pillow's 6; sharp photographs get 1% larger by it, soft ones 13%.
_PNG_LEVEL = 1


@dataclass(frozen=True)
class Wishes:
    """What may be asked of a painting, of a model that can do it.

    Attributes:
        caption: words for a captioned model, e.g. "a red automobile".
        reference: a picture uint8 (H, W, 3) whose colours a referenced model takes.
        sample: seed of a draw from what the model thinks likely; None is its best single answer.
        temperature: of a distribution over colours: towards 0 its likeliest colour, higher mixes
            more of them; None is 0.38 for the single answer and 1 for samples.
    """

    caption: str = ""
    reference: np.ndarray | None = None
    sample: int | None = None
    temperature: float | None = None


@torch.no_grad()
def predict(
    model: nn.Module, images: Tensor, *given: Tensor, batch_size: int = 50
) -> Iterator[Tensor]:
    """What a network makes of uint8 pictures (N, 3, H, W), batch by batch: ab / 110 (n, 2, H, W),
    or logits (n, 313, h, w).

    It sees nothing but their L and what it is `given` beside it, each with a row for each picture:
    the vectors (N, 1000) of its extractor, say.
    """
    device = next(model.parameters()).device
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        l, _ = lab.normalize(lab.uint8_to_lab(images[part].to(device)))
        yield model(l, *(rows[part].to(device) for rows in given)).float().cpu()


@torch.no_grad()
def predict_ab(
    model: nn.Module,
    images: Tensor,
    *given: Tensor,
    temperature: float = TEMPERATURE,
    batch_size: int = 50,
) -> Tensor:
    """Predicted ab in Lab units, float32 (N, 2, H, W); see `predict`.

    Of a distribution over bins this is the annealed mean at `temperature`; other networks have
    none.
    """
    return torch.cat(
        [
            lab.annealed_mean(one, temperature)
            if one.shape[1] == HEADS["bins"]
            else one[:, -2:] * lab.AB_SCALE  # an L that comes before them is not needed
            for one in predict(model, images, *given, batch_size=batch_size)
        ]
    )


@torch.no_grad()
def colorize(
    image: np.ndarray,
    model: nn.Module,
    *,
    extractor: str = "none",
    size: int | None = None,
    wishes: Wishes = Wishes(),
) -> np.ndarray:
    """A photograph, uint8 (H, W, 3), with the colours that the network gives to its L.

    Chroma is predicted for the photograph squashed to the network's size, and brought to the
    photograph's along the edges of its L; L stays. Beside the image this takes 4 bytes a pixel,
    for Pillow's copy of it, and then 3, for the result. `extractor` names the frozen classifier
    that a Koalarization was trained with, and `size` the pixels of its training pictures, by
    default those of the published network.

    Raises:
        ColornbError: the network cannot do what is wished, or needs an `extractor`.
        ValueError: the image is not uint8 (H, W, 3).
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected uint8 (H, W, 3), got {image.dtype} {image.shape}")
    if takes_features(model) and extractor == "none":
        raise ColornbError(
            "This network is told what a classifier sees: name that with extractor=, as "
            "Painter.load does."
        )
    image = np.require(image, requirements="W")  # torch warns of others
    side = size or model.size
    small = torch.tensor(squash(image, side))[None]
    ab = _predict_as_wished(model, small, extractor, wishes)
    if ab.shape[-1] < side:  # of a distribution over bins
        ab = interpolate(ab, (side, side), mode="bilinear")
    if max(image.shape[:2]) <= side:  # there is nothing to add to the prediction
        return _paint(image, torch.cat((torch.zeros_like(ab), ab), dim=1))
    return _paint(image, _lines(lab.uint8_to_lab(small)[:, :1], ab))


def wishes_of(model: nn.Module) -> set[str]:
    """What may be wished of a network: of "caption", "reference", "sample", "temperature"."""
    bins = _is_distribution(model)
    can = {
        "caption": isinstance(model, Captioned),
        "reference": isinstance(model, Referenced),
        "sample": bins or isinstance(model, Variational),
        "temperature": bins,
    }
    return {wish for wish, able in can.items() if able}


def refuse_what_it_cannot(model: nn.Module, wishes: Wishes) -> None:
    """Raises ColornbError if the network is none that paints, or cannot do what is wished."""
    if isinstance(model, Discriminator | EdgeNet):
        raise ColornbError("This network paints nothing: choose another.")
    if model.options.get("guess"):
        raise ColornbError(
            "This network is told a first guess, which is made from its training pictures: "
            "it paints in notebook 18 alone."
        )
    if wishes.temperature is not None and not 0.001 <= wishes.temperature <= 1000:
        raise ColornbError(
            f"The temperature must be from 0.001 to 1000, not {wishes.temperature:g}."
        )
    can = wishes_of(model)
    for what in _wished(wishes):
        if what not in can:
            who = next(name for name, able in _ABLE.items() if what in able)
            raise ColornbError(
                f"This network does not take {_CALLED[what]}: choose one that does, such as {who}."
            )
    encode([wishes.caption])  # refuses words that no network knows
    if isinstance(model, Referenced) and wishes.reference is None:
        raise ColornbError("This model needs a reference picture: give one with --reference.")


_ABLE = {
    "koalarization": set(),
    "captioned": {"caption"},
    "reference": {"reference"},
    "distribution": {"sample", "temperature"},
}
"""Networks in `colornb.weights.SHIPPED` -> what may be wished of them, as in `wishes_of`."""
_CALLED = {
    "caption": "a caption",
    "reference": "a reference",
    "sample": "samples",
    "temperature": "a temperature",
}


def _wished(wishes: Wishes) -> list[str]:
    """What is wished, as `wishes_of` names it."""
    wished = {
        "caption": bool(wishes.caption),
        "reference": wishes.reference is not None,
        "sample": wishes.sample is not None,
        "temperature": wishes.temperature is not None,
    }
    return [wish for wish, there in wished.items() if there]


def suited(wishes: Wishes) -> str:
    """Name of the network in `colornb.weights.SHIPPED` that can do what is wished.

    Raises:
        ColornbError: none can do all of it.
    """
    wished = _wished(wishes)
    for name, able in _ABLE.items():
        if able.issuperset(wished):
            return name
    several = " and ".join(_CALLED[wish] for wish in wished)
    raise ColornbError(
        f"No network that comes with the package takes {several} at once: leave one out."
    )


def _is_distribution(model: nn.Module) -> bool:
    return model.options.get("head") == "bins"


def _predict_as_wished(model: nn.Module, small: Tensor, extractor: str, wishes: Wishes) -> Tensor:
    """ab in Lab units (1, 2, h, w) of one uint8 picture (1, 3, S, S)."""
    refuse_what_it_cannot(model, wishes)
    given = []
    if what := takes_features(model):
        given.append(features.extract(small, extractor, what))
    if isinstance(model, Captioned):
        given.append(encode([wishes.caption]))
    if isinstance(model, Referenced):
        given.append(palette(torch.tensor(squash(wishes.reference, model.size))[None]))
    if wishes.sample is not None and isinstance(model, Variational):
        dice = torch.Generator().manual_seed(wishes.sample)
        given.append(torch.randn(1, model.options["latent"], generator=dice))
    if wishes.sample is not None and _is_distribution(model):
        (logits,) = predict(model, small, *given)
        return sample(logits, wishes.temperature or 1.0, seed=wishes.sample)
    return predict_ab(model, small, *given, temperature=wishes.temperature or TEMPERATURE)


def _lines(lightness: Tensor, ab: Tensor) -> Tensor:
    """A and B (N, 4, S, S) of the lines ab = A L + B around each pixel, of L (N, 1, S, S) in
    [0, 100] and ab (N, 2, S, S) in Lab units.

    The fast guided filter (He and Sun 2015, arXiv 1505.00996, algorithm 2): A is fitted in
    windows of 3 x 3 pixels, and averaged over as many. B is not: it makes each line pass through
    its own pixel's chroma. So a photograph without finer detail than the prediction gets the
    prediction itself, and colours that L does not tell apart stay as sharp as they are.
    """
    mean = partial(avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False)
    covariance = mean(lightness * ab) - mean(lightness) * mean(ab)
    variance = mean(lightness**2) - mean(lightness) ** 2
    slope = mean(covariance / (variance + _TEXTURE))
    return torch.cat((slope, ab - slope * lightness), dim=1)


def _paint(image: np.ndarray, lines: Tensor) -> np.ndarray:
    """L of uint8 (H, W, 3) with the chroma A L + B of `lines` (1, 4, S, S) brought to its size."""
    height, width, _ = image.shape
    if width > max(height, _STRIP):  # one row alone would be larger than a strip
        return _paint(image.swapaxes(0, 1), lines.mT).swapaxes(0, 1)
    painted = np.empty_like(image)
    step = max(1, _STRIP // width)
    for top in range(0, height, step):
        strip = torch.from_numpy(image[top : top + step]).permute(2, 0, 1)[None].contiguous()
        lightness = lab.uint8_to_lab(strip)[:, :1]
        near = _rows(lines, height, top, strip.shape[2])
        slope, offset = interpolate(near, strip.shape[2:], mode="bilinear").split(2, dim=1)
        colored = lab.assemble(lightness, slope * lightness + offset)
        painted[top : top + step] = colored[0].permute(1, 2, 0)
    return painted


def _rows(grid: Tensor, height: int, top: int, count: int) -> Tensor:
    """The `count` rows from `top` on of the grid (N, C, S, S) brought to `height` rows, as a
    bilinear `interpolate` of all of them gives."""
    rows = torch.arange(top, top + count, dtype=torch.float64)
    last = grid.shape[2] - 1
    places = ((rows + 0.5) * (grid.shape[2] / height) - 0.5).clamp(0, last)
    above = places.long()
    weight = (places - above).to(grid)[:, None]
    return grid[:, :, above].lerp(grid[:, :, (above + 1).clamp(max=last)], weight)


@dataclass(frozen=True)
class Painter:
    """A trained network with what `colorize` has to know of its training; `load` reads both."""

    model: nn.Module
    extractor: str
    size: int | None

    @classmethod
    def load(cls, weights: str | Path) -> "Painter":
        """Of a shipped network's name, e.g. "koalarization", or of a file; see `weights.find`.

        Raises:
            ColornbError: there is no such network, or these are no weights.
        """
        model, header = load_weights(find(weights))
        size = header.get("size", "")
        return cls(model, header.get("extractor", "none"), int(size) if size.isdigit() else None)

    def __call__(self, image: np.ndarray, wishes: Wishes = Wishes()) -> np.ndarray:
        """See `colorize`."""
        return colorize(image, self.model, extractor=self.extractor, size=self.size, wishes=wishes)


def files_of(paths: Iterable[Path]) -> list[Path]:
    """The paths, but instead of a folder what lies in it by name, but hidden files and folders, and
    what this program made of the other files there.

    Raises:
        ColornbError: a folder that cannot be read.
    """
    found = []
    for path in paths:
        try:
            inside = sorted(path.iterdir()) if os.path.isdir(path) else []
        except OSError as error:
            raise ColornbError(f"{shown(path)} cannot be read ({error.strerror}).") from None
        files = [file for file in inside if file.name[0] != "." and not os.path.isdir(file)]
        stems = {file.stem for file in files}
        made = (_MADE.fullmatch(file.name) for file in files)
        files = [f for f, one in zip(files, made, strict=True) if not one or one[1] not in stems]
        found += files or [path]
    return found


def is_colorized(target: Path, photo: Path, samples: int = 0) -> bool:
    """Whether all results of a photograph are in the folder `target`."""
    return all(os.path.lexists(_output(target, photo, ending)) for ending in _endings(samples))


def _endings(samples: int) -> list[str]:
    """What tells apart the names of a photograph's results."""
    return [f"-{n}" for n in range(1, samples + 1)] or [""]


def _output(target: Path, photo: Path, ending: str) -> Path:
    return target / f"{photo.stem}-colorized{ending}.png"


def free_output(target: Path, photo: Path, ending: str = "") -> Path:
    """Where a photograph's picture goes: `NAME-colorized.png` in the folder `target`.

    Raises:
        ColornbError: there is such a file, which is not overwritten.
    """
    output = _output(target, photo, ending)
    if os.path.lexists(output):
        raise ColornbError(f"{output} exists already: move it away or choose another folder.")
    return output


def save(picture: np.ndarray, output: Path, exif: bytes = b"") -> None:
    """Writes a picture uint8 (H, W, 3) as PNG, as a whole or not at all.

    Raises:
        ColornbError: it could not be written, or there is such a file, which stays.
    """
    options = {"format": "PNG", "compress_level": _PNG_LEVEL, "exif": exif}
    try:
        create_atomically(output, partial(Image.fromarray(picture).save, **options))
    except NotWrittenError as error:
        if getattr(error.__cause__, "errno", None) != errno.ENAMETOOLONG:
            raise
        raise ColornbError(
            f"{output} is a name too long for the disk: give the photograph a shorter one."
        ) from None


def colorize_files(
    paths: Iterable[Path],
    target: Path,
    weights: str | Path | None = None,
    *,
    samples: int = 0,
    wishes: Wishes = Wishes(),
    exif: bool = True,
    skip_existing: bool = False,
) -> Iterator[tuple[Path, list[Path] | None, str]]:
    """Colorizes files into the folder `target`, each as `NAME-colorized.png` of the same size.

    Yields (source, written files or None, what went wrong) in the order of `paths`; a bad file
    does not stop the others, and no file is overwritten. The next photograph is read, and the one
    before written, while the network works: up to four are in memory.

    Args:
        weights: a shipped network's name or a file, see `Painter.load`; by default the shipped
            network that is `suited`.
        samples: draws of each photograph, `NAME-colorized-1.png` and so on; 0 is one picture, the
            model's best answer.
        exif: whether the date, the camera, the place and whatever else `images.read_exif` finds
            go with it.
        skip_existing: whether draws that are there already are left out instead of refused.

    Raises:
        ColornbError: the weights are none, or none that paint, they cannot do what is wished, or
            `target` cannot be a folder.
    """
    if not 0 <= samples <= MOST_SAMPLES:
        raise ColornbError(f"The number of samples must be from 0 to {MOST_SAMPLES}.")
    endings = _endings(samples)
    asked = {e: replace(wishes, sample=k if samples else None) for k, e in enumerate(endings)}
    first = asked[endings[0]]
    painter = Painter.load(suited(first) if weights is None else weights)
    refuse_what_it_cannot(painter.model, first)
    paths = list(paths)
    # Now, since of two photographs of one name the second shall not add to the draws of the first.
    wanted = {
        path: [
            e for e in endings if not (skip_existing and os.path.lexists(_output(target, path, e)))
        ]
        for path in paths
    }
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ColornbError(f"{target} cannot be the folder of results ({error}).") from None

    def read(path: Path, _: None) -> tuple[np.ndarray, bytes]:
        for ending in wanted[path]:
            free_output(target, path, ending)
        return read_image(path), read_exif(path) if exif else b""

    def paint(path: Path, photograph: tuple[np.ndarray, bytes]) -> tuple[list[np.ndarray], bytes]:
        image, told = photograph
        return [painter(image, asked[ending]) for ending in wanted[path]], told

    def write(path: Path, painted: tuple[list[np.ndarray], bytes]) -> list[Path]:
        # Again: an earlier photograph may have had the same name, of which no draw shall be added.
        outputs = [free_output(target, path, ending) for ending in wanted[path]]
        pictures, told = painted
        for output, picture in zip(outputs, pictures, strict=True):
            save(picture, output, told)
        return outputs

    reader, writer = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
    try:
        images = _one_ahead(reader, partial(_attempt, read), ((path, None, "") for path in paths))
        pictures = map(partial(_attempt, paint), images)
        yield from _one_ahead(writer, partial(_attempt, write), pictures)
    finally:  # also after Ctrl-C: what a thread has begun is finished, nothing else is
        for pool in (reader, writer):
            pool.shutdown(cancel_futures=True)


def _attempt(step: Callable, job: tuple) -> tuple:
    """The job (path, value, problem) with `step(path, value)`, unless it had a problem before."""
    path, value, problem = job
    if problem:
        return job
    try:
        return path, step(path, value), ""
    except (ColornbError, OSError) as error:
        return path, None, shown(error)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return path, None, "the memory is too small for this photograph: make it smaller first."


def _one_ahead(pool: ThreadPoolExecutor, step: Callable, jobs: Iterable) -> Iterator:
    """`map(step, jobs)` on the pool's thread, a job ahead of what the caller is busy with."""
    running = None
    for job in jobs:
        following = pool.submit(step, job)
        if running:
            yield running.result()
        running = following
    if running:
        yield running.result()
