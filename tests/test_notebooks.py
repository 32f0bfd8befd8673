"""The notebooks keep their contract: paired, clean, parameterized, short."""

import ast
import re

import jupytext
import nbformat
import pytest
import yaml
from jupytext.compare import compare_notebooks

from colornb.paths import ROOT

SOURCES = sorted((ROOT / "notebooks").glob("*.py"))
STUDY = yaml.safe_load((ROOT / "study.yaml").read_text(encoding="utf8"))

each_notebook = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def code_cells(source):
    return [cell for cell in jupytext.read(source).cells if cell.cell_type == "code"]


def parameters(source):
    """Name -> default of the one cell tagged `parameters`."""
    tagged = [c for c in code_cells(source) if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    statements = ast.parse(tagged[0].source).body
    assert all(isinstance(s, ast.Assign) and len(s.targets) == 1 for s in statements)
    return {s.targets[0].id: ast.literal_eval(s.value) for s in statements}


def test_study_and_notebooks_name_the_same_chapters():
    assert SOURCES
    stems = {source.stem for source in SOURCES}
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} == stems
    assert set(STUDY["chapters"]) == stems


@each_notebook
def test_pair_is_in_sync_and_has_no_outputs(source):
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(notebook)
    compare_notebooks(
        notebook, jupytext.read(source), fmt="py:percent", allow_expected_differences=True
    )
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None


@each_notebook
def test_first_cell_is_the_title(source):
    first = jupytext.read(source).cells[0]
    assert first.cell_type == "markdown"
    assert re.match(r"(\(\S+\)=\n)?# ", first.source), "a title, with or without a label"
    assert "?" in first.source, "the first cell asks the chapter's question"


def test_no_two_figures_have_one_name():
    figures = [c.metadata.get("mystnb", {}).get("figure") for s in SOURCES for c in code_cells(s)]
    names = [figure["name"] for figure in figures if figure]
    assert len(names) > 50 and sorted(set(names)) == sorted(names)


@each_notebook
def test_parameters_are_those_of_the_study(source):
    given = parameters(source)
    assert given["profile"] == "sample" and given["variant"] == "default" and given["seed"] == 0
    chapter = STUDY["chapters"][source.stem]
    settings = [chapter.get("parameters"), *chapter.get("profiles", {}).values()]
    settings += chapter.get("variants", {}).values()
    for setting in settings:
        assert set(setting or {}) <= set(given)


@each_notebook
def test_code_is_plain_and_short(source):
    cells = [cell.source for cell in code_cells(source)]
    lines = [line for cell in cells for line in cell.splitlines() if line.strip()]
    assert not [line for line in lines if line.lstrip().startswith(("%", "!"))], "magics"
    assert sum(not line.lstrip().startswith("#") for line in lines) < 150
    assert max(map(len, lines)) <= 80, "the page cuts longer lines"
    for node in ast.walk(ast.parse("\n".join(cells))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not re.match(r"/\w|~", node.value), "an absolute path"


@pytest.mark.parametrize("name", STUDY["chapters"])
def test_chapter_of_the_study_is_consistent(name):
    chapter, profiles = STUDY["chapters"][name], set(STUDY["profiles"])
    variants = set(chapter.get("variants", {})) | {"default"}
    assert set(chapter.get("profiles", {})) <= profiles
    assert set(chapter.get("needs", [])) <= set(STUDY["chapters"]) - {name}
    for profile, runs in chapter.get("runs", {}).items():
        assert profile in profiles and set(runs) <= variants
        assert next(iter(runs)) == "default" and runs["default"][0] == 0, "the chapter's page"
