"""Pictures of all kinds: each is read right or refused in a sentence, and the batch goes on."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import hostile
import numpy as np
import pytest
import torch
from PIL import Image

from colornb import datasets, models, paths
from colornb.errors import ColornbError
from colornb.images import read_image, squash
from colornb.paths import shown

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")  # as the package does


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    models.save_weights(models.create_model("unet", width=0.125), path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with one good picture; caches go under the test's own folder."""
    monkeypatch.setattr(paths, "ROOT", tmp_path / "project")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.png").write_bytes(hostile.WHOLE["png"])
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def check(folder, weights):
    """Sends a file through everything that reads pictures."""

    def check(file):
        path = folder / file.name
        path.write_bytes(file.data)
        image, refusal = attempt(read_image, path)
        assert_right(file, image, refusal)
        loaded, told = attempt(datasets.load, "folder", "test", root=folder, size=8)
        assert told == refusal
        if image is not None:
            found = loaded.images[loaded.ids.index(file.name)].numpy()
            np.testing.assert_array_equal(found, squash(image, 8))
        goes_on(weights, path, refusal)
        assert path.read_bytes() == file.data and len(list(folder.iterdir())) == 2

    return check


def attempt(read, *arguments, **options):
    """What it gives, and the sentence of its refusal."""
    try:
        return read(*arguments, **options), ""
    except ColornbError as error:
        return None, str(error)


def assert_right(file, image, refusal):
    if refusal:
        assert file.then, "a whole picture"
        assert_one_sentence(refusal, file.name)
        assert file.says in refusal
        return
    assert file.then != hostile.REFUSED
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    if file.truth is not None:
        assert image.shape == file.truth.shape
        assert np.abs(image.astype(int) - file.truth).max() <= file.near


def assert_one_sentence(text, name):
    """It names the file and, after a colon, the remedy; its characters are those of one line."""
    assert shown(name) in text and text.isprintable()
    assert re.search(r": [a-z][^:]+\.$", text) and "Traceback" not in text


def goes_on(weights, path, refusal):
    """The command colorizes the good picture after the other one, and says how it went."""
    out = path.parent.parent / "out"
    code, said, errors = hostile.command(
        "colorize", "-o", out, "--model", weights, "--", path, path.parent / "good.png"
    )
    results = [] if refusal else [out / f"{path.stem}-colorized.png"]
    results.append(out / "good-colorized.png")
    assert sorted(out.iterdir()) == sorted(results)
    for source, result in zip(
        [path, path.parent / "good.png"][-len(results) :], results, strict=True
    ):
        with Image.open(result) as image:
            assert (image.height, image.width, 3) == read_image(source).shape
    failed = 2 - len(results)
    lines = [shown(result) for result in results]
    assert said.splitlines() == [*lines, f"{2 - failed} colorized, {failed} failed."]
    named = (refusal or "").startswith(shown(path))
    problem = [refusal if named else f"{shown(path)}: {refusal}"] if failed else []
    assert [line for line in errors.splitlines() if "photo" not in line] == problem
    assert code == failed


def each(kind):
    return pytest.mark.parametrize("file", kind(), ids=lambda file: file.name)


def test_there_are_more_than_a_hundred_files():
    files = [file for kind in hostile.KINDS for file in kind()]
    assert len({(file.name, file.data) for file in files}) == len(files) > 100


@pytest.mark.fault(
    "picture",
    "The file ends too early, after any number of bytes, in each of the seven formats.",
    "One sentence names the file and what to do; the rest of the batch is colorized.",
)
@each(hostile.truncated)
def test_truncated_files(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "Random bytes of a file are others.",
    "It is read as it now is, or one sentence names it; the batch goes on.",
)
@each(hostile.flipped)
def test_files_with_changed_bytes(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "A file of full length that contradicts itself: a wrong checksum, too few pixels, no height.",
    "One sentence names it; the batch goes on.",
)
@each(hostile.damaged_inside)
def test_files_that_contradict_themselves(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "Something else under a picture's name: text, a zip, a pickle, SVG, EPS, HTML, zeros, nothing.",
    "One sentence names it, nothing in it is executed, and the batch goes on.",
)
@each(hostile.not_pictures)
def test_files_that_are_no_pictures(file, check, folder):
    check(file)
    assert not (folder / "trapped").exists()


@pytest.mark.fault(
    "picture",
    "A picture with another format's ending, with none, or with something behind its end.",
    "It is read right.",
)
@each(hostile.in_disguise)
def test_pictures_in_disguise(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "Pictures of one pixel, one row or one column.",
    "They are read and colorized at their size.",
)
@each(hostile.smallest)
def test_smallest_pictures(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "Pictures of 16 bits, gray and in colour, of either byte order.",
    "Their values are scaled to 8 bits.",
)
@each(hostile.of_16_bits)
def test_pictures_of_16_bits(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "Pictures of 1, 2 and 4 bits, fax pages and palettes.",
    "They are read right.",
)
@each(hostile.of_few_colours)
def test_pictures_of_few_colours(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "Transparent pictures of every kind: RGBA, gray with alpha, palettes, one clear colour.",
    "They are laid on white.",
)
@each(hostile.transparent)
def test_transparent_pictures(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "CMYK as Adobe inverts it, YCCK, YCbCr, gray and progressive files.",
    "They become the RGB that they show.",
)
@each(hostile.of_other_colour_spaces)
def test_pictures_of_other_colour_spaces(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "A camera held in each of the eight ways that EXIF knows.",
    "The picture is upright.",
)
@each(hostile.turned)
def test_turned_pictures(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "EXIF data of noise, cut off, in a circle, or with impossible entries.",
    "The pixels are whole: they are read, as they are stored.",
)
@each(hostile.with_damaged_exif)
def test_pictures_with_damaged_exif_data(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "A small file that declares billions of pixels, or texts that inflate to megabytes.",
    "One sentence names it before memory is taken; the batch goes on.",
)
@each(hostile.bombs)
def test_bombs(file, check):
    check(file)


PEAK = """
import re, sys
from pathlib import Path
from colornb.errors import ColornbError
from colornb.images import read_image

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

read_image(sys.argv[1])
before = peak()
for path in sys.argv[2:]:
    try:
        read_image(path)
    except ColornbError:
        pass
print((peak() - before) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells a process's peak")
@pytest.mark.fault(
    "picture",
    "All of these bombs in one process.",
    "Together they take less than 100 MB.",
)
def test_bombs_take_no_memory(folder):
    files = hostile.bombs()
    for file in files:
        (folder / file.name).write_bytes(file.data)
    read = [sys.executable, "-c", PEAK, "good.png", *(file.name for file in files)]
    done = subprocess.run(read, capture_output=True, text=True)
    assert done.returncode == 0 and int(done.stdout) < 100, done.stderr


@pytest.mark.fault(
    "picture",
    "Colour profiles: that of sRGB, one cut off, noise, one of another number of channels.",
    "The stored values are read as sRGB.",
)
@each(hostile.with_profile)
def test_pictures_with_a_colour_profile(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "Animated GIF, WebP and PNG, and TIFF of several pages, also of different sizes.",
    "The first picture is taken.",
)
@each(hostile.of_several_pictures)
def test_files_of_several_pictures(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "Floating-point and 32-bit values, of which nobody knows which is white.",
    "One sentence names the file and the bits that are needed; the batch goes on.",
)
@each(hostile.of_unknown_range)
def test_pictures_of_unknown_range(file, check):
    check(file)


@pytest.mark.fault(
    "picture",
    "Names with line breaks, leading dashes, quotes, codes for the terminal, or no text at all.",
    "The pictures are colorized; what is printed stays one line for each.",
)
@each(hostile.with_odd_names)
def test_odd_names(file, check, folder):
    check(file)
    assert not (folder / "trapped").exists()


@pytest.mark.fault(
    "picture",
    "A damaged file with such a name.",
    "The sentence about it is one line that any terminal can show.",
)
@each(hostile.with_odd_names)
def test_odd_names_of_damaged_files(file, check):
    check(hostile.File(file.name, b"damaged", then=hostile.REFUSED))


@pytest.mark.fault(
    "picture",
    "A terminal that knows nothing but ASCII, and names that are more.",
    "They are printed with escapes.",
)
def test_a_terminal_of_ascii(folder, weights):
    (folder / "caf\u00e9.png").write_bytes(hostile.WHOLE["png"])
    code, said, _ = hostile.command(
        "colorize", "caf\u00e9.png", "-o", folder / "out", "--model", weights, encoding="ascii"
    )
    assert code == 0 and "caf\\xe9-colorized.png" in said


@pytest.mark.fault(
    "picture",
    "Links to a picture, one behind the other.",
    "The picture is read and the links stay.",
)
def test_links_to_a_picture(folder, weights):
    original = folder.parent / "original.png"
    original.write_bytes(hostile.WHOLE["png"])
    (folder / "link.png").symlink_to(original)
    original.with_name("second").symlink_to(folder / "link.png")
    np.testing.assert_array_equal(read_image(original.with_name("second")), hostile.PICTURE)
    loaded = datasets.load("folder", "test", root=folder, size=8)
    assert loaded.ids == ("good.png", "link.png") and (loaded.images[0] == loaded.images[1]).all()
    goes_on(weights, folder / "link.png", "")
    assert (folder / "link.png").readlink() == original


def refused_everywhere(folder, weights, name):
    """It is refused in one sentence by all that read pictures."""
    _, refusal = attempt(read_image, folder / name)
    assert_one_sentence(refusal, name)
    _, told = attempt(datasets.load, "folder", "test", root=folder, size=8)
    assert_one_sentence(told, name)
    goes_on(weights, folder / name, refusal)


@pytest.mark.fault(
    "picture",
    "Links that lead nowhere, or in a circle.",
    "One sentence names the link; the batch goes on.",
)
@pytest.mark.parametrize("target", ["nowhere.png", "link.png", "link.png/x", "x" * 300])
def test_links_that_lead_nowhere(target, folder, weights):
    (folder / "link.png").symlink_to(target)
    refused_everywhere(folder, weights, "link.png")


@pytest.mark.fault(
    "picture",
    "A pipe, a socket, or a link to a device that never ends.",
    "It is not opened: one sentence names it, and the batch goes on.",
)
@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["pipe", "socket", "zero", "random", "null", "terminal"])
def test_files_that_never_end(kind, folder, weights):
    name = f"{kind}.png"
    if kind == "pipe":
        os.mkfifo(name)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(name)
    else:
        os.symlink(f"/dev/{ {'terminal': 'tty'}.get(kind, kind) }", name)
    refused_everywhere(folder, weights, name)


@pytest.mark.fault(
    "picture",
    "A folder that is called like a picture, or a link to one.",
    "A data set of pictures leaves it out; the command names it in one sentence and goes on.",
)
@pytest.mark.parametrize("link", [False, True])
def test_a_folder_called_like_a_picture(link, folder, weights):
    if link:
        (folder / "x.jpg").symlink_to(folder.parent)
    else:
        (folder / "x.jpg").mkdir()
    _, refusal = attempt(read_image, folder / "x.jpg")
    assert_one_sentence(refusal, "x.jpg")
    assert datasets.load("folder", "test", root=folder, size=8).ids == ("good.png",)
    goes_on(weights, folder / "x.jpg", refusal)


@pytest.mark.fault(
    "picture",
    "Something in the place of a result: a file, a folder, a link that leads nowhere.",
    "It stays as it is; one sentence names it, and the batch goes on.",
)
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_nothing_is_overwritten(kind, folder, weights):
    out = folder.parent / "out"
    taken = out / "first-colorized.png"
    out.mkdir()
    (folder / "first.png").write_bytes(hostile.WHOLE["png"])
    if kind == "file":
        taken.write_bytes(b"mine")
    elif kind == "folder":
        taken.mkdir()
    else:
        taken.symlink_to("nowhere")
    before = os.lstat(taken)
    code, said, problem = hostile.command(
        "colorize", "first.png", "good.png", "-o", out, "--model", weights
    )
    _, summary = said.splitlines()
    assert code == 1 and summary == "1 colorized, 1 failed."
    assert_one_sentence(problem.strip(), taken.name)
    after = os.lstat(taken)
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert {path.name for path in out.iterdir()} == {taken.name, "good-colorized.png"}


@pytest.mark.fault(
    "picture",
    "A name so long that the result's name, or the name itself, is too long for the disk.",
    "One sentence says so; the batch goes on and nothing partial is left.",
)
@pytest.mark.parametrize("length", [200, 240, 250, 5000])
def test_names_too_long(length, folder, weights):
    path = folder / ("x" * length + ".png")
    if length < 255:
        path.write_bytes(hostile.WHOLE["png"])
    out = folder.parent / "out"
    arguments = ("colorize", path, "good.png", "-o", out, "--model", weights)
    code, said, problem = hostile.command(*arguments)
    summary = said.splitlines()[-1]
    assert (code, summary) in ((1, "1 colorized, 1 failed."), (0, "2 colorized, 0 failed."))
    if code:
        assert_one_sentence(problem.strip(), path.name)
        assert length > 255 or "a name too long for the disk" in problem
    else:
        assert length == 200
    assert len(list(out.iterdir())) == 2 - code
