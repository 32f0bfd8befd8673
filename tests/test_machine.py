"""Disks that are full or not ours, memories that are too small, clocks that jump.

The tests are on a machine that may be spoilt: in a process of their own, on a disk of their own.
"""

import ctypes
import functools
import os
import resource
import shutil
import sys
import traceback
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from small_study import PLAN, Copy
from test_records import measured, published, root, sets  # noqa: F401
from test_runner import root as repository  # noqa: F401
from test_runner import write_notebook
from test_training import assert_same, fit_gan, fit_koalarization, pictures, weights  # noqa: F401
from typer.testing import CliRunner

import colornb.colorize
from colornb import cli, datasets, features, models, publish, records, runner, scenes, study
from colornb.errors import ColornbError
from colornb.training.run import Run

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_MOUNTS = 0x10000000, 0x20000  # flags of unshare(2)
CAPABILITIES_VERSION = 0x20080522
YEAR = 365 * 86_400


def in_child(test):
    """Runs a test in a forked process: what it does to its machine ends with it."""

    @functools.wraps(test)
    def run(*arguments, **fixtures):
        child = os.fork()
        if child == 0:
            failed = 1
            try:
                test(*arguments, **fixtures)
                failed = 0
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(failed)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "see what it printed"

    return run


class Disk:
    """What is at `folder` on a small disk of its own, seen by this process alone.

    Where no user may mount one, a limit on the size of files stands for the full disk.
    """

    def __init__(self, folder: Path):
        self.ballast, former = folder / "ballast", folder.with_name(f"{folder.name}.former")
        folder.mkdir(exist_ok=True)
        shutil.copytree(folder, former)
        self.mounted = self._mount(folder)
        shutil.copytree(former, folder, dirs_exist_ok=True)

    def _mount(self, folder: Path) -> bool:
        user, group = os.getuid(), os.getgid()
        if LIBC.unshare(NEW_USER | NEW_MOUNTS):
            return False
        maps = {"setgroups": "deny", "uid_map": f"0 {user} 1", "gid_map": f"0 {group} 1"}
        try:
            for name, text in maps.items():
                Path("/proc/self", name).write_text(text)
        except OSError:
            return False
        return LIBC.mount(b"none", bytes(folder), b"tmpfs", 0, b"size=16m") == 0

    @contextmanager
    def full(self):
        """Not a byte more can be written meanwhile."""
        if self.mounted:
            with pytest.raises(OSError), self.ballast.open("wb", buffering=0) as file:
                while file.write(bytes(2**16)):
                    pass
            try:
                yield
            finally:
                self.ballast.unlink()
        else:
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
            try:
                yield
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def files(folder: Path) -> dict[str, bytes]:
    """The files of a folder, but for locks and ballast."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("lock", "book.lock", "ballast")
    }


@contextmanager
def refused(folder: Path, sentence: str):
    """What is done meanwhile ends with a sentence and leaves the folder's files as they were."""
    before = files(folder)
    with pytest.raises(ColornbError, match=sentence) as told:
        yield
    assert "\n" not in str(told.value)
    assert files(folder) == before


def interrupt_after(epochs: int):
    """Ctrl-C after so many epochs of a training."""
    log = Run.log

    def log_and_stop(self, **row):
        log(self, **row)
        if len(self.history) == epochs:
            raise KeyboardInterrupt

    return mock.patch.object(Run, "log", log_and_stop)


# Full disks


@pytest.mark.fault(
    "machine",
    "The disk is full when a training keeps its weights or its checkpoint.",
    "It stops with one sentence; the finished epochs are kept, and it ends as if there had been "
    "room.",
)
@pytest.mark.parametrize("epochs", [1, 4], ids=["weights", "checkpoint"])
@in_child
def test_a_full_disk_stops_a_training(tmp_path, pictures, epochs):  # noqa: F811
    disk = Disk(tmp_path / "disk")
    fit_gan(pictures, tmp_path / "whole", epochs=5)
    folder = tmp_path / "disk" / "run"
    with interrupt_after(epochs), pytest.raises(KeyboardInterrupt):
        fit_gan(pictures, folder, epochs=5)
    with disk.full(), refused(folder, "could not be written .*what was there before is kept"):
        fit_gan(pictures, folder, epochs=5)
    fit_gan(pictures, folder, epochs=5)
    assert_same(weights(folder), weights(tmp_path / "whole"))


@pytest.mark.fault(
    "machine",
    "The disk is full when features of a classifier are stored.",
    "One sentence; no part of a file stays, and with room they are computed and stored.",
)
@in_child
def test_a_full_disk_stores_no_half_features(tmp_path, pictures, monkeypatch):  # noqa: F811
    disk = Disk(tmp_path / "disk")
    monkeypatch.setattr(features, "ROOT", tmp_path / "disk")
    monkeypatch.setattr(features, "extract", lambda images, *_: images.float().mean((1, 2)))
    train, test = pictures
    features.embed(train, "random")
    with disk.full(), refused(tmp_path / "disk", "could not be written .*: make room"):
        features.embed(test, "random")
    assert torch.equal(features.embed(test, "random"), features.extract(test.images, ""))
    assert len(files(tmp_path / "disk")) == 2


MEASURED = records.Measured(
    {"mse_rgb": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 8}},
    pd.DataFrame({"id": list("abcdefgh"), "mse_rgb": 0.5}),
    np.ones((8, 1280), np.float32),
    np.zeros((8, 3, 32, 32), np.uint8),
)


def write_record(pictures, gain):  # noqa: F811
    """The run of a notebook that does nothing but record; gives what does not tell the time.

    It asks no GPU what it is: a forked process may not.
    """
    train, test = pictures
    usual = dict.fromkeys(study.parameters("03_gan", "smoke", "default"))
    given = {"profile": "smoke", "seed": 0, "variant": "default", "precision": "bf16-mixed"}
    run = study.begin("03_gan", usual | given)
    with mock.patch.object(records, "environment", lambda: {"device": "any"}):
        record = records.write(run, MEASURED, test, train, gain=gain)
    times = ("started", "finished", "wall_s", "peak_memory_mb")
    return {key: value for key, value in record.items() if key not in times}


@pytest.mark.fault(
    "machine",
    "The disk is full when a record is written.",
    "One sentence; the former record is whole, and with room the same one is written.",
)
@in_child
def test_a_full_disk_leaves_the_former_record(tmp_path, pictures, monkeypatch):  # noqa: F811
    disk = Disk(tmp_path / "disk")
    monkeypatch.setattr(study, "RUNS", tmp_path / "disk")
    write_record(pictures, 1)
    with disk.full(), refused(tmp_path / "disk", "features.npy could not be written"):
        write_record(pictures, 2)
    found = write_record(pictures, 2)
    monkeypatch.setattr(study, "RUNS", tmp_path / "undisturbed")
    assert found == write_record(pictures, 2)


@pytest.fixture
def photos(tmp_path):
    """Weights of a network, and two photographs."""
    models.save_weights(models.create_model("unet", width=0.125), tmp_path / "w.safetensors")
    paths = [tmp_path / f"{k}.png" for k in range(2)]
    for path in paths:
        Image.linear_gradient("L").resize((40, 30)).save(path)
    return tmp_path / "w.safetensors", paths


def colorize(photos, target):
    """The exit code of the command, and what it said."""
    arguments = ["colorize", *photos[1], "-o", target, "--model", photos[0]]
    done = CliRunner().invoke(cli.app, list(map(str, arguments)))
    return done.exit_code, done.stderr + done.stdout


@pytest.mark.fault(
    "machine",
    "The disk is full when a colorized photograph is written.",
    "A sentence for each photograph; no half picture stays, and with room all are written.",
)
@in_child
def test_a_full_disk_gets_no_half_picture(tmp_path, photos):
    disk, target = Disk(tmp_path / "disk"), tmp_path / "disk" / "out"
    target.mkdir()
    (target / "other.png").write_bytes(b"of somebody else")
    before = files(target)
    with disk.full():
        code, said = colorize(photos, target)
        assert code == 1 and said.endswith("0 colorized, 2 failed.\n")
        assert said.count("could not be written") == 2 and "make room" in said
        assert files(target) == before
    assert colorize(photos, target)[0] == colorize(photos, tmp_path / "undisturbed")[0] == 0
    assert files(target) == before | files(tmp_path / "undisturbed")


@pytest.mark.fault(
    "machine",
    "The disk is full when results are published.",
    "One sentence; what was published before still verifies, and with room all is published.",
)
@in_child
def test_a_full_disk_leaves_what_was_published(published):  # noqa: F811
    disk, before = Disk(published), files(published)
    publish.CHAPTERS.joinpath("13_comparison.ipynb").write_text("former")
    with disk.full(), refused(published, "could not be written .*published before is kept"):
        publish.publish("smoke")
    publish.publish("smoke")
    assert files(published) == before and publish.verify() == 9


@pytest.mark.fault(
    "machine",
    "The disk is full when a chapter's notebook is written.",
    "One sentence; the chapter of the run before is whole, and with room it is executed.",
)
@in_child
def test_a_full_disk_leaves_the_former_chapter(repository):  # noqa: F811
    (repository / "runs").mkdir()
    write_notebook(repository, "print('done')")
    disk, run = Disk(repository / "runs"), ("01_data", "smoke", "default", 0)
    runner.chapter(*run)
    executed = runner.executed("smoke", "01_data", "default", 0)
    before = executed.read_bytes()
    with disk.full(), pytest.raises(SystemExit), redirect_stdout(StringIO()) as out:
        with redirect_stderr(StringIO()):
            runner.chapter(*run)
    said = out.getvalue()
    assert "01_data default seed 0: failed. OSError: " in said and "Traceback" not in said
    assert executed.read_bytes() == before
    runner.chapter(*run)
    assert [path.name for path in executed.parent.iterdir()] == ["chapter.ipynb"]
    assert "done" in executed.read_text(encoding="utf8")


# Folders that are not ours


@contextmanager
def read_only(folder: Path):
    """This process may not write into a folder, whoever runs the tests; in a child alone."""
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0)
    assert LIBC.capset(header, (ctypes.c_uint32 * 6)()) == 0, "root may write everywhere"
    places = [folder, *(path for path in folder.rglob("*") if not path.is_symlink())]
    for path in places:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path in places:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.fault(
    "machine",
    "The folder of runs is read-only.",
    "A training, a record and the study end with one sentence each; nothing has changed.",
)
@in_child
def test_runs_that_are_read_only(tmp_path, pictures, repository, monkeypatch):  # noqa: F811
    runs, aside = tmp_path / "runs", "Permission denied.*ours to write"
    fit_gan(pictures, runs / "trained", epochs=1)
    with read_only(runs):
        with refused(runs, aside):
            fit_gan(pictures, runs / "trained", epochs=2)
        with refused(runs, aside):
            fit_gan(pictures, runs / "new" / "training", epochs=1)
        with refused(runs, aside):
            runner.study("smoke", "1")
        with refused(runs, aside):
            runner.chapter("01_data", "smoke", "default", 0)
    monkeypatch.undo()
    monkeypatch.setattr(study, "RUNS", runs)
    with read_only(runs), refused(runs, aside):
        write_record(pictures, 1)
    write_record(pictures, 1)


@pytest.mark.fault(
    "machine",
    "The cache of decoded pictures or of features is read-only.",
    "Pictures are decoded at every load, with a warning; features end with one sentence.",
)
@in_child
def test_a_cache_that_is_read_only(tmp_path, photos, pictures, monkeypatch):  # noqa: F811
    monkeypatch.setattr(datasets.paths, "ROOT", tmp_path)
    monkeypatch.setattr(features, "ROOT", tmp_path)
    cache = tmp_path / "data" / "cache"
    cache.mkdir(parents=True)
    monkeypatch.setattr(features, "extract", lambda images, *_: images.float().mean((1, 2)))
    (tmp_path / "photos").mkdir()
    shutil.copy(photos[1][0], tmp_path / "photos")
    with read_only(cache):
        with pytest.warns(UserWarning, match="every load decodes again"):
            found = datasets.load("folder", "test", size=32, root=tmp_path / "photos")
        with refused(cache, "features/.* could not be written"):
            features.embed(pictures[0], "random")
    again = datasets.load("folder", "test", size=32, root=tmp_path / "photos")
    assert again.sha256 == found.sha256 and len(files(cache)) == 1


@pytest.mark.fault(
    "machine",
    "The folder for colorized photographs is read-only, or cannot be made.",
    "A sentence for each photograph, or one for the folder; nothing has changed.",
)
@in_child
def test_a_read_only_target(tmp_path, photos):
    target = tmp_path / "out"
    target.mkdir()
    with read_only(target):
        code, said = colorize(photos, target)
        assert code == 1 and said.count("could not be written") == 2
        assert said.endswith("0 colorized, 2 failed.\n") and files(target) == {}
        with refused(target, "cannot be the folder of results"):
            list(colornb.colorize.colorize_files(photos[1], target / "new", photos[0]))


@pytest.mark.fault(
    "machine",
    "The disk for colorized photographs knows no links, like that of a memory stick.",
    "They are written all the same, and none over another.",
)
def test_a_disk_without_links(tmp_path, photos, monkeypatch):
    def no_links(self, target):
        raise PermissionError("Operation not permitted")

    assert colorize(photos, tmp_path / "usual")[0] == 0
    monkeypatch.setattr(Path, "hardlink_to", no_links)
    assert [colorize(photos, tmp_path / "out")[0] for _ in range(2)] == [0, 1]
    assert files(tmp_path / "out") == files(tmp_path / "usual")


@pytest.mark.fault(
    "machine",
    "The book is read-only when results are published.",
    "One sentence; what was published before still verifies.",
)
@in_child
def test_a_read_only_book(published):  # noqa: F811
    with read_only(published), refused(published, "Permission denied.*ours to write"):
        publish.publish("smoke")
    assert publish.verify() == 9


# Too little memory


def leave(size: int) -> None:
    """This process gets so many bytes of memory more, and no others."""
    has = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (has + size, has + size))


NO_MEMORY = "The memory is too small.*smaller batch_size than 8; .* keeps the finished epochs"


@pytest.mark.fault(
    "machine",
    "A batch does not fit into the memory.",
    "One sentence advises a smaller batch; the finished epochs are kept.",
)
@in_child
def test_a_batch_larger_than_the_memory(tmp_path):
    train = scenes.image_set("train", size=32, limit=1)
    many = train.subset([0] * 40_000)  # as floats 500 MB
    leave(2**28)
    with pytest.raises(ColornbError, match="smaller batch_size than 40000; .* keeps the finished"):
        fit_koalarization((many, train), tmp_path / "run", epochs=1, batch_size=40_000)


@pytest.mark.fault(
    "machine",
    "The memory of the machine or of the GPU runs out after some epochs.",
    "One sentence advises a smaller batch; with memory the training ends as if undisturbed.",
)
@pytest.mark.parametrize("fit", [fit_gan, fit_koalarization])
@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory.\n"), MemoryError()])
def test_memory_that_runs_out_in_a_training(tmp_path, pictures, fit, error):  # noqa: F811
    snapshot = Run.snapshot

    def run_out(self, epoch, *arguments, **about):
        if epoch == 3:
            raise error
        snapshot(self, epoch, *arguments, **about)

    with mock.patch.object(Run, "snapshot", run_out), pytest.raises(ColornbError, match=NO_MEMORY):
        fit(pictures, tmp_path / "run")
    assert len(pd.read_csv(tmp_path / "run" / "history.csv")) == 2
    fit(pictures, tmp_path / "run")
    fit(pictures, tmp_path / "whole")
    assert_same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


@pytest.mark.fault(
    "machine",
    "A photograph to colorize does not fit into the memory.",
    "A sentence for that photograph; the batch goes on.",
)
@pytest.mark.parametrize("room", [50, 250], ids=["decoding", "painting"])
@in_child
def test_a_photograph_larger_than_the_memory(tmp_path, photos, room):
    large = tmp_path / "large.png"
    Image.new("L", (9000, 8000)).save(large, compress_level=1)  # 216 MB as RGB, and more to paint
    colorize(photos, tmp_path / "before")  # what is loaded once has its memory
    leave(room * 2**20)
    code, said = colorize((photos[0], [large, *photos[1]]), tmp_path / "out")
    assert code == 1 and said.endswith("2 colorized, 1 failed.\n")
    assert "large.png: " in said and "memory is too small" in said
    assert files(tmp_path / "out") == files(tmp_path / "before")


# Clocks


@pytest.mark.fault(
    "machine",
    "The clock is set back or ahead by a year in the middle of a training.",
    "It goes on from its last epoch and ends as if undisturbed; the seconds of its epochs are "
    "those that passed.",
)
@pytest.mark.parametrize("years", [-1, 1])
def test_a_clock_that_jumps_within_a_training(tmp_path, pictures, years):  # noqa: F811
    folder, now = tmp_path / "run", os.stat(tmp_path).st_mtime
    with interrupt_after(1), pytest.raises(KeyboardInterrupt):
        fit_gan(pictures, folder)
    for path in folder.rglob("*"):  # as if it had been set the other way in between
        os.utime(path, (now - years * YEAR, now - years * YEAR))
    fit_gan(pictures, folder)
    fit_gan(pictures, tmp_path / "whole")
    assert_same(weights(folder), weights(tmp_path / "whole"))
    history = pd.read_csv(folder / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3] and history["seconds"].between(0, 600).all()
    written = (folder / "checkpoint.pt").stat().st_mtime_ns
    fit_gan(pictures, folder)
    assert (folder / "checkpoint.pt").stat().st_mtime_ns == written, "nothing was trained again"


@pytest.mark.fault(
    "machine",
    "The clock is set back or ahead by a year between two calls of `make study`.",
    "The graph goes by the dates of files: chapters that look older than the code are executed "
    "again, without training anew; an edit that looks older than its chapter is not seen.",
)
def test_a_clock_that_jumps_between_two_studies(tmp_path):
    copy = Copy(tmp_path / "colornb")
    plan = [copy.folder(*run) / "chapter.ipynb" for run in PLAN]
    made = [*plan, copy.root / "runs" / "smoke" / "book" / "_build" / "html" / "index.html"]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    dry = [sys.executable, "-m", "snakemake", "-n", "--cores", "1", "--config", "profile=smoke"]

    def jobs(years):
        """Runs that the graph repeats, everything being made so much later than the code."""
        then = (copy.root / "Snakefile").stat().st_mtime + years * YEAR
        for path in made:
            os.utime(path, (then, then))
        done = copy.call(*dry)
        assert done.returncode == 0, done.stderr
        return (done.stdout + done.stderr).count("rule run:")

    assert [jobs(years) for years in (1, -1)] == [0, len(plan)]
