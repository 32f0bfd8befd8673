"""Colours for batches and for photographs, and the command that gives them."""

import subprocess
import sys
import threading
import warnings
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from skimage.color import rgb2lab
from torch import nn
from typer.testing import CliRunner

import colornb
import colornb.colorize as module
from colornb import cli, features, lab, models, publish, scenes
from colornb.colorize import Wishes, colorize, colorize_files, files_of, predict_ab
from colornb.errors import ColornbError

ODD = (37, 53)  # rows and columns of a photograph


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    return models.create_model("unet", width=0.125).eval()


@pytest.fixture(scope="module")
def koalarization():
    torch.manual_seed(0)
    return models.create_model("koalarization", width=0.125).eval()


@pytest.fixture(scope="module")
def informed():
    torch.manual_seed(0)
    return models.create_model("informed", width=0.125).eval()


@pytest.fixture(scope="module")
def photo():
    """A photograph of middling lightness: colours laid on it stay within the gamut."""
    rows, columns = ODD
    ramp = np.linspace(90, 160, columns, dtype=np.uint8)
    return np.stack([np.tile(ramp + shift, (rows, 1)) for shift in (0, 10, 20)], axis=2)


@pytest.fixture
def weights(tmp_path, unet):
    path = tmp_path / "weights.safetensors"
    models.save_weights(unet, path)
    return path


@pytest.fixture
def photos(tmp_path, photo):
    """A good and a truncated file."""
    good, torn = tmp_path / "good.png", tmp_path / "torn.jpg"
    Image.fromarray(photo).save(good)
    Image.fromarray(photo).save(torn)
    torn.write_bytes(torn.read_bytes()[:300])
    return good, torn


def read(path):
    return np.asarray(Image.open(path))


def test_predicted_ab_has_the_pictures_shape_and_lab_units(unet):
    images = scenes.image_set("test", size=32, limit=5).images
    ab = predict_ab(unet, images, batch_size=2)
    assert ab.shape == (5, 2, 32, 32) and ab.dtype == torch.float32
    light, _ = lab.normalize(lab.rgb_to_lab(lab.to_float(images)))
    with torch.no_grad():
        torch.testing.assert_close(ab, unet(light) * 110, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("size", [32, 40])
def test_a_picture_s_colours_do_not_depend_on_its_batch(koalarization, size):
    images = scenes.image_set("test", size=size, limit=5).images
    vectors = torch.randn(5, 1000, generator=torch.Generator().manual_seed(0))
    whole = predict_ab(koalarization, images, vectors)
    assert whole.shape == (5, 2, size, size)
    apart = predict_ab(koalarization, images, vectors, batch_size=2)
    torch.testing.assert_close(apart, whole, atol=1e-3, rtol=1e-4)
    other = predict_ab(koalarization, images, vectors.flip(0))
    assert (other - whole).abs().max() > 1e-3, "each picture has its own vector"


def test_prediction_sees_nothing_but_lightness(unet):
    images = scenes.image_set("test", size=32, limit=2).images
    gray = lab.assemble(lab.rgb_to_lab(lab.to_float(images))[:, :1], torch.zeros(2, 2, 32, 32))
    difference = (predict_ab(unet, images) - predict_ab(unet, gray)).abs()
    assert difference.mean() < 1, "but for the rounding of the gray picture to 8 bits"


@pytest.mark.parametrize(
    "network, extractor",
    [("unet", "none"), ("koalarization", "random"), ("informed", "random")],
)
def test_colorize_keeps_size_and_lightness(network, extractor, photo, request):
    model = request.getfixturevalue(network)
    colored = colorize(photo, model, extractor=extractor)
    assert colored.shape == (*ODD, 3) and colored.dtype == np.uint8
    before, after = rgb2lab(photo), rgb2lab(colored)
    assert np.abs(after - before)[..., 0].max() < 1
    assert np.abs(after - before)[..., 1:].max() > 2, "but not the colours"


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (33, 32), (2, 5000), (4999, 1)])
def test_colorize_takes_any_size(shape, unet):
    gray = np.random.default_rng(0).integers(80, 160, (*shape, 1), np.uint8).repeat(3, axis=2)
    colored = colorize(gray, unet)
    assert colored.shape == (*shape, 3) and colored.dtype == np.uint8
    assert np.abs(rgb2lab(colored) - rgb2lab(gray))[..., 0].max() < 1


# Chroma at full size


class Linear(nn.Module):
    """A network for which a and b are lines of L: ab / 110 = slope (L / 50 - 1) + offset."""

    size, options = 32, {}

    def __init__(self, slope, offset=(0.1, -0.1)):
        super().__init__()
        self.slope, self.offset = (
            nn.Parameter(torch.tensor(pair).view(1, 2, 1, 1)) for pair in (slope, offset)
        )

    def forward(self, l):
        return self.slope * l + self.offset


def on_pixels(image):
    """uint8 (H, W, 3) as Lab (1, 3, H, W)."""
    return lab.rgb_to_lab(lab.to_float(torch.tensor(image).permute(2, 0, 1)[None]))


def plain(image, model, size=32):
    """Chroma brought to full size without regard to L."""
    ab = predict_ab(model, torch.tensor(module.squash(image, size))[None])
    return lab.assemble(on_pixels(image)[:, :1], ab)[0].permute(1, 2, 0).numpy()


def test_colours_follow_an_edge_between_the_networks_pixels():
    image = np.full((190, 210, 3), 90, np.uint8)
    image[:, 83:] = 190
    model = Linear(slope=(0.3, 0.2))
    with torch.no_grad():
        truth = model(on_pixels(image)[:, :1] / 50 - 1) * 110

    def error(picture):
        near = slice(83 - 13, 83 + 13)  # two of the network's pixels to each side
        return (on_pixels(picture)[:, 1:] - truth)[..., near].abs().mean()

    assert error(colorize(image, model)) < 0.5 * error(plain(image, model))


def test_texture_of_l_puts_none_into_flat_colours():
    image = np.random.default_rng(0).integers(70, 180, (90, 110, 1), np.uint8).repeat(3, axis=2)
    model = Linear(slope=(0.0, 0.0))
    assert np.abs(colorize(image, model).astype(int) - plain(image, model)).max() <= 1


@pytest.mark.parametrize("shape", [(32, 32), (32, 7), (20, 31)])
def test_a_photograph_within_the_networks_size_gets_the_plain_prediction(shape, unet):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    np.testing.assert_array_equal(colorize(image, unet), plain(image, unet))


def test_so_does_one_without_finer_detail(unet, photo):
    assert np.abs(colorize(photo, unet).astype(int) - plain(photo, unet)).max() <= 2


@pytest.mark.parametrize("shape", [(61, 97), (97, 61), (1, 200)])
def test_strips_give_the_same_picture_as_the_whole(shape, unet, monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    whole = colorize(image, unet)
    for pixels in (1000, max(shape)):  # some rows, and one
        monkeypatch.setattr(module, "_STRIP", pixels)
        np.testing.assert_array_equal(colorize(image, unet), whole)
    monkeypatch.setattr(module, "_STRIP", 40)  # less than a row: strips may run along columns
    assert np.abs(colorize(image, unet).astype(int) - whole).max() <= 1


# Files


@pytest.mark.fault(
    "picture",
    "A truncated, a missing and a repeated file among good ones.",
    "Each is told in a sentence, the others are colorized, and no result is overwritten.",
)
def test_a_bad_file_does_not_stop_the_others_and_nothing_is_overwritten(
    tmp_path, weights, photos, photo
):
    good, torn = photos
    target = tmp_path / "new" / "colored"
    found = list(colorize_files([torn, good, tmp_path / "none.png", good], target, weights))
    assert [source for source, _, _ in found] == [torn, good, tmp_path / "none.png", good]
    expected = [None, [target / "good-colorized.png"], None, None]
    assert [written for _, written, _ in found] == expected
    problems = [problem for _, _, problem in found]
    assert "torn.jpg cannot be read" in problems[0] and problems[1] == ""
    assert "none.png is not a file" in problems[2]
    assert problems[3].endswith("exists already: move it away or choose another folder.")
    assert [path.name for path in target.iterdir()] == ["good-colorized.png"]
    assert read(target / "good-colorized.png").shape == photo.shape


@pytest.fixture
def numbered(tmp_path, photo):
    paths = [tmp_path / f"{k}.png" for k in range(4)]
    for path in paths:
        Image.fromarray(photo).save(path)
    return paths


def test_reading_and_writing_go_on_meanwhile_one_photograph_apart(
    tmp_path, weights, numbered, monkeypatch
):
    read, painted = ([threading.Event() for _ in numbered] for _ in range(2))
    numbers, last = count(), len(numbered) - 1
    functions = module.read_image, module.colorize, module.create_atomically

    def reading(path):
        k = int(path.stem)
        read[k].set()
        assert k == 0 or painted[k - 1].wait(30), "the one before is painted meanwhile"
        return functions[0](path)

    def painting(*arguments, **options):
        k = next(numbers)
        painted[k].set()
        assert not any(event.is_set() for event in read[k + 2 :]), "no more are in memory"
        return functions[1](*arguments, **options)

    def writing(path, write):
        k = int(path.name[0])
        assert k == last or painted[k + 1].wait(30), "the next one is painted meanwhile"
        return functions[2](path, write)

    monkeypatch.setattr(module, "read_image", reading)
    monkeypatch.setattr(module, "colorize", painting)
    monkeypatch.setattr(module, "create_atomically", writing)
    done = list(colorize_files(numbered, tmp_path / "out", weights))
    assert [source for source, _, _ in done] == numbered
    assert all(np.shape(Image.open(written)) == (*ODD, 3) for _, (written,), _ in done)


@pytest.mark.fault(
    "kill",
    "Ctrl-C during `colornb colorize`.",
    "The pictures that are there are whole, and no thread goes on.",
)
def test_an_interruption_ends_the_threads_and_leaves_whole_files(
    tmp_path, weights, numbered, monkeypatch
):
    painted, original = count(), colorize

    def interrupted(*arguments, **options):
        if next(painted) == 2:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(module, "colorize", interrupted)
    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        list(colorize_files(numbered, tmp_path / "out", weights))
    assert threading.active_count() == threads
    left = {path.name: read(path).shape for path in (tmp_path / "out").iterdir()}
    assert left.pop("0-colorized.png") == (*ODD, 3)
    assert left in ({}, {"1-colorized.png": (*ODD, 3)}), "whole, if its writing had begun"


# A child's `ru_maxrss` begins at the memory of the process that started it; this does not.
PEAK = """
import re, sys
from pathlib import Path
from colornb.colorize import colorize_files

weights, target, *photos = map(Path, sys.argv[1:])
for photo in photos:
    ((_, written, problem),) = colorize_files([photo], target, weights)
    assert written, problem
    print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.fault(
    "picture",
    "A photograph of 12 megapixels.",
    "Colorizing it takes less than 24 bytes a pixel.",
)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells a process's peak")
def test_memory_grows_by_few_bytes_a_pixel(tmp_path, weights):
    photos = [tmp_path / f"{width}.jpg" for width in (40, 4000)]
    for photo in photos:
        width = int(photo.stem)
        Image.linear_gradient("L").resize((width, width * 3 // 4)).convert("RGB").save(photo)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, weights, tmp_path, *photos], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    small, large = map(int, done.stdout.split())
    assert (large - small) * 1024 < 24 * 4000 * 3000, "float32 alone would be 12 bytes a copy"


def test_a_photograph_s_date_and_camera_go_with_it_and_its_rotation_does_not(
    tmp_path, weights, photo
):
    exif = Image.Exif()
    exif[ExifTags.Base.Model], exif[ExifTags.Base.Orientation] = "A camera", 6
    Image.fromarray(photo).save(tmp_path / "turned.jpg", exif=exif)
    ((_, (written,), _),) = colorize_files([tmp_path / "turned.jpg"], tmp_path / "out", weights)
    with Image.open(written) as result:
        assert result.size == ODD, "rows became columns"
        assert dict(result.getexif()) == {ExifTags.Base.Model: "A camera"}


def test_other_weights_and_a_bad_folder_are_told(tmp_path, weights, photos):
    with pytest.raises(ColornbError, match="no model '.*none.safetensors'"):
        list(colorize_files(photos, tmp_path / "out", tmp_path / "none.safetensors"))
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ColornbError, match="is not a weights file of this package"):
        list(colorize_files(photos, tmp_path / "out", weights))
    assert not (tmp_path / "out").exists()


# Wishes


@pytest.fixture(scope="module")
def painters(tmp_path_factory):
    """Weights of a network of each kind, as nonsensical as `stir` leaves them."""
    folder, options = tmp_path_factory.mktemp("painters"), {"width": 0.125}
    networks = {
        "unet": ("unet", options),
        "bins": ("unet", options | {"head": "bins"}),
        "captioned": ("captioned", options),
        "referenced": ("referenced", options),
        "variational": ("variational", options),
        "discriminator": ("discriminator", options),
        "edgenet": ("edgenet", {}),
        "guided": ("informed", options | {"guess": True}),
    }
    for name, (network, chosen) in networks.items():
        model = models.create_model(network, **chosen)
        for layer in model.modules():  # FiLM is 0 at first
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight)
        models.save_weights(model, folder / f"{name}.safetensors")
    return {name: folder / f"{name}.safetensors" for name in networks}


def colorized(weights, photo, target, samples=0, **wishes):
    """The pictures that a photograph became."""
    options = {"samples": samples, "wishes": Wishes(**wishes)}
    ((_, written, problem),) = colorize_files([photo], target, weights, **options)
    assert not problem
    return [read(path) for path in written]


def test_a_network_with_maps_paints_by_what_the_extractor_of_its_file_sees(photos, tmp_path):
    model, painted = models.create_model("informed", width=0.125), []
    for extractor in features.MAPPED:
        path = tmp_path / f"{extractor}.safetensors"
        models.save_weights(model, path, extractor=extractor)
        painted += colorized(path, photos[0], tmp_path / extractor)
    assert (painted[0] != painted[1]).any()


@pytest.mark.parametrize("network", ["bins", "variational"])
def test_samples_are_files_that_differ_and_follow_from_their_number(
    network, painters, photos, tmp_path
):
    three = colorized(painters[network], photos[0], tmp_path / "a", samples=3)
    names = [path.name for path in sorted((tmp_path / "a").iterdir())]
    assert names == [f"good-colorized-{k}.png" for k in (1, 2, 3)]
    assert all((three[k] != three[k - 1]).any() for k in range(3))
    two = colorized(painters[network], photos[0], tmp_path / "b", samples=2)
    np.testing.assert_array_equal(two, three[:2])
    (best,) = colorized(painters[network], photos[0], tmp_path / "c")
    assert all((best != one).any() for one in three)


def test_the_temperature_changes_samples_and_the_best_answer(painters, photos, tmp_path):
    for samples in (0, 1):
        cold, hot = (
            colorized(
                painters["bins"], photos[0], tmp_path / f"{samples}{t}", samples, temperature=t
            )
            for t in (0.1, 2.0)
        )
        assert (cold[0] != hot[0]).any()


def test_a_caption_changes_the_picture(painters, photos, tmp_path):
    told = ["", "a red automobile", "a blue automobile", "an automobile, blue"]
    painted = [
        colorized(painters["captioned"], photos[0], tmp_path / str(k), caption=caption)[0]
        for k, caption in enumerate(told)
    ]
    assert all((painted[k] != painted[k - 1]).any() for k in range(4))


def test_a_reference_of_any_size_changes_the_picture(painters, photos, photo, tmp_path):
    red, blue = (np.full((5, 90, 3), rgb, np.uint8) for rgb in ((200, 40, 30), (30, 60, 200)))
    one, other = (
        colorized(painters["referenced"], photos[0], tmp_path / name, reference=picture)[0]
        for name, picture in (("red", red), ("blue", blue))
    )
    assert one.shape == photo.shape and (one != other).any()


@pytest.mark.fault(
    "setting",
    "A wish that the model cannot fulfil: a caption, a reference, samples, a temperature.",
    "One sentence says which models can; nothing is written.",
)
@pytest.mark.parametrize(
    "network, samples, wishes, told",
    [
        (
            "unet",
            0,
            {"caption": "a red car"},
            "does not take a caption: choose one that does, such as captioned",
        ),
        (
            "unet",
            0,
            {"reference": np.zeros((9, 9, 3), np.uint8)},
            "does not take a reference: .* such as ref",
        ),
        ("unet", 2, {}, "does not take samples: choose .* such as distribution"),
        ("unet", 0, {"temperature": 0.5}, "does not take a temperature: choose"),
        ("variational", 1, {"temperature": 0.5}, "does not take a temperature"),
        ("captioned", 2, {"caption": "a red car"}, "does not take samples"),
        ("captioned", 0, {"caption": "a turquoise car"}, "does not know 'turquoise'"),
        (
            "captioned",
            0,
            {"caption": "赤い車"},
            "'赤い車' has 0 words that can be read: give 1 to 16",
        ),
        ("captioned", 0, {"caption": "red " * 17}, "has 17 words that can be read: give 1 to 16"),
        (None, 2, {"caption": "a red car"}, "No network .* takes a caption and samples at once"),
        ("referenced", 0, {}, "needs a reference picture: give one with --reference"),
        ("discriminator", 0, {}, "This network paints nothing: choose another"),
        ("edgenet", 0, {}, "This network paints nothing: choose another"),
        ("guided", 0, {}, "is told a first guess, which is made from its training pictures"),
    ],
)
def test_what_a_model_cannot_do_is_refused_in_one_sentence(
    network, samples, wishes, told, painters, photos, tmp_path
):
    options = {"samples": samples, "wishes": Wishes(**wishes)}
    with pytest.raises(ColornbError, match=told) as error:
        list(colorize_files(photos, tmp_path / "out", painters.get(network), **options))
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


@pytest.mark.fault(
    "setting",
    "A file in the place of the folder of results.",
    "One sentence names it.",
)
def test_a_file_in_the_place_of_the_folder_is_told(weights, photos):
    with pytest.raises(ColornbError, match="good.png cannot be the folder of results"):
        list(colorize_files(photos, photos[0], weights))


# The command


def invoke(*arguments):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def test_the_command_colorizes_and_sums_up(tmp_path, weights, photos):
    target = tmp_path / "out"
    done = invoke("colorize", *photos, "-o", target, "--model", weights)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "1 colorized, 1 failed."
    assert done.stdout.splitlines()[:-1] == [f"{target}/good-colorized.png"]
    assert "torn.jpg cannot be" in done.stderr and done.stderr.count("torn.jpg") == 1
    written = (target / "good-colorized.png").read_bytes()

    again = invoke("colorize", photos[0], "-o", target, "--model", weights)
    assert again.exit_code == 1 and "exists already" in again.stderr
    assert (target / "good-colorized.png").read_bytes() == written

    good = invoke("colorize", photos[0], "-o", tmp_path / "more", "--model", weights)
    assert good.exit_code == 0 and good.stdout.splitlines()[-1] == "1 colorized, 0 failed."


def test_the_command_takes_a_folder_and_goes_on_where_it_was(tmp_path, weights, photos):
    folder, target = tmp_path / "mine", tmp_path / "out"
    folder.mkdir()
    good, torn = (photo.rename(folder / photo.name) for photo in photos)
    command = ["colorize", folder, "-o", target, "--model", weights, "--skip-existing"]
    done = invoke(*command)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (
        1,
        "1 colorized, 0 there already, 1 failed.",
    )
    first = (target / "good-colorized.png").stat()
    torn.write_bytes(good.read_bytes())
    done = invoke(*command)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "1 colorized, 1 there already, 0 failed."
    assert (target / "good-colorized.png").stat() == first


def test_results_beside_their_photographs_are_not_photographs(tmp_path, weights, photos):
    folder = tmp_path / "mine"
    folder.mkdir()
    photo = photos[0].rename(folder / "good.png")
    command = ["colorize", folder, "-o", folder, "--model", weights, "--skip-existing"]
    names = set()
    for there in (0, 1, 1):
        done = invoke(*command)
        assert (
            done.stdout.splitlines()[-1]
            == f"{1 - there} colorized, {there} there already, 0 failed."
        )
        names |= {path.name for path in folder.glob("*-colorized*")}
    assert names == {"good-colorized.png"}
    other = folder / "other-colorized.png"  # of a photograph that is not here: it may be wanted
    other.write_bytes((folder / "good-colorized.png").read_bytes())
    assert files_of([folder]) == [photo, other]


def test_draws_that_are_missing_are_made_and_the_others_stay(tmp_path, painters, photos):
    weights, target = painters["bins"], tmp_path / "out"
    options = {"samples": 3, "skip_existing": True}
    ((_, written, _),) = colorize_files(photos[:1], target, weights, **options)
    before = [path.read_bytes() for path in written]
    written[1].unlink()
    ((_, again, _),) = colorize_files(photos[:1], target, weights, **options)
    assert again == [written[1]] and [path.read_bytes() for path in written] == before
    written[2].unlink()
    other = photos[0].with_suffix(".jpg")
    Image.new("RGB", (8, 8)).save(other)
    first, second = colorize_files([photos[0], other], target, weights, **options)
    assert first[1] == [written[2]] and second[1] is None and "exists already" in second[2]
    assert [path.read_bytes() for path in written] == before


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    def closed(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", closed)
    with pytest.raises(ColornbError, match=r"cannot be read \(Permission denied\)"):
        files_of([tmp_path])


def test_it_is_told_that_a_result_may_be_that_of_another_photograph_of_its_name(
    tmp_path, weights, photos
):
    other = photos[0].with_suffix(".jpg")
    Image.new("RGB", (8, 8)).save(other)
    command = ["colorize", photos[0], other, "-o", tmp_path / "out", "--model", weights]
    done = invoke(*command, "--skip-existing")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (
        1,
        "1 colorized, 0 there already, 1 failed.",
    )
    assert "good-colorized.png exists already" in done.stderr
    done = invoke(*command, "--skip-existing")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "0 colorized, 2 there already, 0 failed."
    assert "2 photographs called good are passed over" in done.stderr


def test_the_command_leaves_the_exif_data_out_if_told(tmp_path, weights, photo):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a camera"
    Image.fromarray(photo).save(tmp_path / "told.jpg", exif=exif)
    for options, told in (([], "a camera"), (["--no-exif"], None)):
        target = tmp_path / f"out{len(options)}"
        invoke("colorize", tmp_path / "told.jpg", "-o", target, "--model", weights, *options)
        with Image.open(target / "told-colorized.png") as image:
            assert image.getexif().get(ExifTags.Base.Make) == told


def test_the_command_says_its_version_and_is_the_modules():
    assert invoke("--version").stdout == f"colornb {colornb.__version__}\n"
    done = subprocess.run([sys.executable, "-m", "colornb", "--version"], capture_output=True)
    assert done.stdout.decode().strip() == f"colornb {colornb.__version__}"


def test_what_is_no_photograph_is_told(unet, koalarization, photo):
    for wrong in (photo[..., 0], photo.astype(np.float32), photo[..., :2]):
        with pytest.raises(ValueError, match=r"expected uint8 \(H, W, 3\), got"):
            colorize(wrong, unet)
    with pytest.raises(ColornbError, match="told what a classifier sees: name that with extractor"):
        colorize(photo, koalarization)
    fixed = photo.copy()
    fixed.setflags(write=False)  # as `np.asarray` gives a picture of Pillow's
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (colorize(fixed, unet) == colorize(photo, unet)).all()


def test_the_command_takes_wishes(tmp_path, painters, photos):
    good, _ = photos
    for model, *wish in (
        ("bins", "--samples", 2, "--temperature", 0.8),
        ("captioned", "--caption", "a red automobile"),
        ("referenced", "--reference", good),
    ):
        done = invoke("colorize", good, "-o", tmp_path / model, "--model", painters[model], *wish)
        assert done.exit_code == 0, done.stdout
        assert f"{tmp_path}/{model}/good-colorized" in done.stdout
    assert len(list((tmp_path / "bins").iterdir())) == 2


@pytest.mark.fault(
    "setting",
    "A temperature that divides by nothing or is no number, a reference that is not there.",
    "One sentence on the command line, exit code 1, and nothing is written.",
)
@pytest.mark.parametrize(
    "wish, told",
    [
        (["--temperature", "0"], "The temperature must be from 0.001 to 1000, not 0."),
        (["--temperature", "-1"], "The temperature must be from 0.001 to 1000, not -1."),
        (["--temperature", "nan"], "The temperature must be from 0.001 to 1000, not nan."),
        (["--temperature", "1e-40"], "The temperature must be from 0.001 to 1000, not 1e-40."),
        (["--caption", "a red automobile"], "does not take a caption"),
        (["--reference", "none.png"], "none.png is not a file"),
    ],
)
def test_a_wish_that_cannot_be_is_one_sentence(
    wish, told, tmp_path, painters, photos, monkeypatch, capsys
):
    command = ["colorize", photos[0], "-o", tmp_path / "out", "--model", painters["unet"], *wish]
    monkeypatch.setattr(sys, "argv", ["colornb", *map(str, command)])
    with pytest.raises(SystemExit) as exit:
        cli.main()
    said = capsys.readouterr()
    assert exit.value.code == 1 and not (tmp_path / "out").exists()
    assert told in said.err.splitlines()[-1]


@pytest.mark.fault(
    "setting",
    "A billion draws of a photograph.",
    "Refused before memory is taken: one line gives the range, exit code 2.",
)
def test_draws_are_limited(tmp_path, painters, photos):
    command = ["colorize", photos[0], "-o", tmp_path / "out", "--model", painters["bins"]]
    done = invoke(*command, "--samples", 10**9)
    assert done.exit_code == 2 and "--samples" in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "command, told",
    [
        ([], ["colorize", "data", "results"]),
        (
            ["colorize"],
            ["Photographs, gray or in colour", "EXIF", "--model", "--output"]
            + ["--samples", "--temperature", "--caption", "--reference"],
        ),
        (["data"], ["fetch", "check"]),
        (["results"], ["verify", "publish", "ship"]),
    ],
)
def test_help_names_what_there_is(command, told):
    done = invoke(*command, "--help")
    assert done.exit_code == 0
    assert all(text in done.stdout for text in told)


@pytest.mark.fault(
    "setting",
    "COLORNB_DATA names a folder without data.",
    "`colornb data check` says of each set how to get it.",
)
def test_check_of_an_empty_data_folder_says_how_to_get_each_set(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORNB_DATA", str(tmp_path))
    done = invoke("data", "check")
    assert done.exit_code == 0, "nothing there is damaged, and drawn scenes need no data"
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        [name, "missing"] for name in ("cifar10", "cifar10_jpeg", "cats_dogs", "bsds500")
    ]
    assert all(f"`colornb data fetch {line.split()[0]}`" in line for line in lines)


@pytest.mark.fault(
    "setting",
    "An unpacked data set that lacks files.",
    "`colornb data check` names them and ends with 1.",
)
def test_check_fails_on_damaged_data(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORNB_DATA", str(tmp_path))
    (tmp_path / "cifar-10-batches-bin").mkdir()
    done = invoke("data", "check")
    assert done.exit_code == 1
    assert "cifar10      damaged" in done.stdout and "data_batch_1.bin is missing" in done.stdout


def test_verify_says_how_many_files_it_hashed(monkeypatch):
    monkeypatch.setattr(publish, "verify", lambda: 12)
    assert invoke("results", "verify").stdout == "12 published files are as the manifest says.\n"


@pytest.mark.fault(
    "setting",
    "A data set or a profile that there is not, on the command line.",
    "One sentence names what there is; no traceback, exit code 1.",
)
@pytest.mark.parametrize(
    "command, told",
    [
        (["results", "verify"], "The manifest is torn."),
        (
            ["data", "fetch", "mnist"],
            "'mnist' is not to be fetched; what can be fetched: cifar10, ",
        ),
        (["results", "publish", "big"], "There is no profile 'big'; there are: smoke, sample"),
    ],
)
def test_an_error_is_one_sentence(command, told, monkeypatch, capsys):
    def torn():
        raise ColornbError("The manifest is torn.")

    monkeypatch.setattr(publish, "verify", torn)
    monkeypatch.setattr(sys, "argv", ["colornb", *command])
    with pytest.raises(SystemExit) as exit:
        cli.main()
    said = capsys.readouterr()
    assert exit.value.code == 1 and said.out == ""
    assert told in said.err and len(said.err.splitlines()) == 1


def test_the_installed_command_tells_an_error_without_a_traceback():
    program = "from colornb.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "data", "fetch", "bsds500"], capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stdout == ""
    assert "bsds500 cannot be downloaded for you" in done.stderr and "Trace" not in done.stderr


def test_the_front_of_the_package_stays_light():
    program = "import sys, colornb.cli; print(*{'torch', 'timm', 'skimage'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr
