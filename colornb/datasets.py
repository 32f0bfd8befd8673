"""The data sets of the study: pictures as uint8 RGB, read from the official layouts.

Folders are looked for under the data root (`colornb.paths.data_root`), which may be read-only;
decoded photographs are kept in `data/cache/`. Cards, terms and layouts: `data/README.md`.
"""

import gzip
import hashlib
import io
import os
import tarfile
import warnings
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from colornb import paths
from colornb.errors import ColornbError, NotWrittenError
from colornb.files import replace_atomically, unfinished
from colornb.images import read_image, squash

MADE = {
    "scenes": "colornb.scenes",
    "cifar10_jpeg": "colornb.cifar10_jpeg",
}
"""Name of a data set -> the module whose `image_set(split, size=..., limit=...)` makes a split."""
NAMES = ("cifar10", "cats_dogs", "bsds500", *MADE, "photos", "folder")

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
CIFAR10_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
CIFAR10_TRAIN = tuple(f"data_batch_{k}.bin" for k in range(1, 6))
CIFAR10_TEST = ("test_batch.bin",)
LARGEST = 2**28  # bytes of an archive, packed or unpacked: CIFAR-10 has 170 and 184 million
RECORD = 1 + 3 * 32 * 32  # a label byte, then the planes R, G, B
RECORDS_USED = 1_000  # of each file: the study's 5,000 and 1,000

# The photographs in scikit-image's wheel that are public domain or CC0.
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "rocket.jpg")

# What the data root must hold.
LAYOUT = {
    "cifar10": "cifar-10-batches-bin/ or cifar-10-binary.tar.gz",
    "cifar10_jpeg": "cifar-10-jpeg/",
    "cats_dogs": "cat-and-dog/training_set/ and cat-and-dog/test_set/",
    "bsds500": "BSDS500/images/ and BSDS500/groundTruth/",
}
# The published study's bytes: of all files that `check` reads, one after another.
SHA256 = {
    "cifar10": "25286861667ac9a737c4eecbda33e17b7ba3bb19869556b4428311774c4b496b",
    "cifar10_jpeg": "3decdea1a4623aabd1c64fd9b8334672a73ef2fcf02a8baacb605744901af017",
    "cats_dogs": "98cff365a01c87792eb5e51eb7c0f1a244d39c2327a7af888afc0c8a36752ecc",
    "bsds500": "f49bbdd3f282cd886b1cdc9fac891c0e7c5fc4b4a7a6f634ae6d1ca292af05dd",
}
# How to come by what is not downloaded.
BY_HAND = {
    "cats_dogs": "https://www.kaggle.com/datasets/tongpython/cat-and-dog (a Kaggle account is "
    "needed) and unpack it in {root}/cat-and-dog",
    "bsds500": "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/"
    "BSR_bsds500.tgz (no checksum of it is known, so it is not fetched unseen) and unpack it in "
    "{root}",
}


class _Missing(ColornbError):
    """The data set is not under the data root."""

    def __init__(self, name: str, root: Path):
        how = "tells how to get it" if name in BY_HAND else "fetches it"
        super().__init__(
            f"{name} is not in {root}: `colornb data fetch {name}` {how}, or set COLORNB_DATA to "
            f"a folder that holds {LAYOUT[name]}."
        )


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Pictures of one split, all of one size, with what is known about them.

    Attributes:
        name, split: as given to `load`.
        images: uint8 (N, 3, H, W), sRGB 0..255.
        labels: int64 (N,), index into `classes`.
        classes: names of the classes.
        ids: a name for each picture, unique within the split.
        masks: uint8 (N, H, W) object masks, for scenes.
        captions: a sentence for each picture, for scenes.
        segmentations: for each picture its human segmentations, each a uint16 (H, W) array of
            region numbers, for bsds500.
    """

    name: str
    split: str
    images: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    masks: torch.Tensor | None = None
    captions: tuple[str, ...] | None = None
    segmentations: tuple[tuple[np.ndarray, ...], ...] | None = None

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the shape, the pixels and the labels."""
        digest = hashlib.sha256(repr(tuple(self.images.shape)).encode())
        for tensor in (self.images, self.labels):
            digest.update(tensor.contiguous().cpu().numpy())
        return digest.hexdigest()

    def subset(self, indices: Sequence[int] | torch.Tensor) -> "ImageSet":
        """The pictures at `indices` (integers, in the order given)."""
        index = torch.as_tensor(indices, dtype=torch.int64, device="cpu")

        def pick(values):
            if isinstance(values, tuple):
                return tuple(values[i] for i in index.tolist())
            return None if values is None else values[index]

        fields = ("images", "labels", "ids", "masks", "captions", "segmentations")
        return replace(self, **{field: pick(getattr(self, field)) for field in fields})


def load(
    name: str,
    split: str = "train",
    *,
    size: int | None = None,
    limit: int | None = None,
    hold_out: bool = False,
    root: str | Path | None = None,
) -> ImageSet:
    """One split of a data set, in memory.

    `train` is the whole training set of the protocol: 5,000 pictures of CIFAR-10, 2,000 of
    cats_dogs. `val` is its end: the last 500; the last 100 cats and 100 dogs. So EVERY CHOICE
    (epochs, weights of losses, temperature, a variant to feature) must be made on `val` with a
    model trained with `hold_out=True`, which leaves `val` out of `train` (4,500; 1,800). Final
    models are refitted on the whole of `train`; `test` (1,000 of each) is for reporting only.
    bsds500 is only tested on, but for chapter 10's edge networks: `train` is its 200 training
    images, `test` its 100 validation images, and so is `val`, on which nothing is chosen.

    Args:
        name: cifar10, cats_dogs, bsds500, one of `MADE`, photos (scikit-image's; `test` only) or
            folder (every file of the folder `root`, whatever the split is called).
        size: side of the square that pictures are squashed to (Lanczos, antialiased); 32 for
            cifar10 and what is made, 224 for photographs.
        limit: at most the first so many; for cats_dogs cats and dogs in equal parts.
        hold_out: leave the validation pictures out of `train` (cifar10, cats_dogs; the other
            sets keep theirs apart).
        root: data root (default: COLORNB_DATA, else `data/`); for folder, the folder itself.

    Raises:
        ColornbError: unknown name or split, data missing or damaged.
    """
    if name not in NAMES:
        raise ColornbError(f"Unknown data set {name!r}: choose one of {', '.join(NAMES)}.")
    splits = ("test",) if name == "photos" else ("train", "val", "test")
    if split not in splits:
        known = ", ".join(splits)
        raise ColornbError(f"Unknown split {split!r} of {name}: choose one of {known}.")
    for option, value in (("size", size), ("limit", limit)):
        if value is not None and value < 1:
            raise ColornbError(f"{option}={value} is not possible: give 1 or more.")
    size = size or (32 if name in ("cifar10", *MADE) else 224)
    if name in MADE:
        files = {"root": root} if name in LAYOUT else {}
        return import_module(MADE[name]).image_set(split, size=size, limit=limit, **files)
    if name in LAYOUT:
        reader = {"cifar10": _cifar10, "cats_dogs": _cats_dogs, "bsds500": _bsds500}[name]
        return reader(split, size, limit, hold_out, paths.data_root(root))
    files = (photo_files() if name == "photos" else folder_files(root))[:limit]
    ids = [file.stem if name == "photos" else file.name for file in files]
    return _image_set(name, split, _decoded(files, size), ids)


def fetch(name: str, root: str | Path | None = None) -> Path:
    """Download a data set into the data root, checksum verified, or make it of one; returns its
    folder.

    Raises:
        ColornbError: the download failed or is not what was expected, or the set has to be
            fetched by hand: the sentence says from where and where to unpack it.
    """
    root = paths.data_root(root)
    if name not in LAYOUT:
        why = "needs no download: load it" if name in NAMES else "is not to be fetched"
        raise ColornbError(f"{name!r} {why}; what can be fetched: {', '.join(LAYOUT)}.")
    if name == "cifar10_jpeg":
        return import_module(MADE[name]).make(fetch("cifar10", root), root / "cifar-10-jpeg")
    if name in BY_HAND:
        raise ColornbError(
            f"{name} cannot be downloaded for you: get it from {BY_HAND[name].format(root=root)}, "
            "then run `colornb data check`."
        )
    import pooch

    def download(url: str, path: str, _) -> None:
        with _Bounded(path, "wb") as file:
            pooch.HTTPDownloader(progressbar=True)(url, file, None)

    archive = root / Path(CIFAR10_URL).name
    try:
        if not _is_cifar10(archive):
            with unfinished(archive) as folder:
                path = pooch.retrieve(
                    CIFAR10_URL, f"md5:{CIFAR10_MD5}", archive.name, folder, downloader=download
                )
                os.replace(path, archive)
    except (OSError, ValueError) as error:  # ValueError: wrong checksum, or too long
        raise ColornbError(
            f"{CIFAR10_URL} could not be fetched into {root} ({error}): try again, or put the "
            "archive there yourself."
        ) from error
    return _unpack_cifar10(archive, root)


class _Bounded(io.FileIO):
    """A file that takes no more than `LARGEST` bytes, whatever a server sends."""

    def write(self, data) -> int:
        if self.tell() + len(data) > LARGEST:
            raise ValueError(f"it is longer than {LARGEST:,} bytes")
        return super().write(data)


def check(root: str | Path | None = None) -> Iterator[tuple[str, str, str]]:
    """Rows (name, status, detail) on the sets of files under the data root.

    The status is "ok", "missing", "damaged" (a file lacks or cannot be read) or "differs"
    (complete, but the bytes used are not those of the published study).
    """
    sources = {
        "cifar10": (_cifar10_files, ("train", "test"), _cifar10_records),
        "cifar10_jpeg": (_cifar10_jpeg_files, ("train",), Path.read_bytes),
        "cats_dogs": (_cats_dogs_files, ("train", "test"), Path.read_bytes),
        "bsds500": (_bsds500_files, ("train", "val"), Path.read_bytes),
    }
    root = paths.data_root(root)
    for name, (files_of, parts, read) in sources.items():
        digest = hashlib.sha256()
        try:
            files = [file for part in parts for file in files_of(root, part)]
            for file in files:
                digest.update(read(file))
        except _Missing as error:
            yield name, "missing", str(error)
        except (ColornbError, OSError) as error:
            yield name, "damaged", str(error)
        else:
            detail, sha256 = f"{len(files):,} files in {os.path.commonpath(files)}", SHA256[name]
            if digest.hexdigest() == sha256:
                yield name, "ok", detail
            else:
                detail += f", whose sha256 {digest.hexdigest()} is not {sha256}"
                yield name, "differs", detail


def _decode(files: Sequence[Path], size: int) -> Iterator[np.ndarray]:
    """Picture files -> uint8 (3, size, size) each, in order; a few dozen wait at most."""
    with (
        ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,  # Pillow releases the GIL
        tqdm(desc="decoding", total=len(files), unit="img", delay=1) as bar,
    ):
        for start in range(0, len(files), 64):
            part = files[start : start + 64]
            for image in pool.map(lambda file: squash(read_image(file), size), part):
                bar.update()
                yield image


def _decoded(files: Sequence[Path], size: int) -> np.ndarray:
    """Picture files -> uint8 (N, 3, size, size), decoded once.

    The array is a file in `data/cache/`, mapped into memory and kept until the name, length or
    date of a picture file changes: a set may be larger than the memory.
    """
    key, shape = hashlib.sha256(f"lanczos {size}".encode()), (len(files), 3, size, size)
    for file in files:
        try:
            stat = file.stat()
        except OSError as error:
            raise ColornbError(
                f"{paths.shown(file)} is missing: unpack its archive again."
            ) from error
        key.update(b"\n%b %d %d" % (os.fsencode(file.name), stat.st_size, stat.st_mtime_ns))
    cached = paths.ROOT / "data" / "cache" / f"{key.hexdigest()[:32]}.npy"

    def save(partial: Path) -> None:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        with partial.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for image in _decode(files, size):
                file.write(image.tobytes())

    for _ in range(2):
        try:  # "c": a change would stay in memory
            found = np.load(cached, mmap_mode="c", allow_pickle=False)
            if isinstance(found, np.memmap) and (found.shape, found.dtype) == (shape, np.uint8):
                return found
        except (OSError, ValueError, EOFError):
            pass  # not there yet, or damaged
        try:
            replace_atomically(cached, save)
        except NotWrittenError as error:
            warnings.warn(f"{error} Until then every load decodes again.", stacklevel=2)
            break
    return np.stack(list(_decode(files, size)))


def _image_set(name, split, images, ids, labels=None, classes=("photograph",), **extra):
    labels = np.zeros(len(ids), np.int64) if labels is None else np.asarray(labels, np.int64)
    images = torch.from_numpy(np.ascontiguousarray(images))
    return ImageSet(name, split, images, torch.from_numpy(labels), classes, tuple(ids), **extra)


def _part(split: str, count: int, held: int, hold_out: bool) -> slice:
    """Which of `count` training pictures a split takes, the last `held` being `val`."""
    if split == "val":
        return slice(count - held, count)
    return slice(count - held if split == "train" and hold_out else count)


# CIFAR-10


def _cifar10(split, size, limit, hold_out, root) -> ImageSet:
    files = _cifar10_files(root, split)
    part = _part(split, len(files) * RECORDS_USED, 500, hold_out)
    records = np.concatenate([_cifar10_records(file) for file in files])[part][:limit]
    ids = [f"{file.stem}/{i}" for file in files for i in range(RECORDS_USED)][part][:limit]
    images = records[:, 1:].reshape(-1, 3, 32, 32)
    if size != 32:
        images = np.stack([squash(image.transpose(1, 2, 0), size) for image in images])
    return _image_set("cifar10", split, images, ids, records[:, 0], CIFAR10_CLASSES)


def _cifar10_files(root: Path, split: str) -> list[Path]:
    """The batch files of a split, unpacked from the archive if only that is there."""
    folder = root / "cifar-10-batches-bin"
    if not folder.is_dir():
        archive = root / Path(CIFAR10_URL).name
        if not archive.is_file():
            raise _Missing("cifar10", root)
        folder = paths.ROOT / "data" / "cache" / folder.name  # the root may be read-only
        if not all((folder / name).is_file() for name in CIFAR10_TRAIN + CIFAR10_TEST):
            _unpack_cifar10(archive, folder.parent)
    return [folder / name for name in (CIFAR10_TEST if split == "test" else CIFAR10_TRAIN)]


def _cifar10_records(path: Path) -> np.ndarray:
    """The first 1,000 records of a batch file: uint8 (1000, 3073)."""
    again = "delete it and run `colornb data fetch cifar10`"
    if not path.is_file():
        raise ColornbError(f"{path} is missing: run `colornb data fetch cifar10`.")
    length = path.stat().st_size
    if length % RECORD or length < RECORDS_USED * RECORD:
        raise ColornbError(
            f"{path} has {length:,} bytes, not {RECORDS_USED:,} or more records of {RECORD:,}: "
            f"{again}."
        )
    records = np.fromfile(path, np.uint8, RECORDS_USED * RECORD).reshape(-1, RECORD)
    if records[:, 0].max() >= len(CIFAR10_CLASSES):
        raise ColornbError(f"{path} has a label over 9, so it is damaged: {again}.")
    return records


def _cifar10_jpeg_files(root: Path, split: str) -> list[Path]:
    folder = root / "cifar-10-jpeg"
    if not folder.is_dir():
        raise _Missing("cifar10_jpeg", root)
    return [folder / Path(name).with_suffix(".zip") for name in CIFAR10_TRAIN]


def _is_cifar10(archive: Path) -> bool:
    """Whether a file is the official archive."""
    if not archive.is_file():
        return False
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest() == CIFAR10_MD5


def _unpack_cifar10(archive: Path, target: Path) -> Path:
    if not _is_cifar10(archive):
        raise ColornbError(
            f"{archive} has not the official checksum {CIFAR10_MD5}: delete it and run "
            "`colornb data fetch cifar10`."
        )
    names = (*CIFAR10_TRAIN, *CIFAR10_TEST, "batches.meta.txt")
    unpack(archive, target, [f"cifar-10-batches-bin/{name}" for name in names])
    return target / "cifar-10-batches-bin"


def unpack(archive: str | Path, target: str | Path, names: Sequence[str]) -> None:
    """Unpack the files `names` of a tar archive into `target`, and nothing else.

    The archive is read to its end first; the files then appear one by one, each whole.

    Raises:
        ColornbError: the archive is damaged, lacks a name, unpacks to more than `LARGEST` bytes,
            or holds a link, a device, a sparse file or a path that leads outside; nothing is
            written then.
    """
    target = Path(target)

    def wanted(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
        if not (member.isfile() or member.isdir()) or member.issparse():
            raise tarfile.FilterError(f"{member.name} is a link, a device or a sparse file")
        if member.name.startswith("/"):
            raise tarfile.FilterError(f"{member.name} is an absolute path")
        member = tarfile.data_filter(member, folder)
        return member if member.name in names else None

    try:
        target.mkdir(parents=True, exist_ok=True)
        with gzip.open(archive) as stream:
            stream.seek(LARGEST)
            if stream.read(1):
                raise tarfile.FilterError(f"it unpacks to more than {LARGEST:,} bytes")
        with unfinished(target / "unpacked") as folder, tarfile.open(archive) as tar:
            tar.extractall(folder, filter=wanted)
            for name in names:
                if not Path(folder, name).is_file():
                    raise tarfile.ReadError(f"{name} is not in it")
            for name in names:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(Path(folder, name), target / name)
    except tarfile.FilterError as error:
        raise ColornbError(
            f"{archive} is not safe to unpack ({error}): delete it and fetch it anew."
        ) from error
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ColornbError(
            f"{archive} is truncated or damaged ({error}): delete it and fetch it anew."
        ) from error
    except OSError as error:
        raise ColornbError(
            f"{archive} could not be unpacked into {target} ({error}): see that the folder is "
            "writable and the disk has room."
        ) from error


# Cats and dogs


def _cats_dogs(split, size, limit, hold_out, root) -> ImageSet:
    found = _cats_dogs_files(root, split)
    each = len(found) // 2
    part = _part(split, each, 100, hold_out)
    cats, dogs = found[:each][part], found[each:][part]
    if limit is not None:
        cats, dogs = cats[: (limit + 1) // 2], dogs[: limit // 2]
    images, ids = _decoded(cats + dogs, size), [file.stem for file in cats + dogs]
    labels = [0] * len(cats) + [1] * len(dogs)
    return _image_set("cats_dogs", split, images, ids, labels, ("cat", "dog"))


def _cats_dogs_files(root: Path, split: str) -> list[Path]:
    """The pictures that a split is made of: cats, then as many dogs."""
    folder = root / "cat-and-dog" / ("test_set" if split == "test" else "training_set")
    if not folder.is_dir():
        raise _Missing("cats_dogs", root)
    if (folder / folder.name).is_dir():  # as Kaggle's archive nests it
        folder = folder / folder.name
    numbers = range(4001, 4501) if split == "test" else range(1, 1001)
    return [folder / f"{kind}s" / f"{kind}.{n}.jpg" for kind in ("cat", "dog") for n in numbers]


# BSDS500


def _bsds500(split, size, limit, hold_out, root) -> ImageSet:
    files = _bsds500_files(root, split)
    photographs, truths = files[: len(files) // 2][:limit], files[len(files) // 2 :][:limit]
    segmentations = tuple(_segmentations(file, size) for file in truths)
    images, ids = _decoded(photographs, size), [file.stem for file in photographs]
    return _image_set("bsds500", split, images, ids, segmentations=segmentations)


def _bsds500_files(root: Path, split: str) -> list[Path]:
    """The photographs of a split, then their ground truth files."""
    part = "train" if split == "train" else "val"
    for base in ("BSDS500", "BSDS500/data", "BSR/BSDS500/data"):
        images = sorted((root / base / "images" / part).glob("*.jpg"))
        if images:
            truth = root / base / "groundTruth" / part
            return images + [truth / f"{image.stem}.mat" for image in images]
    raise _Missing("bsds500", root)


def _segmentations(file: Path, size: int) -> tuple[np.ndarray, ...]:
    """Each person's regions, uint16 (size, size): the number under the centre of each pixel."""
    from scipy.io import loadmat

    def nearest(regions: np.ndarray) -> np.ndarray:
        rows, columns = (((np.arange(size) + 0.5) * n / size).astype(int) for n in regions.shape)
        return regions[np.ix_(rows, columns)].astype(np.uint16)

    try:
        people = loadmat(file)["groundTruth"].ravel()
        return tuple(nearest(person["Segmentation"][0, 0]) for person in people)
    except Exception as error:  # scipy tells a damaged file by many types of exception
        raise ColornbError(
            f"{file} is missing or damaged ({error}): unpack BSDS500 again."
        ) from error


# Photographs without a split


def photo_files() -> list[Path]:
    """scikit-image's photographs."""
    folder = Path(find_spec("skimage").origin).parent / "data"
    return [folder / name for name in PHOTOS]


def folder_files(folder: str | Path | None) -> list[Path]:
    """What lies in a folder, but for other folders and hidden files.

    Raises:
        ColornbError: it is no folder, is empty, or holds what is no file.
    """
    if folder is None or not os.path.isdir(folder):
        raise ColornbError(
            f"{paths.shown(folder)} is not a folder: give root= a folder of pictures."
        )
    found = sorted(path for path in Path(folder).iterdir() if path.name[0] != ".")
    files = [path for path in found if not os.path.isdir(path)]
    if not files:
        raise ColornbError(
            f"{paths.shown(folder)} is empty: put pictures (JPEG, PNG, TIFF, ...) into it."
        )
    for path in files:
        if not os.path.isfile(path):  # a pipe, a device, or a link that leads nowhere
            raise ColornbError(f"{paths.shown(path)} is not a file: remove it from the folder.")
    return files
