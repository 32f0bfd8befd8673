"""Trains what the chapter on ablations compares: networks that differ from a base in one thing.

The base of each system has the settings of its own chapter, but is narrower and trained for less
long, so that there is time for all of its variations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from colornb import records, study
from colornb.datasets import ImageSet
from colornb.study import StudyRun
from colornb.training import gan, short

GAN, KOALARIZATION = "gan/short", "koalarization/short"
"""The bases, `system/variant`; a variation's name is the base's, `_` and its own."""
L1_WEIGHTS = (10, 30, 300, 1000)
Factors = dict[str, dict[str, dict[str, Any]]]
"""What is varied -> name of a variation -> the options that take the place of the base's."""


@dataclass
class Ablation:
    """Trained variations of one system.

    Attributes:
        base: its `system/variant`.
        factors: what was varied -> the `system/variant`s that vary it.
        weights: `system/variant` -> weights, a file for each training seed.
        trained_on: `system/variant` -> the training set of each seed, where that is not the base's.
    """

    base: str
    factors: dict[str, list[str]] = field(default_factory=dict)
    weights: dict[str, list[Path]] = field(default_factory=dict)
    trained_on: dict[str, list[ImageSet]] = field(default_factory=dict)


def gan_factors(base: Mapping[str, Any]) -> Factors:
    """What is varied of the GAN with the options `base` of `training.gan.fit`."""
    steps = 3 - base["generator_steps"]  # the report's 2, or 1
    return {
        "loss": {"l1_only": {"adversarial_weight": 0.0}, "gan_only": {"l1_weight": 0.0}},
        "weight of L1": {f"l1_weight_{w}": {"l1_weight": float(w)} for w in L1_WEIGHTS},
        "norm of the generator": {
            name: {"network_options": {"norm": name.partition("_")[0]}}
            for name in ("none_norm", "instance_norm")
        },
        "discriminator": {
            "spectral_norm_d": {"discriminator_options": {"norm": "spectral"}},
            "instance_norm_d": {"discriminator_options": {"norm": "instance"}},
            "none_norm_d": {"discriminator_options": {"norm": "none"}},
            "unconditional": {"conditional": False},
            "same_rate_d": {"discriminator_rate": 1.0},
        },
        "public code": {
            "predicts_l": {"network_options": {"head": "lab"}},
            "gray_255": {"network_options": {"gray_255": True}},
            "beta1_0": {"beta1": 0.0},
            "early_floor": {"schedule": "early_floor"},
            "dropout": {"network_options": {"dropout": 0.5}},
        },
        "training": {
            **_training(base),
            f"generator_steps_{steps}": {"generator_steps": steps},
            "half_epochs": {"epochs": max(1, base["epochs"] // 2)},
            "double_epochs": {"epochs": 2 * base["epochs"]},
            "half_width": {"width": base["width"] / 2},
            "double_width": {"width": base["width"] * 2},
        },
    }


def koalarization_factors(base: Mapping[str, Any], extractors: Sequence[str]) -> Factors:
    """What is varied of Koalarization with the options `base` of its chapter."""
    plain = base["feature_scale"] == 1.0 and not base["feature_dropout"]
    damped = {"feature_scale": 0.05, "feature_dropout": 0.5}
    published = {"feature_scale": 1.0, "feature_dropout": 0.0}
    return {
        "extractor": {f"extractor_{name}": {"extractor": name} for name in extractors},
        "loss": {f"{name}_loss": {"objective": f"{name}_ab"} for name in ("l1", "huber")},
        "network": {
            "public_upsampling": {"upsampling": "public"},
            **({"damped_features": damped} if plain else {"plain_features": published}),
        },
        "training": _training(base),
    }


def _training(base: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    mirroring = "no_mirroring" if base["flip"] else "mirroring"
    constant = base["schedule"] == "constant"
    rate = ("one_cycle_rate", "one_cycle") if constant else ("constant_rate", "constant")
    return {mirroring: {"flip": not base["flip"]}, rate[0]: {"schedule": rate[1]}}


def fit_gan(run: StudyRun) -> Ablation:
    """Trains the GAN with each of `gan_factors`, and on fewer and more pictures for as many steps.

    Parameters of the run: the `factors` that are varied; `epochs` and `width` of the base; the
    `sizes` of the smaller training sets; and `seeds`, the trainings of each. Each lies where its
    record will.
    """
    train, test, o = run.load("train", "small"), run.load("test", "small"), run.parameters
    base = study.parameters("03_gan", run.profile, "default")
    base |= {
        "epochs": o["epochs"],
        "width": o["width"],
        "batch_size": min(base["batch_size"], *o["sizes"]),
    }
    for name in ("hold_out", *gan.NETWORK):
        del base[name]
    made = Ablation(GAN)

    def fit(images: ImageSet, name: str, seed: int, changes: Mapping[str, Any]) -> None:
        folder, few = records.place(run, test, name, seed), test.subset(range(10))
        gan.fit(images, folder, monitor=few, seed=seed, **(base | changes))
        made.weights.setdefault(name, []).append(folder / "weights.safetensors")

    _fit_all(run, made, gan_factors(base), lambda *each: fit(train, *each))
    if "pictures" not in o["factors"]:
        return made
    many = run.load("train", "many")
    for n in (*o["sizes"], len(train), len(many)):
        smaller = n < len(train)
        name = f"{GAN}_pictures_{n}" if smaller else f"{GAN}_many_{n}"
        made.factors.setdefault("pictures", []).append(name)
        for seed in range(o["seeds"]):
            images = short.part(train, n, seed) if smaller else many.subset(range(n))
            made.trained_on.setdefault(name, []).append(images)
            fit(images, name, seed, {"epochs": max(1, base["epochs"] * len(train) // n)})
    return made


def fit_koalarization(run: StudyRun) -> Ablation:
    """Trains Koalarization with each of `koalarization_factors`.

    Parameters of the run: `steps` of each training and `photo_width`, the `extractors` beside the
    usual one, and `factors` and `seeds` as in `fit_gan`.
    """
    train, test, o = run.load("train", "photos"), run.load("test", "photos"), run.parameters
    base = study.parameters("02_koalarization", run.profile, "default")
    base["width"] = o["photo_width"]
    made = Ablation(KOALARIZATION)

    def fit(name: str, seed: int, changes: Mapping[str, Any]) -> None:
        folder = records.place(run, test, name, seed)
        options = {"monitor": test.subset(range(10)), "steps": o["steps"], "seed": seed}
        weights = short.fit(train, folder, base | changes, **options)
        made.weights.setdefault(name, []).append(weights)

    _fit_all(run, made, koalarization_factors(base, o["extractors"]), fit)
    return made


def _fit_all(run: StudyRun, made: Ablation, factors: Factors, fit) -> None:
    seeds = range(run.parameters["seeds"])
    for seed in seeds:
        fit(made.base, seed, {})
    for factor, variations in factors.items():
        if factor not in run.parameters["factors"]:
            continue
        for name, changes in variations.items():
            made.factors.setdefault(factor, []).append(f"{made.base}_{name}")
            for seed in seeds:
                fit(f"{made.base}_{name}", seed, changes)
