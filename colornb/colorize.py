"""Colours for gray pictures, with a trained network: batches of a data set, and photographs."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from colornb import features, lab
from colornb.datasets import read_image
from colornb.errors import ColornbError
from colornb.files import replace_atomically
from colornb.models import Discriminator, Koalarization, load_weights


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
        l, _ = lab.normalize(lab.rgb_to_lab(lab.to_float(images[part].to(device))))  # noqa: E741
        inputs = (l,) if vectors is None else (l, vectors[part].to(device))
        predicted.append(model(*inputs).float().cpu() * lab.AB_SCALE)
    return torch.cat(predicted)


@torch.no_grad()
def colorize(
    image: np.ndarray, model: nn.Module, *, extractor: str = "none", size: int | None = None
) -> np.ndarray:
    """A photograph, uint8 (H, W, 3), with the colours that the network gives to its L.

    Chroma is predicted at the network's size and brought to the photograph's; L stays.
    `extractor` names the frozen classifier that a Koalarization was trained with, and `size` the
    pixels of its training pictures, by default those of the published network.
    """
    picture = lab.to_float(torch.from_numpy(image).permute(2, 0, 1)[None])
    squashed = (size or model.size,) * 2
    small = lab.to_uint8(interpolate(picture, squashed, mode="bilinear", antialias=True))
    vectors = features.extract(small, extractor) if isinstance(model, Koalarization) else None
    ab = predict_ab(model, small, vectors)
    colored = lab.assemble(lab.rgb_to_lab(picture)[:, :1], ab)
    return colored[0].permute(1, 2, 0).numpy()


def colorize_files(
    paths: Iterable[Path], target: Path, weights: Path
) -> Iterator[tuple[Path, Path | None, str]]:
    """Colorizes files into the folder `target`, each as `NAME-colorized.png`.

    Yields (source, written file or None, what went wrong); a bad file does not stop the others,
    and no file is overwritten.
    """
    from PIL import Image

    model, header = load_weights(weights)
    if isinstance(model, Discriminator):
        raise ColornbError(f"{weights} holds a discriminator, which paints nothing.")
    trained_at, extractor = header.get("size", ""), header.get("extractor", "none")
    size = int(trained_at) if trained_at.isdigit() else None
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ColornbError(f"{target} cannot be the folder of results ({error}).") from None
    for path in paths:
        output = target / f"{path.stem}-colorized.png"
        if output.exists():
            yield (path, None, f"{output} exists already: move it away or choose another folder.")
            continue
        try:
            picture = colorize(read_image(path), model, extractor=extractor, size=size)
        except ColornbError as error:
            yield path, None, str(error)
            continue
        image = Image.fromarray(picture)
        replace_atomically(output, lambda partial, image=image: image.save(partial, "PNG"))
        yield path, output, ""
