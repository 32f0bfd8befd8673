"""Trains Koalarization by regression on ab."""

from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from colornb import lab
from colornb.datasets import ImageSet
from colornb.models import create_model
from colornb.training.run import (
    Run,
    batches,
    check_sizes,
    coins,
    make_fabric,
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
):
    """Trains Koalarization (arXiv 1712.03400) with MSE on ab in [-1, 1] and Adam; returns it.

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

    Raises:
        ColornbError: the folder is in use, or the loss is not finite.
    """
    settings = {k: v for k, v in locals().items() if not isinstance(v, Tensor | ImageSet | Path)}
    check_sizes(epochs, batch_size, len(images))
    fabric, settings["precision"] = make_fabric(device, precision)
    settings["data_sha256"] = images.sha256
    flip = settings["flip"] = mirrored_features is not None
    settings["features_sha256"] = sha256(features.numpy().tobytes()).hexdigest()
    torch.manual_seed(seed)
    model = create_model(
        "koalarization",
        features=features.shape[1],
        width=width,
        feature_scale=feature_scale,
        feature_dropout=feature_dropout,
    )
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), learning_rate, weight_decay=weight_decay)
    schedule = make_schedule(schedule, optimizer, epochs * (len(images) // batch_size))
    model, optimizer = fabric.setup(model, optimizer)
    data, features, mirrored_features, held_out, held_out_features = (
        tensor.to(fabric.device)
        for tensor in (
            images.images,
            features,
            mirrored_features if flip else features,
            monitor.images,
            monitor_features,
        )
    )

    def loss_of(pixels: Tensor, vectors: Tensor) -> Tensor:
        l, ab = lab.normalize(lab.rgb_to_lab(lab.to_float(pixels)))  # noqa: E741
        return mse_loss(model(l, vectors).float(), ab)

    def train_one_epoch() -> Tensor:
        model.train()
        total = torch.zeros((), device=fabric.device)
        for index in batches(len(data), batch_size, fabric.device):
            pixels, vectors = data[index], features[index]
            if flip:
                chosen = coins(len(index), fabric.device)
                pixels = mirror(pixels, chosen)
                vectors = torch.where(chosen[:, None], mirrored_features[index], vectors)
            loss = loss_of(pixels, vectors)
            optimizer.zero_grad()
            fabric.backward(loss)
            optimizer.step()
            schedule.step()
            total += loss.detach()
        return total / (len(data) // batch_size)

    @torch.no_grad()
    def monitored() -> Tensor:
        model.eval()
        parts = zip(held_out.split(batch_size), held_out_features.split(batch_size), strict=True)
        return sum(loss_of(*part) * len(part[0]) for part in parts) / len(held_out)

    with Run.open(folder, settings, CODE) as run:
        for _ in run.epochs(
            epochs, "Koalarization", model=model, optimizer=optimizer, schedule=schedule
        ):
            run.log(mse_ab=train_one_epoch(), monitor_mse_ab=monitored())
        size = str(images.images.shape[-1])
        return run.finish(model.module, extractor=extractor, size=size)
