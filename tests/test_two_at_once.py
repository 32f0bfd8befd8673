"""Two processes that do the same in the same place at the same time."""

import os
import sys
import traceback
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from PIL import Image
from test_datasets import archive, cifar10, server  # noqa: F401
from test_machine import colorize, files, photos, write_record  # noqa: F401
from test_records import measured, published, root, sets  # noqa: F401
from test_training import pictures  # noqa: F401

import colornb.colorize as module
from colornb import book, datasets, features, models, paths, publish, records, study
from colornb.errors import ColornbError

FORK = get_context("fork")


def at_once(work, count=2):
    """`work(0)`, `work(1)`, ... in a process each, which begin together; they must not fail."""
    barrier = FORK.Barrier(count)

    def begin(number):
        try:
            barrier.wait(60)
            work(number)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)

    processes = [FORK.Process(target=begin, args=(number,)) for number in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * count, "see what they printed"


def meanwhile(work, other):
    """Calls `other` in this process while another one is in `work(wait)`, where it waits."""
    began, go_on = FORK.Event(), FORK.Event()

    def wait():
        began.set()
        go_on.wait(60)

    process = FORK.Process(target=work, args=(wait,))
    process.start()
    try:
        assert began.wait(60)
        other()
    finally:
        go_on.set()
        process.join()
    assert process.exitcode == 0, "see what it printed"


@pytest.mark.fault(
    "twice",
    "Two processes store the features of the same pictures.",
    "Both get them; each file is there once, and whole.",
)
def test_two_that_store_the_same_features(tmp_path, pictures, monkeypatch):  # noqa: F811
    monkeypatch.setattr(features, "ROOT", tmp_path)
    monkeypatch.setattr(features, "extract", lambda images, *_: images.flatten(1).float())
    parts = [pictures[0].subset([k, k + 1]) for k in range(10)]

    def embed(_):
        for part in parts:
            assert torch.equal(features.embed(part, "random"), features.extract(part.images, ""))

    at_once(embed)
    monkeypatch.setattr(features, "extract", None)  # nothing is computed any more
    assert [len(features.embed(part, "random")) for part in parts] == [2] * 10
    assert len(files(tmp_path)) == 10


@pytest.mark.fault(
    "twice",
    "Two processes decode the same pictures into the cache.",
    "Both get them; the cache is there once, and whole.",
)
def test_two_that_decode_the_same_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    (tmp_path / "photos").mkdir()
    dice = np.random.default_rng(0)
    for k in range(20):
        pixels = dice.integers(0, 256, (60, 60, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{k}.png")

    def load(_):
        for size in (32, 48, 60):
            found = datasets.load("folder", "test", size=size, root=tmp_path / "photos")
            (tmp_path / found.sha256).touch()

    at_once(load)
    cached = files(tmp_path / "data")
    assert len(cached) == 3 and len(list(tmp_path.iterdir())) == 2 + 3, "both saw the same"
    load(0)
    assert files(tmp_path / "data") == cached and len(list(tmp_path.iterdir())) == 2 + 3


@pytest.mark.fault(
    "twice",
    "Two processes write the same record.",
    "Both finish; the record is that of one of them, and no file is torn.",
)
def test_two_that_write_the_same_record(tmp_path, pictures, monkeypatch):  # noqa: F811
    monkeypatch.setattr(study, "RUNS", tmp_path)
    at_once(lambda number: [write_record(pictures, gain=number) for _ in range(5)])
    folder = next(tmp_path.rglob("metrics.json")).parent
    assert records.read(folder)["parameters"]["gain"] in (0, 1)
    assert np.load(folder / "features.npy").shape == (8, 1280)
    names = ["features.npy", "images.csv", "metrics.json", "pictures.npy"]
    assert sorted(path.name for path in folder.iterdir()) == names


IN_USE = "Another process builds or publishes the book"


@pytest.mark.fault(
    "twice",
    "Two builds of one book.",
    "The second is refused in one sentence; the first one ends.",
)
@pytest.mark.parametrize("profile", [[], ["smoke"]], ids=["published", "smoke"])
def test_two_builds_of_one_book(tmp_path, monkeypatch, profile):
    monkeypatch.setattr(book, "SOURCE", tmp_path / "book")
    monkeypatch.setattr(book, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(book, "assemble", lambda target, *_: target.mkdir(parents=True))
    monkeypatch.setattr(sys, "argv", ["book", *profile])

    def build(wait):
        def slowly(source, output):
            wait()
            (output / "built").touch()

        (tmp_path / "book").mkdir()
        book.build = slowly
        book.main()

    def refused():
        with pytest.raises(ColornbError, match=IN_USE):
            book.main()

    meanwhile(build, refused)
    assert [path.parent.name for path in tmp_path.rglob("built")] == ["book"]


@pytest.mark.fault(
    "twice",
    "Results are published, or the published book built, while others are being published.",
    "The second is refused in one sentence; what the first publishes verifies.",
)
def test_publishing_twice(published, monkeypatch):  # noqa: F811
    monkeypatch.setattr(book, "SOURCE", published)
    monkeypatch.setattr(sys, "argv", ["book"])
    write_chapters = publish.write_chapters

    def slowly(wait):
        def write(*arguments):
            wait()
            write_chapters(*arguments)

        publish.write_chapters = write
        publish.publish("smoke")

    def refused():
        for call in (lambda: publish.publish("smoke"), book.main):
            with pytest.raises(ColornbError, match=IN_USE):
                call()
        assert publish.verify() == 9

    meanwhile(slowly, refused)
    assert publish.verify() == 9 and not (published / ".publishing").exists()


@pytest.mark.fault(
    "twice",
    "Two `colornb colorize` write the same photograph into one folder.",
    "The first picture stays; the second is refused in one sentence.",
)
def test_two_that_colorize_into_one_folder(tmp_path, photos, monkeypatch):  # noqa: F811
    create, ready = module.create_atomically, FORK.Barrier(2)

    def create_together(path, write):
        ready.wait(60)  # both have found the name free
        create(path, write)

    monkeypatch.setattr(module, "create_atomically", create_together)
    networks = [tmp_path / f"{seed}.safetensors" for seed in range(2)]
    for seed, path in enumerate(networks):
        torch.manual_seed(seed)
        models.save_weights(models.create_model("unet", width=0.125), path)
    one = photos[1][:1]

    def run(number):
        said = colorize((networks[number], one), tmp_path / "out")[1]
        (tmp_path / f"said{number}").write_text(said)

    at_once(run)
    said = [(tmp_path / f"said{number}").read_text() for number in range(2)]
    (first,) = (k for k in range(2) if said[k].endswith("1 colorized, 0 failed.\n"))
    assert said[1 - first].endswith("0 colorized, 1 failed.\n")
    assert "0-colorized.png exists already: move it away" in said[1 - first]
    monkeypatch.undo()
    colorize((networks[first], one), tmp_path / "alone")
    assert files(tmp_path / "out") == files(tmp_path / "alone")


@pytest.mark.fault(
    "twice",
    "Two `colornb data fetch` of one data set.",
    "Both end; the archive and the unpacked files are whole, and nothing else is left.",
)
def test_two_that_fetch_the_same(server, cifar10, tmp_path):  # noqa: F811
    root = tmp_path / "data"  # noqa: F811
    at_once(lambda _: datasets.fetch("cifar10", root))
    assert {path.name for path in root.iterdir()} == {
        "cifar-10-batches-bin",
        "cifar-10-binary.tar.gz",
    }
    assert files(root / "cifar-10-batches-bin") == files(cifar10 / "cifar-10-batches-bin")
