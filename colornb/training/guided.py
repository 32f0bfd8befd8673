"""Trains U-Nets that are told a first guess, to be close or to look real: chapter 18's."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from colornb import features, records, study
from colornb.guesses import FirstGuess
from colornb.study import StudyRun
from colornb.training import gan, regression

CLOSE = "guided/l2"
"""Trained on the squared distance, as `informed/l2` of chapter 17 is, which is told no guess."""
ALONE = {"l1_weight": 100.0, "adversarial_weight": 0.0}
REAL = {
    "guided/l1_only": ALONE,
    "guided/l1_weight_1000": {"l1_weight": 1000.0},
    "guided/l1_weight_300": {"l1_weight": 300.0},
    "guided/l1_weight_100": {"l1_weight": 100.0},
}
"""Name -> the loss of a network that is told the guess: L1 alone, or with a discriminator that L1
leaves more and more to."""
BLIND = {
    "guided/blind_l1_only": ALONE,
    "guided/blind_l1_weight_1000": {"l1_weight": 1000.0},
    "guided/blind_l1_weight_100": {"l1_weight": 100.0},
}
"""The same of those that see nothing but the gray picture, as in the chapter on the GAN."""


@dataclass(frozen=True)
class Trained:
    """What `fit` made.

    Attributes:
        weights: name -> weights, a file for each training seed.
        guesses: for the test pictures, and for them mirrored, in Lab units (N, 2, 4, 4).
    """

    weights: dict[str, list[Path]]
    guesses: tuple[Tensor, Tensor]

    def told(self, name: str) -> tuple[Tensor, ...]:
        """What the networks of that name are told of the test pictures beside their maps."""
        return () if name in BLIND else self.guesses[:1]


def fit(run: StudyRun) -> Trained:
    """Trains `CLOSE` and each of `REAL` and `BLIND` where its record will lie.

    The run's parameters say how many `seeds`, the `extractor`, the `width`, and for how long:
    `epochs` to be close, `gan_epochs` on L1 and with a discriminator. `feature_dropout` holds
    for the networks that are shown the classifier's maps. The rates of learning are chapter 17's
    and, of `REAL` and `BLIND`, chapter 03's.
    """
    train, test, o = run.load("train"), run.load("test"), run.parameters
    monitor = test.subset(range(10))
    guess = FirstGuess(train, o["extractor"])
    guesses, of_training = guess(test), guess.of_training()
    way = o["extractor"], "maps"
    told = {
        "network": "informed",
        "given": [features.embed(train, *way), of_training[0]],
        "given_mirrored": [features.embed(train, *way, mirrored=True), of_training[1]],
        "given_monitor": [features.embed(monitor, *way), guesses[0][: len(monitor)]],
        "about": {"extractor": o["extractor"]},
    }
    options = {"guess": True, "feature_dropout": o["feature_dropout"]}
    usual = {
        "monitor": monitor,
        "batch_size": min(50, len(train)),
        "weight_decay": o["weight_decay"],
        "schedule": "one_cycle",
        "flip": True,
    }
    base = study.parameters("03_gan", run.profile, "default")
    base = {k: base[k] for k in ("learning_rate", "beta1", "discriminator_rate", "generator_steps")}

    weights: dict[str, list[Path]] = {}
    for name, loss in {CLOSE: {}, **REAL, **BLIND}.items():
        for seed in range(o["seeds"]):
            folder = records.place(run, test, name, seed)
            if name == CLOSE:
                regression.fit(
                    train,
                    folder,
                    network_options={"width": o["width"], **options},
                    objective="mse_rgb",
                    seed=seed,
                    epochs=o["epochs"],
                    learning_rate=3e-3,
                    **usual,
                    **told,
                )
            else:
                gan.fit(
                    train,
                    folder,
                    seed=seed,
                    epochs=o["gan_epochs"],
                    width=o["width"],
                    **usual,
                    **base,
                    **loss,
                    **({} if name in BLIND else told | {"network_options": options}),
                )
            weights.setdefault(name, []).append(folder / "weights.safetensors")
    return Trained(weights, guesses)
