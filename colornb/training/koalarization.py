"""Trains Koalarization by regression on ab."""

from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.nn.functional import mse_loss

from colornb import lab
from colornb.datasets import ImageSet
from colornb.device import choose
from colornb.models import Koalarization, load_weights
from colornb.training.run import (
    Run,
    batches,
    check_sizes,
    launch,
    make_schedule,
    mirror,
)

CODE = ("models/koalarization.py", "training/koalarization.py")


def fit(
    images: ImageSet,
    features: Tensor,
    folder: Path,
    *,
    monitor: ImageSet,
    monitor_features: Tensor,
    mirrored_features: Tensor | None = None,
    extractor: str,
    seed: int = 0,
    epochs: int = 20,
    batch_size: int = 20,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    schedule: str = "constant",
    feature_scale: float = 1.0,
    feature_dropout: float = 0.0,
    width: float = 1.0,
    device: str = "auto",
    precision: str = "auto",
    devices: int = 1,
    strategy: str = "auto",
) -> Koalarization:
    """Trains Koalarization (arXiv 1712.03400) with MSE on ab in [-1, 1] and Adam; returns it.

    Several devices share each batch and see the same pictures as one; without feature dropout,
    whose masks are then those of a share, they come to the same weights but for rounding.

    Args:
        images: the training set; height and width are multiples of 8.
        features: (N, 1000) the stored vectors of the frozen extractor; (N, 0) without one.
        folder: the run's folder; an interrupted run is resumed there.
        monitor, monitor_features: images whose loss is logged after each epoch; nothing is
            chosen by it.
        mirrored_features: the vectors of the mirrored pictures; with them, half of the pictures
            of each batch are mirrored.
        extractor: name of the extractor, kept with the weights.
        weight_decay: decoupled, as in AdamW; 0 is the paper's Adam.
        schedule: "constant" or "one_cycle".
        feature_scale, feature_dropout, width: options of the network.
        device, precision, devices, strategy: see `colornb.training.run.make_fabric`.

    Raises:
        ColornbError: the folder is in use, or the loss is not finite.
    """
    options = {k: v for k, v in locals().items() if not isinstance(v, Tensor | ImageSet | Path)}
    check_sizes(epochs, batch_size, devices, len(images))
    device, options["precision"] = choose(device, precision)
    options["flip"] = mirrored_features is not None
    tensors = {
        "images": images.images,
        "features": features,
        "mirrored": features if mirrored_features is None else mirrored_features,
        "monitor": monitor.images,
        "monitor_features": monitor_features,
    }
    options["data_sha256"] = images.sha256
    options["features_sha256"] = sha256(features.numpy().tobytes()).hexdigest()
    launch(options, train, folder, tensors, options)
    return load_weights(folder / "weights.safetensors")[0].to(device)


def train(fabric: Fabric, folder: Path, tensors: dict[str, Tensor], options: dict) -> None:
    """What `fit` starts on each device."""
    o = SimpleNamespace(**options)
    images, features, mirrored, held_out, held_out_features = (
        tensor.to(fabric.device) for tensor in tensors.values()
    )
    torch.manual_seed(o.seed)
    model = Koalarization(
        features=features.shape[1],
        width=o.width,
        feature_scale=o.feature_scale,
        feature_dropout=o.feature_dropout,
    )
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        model.parameters(), o.learning_rate, weight_decay=o.weight_decay, fused=True
    )
    steps = len(images) // o.batch_size
    schedule = make_schedule(o.schedule, optimizer, o.epochs * steps)
    model, optimizer = fabric.setup(model, optimizer)

    def loss_of(pixels: Tensor, vectors: Tensor) -> Tensor:
        l, ab = lab.normalize(lab.uint8_to_lab(pixels))  # noqa: E741
        return mse_loss(model(l, vectors).float(), ab)

    def train_one_epoch() -> Tensor:
        model.train()
        total = torch.zeros((), device=fabric.device)
        for index, coins in batches(len(images), o.batch_size, fabric, flip=o.flip):
            pixels, vectors = images[index], features[index]
            if o.flip:
                pixels = mirror(pixels, coins)
                vectors = torch.where(coins[:, None], mirrored[index], vectors)
            loss = loss_of(pixels, vectors)
            optimizer.zero_grad()
            fabric.backward(loss)
            optimizer.step()
            schedule.step()
            total += loss.detach()
        return total / steps

    @torch.no_grad()
    def monitored() -> Tensor:
        model.eval()
        parts = zip(
            held_out.split(o.batch_size), held_out_features.split(o.batch_size), strict=True
        )
        return sum(loss_of(*part) * len(part[0]) for part in parts) / len(held_out)

    about = {"extractor": o.extractor, "size": str(images.shape[-1])}
    with Run.open(folder, options, CODE, fabric) as run:
        parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
        for epoch in run.epochs(o.epochs, "Koalarization", **parts):
            loss = train_one_epoch()
            run.snapshot(epoch + 1, model.module, **about)
            run.log(mse_ab=loss, monitor_mse_ab=monitored())
        run.finish(model.module, **about)
