"""Colours for gray pictures, with a trained network: batches of a data set, and photographs."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from colornb import features, lab
from colornb.errors import ColornbError
from colornb.files import replace_atomically
from colornb.images import read_image, squash
from colornb.models import Discriminator, Koalarization, load_weights

_TEXTURE = 10.0**2
"""The guided filter's epsilon: the variance of L, in [0, 100], that may be no more than texture.

A squashed photograph has lost the contrast of its texture, and a line fitted to the little that
is left leads far off at full size. Of 1 to 400, 100 brings the true chroma of BSDS500, squashed to
32 and 64 pixels, back with the least error, 9% under bilinear; 1 has more error than bilinear.
"""
_STRIP = 2**17  # pixels painted at a time: what they need stays in a CPU's cache
# A quarter of the time of Pillow's 6; sharp photographs get 1% larger by it, soft ones 13%.
_PNG_LEVEL = 1


@torch.no_grad()
def predict_ab(
    model: nn.Module, images: Tensor, vectors: Tensor | None = None, *, batch_size: int = 50
) -> Tensor:
    """Predicted ab in Lab units, float32 (N, 2, H, W), for uint8 pictures (N, 3, H, W).

    The network sees nothing but their L and, if it takes them, the vectors (N, 1000) of its
    extractor.
    """
    device = next(model.parameters()).device
    predicted = []
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        l, _ = lab.normalize(lab.uint8_to_lab(images[part].to(device)))  # noqa: E741
        inputs = (l,) if vectors is None else (l, vectors[part].to(device))
        predicted.append(model(*inputs).float().cpu() * lab.AB_SCALE)
    return torch.cat(predicted)


@torch.no_grad()
def colorize(
    image: np.ndarray, model: nn.Module, *, extractor: str = "none", size: int | None = None
) -> np.ndarray:
    """A photograph, uint8 (H, W, 3), with the colours that the network gives to its L.

    Chroma is predicted for the photograph squashed to the network's size, and brought to the
    photograph's along the edges of its L; L stays. Beside the image this takes 4 bytes a pixel,
    for Pillow's copy of it, and then 3, for the result. `extractor` names the frozen classifier
    that a Koalarization was trained with, and `size` the pixels of its training pictures, by
    default those of the published network.
    """
    side = size or model.size
    small = torch.tensor(squash(image, side))[None]
    vectors = features.extract(small, extractor) if isinstance(model, Koalarization) else None
    ab = predict_ab(model, small, vectors)
    if max(image.shape[:2]) <= side:  # there is nothing to add to the prediction
        return _paint(image, torch.cat((torch.zeros_like(ab), ab), dim=1))
    return _paint(image, _lines(lab.uint8_to_lab(small)[:, :1], ab))


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


def colorize_files(
    paths: Iterable[Path], target: Path, weights: Path
) -> Iterator[tuple[Path, Path | None, str]]:
    """Colorizes files into the folder `target`, each as `NAME-colorized.png`.

    Yields (source, written file or None, what went wrong) in the order of `paths`; a bad file
    does not stop the others, and no file is overwritten. The next photograph is read, and the one
    before written, while the network works: up to four are in memory.

    Raises:
        ColornbError: the weights are none, or none that paint, or `target` cannot be a folder.
    """
    model, header = load_weights(weights)
    if isinstance(model, Discriminator):
        raise ColornbError(f"{weights} holds a discriminator, which paints nothing.")
    trained_at, extractor = header.get("size", ""), header.get("extractor", "none")
    size = int(trained_at) if trained_at.isdigit() else None
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ColornbError(f"{target} cannot be the folder of results ({error}).") from None

    def free_output(path: Path) -> Path:
        output = target / f"{path.stem}-colorized.png"
        if output.exists():
            raise ColornbError(f"{output} exists already: move it away or choose another folder.")
        return output

    def read(path: Path, _: None) -> np.ndarray:
        free_output(path)
        return read_image(path)

    def paint(_: Path, image: np.ndarray) -> np.ndarray:
        return colorize(image, model, extractor=extractor, size=size)

    def write(path: Path, picture: np.ndarray) -> Path:
        output = free_output(path)  # again: an earlier photograph may have had the same name
        save = partial(Image.fromarray(picture).save, format="PNG", compress_level=_PNG_LEVEL)
        replace_atomically(output, save)
        return output

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
        return path, None, str(error)


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
