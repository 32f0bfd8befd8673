"""Trains networks that expect more than one colour: what chapter 09 compares."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from colornb import records, study
from colornb.datasets import ImageSet
from colornb.study import StudyRun
from colornb.training import regression, short

Weights = dict[str, list[Path]]
"""`distribution/NAME` -> weights, a file for each training seed."""


def _without_val(run: StudyRun, images: str) -> ImageSet:
    """The training pictures but for those that choices are made on."""
    return replace(run, parameters={"hold_out": True}).load("train", images)


def fit_small(run: StudyRun) -> Weights:
    """Trains U-Nets that end in bins, "default" with rebalancing and "unbalanced", and
    "variational" ones, at a one-cycle rate with its peak at 2e-3, where their records will lie.

    Of the first two one more, with "_held_out" after its name, does not see the validation
    pictures. The run's parameters say how many `seeds` (of "unbalanced": `unbalanced_seeds`), for
    how many `epochs`, the `width` of the U-Nets with bins and the `variational_width`, and
    `rebalance` and `divergence`, options of `training.objectives`.
    """
    train, test, o = run.load("train", "small"), run.load("test", "small"), run.parameters
    ends_in_bins = {"width": o["width"], "head": "bins"}
    bins = {"network": "unet", "network_options": ends_in_bins, "objective": "bins"}
    kinds = {
        "default": bins | {"objective_options": {"rebalance": o["rebalance"]}},
        "unbalanced": bins,
        "variational": {
            "network": "variational",
            "network_options": {"width": o["variational_width"]},
            "objective": "variational",
            "objective_options": {"divergence": o["divergence"]},
        },
    }

    def fit(kind: str, images: ImageSet, name: str, seed: int) -> Path:
        folder = records.place(run, test, name, seed)
        regression.fit(
            images,
            folder,
            monitor=test.subset(range(10)),
            seed=seed,
            epochs=o["epochs"],
            batch_size=min(50, len(images)),
            learning_rate=2e-3,
            schedule="one_cycle",
            flip=True,
            **kinds[kind],
        )
        return folder / "weights.safetensors"

    fewer, weights = _without_val(run, "small"), {}
    for kind in kinds:
        name = f"distribution/{kind}"
        seeds = o["unbalanced_seeds" if kind == "unbalanced" else "seeds"]
        weights[name] = [fit(kind, train, name, seed) for seed in range(seeds)]
        if kind != "variational":
            weights[f"{name}_held_out"] = [fit(kind, fewer, f"{name}_held_out", 0)]
    return weights


def fit_photos(run: StudyRun) -> Weights:
    """Trains Koalarization that ends in bins, rebalanced, with the settings of its chapter but for
    the run's `photo_width` and `steps`: "koalarization", and "koalarization_held_out" without the
    validation pictures."""
    train, test, o = run.load("train", "photos"), run.load("test", "photos"), run.parameters
    settings = study.parameters("02_koalarization", run.profile, "default")
    settings |= {"head": "bins", "objective": "bins", "width": o["photo_width"]}
    settings |= {"objective_options": {"rebalance": o["rebalance"]}}

    def fit(name: str, images: ImageSet, seed: int) -> Path:
        folder = records.place(run, test, name, seed)
        options = {"monitor": test.subset(range(10)), "steps": o["steps"], "seed": seed}
        return short.fit(images, folder, settings, **options)

    name, fewer = "distribution/koalarization", _without_val(run, "photos")
    return {
        name: [fit(name, train, seed) for seed in range(o["seeds"])],
        f"{name}_held_out": [fit(f"{name}_held_out", fewer, 0)],
    }


def about_photos(run: StudyRun) -> dict[str, Any]:
    """Extractor and epochs of the trainings of `fit_photos` on all training pictures, for their
    records."""
    settings = study.parameters("02_koalarization", run.profile, "default")
    steps, n = run.parameters["steps"], len(run.load("train", "photos"))
    epochs = short.epochs(n, settings["batch_size"], steps)
    return {"extractor": settings["extractor"], "epochs": epochs}
