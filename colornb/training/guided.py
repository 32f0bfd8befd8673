"""Trains U-Nets that are told a first guess, to be close or to look real: chapter 18's."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from colornb import features, records, study
from colornb.guesses import FirstGuess
from colornb.study import StudyRun
from colornb.training import gan, regression

CLOSE = {"l2": True, "unguided": False}
"""Variant of the system "guided" that is trained to be close -> whether it is told the guess."""
ALONE = {"l1_weight": 100.0, "adversarial_weight": 0.0}
REAL = {
    "l1_only": ALONE,
    "l1_weight_1000": {"l1_weight": 1000.0},
    "l1_weight_300": {"l1_weight": 300.0},
    "l1_weight_100": {"l1_weight": 100.0},
}
"""Variant that is told the guess -> its loss: L1 alone, or with a discriminator that L1 leaves more
and more to."""
BLIND = {"blind_l1_only": ALONE, "blind_gan": {"l1_weight": 100.0}}
"""The same of those that see nothing but the gray picture, as in the chapter on the GAN."""


@dataclass(frozen=True)
class Trained:
    """What `fit` made.

    Attributes:
        weights: `guided/VARIANT` -> weights, a file for each training seed.
        guesses: for the test pictures, in Lab units (N, 2, 4, 4).
    """

    weights: dict[str, list[Path]]
    guesses: Tensor

    def told(self, name: str) -> tuple[Tensor, ...]:
        """What the networks of that name are told of the test pictures beside their maps."""
        variant = name.partition("/")[2]
        return (self.guesses,) if CLOSE.get(variant, variant in REAL) else ()


def fit(run: StudyRun) -> Trained:
    """Trains each of `CLOSE`, `REAL` and `BLIND` where its record will lie.

    The run's parameters say how many `seeds`, the `extractor`, the `width`, and for how long:
    `epochs` to be close, `gan_epochs` on L1 and with a discriminator. `feature_dropout` and
    `weight_decay` hold for the networks that are shown the classifier's maps.
    """
    train, test, o = run.load("train"), run.load("test"), run.parameters
    monitor = test.subset(range(10))
    guess = FirstGuess(train, o["extractor"])
    of_train, of_mirrored = guess.of_training()
    guesses = guess(test)
    way = o["extractor"], "maps"
    maps = {
        "given": [features.embed(train, *way)],
        "given_mirrored": [features.embed(train, *way, mirrored=True)],
        "given_monitor": [features.embed(monitor, *way)],
        "about": {"extractor": o["extractor"]},
    }
    all_told = maps | {
        "given": [*maps["given"], of_train],
        "given_mirrored": [*maps["given_mirrored"], of_mirrored],
        "given_monitor": [*maps["given_monitor"], guesses[: len(monitor)]],
    }
    dropout = {"feature_dropout": o["feature_dropout"]}
    usual = {"batch_size": min(50, len(train)), "schedule": "one_cycle", "flip": True}
    base = study.parameters("03_gan", run.profile, "default")
    usual_gan = usual | {
        "width": o["width"],
        "epochs": o["gan_epochs"],
        **{k: base[k] for k in ("learning_rate", "beta1", "discriminator_rate", "generator_steps")},
    }

    def close(folder: Path, seed: int, guided: bool) -> None:
        options = {"width": o["width"], "guess": guided, **dropout}
        regression.fit(
            train,
            folder,
            network="informed",
            network_options=options,
            monitor=monitor,
            objective="mse_rgb",
            seed=seed,
            epochs=o["epochs"],
            learning_rate=3e-3,
            weight_decay=o["weight_decay"],
            **usual,
            **(all_told if guided else maps),
        )

    def real(folder: Path, seed: int, loss: Mapping[str, float], guided: bool) -> None:
        informed = {
            "network": "informed",
            "network_options": {"guess": True, **dropout},
            "weight_decay": o["weight_decay"],
            **all_told,
        }
        gan.fit(
            train,
            folder,
            monitor=monitor,
            seed=seed,
            **usual_gan,
            **loss,
            **(informed if guided else {}),
        )

    ways = {
        **{name: partial(close, guided=guided) for name, guided in CLOSE.items()},
        **{name: partial(real, loss=loss, guided=True) for name, loss in REAL.items()},
        **{name: partial(real, loss=loss, guided=False) for name, loss in BLIND.items()},
    }
    weights: dict[str, list[Path]] = {}
    for variant, train_one in ways.items():
        name = f"guided/{variant}"
        for seed in range(o["seeds"]):
            folder = records.place(run, test, name, seed)
            train_one(folder, seed)
            weights.setdefault(name, []).append(folder / "weights.safetensors")
    return Trained(weights, guesses)
