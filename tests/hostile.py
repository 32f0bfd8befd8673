"""Picture files of every kind that a folder may hold, made here, with what each one shows."""

import io
import pickle
import struct
import sys
import zipfile
import zlib
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import tifffile
from PIL import Image, ImageCms

from colornb import cli

ROWS, COLUMNS = 16, 24


def _smooth() -> np.ndarray:
    """A picture that lossy formats keep well, and that is another one when it is turned."""
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    return np.stack([40 + 6 * columns, 60 + 9 * rows, 200 - 3 * columns], axis=2).astype(np.uint8)


PICTURE = _smooth()
GRAY = PICTURE[..., 1]
LOSSY = {"jpg": 12, "webp": 12}
"""How far a value of `PICTURE` may be off in a lossy format of best quality."""
EITHER, REFUSED = "right or refused", "refused"
ANYTHING = "anything or refused"
"""Of a file whose pixels have been changed nobody knows what it shows."""


@dataclass(frozen=True)
class File:
    """A file, and what it shows: a picture uint8 (H, W, 3), or None if it shows none.

    Attributes:
        then: what has to happen; "" is that the picture is read.
        near: how far a value may be off.
        says: a part of its refusal, which tells why.
    """

    name: str
    data: bytes
    truth: np.ndarray | None = None
    then: str = ""
    near: int = 0
    says: str = ""


def as_rgb(gray: np.ndarray) -> np.ndarray:
    return np.repeat(gray[..., None], 3, axis=2).astype(np.uint8)


def saved(image: Image.Image | np.ndarray, suffix: str, **options) -> bytes:
    """The bytes of a picture file."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    kind = {"jpg": "JPEG", "tif": "TIFF", "pgm": "PPM", "pbm": "PPM"}.get(suffix, suffix.upper())
    best = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"quality": 100}}.get(kind, {})
    buffer = io.BytesIO()
    image.save(buffer, kind, **(best | options))
    return buffer.getvalue()


def tiff(array: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(shape: tuple[int, int], depth: int, colour: int, pixels: bytes, *before: bytes) -> bytes:
    """A PNG file by hand: `pixels` are all rows, `before` are chunks before them."""
    rows, columns = shape
    line = len(pixels) // rows
    lines = b"".join(b"\0" + pixels[k * line :][:line] for k in range(rows if pixels else 0))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(lines))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + body + chunk(b"IEND", b"")


def _whole() -> dict[str, bytes]:
    """`PICTURE` in every format that is read."""
    colours = Image.fromarray(PICTURE).quantize(256)
    whole = {kind: saved(PICTURE, kind) for kind in ("jpg", "png", "tif", "webp", "bmp", "ppm")}
    packed = saved(PICTURE, "tif", compression="tiff_lzw")
    return whole | {"lzw.tif": packed, "gif": saved(colours, "gif")}


WHOLE = _whole()
FEW_COLOURS = np.asarray(Image.fromarray(PICTURE).quantize(256).convert("RGB"))


def _shows(suffix: str) -> dict:
    """What a file of `WHOLE` shows."""
    return {
        "truth": FEW_COLOURS if suffix == "gif" else PICTURE,
        "near": LOSSY.get(suffix, 0),
    }


def truncated() -> list[File]:
    files = []
    for suffix, data in WHOLE.items():
        for length in {1, 12, 40, *(len(data) * k // 5 for k in range(1, 5)), len(data) - 1}:
            name = f"first-{length}-bytes.{suffix}"
            files.append(File(name, data[:length], then=EITHER, **_shows(suffix)))
    return files


def flipped() -> list[File]:
    files = []
    for suffix, data in WHOLE.items():
        for seed in range(4):
            dice = np.random.default_rng(seed)
            changed = np.frombuffer(data, np.uint8).copy()
            places = dice.integers(len(data), size=1 + 4 * seed)
            changed[places] ^= dice.integers(1, 256, len(places), dtype=np.uint8)
            files.append(File(f"flipped-{seed}.{suffix}", changed.tobytes(), then=ANYTHING))
    return files


class _Trap:
    """Its pickle would write a file."""

    def __reduce__(self):
        return Path.touch, (Path("trapped"),)


def not_pictures() -> list[File]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("picture.png", WHOLE["png"])
    contents = {
        "text.png": b"This is a picture.\n",
        "zip.tif": archive.getvalue(),
        "pickle.jpg": pickle.dumps(_Trap()),
        "drawing.png": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        "page.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "program.png": b"\x7fELF\x02\x01\x01" + bytes(200),
        "document.jpg": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
        "empty.jpg": b"",
        "zeros.png": bytes(5000),
        "noise.webp": np.random.default_rng(0).bytes(5000),
        "only-the-signature.png": b"\x89PNG\r\n\x1a\n",
        "film.webp": b"RIFF\x24\0\0\0AVI LIST" + bytes(24),
        "icon.bmp": b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\0\0\0\0\x16\0\0\0",
    }
    says = dict.fromkeys(("text.png", "postscript.jpg", "empty.jpg"), "save it as JPEG or PNG")
    return [
        File(name, data, then=REFUSED, says=says.get(name, "")) for name, data in contents.items()
    ]


def damaged_inside() -> list[File]:
    """Files of full length whose parts do not fit together."""
    data = WHOLE["png"]
    body = data.index(b"IDAT")
    wrong_sum = bytearray(data)
    wrong_sum[body + 10] ^= 255
    short = png((ROWS, COLUMNS), 8, 2, PICTURE.tobytes()[: ROWS * COLUMNS])
    return [
        File("wrong-checksum.png", bytes(wrong_sum), then=REFUSED),
        File("without-pixels.png", png((9, 9), 8, 2, b""), then=REFUSED),
        File("too-few-pixels.png", short, then=REFUSED),
        File("no-such-depth.png", png((9, 9), 7, 2, bytes(243)), then=REFUSED),
        File("no-height.png", png((1, 9), 8, 2, bytes(27)).replace(
            struct.pack(">II", 9, 1), struct.pack(">II", 9, 0)), then=REFUSED),
        File("palette-missing.png", png((9, 9), 8, 3, bytes(81)), then=ANYTHING),
        File("maximum-0.ppm", b"P6 2 1 0\n" + bytes(6), then=REFUSED),
        File("words-for-numbers.ppm", b"P3 2 1 255\nred green blue 1 2 3\n", then=REFUSED),
    ]  # fmt: skip


def in_disguise() -> list[File]:
    """Whole pictures with the wrong ending or with something behind their end."""
    tail = b"PK\3\4" + bytes(300)
    return [
        File("png-called.jpg", WHOLE["png"], PICTURE),
        File("tiff-called.png", WHOLE["tif"], PICTURE),
        File("without-ending", WHOLE["bmp"], PICTURE),
        File("called.eps", WHOLE["ppm"], PICTURE),
        File("with-a-tail.png", WHOLE["png"] + tail, PICTURE),
        File("with-a-tail.jpg", WHOLE["jpg"] + tail, PICTURE, near=LOSSY["jpg"]),
        File("with-a-tail.bmp", WHOLE["bmp"] + tail, PICTURE),
    ]


def smallest() -> list[File]:
    files = []
    for rows, columns in ((1, 1), (1, 300), (300, 1), (2, 3)):
        truth = np.full((rows, columns, 3), (90, 120, 150), np.uint8)
        for suffix in ("png", "jpg", "tif", "bmp", "webp", "ppm"):
            data, name = saved(truth, suffix), f"{rows}-by-{columns}.{suffix}"
            files.append(File(name, data, truth, near=LOSSY.get(suffix, 0)))
    return files


def of_16_bits() -> list[File]:
    gray, rgb = GRAY.astype(np.uint16) * 257, PICTURE.astype(np.uint16) * 257
    alpha = np.stack([gray, np.full_like(gray, 65_535)], axis=2)
    white = np.stack([gray, np.zeros_like(gray)], axis=2)
    shape = (ROWS, COLUMNS)
    pam = b"P%d 24 16 65535\n"
    return [
        File("gray.png", saved(gray, "png"), as_rgb(GRAY)),
        File("gray.tif", tiff(gray), as_rgb(GRAY)),
        File("gray-big-endian.tif", tiff(gray, byteorder=">"), as_rgb(GRAY)),
        File("gray.pgm", pam % 5 + gray.astype(">u2").tobytes(), as_rgb(GRAY)),
        File("gray-opaque.png", png(shape, 16, 4, alpha.astype(">u2").tobytes()), as_rgb(GRAY)),
        File("gray-transparent.png", png(shape, 16, 4, white.astype(">u2").tobytes()),
             np.full_like(PICTURE, 255)),
        File("colour.png", png(shape, 16, 2, rgb.astype(">u2").tobytes()), PICTURE, near=1),
        File("colour.tif", tiff(rgb, photometric="rgb"), PICTURE, near=1),
        File("colour.ppm", pam % 6 + rgb.astype(">u2").tobytes(), PICTURE, near=1),
    ]  # fmt: skip


def of_few_colours() -> list[File]:
    bits = GRAY > 128
    black = as_rgb(bits * 255)
    palette = Image.fromarray(PICTURE).quantize(16)
    few = np.asarray(palette.convert("RGB"))
    return [
        *(File(f"1-bit.{kind}", saved(bits, kind), black) for kind in ("png", "tif", "bmp", "pbm")),
        File("1-bit-fax.tif", saved(bits, "tif", compression="group4"), black),
        File("2-bits.png", png((1, 4), 2, 0, b"\x1b"), as_rgb(np.array([[0, 85, 170, 255]]))),
        *(File(f"palette.{k}", saved(palette, k), few) for k in ("png", "gif", "tif", "bmp")),
        File("palette-4-bits.png", saved(palette, "png", bits=4), few),
    ]  # fmt: skip


def transparent() -> list[File]:
    """The left half is transparent: white shows there."""
    alpha = np.full((ROWS, COLUMNS, 1), 255, np.uint8)
    alpha[:, : COLUMNS // 2] = 0
    rgba, shape = np.concatenate([PICTURE, alpha], axis=2), (ROWS, COLUMNS)
    truth = np.where(alpha > 0, PICTURE, np.uint8(255))
    la = np.concatenate([GRAY[..., None], alpha], axis=2)
    index = (alpha[..., 0] > 0).astype(np.uint8)
    palette = Image.fromarray(index).convert("P")
    palette.putpalette([9, 9, 9, 10, 200, 30])
    green = np.where(alpha > 0, np.array([10, 200, 30], np.uint8), np.uint8(255))
    halves = [index * 200 + 20] * 3
    two = np.where(index, 220, 255).astype(np.uint8)
    wide = (np.stack(halves, axis=2).astype(">u2") * 257).tobytes()
    key = struct.pack(">H", 20 * 257)
    return [
        *(File(f"rgba.{kind}", saved(rgba, kind), truth) for kind in ("png", "tif")),
        File("rgba.webp", saved(rgba, "webp", lossless=True), truth),
        File("la.png", saved(la, "png"), np.where(alpha > 0, as_rgb(GRAY), np.uint8(255))),
        *(File(f"palette.{k}", saved(palette, k, transparency=0), green) for k in ("png", "gif")),
        File("palette-of-bytes.png", saved(palette, "png", transparency=b"\0\xff"), green),
        File("gray-key.png", png(shape, 8, 0, halves[0].tobytes(), chunk(b"tRNS", b"\0\x14")),
             as_rgb(two)),
        File("colour-key.png", png(shape, 8, 2, np.stack(halves, axis=2).tobytes(),
             chunk(b"tRNS", b"\0\x14" * 3)), as_rgb(two)),
        File("gray-key-16-bits.png", png(shape, 16, 0, (halves[0].astype(">u2") * 257).tobytes(),
             chunk(b"tRNS", key)), as_rgb(two)),
        File("colour-key-16-bits.png", png(shape, 16, 2, wide, chunk(b"tRNS", key * 3)),
             as_rgb(two)),
    ]  # fmt: skip


def of_other_colour_spaces() -> list[File]:
    rgb, near = Image.fromarray(PICTURE), LOSSY["jpg"]
    cmyk = rgb.convert("CMYK")
    # As Adobe's programs store it: inverted, and the first three inks as luma and chroma.
    luma = Image.fromarray(255 - PICTURE).convert("YCbCr")
    black = np.full((ROWS, COLUMNS, 1), 0, np.uint8)
    inks = np.concatenate([255 - np.asarray(luma), black], axis=2)
    ycck = bytearray(saved(Image.frombytes("CMYK", rgb.size, inks.tobytes()), "jpg"))
    ycck[ycck.index(b"Adobe") + 11] = 2
    return [
        File("cmyk.jpg", saved(cmyk, "jpg"), PICTURE, near=near),
        File("ycck.jpg", bytes(ycck), PICTURE, near=near),
        File("cmyk.tif", saved(cmyk, "tif"), PICTURE),
        File("ycbcr.jpg", saved(rgb.convert("YCbCr"), "jpg"), PICTURE, near=near),
        File("ycbcr.tif", saved(rgb.convert("YCbCr"), "tif"), PICTURE, near=3),
        File("rgb.jpg", saved(rgb, "jpg", keep_rgb=True), PICTURE, near=near),
        File("progressive.jpg", saved(rgb, "jpg", progressive=True), PICTURE, near=near),
        File("gray.jpg", saved(GRAY, "jpg"), as_rgb(GRAY), near=near),
    ]  # fmt: skip


TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}
"""EXIF orientation -> how a camera held that way stores an upright picture."""


def turned() -> list[File]:
    files = []
    for number, turn in TURNED.items():
        exif = Image.Exif()
        exif[0x0112] = number
        stored = np.ascontiguousarray(turn(PICTURE))
        for suffix in ("jpg", "png", "webp", "tif"):
            data = saved(stored, suffix, exif=exif)
            name = f"turned-{number}.{suffix}"
            files.append(File(name, data, PICTURE, near=LOSSY.get(suffix, 0)))
    return files


def _tag(number: int, kind: int, count: int, value: bytes) -> bytes:
    """EXIF data of one entry."""
    head = b"Exif\0\0II*\0" + struct.pack("<I", 8)
    return head + struct.pack("<HHHI4sI", 1, number, kind, count, value, 0)


def with_damaged_exif() -> list[File]:
    damaged = {
        "noise": b"Exif\0\0" + np.random.default_rng(0).bytes(60),
        "nothing": b"Exif\0\0",
        "half-an-entry": _tag(0x0112, 3, 1, b"\6\0\0\0")[:20],
        "orientation-0": _tag(0x0112, 3, 1, b"\0\0\0\0"),
        "orientation-9": _tag(0x0112, 3, 1, b"\x09\0\0\0"),
        "orientation-as-text": _tag(0x0112, 2, 4, b"six\0"),
        "orientation-many": _tag(0x0112, 3, 2**31, b"\6\0\0\0"),
        "orientation-far-away": _tag(0x0112, 4, 2, b"\xff\xff\xff\x7f"),
        "no-such-type": _tag(0x0112, 99, 1, b"\6\0\0\0"),
        "circle": b"Exif\0\0II*\0\x08\0\0\0\0\0\x08\0\0\0",
        "no-byte-order": b"Exif\0\0??*\0\x08\0\0\0",
    }
    files = []
    for what, exif in damaged.items():
        for suffix in ("jpg", "png", "webp"):
            data = saved(PICTURE, suffix, exif=exif)
            name = f"{what}.{suffix}"
            files.append(File(name, data, PICTURE, near=LOSSY.get(suffix, 0)))
    # The orientation is whole, another entry is not: the picture is upright all the same.
    exif = _tag(0x0112, 3, 1, b"\6\0\0\0").replace(b"\1\0\x12", b"\2\0\x12")[:-4]
    exif += struct.pack("<HHIII", 0x829A, 5, 9, 0x7FFFFFFF, 0)
    stored = np.ascontiguousarray(TURNED[6](PICTURE))
    files.append(File("other-entry.png", saved(stored, "png", exif=exif), PICTURE))
    return files


def bombs() -> list[File]:
    """Small files that declare more pixels than a memory holds, and none or few of them."""
    jpeg = bytearray(WHOLE["jpg"])
    place = jpeg.index(b"\xff\xc0") + 5
    jpeg[place : place + 4] = b"\xff\xff" * 2
    webp = bytearray(saved(PICTURE, "webp", lossless=True))
    place = webp.index(b"VP8L") + 9
    size = struct.unpack_from("<I", webp, place)[0] & ~0xFFFFFFF | 0xFFFFFFF
    struct.pack_into("<I", webp, place, size)
    bitmap = bytearray(WHOLE["bmp"])
    struct.pack_into("<ii", bitmap, 18, 2**31 - 1, 2**31 - 1)
    tif = WHOLE["tif"]
    for tag, value in ((256, COLUMNS), (257, ROWS)):  # width, height
        place = tif.index(struct.pack("<HHII", tag, 4, 1, value))
        tif = tif[:place] + struct.pack("<HHII", tag, 4, 1, 2**30) + tif[place + 12 :]
    gif = b"GIF89a" + b"\xff\xff" * 2 + b"\x80\0\0" + bytes(6)
    gif += b",\0\0\0\0" + b"\xff\xff" * 2 + b"\0\2\2\x4c\x01\0;"
    text = zlib.compress(bytes(50_000_000))
    return [
        File("squares.png", png((2**31 - 1, 2**31 - 1), 8, 2, b""), then=REFUSED),
        File("16-bits.png", png((65_500, 65_500), 16, 6, b""), then=REFUSED,
             says="more than 200 megapixels"),  # Pillow itself raises at this size
        File("15-thousand.png", png((15_000, 15_000), 8, 2, b""), then=REFUSED,
             says="more than 200 megapixels"),  # and only warns at this one
        File("empty-but-allowed.png", png((14_000, 14_000), 8, 2, b""), then=REFUSED),
        File("one-line.png", png((1, 2**31 - 1), 1, 0, b""), then=REFUSED),
        File("squares.jpg", bytes(jpeg), then=REFUSED),
        File("squares.webp", bytes(webp), then=REFUSED),
        File("squares.bmp", bytes(bitmap), then=REFUSED),
        File("squares.tif", tif, then=REFUSED),
        File("squares.gif", gif, then=REFUSED),
        File("squares.ppm", b"P6 999999999 999999999 255\n" + bytes(9), then=REFUSED),
        File("endless-number.ppm", b"P6 " + b"9" * 10_000 + b" 1 255\n", then=REFUSED),
        File("long-comment.ppm", b"P6 #" + b"x" * 200_000, then=REFUSED),
        File("text.png", png((9, 9), 8, 2, bytes(243), chunk(b"zTXt", b"a\0\0" + text)),
             np.zeros((9, 9, 3), np.uint8), then=EITHER),
        File("profile.png", png((9, 9), 8, 2, bytes(243), chunk(b"iCCP", b"a\0\0" + text)),
             np.zeros((9, 9, 3), np.uint8), then=EITHER),
    ]  # fmt: skip


def with_profile() -> list[File]:
    valid = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    gray = valid[:16] + b"GRAY" + valid[20:]
    noise = np.random.default_rng(0).bytes(999)
    profiles = {"valid": valid, "cut": valid[:50], "noise": noise, "gray": gray}
    return [
        File(f"{what}.{suffix}", saved(PICTURE, suffix, icc_profile=profile), PICTURE,
             near=LOSSY.get(suffix, 0))
        for what, profile in profiles.items()
        for suffix in ("png", "jpg", "tif", "webp")
    ]  # fmt: skip


def of_several_pictures() -> list[File]:
    """The first one is shown."""
    first, other = Image.fromarray(PICTURE), Image.new("RGB", (COLUMNS, ROWS), "red")
    few = Image.fromarray(FEW_COLOURS).quantize(256)
    several = {"save_all": True, "append_images": [other] * 3}
    larger = {"save_all": True, "append_images": [other.resize((90, 50))]}
    return [
        File("film.gif", saved(few, "gif", **several, duration=40), FEW_COLOURS),
        File("film.webp", saved(first, "webp", **several, lossless=True), PICTURE),
        File("film.png", saved(first, "png", **several), PICTURE),
        File("pages.tif", saved(first, "tif", **several), PICTURE),
        File("pages-of-other-sizes.tif", saved(first, "tif", **larger), PICTURE),
        File("cut-film.png", saved(first, "png", **several)[:-90], PICTURE, then=EITHER),
    ]


def of_unknown_range() -> list[File]:
    """Values of which nobody knows which is white."""
    values = GRAY.astype(np.float32) / 255
    return [
        File("float.tif", tiff(values), then=REFUSED, says="floating-point"),
        File("float-nan.tif", tiff(np.full_like(values, np.nan)), then=REFUSED),
        File("float-64.tif", tiff(values.astype(np.float64)), then=REFUSED),
        File("float-colour.tif", tiff(PICTURE / np.float32(255), photometric="rgb"), then=REFUSED),
        File("32-bits.tif", tiff(GRAY.astype(np.int32) << 20), then=REFUSED),
        File("32-bits-below-0.tif", tiff(-GRAY.astype(np.int32)), then=REFUSED),
        File("float.ppm", b"Pf\n24 16\n-1.0\n" + values.tobytes(), then=REFUSED),
    ]


def with_odd_names() -> list[File]:
    names = [
        "two\nlines.png",
        "-o.png",
        "--help.png",
        "  spaces  .png",
        "caf\u00e9 \u65e5\u672c \U0001f3a8.png",
        "\x1b[31mred\x07.png",
        "\u202egnp.png",
        "%s{0}$(touch trapped);`ls`*.png",
        "'\"\\.png",
        "UPPER.PNG",
        "x" * 150 + ".png",
        b"not-utf8-\xff\xfe.png".decode("utf8", "surrogateescape"),
    ]
    return [File(name, WHOLE["png"], PICTURE) for name in names]


KINDS = (
    truncated, flipped, damaged_inside, not_pictures, in_disguise, smallest, of_16_bits,
    of_few_colours, transparent, of_other_colour_spaces, turned, with_damaged_exif, bombs,
    with_profile, of_several_pictures, of_unknown_range, with_odd_names,
)  # fmt: skip


def command(*arguments: object, encoding: str = "utf8") -> tuple[int, str, str]:
    """Exit code, output and errors of `colornb` with these arguments, as on a terminal."""
    streams = [
        io.TextIOWrapper(io.BytesIO(), encoding, errors)
        for errors in ("strict", "backslashreplace")  # as Python opens them
    ]
    with (
        redirect_stdout(streams[0]),
        redirect_stderr(streams[1]),
        patch.object(sys, "argv", ["colornb", *map(str, arguments)]),
    ):
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code
    for stream in streams:
        stream.flush()
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)
    return code, out, err
