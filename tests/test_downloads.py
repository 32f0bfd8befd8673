"""What readers take along: the data of each figure, and the book as one file."""

import hashlib
import os
import re
import shutil
from zipfile import ZipFile

import nbformat
import pandas as pd
import pytest

from colornb import book, downloads, records
from colornb.errors import ColornbError
from colornb.paths import RESULTS, ROOT

CHAPTERS = sorted((ROOT / "book" / "chapters").glob("*.ipynb"))
TIMED = {"fig-growth"}
"""A figure of what `make bench` measures, whose numbers are in no file."""


@pytest.fixture(scope="module")
def results():
    """Chapter -> folder of the published results that its page shows."""
    return book.places()


@pytest.fixture(scope="module")
def offered(results, tmp_path_factory):
    """The sources of a book, with links to the data of the published chapters."""
    folder = tmp_path_factory.mktemp("book")
    shutil.copytree(ROOT / "book" / "chapters", folder / "chapters")
    downloads.offer(folder, results, book.published(book.published_profile()))
    return folder


def cells_of(folder, path):
    return nbformat.read(folder / "chapters" / path.name, as_version=4).cells


def links(folder, text):
    """The files that a text links to."""
    places = re.findall(r"\{download\}`[^`<]+ <\.\./([^>]+)>`", text)
    assert len(places) == text.count("{download}")
    return [folder / place for place in places]


def figures_of(cells):
    """Caption and kinds of output of each figure, by its name."""
    return {
        cell.metadata["mystnb"]["figure"]["name"]: (
            cell.metadata["mystnb"]["figure"]["caption"],
            {kind for output in cell.outputs for kind in output.get("data", {})},
        )
        for cell in cells
        if cell.cell_type == "code" and "figure" in cell.metadata.get("mystnb", {})
    }


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_figure_links_to_its_numbers_if_it_draws_any(offered, path):
    for name, (caption, kinds) in figures_of(cells_of(offered, path)).items():
        linked = links(offered, caption)
        assert len(linked) == ("image/svg+xml" in kinds and name not in TIMED), name
        assert all(file.stat().st_size for file in linked), name


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_page_ends_with_all_that_its_chapter_wrote(offered, results, path):
    *_, last = cells_of(offered, path)
    linked = {file.name: file for file in links(offered, last.source)}
    run = results[path.stem] / path.stem / "default" / "seed0"
    for table in run.glob("tables/*.csv"):
        assert linked[table.name].read_bytes() == table.read_bytes()
    assert linked[downloads.RECORDS].parent.name == "downloads"


def test_the_figures_named_here_are_figures_of_the_notebooks():
    notebooks = [nbformat.read(path, 4) for path in (ROOT / "notebooks").glob("*.ipynb")]
    names = {name for notebook in notebooks for name in figures_of(notebook.cells)}
    assert set(downloads.DRAWN) | TIMED <= names


def test_the_measures_of_the_records_are_the_published_ones(offered):
    found = [
        pd.read_csv(path).sort_values(list(records.RESULT_COLUMNS)).reset_index(drop=True)
        for path in (offered / "downloads" / downloads.RECORDS, RESULTS / "results.csv")
    ]
    pd.testing.assert_frame_equal(*found)


def test_a_table_is_found_where_its_figure_writes_it():
    source = 'panels = {}\nmeasured.draw(run, "recall", panels, x="x")\nother(run, [name], few)'
    assert downloads.drawn({"name": "fig-recall"}, source) == ["recall.csv"]
    broken = source.replace("(run", "(\n    run")
    assert downloads.drawn({"name": "fig-recall"}, broken) == ["recall.csv"], "in two lines"
    assert downloads.drawn({"name": "fig-pull"}, "") == ["strength.csv"]
    assert downloads.drawn({"name": "fig-cars"}, "figures.beside_truth(images)") == []
    assert downloads.drawn({}, source) == [], "no figure"


@pytest.fixture
def html(tmp_path):
    """A built book in small."""
    for name in ("index.html", "_static/b.css", "chapters/01.html", "_static/a.css", ".buildinfo"):
        path = tmp_path / "html" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "html"


def test_an_archive_opens_and_its_checksum_is_right(html):
    path = downloads.archive(html)
    with ZipFile(path) as packed:
        assert packed.testzip() is None
        packed.extractall(html.parent / "out")
    unpacked = html.parent / "out" / "colornb-book"
    files = [file.relative_to(html) for file in html.rglob("*") if file.is_file()]
    assert len(files) == sum(file.is_file() for file in unpacked.rglob("*")) == 5
    assert all((unpacked / file).read_bytes() == (html / file).read_bytes() for file in files)
    checksum = path.with_name("colornb-book.zip.sha256").read_text()
    assert checksum == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  colornb-book.zip\n"


def test_the_same_pages_are_the_same_archive(html):
    first = downloads.archive(html).read_bytes()
    shutil.copytree(html, html.parent / "again" / "html", copy_function=shutil.copyfile)
    for file in (html.parent / "again").rglob("*"):
        os.utime(file, (0, 2_000_000_000))
        file.chmod(0o755)
    assert downloads.archive(html.parent / "again" / "html").read_bytes() == first


def test_there_is_no_archive_without_a_book(tmp_path):
    with pytest.raises(ColornbError, match="There is no book in .*html: call `make book` before"):
        downloads.archive(tmp_path / "html")
    assert not list(tmp_path.iterdir())
