import dataclasses
from collections import Counter

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion
from scipy.stats import binom
from skimage.color import rgb2lab

from colornb import datasets, scenes
from colornb.errors import ColornbError
from colornb.scenes import CLASSES, DETAIL, GRASS, OBJECT, PALETTE, SKY, Knobs, draw

CARS = Knobs(classes=("car",))


def lab(scene):
    return rgb2lab(scene.image)


@pytest.fixture(scope="module")
def cars():
    return [draw(i, size=24, knobs=CARS) for i in range(300)]


def turned(knobs, **change):
    return dataclasses.replace(knobs, **change)


def test_a_scene_follows_from_its_arguments():
    one, again = draw(7, size=32), draw(7, size=32)
    np.testing.assert_array_equal(one.image, again.image)
    np.testing.assert_array_equal(one.mask, again.mask)
    assert one.caption == again.caption
    others = [
        draw(7, size=32, split=split, seed=seed) for split in ("val", "test") for seed in (0, 1)
    ]
    others += [draw(7, size=32, seed=1), draw(7 + len(CLASSES), size=32)]
    pictures = {scene.image.tobytes() for scene in [one, *others]}
    assert len(pictures) == 7, "splits, seeds and indices must give different scenes"


def test_splits_share_no_scene():
    pictures = [
        draw(i, size=16, split=split).image.tobytes()
        for split in ("train", "val", "test")
        for i in range(20)
    ]
    assert len(set(pictures)) == len(pictures)


@pytest.mark.parametrize("index", range(6))
def test_the_same_scene_at_every_size(index):
    small, large = draw(index, size=32), draw(index, size=224)
    assert (small.caption, small.colours) == (large.caption, large.colours)
    reduced = large.image.reshape(32, 7, 32, 7, 3).mean((1, 3))
    assert np.abs(reduced - small.image).mean() < 2.5
    # The middle pixel of each block of 7 x 7 lies where the small picture's pixel has its centre.
    assert (large.mask[3::7, 3::7] == small.mask).mean() > 0.95


@pytest.mark.parametrize("index", range(24))
def test_the_mask_holds_the_stated_colour(index):
    scene = draw(index, size=96)
    inside = lab(scene)[binary_erosion(scene.mask == OBJECT)]
    a, b = np.median(inside[:, 1:], axis=0)
    hue, chroma = PALETTE[scene.colours["object"]]
    if chroma < 10:
        assert np.hypot(a, b) < 10
    else:
        assert np.hypot(a, b) > 20
        assert abs((np.degrees(np.arctan2(b, a)) - hue + 180) % 360 - 180) < 15
    assert CLASSES[scene.label] == CLASSES[index % 6]


def test_mask_edges_are_where_the_colour_changes():
    knobs = Knobs(classes=("balloon",), boundary_contrast=0.0)
    for index in range(4):
        scene = draw(index, size=224, knobs=knobs)
        ball = scene.mask == OBJECT
        rim_in, rim_out = ball & ~binary_erosion(ball), binary_dilation(ball) & ~ball
        core = binary_erosion(ball, iterations=2)
        ab = lab(scene)[..., 1:]
        colour = np.median(ab[core], axis=0)
        distance = np.linalg.norm(ab - colour, axis=-1)
        assert np.median(distance[rim_in]) < 0.6 * np.median(distance[rim_out])


def test_captions_name_the_colours():
    for index in range(60):
        scene = draw(index, size=16)
        colours, kind = scene.colours, CLASSES[scene.label]
        thing = "{} sail" if kind == "boat" else f"{{}} {kind}"
        assert thing.format(colours["object"]) in scene.caption
        assert scene.caption.endswith(f"under a {colours['sky']} sky")
        if kind == "house":
            assert f"{colours['roof']} roof" in scene.caption
        assert "a orange" not in scene.caption


def test_red_share(cars):
    few = [draw(i, size=8, knobs=turned(CARS, red_share=0.1)) for i in range(100)]
    for drawn, share in ((cars, 0.4), (few, 0.1)):
        red = sum(scene.colours["object"] == "red" for scene in drawn)
        low, high = binom.interval(0.999, len(drawn), share)
        assert low <= red <= high


def test_red_share_repaints_cars_and_leaves_the_gray_picture():
    recoloured = 0
    for index in range(20):
        some, none, every = (
            draw(index, size=48, knobs=turned(CARS, red_share=share)) for share in (None, 0.0, 1.0)
        )
        assert every.colours["object"] == "red" != none.colours["object"]
        assert some.colours["object"] in ("red", none.colours["object"])
        np.testing.assert_array_equal(none.mask, every.mask)
        assert np.abs(lab(none) - lab(every))[..., 0].max() < 1.5
        recoloured += np.abs(lab(none) - lab(every))[..., 1:].max() > 30
    assert recoloured == 20


def test_lightness_does_not_tell_the_hue_of_cars(cars):
    red, blue = (
        [lab(car)[car.mask == OBJECT, 0].mean() for car in cars if car.colours["object"] == word]
        for word in ("red", "blue")
    )
    assert min(len(red), len(blue)) > 40
    assert abs(np.mean(red) - np.mean(blue)) < 2
    assert 0.75 < np.std(red) / np.std(blue) < 1.33


def changed(knobs, index=0, **base):
    """Pixels (48,48) that differ by more than rounding when `knobs` are turned."""
    before, after = (draw(index, size=48, knobs=Knobs(**k)) for k in (base, base | knobs))
    difference = np.abs(before.image.astype(int) - after.image).max(-1) > 2
    return difference, before, after


@pytest.mark.parametrize("index", range(6))
def test_a_knob_changes_only_what_it_names(index):
    difference, before, after = changed({"sky_gradient": 1.0}, index, sky_gradient=0.0)
    assert difference[before.mask == SKY].mean() > 0.3
    assert not difference[30:].any()
    assert np.abs(lab(before) - lab(after))[..., 0].max() < 1.5

    difference, before, after = changed({"grass_texture": 1.0}, index, grass_texture=0.0)
    grass = binary_dilation(before.mask == GRASS, np.ones((5, 5)))
    assert not difference[~grass].any()
    np.testing.assert_array_equal(before.mask, after.mask)
    if grass.any():
        assert difference[grass].mean() > 0.3

    difference, before, after = changed({"boundary_contrast": -20.0}, index)
    whole = binary_dilation(np.isin(before.mask, (OBJECT, DETAIL)), np.ones((3, 3)))
    assert not difference[~whole].any()
    assert difference[before.mask == OBJECT].mean() > 0.8
    np.testing.assert_array_equal(before.mask, after.mask)
    assert before.caption == after.caption

    _, before, after = changed({"object_size": 0.4}, index)
    assert before.colours == after.colours
    thing = (
        np.isin(before.mask, (OBJECT, DETAIL)).sum(),
        np.isin(after.mask, (OBJECT, DETAIL)).sum(),
    )
    assert thing[1] < 0.5 * thing[0]


def test_the_world_is_the_same_whatever_class_stands_in_it():
    house, tree = (draw(0, size=48, knobs=Knobs(classes=(c,))) for c in ("house", "tree"))
    np.testing.assert_array_equal(house.image[:, :4], tree.image[:, :4])


def test_grass_texture_is_a_standard_deviation():
    for texture in (0.5, 1.0):
        knobs = Knobs(classes=("balloon",), grass_texture=texture)
        field = [draw(i, knobs=knobs) for i in range(3)]
        deviation = [lab(s)[s.mask == GRASS, 0].std() for s in field]
        assert np.mean(deviation) == pytest.approx(9 * texture, rel=0.2)


@pytest.mark.parametrize("index", range(6))
def test_boundary_contrast_is_as_asked(index):
    """Just inside against just outside, where the outside is neither a part of the object."""
    size = 160
    for asked in (0.0, -15.0):
        knobs = Knobs(boundary_contrast=asked, grass_texture=0.0)
        scene = draw(index, size=size, knobs=knobs)
        lightness, body = lab(scene)[..., 0], scene.mask == OBJECT
        inside = binary_erosion(body, iterations=2)
        steps = []
        for y, x in np.argwhere(inside[:, 4:-4]) + (0, 4):
            for shift in (-4, 4):
                if scene.mask[y, x + shift] not in (OBJECT, DETAIL):
                    steps.append(lightness[y, x] - lightness[y, x + shift])
        assert len(steps) > 20
        assert np.median(steps) == pytest.approx(asked, abs=1.5)


def test_colours_are_natural():
    chroma = [np.linalg.norm(lab(draw(i, size=32))[..., 1:], axis=-1).mean() for i in range(60)]
    assert 18 < np.mean(chroma) < 32


def test_shares_are_probabilities_of_palette_words():
    for shares in (*scenes.SHARES.values(), scenes.ROOFS, scenes.MEADOWS):
        assert sum(shares.values()) == pytest.approx(1)
        assert set(shares) <= set(PALETTE)
    words = Counter(
        draw(i, size=8, knobs=Knobs(classes=("balloon",))).colours["object"] for i in range(120)
    )
    assert len(words) == 6 and min(words.values()) > 8


def test_image_set():
    images = scenes.image_set("val", size=24, limit=12)
    assert isinstance(images, datasets.ImageSet)
    assert images.images.shape == (12, 3, 24, 24) and images.masks.shape == (12, 24, 24)
    assert images.labels.tolist() == [*range(6)] * 2 and images.classes == CLASSES
    assert len(set(images.ids)) == 12
    one = draw(3, size=24, split="val")
    np.testing.assert_array_equal(images.images[3].permute(1, 2, 0), one.image)
    assert images.captions[3] == one.caption
    assert datasets.load("scenes", "val", size=24, limit=12).sha256 == images.sha256


@pytest.mark.parametrize(
    "wrong",
    [
        {"red_share": 1.2},
        {"sky_gradient": -0.1},
        {"object_size": 0},
        {"classes": ("cat",)},
        {"classes": ()},
    ],
)
def test_wrong_knobs_are_refused(wrong):
    with pytest.raises(ColornbError, match=next(iter(wrong))):
        Knobs(**wrong)


def test_unknown_split_is_refused():
    with pytest.raises(ColornbError, match="holdout"):
        scenes.image_set("holdout")


def test_scenes_of_several_object_sizes():
    sizes = (0.3, 1.2)
    found = scenes.of_sizes("train", sizes, size=48, limit=41)
    areas = (found.masks == scenes.OBJECT).flatten(1).sum(1).split(20)
    assert len(found) == len(set(found.ids)) == len(found.captions) == 40
    assert areas[1].float().mean() > 3 * areas[0].float().mean() > 0
