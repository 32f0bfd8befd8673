import pandas as pd
import pytest
import torch
from test_training import assert_same, weights

from colornb import distribution, lab, metrics, models, scenes
from colornb.errors import ColornbError
from colornb.limits import leaks
from colornb.models.unet import thin
from colornb.training import regression
from colornb.training.objectives import OBJECTIVES, chroma_edges
from colornb.training.run import Run

TRAIN, TEST = (
    scenes.image_set(split, size=32, limit=n) for split, n in (("train", 24), ("test", 8))
)
TASKS = {
    "mse_ab": ("unet", {}, {}),
    "l1_ab": ("unet", {"residual": 1}, {}),
    "huber_ab": ("unet", {}, {}),
    "mse_rgb": ("unet", {}, {}),
    "bins": ("unet", {"head": "bins"}, {"rebalance": 0.5}),
    "variational": ("variational", {}, {}),
    "edges": ("edgenet", {}, {"sees": "l"}),
}
SEEN = {"edges": {"channels": 1}}


def fit(task, folder, **options):
    network, network_options, objective_options = TASKS[task]
    return regression.fit(
        TRAIN,
        folder,
        network=network,
        network_options={"width": 0.25} | network_options | SEEN.get(task, {}),
        monitor=TEST,
        objective=task,
        objective_options=objective_options,
        **{"epochs": 4, "batch_size": 8, "learning_rate": 2e-3, "device": "cpu"} | options,
    )


def normalised():
    return lab.normalize(lab.uint8_to_lab(TEST.images))


@pytest.mark.parametrize("task", TASKS)
def test_training_reaches_a_lower_loss_and_resumes_bit_equal(task, tmp_path, monkeypatch):
    fit(task, tmp_path / "whole", flip=True)
    history = pd.read_csv(tmp_path / "whole" / "history.csv")
    assert history[task].iloc[-1] < history[task].iloc[0]
    assert {"epoch", task, f"monitor_{task}"} <= set(history)
    log = Run.log

    def log_and_stop(self, **row):
        log(self, **row)
        if len(self.history) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "log", log_and_stop)
    with pytest.raises(KeyboardInterrupt):
        fit(task, tmp_path / "cut", flip=True)
    monkeypatch.undo()
    fit(task, tmp_path / "cut", flip=True)
    assert_same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))


def test_an_unknown_objective_is_told(tmp_path):
    with pytest.raises(ColornbError, match="no objective 'beauty'; there are: mse_ab"):
        regression.fit(
            TRAIN, tmp_path, network="unet", network_options={}, monitor=TEST, objective="beauty"
        )


def test_the_distance_in_srgb_is_that_of_the_metrics_and_still_pulls_what_is_clipped():
    l, ab = normalised()
    painted = torch.nn.Parameter(ab + 0.1)
    model = torch.nn.Module()
    model.forward = lambda l: painted
    loss = OBJECTIVES["mse_rgb"](TRAIN.images, ab_weight=0.0)(model, l, ab).item()
    pictures = lab.to_uint8(lab.lab_to_rgb(lab.denormalize(l, painted.detach())))
    measured = metrics.evaluate(pictures, TEST.images)["mse_rgb"].mean()
    assert loss == pytest.approx(measured, rel=0.01)
    with torch.no_grad():
        painted += 5  # far outside of the gamut
    OBJECTIVES["mse_rgb"](TRAIN.images)(model, l, ab).backward()
    assert (painted.grad > 0).all()


def test_bins_looks_at_every_pixel_when_it_monitors_and_at_a_quarter_in_training():
    l, ab = normalised()
    model = models.create_model("unet", width=0.125, head="bins").eval()
    objective = OBJECTIVES["bins"](TRAIN.images, rebalance=0.5)
    weight = distribution.rebalancing(TRAIN.images, 0.5)
    with torch.no_grad():
        whole = distribution.cross_entropy(model(l), ab * lab.AB_SCALE, weight)
        torch.testing.assert_close(objective(model, l, ab), whole)
        beside = OBJECTIVES["bins"](TRAIN.images, rebalance=0.5, mean_weight=10.0)
        whole += 10 * distribution.mean_error(model(l), ab * lab.AB_SCALE, weight)
        torch.testing.assert_close(beside(model, l, ab), whole)
    logits = torch.nn.Parameter(torch.zeros(len(l), 313, 32, 32))
    fixed = torch.nn.Module()
    fixed.forward = lambda l, grid: thin(logits, grid)
    objective(fixed.train(), l, ab).backward()
    touched = (logits.grad != 0).any(1).float().mean()
    assert touched == 0.25


def test_the_variational_objective_is_the_distance_and_the_divergence():
    l, ab = normalised()
    torch.manual_seed(0)
    model = models.create_model("variational", width=0.125, latent=4)
    for parameter in (model.gaussian.weight, model.gaussian.bias):
        torch.nn.init.zeros_(parameter)
    objective = OBJECTIVES["variational"](TRAIN.images, divergence=1.0)
    with torch.no_grad():
        model.train()
        at_zero = objective(model, l, ab)  # the Gaussian is the standard normal: no divergence
        model.gaussian.bias[:4] = 3.0  # FiLM begins at 0, so z does not change the painting yet
        shifted = objective(model, l, ab)
        assert (shifted - at_zero).item() == pytest.approx(4 * 3.0**2 / 2, rel=1e-3)
        model.eval()
        distance = (model(l) - ab).abs().mean()
        torch.testing.assert_close(objective(model, l, ab), distance)


def test_the_chroma_edges_of_training_are_those_of_the_measure():
    _, ab = normalised()
    assert (chroma_edges(ab)[:, 0].bool().numpy() == leaks.chroma_edges(TEST.images)).all()


def test_a_second_teacher_takes_the_place_of_the_chroma_edges():
    l, ab = normalised()
    model = models.create_model("edgenet", width=0.25, channels=1).eval()
    objective = OBJECTIVES["edges"](TRAIN.images, sees="l")
    own = chroma_edges(ab).bool()
    with torch.no_grad():
        torch.testing.assert_close(objective(model, l, ab), objective(model, l, ab, own))
        assert objective(model, l, ab, ~own) != objective(model, l, ab)
