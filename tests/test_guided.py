"""What the networks of chapter 18 are told, and that the plain ones are told nothing."""

from types import SimpleNamespace

import pytest
import torch

from colornb import features, records, scenes
from colornb.training import gan, guided, regression

OPTIONS = {
    "seeds": 2,
    "extractor": "random",
    "epochs": 3,
    "gan_epochs": 5,
    "width": 0.125,
    "feature_dropout": 0.6,
    "weight_decay": 0.2,
}


class Guess:
    """Guesses that can be told apart: 1 for training pictures, 2 mirrored, 3 and 4 for others."""

    def __init__(self, train, extractor):
        assert extractor == "random"
        self.train = train

    def of_training(self):
        return tuple(torch.full((len(self.train), 2, 4, 4), k) for k in (1.0, 2.0))

    def __call__(self, images):
        return tuple(torch.full((len(images), 2, 4, 4), k) for k in (3.0, 4.0))


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """What `guided.fit` gives, and the trainings that it asked for: (folder, loop, settings)."""
    asked = []
    sets = {split: scenes.image_set(split, size=32, limit=12) for split in ("train", "test")}

    def embed(images, extractor, what, *, mirrored=False):
        assert (extractor, what) == ("random", "maps")
        return torch.full((len(images), 1), float(mirrored))

    def stub(loop):
        return lambda images, folder, **settings: asked.append((folder, loop, settings))

    monkeypatch.setattr(features, "embed", embed)
    monkeypatch.setattr(guided, "FirstGuess", Guess)
    monkeypatch.setattr(regression, "fit", stub("regression"))
    monkeypatch.setattr(gan, "fit", stub("gan"))
    monkeypatch.setattr(records, "place", lambda run, test, name, seed: tmp_path / name / str(seed))
    run = SimpleNamespace(load=sets.get, parameters=OPTIONS, profile="smoke")
    return guided.fit(run), asked


def values(tensors):
    return [float(one.flatten()[0]) for one in tensors]


def test_what_is_told_of_training_test_and_mirrored_pictures(trained):
    found, asked = trained
    for folder, _, settings in asked:
        name = f"guided/{folder.parent.name}"
        if name in guided.BLIND:
            assert "given" not in settings and "network" not in settings
            assert found.told(name) == ()
            continue
        assert settings["network"] == "informed" and settings["network_options"]["guess"]
        assert values(settings["given"]) == [0, 1]
        assert values(settings["given_mirrored"]) == [1, 2]
        assert values(settings["given_monitor"]) == [0, 3]
        assert values(found.told(name)) == [3]


def test_every_system_is_trained_with_every_seed_in_the_same_way(trained):
    found, asked = trained
    names = [guided.CLOSE, *guided.REAL, *guided.BLIND]
    assert [f"guided/{folder.parent.name}" for folder, _, _ in asked[::2]] == names
    assert list(found.weights) == names and all(len(paths) == 2 for paths in found.weights.values())
    assert [settings["seed"] for _, _, settings in asked] == [0, 1] * len(names)
    assert [loop for _, loop, _ in asked] == ["regression"] * 2 + ["gan"] * 14
    for _, loop, settings in asked:
        assert settings["epochs"] == (3 if loop == "regression" else 5)
        assert settings["weight_decay"] == 0.2 and settings["flip"]
        width = settings["network_options"]["width"] if loop == "regression" else settings["width"]
        assert width == 0.125


def test_the_discriminator_joins_where_l1_is_not_alone(trained):
    _, asked = trained
    losses = {
        folder.parent.name: (settings["l1_weight"], settings.get("adversarial_weight", 1.0))
        for folder, loop, settings in asked
        if loop == "gan"
    }
    for name, loss in losses.items():
        weight = name.rpartition("_")[2]
        assert loss == ((100.0, 0.0) if name.endswith("l1_only") else (float(weight), 1.0))
