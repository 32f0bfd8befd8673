import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from colornb import baselines, features, lab, models, painted, scenes
from colornb.errors import ColornbError
from colornb.study import StudyRun, planned, run_folder
from colornb.training import drawn, gan

TRAIN, TEST = (scenes.image_set(split, size=32, limit=12) for split in ("train", "test"))


def lab_of(images):
    return lab.rgb_to_lab(lab.to_float(images))


def test_a_network_paints_the_l_of_the_truth(tmp_path):
    torch.manual_seed(0)
    networks = {
        "unet": models.create_model("unet", width=0.125),
        "koalarization": models.create_model("koalarization", width=0.125, features=1000),
    }
    for name, network in networks.items():
        path = tmp_path / name
        models.save_weights(network, path, extractor="random", size="32")
        pictures = painted.paint(path, TEST)
        assert (pictures.dtype, pictures.shape) == (torch.uint8, TEST.images.shape)
        assert (lab_of(pictures)[:, 0] - lab_of(TEST.images)[:, 0]).abs().mean() < 1
    with pytest.raises(ColornbError, match="No weights at"):
        painted.paint(tmp_path / "missing", TEST)


def test_a_picture_painted_both_ways_is_the_mirror_image_of_its_mirror_image(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "ROOT", tmp_path)
    torch.manual_seed(0)
    path = tmp_path / "network"
    network = models.create_model("informed", width=0.125, guess=True)
    models.save_weights(network, path, extractor="random")
    few = TEST.subset(range(2))
    flipped = replace(few, images=few.images.flip(3))
    guess, other = 20 * torch.randn(2, 2, 2, 4, 4)
    once = painted.paint(path, few, guess).int()
    both = painted.paint_mean([path], few, guess, other).int()
    mirrored = painted.paint_mean([path], flipped, other, guess).int()
    assert (both - mirrored.flip(3)).abs().max() <= 1  # 8 bits
    assert (both - once).abs().max() > 3
    ab = painted.predict_ab(path, few, guess) + painted.predict_ab(path, flipped, other).flip(3)
    assert (both - baselines.recolor(few.images, ab / 2).int()).abs().max() <= 1
    another = models.create_model("informed", width=0.125, guess=True)
    models.save_weights(another, tmp_path / "another", extractor="random")
    paths = [path, tmp_path / "another"]
    mean = sum(
        painted.predict_ab(p, few, guess) + painted.predict_ab(p, flipped, other).flip(3)
        for p in paths
    )
    of_two = painted.paint_mean(paths, few, guess, other).int()
    assert (of_two - baselines.recolor(few.images, mean / 4).int()).abs().max() <= 1
    assert (of_two - both).abs().max() > 3


def test_blurred_truth_is_further_away_the_more_it_is_blurred():
    controls = painted.truth_and_blurred(TEST)
    assert list(controls)[0] == "truth" and torch.equal(controls["truth"][0], TEST.images)
    true = lab_of(TEST.images)
    shift = [
        (lab_of(controls[name][0]) - true)[:, 1:].square().mean()
        for name in ("truth", *(f"truth/blurred_{sigma}" for sigma in painted.BLURS))
    ]
    assert shift == sorted(shift) and shift[0] == 0 < shift[1]
    for (pictures,) in controls.values():
        assert (lab_of(pictures) - true)[:, 0].abs().mean() < 1


def test_faded_truth_has_half_the_chroma_everywhere_and_the_same_hues():
    (faded,) = painted.truth_and_blurred(TEST)["truth/faded"]
    ab, half = lab_of(TEST.images)[:, 1:], lab_of(faded)[:, 1:]
    assert (half - ab / 2).norm(dim=1).max() < 1  # the rounding of 8 bits
    assert float(half.norm(dim=1).mean() / ab.norm(dim=1).mean()) == pytest.approx(0.5, rel=0.01)


def test_rows_without_a_network_have_one_picture_set_each():
    rows = painted.trivial(TEST, TRAIN, ("gray", "mean_ab"))
    assert list(rows) == ["baseline/gray", "baseline/mean_ab"]
    chroma = [lab_of(pictures)[:, 1:].norm(dim=1).mean() for (pictures,) in rows.values()]
    assert chroma[0] < 0.5 < chroma[1]


def test_networks_trained_on_scenes_paint_for_each_loss_and_seed(tmp_path):
    with pytest.raises(ColornbError, match="no generators trained on scenes"):
        painted.trained_on_scenes(tmp_path, TEST)
    drawn.fit_losses(TRAIN, tmp_path, monitor=TEST, seeds=2, epochs=4, width=0.125)
    made = painted.trained_on_scenes(tmp_path, TEST)
    assert {name: len(pictures) for name, pictures in made.items()} == {
        "gan/scenes_l2": 2,
        "gan/scenes_l1": 2,
        "gan/scenes_gan": 2,
    }
    pictures = [one for found in made.values() for one in found]
    assert len({one.numpy().tobytes() for one in pictures}) == 6, "each its own"


def test_a_system_is_painted_after_each_kept_epoch(tmp_path, monkeypatch):
    monkeypatch.setattr("colornb.study.RUNS", tmp_path)
    run = StudyRun("06_sepia", "gan", "smoke", "default", 0, {})
    for _, seed in filter(lambda r: r[0] == "l1_only", planned("smoke")["03_gan"]):
        folder = run_folder("smoke", "03_gan", "l1_only", seed)
        options = {"epochs": 5, "batch_size": 6, "width": 0.125, "adversarial_weight": 0.0}
        gan.fit(TRAIN, folder, monitor=TEST, seed=seed, **options)
        (folder / "metrics.json").write_text(json.dumps({"parameters": options}))
    made = painted.by_epoch(run, ["gan/l1_only"], TEST)
    assert list(made) == [1, 2, 3, 4, 5]
    seeds = {epoch: systems["gan/l1_only"] for epoch, (systems, _) in made.items()}
    assert all(len(pictures) == 2 for pictures in seeds.values())
    assert not torch.equal(seeds[1][0], seeds[5][0])
    assert torch.equal(seeds[5][0], painted.trained(run, ["gan/l1_only"], TEST)["gan/l1_only"][0])


def test_the_gain_is_chosen_on_validation_pictures_and_applied_to_each_seed(tmp_path, monkeypatch):
    """The networks are stand-ins that give every pixel one ab; only the file's name counts."""
    monkeypatch.setattr("colornb.study.RUNS", tmp_path)
    plan = {"03_gan": [("l1_only_heldout", 0), ("l1_only", 0), ("l1_only", 1)]}
    monkeypatch.setattr(painted, "planned", lambda profile: plan)
    ab_of = {"l1_only_heldout": (3.0, 4.0), "l1_only/seed0": (0.0, 2.0), "l1_only/seed1": (2.0, 0)}
    for variant, seed in plan["03_gan"]:
        folder = run_folder("smoke", "03_gan", variant, seed)
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text("{}")

    def predicted_ab(weights, images):
        (ab,) = (ab for name, ab in ab_of.items() if name in str(weights))
        return torch.tensor(ab).view(1, 2, 1, 1).expand(len(images), 2, *images.images.shape[2:])

    monkeypatch.setattr(painted, "predict_ab", predicted_ab)
    run = StudyRun("05_colour_bias", "gan", "smoke", "default", 0, {})
    val = run.load("val", "small")
    chroma = float(lab_of(val.images)[:, 1:].norm(dim=1).mean())
    gain = painted.chosen_gain(run)
    assert gain == pytest.approx(chroma / 5, rel=0.03)  # the stand-in's chroma is 5, some is cut
    ((name, pictures),) = painted.regression_gain(run, TEST).items()
    assert name == "baseline/regression_gain" and len(pictures) == 2
    for made, axis in zip(pictures, (1, 0), strict=True):
        ab = lab_of(made)[:, 1:].mean((0, 2, 3))
        assert float(ab[axis]) == pytest.approx(2 * gain, rel=0.1) and abs(ab[1 - axis]) < 1
    for missing in ("l1_only", "l1_only_heldout"):
        less = {"03_gan": [r for r in plan["03_gan"] if r[0] != missing]}
        monkeypatch.setattr(painted, "planned", lambda profile, less=less: less)
        assert painted.regression_gain(run, TEST) == {}
    assert painted.chosen_gain(run) is None


def test_a_control_is_as_colourful_as_what_it_is_beside(monkeypatch):
    """The stand-in gives every pixel an ab of its own length; the answer is not the truth."""

    def predicted_ab(weights, images):
        ab = torch.tensor([0.0, float(weights.name)]).view(1, 2, 1, 1)
        return ab.expand(len(images), 2, *images.images.shape[2:])

    monkeypatch.setattr(painted, "predict_ab", predicted_ab)
    like = [painted.one_colour(TEST, ab)[0] for ab in ((6.0, 8.0), (3.0, 4.0))]
    made = painted.as_colourful([Path("2"), Path("5")], TEST, like)
    for control, other in zip(made, like, strict=True):
        chroma = [float(lab_of(p)[:, 1:].norm(dim=1).mean()) for p in (control, other)]
        assert chroma[0] == pytest.approx(chroma[1], rel=0.05)  # bytes are steps
    with pytest.raises(ValueError):
        painted.as_colourful([Path("2")], TEST, like)


def test_controls_follow_the_systems():
    found = painted.beside_controls({"gan/x": [TEST.images]}, TEST, TRAIN, ["gray"])
    assert list(found)[:3] == ["gan/x", "baseline/gray", "truth"] and len(found) == 7
