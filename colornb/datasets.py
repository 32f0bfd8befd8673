"""The data sets of the study: pictures as uint8 RGB in memory, read from the official layouts.

Folders are looked for under the data root (`colornb.paths.data_root`), which may be read-only;
decoded photographs are kept in `data/cache/`. Cards, terms and layouts: `data/README.md`.
"""

import gzip
import hashlib
import os
import tarfile
import tempfile
import warnings
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from tqdm import tqdm

from colornb import paths
from colornb.errors import ColornbError

MAX_PIXELS = 200_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # one limit, `read_image`'s, instead of Pillow's two
# Only formats that Pillow reads by itself: EPS, for one, would start another program.
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM")

SPLITS = {
    "cifar10": ("train", "val", "test"),
    "cats_dogs": ("train", "val", "test"),
    "bsds500": ("train", "val", "test"),
    "scenes": ("train", "val", "test"),
    "photos": ("test",),
    "folder": ("train", "val", "test"),
}

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
CIFAR10_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
CIFAR10_TRAIN = tuple(f"data_batch_{k}.bin" for k in range(1, 6))
CIFAR10_TEST = ("test_batch.bin",)
RECORD = 1 + 3 * 32 * 32  # a label byte, then the planes R, G, B
RECORDS_USED = 1_000  # of each file: the study's 5,000 and 1,000

# The photographs in scikit-image's wheel that are public domain or CC0.
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "rocket.jpg")

LAYOUT = {
    "cifar10": "cifar-10-batches-bin/ or cifar-10-binary.tar.gz",
    "cats_dogs": "cat-and-dog/training_set/ and cat-and-dog/test_set/",
    "bsds500": "BSDS500/images/ and BSDS500/groundTruth/",
}
BY_HAND = {
    "cats_dogs": (
        "https://www.kaggle.com/datasets/tongpython/cat-and-dog (a Kaggle account is needed)",
        "cat-and-dog",
    ),
    "bsds500": (
        "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz "
        "(no checksum of it is known, so it is not fetched unseen)",
        "",
    ),
}


class _Missing(ColornbError):
    """The data set is not under the data root."""


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
        chosen = index.tolist()

        def pick(values):
            return None if values is None else tuple(values[i] for i in chosen)

        return replace(
            self,
            images=self.images[index],
            labels=self.labels[index],
            ids=pick(self.ids),
            masks=None if self.masks is None else self.masks[index],
            captions=pick(self.captions),
            segmentations=pick(self.segmentations),
        )


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
    cats_dogs. `val` is its end: the last 500 of CIFAR-10's, the last 100 of each of cats and
    dogs. So `train` contains `val`, and EVERY CHOICE (epochs, weights of losses, temperature, a
    variant to feature) must be made on `val` with a model trained with `hold_out=True`, which
    leaves those pictures out (4,500; 1,800). Final models are refitted on the whole of `train`,
    and `test` (1,000; 1,000) is for reporting only. For bsds500 `train` is its 200 training
    images and `val` and `test` are both its 100 validation images: it is only tested on.

    Args:
        name: cifar10, cats_dogs, bsds500, scenes, photos (scikit-image's; `test` only) or
            folder (every file of the folder `root`, whatever the split is called).
        size: side of the square that pictures are squashed to (Lanczos, antialiased); 32 for
            cifar10, 224 for photographs.
        limit: at most the first so many; for cats_dogs cats and dogs in equal parts.
        hold_out: leave the validation pictures out of `train` (cifar10, cats_dogs; the other
            sets keep theirs apart).
        root: data root (default: COLORNB_DATA, else `data/`); for folder, the folder itself.

    Raises:
        ColornbError: unknown name or split, data missing or damaged.
    """
    if name not in SPLITS:
        raise ColornbError(f"Unknown data set {name!r}: choose one of {', '.join(SPLITS)}.")
    if split not in SPLITS[name]:
        known = ", ".join(SPLITS[name])
        raise ColornbError(f"Unknown split {split!r} of {name}: choose one of {known}.")
    for option, value in (("size", size), ("limit", limit)):
        if value is not None and value < 1:
            raise ColornbError(f"{option}={value} is not possible: give 1 or more.")
    if name == "scenes":
        from colornb import scenes

        return scenes.image_set(split, size=size, limit=limit)
    if name == "photos":
        files = _photo_files()[:limit]
        return _image_set(name, split, _decode(files, size or 224), [file.stem for file in files])
    if name == "folder":
        files = _folder_files(root)[:limit]
        return _image_set(name, split, _decode(files, size or 224), [file.name for file in files])
    reader = {"cifar10": _cifar10, "cats_dogs": _cats_dogs, "bsds500": _bsds500}[name]
    return reader(split, size, limit, hold_out, paths.data_root(root))


def fetch(name: str, root: str | Path | None = None) -> Path:
    """Download a data set into the data root, checksum verified; returns its folder.

    Raises:
        ColornbError: the download failed or is not what was expected, or the set has to be
            fetched by hand: the sentence says from where and where to unpack it.
    """
    root = paths.data_root(root)
    if name in BY_HAND:
        page, folder = BY_HAND[name]
        raise ColornbError(
            f"{name} cannot be downloaded for you: get it from {page} and unpack it in "
            f"{root / folder}, then run `colornb data check`."
        )
    if name != "cifar10":
        raise ColornbError(f"{name!r} is not to be fetched: choose cifar10, {', '.join(BY_HAND)}.")
    import pooch

    try:
        root.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(
            CIFAR10_URL,
            known_hash=f"md5:{CIFAR10_MD5}",
            fname=Path(CIFAR10_URL).name,
            path=root,
            progressbar=True,
        )
    except (OSError, ValueError) as error:  # ValueError: wrong checksum
        raise ColornbError(
            f"{CIFAR10_URL} could not be fetched into {root} ({error}): try again, or put the "
            "archive there yourself."
        ) from error
    return _unpack_cifar10(root / Path(CIFAR10_URL).name, root)


def check(root: str | Path | None = None) -> Iterator[tuple[str, str, str]]:
    """Rows (name, status, detail) on the sets of files under the data root.

    The status is "ok", "missing", "damaged" (a file lacks or cannot be read) or "differs"
    (complete, but the bytes used are not those of the published study).
    """
    root = paths.data_root(root)
    for name, (files, read, sha256) in _CHECKS.items():
        digest = hashlib.sha256()
        try:
            found = files(root)
            for file in found:
                digest.update(read(file))
        except _Missing as error:
            yield name, "missing", str(error)
        except (ColornbError, OSError) as error:
            yield name, "damaged", str(error)
        else:
            same = digest.hexdigest() == sha256
            detail = f"{len(found):,} files in {os.path.commonpath(found)}"
            if not same:
                detail += f", whose sha256 {digest.hexdigest()} is not {sha256}"
            yield name, "ok" if same else "differs", detail


def read_image(path: str | Path) -> np.ndarray:
    """A picture file as uint8 (H, W, 3) sRGB, upright.

    EXIF rotation is applied; gray, palette and CMYK become RGB; 16 bits are scaled to 8;
    transparency is laid on white; of an animation the first frame is taken. An embedded colour
    profile is not applied.

    Raises:
        ColornbError: the file is missing, truncated, no picture, of floating-point or 32-bit
            values, or over 200 megapixels.
    """
    path = Path(path)
    if not path.is_file():
        raise ColornbError(f"{path} is not a file: give the path of a picture.")
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            return np.array(_to_rgb(ImageOps.exif_transpose(image)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ColornbError(
            f"{path} has more than {MAX_PIXELS // 10**6} megapixels: make it smaller first."
        ) from error
    except Image.UnidentifiedImageError as error:
        raise ColornbError(
            f"{path} is not a picture in a known format: remove it or save it as JPEG or PNG."
        ) from error
    except Exception as error:  # Pillow tells a damaged file by a dozen types of exception
        raise ColornbError(
            f"{path} cannot be read ({error}): replace it with a whole picture of 8 or 16 bits."
        ) from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit gray, in one of Pillow's five modes for it
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65_535:
            raise ValueError("32-bit values; 8 or 16 bits are needed")
        image = Image.fromarray(((values * 255 + 32_767) // 65_535).astype(np.uint8))
    elif image.mode == "F":
        raise ValueError("floating-point values; 8 or 16 bits are needed")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _squash(rgb: np.ndarray, size: int) -> np.ndarray:
    """uint8 (H, W, 3) -> (3, size, size), antialiased, the aspect ratio not kept."""
    square = Image.fromarray(rgb).resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(square).transpose(2, 0, 1)


def _decode(files: Sequence[Path], size: int) -> np.ndarray:
    """Picture files -> uint8 (N, 3, size, size)."""
    images = np.empty((len(files), 3, size, size), np.uint8)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # Pillow releases the GIL
        squashed = pool.map(lambda file: _squash(read_image(file), size), files)
        for i, image in enumerate(tqdm(squashed, "decoding", len(files), unit="img", delay=1)):
            images[i] = image
    return images


def _decode_cached(files: Sequence[Path], size: int) -> np.ndarray:
    """`_decode`, kept in `data/cache/` until a file's name, length or date changes."""
    key = hashlib.sha256(f"lanczos {size}".encode())
    for file in files:
        try:
            stat = file.stat()
        except OSError as error:
            raise ColornbError(f"{file} is missing: unpack its archive again.") from error
        key.update(f"\n{file.name} {stat.st_size} {stat.st_mtime_ns}".encode())
    cached = paths.ROOT / "data" / "cache" / f"{key.hexdigest()[:32]}.npy"
    try:
        images = np.load(cached, allow_pickle=False)
        if images.shape == (len(files), 3, size, size) and images.dtype == np.uint8:
            return images
    except (OSError, ValueError, EOFError):
        pass  # not there yet, or damaged: decode
    images = _decode(files, size)
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
            np.save(Path(folder) / "images.npy", images, allow_pickle=False)
            os.replace(Path(folder) / "images.npy", cached)
    except OSError as error:
        warnings.warn(f"{cached} could not be kept ({error}); the next load decodes again")
    return images


def _image_set(name, split, images, ids, labels=None, classes=("photograph",), **extra):
    labels = np.zeros(len(ids), np.int64) if labels is None else np.asarray(labels, np.int64)
    images = torch.from_numpy(np.ascontiguousarray(images))
    return ImageSet(name, split, images, torch.from_numpy(labels), classes, tuple(ids), **extra)


def _part(split: str, count: int, held: int, hold_out: bool) -> slice:
    """Which of `count` training pictures a split takes, the last `held` being `val`."""
    if split == "val":
        return slice(count - held, count)
    return slice(count - held if split == "train" and hold_out else count)


def _missing(name: str, root: Path) -> _Missing:
    how = "tells how to get it" if name in BY_HAND else "fetches it"
    return _Missing(
        f"{name} is not in {root}: `colornb data fetch {name}` {how}, or set COLORNB_DATA to a "
        f"folder that holds {LAYOUT[name]}."
    )


# CIFAR-10


def _cifar10(split, size, limit, hold_out, root) -> ImageSet:
    names = CIFAR10_TEST if split == "test" else CIFAR10_TRAIN
    folder = _cifar10_folder(root)
    part = _part(split, len(names) * RECORDS_USED, 500, hold_out)
    records = np.concatenate([_cifar10_records(folder / name) for name in names])[part][:limit]
    ids = [f"{Path(name).stem}/{i}" for name in names for i in range(RECORDS_USED)][part][:limit]
    images = records[:, 1:].reshape(-1, 3, 32, 32)
    if size not in (None, 32):
        images = np.stack([_squash(image.transpose(1, 2, 0), size) for image in images])
    return _image_set("cifar10", split, images, ids, records[:, 0], CIFAR10_CLASSES)


def _cifar10_folder(root: Path) -> Path:
    folder = root / "cifar-10-batches-bin"
    if folder.is_dir():
        return folder
    archive = root / Path(CIFAR10_URL).name
    if not archive.is_file():
        raise _missing("cifar10", root)
    unpacked = paths.ROOT / "data" / "cache" / folder.name  # the root may be read-only
    if all((unpacked / name).is_file() for name in CIFAR10_TRAIN + CIFAR10_TEST):
        return unpacked
    return _unpack_cifar10(archive, unpacked.parent)


def _cifar10_files(root: Path) -> list[Path]:
    folder = _cifar10_folder(root)
    return [folder / name for name in CIFAR10_TRAIN + CIFAR10_TEST]


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


def _unpack_cifar10(archive: Path, target: Path) -> Path:
    with archive.open("rb") as file:
        if hashlib.file_digest(file, "md5").hexdigest() != CIFAR10_MD5:
            raise ColornbError(
                f"{archive} has not the official checksum {CIFAR10_MD5}: delete it and run "
                "`colornb data fetch cifar10`."
            )
    names = [f"cifar-10-batches-bin/{name}" for name in CIFAR10_TRAIN + CIFAR10_TEST]
    unpack(archive, target, [*names, "cifar-10-batches-bin/batches.meta.txt"])
    return target / "cifar-10-batches-bin"


def unpack(archive: str | Path, target: str | Path, names: Sequence[str]) -> None:
    """Unpack the files `names` of a tar archive into `target`, and nothing else.

    The archive is read to its end first; the files then appear one by one, each whole.

    Raises:
        ColornbError: the archive is damaged, lacks a name, or holds a link, a device or a path
            that leads outside; nothing is written then.
    """
    target = Path(target)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target) as folder, tarfile.open(archive) as tar:
            members = {}
            for member in tar:
                if not (member.isfile() or member.isdir()) or member.name.startswith("/"):
                    raise tarfile.FilterError(f"{member.name} is a link or an absolute path")
                members[member.name] = tarfile.data_filter(member, folder)
            if missing := [name for name in names if name not in members]:
                raise tarfile.ReadError(f"{missing[0]} is not in it")
            for member in members.values():  # in the archive's order, so gzip never rewinds
                if member.name in names:
                    tar.extract(member, folder, filter="data")
            for name in names:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(Path(folder) / name, target / name)
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
    test = split == "test"
    files, labels = [], []
    for label, animal in enumerate(("cat", "dog")):
        share = None if limit is None else (limit + 1 - label) // 2
        chosen = _cats_dogs_files(root, animal, test)
        chosen = chosen[_part(split, len(chosen), 100, hold_out)][:share]
        files += chosen
        labels += [label] * len(chosen)
    images = _decode_cached(files, size or 224)
    ids = [file.stem for file in files]
    return _image_set("cats_dogs", split, images, ids, labels, ("cat", "dog"))


def _cats_dogs_files(root: Path, animal: str, test: bool) -> list[Path]:
    folder = root / "cat-and-dog" / ("test_set" if test else "training_set")
    if not folder.is_dir():
        raise _missing("cats_dogs", root)
    if (folder / folder.name).is_dir():  # as Kaggle's archive nests it
        folder = folder / folder.name
    numbers = range(4001, 4501) if test else range(1, 1001)
    return [folder / f"{animal}s" / f"{animal}.{number}.jpg" for number in numbers]


# BSDS500


def _bsds500(split, size, limit, hold_out, root) -> ImageSet:
    from scipy.io import loadmat

    size = size or 224
    images, truths = _bsds500_files(root, "train" if split == "train" else "val")
    images, truths = images[:limit], truths[:limit]
    segmentations = []
    for file in truths:
        try:
            people = loadmat(file)["groundTruth"].ravel()
            regions = [person["Segmentation"][0, 0] for person in people]
            segmentations.append(tuple(_nearest(region, size) for region in regions))
        except Exception as error:  # scipy tells a damaged file by many types of exception
            raise ColornbError(
                f"{file} is missing or damaged ({error}): unpack BSDS500 again."
            ) from error
    return _image_set(
        "bsds500",
        split,
        _decode_cached(images, size),
        [file.stem for file in images],
        segmentations=tuple(segmentations),
    )


def _bsds500_files(root: Path, part: str) -> tuple[list[Path], list[Path]]:
    """The images and the ground truth files of `train` or `val`."""
    for base in ("BSDS500", "BSDS500/data", "BSR/BSDS500/data"):
        images = sorted((root / base / "images" / part).glob("*.jpg"))
        if images:
            truth = root / base / "groundTruth" / part
            return images, [truth / f"{image.stem}.mat" for image in images]
    raise _missing("bsds500", root)


def _nearest(regions: np.ndarray, size: int) -> np.ndarray:
    """(H, W) -> uint16 (size, size): the region under the centre of each pixel."""
    rows, columns = (((np.arange(size) + 0.5) * n / size).astype(int) for n in regions.shape)
    return regions[np.ix_(rows, columns)].astype(np.uint16)


# Photographs without a split


def _photo_files() -> list[Path]:
    folder = Path(find_spec("skimage").origin).parent / "data"
    return [folder / name for name in PHOTOS]


def _folder_files(folder: str | Path | None) -> list[Path]:
    if folder is None or not Path(folder).is_dir():
        raise ColornbError(f"{folder} is not a folder: give root= a folder of pictures.")
    files = sorted(f for f in Path(folder).iterdir() if f.is_file() and f.name[0] != ".")
    if not files:
        raise ColornbError(f"{folder} is empty: put pictures (JPEG, PNG, TIFF, ...) into it.")
    return files


# What `check` reads: the files used, how, and the sha256 of their contents one after another.
_CHECKS = {
    "cifar10": (
        _cifar10_files,
        _cifar10_records,
        "25286861667ac9a737c4eecbda33e17b7ba3bb19869556b4428311774c4b496b"),
    "cats_dogs": (
        lambda root: [
            file
            for test in (False, True)
            for animal in ("cat", "dog")
            for file in _cats_dogs_files(root, animal, test)
        ],
        Path.read_bytes,
        "98cff365a01c87792eb5e51eb7c0f1a244d39c2327a7af888afc0c8a36752ecc",
    ),
    "bsds500": (
        lambda root: [
            file
            for part in ("train", "val")
            for files in _bsds500_files(root, part)
            for file in files
        ],
        Path.read_bytes,
        "f49bbdd3f282cd886b1cdc9fac891c0e7c5fc4b4a7a6f634ae6d1ca292af05dd",
    ),
}
