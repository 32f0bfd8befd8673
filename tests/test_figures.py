"""What figures and tables show, not how they look."""

import io
import re
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from colornb import baselines, figures, naming, scenes, tables
from colornb.metrics import METRICS

SYSTEMS = ("gan/default", "gan/l1_only", "baseline/gray")


def measured(value):
    """A record over two seeds, all metrics of one value with the interval value +- 10 %."""
    found = {"value": value, "low": 0.9 * value, "high": 1.1 * value, "n": 40}
    return {
        "metrics": dict.fromkeys(METRICS, found),
        "seeds": dict.fromkeys(METRICS, [0.95 * value, 1.05 * value]),
    }


@pytest.fixture(scope="module")
def rows():
    return {system: measured(0.01 * (i + 1)) for i, system in enumerate(SYSTEMS)}


def one_colour(rgb, n=3, size=8):
    return torch.tensor(rgb, dtype=torch.uint8).view(1, 3, 1, 1).expand(n, 3, size, size)


def decoded(picture):
    """RGB (H, W, 3) of a figure that is a JPEG."""
    assert picture.mime == "image/jpeg"
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.format == "JPEG"
        return np.asarray(image).astype(int)


def texts(picture):
    """The letters of an SVG; matplotlib draws them and keeps each text as a comment."""
    assert picture.mime == "image/svg+xml" and isinstance(picture.data, str)
    assert ElementTree.fromstring(picture.data).tag == "{http://www.w3.org/2000/svg}svg"
    return [text.strip() for text in re.findall(r"<!--(.*?)-->", picture.data)]


def test_jupyter_shows_a_picture_by_its_type(rows):
    svg = figures.intervals(rows, "mse_rgb")
    assert svg._repr_mimebundle_() == {"image/svg+xml": svg.data}
    jpeg = figures.rows_of_pictures({"gray": one_colour((9, 9, 9))})
    assert jpeg._repr_mimebundle_() == {"image/jpeg": jpeg.data}


def test_rows_of_pictures_stand_in_their_order():
    colours = {"first": (200, 0, 0), "second": (0, 160, 0), "third": (0, 0, 220)}
    picture = decoded(
        figures.rows_of_pictures({k: one_colour(v) for k, v in colours.items()}, titles="abc")
    )
    middles = []
    for colour in colours.values():
        shown = np.abs(picture - colour).max(axis=2) < 12
        heights, columns = np.nonzero(shown)
        middles.append(heights.mean())
        gaps = (np.diff(np.unique(columns)) > 1).sum()
        assert gaps == 2, "three pictures beside each other"
        assert shown.sum() > 0.15 * shown.size
    assert middles == sorted(middles)


def test_rows_of_another_length_are_refused():
    with pytest.raises(ValueError):
        figures.rows_of_pictures({"a": one_colour((9, 9, 9)), "b": one_colour((9, 9, 9), n=2)})


def test_gray_is_all_that_a_network_sees():
    images = scenes.image_set("test", size=32, limit=3).images
    gray = figures.gray(images)
    assert gray.dtype == torch.uint8 and gray.shape == images.shape
    assert (gray.amax(1).int() - gray.amin(1).int()).max() <= 1
    expected = baselines.fit(images, torch.zeros(3, dtype=torch.int64)).predict(
        "gray", images, torch.zeros(3, dtype=torch.int64)
    )
    assert torch.equal(gray, expected)


@pytest.mark.parametrize("epochs", [1, 2, 40])
def test_loss_curves_name_their_panels_and_curves(epochs):
    history = pd.DataFrame({"epoch": range(1, epochs + 1), "l1": 0.5, "monitor": 0.4, "d": 0.69})
    panels = {"L1": {"l1": "training", "monitor": "held out"}, "entropy": {"d": "critic"}}
    said = texts(figures.loss_curves(history, panels))
    assert {"L1", "entropy", "training", "held out", "critic"} <= set(said)
    assert said.count("epoch") == 2


def test_every_training_is_a_line_and_every_system_named_once():
    history = pd.DataFrame({"epoch": [1, 2], "l1": [0.5, 0.4], "monitor": [0.4, 0.3]})
    several = {"gan/default": [history] * 3, "gan/l1_only": [history] * 2}
    drawn = figures.trainings(several, {"L1, training": "l1", "MSE, test": "monitor"})
    said = texts(drawn)
    assert {"L1, training", "MSE, test"} <= set(said)
    for system in several:
        assert said.count(naming.NAMES[system]) == 1
        lines = drawn.data.count(f"stroke: {naming.colour(system).lower()}")
        assert lines >= 2 * len(several[system])


def test_intervals_draw_every_system_from_the_top_down(rows):
    said = texts(figures.intervals(rows, "mse_rgb"))
    names = [naming.NAMES[system] for system in SYSTEMS]
    assert [text for text in said if text in names] == names
    assert METRICS["mse_rgb"].label in said


def test_marks_are_a_panel_each_over_the_same_sets():
    found = {"value": 0.4, "low": 0.3, "high": 0.5, "seeds": [0.35, 0.45]}
    rows = {name: dict.fromkeys(("gan/default", "gan/l1_only"), found) for name in ("test", "new")}
    picture = figures.marks({"KID": (rows, (0, 0.5)), "chroma": (rows, (0.8, 1.2))})
    names = {naming.called(system) for system in rows["new"]}
    assert {"test", "new", "KID", "chroma"} | names <= set(texts(picture))
    assert picture.data.count("fill: #009e73") == 2, "each panel shows where its mark is met"
    for system in rows["new"]:
        assert naming.colour(system).lower() in picture.data
    with pytest.raises(KeyError):
        figures.marks({"KID": (rows, (0, 0.5)), "chroma": ({"test": rows["test"]}, (0.8, 1.2))})


def test_frontier_names_every_system_and_both_marks(rows):
    said = texts(figures.frontier(rows, report=0.00622, floor=(-0.001, 0.001)))
    named = {text.partition("  ")[2]: text.partition("  ")[0] for text in said if "  " in text}
    assert {naming.NAMES[system] for system in SYSTEMS} <= set(named)
    assert set(named.values()) <= set(said), "each number stands beside its mark"
    assert any("0.00622" in text for text in said) and any("truth half" in text for text in said)


def test_ab_plane_shows_the_colours_that_occur():
    red = one_colour((230, 60, 50), size=16)
    picture = decoded(figures.ab_plane({"all red": red}))
    strongest = picture[..., 0] - picture[..., 1:].max(axis=2)
    assert strongest.max() > 60, "the colour's own bin is drawn in its colour"
    assert (strongest > 40).mean() < 0.01, "and no other"


def test_the_same_figure_is_the_same_file_and_leaves_the_style_alone(rows):
    before = dict(mpl.rcParams)
    one, again = (figures.intervals(rows, "kid") for _ in range(2))
    assert one == again
    pictures = {"a": one_colour((20, 90, 30))}
    assert figures.rows_of_pictures(pictures) == figures.rows_of_pictures(pictures)
    assert dict(mpl.rcParams) == before


def test_a_system_has_one_colour_everywhere(rows):
    assert len({naming.colour(system) for system in SYSTEMS}) == 3
    controls = [naming.colour(f"baseline/{name}") for name in ("gray", "mean_ab", "unknown")]
    assert all(len(set(re.findall("..", tone[1:]))) == 1 for tone in controls), "shades of gray"
    for draw in (
        figures.intervals(rows, "mse_rgb"),
        figures.frontier(rows, report=0.01, floor=(0, 0.001)),
    ):
        assert all(naming.colour(system).lower() in draw.data for system in SYSTEMS)


def html_rows(table):
    """Texts of the cells of a table's HTML, row by row; a line break counts as a space."""
    tree = ElementTree.fromstring(table._repr_html_().replace("<br>", "<br/>"))
    lines = [[" ".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]
    return lines[0], lines[1:]


def test_table_has_values_with_their_intervals():
    found = measured(0.5)["metrics"]
    found["mse_rgb"] = {"value": 0.005554, "low": 0.0051, "high": 0.006, "n": 9}
    seeds = {"mse_rgb": [0.0055, 0.0056], "c2st": [0.49, 0.51]}
    records = {
        "gan/default": {"metrics": found, "parameters": {"sees": "l"}, "seeds": seeds},
        "baseline/oracle_image_mean": {"metrics": found, "parameters": {"sees": "answer"}},
        "new/system": {"metrics": found, "parameters": {"sees": "class"}},
    }
    head, lines = html_rows(tables.systems(records, ["mse_rgb", "c2st"]))
    labels = [METRICS[name].label for name in ("mse_rgb", "c2st")]
    assert head == ["System", "Sees", *labels]
    numbers = ["0.00555 [0.00510, 0.00600]", "50.0% [45.0%, 55.0%]"]
    assert lines == [
        [
            naming.NAMES["gan/default"],
            naming.SEES["l"],
            f"{numbers[0]} 0.00550 · 0.00560",
            f"{numbers[1]} 49.0% · 51.0%",
        ],
        [naming.NAMES["baseline/oracle_image_mean"], naming.SEES["answer"], *numbers],
        ["new/system", naming.SEES["class"], *numbers],
    ]


@pytest.mark.parametrize(
    "metric, low, high, verdict",
    [
        ("mse_rgb", -0.002, -0.001, "better"),
        ("mse_rgb", 0.001, 0.002, "worse"),
        ("mse_rgb", -0.001, 0.002, "not distinguishable"),
        ("psnr", 0.1, 0.2, "better"),
        ("psnr", -0.2, -0.1, "worse"),
        ("kid", -0.2, 0.0, "not distinguishable"),
        ("chroma_retention", 0.1, 0.2, "higher"),
        ("chroma_retention", -0.2, -0.1, "lower"),
    ],
)
def test_a_table_of_pairs_judges_by_the_interval(metric, low, high, verdict):
    row = {"a": "gan/default", "b": "gan/l1_only", "dataset": "cifar10", "metric": metric}
    row |= {"difference": (low + high) / 2, "low": low, "high": high, "n": 1000, "seeds": 1}
    head, (cells,) = html_rows(tables.pairs(pd.DataFrame([row])))
    assert head[-1] == METRICS[metric].label and cells[-1].split(":")[0] == verdict
    assert cells[:3] == [naming.NAMES["gan/default"], naming.NAMES["gan/l1_only"], "cifar10"]


def test_a_table_of_pairs_shows_the_difference_with_its_sign():
    row = {"a": "x/y", "b": "z/w", "dataset": "scenes", "metric": "mse_rgb", "n": 9, "seeds": 1}
    row |= {"difference": 0.001234, "low": -0.0001, "high": 0.00249}
    other = row | {"metric": "kid", "difference": 0.1, "low": 0.05, "high": 0.15}
    head, (cells,) = html_rows(tables.pairs(pd.DataFrame([row, other])))
    assert len(head) == 5 and cells[:3] == ["x/y", "z/w", "scenes"], "a row per pair"
    assert cells[3] == "not distinguishable: +0.00123 [-0.00010, +0.00249]"
    assert cells[4] == "worse: +0.100 [+0.050, +0.150]"


def test_a_table_takes_any_text():
    long = "a <b> & " + "long " * 30 + "end"
    table = tables.Table([{"name": f"{long}\nsecond <line>", "number": 3}])
    head, (cells,) = html_rows(table)
    assert head == ["name", "number"] and cells == [f"{long} second <line>", "3"]
    assert "a <b>" in repr(table)


def curve(values, **more):
    value = np.array(values, float)
    return {"x": np.arange(len(value)), "value": value, "low": value, "high": value, **more}


def test_curves_say_what_they_rest_on_and_what_training_had():
    lines = {
        "gan/default": curve([1, 2, 3], n=40, seeds=[1, 2, 3]),
        "truth": curve([1, np.nan, 3], n=40),
        "a line of its own": curve([0, 0, 0]),
    }
    picture = figures.curves({"left": lines, "right": {}}, x="knob", y="Lab", span=(0.5, 1.5))
    said = texts(picture)
    assert "n = 40; networks: 3 trainings" in said and "as in training" in said
    assert {"left", "knob", "Lab", "truth", "a line of its own"} <= set(said)


def test_what_intervals_rest_on():
    assert figures._sizes({"a": {"n": 40}, "b": {"n": np.array([7, 1200])}}) == "n = 7 to 1,200"
    assert figures._sizes({"a": {"value": 1}}) == ""


def test_a_table_of_limits_says_numbers_and_leaves_out_what_is_not_defined():
    found = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 1000, "seeds": [0.45, 0.55]}
    nothing = found | {"value": np.nan}
    (row,) = tables.limits({"gan/default": {"sepia_index": found, "bleed_width": nothing}}).rows
    name, of = row["System"].split("\n")
    assert name == naming.NAMES["gan/default"] and of == "n = 1,000 × 2 trainings"
    assert row["Sepia index"] == "+0.500\n[+0.400, +0.600]\n+0.450 · +0.550"
    assert row["Bleed width (pixels)"] == "–"


def test_a_notebook_holds_a_picture_once():
    picture = figures.rows_of_pictures({"truth": torch.zeros(2, 3, 32, 32, dtype=torch.uint8)})
    assert len(repr(picture)) < 100 and picture.mime in repr(picture)


def test_what_a_pair_was_not_compared_in_is_a_dash():
    numbers = {"difference": -1.0, "low": -2.0, "high": -0.5, "n": 4, "seeds": 1}
    rows = [
        {"a": "gan/default", "b": b, "dataset": "scenes", "metric": metric, **numbers}
        for b, metric in (("baseline/gray", "mse_rgb"), ("baseline/mean_ab", "kid"))
    ]
    shown = tables.pairs(pd.DataFrame(rows))._repr_html_()
    assert shown.count("–") == 2 and "NaN" not in shown and shown.count("better") == 2
