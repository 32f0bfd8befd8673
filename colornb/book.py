"""Builds the HTML book: of a run, or the published one that `book/` holds.

`python -m colornb.book PROFILE` puts the chapters of a run into a copy of `book/` under
`runs/PROFILE/book` and builds it; `python -m colornb.book` builds `book/` itself.
"""

import re
import shutil
import subprocess
import sys
from base64 import b64decode
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import yaml

from colornb.errors import ColornbError
from colornb.files import locked
from colornb.paths import ROOT, RUNS
from colornb.runner import executed
from colornb.study import planned

SOURCE = ROOT / "book"
RESULT = "fig-main"
MATHJAX = "sphinx-mathjax-offline/static/mathjax/tex-svg-full.js"


def assemble(profile: str, target: Path) -> None:
    """Write the pages of `book/` and the executed chapters of `profile` into `target`."""
    shutil.rmtree(target, ignore_errors=True)
    ours = {"chapters", "results", "_build"}
    shutil.copytree(
        SOURCE, target, ignore=lambda folder, names: ours if Path(folder) == SOURCE else ()
    )
    write_chapters(profile, target / "chapters")


def write_chapters(profile: str, target: Path) -> None:
    """Write the executed chapters of `profile` as pages into the folder `target`.

    A chapter is shown by the first of its runs in `study.yaml`; one without, such as that of
    `make bench`, where it has been run. The grid of all systems also
    becomes `_static/result.jpg`, for the first page.
    """
    target.mkdir(exist_ok=True)
    for name, runs in planned(profile).items():
        source = executed(profile, name, *(runs or [("default", 0)])[0])
        if runs or source.exists():
            notebook = nbformat.read(source, as_version=4)
            nbformat.write(page(notebook), target / f"{name}.ipynb")
            if picture := figure(notebook, RESULT):
                (target.parent / "_static" / "result.jpg").write_bytes(picture)


def figure(notebook: nbformat.NotebookNode, name: str) -> bytes | None:
    """The JPEG of the numbered figure `name` of an executed notebook, if it is there."""
    for cell in notebook.cells:
        if cell.metadata.get("mystnb", {}).get("figure", {}).get("name") == name:
            return b64decode(cell.outputs[0].data["image/jpeg"])
    return None


# A warning that names the file that gave it, and the line of code that Python prints with it; it
# may follow a progress bar on the same line.
WARNING = re.compile(r"/\S+:\d+: \w*Warning: .*\n(?:  \S.*\n)?")


def page(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """An executed notebook as a page: no papermill metadata, its parameters folded away, and no
    warnings of libraries, which tell of the machine that ran it."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                output.text = WARNING.sub("", output.text)
        tags = cell.metadata.get("tags", [])
        if "parameters" in tags:
            cell.metadata.tags = [*tags, "hide-input"]
        if "injected-parameters" in tags:
            cell.metadata.tags = [*tags, "remove-cell"]
    return notebook


def contents(entry, source: Path):
    """The table of contents without the chapters that `source` does not have."""
    if isinstance(entry, list):
        kept = (contents(item, source) for item in entry)
        return [item for item in kept if item]
    if not isinstance(entry, dict):
        return entry
    file = entry.get("file", "")
    if file.startswith("chapters/") and not (source / f"{file}.ipynb").exists():
        return None
    entry = {key: contents(value, source) for key, value in entry.items()}
    return None if entry.get("chapters") == [] else entry


def build(source: Path) -> Path:
    """Build the pages of `source`, warnings as errors, into `source/_build/html`.

    Returns the path of `index.html`. Raises ColornbError with the builder's messages.
    """
    extra = source / "_build" / "extra" / "mathjax"
    extra.mkdir(parents=True, exist_ok=True)
    shutil.copy(distribution("sphinx-mathjax-offline").locate_file(MATHJAX), extra)
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf8"))
    present = source / "_build" / "toc.yml"
    present.write_text(yaml.safe_dump(contents(toc, source), sort_keys=False), encoding="utf8")
    program = Path(sys.executable).with_name("jupyter-book")
    command = [program, "build", source, "--path-output", source, "--config"]
    command += [ROOT / "_config.yml", "--toc", present, "-q", "-W", "-n", "--keep-going", "--all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ColornbError(f"The book in {source} did not build:\n{done.stdout}{done.stderr}")
    return source / "_build" / "html" / "index.html"


def only_one(folder: Path):
    """Holds the lock, a file in `folder`, of who builds a book or publishes into it."""
    sentence = f"Another process builds or publishes the book of {folder}: wait for it or stop it."
    return locked(folder / "book.lock", sentence)


def main() -> None:
    """Build the book that the command line names."""
    if not sys.argv[1:]:
        with only_one(SOURCE / "_build"):
            build(SOURCE)
        return
    profile = sys.argv[1]
    planned(profile)  # refuses an unknown profile
    folder = RUNS / profile
    build_in = folder / "book.partial"
    with only_one(folder):
        assemble(profile, build_in)
        build(build_in)
        shutil.rmtree(folder / "book", ignore_errors=True)
        build_in.rename(folder / "book")


if __name__ == "__main__":
    try:
        main()
    except ColornbError as error:
        sys.exit(str(error))
