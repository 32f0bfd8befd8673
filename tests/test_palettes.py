"""Palettes of references, and the networks that are told them."""

import numpy as np
import pandas as pd
import pytest
import torch
from test_captions import PLAIN, flat, image_set
from test_film import PICTURES, stir

from colornb import lab, models, painted, palettes, scenes
from colornb.training import referenced

TRAIN, TEST = (scenes.image_set(split, size=32, limit=24) for split in ("train", "test"))


def test_a_palette_is_the_share_of_each_bin():
    images = flat(PLAIN["red"], PLAIN["blue"])
    images[0, :, :8] = images[1, :, :8]  # a quarter of the red one is blue
    found = palettes.palette(images)
    assert found.shape == (2, 313) and torch.allclose(found.sum(1), torch.ones(2))
    red, blue = found[0].argmax(), found[1].argmax()
    assert found[0, red] == 0.75 and found[0, blue] == 0.25 and found[1, blue] == 1
    assert (lab.ab_bins()[blue] - torch.tensor([5.0, -45.0])).abs().max() <= 6


def test_the_place_of_a_colour_does_not_count():
    shuffled = TEST.images.flatten(2)[:, :, torch.randperm(1024)].view_as(TEST.images)
    assert torch.equal(palettes.palette(shuffled), palettes.palette(TEST.images))


def test_a_palette_of_one_colour():
    (share,) = palettes.of_colour((30.0, -20.0))
    assert share.sum() == pytest.approx(1) and (share > 0).all()
    mean = (share[:, None] * lab.ab_bins()).sum(0)
    assert (mean - torch.tensor([30.0, -20.0])).abs().max() < 4
    narrow = palettes.of_colour((30.0, -20.0), spread=5.0)
    assert narrow.max() > share.max()
    a, b = (palettes.of_word("red")[0][:, None] * lab.ab_bins()).sum(0)
    assert a > 30 and b > 20


def test_references_are_of_the_class_or_random_and_follow_from_the_seed():
    same = palettes.references(TEST, TRAIN, "class")
    assert torch.equal(TRAIN.labels[same], TEST.labels)
    either = palettes.references(TEST, TRAIN, "random")
    assert not torch.equal(TRAIN.labels[either], TEST.labels)
    assert torch.equal(same, palettes.references(TEST, TRAIN, "class"))
    assert not torch.equal(same, palettes.references(TEST, TRAIN, "class", seed=1))


def test_choices_and_what_they_see():
    found = palettes.choices(TEST, TRAIN)
    assert list(found) == list(palettes.SEES)
    for one in found.values():
        assert one.shape == (24, 313) and torch.allclose(one.sum(1), torch.ones(24))
    assert torch.equal(found["same_image"], palettes.palette(TEST.images))
    assert torch.allclose(found["mean_palette"][0], palettes.palette(TRAIN.images).mean(0))
    assert torch.equal(found["mean_palette"][0], found["mean_palette"][-1])
    other = palettes.choices(TEST, TRAIN, seed=1)
    moved = [name for name in found if not torch.equal(found[name], other[name])]
    assert moved == ["default", "random", "one_colour"]


def test_the_distance_is_hellingers():
    images = flat(PLAIN["red"], PLAIN["blue"])
    half = images[:1].clone()
    half[:, :, :16] = images[1:, :, :16]
    own = palettes.palette(images)
    assert palettes.count_distance(images, own)["distance"].tolist() == [0, 0]
    assert palettes.count_distance(images, own.flip(0))["distance"].tolist() == [1, 1]
    (found,) = palettes.count_distance(half, own[:1])["distance"]
    assert found == pytest.approx(np.sqrt(1 - np.sqrt(0.5)))
    assert palettes.distance({"distance": np.array(0.3)}) == 0.3


def test_training_mixes_palettes_up_to_a_bound():
    own = palettes.palette(TRAIN.images)
    model = models.create_model("referenced", width=0.125, foreign=0.5)
    torch.manual_seed(0)
    mixed = torch.stack([model._mixed(own) for _ in range(50)])
    untold = (mixed - own.mean(0)).abs().sum(2) < 1e-5
    assert untold.float().mean() == pytest.approx(1 / 8, abs=0.05)
    far = (mixed - own).abs().sum(2)[~untold]
    assert 0 < far.max() <= 0.5 * 2, "two palettes with nothing in common are 2 apart"


def test_a_referenced_network_takes_its_palette():
    red, blue = (palettes.of_word(word).repeat(2, 1) for word in ("red", "blue"))
    new = models.create_model("referenced", width=0.125).eval()
    with torch.no_grad():
        assert torch.equal(new(PICTURES, red), new(PICTURES, blue)), "FiLM is 0 at first"
        model = stir(new)
        one, other = model(PICTURES, red), model(PICTURES, blue)
        mixed = model(PICTURES, torch.stack((red[0], blue[0])))
    assert one.shape == (2, 2, 32, 32) and (one - other).abs().max() > 1e-4
    torch.testing.assert_close(mixed, torch.stack((one[0], other[1])))


def test_a_discriminator_judges_whether_a_picture_goes_with_what_it_is_told():
    judge = stir(models.create_model("discriminator", width=0.125, condition=313))
    pictures = torch.rand(2, 3, 32, 32) * 2 - 1
    told = palettes.of_word("red").repeat(2, 1)
    with torch.no_grad():
        plain = judge(pictures, torch.zeros(2, 313))
        assert plain.shape == (2, 1)
        moved = [judge(pictures, told * share) - plain for share in (1, 4)]
    assert moved[0].abs().max() > 1e-6
    bias = judge.project.bias.detach()
    assert bias.abs().max() > 0  # the product is affine in the roots of what it is told
    torch.testing.assert_close(moved[1], 2 * moved[0], atol=1e-5, rtol=1e-3)
    assert models.create_model("discriminator", width=0.125).project is None


@pytest.fixture(scope="module")
def two_colours():
    """Pictures with the same L, half of them red and half blue."""
    light = scenes.image_set("train", size=32, limit=32).images
    light = lab.uint8_to_lab(light)[:, :1] * 0.3 + 35
    ab = torch.tensor([(40.0, 25.0), (5.0, -40.0)]).repeat(16, 1)[:, :, None, None]
    return image_set(lab.assemble(light, ab.expand(-1, -1, 32, 32)))


def test_training_pulls_towards_the_reference(two_colours, tmp_path):
    options = {"monitor": two_colours, "foreign": 0.0, "seed": 0, "epochs": 150, "width": 0.125}
    referenced.fit(two_colours, tmp_path, **options)
    history = pd.read_csv(tmp_path / "history.csv")
    assert {"discriminator", "generator"} <= set(history)
    own = palettes.palette(two_colours.images)
    means = []
    for word in (0, 1):
        wanted = own[word].repeat(len(own), 1)
        pictures = painted.paint(tmp_path / "weights.safetensors", two_colours, wanted)
        means.append(lab.uint8_to_lab(pictures)[:, 1:].mean((0, 2, 3)))
    red, blue = means
    assert (red - blue > 15).all() and red[0] > 15 and blue[1] < -10
