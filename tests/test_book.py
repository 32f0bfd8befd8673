"""Pages from executed notebooks, and the table of contents of what exists."""

import re
import shutil

import nbformat
import pytest

from colornb import book, study
from colornb.paths import ROOT

OTHER = ["results", "_build", "_static", "chapters"]
"""What lies in `book/` beside its pages."""


def test_page_folds_the_parameters_away():
    cells = [nbformat.v4.new_code_cell("x = 1") for _ in range(3)]
    cells[0].metadata.update(tags=["parameters"], papermill={"duration": 1})
    cells[1].metadata.update(tags=["injected-parameters"])
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"papermill": {"input_path": "x"}})
    page = book.page(notebook)
    assert "papermill" not in page.metadata
    assert [cell.metadata for cell in page.cells] == [
        {"tags": ["parameters", "hide-input"]},
        {"tags": ["injected-parameters", "remove-cell"]},
        {},
    ]


def test_page_leaves_out_the_warnings_of_libraries():
    hint = "/lib/x.py:204: UserWarning: a hint\n  warnings.warn(hint)\n"
    said = f"{hint}epoch 1\n  indented\n0/2 [?]{hint}"
    cell = nbformat.v4.new_code_cell()
    cell.outputs = [nbformat.v4.new_output("stream", name="stderr", text=said)]
    book.page(nbformat.v4.new_notebook(cells=[cell]))
    assert cell.outputs[0].text == "epoch 1\n  indented\n0/2 [?]"


def test_contents_leaves_out_chapters_that_do_not_exist(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "01_data.ipynb").touch()
    first, second = {"file": "chapters/01_data"}, {"file": "chapters/02_more"}
    toc = {
        "format": "jb-book",
        "root": "index",
        "parts": [
            {"caption": "A", "chapters": [first, second, {"file": "running"}]},
            {"caption": "B", "chapters": [second]},
        ],
    }
    kept = [{"caption": "A", "chapters": [first, {"file": "running"}]}]
    assert book.contents(toc, tmp_path) == toc | {"parts": kept}


@pytest.mark.parametrize("profile", ["smoke", "cpu", "full"])
def test_a_book_links_to_the_chapters_that_its_profile_has(profile, tmp_path):
    """Of the others it says the title: the builder takes a link that leads nowhere for an error."""
    shutil.copytree(ROOT / "book", tmp_path, dirs_exist_ok=True, ignore=lambda at, names: OTHER)
    (tmp_path / "chapters").mkdir()
    planned = {name for name, runs in study.planned(profile).items() if runs}
    labels = {}
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        head = nbformat.read(notebook, as_version=4).cells[0].source
        labels[re.match(r"\((.+)\)=|", head)[1]] = notebook.stem
        if notebook.stem in planned:
            shutil.copy(notebook, tmp_path / "chapters")
    book._unlink_absent(tmp_path)
    linked = set()
    for path in [*tmp_path.rglob("*.md"), *tmp_path.glob("chapters/*.ipynb")]:
        text = path.read_text(encoding="utf8")
        linked |= {*re.findall(r"\]\(chapters/(\w+)\.ipynb\)", text)}
        linked |= {
            labels[label] for label in re.findall(r"\[\]\(([\w-]+)\)", text) if label in labels
        }
    assert linked and linked <= planned
    if profile == "cpu":
        assert "*What the critic needs*" in (tmp_path / "checklist.md").read_text("utf8")


def test_published_chapters_are_executions_of_the_notebooks():
    published = sorted((ROOT / "book" / "chapters").glob("*.ipynb"))
    assert published
    for path in published:
        source, page = (
            nbformat.read(p, as_version=4).cells for p in (ROOT / "notebooks" / path.name, path)
        )
        injected = [c for c in page if "injected-parameters" in c.metadata.get("tags", [])]
        cells = [c.source for c in page if c not in injected]
        assert cells == [c.source for c in source], f"{path.name}: publish the run again"
