"""Captioned networks, tried on a test set."""

import numpy as np
import pandas as pd
import pytest
import torch
from test_film import stir

from colornb import captions, models, records, scenes
from colornb.metrics import METRICS
from colornb.readers import Reader
from colornb.study import StudyRun

TRAIN, TEST = (scenes.image_set(split, size=32, limit=36) for split in ("train", "test"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr("colornb.study.RUNS", tmp_path_factory.mktemp("runs"))
    made = StudyRun("11_captions", "captioned", "smoke", "default", 0, {"seeds": 1, "epochs": 1})
    made.folder.mkdir(parents=True)
    yield made
    patch.undo()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    models.save_weights(stir(models.create_model("captioned", width=0.125)), path)
    return [path]


@pytest.fixture(scope="module")
def by_rule(run, weights):
    return Reader(run, "default", TRAIN, TEST, False, weights, {"epochs": 7}, ("car",))


@pytest.fixture(scope="module")
def exact(run, weights):
    return Reader(run, "scenes", TRAIN, TEST, True, weights, {"epochs": 7})


def test_names(by_rule, exact):
    assert by_rule.tellings[:2] == ["captioned/default", "captioned/no_caption"]
    assert exact.tellings[:2] == ["captioned/scenes", "captioned/scenes_no_caption"]


def test_what_is_asked_of_which_pictures(by_rule, exact):
    assert {TEST.classes[k] for k in by_rule.asked.labels} == {"car"}
    said = [captions.object_colour(text) for text in captions.by_rule(TRAIN)]
    least = min(map(said.count, by_rule.hues))
    assert len(by_rule.hues) == 4
    assert all(said.count(hue) <= least for hue in set(captions.HUES) - set(by_rule.hues))
    assert exact.hues == list(captions.HUES)
    own = [captions.object_colour(text) for text in exact.asked.captions]
    assert "white" not in own and len(own) == sum("white" not in t for t in TEST.captions)
    assert torch.equal(exact.objects(TEST), TEST.masks == scenes.OBJECT)
    assert by_rule.objects(TEST).float().mean() == 0.25


def test_obedience_is_that_of_the_pictures_asked(exact):
    found = exact.obeyed.rows["captioned/scenes"]["obedience"]
    assert found["n"] == len(exact.asked) and 0 <= found["value"] <= 1
    parts = exact.by_novelty()
    assert list(parts) == ["drawn so", "only recoloured", "off its edge"]
    pixels = exact.obeyed.counts["captioned/scenes"][0]["pixels"]
    together = np.array(
        [[hue in scenes.SHARES[TEST.classes[k]] for hue in exact.hues] for k in exact.asked.labels]
    )
    share = pixels[together].sum() / pixels.sum()
    mixed = sum(p["value"] * s for p, s in zip(parts.values(), (share, 1 - share), strict=False))
    assert mixed == pytest.approx(found["value"])


def test_a_row_of_words_adds_up(by_rule):
    row = by_rule.words()
    assert row.pop("Training captions of") == "scenes"
    assert sum(int(share.rstrip("%")) for share in row.values()) == pytest.approx(100, abs=5)


def test_figures_of_it_are_pictures(by_rule, exact):
    assert by_rule.on_request(3).mime == exact.on_request(3).mime == "image/jpeg"
    assert by_rule.by_hue().mime == "image/svg+xml"


def test_every_telling_has_a_whole_record(by_rule, exact):
    for reader in (by_rule, exact):
        moved, rows = reader.measure(), reader.rows()
        assert list(reader.made) == list(rows)
        for (name, (folder,)), sees in zip(rows.items(), captions.SEES.values(), strict=False):
            record = records.read(folder)
            assert f"{record['system']}/{record['variant']}" == name
            assert record["parameters"]["sees"] == sees
            assert set(METRICS) <= set(record["metrics"])
            trained_for = record["parameters"].get("epochs")
            assert trained_for == 7, "not the run's, which is 1"
            assert list(pd.read_csv(folder / "images.csv"))[0] == "id"
            assert np.load(folder / "pictures.npy").shape == (records.SHOWN, 3, 32, 32)
        own = records.read(rows[reader.named()][0])["metrics"]
        assert own["obedience"]["n"] == len(reader.asked)
        assert own["side_sensitivity"]["value"] > 0
        assert set(moved.counts) == {reader.named(), f"{reader.named()}_rest"}
    word = records.read(by_rule.rows()["baseline/caption_mean_ab"][0])
    assert word["parameters"]["sees"] == "caption"
    ends = [exact.tellings[:2]]
    found = records.pairs(exact.rows(), ends, ["mse_rgb"], TEST, same_training=True)
    assert found["seeds"].unique() == [1], "a network, trained once"
