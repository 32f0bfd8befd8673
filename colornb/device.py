"""Where a network computes, and how precisely."""

import time
from functools import cache

import torch

from colornb.errors import ColornbError

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed")


def choose(device: str = "auto", precision: str = "auto") -> tuple[str, str]:
    """The device ("cpu" or "cuda") and the precision (one of `PRECISIONS`) that are meant.

    "auto" is the GPU where there is one, and bfloat16 autocast where the chip is faster with it.

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
        bf16 = torch.cuda.is_bf16_supported() if cuda else _bf16_is_faster()
        precision = "bf16-mixed" if bf16 else "32-true"
    return "cuda" if cuda else "cpu", precision


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception says that there was no memory left, of the GPU or of the machine."""
    kinds, words = (torch.OutOfMemoryError, MemoryError), ("can't allocate memory", "bad_alloc")
    return isinstance(error, kinds) or any(word in str(error) for word in words)


@cache
def _bf16_is_faster() -> bool:
    """Whether this processor trains a convolution faster in bfloat16, measured in a fraction of a
    second: among processors that have the instructions, some take half the time, some twice."""
    if not torch.cpu._is_avx512_bf16_supported():
        return False
    layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(memory_format=torch.channels_last)
    pixels = torch.zeros(8, 64, 56, 56).to(memory_format=torch.channels_last)
    best = {True: float("inf"), False: float("inf")}
    for _ in range(6):
        for bf16 in best:  # in turn, and the least of each: other programs may be running
            start = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = layer(pixels).sum()
            loss.backward()
            best[bf16] = min(best[bf16], time.perf_counter() - start)
    return best[True] < best[False]
