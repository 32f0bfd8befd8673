"""Writes what the book shows of its records, before it is built: no number is typed by hand.

`write` puts into the sources of a book the folder `generated/`, whose files the pages include:
tables of systems, of data sets and of runs, and what `colornb.exhibits` makes of pictures.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from colornb import metrics, study, tables, weights
from colornb.exhibits import MAIN, exhibits, raw
from colornb.intervals import moved_outwards, training_variance
from colornb.limits import LIMITS, MEASURES
from colornb.naming import SEES, called, colour
from colornb.paths import ROOT
from colornb.weights.ship import TINY

SETS = {
    "cifar10": "CIFAR-10",
    "cats_dogs": "cats and dogs",
    "bsds500": "BSDS500",
    "scenes": "drawn scenes",
    "photos": "photographs of scikit-image",
    "cifar10_jpeg": "CIFAR-10 as JPEG",
    "cifar10_test_jpeg": "test pictures of CIFAR-10 as JPEG",
    "scenes_test_jpeg": "drawn test scenes as JPEG",
    "scenes_train_jpeg": "other drawn scenes as JPEG",
}


def set_called(name: str) -> str:
    """What pages call a data set; itself if it has no name."""
    return SETS.get(name, name)


_FIRST = {
    "small": (
        "baseline/gray",
        "baseline/median_ab",
        "baseline/ab_given_l",
        *MAIN,
        "gan/narrow_l1_only_again",
        "gan/narrow_diffaugment_again",
        "informed/l2",
        "guided/l2",
        "guided/l2_mean",
        "guided/l1_weight_300",
    ),
    "photos": (
        "baseline/gray",
        "baseline/mean_ab",
        "baseline/median_ab",
        "baseline/ab_given_l",
        "koalarization/default",
        "koalarization/damped",
        "koalarization/maps",
    ),
}
_COMPARED = ("mse_rgb", "delta_e2000", "chroma_retention", "kid")
_CARDS = {
    "koalarization": ("default", "damped", "maps", "adversarial"),
    "gan": ("default", "l1_only", "residual", "edgenet"),
    "distribution": ("default", "unbalanced", "sampled"),
    "captioned": ("default", "no_caption", "wrong_colour", "koalarization"),
    "reference": ("default", "random", "one_colour"),
    "informed": ("l2", "l1", "distribution", "blind_l2"),
    "guided": (
        *("l2", "l2_both_ways", "l2_mean", "l1_only"),
        *("l1_weight_1000", "l1_weight_300", "l1_weight_100"),
        *("blind_l1_only", "blind_l1_weight_1000", "blind_l1_weight_100"),
        "baseline/first_guess",
    ),
}
"""Family of systems -> what its card has: its variants, or a `system/variant` of another."""
Found = Iterable[tuple[Path, dict[str, Any]]]


@dataclass
class System:
    """A system on a test set: its records, one for each training, and what they say together.

    Attributes:
        metrics: name -> `value`, `low`, `high`, `n` and `seeds`, the values of the single
            trainings.
    """

    name: str
    records: list[dict[str, Any]]
    metrics: dict[str, dict[str, Any]]


def systems(found: Found) -> dict[tuple[str, str, int], System]:
    """The systems of records: (`system/variant`, data set, size) -> what was measured of it.

    Several notebooks may have recorded the same training; what the first says is taken. All are
    over pictures and trainings: errors and ratios that `images.csv` gives as in the chapters, the
    others as `_pooled` says.
    """
    grouped: dict[tuple[str, str, int], dict[int, list]] = {}
    for folder, record in found:
        key = (_name(record), record["dataset"], record["parameters"]["size"])
        grouped.setdefault(key, {}).setdefault(record["seed"], []).append((folder, record))
    return {key: _together(key[0], seeds) for key, seeds in grouped.items()}


def _together(name: str, seeds: Mapping[int, list[tuple[Path, dict]]]) -> System:
    trainings = [seeds[seed] for seed in sorted(seeds)]
    singles = []
    for written in trainings:
        merged: dict[str, dict] = {}
        for _, record in reversed(written):
            merged |= record["metrics"]
        singles.append(merged)
    summary = {}
    for metric in MEASURES:
        if all(metric in one for one in singles):
            rows = [one[metric] for one in singles]
            values = [row["value"] for row in rows]
            summary[metric] = {**_pooled(rows), "n": rows[0]["n"], "seeds": values}
    for metric, joint in _over_pictures(trainings).items():
        summary[metric] |= joint
    return System(name, [written[0][1] for written in trainings], summary)


def _pooled(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of several trainings' values. Its bounds are the means of theirs, which are over
    pictures, moved outwards by how much the trainings differ."""
    bounds = (float(np.mean([row[key] for row in rows])) for key in ("value", "low", "high"))
    return moved_outwards(*bounds, training_variance([row["value"] for row in rows]))


_OF_PICTURES = ["mse_rgb", "delta_e2000", "chroma", "chroma_truth"]


def _over_pictures(trainings: Sequence[list[tuple[Path, dict]]]) -> dict[str, dict[str, float]]:
    """What the tables of pictures say of all trainings, where each of them has one."""
    several = []
    for written in trainings:
        for folder, _ in written:
            table = pd.read_csv(folder / "images.csv", dtype={"id": str})
            if set(_OF_PICTURES) <= set(table.columns):
                several.append(table[["id", *_OF_PICTURES]])
                break
    return metrics.summarize(several) if len(several) == len(trainings) else {}


def write(book: Path, found: Mapping[str, Found]) -> None:
    """Write `generated/` and `_static/pictures` into the sources of a book.

    Args:
        book: its folder, with the executed `chapters`.
        found: profile -> folder and record of each of its runs; the first is the one that most
            chapters show.
    """
    found = {profile: list(several) for profile, several in found.items()}
    profiles = study.read()["profiles"]
    sets = profiles[next(iter(found))]["sets"]
    known: dict[tuple, System] = {}
    for several in reversed(found.values()):  # of what two have measured, the first says it
        known |= systems(several)
    texts = {
        "systems": "\n".join(
            _about(profile) + _systems_page(systems(several), profiles[profile]["sets"])
            for profile, several in found.items()
        ),
        "data": _data_table(record for several in found.values() for _, record in several),
        "run": "\n".join(_run_page(several, profile) for profile, several in found.items()),
        **{f"card_{family}": _card(known, family) for family in _CARDS},
        "card_shipped": _shipped_card(),
        **exhibits(book, set_called(sets["small"]["dataset"])),
    }
    (book / "generated").mkdir(exist_ok=True)
    for name, text in texts.items():
        (book / "generated" / f"{name}.md").write_text(text, encoding="utf8")


# Tables


def table(lines: Sequence[Mapping[str, str]], label: str) -> str:
    """Lines of cells as an HTML table in a box of its own, which scrolls where it is too wide.

    A cell's lines after its first are set smaller. A cell of the column "System" is a
    `system/variant`, shown by its name after a dot of its colour in the figures.
    """

    def cell(column: str, value: str) -> str:
        if column == "System":
            dot = f'<span class="dot" style="background: {colour(value)}"></span>'
            return f'<th scope="row">{dot}{escape(called(value))}</th>'
        return f"<td>{tables.html_of(value)}</td>"

    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in lines[0])
    body = "\n".join(f"<tr>{''.join(cell(*item) for item in line.items())}</tr>" for line in lines)
    return (
        f'<div class="table-box" role="region" tabindex="0" aria-label="{escape(label)}">\n'
        f'<table class="study"><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n'
        "</tbody></table></div>"
    )


def _titled(title: str, lines: Sequence[Mapping[str, str]], label: str) -> str:
    return f'<p class="table-title">{title}</p>\n{table(lines, label)}\n'


def _line(system: System) -> dict[str, str]:
    first = system.records[0]
    n = system.metrics["mse_rgb"]["n"]
    several = first["system"] != "baseline" or len(system.records) > 1
    trained = f" × {len(system.records)}" if several else ""
    return {
        "System": system.name,
        "Sees": SEES[first["parameters"]["sees"]],
        **{MEASURES[m].label: tables.cell(system.metrics[m], m) for m in _COMPARED},
        "Pictures × trainings": f"{n:,}{trained}",
    }


def _systems_page(known: Mapping[tuple, System], sets: Mapping[str, Mapping]) -> str:
    """The main systems on the two sets of pictures, and all others behind a fold."""
    text = ""
    for kind, names in _FIRST.items():
        place = (sets[kind]["dataset"], sets[kind]["size"])
        here = {
            name: system
            for (name, *rest), system in known.items()
            # Networks trained without the validation pictures serve to choose, not to compare.
            if tuple(rest) == place and not name.endswith("heldout")
        }
        title = _title(*place)
        first = [_line(here[name]) for name in names if name in here]
        others = [_line(here[name]) for name in sorted(here) if name not in names]
        if first:
            text += _titled(title, first, title)
        if others:
            more = f"The other {len(others)} systems on {set_called(place[0])}"
            text += f"<details><summary>{more}</summary>\n{table(others, more)}\n</details>\n"
    return raw(text)


def _title(dataset: str, size: int) -> str:
    """A test set as the title of its table."""
    name = set_called(dataset)
    return f"{name[0].upper()}{name[1:]}, {size} × {size} pixels"


def _about(profile: str) -> str:
    """A line on a profile, before its tables."""
    about = study.read()["profiles"][profile].get("about")
    return f"Profile `{profile}`{f': {about}' if about else ''}.\n\n"


def headline(profile: str, found: Found) -> str:
    """The main systems of a profile on its two sets of pictures as a Markdown table."""
    sets, known, lines = study.read()["profiles"][profile]["sets"], systems(found), []
    for kind, names in _FIRST.items():
        place = (sets[kind]["dataset"], sets[kind]["size"])
        for name in names:
            if system := known.get((name, *place)):
                cells = {"Pictures": f"{set_called(place[0])}, {place[1]} px", **_line(system)}
                cells["System"] = called(name)
                lines.append(
                    {k: v.replace("\n", " ").replace("|", "\\|") for k, v in cells.items()}
                )
    rows = [list(lines[0]), ["---"] * len(lines[0]), *(line.values() for line in lines)]
    return _about(profile) + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _card(known: Mapping[tuple, System], family: str) -> str:
    """What was measured of a family of systems, a table for each test set."""
    names = [name if "/" in name else f"{family}/{name}" for name in _CARDS[family]]
    places = dict.fromkeys(tuple(rest) for name, *rest in known if name in names)
    text = ""
    for dataset, size in places:
        here = [known[name, dataset, size] for name in names if (name, dataset, size) in known]
        shown = [*_COMPARED, *LIMITS]
        shown = [m for m in shown if any(m in system.metrics for system in here)]
        lines = [{"Measure": MEASURES[m].label} for m in shown]
        for metric, line in zip(shown, lines, strict=True):
            for system in here:
                found = system.metrics.get(metric)
                line[called(system.name)] = tables.cell(found, metric) if found else "–"
        title = _title(dataset, size)
        label = f"{called(names[0])} and its variants on {title}"
        text += _titled(title, lines, label)
    return raw(text or "<p>Nothing of it was run.</p>")


def _shipped_card() -> str:
    """The networks that come with the package, what the runs that made them say of the test set,
    and what anybody can score again."""
    shipped = json.loads(weights.RECORD.read_text(encoding="utf8"))
    files = [
        {
            "Name": f"{name}\n{weights.path(name).stat().st_size / 1e6:.1f} MB",
            "Test pictures": "{dataset}\n{size} × {size} pixels".format(
                dataset=set_called(one["test"]["dataset"]), size=one["test"]["size"]
            ),
            **{
                MEASURES[m].label: tables.cell(found, m)
                for m, found in one["test"]["metrics"].items()
            },
            "Run": one["run"].replace("/records/", "\nrecords/"),
        }
        for name, one in shipped.items()
    ]
    tiny = [
        {
            "Name": name,
            "Pictures": f"{TINY[pictures]} {set_called(pictures)}",
            **{MEASURES[m].label: f"{value:{MEASURES[m].format}}" for m, value in found.items()},
        }
        for name, one in shipped.items()
        for pictures, found in one["tiny"].items()
    ]
    titles = {"On the test set of each run": files, "On what needs no data": tiny}
    return raw("".join(_titled(title, lines, title) for title, lines in titles.items()))


def _data_table(records: Iterable[Mapping[str, Any]]) -> str:
    """The test sets of the records, with their sizes and the sums of their pixels."""
    lines = {}
    for record in records:
        size = record["parameters"]["size"]
        key = (record["dataset"], size, record["data_sha256"]["test"])
        lines[key] = {
            "Set": set_called(record["dataset"]),
            "Pixels": f"{size} × {size}",
            "Test pictures": f"{record['metrics']['mse_rgb']['n']:,}",
            "sha256 of the test pictures": record["data_sha256"]["test"][:16] + "…",
        }
    return raw(table(list(lines.values()), "Data sets as used"))


# How this was run


def _run_page(found: Sequence[tuple[Path, dict]], profile: str) -> str:
    """A line for all records, the versions, and a table of each chapter's runs."""
    records = [record for _, record in found]
    about = [record["environment"] for record in records]

    def each(values: Iterable[Any]) -> str:
        return ", ".join(sorted({str(value) for value in values}))

    def commit(one: Mapping[str, Any]) -> str:
        name = (one["commit"] or "no version control")[:10]
        return name + (" with changes" if one["dirty"] else "")

    started = min(_time(record["started"]) for record in records)
    finished = max(_time(record["finished"]) for record in records)
    hours = sum(record["wall_s"] for record in records) / 3600
    facts = {
        "Profile": profile,
        "Records": f"{len(records)}, of {len(set(map(_name, records)))} systems",
        "Commits": each(map(commit, about)),
        "Machine": each(one["device"] for one in about),
        "Threads": each(one["threads"] for one in about),
        "Precision": each(
            r["parameters"]["precision"] for r in records if "precision" in r["parameters"]
        ),
        "First start": f"{started:%d %B %Y, %H:%M} UTC",
        "Last end": f"{finished:%d %B %Y, %H:%M} UTC",
        "Hours, summed over the records": f"{hours:.1f}",
        "Largest memory of a run": f"{max(r['peak_memory_mb'] for r in records):,.0f} MB",
        "Planned, and not among these": _not_run(found[0][0], profile),
    }
    pinned = locked()
    versions = [
        {"Package": "torch", "requirements.lock": pinned["torch"],
         "Made these numbers": each(one["torch"] for one in about)},
        {"Package": "Python", "requirements.lock": "3.11, 3.12 or 3.13",
         "Made these numbers": each(one["python"] for one in about)},
        {"Package": f"all {len(pinned)} packages", "requirements.lock": "pinned",
         "Made these numbers": "lists of versions with the sha256 sums "
         + each(one["packages_sha256"][:12] for one in about)},
    ]  # fmt: skip
    frame = pd.DataFrame(
        {
            "chapter": place[0],
            "variant": "made in the chapter" if "records" in place else record["variant"],
            "seed": record["seed"],
            "minutes": record["wall_s"] / 60,
            "commit": commit(record["environment"]),
            "finished": _time(record["finished"]),
        }
        for place, record in ((_within(folder, profile), record) for folder, record in found)
    )
    runs = [
        {
            "Chapter": chapter,
            "Variant": variant,
            "Records": str(len(group)),
            "Seeds": ", ".join(map(str, sorted(set(group["seed"])))),
            "Minutes": f"{group['minutes'].sum():.1f}",
            "Finished (UTC)": f"{group['finished'].max():%Y-%m-%d %H:%M}",
            "Commit": ", ".join(sorted(set(group["commit"]))),
        }
        for (chapter, variant), group in frame.groupby(["chapter", "variant"])
    ]
    lines = [{"About": name, "Recorded": value} for name, value in facts.items()]
    return "\n".join(
        [
            f"## Profile `{profile}`\n",
            raw(table(lines, f"The runs of {profile}")),
            "### Versions\n",
            raw(table(versions, f"Versions of {profile}")),
            "### Chapter by chapter\n",
            raw(table(runs, f"Chapters of {profile}")),
        ]
    )


def _not_run(folder: Path, profile: str) -> str:
    """The runs that `study.yaml` plans for a profile and that are not beside a record's folder:
    chapters, or of those that are there some variants with the number of their trainings."""
    root = folder.parents[len(_within(folder, profile)) - 1]
    waiting = []
    for chapter, runs in study.planned(profile).items():
        if study.in_book(chapter, profile) != profile:
            continue
        lacking = [v for v, seed in runs if not (root / chapter / v / f"seed{seed}").exists()]
        several = ", ".join(f"{v} ({lacking.count(v)})" for v in dict.fromkeys(lacking))
        if lacking:
            waiting.append(chapter if len(lacking) == len(runs) else f"{chapter} {several}")
    return "; ".join(waiting) or "none"


def _name(record: Mapping[str, Any]) -> str:
    return f"{record['system']}/{record['variant']}"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _within(folder: Path, profile: str) -> tuple[str, ...]:
    """The parts of a record's folder after that of its profile: chapter, variant, seed, ..."""
    parts = folder.parts
    return parts[len(parts) - parts[::-1].index(profile) :]


def locked() -> dict[str, str]:
    """Name -> version of `requirements.lock`; of a name with several, all."""
    pins: dict[str, str] = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf8").splitlines():
        if pin := re.match(r"([\w.-]+)==([\w.]+)", line):
            name, version = pin.groups()
            pins[name] = f"{pins[name]} or {version}" if name in pins else version
    return pins
