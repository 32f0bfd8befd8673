"""Trains networks that paint what a caption says."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from colornb import features
from colornb.captions import encode, to_train_with
from colornb.datasets import ImageSet
from colornb.models import Captioned
from colornb.training import regression

UNET = {
    "objective": "l1_ab",
    "batch_size": 50,
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
    koalarization: Mapping[str, Any] | None = None,
) -> Captioned:
    """Trains a U-Net that reads captions, or a Koalarization that does.

    Args:
        captions: of the training pictures; some steps take their words away, see
            `captions.to_train_with`.
        folder: keeps and resumes the training, see `colornb.training.regression.fit`.
        monitor: images whose painting without a caption is followed.
        seed, epochs, width: of the training and of the network.
        koalarization: parameters of that network's chapter (`study.parameters`), for all else.
    """
    network: dict[str, Any] = {"width": width}
    training, about = dict(UNET), {}
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
