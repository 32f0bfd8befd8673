"""CONTRIBUTING.md does what it says: its own code, put where it says, runs."""

import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from small_study import Copy

from colornb.paths import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8")
BLOCKS = re.findall(r"^([^\n]*):\n\n```(?:python|yaml)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
TABLES = {
    "colornb/models/__init__.py": "MODELS = {\n",
    "colornb/naming.py": "SYSTEMS = {\n",
    "colornb/datasets.py": "MADE = {\n",
    "study.yaml": "chapters:\n",
    "book/_toc.yml": "      - file: chapters/16_speed\n",
}
"""File -> the line that an entry is put under."""
CHAPTER = "22_pointwise"
pytestmark = pytest.mark.timeout(1200)  # a machine that also trains something is slow


def put(root, sentence, block):
    """Does what a sentence says with the block below it; returns the file."""
    names = re.findall("`([^`]+)`", sentence)
    name, path = names[-1], root / names[-1]
    if sentence == f"`{name}`":  # a new file
        assert not path.exists()
        text = block
    elif "`small`" in sentence:  # in each profile
        name, path = names[0], root / names[0]
        text = re.sub("^      small: .*\n", rf"\g<0>{block}", path.read_text("utf8"), flags=re.M)
    else:
        before, line, after = path.read_text("utf8").partition(TABLES[name])
        assert line and name in TABLES
        text = before + line + block + after
    path.write_text(text, encoding="utf8")
    return name


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """A copy of the repository with the page's network, data set and chapter, and the chapter's
    run."""
    copy = Copy(tmp_path_factory.mktemp("contributing") / "colornb")
    files = [put(copy.root, *one) for one in BLOCKS]
    convert = ("-m", "jupytext", "--to", "ipynb", f"notebooks/{CHAPTER}.py")
    assert copy.call(sys.executable, *convert).returncode == 0
    run = ("-m", "colornb.runner", "chapter", CHAPTER, "smoke", "default", "0")
    return SimpleNamespace(copy=copy, files=files, done=copy.call(sys.executable, *run))


def test_each_addition_is_a_file_and_an_entry_in_a_table(added):
    assert added.files == [
        "colornb/models/pointwise.py",
        "colornb/models/__init__.py",
        "colornb/naming.py",
        "colornb/stripes.py",
        "colornb/datasets.py",
        "study.yaml",
        f"notebooks/{CHAPTER}.py",
        "study.yaml",
        "book/_toc.yml",
    ]
    entries = [block for _, block in BLOCKS if not block.startswith(('"""', "# ---"))]
    assert [len(block.splitlines()) for block in entries] == [1, 1, 1, 1, 6, 1]


def test_the_new_chapter_runs_on_the_new_data_with_the_new_network(added):
    assert added.done.returncode == 0, added.done.stdout + added.done.stderr
    folder = added.copy.folder(CHAPTER, "default", 0)
    record = json.loads((folder / "metrics.json").read_text())
    assert (record["system"], record["dataset"]) == ("pointwise", "stripes")
    assert record["parameters"]["epochs"] == 2 and record["parameters"]["train_n"] == 96
    assert (folder / "chapter.ipynb").exists()


def test_the_new_chapter_keeps_the_contract_of_notebooks(added):
    tests = ("-m", "pytest", "tests/test_notebooks.py", "-k", f"{CHAPTER} or same_chapters")
    done = added.copy.call(sys.executable, *tests)
    assert done.returncode == 0 and re.search(r"\b[67] passed", done.stdout), done.stdout


def test_the_command_paints_with_the_new_network(added):
    weights = added.copy.folder(CHAPTER, "default", 0) / "weights.safetensors"
    photo = np.full((30, 50, 3), 120, np.uint8)
    Image.fromarray(photo).save(added.copy.root / "photo.png")
    program = "from colornb.cli import main; main()"
    command = ("-c", program, "colorize", "photo.png", "-o", "out", "--model", str(weights))
    done = added.copy.call(sys.executable, *command)
    assert done.returncode == 0, done.stderr
    with Image.open(added.copy.root / "out" / "photo-colorized.png") as painted:
        assert painted.size == (50, 30)
