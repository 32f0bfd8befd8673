"""What readers take along: the numbers of the figures as files, and the whole book as an archive.

`python -m colornb.downloads` packs the published book that `make book` has built.
"""

import hashlib
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import nbformat
import pandas as pd

from colornb import records
from colornb.errors import ColornbError
from colornb.files import replace_atomically
from colornb.paths import RESULTS

RECORDS = "results.csv"
"""All measures of the records, offered by every chapter."""
DRAWN = {
    "fig-koalarization-loss": "history.csv",
    "fig-koalarization-mse": RECORDS,
    "fig-gan-loss": "history.csv",
    "fig-ablations-gan": "gan.csv",
    "fig-ablations-frontier": RECORDS,
    "fig-ablations-koalarization": "koalarization.csv",
    "fig-sepia-index": RECORDS,
    "fig-scene-obedience": "hues_scenes.csv",
    "fig-small-obedience": "hues_default.csv",
    "fig-pull": "strength.csv",
    "fig-pull-error": "strength.csv",
    "fig-frontier": RECORDS,
    "fig-photo-mse": RECORDS,
    "fig-close-real": RECORDS,
    "fig-protocol-frontier": RECORDS,
    "fig-critic-frontier": RECORDS,
    "fig-new-marks": "verdict.csv",
    "fig-bench": "bench.json",
}
"""Figure -> the file that its numbers are in, where its cell does not write it as a table."""
LINKS = "downloads"
"""The id of a page's last cell, which has links to its files."""
ARCHIVE = "colornb-book.zip"


def offer(
    book: Path,
    results: Mapping[str, Path],
    found: Mapping[str, Iterable[tuple[Path, dict[str, Any]]]],
) -> None:
    """Put the tables of the chapters into the sources of a book, as `downloads/`, with a link
    beneath each figure that draws one, and at the end of each chapter links to all of its own.

    Args:
        book: its folder, with the executed `chapters`; they show their runs `default`, seed 0.
        results: chapter -> folder of the runs of the profile that it shows, or of what was
            published of them.
        found: profile -> folder and record of each of its runs.
    """
    target = book / "downloads"
    target.mkdir()
    every = (record for several in found.values() for _, record in several)
    joined(every).to_csv(target / RECORDS, index=False)
    for path in (book / "chapters").glob("*.ipynb"):
        place = results[path.stem]
        run = place / path.stem / "default" / "seed0"
        tables = {file.name: file for file in sorted(run.glob("tables/*.csv"))}
        others = [run / "history.csv", run / "bench.json", place.parent / "bench.json"]
        files = {file.name: file for file in others if file.exists()} | tables
        notebook = nbformat.read(path, as_version=4)
        offered = set(tables)
        for cell in notebook.cells:
            figure = cell.metadata.get("mystnb", {}).get("figure", {})
            names = {name for name in drawn(figure, cell.source) if name in {*files, RECORDS}}
            if names:
                figure["caption"] += f"\n\nData: {_links(path.stem, names)}."
                offered |= names
        text = f"**Data of this page:** {_links(path.stem, {*offered, RECORDS})}."
        notebook.cells.append(nbformat.v4.new_markdown_cell(text, id=LINKS))
        (target / path.stem).mkdir()
        for name in offered - {RECORDS}:
            shutil.copy(files[name], target / path.stem)
        nbformat.write(notebook, path)


def joined(found: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """The measures of records as `results.csv`: six digits, and what several records say once."""
    rows = [row for record in found for row in records.rows(record)]
    frame = pd.DataFrame(rows, columns=records.RESULT_COLUMNS)
    numbers = ["value", "low", "high"]
    frame[numbers] = frame[numbers].map(lambda number: float(f"{number:.6g}"))
    return frame.drop_duplicates()  # a limitation chapter's record repeats what the system's says


def drawn(figure: dict[str, str], source: str) -> list[str]:
    """Names of the files with the numbers of a figure, whose cell has this source: those of the
    tables that it writes, as in `measured.draw(run, "recall", ...)`, or what `DRAWN` says."""
    if not figure:
        return []
    if figure["name"] in DRAWN:
        return [DRAWN[figure["name"]]]
    return [f"{name}.csv" for name in re.findall(r'\(\s*run, "(\w+)"', source)]


def _links(chapter: str, names: Iterable[str]) -> str:
    """Links to files of a chapter; that to the records is the last."""
    places = {name: f"{chapter}/{name}" for name in sorted(names) if name != RECORDS}
    if RECORDS in names:
        places[RECORDS] = RECORDS
    return ", ".join(f"{{download}}`{k} <../downloads/{place}>`" for k, place in places.items())


def archive(html: Path) -> Path:
    """Pack a built book; gives the path of `colornb-book.zip` beside its folder.

    The same pages give the same bytes. Beside it, `colornb-book.zip.sha256` is its checksum, as
    `sha256sum --check` reads it.

    Raises:
        ColornbError: there is no built book.
    """
    if not (html / "index.html").exists():
        raise ColornbError(f"There is no book in {html}: call `make book` before.")
    target = html.parent / ARCHIVE
    replace_atomically(target, lambda path: _pack(html, path))
    line = f"{hashlib.sha256(target.read_bytes()).hexdigest()}  {ARCHIVE}\n"
    checksum = target.with_name(f"{ARCHIVE}.sha256")
    replace_atomically(checksum, lambda path: path.write_text(line, encoding="utf8"))
    return target


def _pack(html: Path, path: Path) -> None:
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        for file in sorted(file for file in html.rglob("*") if file.is_file()):
            name = Path(ARCHIVE).stem / file.relative_to(html)
            # ZipInfo's date is always 1980; without a mode the files could not be read on Unix.
            entry = ZipInfo(name.as_posix())
            entry.external_attr, entry.compress_type = 0o644 << 16, ZIP_DEFLATED
            packed.writestr(entry, file.read_bytes())


if __name__ == "__main__":
    try:
        archive(RESULTS.parent / "_build" / "html")
    except ColornbError as error:
        sys.exit(str(error))
