"""Builds the HTML book: of a run, or the published one that `book/` holds.

`python -m colornb.book PROFILE` puts the chapters of a run into a copy of `book/` under
`runs/PROFILE/book` and builds it; `python -m colornb.book` builds the published chapters from a
copy in `book/_build/source`. What is made of records and figures is written into the copy.
"""

import re
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path

import nbformat
import yaml
from PIL import Image

from colornb import downloads, pages, records, study
from colornb.answers import Answers
from colornb.errors import ColornbError
from colornb.exhibits import figure
from colornb.files import locked
from colornb.paths import RESULTS, ROOT, RUNS
from colornb.runner import executed

SOURCE = ROOT / "book"
RESULT = "fig-main"
WIDTH = 1200
"""Pixels across the photographs of a page."""
NOT_HERE = "What stands here in the published book rests on the published records alone.\n"
MADE_BY = "*This page shows a run of profile `{}`:* {}. See [](how-run)."
"""What a page says of the profile of `study.yaml` that made it."""
CITED = {
    "cifar10": "krizhevsky2009",
    "cifar10_jpeg": "krizhevsky2009",
    "cats_dogs": "elson2007",
    "bsds500": "arbelaez2011",
}
"""Data set -> where the bibliography has its source."""
MATHJAX = "sphinx-mathjax-offline/static/mathjax/tex-svg-full.js"


def assemble(target: Path, profile: str | None = None) -> None:
    """Write the sources of a book into `target`: the pages of `book/`, and what is made for them.

    Chapters and records are those of the runs of `profile`, or without one the published ones, of
    which some may show another profile than the rest (`study.in_book`).
    """
    shutil.rmtree(target, ignore_errors=True)
    ours = {"results", "_build", "book.lock", ".publishing", ".published"}
    ours |= {"chapters"} if profile else set()
    shutil.copytree(
        SOURCE, target, ignore=lambda folder, names: ours if Path(folder) == SOURCE else ()
    )
    if profile:
        write_chapters(profile, target / "chapters")
        found = {profile: records.read_all(profile)}
        results = dict.fromkeys(study.planned(profile), RUNS / profile)
    else:
        usual = published_profile()
        found, results = published(usual), places()
    pages.write(target, found)
    downloads.offer(target, results, found)
    said = None if profile else Answers(target / "answers.yaml", results, found[usual])
    for name in ("summary", "claims"):
        text = getattr(said, name)() if said else NOT_HERE
        (target / "generated" / f"{name}.md").write_text(text, "utf8")
    profiles = study.read()["profiles"]
    for path in (target / "chapters").glob("*.ipynb"):
        chapter = readable(nbformat.read(path, as_version=4))
        shows = results[path.stem].name
        text = MADE_BY.format(shows, profiles[shows]["about"])
        text += _made_of(path.stem, profiles[shows]["sets"], results[path.stem])
        chapter.cells.insert(1, nbformat.v4.new_markdown_cell(text, id="profile"))
        if said and (text := said.of_chapter(path.stem)):
            chapter.cells.insert(1, nbformat.v4.new_markdown_cell(text, id="answer"))
        nbformat.write(chapter, path)
    _unlink_absent(target)


def _made_of(chapter: str, sets: Mapping[str, Mapping], results: Path) -> str:
    """The data sets of a chapter with their sources, and the extractors of its records, or of those
    that it needs, which may lie in the folder `results`."""
    names = dict.fromkeys(
        sets[kind]["dataset"] for kind in study.read()["chapters"][chapter]["sets"]
    )
    shown = (
        pages.set_called(name) + (f" {{cite:p}}`{CITED[name]}`" if name in CITED else "")
        for name in names
    )
    text = f"\n\n*Pictures:* {', '.join(shown)}."
    for several in ([chapter], study.needed(chapter)):
        found = (records.within(results / one) for one in several)
        if extractors := {r["extractor"] for one in found for _, r in one} - {"none"}:
            said = ", ".join(f"`{name}`" for name in sorted(extractors))
            return f"{text} *Extractor, where a network has one:* {said}."
    return text


def _unlink_absent(book: Path) -> None:
    """Make of each link to a chapter that the sources of a book do not have the chapter's title."""
    titles = {}
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        if not (book / "chapters" / notebook.name).exists():
            head = nbformat.read(notebook, as_version=4).cells[0].source
            title = "*{}*".format(re.search(r"^# (.+)$", head, re.M)[1])
            titles[f"[](chapters/{notebook.name})"] = title
            if label := re.match(r"\((.+)\)=$", head, re.M):
                titles[f"[]({label[1]})"] = title
    if not titles:
        return
    link = re.compile("|".join(map(re.escape, titles)))
    for page in [*book.rglob("*.md"), *book.glob("chapters/*.ipynb")]:
        text = page.read_text(encoding="utf8")
        page.write_text(link.sub(lambda found: titles[found[0]], text), encoding="utf8")


def profile_of(page: Path) -> str:
    """The profile that an executed chapter shows; empty if it does not say."""
    for cell in nbformat.read(page, as_version=4).cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            if given := re.search(r'^profile = "(\w+)"', cell.source, re.M):
                return given[1]
    return ""


def published_profile() -> str:
    """The profile that the published chapters show, but for those of which `study.yaml` says that
    the book shows another."""
    for page in sorted((SOURCE / "chapters").glob("*.ipynb")):
        if not study.in_book(page.stem, "") and (profile := profile_of(page)):
            return profile
    raise ColornbError(f"There are no executed chapters in {SOURCE}: publish a run.")


def places() -> dict[str, Path]:
    """Published chapter -> folder of the results of the profile that its page shows."""
    return {
        page.stem: RESULTS / profile_of(page)
        for page in sorted((SOURCE / "chapters").glob("*.ipynb"))
    }


def published(usual: str) -> dict[str, list[tuple[Path, dict]]]:
    """Folder and record of each published run, by the profiles that the pages show; the `usual` one
    comes first."""
    others = sorted({place.name for place in places().values()} - {usual})
    return {profile: records.within(RESULTS / profile) for profile in (usual, *others)}


def write_chapters(profile: str, target: Path, chapters: Iterable[str] = ()) -> None:
    """Write the executed `chapters` of `profile`, by default all, as pages into a folder.

    A chapter is shown by the first of its runs in `study.yaml`; one without, such as that of
    `make bench`, where it has been run. The grid of all systems also
    becomes `_static/result.jpg`, for the first page.
    """
    target.mkdir(exist_ok=True)
    plan = study.planned(profile)
    for name in chapters or plan:
        runs = plan[name]
        source = executed(profile, name, *(runs or [("default", 0)])[0])
        if runs or source.exists():
            notebook = nbformat.read(source, as_version=4)
            nbformat.write(page(notebook), target / f"{name}.ipynb")
            if picture := figure(notebook, RESULT):
                (target.parent / "_static" / "result.jpg").write_bytes(picture)


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


def readable(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A page with its code folded, and photographs no wider than a screen of fine pixels shows."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.tags = sorted({*cell.metadata.get("tags", []), "hide-input"})
        for output in cell.get("outputs", []):
            if data := output.get("data", {}).get("image/jpeg"):
                picture = Image.open(BytesIO(b64decode(data)))
                if picture.width > WIDTH:
                    picture = picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)))
                    file = BytesIO()
                    # 4:4:4: chroma is the subject.
                    picture.save(file, "jpeg", quality=85, optimize=True, subsampling=0)
                    output.data["image/jpeg"] = b64encode(file.getvalue()).decode()
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


def build(source: Path, output: Path) -> Path:
    """Build the pages of `source`, warnings as errors, into `output/_build/html`.

    Returns the path of `index.html`. Raises ColornbError with the builder's messages.
    """
    extra = source / "_build" / "extra" / "mathjax"
    extra.mkdir(parents=True, exist_ok=True)
    shutil.copy(distribution("sphinx-mathjax-offline").locate_file(MATHJAX), extra)
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf8"))
    present = source / "_build" / "toc.yml"
    present.write_text(yaml.safe_dump(contents(toc, source), sort_keys=False), encoding="utf8")
    program = Path(sys.executable).with_name("jupyter-book")
    command = [program, "build", source, "--path-output", output, "--config"]
    command += [ROOT / "_config.yml", "--toc", present, "-q", "-W", "-n", "--keep-going", "--all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ColornbError(f"The book in {source} did not build:\n{done.stdout}{done.stderr}")
    html = output / "_build" / "html"
    strip(html)
    return html / "index.html"


def strip(html: Path) -> None:
    """Take out of a built book what nobody reads: the outputs and the links of the notebooks that
    it offers for download, which are on the page, and the theme's source maps and templates."""
    for path in (html / "_sources").rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if cell.id != downloads.LINKS]
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.update(outputs=[], execution_count=None)
        nbformat.write(notebook, path)
    for kind in ("*.map", "*.html"):
        for path in (html / "_static").rglob(kind):
            path.unlink()


def publish(output: Path) -> Path:
    """Build the published book into `output/_build/html`; gives the path of `index.html`."""
    source = output / "_build" / "source"
    shutil.rmtree(output / "_build", ignore_errors=True)
    assemble(source)
    return build(source, output)


def only_one(folder: Path):
    """Holds the lock, a file in `folder`, of who builds a book or publishes into it."""
    sentence = f"Another process builds or publishes the book of {folder}: wait for it or stop it."
    return locked(folder / "book.lock", sentence)


def main() -> None:
    """Build the book that the command line names."""
    if not sys.argv[1:]:
        with only_one(SOURCE):
            publish(SOURCE)
        return
    profile = sys.argv[1]
    study.planned(profile)  # refuses an unknown profile
    folder = RUNS / profile
    build_in = folder / "book.partial"
    with only_one(folder):
        assemble(build_in, profile)
        build(build_in, build_in)
        shutil.rmtree(folder / "book", ignore_errors=True)
        build_in.rename(folder / "book")


if __name__ == "__main__":
    try:
        main()
    except ColornbError as error:
        sys.exit(str(error))
