"""What the discriminator is shown of a picture: shifted by chance, with a square cut out."""

import torch

from colornb import scenes
from colornb.training import gan
from colornb.training.diffaugment import diff_augment

TRAIN, TEST = (scenes.image_set(split, size=32, limit=8) for split in ("train", "test"))
OPTIONS = {"epochs": 1, "batch_size": 4, "width": 0.125, "generator_steps": 1, "device": "cpu"}


def test_what_is_left_is_the_picture_shifted_alike_in_all_channels():
    torch.manual_seed(0)
    place = 1 + torch.arange(32 * 32.0).reshape(1, 1, 32, 32)
    seen = diff_augment(torch.cat((place, -place), dim=1).repeat(500, 1, 1, 1))
    assert seen.shape == (500, 2, 32, 32) and torch.equal(seen[:, 0], -seen[:, 1])
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    shifts = set()
    for picture in seen[:, 0]:
        left = picture != 0
        was = picture[left].long() - 1
        down, across = was // 32 - rows[left], was % 32 - columns[left]
        assert (down == down[0]).all() and (across == across[0]).all()  # a shift and nothing else
        shifts.add((int(down[0]), int(across[0])))
    assert {k for shift in shifts for k in shift} == set(range(-4, 5))
    assert len(shifts) > 75  # of 81


def test_a_square_of_half_the_side_is_cut_out_and_may_lie_partly_outside():
    torch.manual_seed(0)
    inner = diff_augment(torch.ones(2000, 1, 32, 32))[:, 0, 4:28, 4:28] == 0
    down, across = inner.any(2).sum(1), inner.any(1).sum(1)
    assert torch.equal(inner.sum((1, 2)), down * across)  # a rectangle
    assert down.max() == across.max() == 16 and down.min() < 8
    middle = inner[:, 12].float().mean()
    assert 0.2 < middle < 0.3  # 16 of 33 places to either side: (16 / 33)^2 of the pixels


def test_pictures_are_drawn_apart_and_gradients_flow_through_what_is_left():
    torch.manual_seed(0)
    pictures = torch.rand(4, 3, 32, 48, requires_grad=True)
    seen = diff_augment(pictures)
    assert not torch.equal(*(diff_augment(pictures[:1].expand(2, -1, -1, -1)).detach()))
    seen.sum().backward()
    assert set(pictures.grad.unique().tolist()) == {0, 1}
    assert pictures.grad.sum() == (seen != 0).sum()


def test_a_training_shows_its_discriminator_augmented_pictures(tmp_path, monkeypatch):
    shapes = []
    monkeypatch.setattr(
        gan, "augmented", lambda x: shapes.append(tuple(x.shape)) or diff_augment(x)
    )
    for asked in (False, True):
        folder = tmp_path / str(asked)
        gan.fit(TRAIN, folder, monitor=TEST, diff_augment=asked, **OPTIONS)
        # Two batches; of each the true and the painted pictures, and these for the generator.
        assert shapes == [(4, 3, 32, 32)] * (6 if asked else 0)
