"""Test pictures as the systems of a study paint them: what the limitation chapters measure.

A system is a `system/variant` with a list of its pictures, uint8 (N, 3, H, W), one for each
training seed; a row without a network has one.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from colornb import baselines, cifar10_jpeg, colorize, features, lab
from colornb.datasets import ImageSet
from colornb.errors import ColornbError
from colornb.models import load_weights, takes_features
from colornb.study import StudyRun, planned
from colornb.training import drawn
from colornb.training.run import SNAPSHOTS, snapshot_path

Painted = dict[str, list[Tensor]]
TRAINED_IN = {"koalarization": "02_koalarization", "gan": "03_gan"}
"""System -> the chapter that trains it."""
AFTERWARDS = ("refined", "blurred")
"""How the name of a variant ends whose pictures were changed afterwards; words may follow."""
UNTRAINED = ("baseline", "truth")
"""How the names of rows without a network begin."""
BLURS = (1, 2, 4)
"""Pixels (standard deviation) by which the controls blur the truth's chroma."""


def load(
    weights: Path, images: ImageSet, *, mirrored: bool = False
) -> tuple[nn.Module, list[Tensor]]:
    """A trained network, and what it is given of a classifier beside the gray pictures, if any; or
    beside them mirrored.

    Raises:
        ColornbError: the weights are missing or none of this package.
    """
    model, header = load_weights(weights)
    what = takes_features(model)
    if not what:
        return model, []
    return model, [features.embed(images, header["extractor"], what, mirrored=mirrored)]


def predict_ab(weights: Path, images: ImageSet, *told: Tensor) -> Tensor:
    """ab (N, 2, h, w) in Lab units that a trained network gives the pictures; see `load`, and
    `paint` for what it may be told besides."""
    model, given = load(weights, images)
    given += told
    return colorize.predict_ab(model, images.images, *given)


def paint(weights: Path, images: ImageSet, *told: Tensor) -> Tensor:
    """The pictures with the colours of a trained network: uint8 (N, 3, H, W).

    Args:
        told: what it is told of each picture beside L and its classifier's vector.

    Raises:
        ColornbError: the weights are missing or none of this package.
    """
    return baselines.recolor(images.images, predict_ab(weights, images, *told))


def paint_each(weights: Sequence[Path], images: ImageSet, *told: Tensor) -> list[Tensor]:
    """`paint` with the networks of several training seeds."""
    return [paint(path, images, *told) for path in weights]


def paint_mean(
    weights: Sequence[Path], images: ImageSet, told: Tensor, told_mirrored: Tensor
) -> Tensor:
    """`paint` with the mean of the colours that networks, or a single one, give a picture and give
    it mirrored. True colours depend neither on left and right nor on a training's
    seed; what of an answer does is chance.

    Args:
        told, told_mirrored: what they are told of each picture, and of each mirrored.
    """
    total = torch.zeros(())
    for path in weights:
        model, given = load(path, images, mirrored=True)
        other = colorize.predict_ab(model, images.images.flip(3), *given, told_mirrored)
        total = total + predict_ab(path, images, told) + other.flip(3)
    return baselines.recolor(images.images, total / (2 * len(weights)))


def paint_with_batch_statistics(weights: Path, images: ImageSet, batch_size: int) -> Tensor:
    """`paint` with a batch norm that takes its statistics from the pictures that are painted
    together, as public code does when it forgets to switch from training to testing."""
    model, given = load(weights, images)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.train()
    ab = colorize.predict_ab(model, images.images, *given, batch_size=batch_size)
    return baselines.recolor(images.images, ab)


def planned_seeds(run: StudyRun, system: str) -> list[int]:
    """The seeds with which the run's profile trains a `system/variant`."""
    family, variant = system.split("/")
    return [seed for name, seed in planned(run.profile)[TRAINED_IN[family]] if name == variant]


def seeds(run: StudyRun, system: str, variant: str) -> list[Path]:
    """Folders of the finished runs of a system in the run's profile, one for each seed."""
    numbers = planned_seeds(run, f"{system}/{variant}")
    return [run.of(TRAINED_IN[system], variant, seed) for seed in numbers]


def weights(run: StudyRun, system: str, variant: str) -> list[Path]:
    """The weights of the folders of `seeds`."""
    return [folder / "weights.safetensors" for folder in seeds(run, system, variant)]


def trained(run: StudyRun, systems: Sequence[str], images: ImageSet) -> Painted:
    """What trained systems, e.g. "gan/default", make of `images`; those that the run's profile does
    not plan are left out."""
    found = {name: weights(run, *name.split("/")) for name in systems}
    return {name: paint_each(paths, images) for name, paths in found.items() if paths}


def by_epoch(
    run: StudyRun, systems: Sequence[str], images: ImageSet
) -> dict[int, tuple[Painted, ImageSet]]:
    """What trained systems make of `images` after each kept epoch and after the last, beside the
    images, as `colornb.measured.sweep` takes them."""
    made: dict[int, tuple[Painted, ImageSet]] = {}
    for system in systems:
        folders = seeds(run, *system.split("/"))
        last = json.loads((folders[0] / "metrics.json").read_text())["parameters"]["epochs"]
        for epoch in sorted({e for e in SNAPSHOTS if e < last} | {last}):
            paths = [
                folder / "weights.safetensors" if epoch == last else snapshot_path(folder, epoch)
                for folder in folders
            ]
            made.setdefault(epoch, ({}, images))[0][system] = paint_each(paths, images)
    return made


def trained_on_scenes(folder: Path, images: ImageSet) -> Painted:
    """What generators that `drawn.fit_losses` trained in `folder` make of `images`: systems
    "gan/scenes_LOSS".

    Raises:
        ColornbError: there are none in the folder.
    """
    found = {
        f"gan/scenes_{loss}": sorted((folder / loss).glob("seed*/weights.safetensors"))
        for loss in drawn.LOSSES
    }
    if not all(found.values()):
        raise ColornbError(f"There are no generators trained on scenes in {folder}.")
    return {name: paint_each(paths, images) for name, paths in found.items()}


def chosen_gain(run: StudyRun) -> float | None:
    """The constant that brings the chroma of regression to the truth's.

    Chosen on the small validation pictures, with a U-Net that was trained without them on L1 alone,
    so that its mean chroma equals theirs. None if the run's profile does not plan that network.

    Raises:
        ColornbError: the network is not trained yet, or paints gray.
    """
    paths = weights(run, "gan", "l1_only_heldout")
    if not paths:
        return None
    val = run.load("val", "small")
    return baselines.chroma_gain(predict_ab(paths[0], val), val.images)


def regression_gain(run: StudyRun, images: ImageSet) -> Painted:
    """The control row "regression x chroma gain", for every claim about colourfulness: `images` as
    painted by each U-Net trained with L1 alone, its ab times `chosen_gain`. Empty if the run's
    profile does not plan these networks."""
    gain, paths = chosen_gain(run), weights(run, "gan", "l1_only")
    if gain is None or not paths:
        return {}
    predicted = (predict_ab(path, images) for path in paths)
    boosted = [baselines.recolor(images.images, gain * ab) for ab in predicted]
    return {"baseline/regression_gain": boosted}


def as_colourful(weights: Sequence[Path], images: ImageSet, like: Sequence[Tensor]) -> list[Tensor]:
    """A control row: `images` as painted by networks that were trained on a distance, one for each
    training of another system, their ab times the constant that makes them as colourful as what
    that paints.

    Args:
        like: the other system's pictures of `images`. The truth is not looked at.
    """
    boosted = []
    for path, pictures in zip(weights, like, strict=True):
        ab = predict_ab(path, images)
        boosted.append(baselines.recolor(images.images, baselines.chroma_gain(ab, pictures) * ab))
    return boosted


def trivial(images: ImageSet, train: ImageSet, names: Sequence[str]) -> Painted:
    """The rows without a network, e.g. "gray" and "mean_ab", fitted on `train`."""
    fitted = baselines.fit(train.images, train.labels)
    return {
        f"baseline/{name}": [fitted.predict(name, images.images, images.labels)] for name in names
    }


def as_jpeg(made: Painted) -> Painted:
    """Painted pictures as they come out of JPEG files: see `cifar10_jpeg.compressed`."""
    return {
        name: [cifar10_jpeg.compressed(one) for one in several] for name, several in made.items()
    }


def beside_controls(
    systems: Painted, images: ImageSet, train: ImageSet, names: Sequence[str]
) -> Painted:
    """Systems and, after them, rows without a network and the truth, plain, blurred and faded."""
    return systems | trivial(images, train, names) | truth_and_blurred(images)


def truth_and_blurred(images: ImageSet) -> Painted:
    """Controls with the L of the truth: it itself; blurred more and more in its chroma, whose order
    is known; and faded to half its chroma, with everything in its place."""
    pixels = lab.uint8_to_lab(images.images)
    controls = {"truth": [images.images]}
    for sigma in BLURS:
        blurred = gaussian_filter(pixels[:, 1:].numpy(), (0, 0, sigma, sigma), mode="nearest")
        ab = torch.from_numpy(blurred)
        controls[f"truth/blurred_{sigma}"] = [lab.assemble(pixels[:, :1], ab)]
    controls["truth/faded"] = [lab.assemble(pixels[:, :1], pixels[:, 1:] / 2)]
    return controls


def one_colour(images: ImageSet, ab: Sequence[float]) -> list[Tensor]:
    """The pictures with one ab, in Lab units, at every pixel: what a row without a network is."""
    flat = torch.as_tensor(ab).float().expand(len(images), 2)[:, :, None, None]
    return [baselines.recolor(images.images, flat)]
