"""Colour profiles and EXIF data of photographs."""

import struct

import numpy as np
import pytest
from PIL import ExifTags, Image

from colornb.images import read_exif, read_image

SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)
"""Linear sRGB to XYZ under D50, as profiles have it."""
ADOBE = np.array(
    [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
)
"""Adobe RGB (1998), 4.3.6.1, under D50; its gamma is 2.2."""
COLOURS = np.array([[128, 128, 128], [200, 150, 120], [90, 140, 180], [60, 90, 70]], np.uint8)


def fixed(*numbers):
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def icc(space, gamma, primaries=()):
    """An ICC profile (version 2) of a curve and, for RGB, the primaries in XYZ under D50."""
    curve = b"curv" + bytes(4) + struct.pack(">IHH", 1, round(gamma * 256), 0)
    names = ("rTRC", "gTRC", "bTRC") if len(primaries) else ("kTRC",)
    tags = dict.fromkeys(names, curve)
    for name, xyz in zip(("rXYZ", "gXYZ", "bXYZ"), np.transpose(primaries), strict=False):
        tags[name] = b"XYZ " + bytes(4) + fixed(*xyz)
    table, data, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name.encode() + struct.pack(">II", start + len(data), len(content))
        data += content
    header = struct.pack(">II", start + len(data), 0) + b"\x02\x40\0\0mntr" + space + b"XYZ "
    header += bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1, 0.8249)
    return header.ljust(128, b"\0") + table + data


def encode(linear):
    """Linear sRGB in [0, 1] to 0..255."""
    curve = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * curve.clip(0, 1)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_of_adobe_rgb_are_brought_to_srgb(mode, tmp_path):
    profile = icc(b"RGB ", 2.2, ADOBE)
    image = Image.fromarray(COLOURS[None])
    image = image.quantize(4) if mode == "P" else image.convert(mode)
    image.save(tmp_path / "adobe.png", icc_profile=profile)
    linear = (np.asarray(image.convert("RGB"))[0] / 255) ** 2.2 @ ADOBE.T @ np.linalg.inv(SRGB).T
    found = read_image(tmp_path / "adobe.png")[0]
    assert np.abs(found - encode(linear)).max() < 1.5
    assert np.abs(found.astype(int) - COLOURS).max() > 10, "but not the stored values"


@pytest.mark.parametrize("kind", ["L", "LA", "I;16"])
def test_a_linear_gray_picture_becomes_lighter(kind, tmp_path):
    levels = np.array([[20, 60, 128, 250]], np.uint8)
    image = Image.fromarray(levels if kind != "I;16" else levels.astype(np.uint16) * 257)
    image = image.convert("LA") if kind == "LA" else image
    image.save(tmp_path / "linear.png", icc_profile=icc(b"GRAY", 1.0))
    found = read_image(tmp_path / "linear.png")[0]
    assert np.abs(found - encode(levels[0] / 255)[:, None]).max() < 1.5


def test_transparency_is_laid_on_white_after_the_profile(tmp_path):
    image = Image.new("RGBA", (2, 1), (200, 150, 120, 255))
    image.putpixel((1, 0), (200, 150, 120, 0))
    image.save(tmp_path / "clear.png", icc_profile=icc(b"RGB ", 2.2, ADOBE))
    shown, clear = read_image(tmp_path / "clear.png")[0].tolist()
    assert clear == [255, 255, 255] and shown[0] > 205


def camera_data():
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "A camera"
    exif[ExifTags.Base.DateTime] = "2019:07:03 10:11:12"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2019:07:03 10:11:12"}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    return exif


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_exif_data_are_kept_but_for_the_rotation(suffix, tmp_path):
    photo = tmp_path / f"photo.{suffix}"
    Image.fromarray(COLOURS[None]).save(photo, exif=camera_data().tobytes())
    kept = Image.Exif()
    kept.load(read_exif(photo))
    assert dict(kept).keys() == {
        *(ExifTags.Base.Make, ExifTags.Base.DateTime),
        *(ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo),
    }
    assert kept[ExifTags.Base.Make] == "A camera"
    assert kept.get_ifd(ExifTags.IFD.Exif) == {
        ExifTags.Base.DateTimeOriginal: "2019:07:03 10:11:12"
    }
    assert kept.get_ifd(ExifTags.IFD.GPSInfo) == {ExifTags.GPS.GPSLatitudeRef: "N"}


def test_a_picture_without_exif_data_has_none_to_keep(tmp_path):
    Image.fromarray(COLOURS[None]).save(tmp_path / "plain.png")
    assert read_exif(tmp_path / "plain.png") == b""
