import torch

from colornb import scenes
from colornb.models import load_weights
from colornb.training import short

TRAIN, TEST = (scenes.image_set(split, size=32, limit=16) for split in ("train", "test"))
SETTINGS = {
    "extractor": "random",
    "batch_size": 4,
    "flip": True,
    "hold_out": False,
    "width": 1.0,
    "learning_rate": 1e-3,
    "device": "cpu",
    "precision": "32-true",
}


def test_a_larger_part_contains_the_smaller_one_of_its_seed():
    small, large = (set(short.part(TRAIN, n, 3).ids) for n in (4, 9))
    assert len(small) == 4 and small < large < set(TRAIN.ids)
    assert set(short.part(TRAIN, 4, 4).ids) != small


def test_variations_differ_in_one_thing_each(tmp_path):
    drawn = scenes.image_set("train", size=32, limit=8, seed=1)
    options = {"seeds": 2, "sizes": [4, 8], "steps": 4, "width": 0.125}
    weights = short.fit_variations(TRAIN, drawn, tmp_path, SETTINGS, monitor=TEST, **options)
    assert list(weights) == ["with_4", "with_8", "without", "scenes"]
    assert all(len(paths) == 2 for paths in weights.values())
    epochs = {k: len((p.parent / "history.csv").read_text().splitlines()) - 1
              for k, (p, _) in weights.items()}  # fmt: skip
    assert epochs == {"with_4": 4, "with_8": 2, "without": 2, "scenes": 2}, "equal steps"
    headers = {name: load_weights(paths[0])[1] for name, paths in weights.items()}
    assert {name: header["extractor"] for name, header in headers.items()} == {
        "with_4": "random", "with_8": "random", "without": "none", "scenes": "random"
    }  # fmt: skip
    networks = [load_weights(path)[0] for path in weights["with_8"]]
    first = [next(iter(network.parameters())) for network in networks]
    assert not torch.equal(*first), "seeds differ"
