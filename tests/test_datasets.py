import functools
import hashlib
import http.server
import io
import itertools
import os
import pickle
import tarfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from colornb import datasets, features, paths
from colornb.errors import ColornbError
from colornb.images import read_image

REAL = os.environ.get("COLORNB_DATA", "")
BATCHES = datasets.CIFAR10_TRAIN + datasets.CIFAR10_TEST


@pytest.fixture(autouse=True)
def own_root(tmp_path, monkeypatch):
    """Caches of a test go under its own folder."""
    monkeypatch.setattr(paths, "ROOT", tmp_path / "project")


def write_cifar10(root: Path, records: int = 1000) -> Path:
    """Batches of random pictures whose label is the index modulo 10."""
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for k, name in enumerate(BATCHES):
        data = np.random.default_rng(k).integers(0, 256, (1000, datasets.RECORD), np.uint8)
        data[:, 0] = np.arange(1000) % 10
        np.resize(data, (records, datasets.RECORD)).tofile(folder / name)
    (folder / "batches.meta.txt").write_text("airplane\n")
    return folder


def write_archive(folder: Path, archive: Path) -> str:
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(folder, folder.name)
    return hashlib.md5(archive.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def cifar10(tmp_path_factory):
    root = tmp_path_factory.mktemp("cifar10")
    write_cifar10(root)
    return root


def write_cats_dogs(root: Path, nested: bool = False) -> Path:
    """3,000 files, all hard links to one picture for each kind: quick to write."""
    for kind, color in (("cat", (200, 30, 30)), ("dog", (30, 30, 200))):
        for part, numbers in (("training_set", range(1, 1001)), ("test_set", range(4001, 4501))):
            folder = root / "cat-and-dog" / part / (part if nested else "") / f"{kind}s"
            folder.mkdir(parents=True)
            first = folder / f"{kind}.{numbers[0]}.jpg"
            Image.new("RGB", (12, 8), color).save(first)
            for number in numbers[1:]:
                os.link(first, folder / f"{kind}.{number}.jpg")
    return root


@pytest.fixture(scope="module")
def cats_dogs(tmp_path_factory):
    return write_cats_dogs(tmp_path_factory.mktemp("cats_dogs"))


def write_bsds500(root: Path, base: str) -> Path:
    for part in ("train", "val"):
        images, truth = (root / base / kind / part for kind in ("images", "groundTruth"))
        images.mkdir(parents=True)
        truth.mkdir(parents=True)
        Image.new("RGB", (6, 4), "green").save(images / "7.jpg")
        person = np.zeros((1, 1), [("Segmentation", object), ("Boundaries", object)])
        person[0, 0] = (np.repeat([[1, 2, 300]], 4, 0).repeat(2, 1).astype(np.uint16), 0)
        cells = np.empty((1, 2), object)
        cells[0, :] = [person, person]
        savemat(truth / "7.mat", {"groundTruth": cells})
    return root


# Splits


def test_cifar10_layout_planes_and_labels(cifar10):
    train = datasets.load("cifar10", root=cifar10)
    raw = np.fromfile(cifar10 / "cifar-10-batches-bin" / "data_batch_2.bin", np.uint8)
    record = raw[3 * datasets.RECORD :][: datasets.RECORD]
    assert train.images.shape == (5000, 3, 32, 32) and train.images.dtype == torch.uint8
    assert train.labels.dtype == torch.int64 and len(train.classes) == 10
    assert train.ids[1003] == "data_batch_2/3" and train.labels[1003] == record[0]
    assert np.array_equal(train.images[1003, 1].numpy().ravel(), record[1 + 1024 : 1 + 2048])


def test_cifar10_val_is_the_end_of_train_and_can_be_held_out(cifar10):
    train, held = (datasets.load("cifar10", hold_out=h, root=cifar10) for h in (False, True))
    val, test = (datasets.load("cifar10", split, root=cifar10) for split in ("val", "test"))
    assert (len(train), len(held), len(val), len(test)) == (5000, 4500, 500, 1000)
    assert held.ids + val.ids == train.ids
    assert torch.equal(torch.cat([held.images, val.images]), train.images)
    assert not set(test.ids) & set(train.ids)


def test_full_batches_give_the_same_pictures_as_their_first_thousand(cifar10, tmp_path):
    write_cifar10(tmp_path, records=1500)
    full, short = (datasets.load("cifar10", root=root) for root in (tmp_path, cifar10))
    assert full.sha256 == short.sha256


def test_cifar10_limit_and_size(cifar10):
    small = datasets.load("cifar10", "test", size=8, limit=7, root=cifar10)
    assert small.images.shape == (7, 3, 8, 8) and small.ids[-1] == "test_batch/6"
    truth = datasets.load("cifar10", "test", limit=7, root=cifar10).images.float()
    assert abs(small.images.float().mean() - truth.mean()) < 3  # nothing but averaging


def test_cats_dogs_splits(cats_dogs):
    load = functools.partial(datasets.load, "cats_dogs", size=4, root=cats_dogs)
    train, held, val, test = load(), load(hold_out=True), load("val"), load("test")
    assert (len(train), len(held), len(val), len(test)) == (2000, 1800, 200, 1000)
    assert train.ids[:2] == ("cat.1", "cat.2") and train.ids[1000] == "dog.1"
    assert val.ids[0] == "cat.901" and val.ids[-1] == "dog.1000"
    assert set(held.ids) | set(val.ids) == set(train.ids) and not set(held.ids) & set(val.ids)
    assert test.ids[0] == "cat.4001" and test.ids[-1] == "dog.4500"
    assert train.labels.bincount().tolist() == [1000, 1000]
    cats, dogs = train.images[train.labels == 0], train.images[train.labels == 1]
    assert (cats[:, 0] > cats[:, 2]).all() and (dogs[:, 0] < dogs[:, 2]).all()


@pytest.mark.parametrize("limit, cats", [(1, 1), (3, 2), (200, 100)])
def test_cats_dogs_limit_is_balanced(cats_dogs, limit, cats):
    images = datasets.load("cats_dogs", "test", size=4, limit=limit, root=cats_dogs)
    assert len(images) == limit and (images.labels == 0).sum() == cats


def test_cats_dogs_as_kaggle_nests_it(tmp_path, cats_dogs):
    write_cats_dogs(tmp_path, nested=True)
    nested, flat = (
        datasets.load("cats_dogs", "val", size=4, root=root) for root in (tmp_path, cats_dogs)
    )
    assert nested.ids == flat.ids and nested.sha256 == flat.sha256


@pytest.mark.parametrize("base", ["BSDS500", "BSDS500/data", "BSR/BSDS500/data"])
def test_bsds500_segmentations_follow_the_size(tmp_path, base):
    images = datasets.load("bsds500", "val", size=3, root=write_bsds500(tmp_path, base))
    assert images.images.shape == (1, 3, 3, 3) and len(images.segmentations[0]) == 2
    for regions in images.segmentations[0]:
        assert regions.dtype == np.uint16 and regions.tolist() == [[1, 2, 300]] * 3


def test_photos_are_in_colour():
    photos = datasets.load("photos", "test", size=48)
    assert photos.images.shape == (5, 3, 48, 48) and "astronaut" in photos.ids
    assert (photos.images[:, 0] != photos.images[:, 2]).flatten(1).any(1).all()
    assert datasets.load("photos", "test", size=48, limit=2).ids == photos.ids[:2]


def test_scenes_carry_masks_and_captions():
    images = datasets.load("scenes", "val", size=16, limit=3)
    assert images.images.shape == (3, 3, 16, 16) and images.masks.shape == (3, 16, 16)
    assert len(images.captions) == len(images.ids) == 3 and images.split == "val"


# The set itself


def test_sha256_follows_pixels_and_labels(cifar10):
    images = datasets.load("cifar10", "test", limit=4, root=cifar10)
    assert images.sha256 == datasets.load("cifar10", "test", limit=4, root=cifar10).sha256
    assert images.subset([0, 1, 3, 2]).sha256 != images.sha256
    relabelled = replace(images, labels=images.labels + 1)
    assert relabelled.sha256 != images.sha256


def test_subset_keeps_everything_in_step():
    images = datasets.ImageSet(
        "x",
        "test",
        torch.arange(3, dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 3, 2, 2),
        torch.tensor([5, 6, 7]),
        ("a",),
        ("i", "j", "k"),
        masks=torch.arange(3, dtype=torch.uint8).view(3, 1, 1).expand(3, 2, 2),
        captions=("one", "two", "three"),
        segmentations=((np.array([[1]]),), (np.array([[2]]),), ()),
    )
    chosen = images.subset(torch.tensor([2, 0]))
    assert chosen.images[:, 0, 0, 0].tolist() == chosen.masks[:, 0, 0].tolist() == [2, 0]
    assert chosen.labels.tolist() == [7, 5] and chosen.ids == ("k", "i")
    assert chosen.captions == ("three", "one") and chosen.segmentations[0] == ()
    assert len(images.subset([])) == 0


# Caches


def test_cache_gives_equal_images_and_notices_changes(tmp_path, cats_dogs, monkeypatch):
    load = functools.partial(datasets.load, "cats_dogs", "val", size=4, root=cats_dogs)
    first = load()
    (cache,) = (paths.ROOT / "data" / "cache").iterdir()
    with monkeypatch.context() as context:
        context.setattr(datasets, "_decode", None)  # a hit decodes nothing
        assert load().sha256 == first.sha256
    cache.write_bytes(cache.read_bytes()[:200])  # damaged: decoded again
    assert load().sha256 == first.sha256
    stamp = (cats_dogs / "cat-and-dog/training_set/cats/cat.901.jpg").stat().st_mtime_ns
    os.utime(cats_dogs / "cat-and-dog/training_set/cats/cat.901.jpg", ns=(stamp, stamp + 10**9))
    load()
    assert len(list(cache.parent.iterdir())) == 2  # another key, no leftovers


@pytest.mark.fault(
    "machine",
    "A file lies in the place of the data folder, so that nothing can be cached.",
    "A warning; the pictures are decoded at every load.",
)
def test_a_cache_that_cannot_be_kept_is_a_warning(cats_dogs):
    paths.ROOT.mkdir()
    (paths.ROOT / "data").write_text("in the way")
    with pytest.warns(UserWarning, match="every load decodes again"):
        assert len(datasets.load("cats_dogs", "val", size=4, root=cats_dogs)) == 200


# Picture files


def save(folder: Path, name: str, image: Image.Image, **options) -> np.ndarray:
    image.save(folder / name, **options)
    return read_image(folder / name)


def test_read_image_modes(tmp_path):
    ramp = np.linspace(0, 65_535, 256).round().astype(np.uint16).reshape(16, 16)
    gray = np.arange(256).reshape(16, 16, 1).repeat(3, 2)
    for name in ("a.png", "a.tif"):
        assert np.array_equal(save(tmp_path, name, Image.fromarray(ramp)), gray), name
    half = Image.new("RGBA", (2, 1), (0, 0, 0, 128))
    half.putpixel((1, 0), (255, 0, 0, 0))  # wholly transparent red shows the white beneath
    assert np.allclose(save(tmp_path, "b.png", half)[0], [[127] * 3, [255] * 3], atol=1)
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([9, 9, 9, 10, 200, 30])
    assert (save(tmp_path, "c.png", palette) == [10, 200, 30]).all()
    assert (save(tmp_path, "c2.png", palette, transparency=1) == 255).all()
    cmyk = save(tmp_path, "d.jpg", Image.new("CMYK", (8, 8), (0, 255, 255, 0)))
    assert (abs(cmyk.astype(int) - [255, 0, 0]) < 12).all()
    assert save(tmp_path, "e.png", Image.new("L", (1, 1), 77)).tolist() == [[[77] * 3]]
    assert save(tmp_path, "f.png", Image.new("1", (2, 1), 1)).tolist() == [[[255] * 3] * 2]


def test_read_image_turns_upright(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # the camera was held turned: the stored left edge is the top
    image = Image.new("RGB", (20, 10), "black")
    image.paste("white", (0, 0, 10, 10))
    rgb = save(tmp_path, "a.png", image, exif=exif)
    assert rgb.shape == (20, 10, 3)
    assert (rgb[:10] == 255).all() and (rgb[10:] == 0).all()


def noise(side: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8))


def test_folder(tmp_path):
    noise(64).save(tmp_path / "b.png")
    noise(20).save(tmp_path / "a.jpg")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "sub").mkdir()
    images = datasets.load("folder", "test", root=tmp_path)
    assert images.ids == ("a.jpg", "b.png") and images.images.shape == (2, 3, 224, 224)
    assert images.classes == ("photograph",) and images.labels.tolist() == [0, 0]
    same = datasets.load("folder", "test", root=tmp_path, size=64).images[1]
    assert np.array_equal(same.permute(1, 2, 0).numpy(), np.asarray(noise(64)))


@pytest.mark.fault(
    "setting",
    "A folder of pictures that is missing or empty.",
    "One sentence names it and says what to put there.",
)
def test_folder_missing_or_empty(tmp_path):
    with pytest.raises(ColornbError, match=f"{tmp_path} is empty"):
        datasets.load("folder", "test", root=tmp_path)
    for root in (tmp_path / "nowhere", None):
        with pytest.raises(ColornbError, match="is not a folder"):
            datasets.load("folder", "test", root=root)
    with pytest.raises(ColornbError, match="nowhere.jpg is not a file"):
        read_image(tmp_path / "nowhere.jpg")
    with pytest.raises(ColornbError, match=f"{tmp_path} is a folder where a picture is wanted"):
        read_image(tmp_path)


# Missing and damaged data


@pytest.mark.fault(
    "setting",
    "A data set or a split that there is not.",
    "One sentence names what there is.",
)
@pytest.mark.parametrize(
    "arguments, message",
    [
        (("mnist",), "'mnist': choose one of cifar10, cats_dogs"),
        (("cifar10", "dev"), "'dev' of cifar10: choose one of train, val, test"),
        (("photos", "train"), "'train' of photos: choose one of test"),
    ],
)
def test_unknown_names(arguments, message):
    with pytest.raises(ColornbError, match=message):
        datasets.load(*arguments)


@pytest.mark.fault(
    "setting",
    "A size or a number of pictures of 0 or below.",
    "One sentence asks for 1 or more.",
)
@pytest.mark.parametrize("option", [{"size": 0}, {"limit": 0}, {"limit": -3}])
def test_impossible_numbers(cifar10, option):
    with pytest.raises(ColornbError, match="give 1 or more"):
        datasets.load("cifar10", root=cifar10, **option)


@pytest.mark.fault(
    "setting",
    "A data set that is not under the data root.",
    "One sentence names the folder, the command that fetches it, and COLORNB_DATA.",
)
@pytest.mark.parametrize("name", ["cifar10", "cats_dogs", "bsds500"])
def test_missing_data_names_folder_and_command(tmp_path, name):
    with pytest.raises(ColornbError, match=f"{tmp_path}.*colornb data fetch {name}.*COLORNB_DATA"):
        datasets.load(name, root=tmp_path)


@pytest.mark.fault(
    "hostile",
    "A batch of CIFAR-10 that is cut, too short, missing, or has labels over 9.",
    "It is refused in one sentence that names the file and the remedy.",
)
def test_damaged_cifar10(tmp_path):
    file = write_cifar10(tmp_path) / "data_batch_3.bin"
    data = file.read_bytes()
    file.write_bytes(data[:-1])
    with pytest.raises(ColornbError, match="data_batch_3.bin has 3,072,999 bytes.*data fetch"):
        datasets.load("cifar10", root=tmp_path)
    file.write_bytes(data[: datasets.RECORD * 10])
    with pytest.raises(ColornbError, match="not 1,000 or more records"):
        datasets.load("cifar10", root=tmp_path)
    file.write_bytes(b"\x0a" + data[1:])
    with pytest.raises(ColornbError, match="data_batch_3.bin has a label over 9.*data fetch"):
        datasets.load("cifar10", root=tmp_path)
    file.unlink()
    with pytest.raises(ColornbError, match="data_batch_3.bin is missing.*data fetch"):
        datasets.load("cifar10", root=tmp_path)


@pytest.mark.fault(
    "hostile",
    "A photograph of cats_dogs that is missing or truncated.",
    "One sentence names it and says what to do.",
)
def test_damaged_cats_dogs(tmp_path):
    file = write_cats_dogs(tmp_path) / "cat-and-dog/test_set/dogs/dog.4001.jpg"
    file.unlink()
    with pytest.raises(ColornbError, match="dog.4001.jpg is missing: unpack"):
        datasets.load("cats_dogs", "test", size=4, root=tmp_path)
    file.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ColornbError, match="dog.4001.jpg (is not a picture|cannot be read)"):
        datasets.load("cats_dogs", "test", size=4, root=tmp_path)


@pytest.mark.fault(
    "hostile",
    "A segmentation of BSDS500 that is cut.",
    "It is refused in one sentence that names the file and the remedy.",
)
def test_damaged_bsds500(tmp_path):
    truth = write_bsds500(tmp_path, "BSDS500") / "BSDS500/groundTruth/val/7.mat"
    truth.write_bytes(truth.read_bytes()[:150])
    with pytest.raises(ColornbError, match="7.mat is missing or damaged.*unpack BSDS500"):
        datasets.load("bsds500", "val", root=tmp_path)


# Archives and downloads


@pytest.fixture(scope="module")
def archive(cifar10, tmp_path_factory):
    file = tmp_path_factory.mktemp("archive") / "cifar-10-binary.tar.gz"
    return file, write_archive(cifar10 / "cifar-10-batches-bin", file)


@pytest.fixture
def server(archive, monkeypatch):
    """The archive served on loopback as if it were the official one."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=archive[0].parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{running.server_port}/{archive[0].name}"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(datasets, "CIFAR10_URL", url)
        monkeypatch.setattr(datasets, "CIFAR10_MD5", archive[1])
        yield
        running.shutdown()


def test_fetch_unpacks_what_load_reads(server, cifar10, tmp_path):
    root = tmp_path / "data"
    assert datasets.fetch("cifar10", root) == root / "cifar-10-batches-bin"
    assert sorted(f.name for f in (root / "cifar-10-batches-bin").iterdir()) == sorted(
        [*BATCHES, "batches.meta.txt"]
    )
    assert {f.name for f in root.iterdir()} == {"cifar-10-batches-bin", "cifar-10-binary.tar.gz"}
    loaded, truth = (datasets.load("cifar10", "test", root=r) for r in (root, cifar10))
    assert loaded.sha256 == truth.sha256


@pytest.mark.fault(
    "hostile",
    "A download that is not what the checksum says.",
    "It is refused in one sentence, and nothing of it stays.",
)
def test_fetch_refuses_a_wrong_checksum(server, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "CIFAR10_MD5", "0" * 32)
    with pytest.raises(ColornbError, match="could not be fetched"):
        datasets.fetch("cifar10", tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


@contextmanager
def serve(monkeypatch, archive, answer):
    """A server on loopback, in the place of the official one, that answers by `answer(handler)`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            answer(self)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        url = f"http://127.0.0.1:{running.server_port}/{archive[0].name}"
        monkeypatch.setattr(datasets, "CIFAR10_URL", url)
        monkeypatch.setattr(datasets, "CIFAR10_MD5", archive[1])
        yield
        running.shutdown()


def answer_with(length, pieces):
    """An answer that announces `length` bytes, or does not say, and sends `pieces`."""

    def answer(handler):
        handler.send_response(200)
        if length is not None:
            handler.send_header("Content-Length", str(length))
        handler.end_headers()
        with suppress(OSError):  # the other side has had enough
            for piece in pieces:
                handler.wfile.write(piece)

    return answer


@pytest.mark.fault(
    "hostile",
    "A download that breaks off in the middle, or whose server is in trouble.",
    "One sentence; no part of it stays, and the next call fetches the whole.",
)
@pytest.mark.parametrize("told", [True, False], ids=["length told", "length not told"])
def test_fetch_that_breaks_off(archive, tmp_path, monkeypatch, told):
    whole = archive[0].read_bytes()
    answer = answer_with(len(whole) if told else None, [whole[: len(whole) // 2]])
    with serve(monkeypatch, archive, answer):
        with pytest.raises(ColornbError, match="could not be fetched.*try again"):
            datasets.fetch("cifar10", tmp_path)
    with serve(monkeypatch, archive, lambda handler: handler.send_error(503)):
        with pytest.raises(ColornbError, match="could not be fetched.*503.*try again"):
            datasets.fetch("cifar10", tmp_path)
    assert list(tmp_path.iterdir()) == []
    with serve(monkeypatch, archive, answer_with(len(whole), [whole])):
        assert len(list(datasets.fetch("cifar10", tmp_path).iterdir())) == len(BATCHES) + 1


@pytest.mark.fault(
    "hostile",
    "A download that never ends.",
    "It is given up in one sentence before it fills the disk; no part of it stays.",
)
@pytest.mark.timeout(60)
def test_fetch_that_never_ends(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "LARGEST", 2**20)
    endless = answer_with(None, itertools.repeat(bytes(2**16)))
    with serve(monkeypatch, archive, endless):
        with pytest.raises(ColornbError, match="it is longer than 1,048,576 bytes.*try again"):
            datasets.fetch("cifar10", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(
    "hostile",
    "A download that is redirected to another place.",
    "What lies there is taken if its checksum is the official one, and refused otherwise.",
)
def test_fetch_that_is_redirected(archive, tmp_path, monkeypatch):
    whole = archive[0].read_bytes()

    def redirect(content):
        def answer(handler):
            if handler.path == "/elsewhere":
                answer_with(len(content), [content])(handler)
                return
            handler.send_response(302)
            handler.send_header("Location", "/elsewhere")
            handler.end_headers()

        return answer

    with serve(monkeypatch, archive, redirect(whole[:-1] + b"?")):
        with pytest.raises(ColornbError, match="could not be fetched"):
            datasets.fetch("cifar10", tmp_path)
    assert list(tmp_path.iterdir()) == []
    with serve(monkeypatch, archive, redirect(whole)):
        assert datasets.fetch("cifar10", tmp_path) == tmp_path / "cifar-10-batches-bin"


@pytest.mark.fault(
    "machine",
    "No network when a data set is fetched.",
    "One sentence: try again, or put the archive there by hand.",
)
def test_fetch_without_a_network(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(datasets, "CIFAR10_URL", "http://127.0.0.1:9/cifar-10-binary.tar.gz")
    with pytest.raises(ColornbError, match="could not be fetched.*try again"):
        datasets.fetch("cifar10", tmp_path)


@pytest.mark.parametrize("name, page", [("cats_dogs", "kaggle.com"), ("bsds500", "berkeley.edu")])
def test_fetch_by_hand_says_where(tmp_path, name, page):
    with pytest.raises(ColornbError, match=f"{page}.*unpack it in {tmp_path}"):
        datasets.fetch(name, tmp_path)


def test_fetch_of_what_needs_none(tmp_path):
    with pytest.raises(ColornbError, match="'photos' needs no download: load it"):
        datasets.fetch("photos", tmp_path)


@pytest.mark.fault(
    "machine",
    "The folder of the data sets is read-only.",
    "Archives are unpacked into the cache; the folder stays as it is.",
)
def test_load_reads_the_archive_of_a_read_only_root(archive, cifar10, monkeypatch):
    monkeypatch.setattr(datasets, "CIFAR10_MD5", archive[1])
    before = sorted(archive[0].parent.iterdir())
    loaded, truth = (datasets.load("cifar10", root=r) for r in (archive[0].parent, cifar10))
    assert loaded.sha256 == truth.sha256
    assert sorted(archive[0].parent.iterdir()) == before  # unpacked into the cache
    monkeypatch.setattr(datasets, "unpack", None)
    assert datasets.load("cifar10", root=archive[0].parent).sha256 == truth.sha256


@pytest.mark.fault(
    "hostile",
    "An archive of CIFAR-10 that is another.",
    "It is refused in one sentence by its checksum.",
)
def test_load_refuses_another_archive(tmp_path):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"something else")
    with pytest.raises(ColornbError, match="has not the official checksum"):
        datasets.load("cifar10", root=tmp_path)


def tar_of(file: Path, *members: tuple[str, bytes | str | dict]) -> Path:
    """Bytes make a file, text makes a symbolic link to it, and a dict any other member."""
    with tarfile.open(file, "w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, dict):
                for key, value in content.items():
                    setattr(member, key, value)
                tar.addfile(member)
            elif isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return file


@pytest.mark.fault(
    "hostile",
    "An archive with paths that lead outside, links, devices, pipes or sparse files.",
    "It is refused in one sentence; nothing is written, neither outside nor inside.",
)
@pytest.mark.parametrize(
    "hostile",
    [
        ("../outside", b"x"),
        ("inside/../../outside", b"x"),
        ("{absolute}/outside", b"x"),
        ("link", "../outside"),
        ("link", "wanted"),
        ("link", {"type": tarfile.LNKTYPE, "linkname": "wanted"}),
        ("link", {"type": tarfile.LNKTYPE, "linkname": "../outside"}),
        ("device", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}),
        ("device", {"type": tarfile.BLKTYPE, "devmajor": 7, "devminor": 0}),
        ("pipe", {"type": tarfile.FIFOTYPE}),
        ("sparse", {"pax_headers": {"GNU.sparse.size": str(2**40), "GNU.sparse.map": "0,0"}}),
    ],
)
def test_hostile_archives_write_nothing(tmp_path, hostile):
    name = hostile[0].format(absolute=tmp_path)
    file = tar_of(tmp_path / "a.tar.gz", ("wanted", b"good"), (name, hostile[1]))
    with pytest.raises(ColornbError, match="a.tar.gz is not safe to unpack"):
        datasets.unpack(file, tmp_path / "target", ["wanted", name])
    assert sorted(f.name for f in tmp_path.rglob("*")) == ["a.tar.gz", "target"]


@pytest.mark.fault(
    "hostile",
    "An archive with files that nobody asked for, or without one that is needed.",
    "Only what is named is unpacked; what is lacking is told in one sentence.",
)
def test_unpack_takes_only_what_is_named(tmp_path):
    file = tar_of(tmp_path / "a.tar.gz", ("d/wanted", b"good"), ("d/other", b"x"))
    datasets.unpack(file, tmp_path / "target", ["d/wanted"])
    assert [f.name for f in (tmp_path / "target").rglob("*") if f.is_file()] == ["wanted"]
    with pytest.raises(ColornbError, match="d/more is not in it"):
        datasets.unpack(file, tmp_path / "target", ["d/more"])


@pytest.mark.fault(
    "hostile",
    "An archive that is truncated or empty.",
    "It is refused in one sentence, and nothing is written.",
)
@pytest.mark.parametrize("length", [0, 20, 10_000])
def test_truncated_archive(tmp_path, length):
    file = tar_of(tmp_path / "a.tar.gz", ("wanted", os.urandom(20_000)))
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(ColornbError, match="a.tar.gz is truncated or damaged"):
        datasets.unpack(file, tmp_path / "target", ["wanted"])
    assert list((tmp_path / "target").iterdir()) == []


@pytest.mark.fault(
    "hostile",
    "An archive that unpacks to gigabytes, in a file or in a header.",
    "It is refused in one sentence before anything is written.",
)
@pytest.mark.parametrize("where", ["file", "other", "header"])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, where, monkeypatch):
    file, bomb = tmp_path / "a.tar.gz", bytes(2**20)
    monkeypatch.setattr(datasets, "LARGEST", len(bomb))
    if where == "header":
        tar_of(file, ("wanted", {"pax_headers": {"comment": "0" * len(bomb)}}))
    else:
        tar_of(file, ("wanted" if where == "file" else "other", bomb))
    assert file.stat().st_size < 10_000
    monkeypatch.setattr(tarfile, "open", None)  # it is not even looked into
    with pytest.raises(ColornbError, match="not safe to unpack .it unpacks to more than 1,048,576"):
        datasets.unpack(file, tmp_path / "target", ["wanted"])
    assert list((tmp_path / "target").iterdir()) == []


# Files of another kind


class Poison:
    """A pickle of it makes who loads it create a file."""

    def __init__(self, canary: Path):
        self.canary = canary

    def __reduce__(self):
        return open, (str(self.canary), "w")


def poisoned(canary: Path, kind: str) -> bytes:
    """Bytes that run code when they are unpickled: as such, as NumPy or torch stores them."""
    file, poison = io.BytesIO(), Poison(canary)
    match kind:
        case "pickle":
            pickle.dump(poison, file)
        case "npy":
            np.save(file, np.array([poison]), allow_pickle=True)
        case "npz":
            np.savez(file, a=np.array([poison]))
        case "torch":
            torch.save(poison, file)
    return file.getvalue()


@pytest.fixture(params=["pickle", "npy", "npz", "torch"])
def poison(request, tmp_path):
    """Bytes that make who unpickles them write a file, after which the test fails."""
    canary = tmp_path / "executed"
    yield poisoned(canary, request.param)
    assert not canary.exists()


@pytest.mark.fault(
    "hostile",
    "A poisoned pickle in place of decoded pictures in the cache.",
    "Nothing of it is executed; the pictures are decoded again.",
)
def test_a_poisoned_cache_is_decoded_again(tmp_path, poison):
    (tmp_path / "photos").mkdir()
    noise().save(tmp_path / "photos" / "a.png")
    load = functools.partial(datasets.load, "folder", "test", root=tmp_path / "photos", size=8)
    expected = load().sha256
    (cache,) = (paths.ROOT / "data" / "cache").iterdir()
    whole = cache.read_bytes()
    cache.write_bytes(poison)
    assert load().sha256 == expected and cache.read_bytes() == whole
    np.save(cache, np.zeros((1, 3, 9, 9), np.uint8))  # another array
    assert load().sha256 == expected and cache.read_bytes() == whole


@pytest.mark.fault(
    "hostile",
    "A poisoned pickle in place of stored features.",
    "Nothing of it is executed; the features are computed again.",
)
def test_poisoned_features_are_computed_again(tmp_path, poison, monkeypatch):
    monkeypatch.setattr(features, "ROOT", tmp_path)
    monkeypatch.setattr(features, "extract", lambda images, *_: images.flatten(1).float())
    images = datasets.load("scenes", "test", size=8, limit=1)
    expected = features.embed(images, "random")
    (stored,) = (tmp_path / "data" / "cache" / "features").iterdir()
    whole = stored.read_bytes()
    stored.write_bytes(poison)
    assert torch.equal(features.embed(images, "random"), expected)
    assert stored.read_bytes() == whole


@pytest.mark.fault(
    "hostile",
    "A poisoned pickle in place of a batch of CIFAR-10, a segmentation of BSDS500 or its archive.",
    "It is refused in one sentence; nothing of it is executed.",
)
def test_poisoned_data_are_refused(tmp_path, poison):
    batch = write_cifar10(tmp_path) / "data_batch_1.bin"
    batch.write_bytes(poison)
    truth = write_bsds500(tmp_path, "BSDS500") / "BSDS500/groundTruth/val/7.mat"
    truth.write_bytes(poison)
    for name in ("cifar10", "bsds500"):
        with pytest.raises(ColornbError, match="data_batch_1.bin has|7.mat is missing or damaged"):
            datasets.load(name, "val", size=32, root=tmp_path)
    (tmp_path / "a.tar.gz").write_bytes(poison)
    with pytest.raises(ColornbError, match="a.tar.gz is truncated or damaged"):
        datasets.unpack(tmp_path / "a.tar.gz", tmp_path / "target", ["wanted"])


# Check


@pytest.mark.fault(
    "hostile",
    "Data sets that are missing, damaged, or not those of the published study.",
    "`data check` tells them apart.",
)
def test_check_tells_missing_damaged_and_different(tmp_path):
    write_cats_dogs(tmp_path)
    (write_cifar10(tmp_path) / "test_batch.bin").write_bytes(b"short")
    rows = {name: (status, detail) for name, status, detail in datasets.check(tmp_path)}
    assert {name: status for name, (status, _) in rows.items()} == {
        "cifar10": "damaged",
        "cifar10_jpeg": "missing",
        "cats_dogs": "differs",
        "bsds500": "missing",
    }
    assert "test_batch.bin" in rows["cifar10"][1] and "3,000 files" in rows["cats_dogs"][1]


def real(name: str, folder: str):
    here = bool(REAL) and (Path(REAL) / folder).is_dir()
    return pytest.mark.skipif(not here, reason=f"COLORNB_DATA does not hold {name}")


@real("cifar10", "cifar-10-batches-bin")
def test_real_cifar10():
    rows = {name: status for name, status, _ in datasets.check(REAL)}
    assert rows["cifar10"] == "ok"
    train = datasets.load("cifar10", root=REAL)
    assert train.labels.bincount().min() > 400
    assert train.classes[train.labels[0]] == "frog"  # the famous first picture


@real("cats_dogs", "cat-and-dog")
def test_real_cats_dogs():
    images = datasets.load("cats_dogs", "test", size=32, limit=6, root=REAL)
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1] and images.images.float().std() > 30


@real("bsds500", "BSDS500")
def test_real_bsds500():
    images = datasets.load("bsds500", "test", size=32, limit=3, root=REAL)
    assert all(4 <= len(people) <= 9 for people in images.segmentations)
    assert all(len(np.unique(regions)) > 1 for s in images.segmentations for regions in s)
