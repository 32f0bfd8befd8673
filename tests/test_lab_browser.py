"""JupyterLab with a real browser: notebooks are opened, run and saved as a reader would.

JupyterLab serves a copy of the repository as `make lab` starts it, on the loopback, with a token;
Playwright drives the system's Chromium.
"""

import importlib.util
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jupytext
import nbformat
import numpy as np
import pytest
from jupytext.compare import compare_notebooks
from nbformat.reader import NotJSONError
from PIL import Image
from small_study import copy_repository

from colornb import study

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDED = {
    "Chromium: install the system's package chromium": CHROMIUM,
    "playwright: install the extra test": importlib.util.find_spec("playwright"),
    "JupyterLab: install the extra lab": importlib.util.find_spec("jupyterlab"),
    "ipywidgets: install the extra lab": importlib.util.find_spec("ipywidgets"),
}
MISSING = [name for name, found in NEEDED.items() if not found]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"needs {'; '.join(MISSING)}"),
    pytest.mark.timeout(2400),  # a machine that also does something else is slow
]
PATIENCE = 600  # seconds that a busy machine may take for one step


def until(true, what):
    """What `true()` is as soon as it is something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        time.sleep(0.2)
    return found


def options_of_make(root):
    """What `make lab` gives to JupyterLab."""
    command = ["make", "--no-print-directory", "-n", "lab"]  # also within `make test`
    said = subprocess.run(command, cwd=root, capture_output=True, text=True).stdout
    program, _, options = said.partition("jupyter lab ")
    assert program and options
    return shlex.split(options.replace("\\\n", " "))


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a copy of the repository whose notebooks ask for profile smoke, and a page."""
    from playwright.sync_api import sync_playwright

    home = tmp_path_factory.mktemp("lab")
    root, runtime, token = home / "colornb", home / "runtime", secrets.token_hex(16)
    copy_repository(root)
    for path in (root / "notebooks").iterdir():
        text = path.read_text(encoding="utf8")
        for quote in ('"', '\\"'):  # that of the source, and that of JSON
            text = text.replace(f"profile = {quote}sample{quote}", f"profile = {quote}smoke{quote}")
        path.write_text(text, encoding="utf8")
    folders = {"JUPYTER_RUNTIME_DIR": runtime, "JUPYTER_CONFIG_DIR": home, "IPYTHONDIR": home}
    environment = os.environ | {key: str(folder) for key, folder in folders.items()}
    environment |= {"PYTHONPATH": str(root), "COLORNB_DATA": str(root / "data")}
    command = [sys.executable, "-m", "jupyterlab", *options_of_make(root), "--no-browser"]
    command += ["--port=0", f"--IdentityProvider.token={token}"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log)
    try:
        about = until(lambda: list(runtime.glob("jpserver-*.json")), "JupyterLab starts")
        url = json.loads(about[0].read_text())["url"]
        assert url.startswith("http://127.0.0.1:")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox"] if os.getuid() == 0 else []
            )
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(PATIENCE * 1000)
            yield SimpleNamespace(root=root, url=url, token=token, page=page)
            browser.close()
    finally:
        server.terminate()
        server.wait(30)


def is_idle(lab):
    """Whether the one kernel waits for something to do."""
    asked = Request(f"{lab.url}api/kernels", headers={"Authorization": f"token {lab.token}"})
    try:
        with urlopen(asked) as answer:
            return [kernel["execution_state"] for kernel in json.load(answer)] == ["idle"]
    except HTTPError:  # the server cannot tell of a kernel that is just starting
        return False


def run_all(lab, name):
    """Opens a notebook, runs all of its cells, saves it, and leaves it open: its code cells."""
    page, path = lab.page, lab.root / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, path)
    page.goto(f"{lab.url}lab/tree/notebooks/{name}.ipynb?token={lab.token}&reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
    until(lambda: is_idle(lab), "the kernel starts")
    page.click("text=Run >> visible=true")
    page.click("text=Run All Cells >> visible=true")

    def saved():
        if not is_idle(lab):
            return None
        page.keyboard.press("Control+s")
        try:
            read = nbformat.read(path, as_version=4)
        except NotJSONError:  # it is just being written
            return None
        code = [cell for cell in read.cells if cell.cell_type == "code"]
        return code if all(cell.execution_count for cell in code) or errors(code) else None

    return until(saved, f"{name} has run")


def errors(code):
    """The outputs of code cells that are exceptions."""
    return [o for cell in code for o in cell.outputs if o.output_type == "error"]


@pytest.fixture(autouse=True)
def end_kernels(lab):
    """No kernel of one test is there in the next."""
    yield
    headers = {"Authorization": f"token {lab.token}"}
    with urlopen(Request(f"{lab.url}api/sessions", headers=headers)) as answer:
        for session in json.load(answer):
            url = f"{lab.url}api/sessions/{session['id']}"
            urlopen(Request(url, headers=headers, method="DELETE")).close()


FIRST, *OTHERS = study.read()["chapters"]


@pytest.mark.parametrize(
    "chapter", [FIRST, *(pytest.param(name, marks=pytest.mark.long) for name in OTHERS)]
)
def test_a_notebook_that_is_run_and_saved_stays_in_sync_with_its_pair(lab, request, chapter):
    runs = lab.root / "runs" / "smoke"
    if chapter != FIRST:  # which needs no other
        finished = request.getfixturevalue("smoke").copy.root / "runs" / "smoke"
        shutil.copytree(finished, runs, dirs_exist_ok=True)
    # What the chapter itself leaves behind is made anew, from what those before it left.
    shutil.rmtree(runs / chapter / "default", ignore_errors=True)
    source, notebook = (lab.root / "notebooks" / f"{chapter}.{kind}" for kind in ("py", "ipynb"))
    before = source.read_text(encoding="utf8")
    code = run_all(lab, chapter)
    assert not errors(code) and sum(len(cell.outputs) for cell in code) > 2
    widgets = "application/vnd.jupyter.widget-view+json" in notebook.read_text(encoding="utf8")
    assert widgets == (chapter == "15_your_photographs")
    assert source.read_text(encoding="utf8") == before
    pair = nbformat.read(notebook, as_version=4), jupytext.read(source)
    compare_notebooks(*pair, fmt="py:percent", allow_expected_differences=True)
    assert list((runs / chapter / "default" / "seed0").iterdir())


def test_a_photograph_is_uploaded_colorized_and_saved(lab, tmp_path):
    noise = np.random.default_rng(0).integers(80, 160, (2000, 2400, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "old.png", compress_level=1)
    assert (tmp_path / "old.png").stat().st_size > 12e6, "more than a server takes by itself"
    run_all(lab, "15_your_photographs")
    page = lab.page
    with page.expect_file_chooser() as chooser:
        page.click("button:has-text('Photograph')")
    chooser.value.set_files(tmp_path / "old.png")
    page.wait_for_selector("button:has-text('Photograph (1)')")
    page.click("button:has-text('Colorize')")
    page.wait_for_selector("text=old.png has new colours.")
    picture = page.locator(".jupyter-widgets.widget-image")
    colour = picture.get_attribute("src")
    slider = page.locator(".widget-hslider:has-text('After, %') [role=slider], .noUi-handle").last
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    until(lambda: picture.get_attribute("src") != colour, "the slider moves")
    page.click("button:has-text('Save')")
    page.wait_for_selector("text=Saved as data/colorized/old-colorized.png.")
    with Image.open(lab.root / "data" / "colorized" / "old-colorized.png") as saved:
        assert saved.size == (2400, 2000) and saved.mode == "RGB"
