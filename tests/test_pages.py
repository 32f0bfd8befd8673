"""What the book makes of records and of the chapters' figures."""

import ast
import io
import json
import re
from html import escape

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from colornb import book, downloads, exhibits, figures, naming, pages, publish, records, weights
from colornb.errors import ColornbError
from colornb.paths import RESULTS, ROOT


@pytest.fixture(scope="module")
def found():
    return records.within(RESULTS / book.published_profile())


@pytest.fixture(scope="module")
def known(found):
    return pages.systems(found)


def test_a_system_is_what_its_trainings_say_together(known):
    gan = known["gan/default", "cifar10", 32]
    results = pd.read_csv(RESULTS / "results.csv").query(
        f"system == 'gan' and variant == 'default' and profile == '{book.published_profile()}'"
        " and dataset == 'cifar10'"
    )
    for metric in ("mse_rgb", "kid", "sepia_index"):
        singles = results[results["metric"] == metric].sort_values("seed")
        one = gan.metrics[metric]
        assert len(gan.records) == len(one["seeds"]) == len(singles)
        np.testing.assert_allclose(one["seeds"], singles["value"], rtol=1e-4)
        np.testing.assert_allclose(one["value"], singles["value"].mean(), rtol=1e-4)
        assert one["low"] < one["value"] < one["high"]
    kid = results[results["metric"] == "kid"]
    of_pictures = kid["value"].mean() - kid["low"].mean()
    of_trainings = 1.96 * (kid["value"].var() / len(kid)) ** 0.5
    reach = gan.metrics["kid"]["value"] - gan.metrics["kid"]["low"]
    np.testing.assert_allclose(reach, np.hypot(of_pictures, of_trainings), rtol=1e-3)


def test_an_error_over_several_trainings_has_the_interval_of_the_chapters(known):
    one = known["gan/default", "cifar10", 32].metrics["mse_rgb"]
    text = (ROOT / "book" / "chapters" / "13_comparison.ipynb").read_text(encoding="utf8")
    assert f"{one['value']:.5f}<br><small>[{one['low']:.5f}, {one['high']:.5f}]" in text


def test_the_readme_has_the_published_numbers(known):
    text = (ROOT / "README.md").read_text(encoding="utf8")
    assert publish.with_headline(text, book.published_profile()) == text, "publish again"
    gan = known["gan/default", "cifar10", 32].metrics["kid"]
    assert f"| {gan['value']:.4f} [{gan['low']:.4f}, {gan['high']:.4f}] | 1,000 × 3 |" in text


def test_each_page_says_what_it_is_made_of(tmp_path):
    book.assemble(tmp_path / "book")

    def said(chapter):
        page = nbformat.read(tmp_path / "book" / "chapters" / f"{chapter}.ipynb", as_version=4)
        return next(cell.source for cell in page.cells if cell.get("id") == "profile")

    assert "cats and dogs {cite:p}`elson2007`" in said("02_koalarization")
    for chapter in ("02_koalarization", "11_captions", "19_protocol"):
        assert "*Extractor, where a network has one:* `tf_efficientnet_lite0`" in said(chapter)
    assert "`random`, `tf_efficientnet_lite0`" in said("04_ablations")
    assert "BSDS500 {cite:p}`arbelaez2011`" in said("07_leaks")
    assert "drawn scenes" in said("05_colour_bias") and "Extractor" not in said("03_gan")


def test_every_table_is_made_of_the_records(known, found, tmp_path):
    (tmp_path / "_static").mkdir()
    pages.write(tmp_path, book.published(book.published_profile()))
    texts = {path.stem: path.read_text("utf8") for path in (tmp_path / "generated").iterdir()}
    gan = known["gan/default", "cifar10", 32].metrics["delta_e2000"]
    cell = f"<td>{gan['value']:.2f}<br><small>[{gan['low']:.2f}, {gan['high']:.2f}]</small></td>"
    assert cell in texts["systems"] and cell in texts["card_gan"]
    for name, dataset, _ in known:
        if dataset in ("cifar10", "cats_dogs") and not name.endswith("heldout"):
            assert escape(naming.called(name)) in texts["systems"]
    for _, record in found:
        assert record["environment"]["commit"][:10] in texts["run"]
        assert record["data_sha256"]["test"][:16] in texts["data"]
    for name, shipped in json.loads(weights.RECORD.read_text("utf8")).items():
        tested, scored = shipped["test"]["metrics"]["mse_rgb"], shipped["tiny"]["photos"]["mse_rgb"]
        assert f"<td>{name}</td>" in texts["card_shipped"]
        assert f"<td>{tested['value']:.5f}<br><small>[{tested['low']:.5f}" in texts["card_shipped"]
        assert f"<td>{scored:.5f}</td>" in texts["card_shipped"]
    trainings = sum("/03_gan/l1_only/" in str(folder) for folder, _ in found)
    assert f"<td>03_gan</td><td>l1_only</td><td>{trainings}</td>" in texts["run"]
    assert texts["slider"] == texts["quiz"] == "", "without chapters there are no pictures"


def test_the_lock_is_read_with_its_two_versions_of_one_name():
    pins = pages.locked()
    assert re.fullmatch(r"[\d.]+ or [\d.]+", pins["numpy"]) and pins["torch"].count(".") == 2


def test_a_table_escapes_what_it_shows():
    text = pages.table([{"System": "gan/default", "Why": "a < b\nsmall & so"}], "One")
    assert "a &lt; b<br><small>small &amp; so</small>" in text
    assert naming.colour("gan/default") in text and 'aria-label="One"' in text


def smooth(*shape):
    """Random pictures without fine detail, as JPEG keeps it."""
    coarse = np.random.default_rng(0).integers(0, 256, (*shape, 3, 4, 4))
    return coarse.repeat(8, -1).repeat(8, -2).astype(np.uint8)


def test_cut_finds_the_pictures_of_a_figure():
    drawn = smooth(3, 10)
    names = ("a short label", "another label, far longer than that", "truth")
    labelled = {name: torch.from_numpy(row) for name, row in zip(names, drawn, strict=True)}
    jpeg = figures.rows_of_pictures(labelled).data
    error = exhibits.cut(jpeg, 3).astype(int) - drawn.transpose(0, 1, 3, 4, 2)
    assert np.abs(error).mean() < 3
    with pytest.raises(ColornbError, match="not the 4 rows"):
        exhibits.cut(jpeg, 4)


def test_the_rows_that_are_cut_are_those_of_the_notebooks():
    comparison, cooled = (
        (ROOT / "notebooks" / f"{name}.py").read_text(encoding="utf8")
        for name in ("13_comparison", "09_distribution")
    )
    lists = re.findall(r"^names \+?= (\[.*?\])$", comparison, re.M | re.S)
    assert tuple(sum(map(ast.literal_eval, lists), [])) == exhibits.MAIN
    assert f"shown = test.subset(range(10)), {exhibits.TEMPERATURES}" in cooled


def test_the_quiz_knows_its_pictures_and_the_truth(tmp_path):
    (tmp_path / "chapters").symlink_to(ROOT / "book" / "chapters")
    texts = exhibits.exhibits(tmp_path, "CIFAR-10")
    data = json.loads(re.search(r'class="quiz-data">(.*?)</script>', texts["quiz"])[1])
    assert {one["system"] for one in data["systems"]} == {*exhibits.MAIN[1:], "truth"}
    size = (32 * data["columns"], 32 * data["pictures"] // data["columns"])
    for one in data["systems"]:
        assert Image.open(tmp_path / one["file"]).size == size
    assert texts["temperature"].count("<img") == len(exhibits.TEMPERATURES) + 1
    assert sum(p.stat().st_size for p in (tmp_path / "_static").rglob("*.png")) < 1_000_000


def jpeg_cell(width):
    file = io.BytesIO()
    Image.new("RGB", (width, width // 2)).save(file, "jpeg")
    cell = nbformat.v4.new_code_cell()
    cell.outputs = [nbformat.v4.new_output("display_data", {"image/jpeg": encode(file)})]
    return cell


def encode(file):
    return book.b64encode(file.getvalue()).decode()


def test_a_page_has_its_code_folded_and_no_photograph_wider_than_it_can_show():
    cells = [jpeg_cell(book.WIDTH + 400), jpeg_cell(300)]
    before = cells[1].outputs[0].data["image/jpeg"]
    book.readable(nbformat.v4.new_notebook(cells=cells))
    wide, narrow = (cell.outputs[0].data["image/jpeg"] for cell in cells)
    size = Image.open(io.BytesIO(book.b64decode(wide))).size
    assert size == (book.WIDTH, book.WIDTH // 2) and narrow == before
    assert all(cell.metadata.tags == ["hide-input"] for cell in cells)


def test_a_built_book_offers_bare_notebooks_and_no_source_maps(tmp_path):
    (tmp_path / "_sources").mkdir()
    (tmp_path / "_static").mkdir()
    for name in ("theme.css.map", "theme.css", "macros.html"):
        (tmp_path / "_static" / name).touch()
    path = tmp_path / "_sources" / "01.ipynb"
    links = nbformat.v4.new_markdown_cell("**Data of this page:**", id=downloads.LINKS)
    nbformat.write(nbformat.v4.new_notebook(cells=[jpeg_cell(40), links]), path)
    book.strip(tmp_path)
    (cell,) = nbformat.read(path, as_version=4).cells
    assert cell.outputs == []
    assert [p.name for p in (tmp_path / "_static").iterdir()] == ["theme.css"]
