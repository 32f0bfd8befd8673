"""What the chapter on ablations trains, measures and draws."""

import zipfile
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from colornb import cifar10_jpeg, colorize, datasets, figures, naming, paths, scenes, study
from colornb.errors import ColornbError
from colornb.limits import diversity
from colornb.models import create_model, load_weights
from colornb.training import ablations, gan

TRAIN, TEST = (scenes.image_set(split, size=32, limit=8) for split in ("train", "test"))
BASE = {"epochs": 1, "batch_size": 4, "generator_steps": 1, "width": 0.125, "flip": False}
PLAIN = study.parameters("03_gan", "full", "default") | BASE
PHOTOS = study.parameters("02_koalarization", "full", "default")


def variations(factors):
    return {name: changes for found in factors.values() for name, changes in found.items()}


def test_every_variation_differs_from_the_base_and_from_the_others():
    for profile in study.read()["profiles"]:
        base = study.parameters("03_gan", profile, "default")
        photos = study.parameters("02_koalarization", profile, "default")
        for options, factors in (
            (base, ablations.gan_factors(base)),
            (photos, ablations.koalarization_factors(photos, ["none", "random"])),
        ):
            found = [str(changes) for changes in variations(factors).values()]
            assert len(set(found)) == len(found)
            for changes in variations(factors).values():
                assert any(options.get(name) != value for name, value in changes.items())


def test_every_factor_and_variation_has_a_name_in_the_figures():
    found = ablations.gan_factors(PLAIN) | ablations.koalarization_factors(PHOTOS, ["none"])
    for chosen in study.parameters("04_ablations", "cpu", "default")["factors"]:
        assert chosen in found or chosen == "pictures"
    for base, factors in (
        (ablations.GAN, ablations.gan_factors(PLAIN)),
        (ablations.KOALARIZATION, ablations.koalarization_factors(PHOTOS, ["none", "random"])),
    ):
        assert all(f"{base}_{name}" in naming.NAMES for name in variations(factors))
    assert naming.called("gan/short_pictures_2500") == "GAN, 2,500 pictures"
    assert naming.variation("gan/short_many_30000") == "30,000 of the larger set"


UNUSUAL = {
    name: changes
    for name, changes in variations(ablations.gan_factors(PLAIN)).items()
    if {"network_options", "discriminator_options", "schedule"} & set(changes)
}


@pytest.mark.parametrize("changes", UNUSUAL.values(), ids=UNUSUAL)
def test_a_network_with_every_option_trains_and_paints(tmp_path, changes):
    gan.fit(TRAIN, tmp_path, monitor=TEST, **(BASE | changes))
    model, _ = load_weights(tmp_path / "weights.safetensors")
    ab = colorize.predict_ab(model, TEST.images)
    assert ab.shape == (8, 2, 32, 32) and ab.isfinite().all()


def test_a_discriminator_that_sees_ab_alone_does_not_look_at_l():
    blind, seeing = (
        create_model("discriminator", width=0.125, sees_l=k).eval() for k in (False, True)
    )
    lab = torch.rand(2, 3, 32, 32)
    other = torch.cat((1 - lab[:, :1], lab[:, 1:]), dim=1)
    assert torch.equal(blind(lab), blind(other))
    assert not torch.equal(seeing(lab), seeing(other))


@pytest.mark.parametrize("conditional, channels", [(True, 3), (False, 2)])
def test_a_training_asks_for_a_discriminator_with_or_without_l(tmp_path, conditional, channels):
    gan.fit(TRAIN, tmp_path, monitor=TEST, **(BASE | {"conditional": conditional}))
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["discriminator"]
    assert next(iter(state.values())).shape[1] == channels


def test_norms_are_where_they_are_asked_for():
    kinds = {"batch": torch.nn.BatchNorm2d, "instance": torch.nn.InstanceNorm2d}
    for norm in ("batch", "instance", "none"):
        layers = list(create_model("unet", width=0.125, norm=norm).modules())
        for name, kind in kinds.items():
            assert sum(isinstance(one, kind) for one in layers) == (8 if name == norm else 0)
    with pytest.raises(
        ColornbError, match="no norm 'spectral' here; there are: batch, instance, none"
    ):
        create_model("unet", norm="spectral")
    largest = [
        torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
        for layer in create_model("discriminator", width=0.125, norm="spectral").layers
        if isinstance(layer, torch.nn.Conv2d)
    ]
    assert len(largest) == 5 and all(0.5 < value < 1.5 for value in largest)


def test_the_public_codes_decoder_answers_at_half_the_size():
    model = create_model("koalarization", width=0.125, features=0, upsampling="public").eval()
    ab = model(torch.rand(1, 1, 64, 64) * 2 - 1)
    assert ab.shape == (1, 2, 64, 64)
    assert torch.equal(ab[..., ::2, ::2], ab[..., 1::2, 1::2]), "each answer fills four pixels"
    with pytest.raises(ColornbError, match="no decoder bins and public"):
        create_model("koalarization", head="bins", upsampling="public")


def test_answers_that_are_alike_have_no_diversity():
    gray = torch.full((5, 3, 8, 8), 90, dtype=torch.uint8)
    assert np.allclose(diversity.count(gray)["output_diversity"], 0)
    red_and_blue = gray.clone()
    red_and_blue[::2, 0], red_and_blue[1::2, 2] = 255, 255
    assert (diversity.count(red_and_blue)["output_diversity"] > 30).all()


def test_the_interval_of_the_diversity_holds_that_each_picture_counts_twice():
    """Against the spread of its value over many sets of pictures of one colour each."""
    n, rng = 60, np.random.default_rng(0)
    sets = rng.integers(0, 256, size=(200, n, 3, 1, 1), dtype=np.uint8)
    counts = [diversity.count(torch.from_numpy(one))["output_diversity"] for one in sets]
    claimed = np.mean([one.std(ddof=1) / n**0.5 for one in counts])
    assert claimed == pytest.approx(np.std([one.mean() for one in counts]), rel=0.25)


def jpeg(size=32) -> bytes:
    file = BytesIO()
    Image.new("RGB", (size, size), (200, 30, 30)).save(file, "jpeg")
    return file.getvalue()


@pytest.fixture
def zips(tmp_path, monkeypatch):
    """Five archives, the first with pictures 0 and 1, in the data root."""
    folder = tmp_path / "cifar-10-jpeg"
    folder.mkdir()
    for k in range(1, 6):
        with zipfile.ZipFile(folder / f"data_batch_{k}.zip", "w") as archive:
            archive.writestr("0000_3.jpg", jpeg())
            archive.writestr("0001_9.jpg", jpeg())
    monkeypatch.setenv("COLORNB_DATA", str(tmp_path))
    return folder


def test_jpeg_pictures_and_labels(zips):
    found = datasets.load("cifar10_jpeg", limit=2)
    assert found.labels.tolist() == [3, 9] and found.images.shape == (2, 3, 32, 32)
    assert found.ids == ("data_batch_1/0", "data_batch_1/1")
    assert (found.images[:, 0].float().mean() - 200).abs() < 5


@pytest.mark.parametrize(
    ("entry", "content", "told"),
    [
        ("0000_3.jpg", b"no picture", "0000_3.jpg"),
        ("0000_3.jpg", jpeg(64), "64 x 64 pixels"),
        ("0000_3.jpg", bytes(2**17), "unpacks to 131,072 bytes"),
        ("../0000_3.jpg", jpeg(), "it has no picture 0000"),
    ],
)
def test_a_damaged_or_hostile_archive_is_refused(zips, entry, content, told):
    with zipfile.ZipFile(zips / "data_batch_1.zip", "w") as archive:
        archive.writestr(entry, content)
    with pytest.raises(
        ColornbError, match=f"data_batch_1.zip is damaged .*{told}.*put a whole one"
    ):
        datasets.load("cifar10_jpeg", limit=1)


def test_what_is_no_archive_missing_or_no_split(zips):
    (zips / "data_batch_1.zip").write_bytes(b"PK")
    with pytest.raises(ColornbError, match="data_batch_1.zip is damaged"):
        datasets.load("cifar10_jpeg", limit=1)
    (zips / "data_batch_4.zip").unlink()
    with pytest.raises(ColornbError, match="data_batch_4.zip is missing: `colornb data fetch"):
        datasets.load("cifar10_jpeg", limit=1)
    with pytest.raises(ColornbError, match="has the split train, at 32 pixels"):
        datasets.load("cifar10_jpeg", "test")


def test_they_are_made_of_the_official_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10_jpeg, "PICTURES", 3)
    rows = np.random.default_rng(0).integers(80, 120, (5, 3, 1 + 3072), dtype=np.uint8)
    rows[..., 0] = [3, 1, 9]
    for k, batch in enumerate(rows, start=1):
        batch.tofile(tmp_path / f"data_batch_{k}.bin")
    made = cifar10_jpeg.make(tmp_path, tmp_path / "cifar-10-jpeg")
    monkeypatch.setenv("COLORNB_DATA", str(tmp_path))
    found = datasets.load("cifar10_jpeg", limit=3)
    elsewhere = datasets.load("cifar10_jpeg", limit=3, root=tmp_path)
    assert elsewhere.ids == found.ids and torch.equal(elsewhere.images, found.images)
    with pytest.raises(ColornbError, match="nowhere/cifar-10-jpeg/data_batch_1.zip is missing"):
        datasets.load("cifar10_jpeg", limit=3, root=tmp_path / "nowhere")
    assert found.labels.tolist() == [3, 1, 9]
    true = torch.from_numpy(rows[0, :, 1:].reshape(3, 3, 32, 32).astype(int))
    assert 0 < (found.images - true).abs().float().mean() < 12
    assert {name: status for name, status, _ in datasets.check()}["cifar10_jpeg"] == "differs"
    (tmp_path / "data_batch_2.bin").write_bytes(b"short")
    before = (made / "data_batch_1.zip").read_bytes()
    with pytest.raises(ColornbError, match="data_batch_2.bin has not the 3 pictures"):
        cifar10_jpeg.make(tmp_path, made)
    assert (made / "data_batch_1.zip").read_bytes() == before


def test_other_pictures_are_compressed_as_those_of_the_set(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10_jpeg, "PICTURES", 3)
    true = scenes.image_set("train", size=32, limit=3)
    rows = np.zeros((3, 1 + 3072), np.uint8)
    rows[:, 1:] = true.images.reshape(3, -1).numpy()
    for k in range(1, 6):
        rows.tofile(tmp_path / f"data_batch_{k}.bin")
    cifar10_jpeg.make(tmp_path, tmp_path / "cifar-10-jpeg")
    monkeypatch.setenv("COLORNB_DATA", str(tmp_path))
    of_set, made = datasets.load("cifar10_jpeg", limit=3), cifar10_jpeg.as_jpeg(true)
    assert torch.equal(made.images, of_set.images) and not torch.equal(made.images, true.images)
    assert (made.name, made.ids, made.captions) == ("scenes_train_jpeg", true.ids, true.captions)
    assert cifar10_jpeg.as_jpeg(of_set) is of_set


@pytest.mark.skipif(
    not (paths.data_root() / "cifar-10-jpeg").is_dir(), reason="needs the real pictures"
)
def test_the_real_ones_begin_with_those_of_the_protocol():
    found, true = datasets.load("cifar10_jpeg", limit=5000), datasets.load("cifar10")
    assert torch.equal(found.labels, true.labels)
    assert 3 < (found.images.float() - true.images.float()).abs().mean() < 8


def test_a_forest_has_a_line_for_each_variation():
    row = {"difference": 0.1, "low": 0.05, "high": 0.2, "seeds": 1}
    rows = {"no norm": {"kid": row, "mse_rgb": row | {"low": -0.1}}}
    picture = figures.forest({"norm of G": rows, "loss": rows}, ["mse_rgb", "kid"])
    assert picture.mime == "image/svg+xml" and picture.data.count("no norm") == 2


def test_a_difference_far_from_all_others_is_an_arrow_with_its_value():
    rows = {
        f"variation {k}": {"kid": {"difference": d, "low": d - 0.01, "high": d + 0.01, "seeds": 3}}
        for k, d in enumerate([0.01, -0.01, 0.02, 0.0, 5.0])
    }
    picture = figures.forest({"all": rows}, ["kid"])
    assert "+5.0000" in picture.data and "+0.0200" not in picture.data
