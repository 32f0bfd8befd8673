"""A training step that a GPU replays as one graph, against the same step taken kernel by kernel."""

from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from lightning_fabric import Fabric

from colornb import scenes
from colornb.training import gan
from colornb.training.graphed import WARM_UP, Graphed

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def training(device, replays):
    """A small regression on `device`, whose rate falls from step to step."""
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 1).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), 0.1, fused=True)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    calls = []

    def step(x, y):
        calls.append(1)
        loss = (model(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    graphed = Graphed(step, (optimizer,), Fabric(accelerator=device, devices=1))
    graphed.replays = graphed.replays and replays
    losses = []
    for _ in range(12):
        x = torch.randn(8, 4, device=device)
        losses.append(graphed(x, x.sum(1, keepdim=True)))
        schedule.step()
    return SimpleNamespace(
        losses=torch.stack(losses).cpu(),
        weights={name: weight.cpu() for name, weight in model.state_dict().items()},
        optimizer=optimizer.state_dict(),
        calls=len(calls),
    )


def test_a_cpu_takes_every_step_itself_and_learns():
    found = training("cpu", replays=True)
    assert found.calls == 12
    assert found.losses[-1] < found.losses[0] / 2


@needs_gpu
def test_a_replayed_step_learns_the_same_at_the_same_falling_rate():
    one, other = training("cuda", replays=True), training("cuda", replays=False)
    assert (one.calls, other.calls) == (WARM_UP + 1, 12)
    torch.testing.assert_close(one.losses, other.losses)
    torch.testing.assert_close(one.weights, other.weights)


@needs_gpu
def test_a_checkpoint_of_the_optimizer_does_not_know_of_the_graph():
    one, other = (training("cuda", replays=replays).optimizer for replays in (True, False))
    assert one["param_groups"] == other["param_groups"]
    assert type(one["param_groups"][0]["lr"]) is float
    torch.testing.assert_close(one["state"], other["state"])


@needs_gpu
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"adversarial_weight": 0.0, "flip": True},
        {"warm_start": 0.5, "schedule": "one_cycle"},
        {"network_options": {"dropout": 0.5}, "discriminator_options": {"norm": "spectral"}},
    ],
    ids=["gan", "l1", "warm-start", "dropout-spectral"],
)
def test_a_gan_learns_the_same_replayed(options, tmp_path, monkeypatch):
    def losses(name):
        pictures = scenes.image_set("train", size=32, limit=64)
        options_of_both = {"epochs": 2, "batch_size": 8, "width": 0.25, "precision": "32-true"}
        gan.fit(pictures, tmp_path / name, monitor=pictures, **options_of_both, **options)
        return pd.read_csv(tmp_path / name / "history.csv").drop(columns=["epoch", "seconds"])

    replayed = losses("replayed")
    monkeypatch.setattr(Graphed, "__call__", lambda self, *inputs: self.step(*inputs))
    # Convolutions on a GPU add in an order that changes from call to call.
    pd.testing.assert_frame_equal(replayed, losses("step by step"), rtol=0.1)
