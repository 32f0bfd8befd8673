"""The networks by name, and their weights in files.

A weights file is a safetensors file: tensors and a header of plain text, so that loading it
executes nothing. Its header names the network and its options.
"""

import json
import os
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from colornb.errors import ColornbError
from colornb.files import replace_atomically
from colornb.models.captioned import Captioned
from colornb.models.edges import EdgeNet
from colornb.models.informed import Informed
from colornb.models.koalarization import Koalarization
from colornb.models.placed import Placed
from colornb.models.referenced import Referenced
from colornb.models.unet import Discriminator, UNetGenerator
from colornb.models.variational import Variational

MODELS = {
    "koalarization": "koalarization.Koalarization",
    "placed": "placed.Placed",
    "unet": "unet.UNetGenerator",
    "discriminator": "unet.Discriminator",
    "informed": "informed.Informed",
    "variational": "variational.Variational",
    "captioned": "captioned.Captioned",
    "referenced": "referenced.Referenced",
    "edgenet": "edges.EdgeNet",
}
"""Name of a network -> its module in this folder, and its class."""


def list_models(pattern: str = "*") -> list[str]:
    """Names that `create_model` knows, e.g. `list_models("unet*")`."""
    return sorted(name for name in MODELS if fnmatch(name, pattern))


def _kind(name: str) -> type[nn.Module]:
    module, kind = MODELS[name].split(".")
    return getattr(import_module(f"{__name__}.{module}"), kind)


def create_model(name: str, **options) -> nn.Module:
    """A new network with random weights.

    Raises:
        ColornbError: the name or an option is unknown.
    """
    if name not in MODELS:
        raise ColornbError(f"There is no model {name!r}; there are: {', '.join(list_models())}.")
    try:
        return _kind(name)(**options)
    except TypeError as error:
        raise ColornbError(f"The model {name!r} does not take these options: {error}.") from None


def source(name: str) -> tuple[str, ...]:
    """Files of the package whose code makes the network of that name."""
    own = MODELS[name].partition(".")[0]
    within = {"captioned": {"koalarization"}, "placed": {"koalarization", "informed"}}
    parts = {own, "unet", "film"} | within.get(own, set())
    return tuple(f"models/{module}.py" for module in sorted(parts))


def takes_features(model: nn.Module) -> str:
    """What a network is told, beside L, of what a frozen classifier sees: its "logits", its "maps"
    (`features.extract`), or nothing, ""."""
    painter = getattr(model, "painter", model)
    if isinstance(painter, Placed | Informed):
        return "maps"
    return "logits" if isinstance(painter, Koalarization) else ""


def parameter_count(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def save_weights(model: nn.Module, path: Path, **about: str) -> None:
    """Writes the weights, the model's name and options, and `about` (e.g. its extractor)."""
    name = next(name for name in MODELS if type(model) is _kind(name))
    header = {"model": name, "options": json.dumps(model.options), **about}
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    # As bytes: `save_file` writes beside the file, under a name that nobody would know to remove.
    written = save(state, metadata=header)
    replace_atomically(path, lambda partial: partial.write_bytes(written))


def load_weights(path: Path | str) -> tuple[nn.Module, dict[str, str]]:
    """The model of a weights file, ready to predict, and the file's header.

    Raises:
        ColornbError: the file is missing, is not a weights file, or is of another model.
    """
    if not os.path.isfile(path):
        raise ColornbError(f"No weights at {path}: train the model first, or name another file.")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}
        model = create_model(header["model"], **json.loads(header["options"]))
        model.load_state_dict(state)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ColornbError(
            f"{path} is not a weights file of this package ({reason}): name the "
            "weights.safetensors of a run."
        ) from None
    return model.eval().requires_grad_(False), header


__all__ = [
    "MODELS",
    "Captioned",
    "Discriminator",
    "EdgeNet",
    "Informed",
    "Koalarization",
    "Placed",
    "Referenced",
    "UNetGenerator",
    "Variational",
    "create_model",
    "list_models",
    "load_weights",
    "parameter_count",
    "save_weights",
    "source",
    "takes_features",
]
