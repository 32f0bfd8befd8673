"""Replays a training step on a GPU as a whole, a CUDA graph, not its kernels one by one.

A step of a small network on 32x32 pictures is some hundred kernels of a few microseconds: Python
takes several times as long to start them as the GPU to run them.
"""

from collections.abc import Callable, Sequence

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import Optimizer

WARM_UP = 3
"""Steps before the recorded one: what is made once, as the optimizers' state is, is made there."""


class Graphed:
    """A training step that is called as before, and replayed after the first calls.

    On a CPU, on several devices and with float16, whose loss scale is decided upon while a step
    runs, it remains the step itself.

    Args:
        step: takes tensors whose shapes never change and returns one. It may change weights and use
            random numbers of the GPU, but whatever else Python does in it is done only in the
            first calls.
        optimizers: those that it steps: Adam or AdamW, fused. Their rates may change between calls.
    """

    def __init__(
        self, step: Callable[..., Tensor], optimizers: Sequence[Optimizer], fabric: Fabric
    ):
        self.step, self.optimizers = step, optimizers
        scaled = getattr(fabric.strategy.precision, "scaler", None) is not None
        self.replays = fabric.device.type == "cuda" and fabric.world_size == 1 and not scaled
        self.stream = torch.cuda.Stream() if self.replays else None
        self.graph: torch.cuda.CUDAGraph | None = None
        self.calls = 0

    def __call__(self, *inputs: Tensor) -> Tensor:
        if not self.replays:
            return self.step(*inputs)
        self.calls += 1
        if self.calls <= WARM_UP:
            return self._aside(inputs)
        if self.graph is None:
            self._record(inputs)
        for held, new in zip(self.inputs, inputs, strict=True):
            held.copy_(new)
        for group, rate in self.rates:
            rate.fill_(group["lr"])
        self.graph.replay()
        return self.result.clone()

    def _aside(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """A usual step, on the stream of the recording: gradients remember their stream."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            result = self.step(*inputs)
        torch.cuda.current_stream().wait_stream(self.stream)
        return result

    def _record(self, inputs: tuple[Tensor, ...]) -> None:
        """Records a step without running it. The optimizers read their rates from the GPU
        meanwhile, and are left as they were: a checkpoint of them is the same as without a
        graph.
        """
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        self.rates = [(g, torch.tensor(float(g["lr"]), device=inputs[0].device)) for g in groups]
        self.inputs = [one.clone() for one in inputs]
        before = [(group["lr"], group["capturable"]) for group in groups]
        for group, rate in self.rates:
            group["lr"], group["capturable"] = rate, True
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self.stream):
                self.result = self.step(*self.inputs)
        finally:
            for group, (rate, capturable) in zip(groups, before, strict=True):
                group["lr"], group["capturable"] = rate, capturable
        self.graph = graph
