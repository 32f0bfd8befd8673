"""Test pictures as the systems of a study paint them: what the limitation chapters measure.

A system is a `system/variant` with a list of its pictures, uint8 (N, 3, H, W), one for each
training seed; a row without a network has one.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from colornb import baselines, colorize, features, lab
from colornb.datasets import ImageSet
from colornb.models import Koalarization, load_weights
from colornb.study import StudyRun, planned

Painted = dict[str, list[Tensor]]
TRAINED_IN = {"koalarization": "02_koalarization", "gan": "03_gan"}
"""System -> the chapter that trains it."""
BLURS = (1, 2, 4)
"""Pixels (standard deviation) by which the controls blur the truth's chroma."""


def paint(weights: Path, images: ImageSet) -> Tensor:
    """The pictures with the colours of a trained network: uint8 (N, 3, H, W).

    Raises:
        ColornbError: the weights are missing or none of this package.
    """
    model, header = load_weights(weights)
    vectors = None
    if isinstance(model, Koalarization):
        vectors = features.embed(images, header["extractor"])
    return baselines.recolor(images.images, colorize.predict_ab(model, images.images, vectors))


def seeds(run: StudyRun, system: str, variant: str) -> list[Path]:
    """Folders of the finished runs of a system in the run's profile, one for each seed."""
    chapter = TRAINED_IN[system]
    plan = planned(run.profile)[chapter]
    return [run.of(chapter, variant, seed) for name, seed in plan if name == variant]


def trained(run: StudyRun, systems: Sequence[str], images: ImageSet) -> Painted:
    """What trained systems, e.g. "gan/default", make of `images`; those that the run's profile does
    not plan are left out."""
    found = {name: seeds(run, *name.split("/")) for name in systems}
    return {
        name: [paint(folder / "weights.safetensors", images) for folder in folders]
        for name, folders in found.items()
        if folders
    }


def trivial(images: ImageSet, train: ImageSet, names: Sequence[str]) -> Painted:
    """The rows without a network, e.g. "gray" and "mean_ab", fitted on `train`."""
    fitted = baselines.fit(train.images, train.labels)
    return {
        f"baseline/{name}": [fitted.predict(name, images.images, images.labels)] for name in names
    }


def truth_and_blurred(images: ImageSet) -> Painted:
    """Controls whose order is known: the truth, and the truth with its chroma blurred more and
    more, its L as it is."""
    pixels = lab.uint8_to_lab(images.images)
    controls = {"truth": [images.images]}
    for sigma in BLURS:
        blurred = gaussian_filter(pixels[:, 1:].numpy(), (0, 0, sigma, sigma), mode="nearest")
        ab = torch.from_numpy(blurred)
        controls[f"truth/blurred_{sigma}"] = [lab.assemble(pixels[:, :1], ab)]
    return controls
