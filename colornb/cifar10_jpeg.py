"""All 50,000 training pictures of CIFAR-10, but compressed as JPEG: for the error against the
number of training pictures, and for new pictures to test on; and never without the pictures of the
protocol as JPEG beside them.

The files are `cifar-10-jpeg/data_batch_{1..5}.zip` under the data root; an entry `INDEX_LABEL.jpg`
is the picture at that place of the official batch. `make` writes them.
"""

import re
import zipfile
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from colornb import paths
from colornb.datasets import CIFAR10_CLASSES, CIFAR10_TRAIN, RECORD, RECORDS_USED, ImageSet
from colornb.errors import ColornbError
from colornb.files import replace_atomically

_ENTRY = re.compile(r"(\d{4})_(\d)\.jpg")
_LARGEST = 2**16  # bytes of an entry, unpacked; the largest has 2,300
PICTURES = 10_000
"""In each file."""


def image_set(
    split: str, *, size: int = 32, limit: int | None = None, root: str | Path | None = None
) -> ImageSet:
    """The training pictures, those of the protocol first: the first 1,000 of each batch, in the
    order of `datasets.load("cifar10")`, then the other 9,000 of each. `root` is the data root.

    Raises:
        ColornbError: another split or size, or a file that is missing or damaged.
    """
    if split != "train" or size != 32:
        raise ColornbError("cifar10_jpeg has the split train, at 32 pixels: test on cifar10.")
    folder = paths.data_root(root) / "cifar-10-jpeg"
    files = [folder / f"data_batch_{k}.zip" for k in range(1, 6)]
    for file in files:
        if not file.is_file():
            raise ColornbError(
                f"{file} is missing: `colornb data fetch cifar10_jpeg` makes it, or set "
                "COLORNB_DATA to a folder that holds cifar-10-jpeg/."
            )
    parts = [slice(0, RECORDS_USED), slice(RECORDS_USED, PICTURES)]
    order = [(file, place) for part in parts for file in files for place in range(PICTURES)[part]]
    order = order[:limit]
    images, labels = np.empty((len(order), 3, 32, 32), np.uint8), np.empty(len(order), np.int64)
    entries = {file: _entries(file) for file in dict.fromkeys(file for file, _ in order)}
    with tqdm(desc="decoding", total=len(order), unit="img", delay=1) as bar:
        for k, (file, place) in enumerate(order):
            images[k], labels[k] = entries[file](place)
            bar.update()
    ids = tuple(f"{file.stem}/{place}" for file, place in order)
    tensors = torch.from_numpy(images), torch.from_numpy(labels)
    return ImageSet("cifar10_jpeg", split, *tensors, CIFAR10_CLASSES, ids)


def make(batches: Path, folder: Path) -> Path:
    """Writes the files into `folder`, of the official batches in the folder `batches`: with Pillow,
    at its quality of 75, chroma at half the size (4:2:0). Returns `folder`.

    Raises:
        ColornbError: a batch is missing or not whole, or a file cannot be written.
    """
    files = [batches / name for name in CIFAR10_TRAIN]
    for file in files:
        if not file.is_file() or file.stat().st_size != PICTURES * RECORD:
            raise ColornbError(
                f"{file} has not the {PICTURES:,} pictures of the official batch: move the folder "
                "away and run `colornb data fetch cifar10`."
            )
    for file in files:
        replace_atomically(folder / f"{file.stem}.zip", partial(_compress, file))
    return folder


def as_jpeg(images: ImageSet) -> ImageSet:
    """Pictures of any size compressed as `make` does it, with a name of their own, such as
    "cifar10_test_jpeg"; those of `cifar10_jpeg` as they are."""
    if images.name == "cifar10_jpeg":
        return images
    name = f"{images.name}_{images.split}_jpeg"
    return replace(images, name=name, images=compressed(images.images))


def compressed(pictures: Tensor) -> Tensor:
    """Pictures, uint8 (N, 3, H, W), as they come out of the files that `make` writes."""
    files = (BytesIO(_encoded(picture)) for picture in pictures.numpy())
    pixels = np.stack([np.asarray(Image.open(file)) for file in files]).transpose(0, 3, 1, 2)
    return torch.from_numpy(pixels.copy())


def _encoded(picture: np.ndarray) -> bytes:
    """A picture, uint8 (3, H, W), as a JPEG file."""
    file = BytesIO()
    image = Image.fromarray(picture.transpose(1, 2, 0))
    image.save(file, "jpeg", quality=75, subsampling="4:2:0")
    return file.getvalue()


def _compress(batch: Path, target: Path) -> None:
    records = np.fromfile(batch, np.uint8).reshape(-1, RECORD)
    with zipfile.ZipFile(target, "w") as archive:
        for place, record in enumerate(tqdm(records, desc=batch.stem, unit="img", delay=1)):
            file = _encoded(record[1:].reshape(3, 32, 32))
            archive.writestr(f"{place:04d}_{record[0]}.jpg", file)


def _entries(file: Path):
    """What reads the picture at a place of a file: place -> uint8 (3, 32, 32) and its label."""

    def damaged(what: object) -> ColornbError:
        return ColornbError(f"{file} is damaged ({what}): put a whole one in its place.")

    try:
        archive = zipfile.ZipFile(file)
        found = {
            m[1]: (i, int(m[2])) for i in archive.infolist() if (m := _ENTRY.fullmatch(i.filename))
        }
    except (zipfile.BadZipFile, OSError) as error:
        raise damaged(error) from error

    def read(place: int) -> tuple[np.ndarray, int]:
        key = f"{place:04d}"
        if key not in found:
            raise damaged(f"it has no picture {key}")
        info, label = found[key]
        if info.file_size > _LARGEST:
            raise damaged(f"{info.filename} unpacks to {info.file_size:,} bytes")
        try:
            with Image.open(BytesIO(archive.read(info)), formats=["JPEG"]) as image:
                if image.size != (32, 32):
                    raise damaged(f"{info.filename} has {image.width} x {image.height} pixels")
                return np.asarray(image.convert("RGB")).transpose(2, 0, 1), label
        except ColornbError:
            raise
        except Exception as error:  # zipfile and Pillow tell damage by a dozen types of exception
            raise damaged(f"{info.filename}: {error}") from error

    return read
