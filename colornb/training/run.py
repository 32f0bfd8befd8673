"""What all trainings share: the device, the schedule, and a folder that survives interruption.

A run's folder holds `history.csv` (a row per finished epoch), `checkpoint.pt` (everything the
next epoch needs), `snapshots` (weights after some of the epochs, for who asks when something was
learned) and, once the last epoch is done, `weights.safetensors`. Each file is replaced as a whole,
and every epoch draws its random numbers from (seed, epoch): a run that was killed and resumed goes
through the same numbers as one that was not.
"""

import ast
import ctypes
import hashlib
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from pickle import UnpicklingError
from shutil import rmtree

import pandas as pd
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from torch import Tensor, nn
from torch.multiprocessing import ProcessExitedException, ProcessRaisedException, spawn
from tqdm import tqdm

from colornb.device import choose, is_out_of_memory
from colornb.errors import ColornbError
from colornb.files import locked, replace_atomically
from colornb.models import save_weights

STRATEGIES = ("auto", "ddp_spawn")
SNAPSHOTS = {n << k for n in (2, 3) for k in range(9)} | {1}
"""Epochs after which the weights are kept: 1, 2, 3, 4, 6, 8, 12, 16, 24, ..."""
PACKAGE = Path(__file__).resolve().parent.parent
KILLED = (
    "A process of the training was killed, perhaps for want of memory: run it again; it goes on "
    "after the last finished epoch."
)


def make_fabric(device: str, precision: str, devices: int, strategy: str) -> Fabric:
    """The device layer.

    Args:
        device, precision: see `colornb.device.choose`.
        devices: how many GPUs, or processes on the CPU, share each batch.
        strategy: how they do. "auto" is "ddp_spawn", Fabric's name for a process per device that
            shares the gradients; what starts the program again cannot serve a notebook.

    Raises:
        ColornbError: an unknown name, or more devices than there are.
    """
    device, precision = choose(device, precision)
    there = torch.cuda.device_count() if device == "cuda" else os.cpu_count()
    if not 1 <= devices <= there:
        raise ColornbError(
            f"devices must be between 1 and {there}, what {device} has here, not {devices}."
        )
    if strategy not in STRATEGIES:
        known = ", ".join(STRATEGIES)
        raise ColornbError(f"There is no strategy {strategy!r}; there are: {known}.")
    strategy = "auto" if devices == 1 else "ddp_spawn"
    return Fabric(
        accelerator=device,
        devices=devices,
        precision=precision,
        strategy=strategy,
        plugins=LightningEnvironment(),  # all on this machine, also within a cluster's job
    )


def launch(options: dict, train: Callable, *arguments) -> None:
    """Calls `train(fabric, *arguments)` with the device layer that the options ask for.

    Several devices each have a process, and these a common parent apart from this process: a
    notebook, or a program that has used threads or the GPU, could not start them itself.
    """
    asked = [options[name] for name in ("device", "precision", "devices", "strategy")]
    if options["devices"] == 1:
        train(make_fabric(*asked), *arguments)
        return
    try:
        spawn(_launch_all, (asked, train, arguments))
    except ProcessRaisedException as error:  # it carries the traceback of the process as a text
        said = str(error).rpartition(f"{ColornbError.__name__}: ")
        if not said[1]:
            raise
        raise ColornbError(said[2].strip()) from None
    except ProcessExitedException:
        raise ColornbError(KILLED) from None


def _launch_all(_, asked: list, train: Callable, arguments: tuple) -> None:
    _end_with_parent()
    try:
        make_fabric(*asked).launch(_train, train, arguments)
    except ProcessExitedException:
        raise ColornbError(KILLED) from None


def _train(fabric: Fabric, train: Callable, arguments: tuple) -> None:
    _end_with_parent()
    train(fabric, *arguments)


def _end_with_parent() -> None:
    """Lets Linux terminate this process when the one that started it dies, however it does.

    torch asks for an interrupt instead, which a process that a shell started in the background
    ignores, and after which one with children waits for them to finish.
    """
    if sys.platform == "linux":
        set_death_signal = 1  # PR_SET_PDEATHSIG, see prctl(2)
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM)


def make_schedule(name: str, optimizer, steps: int):
    """The learning rate over `steps` steps: "constant"; "one_cycle" with the optimizer's rate as
    its peak (Smith and Topin 2018, arXiv 1708.07120); or "early_floor", which falls exponentially
    to a hundredth in the first 63 of 200 parts, where the GAN's public code reaches its floor."""
    if name == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    if name == "one_cycle":
        peak = optimizer.param_groups[0]["lr"]
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, peak, total_steps=steps, cycle_momentum=False
        )
    if name == "early_floor":
        return torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: max(0.01, 0.01 ** (step / (0.315 * steps)))
        )
    known = "constant, one_cycle, early_floor"
    raise ColornbError(f"There is no schedule {name!r}; there are: {known}.")


def check_sizes(epochs: int, batch_size: int, devices: int, count: int) -> None:
    """Raises ColornbError unless there is an epoch to train, with a whole batch of `count`."""
    if epochs < 1:
        raise ColornbError(f"The number of epochs must be at least 1, not {epochs}.")
    if not 1 <= batch_size <= count:
        raise ColornbError(
            f"The batch size must be between 1 and the {count} training pictures, not {batch_size}."
        )
    if devices < 1 or batch_size % devices:
        raise ColornbError(f"A batch of {batch_size} cannot be shared by {devices} devices.")


def batches(
    count: int, batch_size: int, fabric: Fabric, *, flip: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """An epoch's batches in random order, drawn on the device; the rest is dropped.

    Yields the indices of this process's share of the batch and, bool of the same length, which
    of these pictures to mirror. Every process draws the same numbers, so that several train on
    the same batches as one.
    """
    order = torch.randperm(count, device=fabric.device)
    coins = torch.rand(count, device=fabric.device) < (0.5 if flip else 0.0)
    for start in range(0, count - batch_size + 1, batch_size):
        share = slice(start + fabric.global_rank, start + batch_size, fabric.world_size)
        yield order[share], coins[share]


def mirror(batch: Tensor, chosen: Tensor) -> Tensor:
    """The batch (N, C, H, W) with the chosen pictures mirrored left to right."""
    return torch.where(chosen[:, None, None, None], batch.flip(3), batch)


def told(
    given: Sequence[Tensor], mirrored: Sequence[Tensor], index: Tensor, coins: Tensor
) -> list[Tensor]:
    """What a network is told of a batch beside its pictures: the rows `index` of each of `given`,
    or of `mirrored` for the pictures that `coins` mirror."""
    return [
        torch.where(coins.view(-1, *[1] * (one.ndim - 1)), other[index], one[index])
        for one, other in zip(given, mirrored, strict=True)
    ]


def code_sha256(modules: tuple[str, ...]) -> str:
    """Hash of what the code of these files of the package does.

    Comments, layout and docstrings do not count, so that explaining a model better does not train
    it again. Python's minor version does: its `ast.dump` differs.
    """
    digest = hashlib.sha256()
    for name in modules:
        tree = ast.parse((PACKAGE / name).read_text(encoding="utf8"))
        for node in ast.walk(tree):
            if isinstance(body := getattr(node, "body", None), list):
                node.body = [line for line in body if not _is_docstring(line)]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


def _is_docstring(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def snapshot_path(folder: Path, epoch: int) -> Path:
    """Where the weights after an epoch are kept."""
    return folder / "snapshots" / f"epoch{epoch:03d}.safetensors"


class Run:
    """One training in one folder. Use `with Run.open(folder, settings, code, fabric) as run`.

    Args:
        folder: where the run's files are.
        settings: everything that decides the result: options, seed, hash of the data.
        code: files of the package that decide it too, besides this one and `lab.py`.
        fabric: the device layer; the first of its processes writes the files.
    """

    def __init__(self, folder: Path, settings: dict, code: tuple[str, ...], fabric: Fabric):
        self.folder = folder
        self.fabric = fabric
        code_hash = code_sha256(("lab.py", "training/run.py", *code))
        self.settings = {**settings, "code_sha256": code_hash}
        self.history: list[dict[str, float]] = []
        self._parts: dict[str, object] = {}

    @classmethod
    @contextmanager
    def open(cls, folder: Path, settings: dict, code: tuple[str, ...], fabric: Fabric):
        """The run, locked against another training in its folder.

        Of several processes that train together, the first holds the lock and writes the files.
        A batch that does not fit into the memory is not trained in parts: batch norm would see
        the parts, and the training be another one.

        Raises:
            ColornbError: another process trains in this folder, or the memory is too small.
        """
        in_use = f"Another process trains in {folder}: wait for it or stop it."
        with locked(folder / "lock", in_use) if fabric.is_global_zero else nullcontext():
            try:
                yield cls(folder, settings, code, fabric)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                raise ColornbError(
                    "The memory is too small for this training: choose a smaller batch_size than "
                    f"{settings['batch_size']}; {folder} keeps the finished epochs."
                ) from error

    def resume(self, **parts: nn.Module | torch.optim.Optimizer | object) -> int:
        """Loads the last checkpoint into `parts` and returns the number of finished epochs.

        A checkpoint of other settings or other code is set aside, and the run starts over.
        """
        self._parts = parts
        with self.fabric.rank_zero_first():  # it sets aside before the others look
            return self._load()

    def _load(self) -> int:
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            self._forget_results()
            return 0
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            settings = saved["settings"]
        except (UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
            reason = (str(error) or "it is empty").splitlines()[0]
            raise ColornbError(
                f"{path} cannot be read ({reason}): remove it to start over."
            ) from None
        if settings != json.dumps(self.settings, sort_keys=True):
            aside = path.with_name("checkpoint.superseded.pt")
            path.replace(aside)
            print(f"Settings, data or code changed: starting over; {aside.name} keeps the old run.")
            self._forget_results()
            return 0
        for name, part in self._parts.items():
            part.load_state_dict(saved[name])
        self.history = saved["history"]
        self._write_history()  # the run may have died between the two files
        return len(self.history)

    def _forget_results(self) -> None:
        """Removes what would make a run that starts over look finished."""
        for name in ("metrics.json", "weights.safetensors", "history.csv"):
            (self.folder / name).unlink(missing_ok=True)
        rmtree(self.folder / "snapshots", ignore_errors=True)

    def _write_history(self) -> None:
        if not self.fabric.is_global_zero:
            return
        frame = pd.DataFrame(self.history)
        path = self.folder / "history.csv"
        replace_atomically(path, lambda partial: frame.to_csv(partial, index=False))

    def epochs(self, total: int, label: str, **parts) -> Iterator[int]:
        """Resumes and yields the numbers of the epochs to train, with a progress bar.

        The loop's body must call `log` once.
        """
        start = self.resume(**parts)
        if start == total:
            print(f"{label}: all {total} epochs were finished before.")
            return
        if start:
            print(f"{label}: resuming after epoch {start} of {total}.")
        seed = self.settings["seed"]
        self.bar = tqdm(
            range(start, total),
            label,
            total,
            initial=start,
            unit="epoch",
            disable=not self.fabric.is_global_zero,
        )
        for epoch in self.bar:
            torch.manual_seed(1_000_003 * seed + epoch)  # seeds the device's generator too
            self._began = time.perf_counter()
            yield epoch

    def log(self, **row: Tensor | float) -> None:
        """Ends an epoch: checks its losses, stores its history and the checkpoint.

        Losses are means over the process's share of the pictures; the mean over the processes is
        logged.

        Raises:
            ColornbError: a loss is not finite; the checkpoint of the epoch before stays.
        """
        epoch = len(self.history) + 1
        values = dict(zip(row, self._mean(list(row.values())), strict=True))
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if bad:
            raise ColornbError(
                f"{bad[0]} is not finite in epoch {epoch}: lower the learning rate; "
                f"{self.folder} keeps the epochs before."
            )
        seconds = time.perf_counter() - self._began
        self.history.append({"epoch": epoch, **values, "seconds": round(seconds, 3)})
        self.bar.set_postfix({k: f"{v:.4g}" for k, v in values.items()}, refresh=False)

        if not self.fabric.is_global_zero:
            return
        state = {name: part.state_dict() for name, part in self._parts.items()}
        state |= {"history": self.history, "settings": json.dumps(self.settings, sort_keys=True)}
        replace_atomically(self.folder / "checkpoint.pt", lambda path: torch.save(state, path))
        self._write_history()

    def snapshot(self, epoch: int, model: nn.Module, **about: str) -> None:
        """Keeps the weights after an epoch of `SNAPSHOTS`; to be called before its `log`."""
        if epoch in SNAPSHOTS and self.fabric.is_global_zero:
            self._save(model, snapshot_path(self.folder, epoch), about)

    def _mean(self, losses: list[Tensor]) -> list[float]:
        """The losses, averaged over the processes: an epoch's only wait for the device."""
        return self.fabric.all_reduce(torch.stack(losses).float(), reduce_op="mean").tolist()

    def finish(self, model: nn.Module, **about: str) -> None:
        """Writes `weights.safetensors`."""
        if self.fabric.is_global_zero:
            self._save(model, self.folder / "weights.safetensors", about)

    def _save(self, model: nn.Module, path: Path, about: dict[str, str]) -> None:
        save_weights(model, path, training=json.dumps(self.settings, sort_keys=True), **about)
