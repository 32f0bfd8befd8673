"""Trains one network to be close to the truth, whatever it is told beside the gray picture."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from colornb import lab
from colornb.datasets import ImageSet
from colornb.device import choose
from colornb.errors import ColornbError
from colornb.models import create_model, load_weights, source
from colornb.training.objectives import OBJECTIVES
from colornb.training.run import Run, batches, check_sizes, launch, make_schedule, mirror, told

CODE = ("training/regression.py", "training/objectives.py", "distribution.py")


def fit(
    images: ImageSet,
    folder: Path,
    *,
    network: str,
    network_options: Mapping[str, Any],
    monitor: ImageSet,
    given: Sequence[Tensor] = (),
    given_mirrored: Sequence[Tensor] | None = None,
    given_monitor: Sequence[Tensor] = (),
    about: Mapping[str, str] | None = None,
    objective: str = "mse_ab",
    objective_options: Mapping[str, Any] | None = None,
    seed: int = 0,
    epochs: int = 20,
    batch_size: int = 20,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    schedule: str = "constant",
    flip: bool = False,
    device: str = "auto",
    precision: str = "auto",
    devices: int = 1,
    strategy: str = "auto",
) -> nn.Module:
    """Trains a network with Adam on an objective, and returns it.

    Several devices share each batch and see the same pictures as one; without dropout, whose
    masks are then those of a share, and without batch norm they come to the same weights but for
    rounding.

    Args:
        images: the training set.
        folder: the run's folder; an interrupted run is resumed there.
        network, network_options: see `colornb.models.create_model`.
        monitor: images whose objective is logged after each epoch; nothing is chosen by it.
        given: what the network is told beside L, each with a row for each training image;
            `given_mirrored` the same of the mirrored pictures (the same by default),
            `given_monitor` of the monitor's.
        about: kept with the weights, e.g. the extractor's name.
        objective, objective_options: see `colornb.training.objectives`; the name is that of the
            columns in `history.csv`.
        weight_decay: decoupled, as in AdamW; 0 is Adam.
        schedule: see `colornb.training.run.make_schedule`.
        flip: mirrors half of the pictures of each batch.
        device, precision, devices, strategy: see `colornb.training.run.make_fabric`.

    Raises:
        ColornbError: the folder is in use, the objective is unknown, or not finite.
    """
    if objective not in OBJECTIVES:
        known = ", ".join(OBJECTIVES)
        raise ColornbError(f"There is no objective {objective!r}; there are: {known}.")
    check_sizes(epochs, batch_size, devices, len(images))
    device, precision = choose(device, precision)
    given_mirrored = given if given_mirrored is None else given_mirrored
    options = {
        "network": network,
        "network_options": dict(network_options),
        "objective": objective,
        "objective_options": dict(objective_options or {}),
        "seed": seed,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "schedule": schedule,
        "flip": flip,
        "device": device,
        "precision": precision,
        "devices": devices,
        "strategy": strategy,
        "about": dict(about or {}),
        "data_sha256": images.sha256,
        "given_sha256": [sha256(tensor.numpy().tobytes()).hexdigest() for tensor in given],
    }
    tensors = (images.images, monitor.images, given, given_mirrored, given_monitor)
    launch(options, train, folder, tensors, options)
    return load_weights(folder / "weights.safetensors")[0].to(device)


def train(fabric: Fabric, folder: Path, tensors: tuple, options: dict) -> None:
    """What `fit` starts on each device."""
    o = SimpleNamespace(**options)
    images, held_out = (tensor.to(fabric.device) for tensor in tensors[:2])
    given, mirrored, of_monitor = ([t.to(fabric.device) for t in part] for part in tensors[2:])
    torch.manual_seed(o.seed)
    model = create_model(o.network, **o.network_options).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        model.parameters(), o.learning_rate, weight_decay=o.weight_decay, fused=True
    )
    steps = len(images) // o.batch_size
    schedule = make_schedule(o.schedule, optimizer, o.epochs * steps)
    model, optimizer = fabric.setup(model, optimizer)
    objective = OBJECTIVES[o.objective](images, **o.objective_options)

    def loss_of(pixels: Tensor, rows: Sequence[Tensor]) -> Tensor:
        l, ab = lab.normalize(lab.uint8_to_lab(pixels))
        return objective(model, l, ab, *rows)

    def train_one_epoch() -> Tensor:
        model.train()
        total = torch.zeros((), device=fabric.device)
        for index, coins in batches(len(images), o.batch_size, fabric, flip=o.flip):
            pixels = mirror(images[index], coins) if o.flip else images[index]
            loss = loss_of(pixels, told(given, mirrored, index, coins))
            optimizer.zero_grad()
            fabric.backward(loss)
            optimizer.step()
            schedule.step()
            total += loss.detach()
        return total / steps

    @torch.no_grad()
    def monitored() -> Tensor:
        model.eval()
        places = torch.arange(len(held_out), device=fabric.device).split(o.batch_size)
        parts = ((held_out[i], [rows[i] for rows in of_monitor]) for i in places)
        return sum(loss_of(*part) * len(part[0]) for part in parts) / len(held_out)

    about = {"size": str(images.shape[-1]), **o.about}
    with Run.open(folder, options, (*source(o.network), *CODE), fabric) as run:
        parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
        for epoch in run.epochs(o.epochs, o.network.capitalize(), **parts):
            loss = train_one_epoch()
            run.snapshot(epoch + 1, model.module, **about)
            run.log(**{o.objective: loss, f"monitor_{o.objective}": monitored()})
        run.finish(model.module, **about)
