"""FiLM, residual blocks, and the network that reads captions."""

import pytest
import torch

from colornb import captions, models
from colornb.captions import encode
from colornb.errors import ColornbError
from colornb.models.film import FiLM, ResidualBlock

PICTURES = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def stir(network):
    """Weights that are nowhere 0, as after training, and statistics that are set."""
    torch.manual_seed(1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network.eval()


def test_film_is_the_identity_at_first():
    x, told = torch.randn(2, 3, 4, 4), torch.randn(2, 5)
    assert torch.equal(FiLM(5, 3)(x, told), x)


def test_film_scales_and_shifts_each_map():
    film = FiLM(1, 2)
    film.linear.weight.data[:] = torch.tensor([[1.0], [0.0], [0.0], [3.0]])  # gammas, betas
    x = torch.ones(1, 2, 2, 2)
    painted = film(x, torch.tensor([[2.0]]))
    assert painted[0, 0].unique() == 3, "(1 + 1 * 2) * 1 + 0"
    assert painted[0, 1].unique() == 7, "(1 + 0) * 1 + 3 * 2"


def test_a_residual_block_does_as_it_is_told():
    x = torch.rand(2, 8, 4, 4)
    block = stir(ResidualBlock(8, condition=5))
    one, other = block(x, torch.zeros(2, 5)), block(x, torch.ones(2, 5))
    assert one.shape == x.shape and (one - other).abs().max() > 1e-3
    mixed = block(x, torch.tensor([[0.0] * 5, [1.0] * 5]))
    assert torch.allclose(mixed[0], one[0]) and torch.allclose(mixed[1], other[1])
    assert stir(ResidualBlock(8))(x).shape == x.shape, "told nothing"


def test_a_condition_needs_residual_blocks_and_a_head_a_name():
    with pytest.raises(ColornbError, match="set residual to 1"):
        models.create_model("unet", condition=4)
    with pytest.raises(ColornbError, match="no head 'rgb'; there are: ab, lab, bins"):
        models.create_model("unet", head="rgb")


@pytest.fixture(scope="module")
def reader():
    return stir(models.create_model("captioned", width=0.125, hidden=8, embedding=4))


def test_no_words_say_nothing(reader):
    assert torch.equal(reader.read(encode(["", ""])), torch.zeros(2, 16))


def test_padding_is_not_read(reader):
    tokens = encode(["a red automobile", "a red car on a gray road under a blue sky"])
    alone = reader.read(tokens[:1, :2])
    torch.testing.assert_close(alone, reader.read(tokens)[:1])


def test_training_draws_one_way_to_tell(reader):
    told = captions.to_train_with(["a red automobile"] * 64)
    pictures, torch_state = PICTURES[:1].expand(64, -1, -1, -1), torch.get_rng_state()
    with torch.no_grad():
        drawn = reader(pictures, told)
        ways = [reader(pictures[:1], told[:1, k]) for k in range(3)]
    torch.set_rng_state(torch_state)
    near = torch.stack([(drawn - way).abs().amax((1, 2, 3)) < 1e-5 for way in ways], dim=1)
    counts = near.sum(0).tolist()
    assert near.any(1).all() and min(counts) > 0 and counts[0] > 30, counts


def test_words_and_their_order_are_read(reader):
    told = ["a red car on a blue road", "a blue car on a red road", "a red car"]
    one, swapped, short = reader.read(encode(told))
    assert (one - swapped).abs().max() > 1e-4 and (one - short).abs().max() > 1e-4


@pytest.mark.parametrize("network, vectors", [("unet", []), ("koalarization", [12])])
def test_the_caption_changes_the_picture(network, vectors, tmp_path):
    sizes = {"features": 12} if vectors else {}
    model = stir(models.create_model("captioned", network=network, width=0.125, **sizes))
    given = [torch.rand(2, n) for n in vectors]
    with torch.no_grad():  # with gradients the LSTM may add up in another order
        red, blue = (model(PICTURES, *given, encode([f"a {w} cat"] * 2)) for w in ("red", "blue"))
    assert red.shape == (2, 2, 32, 32) and (red - blue).abs().max() > 1e-4
    assert models.takes_features(model) == ("logits" if vectors else "")
    models.save_weights(model, tmp_path / "weights.safetensors")
    loaded, _ = models.load_weights(tmp_path / "weights.safetensors")
    with torch.no_grad():
        assert torch.equal(loaded(PICTURES, *given, encode(["a red cat"] * 2)), red)


def test_a_new_network_is_as_one_that_is_told_nothing():
    model = models.create_model("captioned", width=0.125).eval()
    with torch.no_grad():
        assert torch.equal(
            model(PICTURES, encode(["red", "blue"])), model(PICTURES, encode(["", ""]))
        )
