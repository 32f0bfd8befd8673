"""The benchmark measures what it says, and what makes the study fast leaves its results alone."""

import json
from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import mse_loss

from colornb import bench, datasets, features, models, scenes
from colornb.training import gan, koalarization
from colornb.training.run import batches


def test_a_row_is_a_ratio_where_more_is_better():
    rate = bench.row("x", "", "pictures/s", 2.0, [30.0, 40.0, 20.0], [10.0, 10.0, 10.0])
    assert (rate.ours, rate.other, rate.ratio, rate.low, rate.high) == (30, 10, 3, 2, 4)
    used = bench.row("x", "", "s", 1.0, [200.0], [100.0], less_is_better=True)
    assert used.ratio == 0.5 and rate.met and not used.met


def test_functions_take_turns_after_a_warm_up():
    calls = []
    seconds = bench.in_turns(2, lambda: calls.append("a"), lambda: calls.append("b"))
    assert calls == ["a", "b"] * 3 and [len(s) for s in seconds] == [2, 2]


def test_operations_are_those_of_the_plain_networks():
    assert bench.koalarization_flops() == pytest.approx(51.7e9, rel=0.01)
    # 6 for each weight at each place it is used at: a 1x1 convolution of 3 to 5 channels.
    layer = torch.nn.Conv2d(3, 5, 1)
    assert bench.training_flops(layer, torch.zeros(1, 3, 4, 4)) == 6 * 15 * 16


def test_streaming_more_than_the_cap_keeps_memory_flat(tmp_path):
    bench.save_pictures(scenes.image_set("test", size=64, limit=4), tmp_path)
    row = bench.streaming_row(str(tmp_path), 1, size=64, cap=16 * 2**20)
    assert row.ours < 80, "MiB, half of what the pictures alone are"


def test_the_table_is_written_in_the_agreed_form(tmp_path):
    bench.write([bench.row("x", "what", "s", 1, [1.0], [2.0])], tmp_path / "bench.json")
    found = json.loads((tmp_path / "bench.json").read_text())
    assert {"device", "torch", "threads"} <= set(found["machine"])
    assert set("name ours other unit ratio goal met".split()) <= set(found["rows"][0])


# What makes it fast, against the plain way


def _step(network, inputs, target, *, fused=False, bf16=False):
    """Loss and gradients of a training step; the weights after it."""
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.1, fused=fused)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        predicted = network.train()(*inputs)
    loss = mse_loss(predicted.float(), target)
    loss.backward()
    optimizer.step()
    return loss.detach(), [p.detach().clone() for p in network.parameters()]


@pytest.fixture
def step():
    torch.manual_seed(0)
    network = models.create_model("koalarization", features=12, width=0.25)
    inputs = torch.rand(2, 1, 64, 64) * 2 - 1, torch.randn(2, 12)
    target = torch.rand(2, 2, 64, 64) - 0.5
    state = {k: v.clone() for k, v in network.state_dict().items()}

    def run(change=lambda network: network, **options):
        network.load_state_dict(state)
        network.to(memory_format=torch.contiguous_format).zero_grad()
        return _step(change(network), inputs, target, **options)

    return run


def test_fused_adam_and_channels_last_change_rounding_only(step):
    loss, weights = step()
    for change in (
        lambda: step(fused=True),
        lambda: step(lambda network: network.to(memory_format=torch.channels_last)),
    ):
        other_loss, other_weights = change()
        assert other_loss == pytest.approx(float(loss), rel=1e-5)
        for one, other in zip(weights, other_weights, strict=True):
            # Adam's first step is the learning rate times the gradient's sign.
            assert ((one - other).abs() < 1e-5).float().mean() > 0.999


def test_bfloat16_changes_the_loss_by_less_than_a_hundredth(step):
    assert step(bf16=True)[0] == pytest.approx(float(step()[0]), rel=0.01)


def test_stored_vectors_are_those_of_the_extractor_in_the_loop(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "ROOT", tmp_path)
    images = scenes.image_set("test", size=32, limit=3)
    for mirrored in (False, True):
        pictures = images.images.flip(3) if mirrored else images.images
        in_loop = features.extract(pictures, features.LITE0)
        for _ in range(2):  # computed, then read
            stored = features.embed(images, features.LITE0, mirrored=mirrored)
            torch.testing.assert_close(stored, in_loop, atol=1e-4, rtol=1e-4)


def test_batches_hold_every_picture_once_and_are_shared_without_overlap():
    seen = []
    for rank, world in ((0, 1), (0, 2), (1, 2)):
        torch.manual_seed(3)
        fabric = SimpleNamespace(device=torch.device("cpu"), global_rank=rank, world_size=world)
        seen.append(list(batches(13, 4, fabric, flip=True)))
    for (whole, coins), (first, its), (second, others) in zip(*seen, strict=True):
        assert torch.equal(torch.stack((first, second), 1).flatten(), whole)
        assert torch.equal(torch.stack((its, others), 1).flatten(), coins)
    assert len(set(torch.cat([index for index, _ in seen[0]]).tolist())) == 12, "no picture twice"


def test_pictures_in_a_mapped_file_train_as_those_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.paths, "ROOT", tmp_path)
    bench.save_pictures(scenes.image_set("test", size=32, limit=8), tmp_path)
    mapped = datasets.load("folder", root=tmp_path, size=32)
    copied = datasets.replace(mapped, images=mapped.images.clone())
    trained = []
    for name, images in (("mapped", mapped), ("copied", copied)):
        options = {"epochs": 2, "batch_size": 4, "width": 0.125, "device": "cpu"}
        gan.fit(images, tmp_path / f"gan {name}", monitor=images, **options)
        vectors = torch.zeros(8, 4)
        koalarization.fit(
            images, vectors, tmp_path / name, monitor=images, monitor_features=vectors,
            extractor="none", **options,
        )  # fmt: skip
        for folder in (tmp_path / f"gan {name}", tmp_path / name):
            trained.append(models.load_weights(folder / "weights.safetensors")[0].state_dict())
    for one, other in zip(trained[:2], trained[2:], strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one)
