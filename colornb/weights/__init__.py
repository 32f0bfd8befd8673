"""The trained networks that come with the package, by name.

Their files lie beside this one, in half precision, with `metrics.json`: the run that each comes
from, what it scores, and the sha256 of its file. `colornb.weights.ship` writes them.
"""

import os
from pathlib import Path

from colornb.errors import ColornbError

SHIPPED = {
    "koalarization": "full/02_koalarization/maps/seed0",
    "koalarization-adversarial": "cpu/02_koalarization/adversarial/seed0",
    "gan": "cpu/03_gan/default/seed0",
    "distribution": "cpu/09_distribution/default/seed0/records/cats_dogs-112/"
    "distribution/koalarization/seed0",
    "captioned": "cpu/11_captions/default/seed0/records/cats_dogs-112/"
    "captioned/koalarization/seed0",
    "reference": "cpu/12_reference/default/seed0/records/cifar10-32/reference/default/seed0",
}
"""Name -> the training that the network comes from, a folder within `runs`."""
RECORD = Path(__file__).with_name("metrics.json")


def path(name: str) -> Path:
    """Where the weights of a name in `SHIPPED` lie."""
    return RECORD.with_name(f"{name}.safetensors")


def find(model: str | Path) -> Path:
    """The weights that are meant: those of a name in `SHIPPED`, else the file at a path.

    A `Path` is never a name, nor is "./gan".

    Raises:
        ColornbError: there is no such name and no such file.
    """
    if model in SHIPPED:
        return path(model)
    if not os.path.isfile(model):
        raise ColornbError(
            f"There is no model {str(model)!r}: give the path of a file of weights, or a name; "
            f"there are: {', '.join(SHIPPED)}."
        )
    return Path(model)
