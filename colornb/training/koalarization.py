"""Trains Koalarization by regression on ab."""

from pathlib import Path

from torch import Tensor

from colornb.datasets import ImageSet
from colornb.models import Koalarization
from colornb.training import gan, regression


def fit(
    images: ImageSet,
    features: Tensor,
    folder: Path,
    *,
    monitor: ImageSet,
    monitor_features: Tensor,
    mirrored_features: Tensor | None = None,
    extractor: str,
    maps: bool = False,
    width: float = 1.0,
    feature_scale: float = 1.0,
    feature_dropout: float = 0.0,
    head: str = "ab",
    upsampling: str = "report",
    adversarial_weight: float = 0.0,
    **training,
) -> Koalarization:
    """Trains Koalarization (arXiv 1712.03400), by default with MSE on ab in [-1, 1] and Adam.

    With an `adversarial_weight` a discriminator judges its pictures, as it does those of the U-Net
    in `colornb.training.gan.fit`; the squared distance counts 100 times beside it.

    Args:
        images: the training set; height and width are multiples of 8.
        features: (N, 1000) the stored vectors of the frozen extractor; (N, 0) without one; with
            `maps`, (N, D) its inner maps.
        folder: the run's folder; an interrupted run is resumed there.
        monitor, monitor_features: images whose loss is logged after each epoch.
        mirrored_features: the vectors of the mirrored pictures; with them, half of the pictures
            of each batch are mirrored.
        extractor: name of the extractor, kept with the weights.
        maps: whether the network is `models.Placed`, which has neither a `feature_scale` nor
            another head or upsampling.
        width, feature_scale, feature_dropout, head, upsampling: options of the network.
        training: what `colornb.training.regression.fit` takes besides, or `gan.fit` with an
            adversarial weight.

    Raises:
        ColornbError: the folder is in use, or the loss is not finite.
    """
    if maps:
        network, options = "placed", {"feature_dropout": feature_dropout}
    else:
        network = "koalarization"
        options = {
            "features": features.shape[1],
            "feature_scale": feature_scale,
            "feature_dropout": feature_dropout,
            "head": head,
            "upsampling": upsampling,
        }
    common = {
        "network": network,
        "monitor": monitor,
        "given": [features],
        "given_mirrored": None if mirrored_features is None else [mirrored_features],
        "given_monitor": [monitor_features],
        "flip": mirrored_features is not None,
        "about": {"extractor": extractor},
    }
    if not adversarial_weight:
        options["width"] = width
        return regression.fit(images, folder, network_options=options, **common, **training)
    return gan.fit(
        images,
        folder,
        network_options=options,
        width=width,
        adversarial_weight=adversarial_weight,
        l1_weight=0.0,
        l2_weight=100.0,
        beta1=0.9,
        generator_steps=1,
        **common,
        **training,
    )
