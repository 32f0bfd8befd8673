"""What all trainings share: the device, the schedule, and a folder that survives interruption.

A run's folder holds `history.csv` (a row per finished epoch), `checkpoint.pt` (everything the
next epoch needs) and, once the last epoch is done, `weights.safetensors`. Each file is replaced
as a whole, and every epoch draws its random numbers from (seed, epoch): a run that was killed and
resumed goes through the same numbers as one that was not.
"""

import ast
import fcntl
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

import pandas as pd
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from colornb.errors import ColornbError
from colornb.models import save_weights

PACKAGE = Path(__file__).resolve().parent.parent


def make_fabric(device: str = "auto", precision: str = "auto") -> tuple[Fabric, str]:
    """The device layer on one device, and the precision it computes in.

    Args:
        device: "auto", "cpu" or "cuda".
        precision: Fabric's name, or "auto": bfloat16 autocast where the chip computes in it.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ColornbError(f"There is no device {device!r}; there are: auto, cpu, cuda.")
    cuda = torch.cuda.is_available() and device != "cpu"
    if device == "cuda" and not cuda:
        raise ColornbError("No GPU was found: choose device cpu or auto.")
    if precision == "auto":
        bf16 = torch.cuda.is_bf16_supported() if cuda else torch.cpu._is_avx512_bf16_supported()
        precision = "bf16-mixed" if bf16 else "32-true"
    accelerator = "cuda" if cuda else "cpu"
    return Fabric(accelerator=accelerator, devices=1, precision=precision), precision


def make_schedule(name: str, optimizer, steps: int):
    """The learning rate over `steps` steps: "constant", or "one_cycle" with the optimizer's rate
    as its peak (Smith and Topin 2018, arXiv 1708.07120)."""
    if name == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    if name == "one_cycle":
        peak = optimizer.param_groups[0]["lr"]
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, peak, total_steps=steps, cycle_momentum=False
        )
    raise ColornbError(f"There is no schedule {name!r}; there are: constant, one_cycle.")


def check_sizes(epochs: int, batch_size: int, count: int) -> None:
    """Raises ColornbError unless there is an epoch to train, with a whole batch of `count`."""
    if epochs < 1:
        raise ColornbError(f"The number of epochs must be at least 1, not {epochs}.")
    if not 1 <= batch_size <= count:
        raise ColornbError(
            f"The batch size must be between 1 and the {count} training pictures, not {batch_size}."
        )


def batches(count: int, batch_size: int, device: torch.device) -> Iterator[Tensor]:
    """Indices of an epoch's batches in random order, drawn on the device; the rest is dropped."""
    order = torch.randperm(count, device=device)
    for start in range(0, count - batch_size + 1, batch_size):
        yield order[start : start + batch_size]


def coins(count: int, device: torch.device) -> Tensor:
    """Which pictures of a batch to mirror: bool (N,), drawn on the device."""
    return torch.rand(count, device=device) < 0.5


def mirror(batch: Tensor, chosen: Tensor) -> Tensor:
    """The batch (N, C, H, W) with the chosen pictures mirrored left to right."""
    return torch.where(chosen[:, None, None, None], batch.flip(3), batch)


def code_sha256(modules: tuple[str, ...]) -> str:
    """Hash of what the code of these files of the package does.

    Comments, docstrings and layout do not count, so that explaining a model better does not
    train it again.
    """
    digest = hashlib.sha256()
    for name in modules:
        tree = ast.parse((PACKAGE / name).read_text(encoding="utf8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
                if isinstance(getattr(body[0].value, "value", None), str):
                    body[0].value.value = ""
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


class Run:
    """One training in one folder. Use `with Run.open(folder, settings, code) as run`.

    Args:
        folder: where the run's files are.
        settings: everything that decides the result: options, seed, hash of the data.
        code: files of the package that decide it too, besides this one and `lab.py`.
    """

    def __init__(self, folder: Path, settings: dict, code: tuple[str, ...]):
        self.folder = folder
        code_hash = code_sha256(("lab.py", "training/run.py", *code))
        self.settings = {**settings, "code_sha256": code_hash}
        self.history: list[dict[str, float]] = []
        self._parts: dict[str, object] = {}

    @classmethod
    @contextmanager
    def open(cls, folder: Path, settings: dict, code: tuple[str, ...]):
        """The run, locked against a second process.

        Raises:
            ColornbError: another process trains in this folder.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ColornbError(
                    f"Another process trains in {folder}: wait for it or stop it."
                ) from None
            yield cls(folder, settings, code)

    def resume(self, **parts: nn.Module | torch.optim.Optimizer | object) -> int:
        """Loads the last checkpoint into `parts` and returns the number of finished epochs.

        A checkpoint of other settings or other code is set aside, and the run starts over.
        """
        self._parts = parts
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            self._forget_results()
            return 0
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
        except (UnpicklingError, RuntimeError, EOFError) as error:
            raise ColornbError(
                f"{path} cannot be read ({str(error).splitlines()[0]}): remove it to start over."
            ) from None
        if saved["settings"] != json.dumps(self.settings, sort_keys=True):
            aside = path.with_name("checkpoint.superseded.pt")
            path.replace(aside)
            print(f"Settings, data or code changed: starting over; {aside.name} keeps the old run.")
            self._forget_results()
            return 0
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        self.history = saved["history"]
        self._write_history()  # the process may have died between the two files
        return len(self.history)

    def _forget_results(self) -> None:
        """Removes what would make a run that starts over look finished."""
        for name in ("metrics.json", "weights.safetensors", "history.csv"):
            (self.folder / name).unlink(missing_ok=True)

    def _write_history(self) -> None:
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
        self.bar = tqdm(range(start, total), desc=label, initial=start, total=total, unit="epoch")
        for epoch in self.bar:
            torch.manual_seed(1_000_003 * seed + epoch)  # seeds the device's generator too
            self._began = time.perf_counter()
            yield epoch

    def log(self, **row: Tensor | float) -> None:
        """Ends an epoch: checks its losses, stores its history and the checkpoint.

        Raises:
            ColornbError: a loss is not finite; the checkpoint of the epoch before stays.
        """
        epoch = len(self.history) + 1
        values = {name: float(value) for name, value in row.items()}
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if bad:
            raise ColornbError(
                f"{bad[0]} is not finite in epoch {epoch}: lower the learning rate; "
                f"{self.folder} keeps the epochs before."
            )
        seconds = time.perf_counter() - self._began
        self.history.append({"epoch": epoch, **values, "seconds": round(seconds, 3)})
        self.bar.set_postfix({k: f"{v:.4g}" for k, v in values.items()}, refresh=False)

        state = {name: part.state_dict() for name, part in self._parts.items()}
        state |= {"history": self.history, "settings": json.dumps(self.settings, sort_keys=True)}
        replace_atomically(self.folder / "checkpoint.pt", lambda path: torch.save(state, path))
        self._write_history()

    def finish(self, model: nn.Module, **about: str) -> nn.Module:
        """Writes `weights.safetensors` and returns the model, ready to predict."""
        save_weights(model, self.folder / "weights.safetensors", **about)
        return model.eval().requires_grad_(False)


def replace_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file beside `path`, flushes it to the disk and moves it into place."""
    partial = path.with_name(path.name + ".partial")
    write(partial)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)
