"""Trainings that differ in one cause."""

import pytest

from colornb import doses
from colornb.limits import colour


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cars")
    few = {"train_n": 40, "test_n": 30, "seeds": 1, "epochs": 1, "width": 0.125}
    return doses.red_cars(folder, (0.1, 0.9), **few)


def test_the_optima_jump_from_no_red_to_all_red_and_the_truth_follows_the_dose(found):
    dose, best = found
    red = {name: line["value"] for name, line in dose.curves(colour.red_share).items()}
    median = red["median of the training cars"]
    assert not median[0] > 0 and median[1] == 1, "no red, or no hue at all"
    assert red["mean of the training cars"][1] == 1
    assert red["truth"][0] < 0.35 and red["truth"][1] > 0.8
    mean, middle = best[0.9]
    assert mean[0] > 20 and middle[0] > 20, "red is a positive a"


def test_networks_are_measured_on_one_set_of_cars(found):
    dose, _ = found
    assert set(dose.counts) >= {f"gan/scenes_{loss}" for loss in ("l1", "l2", "gan")}
    gray, other = (dose.counts["gan/scenes_l1"][share][0]["pixels"] for share in (0.1, 0.9))
    assert (gray == other).all() and gray.sum() > 0
