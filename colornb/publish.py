"""Puts the results of finished runs into `book/`, and checks that they are what was published.

`book/results` holds each record with its tables, `results.csv` made of all of them, the
`pairs.csv` of the profile that the chapters show and of systems that only another has, those of
each profile in its folder, and `manifest.json`, the sha256 sums of every published file, the
executed chapters included. A chapter of which `study.yaml` says that the book shows another
profile is published by name.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from colornb import pages, records
from colornb.book import only_one, published, published_profile, write_chapters
from colornb.downloads import joined
from colornb.errors import ColornbError, NotWrittenError
from colornb.paths import RESULTS, RUNS
from colornb.runner import executed
from colornb.study import in_book, needed, planned

HEADLINE = re.compile(r"(<!-- headline -->\n).*?(<!-- /headline -->)", re.S)
"""The table of the README that is made of the published records."""
CHAPTERS = RESULTS.parent / "chapters"
MANIFEST = RESULTS / "manifest.json"


def publish(profile: str, chapters: Collection[str] = ()) -> str:
    """Copies the records and chapters of a finished profile into `book/`; says what it did.

    Args:
        chapters: only these, in the place of what is published of them; the rest stays. Of a
            profile that is not the book's, the records of what they need are published with them:
            each that is on this machine takes the place of the published one of the same run.

    Raises:
        ColornbError: a planned run is not finished, there is no such chapter, the book shows
            another profile, or another process publishes.
        NotWrittenError: the disk is full, or `book/` is not ours; it is as it was before.
    """
    plan, chapters = planned(profile), list(dict.fromkeys(chapters))
    if unknown := sorted({*chapters} - {*plan}):
        raise ColornbError(f"There is no chapter {unknown[0]!r}; there are: {', '.join(plan)}.")
    shown = published_profile() if chapters else profile
    for name in chapters:
        if (own := in_book(name, shown)) != profile:
            raise ColornbError(
                f"The book shows {name} of profile {own}: publish that, or all of {profile}."
            )
    paged = chapters or [name for name in plan if not _is_of_another(name, profile)]
    runs = [
        executed(profile, chapter, variant, seed)
        for chapter in paged
        for variant, seed in plan[chapter] or ([("default", 0)] if chapters else [])
    ]
    missing = [path for path in runs if not path.exists()]
    if missing:
        raise ColornbError(
            f"{len(missing)} runs are not finished, the first is {missing[0]}: "
            f"run `make study PROFILE={profile}`."
        )
    book = RESULTS.parent
    with only_one(book):
        try:
            count = _publish(profile, paged, book, shown if chapters else None)
        except OSError as error:
            raise NotWrittenError(
                f"{book} could not be written ({error}): make room, or see that it is ours to "
                "write, and publish again; what was published before is kept."
            ) from error
    which = ", ".join(chapters) or "its chapters"
    return f"{count} records of profile {profile} and {which} are in book/."


def _publish(profile: str, chapters: Collection[str], book: Path, beside: str | None) -> int:
    """Publishes `chapters` of a profile, all of it unless they come `beside` what the book shows of
    the profile of that name. Everything is made beside the book and moved into it at the end: a
    failure changes nothing. Returns the number of records."""
    needs, runs = set(), RUNS / profile
    if beside not in (None, profile):
        needs = {name for chapter in chapters for name in needed(chapter)} - {*chapters}
    found = [
        folder
        for folder, _ in records.read_all(profile)
        if folder.relative_to(runs).parts[0] in {*chapters, *needs}
    ]
    made, done = book / ".publishing", book / ".published"
    shutil.rmtree(done, ignore_errors=True)  # of a call that was killed when all was in its place
    _undo(made, book)  # of one that was killed before
    try:
        results = made / RESULTS.name
        new = {RESULTS / profile / name for name in chapters} if beside else {RESULTS / profile}
        if RESULTS.exists():
            shutil.copytree(
                RESULTS, results, ignore=lambda at, names: [k for k in names if Path(at, k) in new]
            )
        (made / CHAPTERS.name).mkdir(parents=True)
        for page in CHAPTERS.glob("*.ipynb"):
            if beside or _is_of_another(page.stem, profile):
                shutil.copy(page, made / CHAPTERS.name)
        for source in found:
            target = results / profile / source.relative_to(runs)
            target.mkdir(parents=True, exist_ok=True)
            for former in [*target.glob("*.json"), *target.glob("*.csv")]:
                former.unlink()
            for path in [*source.glob("*.json"), *source.glob("*.csv")]:
                shutil.copy(path, target)
        for chapter in {*chapters, *needs}:
            for tables in (runs / chapter).glob("*/*/tables"):
                target = results / profile / tables.relative_to(runs)
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(tables, target)
            for measured in (runs / chapter).glob("default/seed0/bench.json"):
                shutil.copy(measured, results)
        _join(results, beside or profile)
        (made / "_static").mkdir()
        write_chapters(profile, made / CHAPTERS.name, chapters)
        sums = {path.relative_to(made).as_posix(): _sha256(path) for path in _files(made)}
        text = json.dumps(sums, indent=1) + "\n"
        (results / MANIFEST.name).write_text(text, encoding="utf8")
        for name in (RESULTS.name, CHAPTERS.name):
            if (book / name).exists():
                (book / name).rename(made / f"former_{name}")
            (made / name).rename(book / name)
        moved = {}
        if (readme := book.parent / "README.md").exists():  # its tables are those of `results`
            text = with_headline(readme.read_text(encoding="utf8"), beside or profile)
            moved[made / readme.name] = readme
            (made / readme.name).write_text(text, encoding="utf8")
        for picture in (made / "_static").iterdir():
            moved[picture] = book / "_static" / picture.name
        (book / "_static").mkdir(exist_ok=True)
        for ready, place in moved.items():
            ready.replace(place)
        made.rename(done)
    except BaseException:
        _undo(made, book)
        raise
    shutil.rmtree(done, ignore_errors=True)  # what stays is removed by the next call
    return len(found)


def _is_of_another(chapter: str, profile: str) -> bool:
    """Whether the book shows a chapter of another profile, and has it."""
    return in_book(chapter, profile) != profile and (CHAPTERS / f"{chapter}.ipynb").exists()


def with_headline(text: str, shown: str) -> str:
    """The README's text with the tables of the published records; those of the profile that most
    chapters show come first."""
    tables = [pages.headline(*each) for each in published(shown).items()]
    return HEADLINE.sub(lambda found: found[1] + "\n".join(tables) + found[2], text)


def _undo(made: Path, book: Path) -> None:
    """Puts back what was moved out of the book into the folder `made`, and removes that."""
    for former in made.glob("former_*"):
        name = former.name.removeprefix("former_")
        shutil.rmtree(book / name, ignore_errors=True)
        former.rename(book / name)
    shutil.rmtree(made, ignore_errors=True)


def _join(results: Path, profile: str) -> None:
    """Writes `results.csv` of all published profiles; for each of them `PROFILE/pairs.csv` of its
    chapters; and `pairs.csv` of this profile's, with the pairs of others in which there is a system
    that this one has not."""
    published = [records.read(path.parent) for path in sorted(results.rglob("metrics.json"))]
    frame = joined(published)
    measure = frame.columns.difference(["value", "low", "high"])
    twice = frame[frame.duplicated(list(measure))]
    if len(twice):
        raise ColornbError(f"Two records give {dict(twice.iloc[0])} different values: run again.")
    frame.to_csv(results / "results.csv", index=False)
    tables = {
        path: path.relative_to(results).parts[0] for path in results.rglob("tables/pairs.csv")
    }
    in_order = sorted(tables, key=lambda path: (tables[path] != profile, path))
    pairs = pd.concat([pd.read_csv(path).assign(profile=tables[path]) for path in in_order])
    for name, of_profile in pairs.groupby("profile"):
        _write_pairs(of_profile, results / name / "pairs.csv")
    here = frame.loc[frame["profile"] == profile, ["system", "variant"]].agg("/".join, axis=1)
    known = pairs["a"].isin(here) & pairs["b"].isin(here)
    _write_pairs(pairs[(pairs["profile"] == profile) | ~known], results / "pairs.csv")


def _write_pairs(pairs: pd.DataFrame, path: Path) -> None:
    # The comparison of all systems repeats what the chapter on a system has said before it.
    pairs = pairs[records.PAIR_COLUMNS].drop_duplicates(["a", "b", "dataset", "metric"])
    pairs.to_csv(path, index=False, float_format="%.6g")


def verify() -> int:
    """Number of published files, all as the manifest says.

    Raises:
        ColornbError: there is no manifest; a file is missing, changed or not in it.
    """
    if not MANIFEST.exists():
        raise ColornbError(f"There is no manifest {MANIFEST}: nothing has been published.")
    try:
        expected = json.loads(MANIFEST.read_text(encoding="utf8"))
        if not isinstance(expected, dict):
            raise ValueError("no mapping of names to sums")
    except (ValueError, RecursionError, OSError):
        raise ColornbError(f"The manifest {MANIFEST} is damaged: publish again.") from None
    book = RESULTS.parent
    present = {path.relative_to(book).as_posix(): path for path in _files(book)}
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


def _files(book: Path) -> list[Path]:
    """The published files of a book, but for the manifest."""
    files = [*(book / RESULTS.name).rglob("*"), *(book / CHAPTERS.name).glob("*.ipynb")]
    return sorted(path for path in files if path.is_file() and path.name != MANIFEST.name)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
