"""Where a network computes, and how precisely."""

import torch

from colornb.errors import ColornbError

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed")


def choose(device: str = "auto", precision: str = "auto") -> tuple[str, str]:
    """The device ("cpu" or "cuda") and the precision (one of `PRECISIONS`) that are meant.

    "auto" is the GPU where there is one, and bfloat16 autocast where the chip computes in it.

    Raises:
        ColornbError: an unknown name, or no GPU where one is asked for.
    """
    for kind, value, known in (("device", device, DEVICES), ("precision", precision, PRECISIONS)):
        if value not in known:
            raise ColornbError(f"There is no {kind} {value!r}; there are: {', '.join(known)}.")
    cuda = torch.cuda.is_available() and device != "cpu"
    if device == "cuda" and not cuda:
        raise ColornbError("No GPU was found: choose device cpu or auto.")
    if precision == "auto":
        bf16 = torch.cuda.is_bf16_supported() if cuda else torch.cpu._is_avx512_bf16_supported()
        precision = "bf16-mixed" if bf16 else "32-true"
    return "cuda" if cuda else "cpu", precision
