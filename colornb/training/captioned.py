"""Trains networks that paint what a caption says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import radians
from pathlib import Path
from typing import Any

import numpy as np
import torch

from colornb import features, lab, scenes
from colornb.captions import HUES, ask, encode, object_colour, to_train_with
from colornb.datasets import ImageSet
from colornb.models import Captioned
from colornb.training import regression

UNET = {
    "objective": "l1_ab",
    "learning_rate": 2e-3,
    "schedule": "one_cycle",
    "flip": True,
}


def fit(
    images: ImageSet,
    captions: Sequence[str],
    folder: Path,
    *,
    monitor: ImageSet,
    seed: int,
    epochs: int,
    width: float,
    batch_size: int = 50,
    koalarization: Mapping[str, Any] | None = None,
) -> Captioned:
    """Trains a U-Net that reads captions, or a Koalarization that does.

    Args:
        captions: of the training pictures; some steps take their words away, see
            `captions.to_train_with`.
        folder: keeps and resumes the training, see `colornb.training.regression.fit`.
        monitor: images whose painting without a caption is followed.
        seed, epochs, width, batch_size: of the training and of the network.
        koalarization: parameters of that network's chapter (`study.parameters`), for all else, the
            batch size included.
    """
    network: dict[str, Any] = {"width": width}
    training, about = UNET | {"batch_size": batch_size}, {}
    given, of_monitor = [to_train_with(captions)], [encode([""] * len(monitor))]
    mirrored = given
    if koalarization:
        options = ("batch_size", "learning_rate", "weight_decay", "schedule", "flip")
        training = {name: koalarization[name] for name in options}
        network["network"] = "koalarization"
        network |= {name: koalarization[name] for name in ("feature_scale", "feature_dropout")}
        about["extractor"] = extractor = koalarization["extractor"]
        flip = training["flip"]
        mirrored = [features.embed(images, extractor, mirrored=flip), *given]
        given = [features.embed(images, extractor), *given]
        of_monitor = [features.embed(monitor, extractor), *of_monitor]
    training["batch_size"] = min(training["batch_size"], len(images))
    return regression.fit(
        images,
        folder,
        network="captioned",
        network_options=network,
        monitor=monitor,
        given=given,
        given_mirrored=mirrored,
        given_monitor=of_monitor,
        about=about,
        seed=seed,
        epochs=epochs,
        **training,
    )


def recoloured(images: ImageSet, seed: int = 0) -> ImageSet:
    """Drawn scenes, and each again with its object in another hue, drawn with `seed`, and a caption
    that says so.

    Among scenes as they are drawn no car is purple, so a network need not read to know that this
    one is not. The ab of the object's pixels turn by the angle between the two hues; L and chroma
    stay. Objects without a hue stay as they are.
    """
    dice, chosen = np.random.default_rng(seed), []
    for caption in images.captions:
        own = object_colour(caption)
        others = [hue for hue in HUES if hue != own]
        chosen.append((own, str(dice.choice(others))) if own in HUES else (own, own))
    hue = {word: scenes.PALETTE[word][0] for word in {*HUES, *(own for own, _ in chosen)}}
    angle = torch.tensor([radians(hue[new] - hue[own]) for own, new in chosen])
    pixels, object_ = lab.uint8_to_lab(images.images), (images.masks == scenes.OBJECT)[:, None]
    turned = torch.view_as_complex(pixels[:, 1:].movedim(1, 3).contiguous())
    turned = turned * torch.polar(torch.ones_like(angle), angle)[:, None, None]
    turned = torch.view_as_real(turned).movedim(3, 1)
    again = lab.assemble(pixels[:, :1], torch.where(object_, turned, pixels[:, 1:]))
    told = [
        ask([caption], new)[0] for caption, (_, new) in zip(images.captions, chosen, strict=True)
    ]
    return replace(
        images,
        images=torch.cat((images.images, again)),
        labels=images.labels.repeat(2),
        ids=(*images.ids, *(f"{name}-recoloured" for name in images.ids)),
        masks=images.masks.repeat(2, 1, 1),
        captions=(*images.captions, *told),
    )
