"""Trains U-Nets that are shown what a classifier sees: what chapter 17 compares."""

from dataclasses import replace
from pathlib import Path

from colornb import features, records
from colornb.datasets import ImageSet
from colornb.study import StudyRun
from colornb.training import regression

KINDS = {
    "l2": ("informed", "ab", "mse_rgb"),
    "l1": ("informed", "ab", "l1_ab"),
    "distribution": ("informed", "bins", "bins"),
    "blind_l2": ("unet", "ab", "mse_rgb"),
    "blind_l1": ("unet", "ab", "l1_ab"),
}
"""Variant of the system "informed" -> its network, what that ends in, and its objective; the blind
ones are shown no maps."""
HELD_OUT = ("l1", "distribution")
"""Those of which something is chosen on validation pictures."""


def fit(run: StudyRun) -> dict[str, list[Path]]:
    """Trains a U-Net of each of `KINDS` where its record will lie: `informed/KIND` -> weights, a
    file for each training seed.

    Of those of `HELD_OUT` one more, with "_held_out" after its name, does not see the validation
    pictures. The run's parameters say how many `seeds`, the `epochs`, `bins_epochs` of the
    distribution, `width`, `feature_dropout`, `weight_decay`, and `rebalance` and `mean_weight`,
    options of `training.objectives.bins`.
    """
    train, test, o = run.load("train"), run.load("test"), run.parameters
    fewer = replace(run, parameters={"hold_out": True}).load("train")
    monitor = test.subset(range(10))
    way = o["extractor"], "maps"
    seen, mirrored = (features.embed(train, *way, mirrored=flip) for flip in (False, True))
    of_monitor = features.embed(monitor, *way)
    place = {name: k for k, name in enumerate(train.ids)}
    kept = [place[name] for name in fewer.ids]

    def train_one(
        kind: str, name: str, images: ImageSet, rows: list[int] | slice, seed: int
    ) -> Path:
        folder = records.place(run, test, name, seed)
        network, head, objective = KINDS[kind]
        options, bins, maps = {"width": o["width"], "head": head}, head == "bins", {}
        if network == "informed":
            options["feature_dropout"] = o["feature_dropout"]
            maps = {
                "given": [seen[rows]],
                "given_mirrored": [mirrored[rows]],
                "given_monitor": [of_monitor],
                "about": {"extractor": o["extractor"]},
            }
        regression.fit(
            images,
            folder,
            network=network,
            network_options=options,
            monitor=monitor,
            objective=objective,
            objective_options={k: o[k] for k in ("rebalance", "mean_weight")} if bins else {},
            seed=seed,
            epochs=o["bins_epochs" if bins else "epochs"],
            batch_size=min(50, len(images)),
            learning_rate=3e-3,
            weight_decay=o["weight_decay"],
            schedule="one_cycle",
            flip=True,
            **maps,
        )
        return folder / "weights.safetensors"

    weights: dict[str, list[Path]] = {}
    for kind in KINDS:
        name = f"informed/{kind}"
        weights[name] = [train_one(kind, name, train, slice(None), k) for k in range(o["seeds"])]
        if kind in HELD_OUT:
            held_out = f"{name}_held_out"
            weights[held_out] = [train_one(kind, held_out, fewer, kept, 0)]
    return weights
