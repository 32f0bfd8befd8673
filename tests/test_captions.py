"""Colour words, captions and their controls, and a network that does as it is told."""

import numpy as np
import pytest
import torch

from colornb import baselines, captions, colorize, lab, scenes
from colornb.captions import COLOURS, LENGTH, VOCABULARY, encode
from colornb.datasets import ImageSet
from colornb.errors import ColornbError
from colornb.training import captioned

# Lab of a colour that everyone would call so.
PLAIN = {
    "red": (50, 60, 40),
    "orange": (65, 30, 55),
    "yellow": (80, 0, 60),
    "green": (55, -40, 30),
    "blue": (45, 5, -45),
    "purple": (45, 40, -35),
    "brown": (35, 14, 25),
    "black": (10, 0, 0),
    "gray": (50, 2, 3),
    "white": (95, 0, 2),
}


def flat(*colours, size=32):
    """One-coloured pictures, uint8 (N, 3, size, size), of Lab colours."""
    pixels = torch.tensor(colours).float()[:, :, None, None].expand(-1, -1, size, size)
    return lab.assemble(pixels[:, :1], pixels[:, 1:])


def everywhere(images):
    return torch.ones(images[:, 0].shape, dtype=torch.bool)


def image_set(images, labels=None, classes=("automobile",)):
    labels = torch.zeros(len(images)).long() if labels is None else labels
    ids = tuple(map(str, range(len(images))))
    return ImageSet("toy", "train", images, labels, classes, ids)


def test_a_plain_colour_has_its_word_and_no_other():
    images = flat(*PLAIN.values())
    assert captions.colour_word(images, everywhere(images)) == list(PLAIN)
    for word in COLOURS:
        shares = captions.in_colour(images, word).float().mean((1, 2))
        assert shares.tolist() == [float(word == other) for other in PLAIN], word


def test_every_pixel_has_exactly_one_word():
    steps = torch.linspace(0, 255, 16).byte()
    cube = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij")).flatten(1)
    images = cube.view(3, 64, 64)[None]
    assert torch.stack([captions.in_colour(images, w) for w in COLOURS]).sum(0).unique() == 1


def test_the_scenes_colours_are_called_by_their_own_words():
    for word, (hue, chroma) in scenes.PALETTE.items():
        ab = chroma * np.cos(np.deg2rad(hue)), chroma * np.sin(np.deg2rad(hue))
        images = flat((90 if word == "white" else 40 if word == "brown" else 60, *ab))
        assert captions.colour_word(images, everywhere(images)) == [word]


def test_a_colour_needs_a_quarter_of_the_pixels():
    images = flat(PLAIN["gray"], PLAIN["gray"])
    red = flat(PLAIN["red"])[0]
    images[0, :, :7], images[1, :, :8] = red[:, :7], red[:, :8]  # of 32 rows
    assert captions.colour_word(images, everywhere(images)) == ["gray", "red"]


def test_the_rule_looks_at_the_centre_and_scenes_have_captions_of_their_own():
    images = flat(PLAIN["blue"])
    images[:, :, 8:24, 8:24] = flat(PLAIN["red"])[:, :, 8:24, 8:24]
    assert (
        captions.by_rule(image_set(images))
        == ["a red automobile"]
        == captions.of(image_set(images))
    )
    drawn = scenes.image_set("test", size=32, limit=6)
    assert captions.of(drawn) == list(drawn.captions) != captions.by_rule(drawn)
    assert [captions.object_colour(c) for c in captions.of(drawn)] == captions.colour_word(
        drawn.images, drawn.masks == scenes.OBJECT
    )


def test_captions_become_numbers_of_words():
    one, other, none = encode(["A red automobile.", "the RED automobile", ""])
    assert torch.equal(one, other) and one.shape == (LENGTH,) and one.dtype == torch.int64
    assert [VOCABULARY[i] for i in one[:3]] == ["", "red", "automobile"][1:] + [""]
    assert none.sum() == 0 and encode([]).shape == (0, LENGTH)
    encode(scenes.image_set("test", size=32, limit=24).captions)
    encode([f"a {word} {name}" for word in COLOURS for name in scenes.CLASSES])


def test_an_unknown_word_is_told_in_one_sentence():
    with pytest.raises(ColornbError, match="does not know 'turquoise'; it knows: .*red") as error:
        encode(["a red car", "a turquoise car"])
    assert "\n" not in str(error.value)


HOUSE = "a white house with a red roof on green grass under a blue sky"


@pytest.mark.parametrize(
    "caption, asked",
    [
        ("a red automobile", "blue automobile"),
        ("an automobile", "blue automobile"),
        ("", "blue"),
        (HOUSE, "blue house with red roof on green grass under blue sky"),
    ],
)
def test_ask_replaces_the_colour_of_the_object(caption, asked):
    assert captions.ask([caption], "blue") == [asked]
    assert captions.object_colour(asked) == "blue"


def test_without_colours_only_things_are_left():
    told = captions.without_colours(
        ["a red automobile", HOUSE, "a tree under a blue and yellow sky"]
    )
    assert told == ["automobile", "house with roof on grass under sky", "tree under sky"]


def test_another_colour_is_another_hue_and_follows_from_the_seed():
    told = captions.other_colour(["a red automobile"] * 200)
    assert {captions.object_colour(c) for c in told} == set(captions.HUES) - {"red"}
    assert told == captions.other_colour(["a red automobile"] * 200)
    assert told != captions.other_colour(["a red automobile"] * 200, seed=1)


def test_training_captions_come_in_three_ways():
    told = captions.to_train_with(["a red automobile", HOUSE])
    assert told.shape == (2, 3, captions.LENGTH)
    assert torch.equal(told[0, 0], captions.encode(["a red automobile"])[0])
    assert torch.equal(told[0, 1], captions.encode(["automobile"])[0])
    assert not told[:, 2].any()


def test_controls_are_of_the_same_pictures():
    own = [f"a {word} {name}" for word in ("red", "blue") for name in ("automobile", "ship")]
    told = captions.tellings(own)
    assert list(told) == list(captions.SEES) and all(len(one) == 4 for one in told.values())
    assert told["own"] == own and sorted(told["shuffled"]) == sorted(own)
    assert told["no_caption"] == [""] * 4
    assert told["class_only"] == ["automobile", "ship"] * 2
    assert all(a != b for a, b in zip(told["wrong_colour"], told["own"], strict=True))


def test_obedience_of_one_that_obeys_and_of_one_that_does_not():
    where = torch.zeros(2, 32, 32, dtype=torch.bool)
    where[:, 8:24, 8:24] = True

    def obey(told):
        words = [captions.object_colour(c) or "gray" for c in told]
        return [flat(*(PLAIN[word] for word in words)), flat(PLAIN["red"], PLAIN["red"])]

    own = ["a white automobile", "a red automobile"]
    counts = captions.count_obedience(obey, own, ["red", "blue"], where)
    assert set(counts) == {"own", "no_caption", "class_only", "wrong_colour"}

    def shares(telling, seed):
        means = {name: values.mean(0) for name, values in counts[telling][seed].items()}
        assert captions.obedience(means) == np.mean(captions.obedience_by_colour(means))
        return captions.obedience_by_colour(means).tolist()

    assert shares("own", 0) == [1, 1] and shares("own", 1) == [1, 0]
    assert shares("wrong_colour", 0) == [0, 0] == shares("no_caption", 0)
    assert shares("class_only", 1) == [1, 0], "red without being asked"
    assert counts["own"][0]["pixels"].tolist() == [[256, 256]] * 2
    assert counts["own"][0]["pixels_inside"].tolist() == [[196, 196]] * 2
    means = {name: values.mean(0) for name, values in counts["own"][0].items()}
    assert captions.obedience_inside(means) == 1
    assert captions.inside(torch.ones(1, 3, 4, dtype=torch.bool)).sum() == 2, "the picture's edge"


@pytest.fixture(scope="module")
def two_colours():
    """Gray squares that are alike, half of them red in truth and half blue; their captions say
    which."""
    dice = np.random.default_rng(0)
    light = 50 + 10 * torch.tensor(dice.standard_normal((32, 1, 8, 8))).float()
    light = light.repeat_interleave(4, 2).repeat_interleave(4, 3).clamp(35, 65)
    ab = torch.tensor([(40.0, 25.0), (5.0, -40.0)]).repeat(16, 1)[:, :, None, None]
    images = lab.assemble(light, ab.expand(-1, -1, 32, 32))
    return image_set(images), ["a red automobile", "a blue automobile"] * 16


def test_an_instruction_is_learned(two_colours, tmp_path):
    images, texts = two_colours
    options = {"monitor": images, "seed": 0, "epochs": 200, "width": 0.125}
    model = captioned.fit(images, texts, tmp_path, **options)

    def share(told, word):
        ab = colorize.predict_ab(model, images.images, encode(told))
        painted = baselines.recolor(images.images, ab)
        return captions.in_colour(painted, word).float().mean()

    for word in ("red", "blue"):  # of the same gray pictures, whatever they truly are
        assert share(captions.ask(texts, word), word) > 0.9
    assert share([""] * len(texts), "red") < 0.9 > share([""] * len(texts), "blue")


def test_scenes_are_shown_again_with_their_objects_in_another_hue():
    drawn = scenes.image_set("train", size=32, limit=60)
    both = captioned.recoloured(drawn)
    assert len(both) == 120 and torch.equal(both.images[:60], drawn.images)
    assert both.captions[:60] == drawn.captions and len(set(both.ids)) == 120
    before, after = (lab.uint8_to_lab(one) for one in (drawn.images, both.images[60:]))
    inside = drawn.masks == scenes.OBJECT
    assert (before[:, 0] - after[:, 0]).abs().max() < 1.5, "the lightness stays"
    apart = (before - after).norm(dim=1)
    assert apart[~inside].max() < 2
    named = captions.name_pixels(both.images[60:])
    for k, (old, new) in enumerate(zip(drawn.captions, both.captions[60:], strict=True)):
        own, other = captions.object_colour(old), captions.object_colour(new)
        if own in captions.HUES:
            share = (named[k] == captions.COLOURS.index(other))[inside[k]].float().mean()
            assert other != own and share > 0.6, (old, new)
        else:
            assert other == own and apart[k].max() < 2
