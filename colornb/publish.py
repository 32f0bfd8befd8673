"""Puts the results of finished runs into `book/`, and checks that they are what was published.

`book/results` holds each record with its tables, `results.csv` and `pairs.csv` made of all of
them, and `manifest.json`, the sha256 sums of every published file, the executed chapters included.
"""

import hashlib
import json
import shutil
from pathlib import Path

import pandas as pd

from colornb import records
from colornb.book import write_chapters
from colornb.errors import ColornbError
from colornb.paths import RESULTS, ROOT, RUNS
from colornb.runner import executed
from colornb.study import planned, run_folder

CHAPTERS = ROOT / "book" / "chapters"
MANIFEST = RESULTS / "manifest.json"
KEPT = ("metrics.json", "history.csv", "images.csv")


def publish(profile: str) -> str:
    """Copies the records and chapters of a finished profile into `book/`; says what it did.

    Raises:
        ColornbError: a planned run is not finished.
    """
    runs = [
        executed(profile, chapter, variant, seed)
        for chapter, variants in planned(profile).items()
        for variant, seed in variants
    ]
    missing = [path for path in runs if not path.exists()]
    if missing:
        raise ColornbError(
            f"{len(missing)} runs are not finished, the first is {missing[0]}: "
            f"run `make study PROFILE={profile}`."
        )
    shutil.rmtree(RESULTS / profile, ignore_errors=True)
    found = records.read_all(profile)
    for folder, _ in found:
        target = RESULTS / profile / folder.relative_to(RUNS / profile)
        target.mkdir(parents=True)
        for name in KEPT:
            if (folder / name).exists():
                shutil.copy(folder / name, target)
    write_chapters(profile, CHAPTERS)
    published = [records.read(path.parent) for path in sorted(RESULTS.rglob("metrics.json"))]
    rows = [row for record in published for row in records.rows(record)]
    frame = pd.DataFrame(rows, columns=records.RESULT_COLUMNS)
    frame.to_csv(RESULTS / "results.csv", index=False, float_format="%.6g")
    comparison = run_folder(profile, "13_comparison", "default", 0)
    pd.read_csv(comparison / "tables" / "pairs.csv")[records.PAIR_COLUMNS].to_csv(
        RESULTS / "pairs.csv", index=False, float_format="%.6g"
    )
    sums = {path.relative_to(ROOT / "book").as_posix(): _sha256(path) for path in _published()}
    MANIFEST.write_text(json.dumps(sums, indent=1) + "\n", encoding="utf8")
    return f"{len(found)} records of profile {profile} and its chapters are in book/."


def verify() -> int:
    """Number of published files, all as the manifest says.

    Raises:
        ColornbError: there is no manifest; a file is missing, changed or not in it.
    """
    if not MANIFEST.exists():
        raise ColornbError(f"There is no manifest {MANIFEST}: nothing has been published.")
    try:
        expected = json.loads(MANIFEST.read_text(encoding="utf8"))
    except ValueError:
        raise ColornbError(f"The manifest {MANIFEST} is damaged: publish again.") from None
    present = {path.relative_to(ROOT / "book").as_posix(): path for path in _published()}
    wrong = [f"{name} is missing" for name in expected if name not in present]
    wrong += [f"{name} is not in the manifest" for name in present if name not in expected]
    wrong += [
        f"{name} has changed"
        for name, path in present.items()
        if name in expected and _sha256(path) != expected[name]
    ]
    if wrong:
        raise ColornbError(
            "The published results are not as the manifest says: " + "; ".join(sorted(wrong)) + "."
        )
    return len(expected)


def _published() -> list[Path]:
    files = [*RESULTS.rglob("*"), *CHAPTERS.glob("*.ipynb")]
    return sorted(path for path in files if path.is_file() and path != MANIFEST)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
