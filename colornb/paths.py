"""Where things are: every path of the study is made here."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / "runs"
RESULTS = ROOT / "book" / "results"


def data_root(root: str | Path | None = None) -> Path:
    """Folder of the data sets: `root`, else the variable COLORNB_DATA, else `data/`."""
    return Path(root or os.environ.get("COLORNB_DATA") or ROOT / "data").expanduser().resolve()


def shown(text: object) -> str:
    """A path, or a sentence with one in it, as one line that can be printed.

    A file may be called anything: line breaks, codes that a terminal obeys and bytes that are no
    text are written as escapes, e.g. `\\n`.
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in str(text)
    )
