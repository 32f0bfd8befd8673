from dataclasses import replace

import numpy as np
import pytest
import torch

from colornb import features, guesses, lab, scenes
from colornb.errors import ColornbError
from colornb.guesses import SHARES, FirstGuess


@pytest.fixture(scope="module")
def train():
    return scenes.image_set("train", size=32, limit=30)


@pytest.fixture(scope="module")
def test():
    return scenes.image_set("test", size=32, limit=4)


@pytest.fixture
def blurred(tmp_path, monkeypatch):
    """In place of the classifier's gist: 7 "means" and 5120 "places" that are L, coarsely. Nothing
    is stored yet."""
    monkeypatch.setattr(features, "ROOT", tmp_path)

    def embed(images, extractor, what, *, mirrored):
        assert (extractor, what) == ("random", "gist")
        pictures = images.images.flip(3) if mirrored else images.images
        coarse = torch.nn.functional.adaptive_avg_pool2d(lab.uint8_to_lab(pictures)[:, :1], 4)
        return coarse.flatten(1).repeat(1, 321)[:, : 7 + 5120].half()

    monkeypatch.setattr(features, "embed", embed)


def coarse(pictures, side=4):
    ab = lab.uint8_to_lab(pictures)[:, 1:]
    return torch.nn.functional.adaptive_avg_pool2d(ab, side)


def standardised_parts(images, train, mirrored=False):
    pictures = images.images.flip(3) if mirrored else images.images
    seen = features.embed(images, "random", "gist", mirrored=mirrored).double().numpy()
    light = lab.uint8_to_lab(pictures)[:, :1].double()
    light = torch.nn.functional.adaptive_avg_pool2d(light, 8).flatten(1).numpy()
    return [seen[:, :7], seen[:, 7:], light]


def test_the_guess_is_the_ridge_regression_that_a_kernel_of_weighted_distances_gives(
    train, test, blurred
):
    both = [standardised_parts(train, train, mirrored) for mirrored in (False, True)]
    known = [np.concatenate(parts) for parts in zip(*both, strict=True)]
    new = standardised_parts(test, train)

    def squared(ours):  # mean squared distances of standardised parts, weighted by their shares
        total = 0
        for share, one, all_known in zip(SHARES.values(), ours, known, strict=True):
            scale = all_known.std(0)
            scale[scale == 0] = 1
            apart = (one[:, None] - all_known[None]) / scale
            total = total + share * (apart**2).mean(2)
        return total / sum(SHARES.values())

    kernel, towards = np.exp(-squared(known)), np.exp(-squared(new))
    target = torch.cat((coarse(train.images), coarse(train.images.flip(3)))).flatten(1).numpy()
    mean = target.mean(0)
    wanted = mean + towards @ np.linalg.solve(kernel + np.eye(len(kernel)), target - mean)
    found, _ = FirstGuess(train, "random")(test)
    assert found.shape == (4, 2, 4, 4) and found.dtype == torch.float32
    np.testing.assert_allclose(found.flatten(1).numpy(), wanted, atol=0.01)


def test_training_pictures_are_guessed_by_others_alone(train, blurred):
    """Where colours have nothing to do with what is seen, a guess can only know them by heart."""
    guess = FirstGuess(train, "random")
    noise = torch.randn(len(train), 32, generator=torch.Generator().manual_seed(0))
    guess.known = guess.known[0], noise.repeat(2, 1).numpy()  # mirrored pictures have the same
    truth = noise.unflatten(1, (2, 4, 4))
    by_heart = ((guess(train)[0] - truth) ** 2).mean()
    for by_others in guess.of_training():
        assert by_heart < 0.5 < 0.95 < ((by_others - truth) ** 2).mean()


def test_mirrored_pictures_have_guesses_of_their_own(train, blurred):
    """The colour to be told is how much lighter the right is than the left, place by place; of the
    mirrored picture that is the opposite."""
    guess = FirstGuess(train, "random")
    light = torch.nn.functional.adaptive_avg_pool2d(lab.uint8_to_lab(train.images)[:, :1], 4)
    lighter = (light.flip(3) - light).repeat(1, 2, 1, 1)
    guess.known = guess.known[0], torch.cat((lighter, -lighter)).flatten(1).numpy()
    for found, truth in zip(guess.of_training(), (lighter, -lighter), strict=True):
        assert ((found - truth) ** 2).mean() < 0.8 * (truth**2).mean()


def test_a_mirrored_picture_is_guessed_as_itself(train, test, blurred):
    flipped = replace(test, images=test.images.flip(3))
    guess = FirstGuess(train, "random")
    torch.testing.assert_close(guess(test)[1], guess(flipped)[0])
    assert (guess(test)[1] - guess(test)[0]).abs().max() > 1


def test_guesses_are_made_once(train, test, blurred, monkeypatch):
    first = FirstGuess(train, "random")
    made = first(test), first.of_training()
    monkeypatch.setattr(guesses, "_regression", None)
    again = FirstGuess(train, "random")
    for found, before in zip((again(test), again.of_training()), made, strict=True):
        assert all(map(torch.equal, found, before))


def test_a_classifier_without_maps_is_told(train):
    with pytest.raises(ColornbError, match="inception_resnet_v2 gives no gist; these do: "):
        FirstGuess(train, "inception_resnet_v2").of_training()
