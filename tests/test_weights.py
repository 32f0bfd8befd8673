"""The trained networks that come with the package, and the command that puts them there."""

import hashlib
import json
import shutil
import sys
import tomllib

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from typer.testing import CliRunner

from colornb import cli, models, paths, records, weights
from colornb.colorize import Painter, Wishes, suited
from colornb.errors import ColornbError
from colornb.weights import RECORD, SHIPPED, find, ship

FOUND = json.loads(RECORD.read_text(encoding="utf8"))
TOLERANCE = 0.003
"""Of a score, relative. Half precision costs 0.0007 at most, and another machine's order of sums
still less; bfloat16, the next coarser format, costs the U-Nets 0.0045 and 0.0078."""


# The files


def test_all_are_there_and_small_and_installed_with_the_package():
    assert list(FOUND) == list(SHIPPED)
    files = {path for path in RECORD.parent.iterdir() if path.suffix not in (".py", "")}
    assert files == {RECORD, *map(weights.path, SHIPPED)}
    assert sum(path.stat().st_size for path in files) <= 40_000_000
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf8"))
    patterns = project["tool"]["setuptools"]["package-data"]["colornb.weights"]
    assert files == {path for pattern in patterns for path in RECORD.parent.glob(pattern)}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_file_is_what_its_run_made_in_half_precision(name):
    path, said = weights.path(name), FOUND[name]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == said["sha256"]
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
        kinds = {file.get_tensor(key).dtype for key in file.keys()}
    assert {torch.float16} <= kinds <= {torch.float16, torch.int64}, "counters stay whole"
    assert header["run"] == said["run"] == SHIPPED[name]
    assert header["size"] == str(said["test"]["size"])
    published = records.read(paths.RESULTS / said["run"])
    assert published["dataset"] == said["test"]["dataset"]
    for metric, found in said["test"]["metrics"].items():
        assert published["metrics"][metric] == found, "the run was published anew: ship it again"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_file_scores_what_its_run_did_before_it_was_halved(name):
    scores = ship.score(Painter.load(name))
    assert scores.keys() == FOUND[name]["tiny"].keys() == ship.TINY.keys()
    for pictures, expected in FOUND[name]["tiny"].items():
        assert scores[pictures] == pytest.approx(expected, rel=TOLERANCE)


# Names


def test_a_name_is_a_shipped_file_and_a_path_a_file(tmp_path, monkeypatch):
    assert find("gan") == weights.path("gan")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gan").touch()
    own = (tmp_path / "gan", (tmp_path / "gan").relative_to(tmp_path), "./gan")
    assert [find(path).resolve() for path in own] == [tmp_path / "gan"] * 3


@pytest.mark.parametrize(
    "wishes, name",
    [
        ({}, "koalarization"),
        ({"caption": "a red dog"}, "captioned"),
        ({"reference": np.zeros((2, 2, 3), np.uint8)}, "reference"),
        ({"temperature": 0.5, "sample": 0}, "distribution"),
        ({"sample": 0}, "distribution"),
    ],
)
def test_the_network_is_one_that_can_do_what_is_wished(wishes, name):
    assert suited(Wishes(**wishes)) == name


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    picture = np.random.default_rng(0).integers(60, 200, (9, 12, 3), np.uint8)
    Image.fromarray(picture).resize((60, 45)).save(path)
    return path


@pytest.mark.parametrize(
    "name, wish",
    [
        ("koalarization", []),
        ("captioned", ["--caption", "a brown dog"]),
        ("reference", ["--reference", "photo.png"]),
        ("distribution", ["--samples", "2"]),
    ],
)
def test_the_command_needs_no_model(name, wish, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, model in (("usual", []), ("named", ["--model", name])):
        done = CliRunner().invoke(cli.app, ["colorize", "photo.png", "-o", folder, *wish, *model])
        assert done.exit_code == 0, done.output
        assert done.stdout.splitlines()[-1] == "1 colorized, 0 failed."
    usual = sorted((tmp_path / "usual").iterdir())
    assert len(usual) == (2 if "--samples" in wish else 1)
    for path in usual:
        picture = np.asarray(Image.open(path))
        assert picture.shape == (45, 60, 3) and np.ptp(picture, axis=2).max() > 5
        assert path.read_bytes() == (tmp_path / "named" / path.name).read_bytes()


@pytest.mark.fault(
    "setting",
    "A model that there is not, by its name or as a file.",
    "One sentence lists the names that there are; nothing is written.",
)
@pytest.mark.parametrize("model", ["koalarisation", "none/weights.safetensors", "", ".", "a\nb"])
def test_a_model_that_there_is_not_is_one_sentence(model, photo, tmp_path, monkeypatch, capsys):
    command = ["colornb", "colorize", str(photo), "-o", str(tmp_path / "out"), "--model", model]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as exit:
        cli.main()
    *_, said = capsys.readouterr().err.splitlines()
    assert exit.value.code == 1 and not (tmp_path / "out").exists()
    assert said == (
        f"There is no model {model!r}: give the path of a file of weights, or a name; there are: "
        "koalarization, koalarization-adversarial, gan, distribution, captioned, reference."
    )


# The command that ships


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The folder of finished runs, with one small network; what is shipped lies beside it."""
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(weights, "RECORD", tmp_path / "shipped" / "metrics.json")
    monkeypatch.setattr(weights, "SHIPPED", {"gan": SHIPPED["gan"]})
    folder = tmp_path / "runs" / SHIPPED["gan"]
    torch.manual_seed(0)
    network = models.create_model("unet", width=0.125)
    models.save_weights(network, folder / "weights.safetensors", size="32", extractor="none")
    shutil.copy(paths.RESULTS / SHIPPED["gan"] / "metrics.json", folder)
    return tmp_path / "runs"


def test_ship_halves_a_run_and_records_what_it_scores(runs):
    done = CliRunner().invoke(cli.app, ["results", "ship"])
    assert done.exit_code == 0 and done.stdout.startswith("gan: 0."), done.output
    before, header = models.load_weights(runs / SHIPPED["gan"] / "weights.safetensors")
    after, told = models.load_weights(weights.path("gan"))
    assert told == header | {"run": SHIPPED["gan"]}
    for one, other in zip(before.state_dict().values(), after.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=2**-11, atol=2**-24)
    said = json.loads(weights.RECORD.read_text(encoding="utf8"))["gan"]
    assert said["sha256"] == hashlib.sha256(weights.path("gan").read_bytes()).hexdigest()
    assert said["tiny"] == ship.score(Painter(before, "none", 32))


def test_one_network_takes_the_place_of_what_was_shipped_of_it(runs, monkeypatch):
    ship.ship()
    before = json.loads(weights.RECORD.read_text(encoding="utf8"))
    monkeypatch.setattr(weights, "SHIPPED", {"other": "nowhere", "gan": SHIPPED["gan"]})
    weights.RECORD.write_text(json.dumps({"gan": {}, "other": "as it was"}))
    ship.ship(["gan"])
    after = json.loads(weights.RECORD.read_text(encoding="utf8"))
    assert list(after) == ["other", "gan"] and after["other"] == "as it was"
    del before["gan"]["sha256"], after["gan"]["sha256"]  # the header's order is not fixed
    assert after["gan"] == before["gan"]
    with pytest.raises(ColornbError, match="No network 'unet' is shipped; there are: other, gan"):
        ship.ship(["unet"])


def test_what_cannot_be_shipped_is_refused(runs):
    source = runs / SHIPPED["gan"] / "weights.safetensors"
    network, header = models.load_weights(source)
    next(network.parameters()).fill_(70_000)
    models.save_weights(network, source, size=header["size"])
    with pytest.raises(ColornbError, match="Half precision cannot hold encoder.0"):
        ship.ship()
    (source.parent / "metrics.json").unlink()
    with pytest.raises(ColornbError, match="the run is not finished"):
        ship.ship()
    assert not weights.RECORD.parent.exists()
