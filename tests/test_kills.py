"""Work that is killed at a random moment and started again.

Each job runs in a process of its own, forked from one that has imported everything, so that a kill
hits the work and not the imports. It is done once undisturbed. Then it is killed with SIGKILL, with
all processes it started, and done again in the same folder: it has to end with the same results,
keep what was finished before the kill, and leave nothing half done behind.
"""

import hashlib
import http.server
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from small_study import copy_repository
from test_datasets import write_archive, write_cifar10

from colornb import book, datasets, features, paths, publish, records, scenes, study
from colornb.figures import gray
from colornb.training import gan, koalarization

REPOSITORY = paths.ROOT
TRAINING = {"batch_size": 8, "width": 0.125, "precision": "32-true", "device": "cpu", "epochs": 8}
MOMENTS = [0, *(pytest.param(k, marks=pytest.mark.long) for k in range(1, 5))]
"""Each job is killed at one random moment in the usual tests, and at five more in the long ones."""


def move_to(folder: Path) -> None:
    """Lets the package take `folder` for the repository."""
    there = {
        "ROOT": folder,
        "RUNS": folder / "runs",
        "RESULTS": folder / "book" / "results",
        "CHAPTERS": folder / "book" / "chapters",
        "MANIFEST": folder / "book" / "results" / "manifest.json",
    }
    for module in (datasets, features, paths, publish, study):
        for name, value in there.items():
            if hasattr(module, name):
                setattr(module, name, value)


def sums(folder: Path, *patterns: str) -> dict[str, str]:
    """sha256 of the files that match."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in patterns
        for path in sorted(folder.rglob(pattern))
    }


# The jobs. `prepare` is not killed, `do` is. `made` is compared with the undisturbed run, and what
# is `finished` when the kill comes has to be found again at the end.


@dataclass(frozen=True)
class Job:
    """What is done in a folder, and what comes of it."""

    do: Callable[[Path], None]
    made: Callable[[Path], dict]
    finished: Callable[[Path], dict] = lambda folder: {}
    prepare: Callable[[Path], None] = lambda folder: None


def pictures() -> list[datasets.ImageSet]:
    return [scenes.image_set(split, size=32, limit=48) for split in ("train", "test")]


def train_gan(folder: Path) -> None:
    train, test = pictures()
    gan.fit(train, folder, monitor=test, **TRAINING)


def train_koalarization(folder: Path) -> None:
    train, test = pictures()
    vectors = torch.randn(len(train), 12, generator=torch.Generator().manual_seed(0))
    told = {"monitor_features": vectors, "extractor": "random"}
    koalarization.fit(train, vectors, folder, monitor=test, **told, **TRAINING)


def trained(folder: Path) -> dict:
    """Weights, and the losses of each epoch."""
    found = {"losses": pd.read_csv(folder / "history.csv").drop(columns="seconds").to_csv()}
    for path in folder.rglob("*.safetensors"):  # their headers are in no fixed order
        values = b"".join(v.numpy().tobytes() for _, v in sorted(load_file(path).items()))
        found[path.name] = hashlib.sha256(values).hexdigest()
    return found


def epochs(folder: Path) -> dict[str, str]:
    """The finished epochs with the seconds they took, which no epoch trained again would repeat."""
    lines = [p.read_text().splitlines()[1:] for p in sorted(folder.rglob("history.csv"))]
    return {line.split(",")[0]: line for of_file in lines for line in of_file}


def extract(folder: Path) -> None:
    move_to(folder)
    images = pictures()[0]
    for start in range(0, 32, 4):
        features.embed(images.subset(range(start, start + 4)), "random")


def take_photographs(folder: Path) -> None:
    for k in range(40):
        path = folder / f"{k}.bmp"
        Image.effect_mandelbrot((900, 600), (-2, -1.5, 1, 1.5), 40 + k).save(path)
        os.utime(path, (0, 0))  # the cache knows a file by its date as well


def decode(folder: Path) -> None:
    move_to(folder / "project")
    for limit in (10, 20, 40):
        datasets.load("folder", "test", root=folder, size=64, limit=limit)


def arrays(folder: Path) -> dict[str, str]:
    return sums(folder, "*.npy")


def kept_arrays(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*.npy")}


def pack(folder: Path) -> None:
    (folder / "served").mkdir()
    batches = write_cifar10(folder / "original")
    write_archive(batches, folder / "served" / "cifar-10-binary.tar.gz")


def fetch(folder: Path) -> None:
    """Downloads from a server that takes its time, in this process, and dies with it."""

    class Slow(http.server.SimpleHTTPRequestHandler):
        def copyfile(self, source, target):
            while part := source.read(2**18):
                target.write(part)
                time.sleep(0.02)

    archive = folder / "served" / "cifar-10-binary.tar.gz"
    handler = partial(Slow, directory=archive.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        os.environ["NO_PROXY"] = "127.0.0.1"
        datasets.CIFAR10_URL = f"http://127.0.0.1:{running.server_port}/{archive.name}"
        datasets.CIFAR10_MD5 = hashlib.md5(archive.read_bytes()).hexdigest()
        datasets.fetch("cifar10", folder / "data")
        running.shutdown()


def fetched(folder: Path) -> dict[str, str]:
    return sums(folder / "data" / "cifar-10-batches-bin", "*")


def kept_archive(folder: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in (folder / "data").glob("*.gz")}


def begin(folder: Path) -> study.StudyRun:
    move_to(folder)
    shutil.copy(REPOSITORY / "study.yaml", folder)
    usual = study.parameters("03_gan", "smoke", "default")
    return study.begin("03_gan", dict.fromkeys(usual) | RUN)


def record(folder: Path) -> None:
    run, (train, test) = begin(folder), (images.subset(range(12)) for images in pictures())
    measured = records.measure(gray(test.images), test, train)
    for k in range(40):
        records.write(run, measured, test, train, variant=f"{k}")
        records.write_table(run, "pairs", pd.DataFrame([PAIR]))


def recorded(folder: Path) -> dict:
    """Every record but for its times, and what lies beside it."""
    found = sums(folder, "*.csv", "*.npy")
    for path in folder.rglob("metrics.json"):
        everything = json.loads(path.read_text())
        found[str(path.relative_to(folder))] = {
            key: value for key, value in everything.items() if key not in TIMES
        }
    return found


def finish_a_run(folder: Path) -> None:
    record(folder)
    shutil.copy(REPOSITORY / "notebooks" / "03_gan.ipynb", executed(folder))
    (folder / "book" / "_static").mkdir(parents=True)


def executed(folder: Path) -> Path:
    return folder / "runs" / "smoke" / "03_gan" / "default" / "seed0" / "chapter.ipynb"


def publish_it(folder: Path) -> None:
    move_to(folder)
    for module in (book, publish, records):
        module.planned = lambda profile: {"03_gan": [("default", 0)]}
    book.executed = publish.executed = lambda *run: executed(folder)
    publish.publish("smoke")
    publish.verify()


def published(folder: Path) -> dict:
    """What lies in the book; the manifest has been verified."""
    return sums(folder / "book", "*.csv", "*.ipynb")


def run(*module: str) -> Callable[[Path], None]:
    """`python -m MODULE ...` in a copy of the repository."""

    def do(folder: Path) -> None:
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(folder)
        os.execl(sys.executable, sys.executable, "-m", *module)

    return do


def chapter(folder: Path) -> dict:
    runs = folder / "runs"
    found = recorded(runs) | trained(next(runs.rglob("history.csv")).parent)
    return {name: value for name, value in found.items() if "history" not in name}


def pages(folder: Path) -> dict[str, str]:
    return sums(folder / "book" / "_build" / "html", "*.html")


JOBS = {
    "gan": Job(train_gan, trained, epochs),
    "koalarization": Job(train_koalarization, trained, epochs),
    "features": Job(extract, arrays, kept_arrays),
    "decoding": Job(decode, arrays, kept_arrays, take_photographs),
    "download": Job(fetch, fetched, kept_archive, pack),
    "record": Job(record, recorded),
    "publish": Job(publish_it, published, prepare=finish_a_run),
    "chapter": Job(
        run("colornb.runner", "chapter", "03_gan", "smoke", "l1_only", "0"),
        chapter,
        lambda folder: epochs(folder / "runs"),
        copy_repository,
    ),
    "book": Job(run("colornb.book"), pages, prepare=copy_repository),
}
RUN = {"profile": "smoke", "seed": 0, "variant": "default"}
PAIR = dict.fromkeys(records.PAIR_COLUMNS, 1) | {"a": "x", "b": "y", "metric": "kid"}
TIMES = ("started", "finished", "wall_s", "peak_memory_mb")


# The nursery: a process that has imported all this and forks one for each piece of work.


def nursery() -> None:
    """For each line `STEP JOB FOLDER` on stdin: the process's number, later how it ended."""
    for line in sys.stdin:
        step, name, folder = line.split()
        number = os.fork()
        if not number:
            os.setpgid(0, 0)
            _work(getattr(JOBS[name], step), Path(folder))
        print(number, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)


def _work(do: Callable[[Path], None], folder: Path) -> None:
    log = os.open(folder.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    try:
        do(folder)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


class Nursery:
    """Starts pieces of work in another process."""

    def __init__(self):
        tests = Path(__file__).parent
        self.process = subprocess.Popen(
            [sys.executable, "-c", "import test_kills; test_kills.nursery()"],
            env=os.environ | {"PYTHONPATH": f"{tests}:{REPOSITORY}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.undisturbed: dict[str, tuple[float, dict, set[str]]] = {}

    def run(self, step: str, name: str, folder: Path, kill_after: float | None = None) -> int:
        """The exit code of a step of a job, which may be killed; -9 if it was."""
        folder.mkdir(exist_ok=True)
        print(step, name, folder, file=self.process.stdin, flush=True)
        number = int(self.process.stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            try:
                os.killpg(number, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has ended
        return int(self.process.stdout.readline())

    def finish(self, name: str, folder: Path) -> None:
        """Does a job to its end."""
        code = self.run("do", name, folder)
        assert code == 0, folder.with_suffix(".log").read_text()[-3000:]

    def whole(self, name: str, folder: Path) -> tuple[float, dict, set[str]]:
        """Seconds, results and files of a job that nothing disturbs; done once."""
        if name not in self.undisturbed:
            self.run("prepare", name, folder)
            began = time.monotonic()
            self.finish(name, folder)
            seconds = time.monotonic() - began
            made = JOBS[name].made(folder)
            assert made
            self.undisturbed[name] = seconds, made, files(folder)
        return self.undisturbed[name]


@pytest.fixture(scope="module")
def forked():
    """The nursery of this file's tests."""
    running = Nursery()
    yield running
    running.process.stdin.close()
    assert running.process.wait(10) == 0


def files(folder: Path) -> set[str]:
    """Names of all files, but for those that Python compiles and for locks."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if "__pycache__" not in name}


def working_in(folder: Path) -> list[Path]:
    """Processes, as folders of `/proc`, that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")).is_relative_to(folder):
                found.append(process)
        except OSError:
            pass  # it has ended, or is another user's
    return found


def survives(name: str, moment: int, forked: Nursery, tmp_path: Path) -> None:
    """Kills a job at a random moment, does it again, and compares with the undisturbed one."""
    job, folder = JOBS[name], tmp_path / "killed"
    seconds, made, left = forked.whole(name, tmp_path / "whole")
    after = seconds * random.Random(f"{name} {moment}").uniform(0.05, 0.95)
    forked.run("prepare", name, folder)
    while forked.run("do", name, folder, kill_after=after) != -signal.SIGKILL:
        shutil.rmtree(folder)  # it was faster than the undisturbed one
        after /= 2
        forked.run("prepare", name, folder)
    finished = job.finished(folder)
    forked.finish(name, folder)
    assert job.made(folder) == made
    assert finished.items() <= job.finished(folder).items(), "finished work was done again"
    assert files(folder) == left
    deadline = time.monotonic() + 30
    while working_in(folder):
        assert time.monotonic() < deadline, "a process goes on"
        time.sleep(0.5)


each_moment = pytest.mark.parametrize("moment", MOMENTS)
each_long_moment = pytest.mark.parametrize("moment", range(4))


@pytest.mark.fault(
    "kill",
    "SIGKILL while a GAN is trained.",
    "The next call goes on after the last finished epoch and ends with the same weights.",
)
@each_moment
def test_training_the_gan(moment, forked, tmp_path):
    survives("gan", moment, forked, tmp_path)


@pytest.mark.fault(
    "kill",
    "SIGKILL while a Koalarization is trained.",
    "The next call goes on after the last finished epoch and ends with the same weights.",
)
@each_moment
def test_training_koalarization(moment, forked, tmp_path):
    survives("koalarization", moment, forked, tmp_path)


@pytest.mark.fault(
    "kill",
    "SIGKILL while features are extracted.",
    "What was stored is read, the rest is extracted; the vectors are the same.",
)
@each_moment
def test_extracting_features(moment, forked, tmp_path):
    survives("features", moment, forked, tmp_path)


@pytest.mark.fault(
    "kill",
    "SIGKILL while photographs are decoded.",
    "What was stored is read, the rest is decoded; the pictures are the same.",
)
@each_moment
def test_decoding_photographs(moment, forked, tmp_path):
    survives("decoding", moment, forked, tmp_path)


@pytest.mark.fault(
    "kill",
    "SIGKILL while a data set is downloaded and unpacked.",
    "An archive that was whole is kept; the next call fetches and unpacks what lacks.",
)
@each_moment
def test_downloading(moment, forked, tmp_path):
    survives("download", moment, forked, tmp_path)


@pytest.mark.fault(
    "kill",
    "SIGKILL while records are written.",
    "No record is torn; the next call writes them all, with the same numbers.",
)
@each_moment
def test_writing_records(moment, forked, tmp_path):
    survives("record", moment, forked, tmp_path)


@pytest.mark.fault(
    "kill",
    "SIGKILL while results are published.",
    "The next call publishes all of them, and they verify.",
)
@each_moment
def test_publishing(moment, forked, tmp_path):
    survives("publish", moment, forked, tmp_path)


@pytest.mark.fault(
    "kill",
    "SIGKILL while papermill executes a notebook.",
    "Its kernel ends too; the next call goes on after the last epoch, with the same record.",
)
@pytest.mark.long
@each_long_moment
def test_executing_a_notebook(moment, forked, tmp_path):
    survives("chapter", moment, forked, tmp_path)


@pytest.mark.fault(
    "kill",
    "SIGKILL while the book is built.",
    "The next call builds the same pages.",
)
@pytest.mark.long
@each_long_moment
def test_building_the_book(moment, forked, tmp_path):
    survives("book", moment, forked, tmp_path)
