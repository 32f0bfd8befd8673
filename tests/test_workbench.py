"""A folder of one's own photographs, and the controls of JupyterLab."""

import io
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
import torch
from PIL import Image

from colornb import models, paths, study, workbench
from colornb.colorize import colorize_files
from colornb.errors import ColornbError
from colornb.weights import SHIPPED, path

FIRST = "02_koalarization/default/seed0"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with trained networks of profile smoke, as nonsensical as random weights are."""
    runs = tmp_path / "runs"
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    for module in (paths, study):
        monkeypatch.setattr(module, "RUNS", runs)
    torch.manual_seed(0)
    for place, name, options in (
        (FIRST, "unet", {"head": "bins", "width": 0.125}),
        ("11_captions/default/seed0/records/scenes-32/captioned", "captioned", {"width": 0.125}),
        ("12_reference/default/seed0", "referenced", {"width": 0.125}),
        ("18_frontier/default/seed0", "informed", {"guess": True, "width": 0.125}),
        ("10_adversarial_residual_edges/default/seed0/edges", "edgenet", {}),
    ):
        model = models.create_model(name, **options)
        models.save_weights(model, runs / "smoke" / place / "weights.safetensors", size="32")
    (runs / "smoke" / "03_gan").mkdir()
    (runs / "smoke" / "03_gan" / "weights.safetensors").write_text("no weights")
    (tmp_path / "mine").mkdir()
    for name, shape in (("wide", (20, 60, 3)), ("high", (50, 30, 3))):
        photo = np.random.default_rng(0).integers(80, 160, shape, np.uint8)
        Image.fromarray(photo).save(tmp_path / "mine" / f"{name}.png")
    return tmp_path


def begin(**given):
    usual = study.parameters("15_your_photographs", "smoke", "default")
    common = {"profile": "smoke", "seed": 0, "variant": "default"}
    return study.begin("15_your_photographs", dict.fromkeys(usual) | common | given)


def test_networks_are_those_that_paint(project):
    assert list(workbench.networks("smoke")) == [
        FIRST,
        "11_captions/default/seed0/records/scenes-32/captioned",
        "12_reference/default/seed0",
        *SHIPPED,
    ]


def test_a_network_is_a_name_or_a_file_of_the_project(project):
    weights = project / "runs" / "smoke" / FIRST / "weights.safetensors"
    assert workbench.network("smoke", FIRST) == weights
    assert workbench.network("cpu", f"runs/smoke/{FIRST}/weights.safetensors") == weights
    assert workbench.network("smoke", "gan") == path("gan")
    with pytest.raises(ColornbError, match=f"no network 'x'.* or one of {FIRST}, 11_capt"):
        workbench.network("smoke", "x")
    with pytest.raises(ColornbError, match="one of koal.*; `make study PROFILE=cpu` trains"):
        workbench.network("cpu", FIRST)


def test_photographs_are_those_of_a_folder_or_scikit_images(project):
    assert [path.name for path in workbench.photographs("mine")] == ["high.png", "wide.png"]
    assert "astronaut.png" in [path.name for path in workbench.photographs("")]
    with pytest.raises(ColornbError, match="yours is not a folder"):
        workbench.photographs("yours")


def test_results_of_a_run_begin_anew_and_those_of_a_named_folder_stay(project):
    for given, name in (({}, ""), ({"target": "out"}, "out")):
        run = begin(**given)
        folder = workbench.target(run)
        folder.mkdir(parents=True)
        (folder / "before.png").touch()
        assert workbench.target(run) == folder
        assert (folder / "before.png").exists() == bool(name)
    assert folder == project / "out"


def test_wishes_are_those_of_the_parameters(project):
    nothing = workbench.wishes(begin())
    assert (nothing.caption, nothing.reference, nothing.temperature) == ("", None, None)
    wishes = workbench.wishes(begin(temperature=0.5, reference="mine/wide.png"))
    assert wishes.temperature == 0.5 and wishes.reference.shape == (20, 60, 3)


def test_photographs_stand_side_by_side_with_each_of_their_draws(project):
    files = workbench.photographs("mine")
    weights = workbench.network("smoke", FIRST)
    for samples, rows in ((0, 3), (2, 4)):
        done = list(colorize_files(files, project / str(samples), weights, samples=samples))
        picture = workbench.side_by_side(done, side=40)
        width, height = Image.open(io.BytesIO(picture.data)).size
        assert height / width == pytest.approx(rows / 2.6, rel=0.25), "rows of two squares"
    with pytest.raises(ColornbError, match="No photograph was colorized: torn"):
        workbench.side_by_side([(files[0], None, "torn")])


# The controls


def test_there_are_no_controls_outside_jupyterlab(project, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert workbench.bench(begin()) is None


def test_there_are_no_controls_without_ipywidgets(project, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "15_your_photographs.ipynb")
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr(workbench, "find_spec", lambda name: None)
    assert workbench.bench(begin()) is None


@pytest.fixture
def bench(project, monkeypatch):
    pytest.importorskip("ipywidgets", reason="the controls need ipywidgets: install the extra lab")
    monkeypatch.setenv("JPY_SESSION_NAME", "15_your_photographs.ipynb")
    return workbench.bench(begin(target="saved", model=FIRST))


def upload(control, path, content=None):
    content = memoryview(content or path.read_bytes())
    file = {"name": path.name, "type": "image/png", "size": len(content), "content": content}
    control.value = (file | {"last_modified": datetime(2019, 7, 3, tzinfo=UTC)},)


def test_the_controls_colorize_and_save_and_overwrite_nothing(bench, project):
    assert bench.network.label == FIRST and bench.save.disabled
    bench.colorize.click()
    assert bench.said.value == "Choose a file first: Photograph."
    upload(bench.photograph, project / "mine" / "wide.png")
    bench.colorize.click()
    assert bench.said.value == "wide.png has new colours. They are a guess."
    bench.save.click()
    assert bench.said.value.endswith("saved/wide-colorized.png.")
    with Image.open(project / "saved" / "wide-colorized.png") as saved:
        assert saved.size == (60, 20)
    written = (project / "saved" / "wide-colorized.png").read_bytes()
    bench.save.click()
    assert "exists already" in bench.said.value
    assert (project / "saved" / "wide-colorized.png").read_bytes() == written


def test_controls_are_open_for_what_the_network_can(bench):
    controls = (bench.temperature, bench.draw, bench.caption, bench.reference)
    for name, is_open in (
        (FIRST, [True, True, False, False]),
        ("11_captions/default/seed0/records/scenes-32/captioned", [False, False, True, False]),
        ("12_reference/default/seed0", [False, False, False, True]),
    ):
        bench.network.label = name
        assert [not control.disabled for control in controls] == is_open


def test_a_draw_and_a_temperature_change_the_picture(bench, project):
    upload(bench.photograph, project / "mine" / "wide.png")
    found = []
    for draw, temperature in ((0, 0.38), (0, 0.1), (1, 1.0), (2, 1.0)):
        bench.draw.value, bench.temperature.value = draw, temperature
        bench.colorize.click()
        found.append(bench.result.tobytes())
    assert len(set(found)) == 4


def test_a_reference_is_needed_where_the_network_takes_one(bench, project):
    bench.network.label = "12_reference/default/seed0"
    upload(bench.photograph, project / "mine" / "wide.png")
    bench.colorize.click()
    assert bench.said.value == "Choose a file first: Reference." and bench.save.disabled
    upload(bench.reference, project / "mine" / "high.png")
    bench.colorize.click()
    assert not bench.save.disabled


def test_a_damaged_upload_is_told_by_its_name(bench, project):
    upload(bench.photograph, project / "mine" / "torn.png", b"no picture")
    bench.colorize.click()
    assert bench.said.value.startswith("torn.png is not a picture in a known format")


def test_the_slider_divides_after_from_before(bench, project):
    from colornb import widgets

    before, after = np.zeros((2, 10, 3), np.uint8), np.full((2, 10, 3), 255, np.uint8)
    assert widgets.divided(before, after, 30)[0, :, 0].tolist() == [255] * 3 + [0] * 7
    upload(bench.photograph, project / "mine" / "wide.png")
    bench.colorize.click()
    shown = []
    for percent in (0, 50, 100):
        bench.slider.value = percent
        shown.append(np.asarray(Image.open(io.BytesIO(bench.picture.value))).astype(int))
    gray, half, colour = shown
    assert np.ptp(gray, axis=2).mean() < 3 < np.ptp(colour, axis=2).mean()
    assert np.abs(half[:, :28] - colour[:, :28]).mean() < np.abs(half[:, :28] - gray[:, :28]).mean()
    assert np.abs(half[:, 32:] - gray[:, 32:]).mean() < np.abs(half[:, 32:] - colour[:, 32:]).mean()
