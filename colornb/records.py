"""A run's record: what was measured, on what, by which code on which machine.

`metrics.json` is written last and as a whole: where it stands, the run is finished. Beside it lie
`images.csv` (a row per test image, so that any two runs can be paired), `features.npy` (what the
distribution distances were computed from), `pictures.npy` (the first ones) and `tables/`.
"""

import hashlib
import json
import os
import platform
import re
import resource
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from importlib import metadata
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import safe_open
from torch import Tensor

from colornb import baselines, intervals, metrics, realism
from colornb.datasets import ImageSet
from colornb.device import choose
from colornb.errors import ColornbError
from colornb.features import LITE0, pooled
from colornb.files import replace_atomically
from colornb.intervals import Counts
from colornb.limits import MEASURES
from colornb.painted import AFTERWARDS, TRAINED_IN
from colornb.paths import ROOT, shown
from colornb.shapes import WrongShape, check
from colornb.study import StudyRun, planned, run_folder, sets

RESULT_COLUMNS = (
    "system,variant,profile,dataset,extractor,train_n,sees,seed,metric,value,low,high,n,unit,device"
).split(",")
_MINUTES = "Minutes of training"
SHOWN = 10
"""Pictures of each system that lie with its record."""
SHAPE = {
    **dict.fromkeys(("system", "variant", "profile", "dataset", "extractor"), str),
    "seed": int,
    "parameters": {"size": int, "train_n": int, "sees": str, "*": object},
    "metrics": {"*": {"value": float, "low": float, "high": float, "n": int}},
    "history": str | None,
    "environment": {"device": str, "*": object},
    "data_sha256": {"train": str, "test": str},
    "wall_s": float,
    "peak_memory_mb": float,
    "started": str,
    "finished": str,
}
"""How a record is built, see `colornb.shapes`."""
PAIR_COLUMNS = "a,b,dataset,metric,difference,low,high,n,seeds".split(",")


@dataclass(frozen=True)
class Measured:
    """What `measure` found: metrics with intervals, a table per image, features (N, 1280), and the
    first pictures, uint8 (SHOWN, 3, H, W), to be shown beside those of other systems."""

    metrics: dict[str, dict[str, float]]
    images: pd.DataFrame
    features: np.ndarray
    pictures: np.ndarray


def kid_size(images: ImageSet) -> int:
    """Pixels at which the features of KID and C2ST are taken: 96 for 32x32, else the size."""
    return max(96, images.images.shape[-1])


@cache
def truth_features(images: ImageSet) -> np.ndarray:
    """Features (N, 1280) of the true pictures, for KID and C2ST."""
    return pooled(images.images, kid_size(images))


@cache
def _frequency(images: ImageSet):
    return metrics.ab_frequency(images.images)


def measure(predicted, test: ImageSet, train: ImageSet) -> Measured:
    """Every required metric of predicted pictures, uint8 (N, 3, H, W), against the test set.

    `train` gives the frequency of colours that the rebalanced AuC is weighted by.
    """
    images = metrics.evaluate(predicted, test.images, ab_frequency=_frequency(train))
    images.insert(0, "id", test.ids)
    real, fake = truth_features(test), pooled(predicted, kid_size(test))
    found = metrics.summarize([images])
    found["kid"], found["c2st"] = realism.kid(real, [fake]), realism.c2st(real, [fake])
    return Measured(found, images, fake, predicted[:SHOWN].numpy())


def place(run: StudyRun, test: ImageSet, name: str, seed: int) -> Path:
    """Folder of what a notebook makes beside its run's own system: its record and, where it is
    trained there, its training.

    Args:
        name: `system/variant`; that of a row without a network may come without its system.
    """
    return run.folder / "records" / group(test) / name / f"seed{seed}"


def write(
    run: StudyRun,
    measured: Measured,
    test: ImageSet,
    train: ImageSet,
    *,
    variant: str | None = None,
    seed: int = 0,
    sees: str = "l",
    **parameters: Any,
) -> dict[str, Any]:
    """Writes the record of a run and returns it.

    Without `variant` it is the record of the run's own system. With it, a `system/variant`, it is
    that of another, of which a notebook may make several: each has its folder, see `place`. A
    variant without a slash is a row without a network, with `seed` that of the training it is made
    from. `sees` is what the system looks at besides the gray picture: "l" (nothing), "class",
    "caption", "reference" or "answer".
    """
    settings = run.parameters
    folder, names = run.folder, {"system": run.system, "variant": run.variant, "seed": run.seed}
    if variant is not None:
        folder = place(run, test, variant, seed)
        settings = _trained_with(folder) or settings
        system, _, own = variant.rpartition("/")
        names = {"system": system or "baseline", "variant": own, "seed": seed}

    def save(array: np.ndarray, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, array)

    for array in ("features", "pictures"):
        replace_atomically(folder / f"{array}.npy", partial(save, getattr(measured, array)))
    settings = settings | parameters | {"train_n": len(train), "sees": sees}
    data = {"train": train.sha256, "test": test.sha256}
    return _write(run, folder, names, settings, measured.metrics, measured.images, test, data)


def _trained_with(folder: Path) -> dict[str, Any]:
    """The extractor and all settings of the network that was trained in a folder, as its weights
    tell them; empty if none was."""
    path = folder / "weights.safetensors"
    if not path.exists():
        return {}
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    if "training" not in header:  # written by an earlier version
        return {}
    settings = json.loads(header["training"])
    elsewhere = ("about", "seed")  # in the record; sums of data and code are not told at all
    told = {k: v for k, v in settings.items() if k not in elsewhere and not k.endswith("_sha256")}
    return told | {"extractor": header.get("extractor", "none")}


def write_limits(
    run: StudyRun,
    system: str,
    seed: int,
    pictures: Tensor,
    counts: Counts,
    found: Mapping[str, Mapping[str, float]],
    test: ImageSet,
    train: ImageSet,
) -> dict[str, Any]:
    """Writes what a limitation chapter measured of one training of a system; returns the record.

    It lies in `records/DATASET-SIZE/SYSTEM/VARIANT/seedK` and holds the metrics that every record
    has as well: those of the training's own record where that is of the same test set. What this
    notebook has recorded there before stays, with more measures.

    Args:
        system: `system/variant`, e.g. "gan/default"; with `seed` it names the training.
        pictures: what it makes of the test set, uint8 (N, 3, H, W).
        counts: what was counted on each image; single numbers go to `images.csv`, beside what every
            record has there.
        found: name in `colornb.limits.LIMITS` -> `value`, `low`, `high`, `n`.
        test, train: what it was measured on, and what the system was trained on.
    """
    name, variant = system.split("/")
    settings, extractor, sees = run.parameters, "none", baselines.SEES.get(variant, "l")
    folder = place(run, test, system, seed)
    before = _recorded_before(run, folder, test, train)
    home = folder if before else _own_folder(run, name, variant, seed, test)
    # What is done to a system's pictures afterwards (`painted.AFTERWARDS`) trains nothing anew.
    plain = re.sub(rf"_({'|'.join(AFTERWARDS)})(_\w+)?$", "", variant)
    base = home or _own_folder(run, name, plain, seed, test)
    own = read(home) if home else None
    if before:
        sees = before["parameters"]["sees"]
    if base and (before or name in TRAINED_IN):
        settings, extractor = (read(base)[key] for key in ("parameters", "extractor"))
    if own and own["data_sha256"]["test"] == test.sha256:
        usual, images = own["metrics"], pd.read_csv(home / "images.csv", dtype={"id": str})
    else:
        measured = measure(pictures, test, train)
        usual, images = measured.metrics, measured.images
    settings = settings | {"train_n": len(train), "sees": sees, "extractor": extractor}
    limits = {k: {key: v[key] for key in ("value", "low", "high", "n")} for k, v in found.items()}
    names = {"system": name, "variant": variant, "seed": seed}
    data = {"train": train.sha256, "test": test.sha256}
    images = images.assign(**_counted(counts, images))
    return _write(run, folder, names, settings, usual | limits, images, test, data)


def _counted(counts: Counts, images: pd.DataFrame) -> dict[str, np.ndarray]:
    """The single numbers among counts that a table of images has not, as its columns: where a count
    has the name of one that every record has, with an ending."""
    usual = {column for name in metrics.METRICS for column in metrics.RATIOS.get(name, (name,))}
    named = {f"{k}_counted" if k in usual else k: v for k, v in counts.items()}
    return {k: v for k, v in named.items() if np.ndim(v) == 1 and k not in images}


def _recorded_before(
    run: StudyRun, folder: Path, test: ImageSet, train: ImageSet
) -> dict[str, Any] | None:
    """The record in a folder, if this execution of the notebook has written it, of these sets."""
    if not (folder / "metrics.json").exists():
        return None
    record = read(folder)
    this = record["started"] == run.started.isoformat(timespec="seconds")
    data = {"train": train.sha256, "test": test.sha256}
    return record if this and record["data_sha256"] == data else None


def _own_folder(run: StudyRun, system: str, variant: str, seed: int, test: ImageSet) -> Path | None:
    """Where the chapter of a system recorded one training, or a row without one, if it has."""
    if system in TRAINED_IN:
        folder = run_folder(run.profile, TRAINED_IN[system], variant, seed)
    else:
        chapter = replace(run, chapter="01_data", variant="default", seed=0)
        folder = place(chapter, test, variant, seed)
    return folder if (folder / "metrics.json").exists() else None


def _write(
    run: StudyRun,
    folder: Path,
    names: dict[str, Any],
    settings: dict[str, Any],
    found: dict[str, dict[str, float]],
    images: pd.DataFrame,
    test: ImageSet,
    data: dict[str, str],
) -> dict[str, Any]:
    network = f"{LITE0}, pooled features at {kid_size(test)} pixels"
    settings = settings | {"kid_network": network, "size": test.images.shape[-1]}
    if settings.get("precision") == "auto":  # what it came to on this machine
        settings["precision"] = choose(settings["device"], "auto")[1]
    record = {
        "system": names["system"],
        "variant": names["variant"],
        "profile": run.profile,
        "seed": names["seed"],
        "dataset": test.name,
        "extractor": settings.pop("extractor", "none"),
        "parameters": settings,
        "metrics": found,
        "history": "history.csv" if (folder / "history.csv").exists() else None,
        "environment": environment(),
        "data_sha256": data,
        "wall_s": round(_seconds(run, folder), 1),
        "peak_memory_mb": _peak_memory_mb(),
        "started": run.started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    replace_atomically(
        folder / "images.csv",
        lambda path: images.to_csv(path, index=False, float_format="%.6g"),
    )
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    replace_atomically(folder / "metrics.json", lambda path: path.write_text(text, "utf8"))
    run.clock = time.perf_counter()  # the next record of this notebook begins here
    return record


def write_table(run: StudyRun, name: str, table: pd.DataFrame) -> None:
    """Stores a curve or a table of the run as `tables/NAME.csv`."""
    path = run.folder / "tables" / f"{name}.csv"
    replace_atomically(path, lambda p: table.to_csv(p, index=False, float_format="%.6g"))


def _seconds(run: StudyRun, folder: Path) -> float:
    """What a record took: since the one before, and the epochs that were finished before this
    execution began. Of a system that is trained in the record's folder, its epochs."""
    path, since = folder / "history.csv", time.perf_counter() - run.clock
    if not path.exists():
        return since
    seconds = pd.read_csv(path)["seconds"]
    if folder != run.folder:
        return float(seconds.sum())
    lines = zip(path.read_text("utf8").splitlines(), run.history, strict=False)
    before = sum(now == then for now, then in lines) - 1  # the head is no epoch
    return since + float(seconds[: max(0, before)].sum())


def _peak_memory_mb() -> float:
    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated() / 2**20)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


@cache
def environment() -> dict[str, Any]:
    """The versions and the machine that make a number."""
    packages = sorted(f"{d.name}=={d.version}" for d in metadata.distributions())
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    commit = _git("rev-parse", "HEAD")
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": gpu or f"{_processor()}, {os.cpu_count()} cores",
        "gpu": gpu,
        "threads": torch.get_num_threads(),  # on a CPU another number rounds otherwise
        "commit": commit,
        "dirty": bool(_git("status", "--porcelain")) if commit else None,
        "packages_sha256": hashlib.sha256("\n".join(packages).encode()).hexdigest(),
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def read(folder: Path) -> dict[str, Any]:
    """The record of a finished run.

    Raises:
        ColornbError: there is none, or it is damaged.
    """
    path = folder / "metrics.json"
    try:
        return deepcopy(_parsed(*_dated(path)))
    except FileNotFoundError:
        raise ColornbError(f"There is no record {path}: the run is not finished.") from None
    except WrongShape as wrong:
        raise ColornbError(
            f"The record {path} is damaged ({shown(wrong)}): run its notebook again."
        ) from None
    except (ValueError, RecursionError, OSError):
        raise ColornbError(f"The record {path} is damaged: run its notebook again.") from None


_Dated = tuple[Path, int]
"""A file and when it was written, in ns: what is read of it may be kept as long as that stays."""


def _dated(path: Path) -> _Dated:
    return path, path.stat().st_mtime_ns


@lru_cache(maxsize=1024)  # a comparison of all systems asks thousands of times
def _parsed(path: Path, written: int) -> dict[str, Any]:
    record = json.loads(path.read_text(encoding="utf8"))
    check(record, SHAPE)
    for name in record["metrics"]:
        if name not in MEASURES:
            raise WrongShape("metrics", f"has {name!r}, which is no metric")
    return record


@lru_cache(maxsize=256)
def _images(path: Path, written: int) -> pd.DataFrame:
    return pd.read_csv(path)


def _tables(folders: Iterable[Path]) -> list[pd.DataFrame]:
    """What was measured of each picture, a table for each folder."""
    return [_images(*_dated(folder / "images.csv")) for folder in folders]


def within(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Folder and record of every finished run in a folder."""
    return [(path.parent, read(path.parent)) for path in sorted(folder.rglob("metrics.json"))]


def under(folder: Path) -> dict[str, list[Path]]:
    """`system/variant` -> folders, one for each seed, of what one notebook wrote."""
    found: dict[str, list[Path]] = {}
    for path, record in within(folder):
        found.setdefault(f"{record['system']}/{record['variant']}", []).append(path)
    return found


def group(test: ImageSet) -> str:
    """Name of the folder of the records on one test set, e.g. `cifar10-32`."""
    return f"{test.name}-{test.images.shape[-1]}"


def write_trivial(run: StudyRun, test: ImageSet, train: ImageSet) -> None:
    """Measures the rows without a network on a test set and writes a record of each."""
    fitted = baselines.fit(train.images, train.labels)
    for name, sees in baselines.SEES.items():
        predicted = fitted.predict(name, test.images, test.labels)
        write(run, measure(predicted, test, train), test, train, variant=name, sees=sees)


def trivial(run: StudyRun, test: ImageSet, train: ImageSet) -> dict[str, list[Path]]:
    """Folders of the records of the rows without a network on a test set, as `under` gives them.

    They are chapter 01's; a notebook that is run alone makes them for it, of all training pictures
    also where its own training holds some out.
    """
    if run.parameters.get("hold_out"):
        train = replace(run, parameters={}).load("train")
    chapter = replace(run, chapter="01_data", variant="default", seed=0, parameters={})
    folder = chapter.folder / "records" / group(test)
    if not all((folder / name / "seed0" / "metrics.json").exists() for name in baselines.NAMES):
        write_trivial(chapter, test, train)
    found = under(folder)
    return {name: found[name] for name in (f"baseline/{n}" for n in baselines.NAMES)}


def summary(folders: list[Path], test: ImageSet) -> dict[str, Any]:
    """The record of a system on a test set over its training seeds, a folder for each.

    Its `metrics` are over all of them, `seeds` has the values of the single ones. Everything else
    is the first seed's.
    """
    records = [read(folder) for folder in folders]
    if len(records) == 1:
        return records[0]
    found = metrics.summarize(_tables(folders))
    features = [np.load(folder / "features.npy") for folder in folders]
    real = truth_features(test)
    found["kid"], found["c2st"] = (realism.kid(real, features), realism.c2st(real, features))
    seeds = {name: [record["metrics"][name]["value"] for record in records] for name in found}
    return records[0] | {"metrics": found, "seeds": seeds}


def training(folders: list[Path]) -> dict[str, str]:
    """Cells of a table about a system's trainings, a folder for each seed: pictures it was tested
    on, parameters, minutes of each; dashes for what is not trained in these folders."""
    from colornb.models import load_weights

    n = len(pd.read_csv(folders[0] / "images.csv"))
    cells = {"n × trainings": f"{n:,} × {len(folders)}", "Parameters": "–", _MINUTES: "–"}
    if (weights := folders[0] / "weights.safetensors").exists():
        model, _ = load_weights(weights)
        cells["Parameters"] = f"{sum(p.numel() for p in model.parameters()):,}"
        seconds = [pd.read_csv(folder / "history.csv")["seconds"].sum() for folder in folders]
        cells[_MINUTES] = " · ".join(f"{value / 60:.1f}" for value in seconds)
    return cells


def first_pictures(folders: list[Path]) -> Tensor:
    """The first `SHOWN` test pictures as a system paints them, uint8, of its first seed."""
    return torch.from_numpy(np.load(folders[0] / "pictures.npy"))


def read_all(profile: str) -> list[tuple[Path, dict[str, Any]]]:
    """Folder and record of every finished run that `study.yaml` plans for a profile.

    Records on pictures that the profile had once and has no more are left out; those on its
    pictures as JPEG (`cifar10_jpeg.as_jpeg`) belong to it.
    """
    known = sets(profile)
    known |= {(f"{name}_{split}_jpeg", size) for name, size in known for split in ("train", "test")}
    return [
        (folder, record)
        for chapter, runs in planned(profile).items()
        for variant, seed in runs
        for folder, record in within(run_folder(profile, chapter, variant, seed))
        if (record["dataset"], record["parameters"]["size"]) in known
    ]


def _kernels(folders: list[Path], test: ImageSet) -> realism.Kernels:
    return _kernels_of(tuple(_dated(folder / "features.npy") for folder in folders), test)


@lru_cache(maxsize=64)  # 8 MB each for 1,000 pictures; a system is compared with many others
def _kernels_of(features: tuple[_Dated, ...], test: ImageSet) -> realism.Kernels:
    return realism.kernels(truth_features(test), [np.load(path) for path, _ in features])


def _told_right(folders: list[Path], test: ImageSet) -> list[Counts]:
    return [_told_right_of(_dated(folder / "features.npy"), test) for folder in folders]


@lru_cache(maxsize=256)  # seconds each; a system is compared with many others
def _told_right_of(features: _Dated, test: ImageSet) -> Counts:
    return {"told": realism.told_right(truth_features(test), np.load(features[0]))}


def pair(
    a: list[Path], b: list[Path], metric: str, test: ImageSet, **options: Any
) -> dict[str, Any]:
    """A row of `pairs.csv`: a metric of system a minus that of b on the same test images.

    Each system is the list of its runs' folders, one for each seed. `seeds` is the smaller number
    of the two; rows without a network have none, and do not count. Options are those of
    `metrics.paired_difference`. The interval of `c2st` is over pictures and trainings, and not over
    what the classifiers happened to learn from.
    """
    if metric == "kid":
        difference = realism.kid_difference(_kernels(a, test), _kernels(b, test), **options)
    elif metric == "c2st":
        told = (_told_right(folders, test) for folders in (a, b))
        difference = intervals.difference(*told, itemgetter("told"), **options)
    else:
        difference = metrics.paired_difference(_tables(a), _tables(b), metric, **options)
    one, other = read(a[0]), read(b[0])
    trained = [
        f
        for f, r in ((a, one), (b, other))
        if r["system"] != "baseline" or r["variant"].startswith("regression")
    ]
    names = [f"{r['system']}/{r['variant']}" for r in (one, other)]
    return {
        "a": names[0],
        "b": names[1],
        "dataset": test.name,
        "metric": metric,
        **difference,
        "seeds": min(map(len, trained), default=0),
    }


def kid_ratio(a: list[Path], b: list[Path], test: ImageSet) -> dict[str, Any]:
    """KID of system a over that of b on the same test images, of the folders that `pair` takes: see
    `realism.kid_ratio`."""
    return realism.kid_ratio(_kernels(a, test), _kernels(b, test))


def kid_ratio_painted(a: Sequence[Tensor], b: Sequence[Tensor], test: ImageSet) -> dict[str, Any]:
    """`kid_ratio` of pictures that have no record: those of each training of a system, uint8."""
    real, size = truth_features(test), kid_size(test)
    return realism.kid_ratio(
        *(realism.kernels(real, [pooled(one, size) for one in several]) for several in (a, b))
    )


def pairs(
    folders: Mapping[str, list[Path]],
    compared: Iterable[tuple[str, str]],
    names: Sequence[str],
    test: ImageSet,
    **options: Any,
) -> pd.DataFrame:
    """`pair` of the metrics `names` for each of the compared systems: rows of `pairs.csv`."""
    found = [
        pair(folders[a], folders[b], name, test, **options) for a, b in compared for name in names
    ]
    return pd.DataFrame(found, columns=PAIR_COLUMNS)


def rows(record: dict[str, Any]) -> list[dict[str, Any]]:
    """A record as rows of `results.csv`."""
    return [
        {
            **{key: record[key] for key in ("system", "variant", "profile", "dataset")},
            "extractor": record["extractor"],
            "train_n": record["parameters"]["train_n"],
            "sees": record["parameters"]["sees"],
            "seed": record["seed"],
            "metric": name,
            **{key: found[key] for key in ("value", "low", "high", "n")},
            "unit": MEASURES[name].unit,
            "device": record["environment"]["device"],
        }
        for name, found in record["metrics"].items()
    ]
