"""What trainings went through, told from the files that they left."""

import pandas as pd
import pytest

from colornb import trained
from colornb.paths import RESULTS

PUBLISHED = [RESULTS / "full" / "03_gan" / "default" / f"seed{k}" for k in range(3)]


@pytest.fixture
def systems(tmp_path):
    """Two trainings: one is best on the test pictures at its end, the other at its beginning."""
    folders = []
    for number, unseen in enumerate(([0.3, 0.2, 0.1], [0.1, 0.2, 0.3])):
        folder = tmp_path / str(number)
        folder.mkdir()
        history = {"epoch": [1, 2, 3], "l1": [0.9, 0.5, 0.25], "monitor_mse_ab": unseen}
        pd.DataFrame(history).to_csv(folder / "history.csv", index=False)
        folders.append(folder)
    return {"gan/default": folders}


def test_what_is_learned_by_heart_is_told_of_each_training(systems):
    (row,) = trained.by_heart(systems, "l1").rows
    assert row == {
        "System": "U-Net + discriminator (GAN)",
        "Training, first epoch": "0.9000\n0.9000",
        "Training, last": "0.2500\n0.2500",
        "Test, lowest (epoch)": "0.1000 (3)\n0.1000 (1)",
        "Test, last": "0.1000\n0.3000",
    }


def test_the_loss_of_a_discriminator_is_told_where_there_is_one(systems):
    judged, alone = systems["gan/default"]
    pd.read_csv(judged / "history.csv").assign(discriminator=[0.7, 0.6, 0.456]).to_csv(
        judged / "history.csv", index=False
    )
    (row,) = trained.by_heart({"gan/default": [judged, alone]}, "l1", judged=True).rows
    assert row["Discriminator, last"] == "0.46\n–"


def test_a_table_says_how_the_published_trainings_were_made():
    (row,) = trained.settings({"gan/default": PUBLISHED}, ["generator_steps", "conditional"]).rows
    assert row["Pictures"] == "5,000 of 32 px" and row["Epochs × batch"] == "100 × 50"
    # `conditional` is younger than the record, which does not have it.
    assert row["Settings"] == "0.0003, constant\ngenerator_steps: 2\nconditional: True"
    alone = {"gan/l1_only": [PUBLISHED[0].parents[1] / "l1_only" / "seed0"]}
    (of_l1,) = trained.settings(alone, ["generator_steps", "conditional"]).rows
    assert of_l1["Settings"] == "0.0003, constant\ngenerator_steps: 2"  # there is no discriminator
    seconds = [pd.read_csv(folder / "history.csv")["seconds"].sum() for folder in PUBLISHED]
    assert [float(m) for m in row["Minutes"].split(" · ")] == pytest.approx(
        [s / 60 for s in seconds], abs=0.05
    )
