"""What `study.yaml` says: which runs a profile has, and each run's parameters, data and folder.

A notebook calls `begin` once, right after its parameters cell.
"""

import ast
import re
import time
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from colornb.errors import ColornbError
from colornb.files import make_folder
from colornb.paths import ROOT, RUNS, shown
from colornb.shapes import WrongShape, check

COMMON = {"profile": str, "seed": int, "variant": str}
"""The parameters of every notebook, and their types."""
_VALUES = {"*": bool | int | float | str | list}
_ONE = {"default": {}}
"""The variants of a chapter that names none."""
SHAPE = {
    "profiles": {
        "*": {
            "about?": str,
            "threads?": int,
            "sets": {
                "*": {"dataset": str, "size": int, "train_n?": int, "val_n?": int, "test_n?": int}
            },
        }
    },
    "chapters": {
        "*": {
            "system": str,
            "sets": [str],
            "needs?": [str],
            "book?": str,
            "parameters": _VALUES,
            "profiles?": {"*": _VALUES},
            "variants?": {"*": _VALUES},
            "runs?": {"*": {"*": [int]}},
        }
    },
}
"""How `study.yaml` is built, see `colornb.shapes`."""


def read() -> dict[str, Any]:
    """`study.yaml`.

    Raises:
        ColornbError: it is missing, no YAML, or not built as it has to be; the sentence names the
            place, e.g. `chapters.03_gan.runs.smoke`.
    """
    path = ROOT / "study.yaml"
    try:
        study = deepcopy(_parsed(path.read_text(encoding="utf8")))
    except Exception as error:  # PyYAML tells a wrong text by a dozen types of exception
        problem = shown(" ".join(str(error).split()) or type(error).__name__)
        raise ColornbError(f"{path} cannot be read ({problem}): correct it.") from error
    try:
        check(study, SHAPE)
        for name, chapter in study["chapters"].items():
            _check_names(chapter, study, f"chapters.{name}")
    except WrongShape as wrong:
        raise ColornbError(f"{path} is wrong: {shown(wrong)}.") from None
    return study


@lru_cache(maxsize=4)  # a notebook asks a dozen times for what takes a quarter of a second
def _parsed(text: str) -> Any:
    return yaml.safe_load(text)


def _check_names(chapter: dict, study: dict, place: str) -> None:
    """Raises WrongShape if a chapter names a set, chapter, profile, variant or parameter that there
    is not, or gives a parameter a value of another type."""
    profiles, usual = study["profiles"], chapter["parameters"]
    variants, runs = chapter.get("variants", _ONE), chapter.get("runs", {})
    changed = {f"profiles.{name}": given for name, given in chapter.get("profiles", {}).items()}
    changed |= {f"variants.{name}": given for name, given in variants.items()}
    if not chapter["sets"]:
        raise WrongShape(f"{place}.sets", "is empty")
    for part, names, known in (
        *(("sets", chapter["sets"], profile["sets"]) for profile in profiles.values()),
        ("needs", chapter.get("needs", []), study["chapters"]),
        ("book", [chapter["book"]] if "book" in chapter else [], profiles),
        ("profiles", chapter.get("profiles", {}), profiles),
        ("runs", runs, profiles),
        *((f"runs.{profile}", names, variants) for profile, names in runs.items()),
        *((part, given, usual) for part, given in changed.items()),
    ):
        for name in names:
            if name not in known:
                there = f"there are: {', '.join(known)}"
                raise WrongShape(f"{place}.{part}", f"names {name!r}; {there}")
    for part, given in changed.items():
        for name, value in given.items():
            if not _is_like(usual[name], value):
                kinds = f"{type(usual[name]).__name__}, not {type(value).__name__}"
                raise WrongShape(f"{place}.{part}.{name}", f"must be {kinds}")


def _choose(options: dict, name: str, kind: str) -> Any:
    if name not in options:
        raise ColornbError(f"There is no {kind} {name!r}; there are: {', '.join(options)}.")
    return options[name]


def planned(profile: str) -> dict[str, list[tuple[str, int]]]:
    """Per chapter, the (variant, seed) pairs that `profile` runs; once if it has no `runs`."""
    study = read()
    _choose(study["profiles"], profile, "profile")
    once = {profile: {"default": [0]}}
    return {
        chapter: [
            (variant, seed)
            for variant, seeds in options.get("runs", once).get(profile, {}).items()
            for seed in seeds
        ]
        for chapter, options in study["chapters"].items()
    }


def in_book(chapter: str, usual: str) -> str:
    """The profile whose run of a chapter the published book shows: what `book` says of the chapter,
    or the `usual` one."""
    return read()["chapters"].get(chapter, {}).get("book", usual)


def needed(chapter: str) -> list[str]:
    """The chapters that a chapter needs, with those that these need, in the order of the study."""
    chapters = read()["chapters"]
    found, waiting = set(), [chapter]
    while waiting:
        more = {*chapters[waiting.pop()].get("needs", [])} - found
        found |= more
        waiting += more
    return [name for name in chapters if name in found]


def parameters(chapter: str, profile: str, variant: str) -> dict[str, Any]:
    """A run's parameters, without its seed."""
    study = read()
    _choose(study["profiles"], profile, "profile")
    options = _choose(study["chapters"], chapter, "chapter")
    chosen = _choose(options.get("variants", _ONE), variant, f"variant of {chapter}")
    return options["parameters"] | options.get("profiles", {}).get(profile, {}) | chosen


def sets(profile: str) -> set[tuple[str, int]]:
    """Data set and size of the pictures of a profile."""
    chosen = _choose(read()["profiles"], profile, "profile")
    return {(images["dataset"], images["size"]) for images in chosen["sets"].values()}


def run_folder(profile: str, chapter: str, variant: str, seed: int) -> Path:
    """Folder of a run: its executed notebook, history, checkpoint, weights and record."""
    return RUNS / profile / chapter / variant / f"seed{seed}"


@dataclass
class StudyRun:
    """One run of one notebook.

    Attributes:
        variant: with what was given by hand, e.g. `default+epochs=5`: it has its own folder.
        parameters: all of them, resolved.
        history: lines of `history.csv` as the run begins, a head and the epochs that were finished
            before. By them, and not by the clock, it is known what this execution trained.
    """

    chapter: str
    system: str
    profile: str
    variant: str
    seed: int
    parameters: dict[str, Any]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.perf_counter)
    _loaded: dict[tuple[str, str], Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        path = self.folder / "history.csv"
        self.history = path.read_text("utf8").splitlines() if path.exists() else []

    @property
    def folder(self) -> Path:
        """Where the run leaves what it makes: `runs/PROFILE/CHAPTER/VARIANT/seedSEED`."""
        return run_folder(self.profile, self.chapter, self.variant, self.seed)

    def load(self, split: str, images: str | None = None):
        """The `ImageSet` of a split.

        `images` is one of the profile's sets, such as "small" (32x32, for the GAN) or "photos" (for
        Koalarization); by default the first of the chapter's. Training images leave the validation
        images out if the run's parameter `hold_out` says so.
        """
        from colornb import datasets

        study = read()
        images = images or study["chapters"][self.chapter]["sets"][0]
        if (split, images) not in self._loaded:
            chosen = study["profiles"][self.profile]["sets"][images]
            self._loaded[split, images] = datasets.load(
                chosen["dataset"],
                split,
                size=chosen["size"],
                limit=chosen.get(f"{split}_n"),
                hold_out=split == "train" and self.parameters.get("hold_out", False),
            )
        return self._loaded[split, images]

    def of(self, chapter: str, variant: str = "default", seed: int = 0) -> Path:
        """Folder of another run of this profile; it must be finished.

        Raises:
            ColornbError: it is not, with the command that makes it.
        """
        folder = run_folder(self.profile, chapter, variant, seed)
        if not any(folder.rglob("metrics.json")):
            raise ColornbError(
                f"There is no finished run in {folder}: run `make study PROFILE={self.profile}`, "
                f"or execute notebooks/{chapter}.ipynb with profile {self.profile}, "
                f"variant {variant} and seed {seed}."
            )
        return folder


def begin(chapter: str, namespace: dict[str, Any]) -> StudyRun:
    """The run that a notebook's parameters ask for; call it as `begin("03_gan", globals())`.

    A parameter that is `None` is as `study.yaml` says for the profile and the variant.

    Raises:
        ColornbError: an unknown profile, variant or parameter, or a value of the wrong type.
    """
    for name, kind in COMMON.items():
        if not isinstance(namespace[name], kind) or isinstance(namespace[name], bool):
            raise ColornbError(
                f"The parameter {name} must be {kind.__name__}, not {namespace[name]!r}."
            )
    profile, seed, variant = (namespace[name] for name in COMMON)
    resolved = parameters(chapter, profile, variant)
    for name in _injected(namespace.get("In", [])):
        if name not in resolved and name not in COMMON:
            known = ", ".join([*COMMON, *resolved])
            raise ColornbError(f"There is no parameter {name!r} in {chapter}; there are: {known}.")
    by_hand = {}
    for name, usual in resolved.items():
        value = namespace.get(name)
        if value is not None and _as_type_of(usual, name, value) != usual:
            by_hand[name] = _as_type_of(usual, name, value)
    label = "".join(f"+{name}={value}" for name, value in by_hand.items())
    system = read()["chapters"][chapter]["system"]
    variant += re.sub(r"[^\w+=.\-]", "_", label)
    run = StudyRun(chapter, system, profile, variant, seed, resolved | by_hand)
    make_folder(run.folder)
    return run


def _injected(executed: list[str]) -> list[str]:
    """Names that papermill set: it adds a cell that opens with the comment `# Parameters`."""
    for source in executed:
        if source.startswith("# Parameters\n"):
            nodes = ast.parse(source).body
            return [node.targets[0].id for node in nodes if isinstance(node, ast.Assign)]
    return []


def _is_like(usual: Any, value: Any) -> bool:
    """Whether a value has the type of the usual one; whole numbers may stand for others."""
    return type(value) is type(usual) or (type(usual), type(value)) == (float, int)


def _as_type_of(usual: Any, name: str, value: Any) -> Any:
    if not _is_like(usual, value):
        raise ColornbError(
            f"The parameter {name} must be {type(usual).__name__}, like {usual!r}, not {value!r}."
        )
    return type(usual)(value)
