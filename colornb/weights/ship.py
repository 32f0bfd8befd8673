"""Puts the weights of finished runs into the package, with a record of what they score."""

import hashlib
import json
from collections.abc import Collection

import numpy as np
import torch
from torch import nn

from colornb import datasets, metrics, paths, records, weights
from colornb.colorize import Painter, Wishes, wishes_of
from colornb.errors import ColornbError
from colornb.files import replace_atomically
from colornb.models import load_weights, save_weights

TINY = {"scenes": 32, "photos": 5}
"""Sets that need no data, so that anybody can score the shipped files: name -> pictures."""
SCORED = ("mse_rgb", "delta_e2000", "chroma_retention")


def ship(names: Collection[str] = ()) -> str:
    """Writes the files of `weights.SHIPPED` and their record; says what it did.

    Of each file the record holds its run in `runs/` and its sha256, under `test` what the run's
    own record says of the test set, and under `tiny` the `score` of the weights before they were
    halved. It is written last.

    Args:
        names: only these; the other files and what the record says of them stay. By default all.

    Raises:
        ColornbError: there is no such name, a run is not finished, or half precision cannot hold
            its weights.
        NotWrittenError: a file could not be written; ship again.
    """
    if unknown := sorted({*names} - {*weights.SHIPPED}):
        there = ", ".join(weights.SHIPPED)
        raise ColornbError(f"No network {unknown[0]!r} is shipped; there are: {there}.")
    known = names and weights.RECORD.exists()
    found = json.loads(weights.RECORD.read_text(encoding="utf8")) if known else {}
    chosen = [name for name in weights.SHIPPED if name in (names or weights.SHIPPED)]
    runs = {name: paths.RUNS / weights.SHIPPED[name] for name in chosen}
    tested = {name: records.read(run) for name, run in runs.items()}
    tiny = {name: score(Painter.load(run / "weights.safetensors")) for name, run in runs.items()}
    for name, run in runs.items():
        model, header = load_weights(run / "weights.safetensors")
        about = {key: value for key, value in header.items() if key not in ("model", "options")}
        about["run"] = weights.SHIPPED[name]
        save_weights(_halved(model), weights.path(name), **about)
        found[name] = {
            "run": about["run"],
            "sha256": hashlib.sha256(weights.path(name).read_bytes()).hexdigest(),
            "test": {
                "dataset": tested[name]["dataset"],
                "size": tested[name]["parameters"]["size"],
                "metrics": {metric: tested[name]["metrics"][metric] for metric in SCORED},
            },
            "tiny": tiny[name],
        }
    found = {name: found[name] for name in weights.SHIPPED if name in found}
    text = json.dumps(found, indent=1) + "\n"
    replace_atomically(weights.RECORD, lambda partial: partial.write_text(text, encoding="utf8"))
    size = sum(weights.path(name).stat().st_size for name in chosen)
    return f"{', '.join(chosen)}: {size / 1e6:.1f} MB, in {weights.RECORD.parent}."


def score(painter: Painter) -> dict[str, dict[str, float]]:
    """What a network scores on the sets of `TINY`, squashed to its size: set -> metric -> value.

    A captioned network is told the captions that scenes have, and of photographs nothing. One that
    takes a reference is shown the picture itself.
    """
    can, scores = wishes_of(painter.model), {}
    for name, count in TINY.items():
        images = datasets.load(name, "test", size=painter.size, limit=count)
        painted = [
            painter(
                picture,
                Wishes(
                    caption=caption if "caption" in can else "",
                    reference=picture if "reference" in can else None,
                ),
            )
            for picture, caption in zip(
                images.images.permute(0, 2, 3, 1).numpy(),
                images.captions or [""] * len(images),
                strict=True,
            )
        ]
        pictures = torch.from_numpy(np.stack(painted)).permute(0, 3, 1, 2)
        means = metrics.evaluate(pictures, images.images).mean()
        scores[name] = {m: float(f"{metrics.statistic(m)(means):.6g}") for m in SCORED}
    return scores


def _halved(model: nn.Module) -> nn.Module:
    """The network in half precision but for its counters, which are whole numbers.

    Raises:
        ColornbError: a weight is too large for it, 65,504 at most, or is no number.
    """
    for name, values in model.half().state_dict().items():
        if not values.isfinite().all():
            raise ColornbError(f"Half precision cannot hold {name}: ship another training.")
    return model
