"""Dose and response: what networks paint when one thing about their training pictures changes."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from colornb import measured, painted, scenes
from colornb.limits import colour
from colornb.measured import Sweep
from colornb.training import drawn

Best = dict[float, tuple[np.ndarray, np.ndarray]]


def red_cars(
    folder: Path, shares: Iterable[float], *, train_n: int, test_n: int, **training
) -> tuple[Sweep, Best]:
    """Trains generators on scenes of cars of which a share is red, and counts the red they paint on
    the bodies of one set of test cars, whose gray pictures do not tell their colour.

    Args:
        folder: where the trainings lie, a folder for each share.
        shares: of red among the training cars.
        train_n, test_n: scenes.
        training: see `colornb.training.drawn.fit_losses`.

    Returns:
        Counts (`colour.count_red`) by share: of the generators, of the one best colour under the
        squared distance (the mean of the training cars) and under the absolute one (their median),
        and of the truth, test cars of that share. And, by share, that mean and median (ab).
    """

    def cars(split: str, share: float):
        knobs = scenes.Knobs(classes=("car",), red_share=share)
        return scenes.image_set(split, limit=train_n if split == "train" else test_n, knobs=knobs)

    tested, made, best = cars("test", 0.5), {}, {}
    few, bodies = tested.subset(range(10)), tested.masks == scenes.OBJECT
    for share in shares:
        images, place = cars("train", share), folder / f"{share:g}"
        drawn.fit_losses(images, place, monitor=few, **training)
        mean, median = colour.mean_and_median(images.images, images.masks == scenes.OBJECT)
        best[share] = mean, median
        controls = {
            "mean of the training cars": painted.one_colour(tested, mean),
            "median of the training cars": painted.one_colour(tested, median),
            "truth": [cars("test", share).images],
        }
        made[share] = painted.trained_on_scenes(place, tested) | controls, tested
    return measured.sweep(made, lambda pictures, _: colour.count_red(pictures, bodies)), best
