import numpy as np
import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d

from colornb import distribution, draws, lab, metrics, models, scenes
from colornb.errors import ColornbError
from colornb.measured import Sweep

TRAIN, TEST = (scenes.image_set(split, size=32, limit=12) for split in ("train", "test"))
BINS = len(lab.ab_bins())


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def colours(*shape, seed=1):
    """ab (n, 2, h, w) in whole units whose five nearest bins are no matter of chance."""
    near = torch.tensor([2.0, 3.0]).view(2, 1, 1)
    return 10 * random(shape[0], 2, *shape[1:], seed=seed).mul(2).round() + near


def dense_cross_entropy(logits, ab):
    """As the paper writes it, (N, h, w)."""
    return -(lab.soft_encode(ab) * torch.log_softmax(logits, dim=1)).sum(1)


def test_cross_entropy_is_that_with_the_dense_soft_encoding():
    logits, ab = random(2, BINS, 6, 5), colours(2, 6, 5)
    dense = dense_cross_entropy(logits, ab)
    torch.testing.assert_close(distribution.cross_entropy(logits, ab), dense.mean())
    weight = torch.rand(BINS) + 0.5
    weighted = (dense * weight[lab.quantize_ab(ab)]).mean()
    torch.testing.assert_close(distribution.cross_entropy(logits, ab, weight), weighted)
    last = logits.to(memory_format=torch.channels_last)
    torch.testing.assert_close(distribution.cross_entropy(last, ab), dense.mean())


def test_cross_entropy_of_smaller_logits_takes_the_mean_colour():
    logits = random(1, BINS, 4, 4)
    ab = torch.kron(colours(1, 4, 4), torch.ones(1, 1, 2, 2))
    expected = dense_cross_entropy(logits, adaptive_avg_pool2d(ab, 4)).mean()
    torch.testing.assert_close(distribution.cross_entropy(logits, ab), expected)


def test_cross_entropy_has_the_gradient_of_the_dense_one():
    logits, ab = random(1, BINS, 3, 3).requires_grad_(), colours(1, 3, 3)
    (ours,) = torch.autograd.grad(distribution.cross_entropy(logits, ab), logits)
    (dense,) = torch.autograd.grad(dense_cross_entropy(logits, ab).mean(), logits)
    torch.testing.assert_close(ours, dense, atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize("strength", [0.05, 0.5, 0.9, 1.0])
def test_a_pixel_weighs_1_on_average(strength):
    weight = distribution.rebalancing(TRAIN.images, strength)
    of_pixels = weight[lab.quantize_ab(lab.uint8_to_lab(TRAIN.images)[:, 1:])]
    assert of_pixels.mean().item() == pytest.approx(1, abs=1e-4)


def test_rebalancing_is_none_at_1_and_weighs_the_rare_more():
    torch.testing.assert_close(distribution.rebalancing(TRAIN.images, 1.0), torch.ones(BINS))
    share = metrics.ab_frequency(TRAIN.images)
    ratios = []
    for strength in (0.9, 0.5, 0.1):
        weight = distribution.rebalancing(TRAIN.images, strength)
        assert weight[share.argmax()] == weight.min()
        assert weight.max() <= weight.min() * (1 + (1 - strength) / strength * BINS)
        ratios.append(weight.max() / weight.min())
    assert ratios == sorted(ratios)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
@pytest.mark.parametrize("coherent", [True, False])
def test_samples_have_the_predicted_shares(temperature, coherent):
    logits = torch.full((BINS,), -30.0)
    likely = torch.tensor([5, 100, 200])
    logits[likely] = torch.tensor([0.0, 1.0, 2.0])
    n, side = (40_000, 1) if coherent else (4, 100)
    everywhere = logits.view(1, BINS, 1, 1).expand(n, BINS, side, side)
    drawn = distribution.sample(everywhere, temperature, coherent=coherent)
    found = torch.stack(
        [(drawn == lab.ab_bins()[q].view(1, 2, 1, 1)).all(1).float().mean() for q in likely]
    )
    expected = torch.softmax(logits[likely] / temperature, 0)
    torch.testing.assert_close(found, expected, atol=0.01, rtol=0)
    assert found.sum() == 1


def test_a_coherent_sample_of_a_constant_picture_is_constant():
    logits = random(3, BINS, 1, 1).expand(-1, -1, 8, 8)
    coherent, apart = (distribution.sample(logits, coherent=c) for c in (True, False))
    assert (coherent == coherent[:, :, :1, :1]).all()
    assert not (apart == apart[:, :, :1, :1]).all()
    assert len(coherent[:, :, 0, 0].unique(dim=0)) > 1, "each picture has its own noise"
    again, other = (distribution.sample(logits, seed=seed) for seed in (0, 1))
    assert torch.equal(coherent, again) and not torch.equal(coherent, other)


def test_a_colour_survives_the_bins():
    colours = lab.ab_bins().T.reshape(1, 2, -1, 1)
    encoded = lab.soft_encode(colours)
    assert torch.equal(encoded.argmax(1)[0, :, 0], torch.arange(BINS))
    decoded = lab.annealed_mean((encoded + 1e-12).log(), 0.01)
    torch.testing.assert_close(decoded, colours, atol=1e-3, rtol=0)
    sure = 100 * torch.eye(BINS).view(BINS, BINS, 1, 1)
    assert torch.equal(distribution.sample(sure)[:, :, 0, 0], lab.ab_bins())


def test_impossible_temperatures_are_told():
    for call in (distribution.sample, lab.annealed_mean):
        with pytest.raises(ValueError, match="temperature must be above 0, got 0"):
            call(random(1, BINS, 2, 2), 0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Untrained networks that expect more than one colour."""
    folder, made = tmp_path_factory.mktemp("weights"), {}
    torch.manual_seed(0)
    for name, network, options in (
        ("distribution/default", "unet", {"head": "bins"}),
        ("distribution/variational", "variational", {}),
    ):
        model = models.create_model(network, width=0.125, **options)
        for block in getattr(getattr(model, "painter", None), "blocks", []):
            torch.nn.init.normal_(block[0].film.linear.weight)  # otherwise z changes nothing yet
        made[name] = folder / name.replace("/", "_")
        models.save_weights(model, made[name], size="32")
    return made


def chroma(pictures):
    return lab.uint8_to_lab(pictures)[:, 1:].norm(dim=1).mean()


def test_annealing_and_turning_up(weights):
    cooled = draws.anneal(weights["distribution/default"], TEST, (1.0, 0.01))
    assert list(cooled) == [1.0, 0.01]
    assert chroma(cooled[1.0]) < chroma(cooled[0.01])
    turned = draws.turn_up(weights["distribution/variational"], TEST, (0.0, 1.0, 3.0))
    grays = [chroma(one) for one in turned.values()]
    assert grays[0] < 0.5 < grays[1] < grays[2]


@pytest.mark.parametrize("name", ["distribution/default", "distribution/variational"])
def test_draws_differ_and_narrow_draws_hardly(weights, name):
    wide, narrow = (draws.draw(weights[name], TEST, 3, spread=s) for s in (1.0, 1e-3))
    assert len(wide) == 3 and wide[0].shape == TEST.images.shape
    again = draws.draw(weights[name], TEST, 2)
    assert all(torch.equal(a, b) for a, b in zip(wide, again, strict=False))
    diversity = [draws.count(d, TEST)["diversity"].mean() for d in (wide, narrow)]
    assert diversity[0] > 1 and diversity[1] < 0.2 * diversity[0]


def test_diversity_and_errors_of_draws_are_known():
    truth = TEST.images
    lightness = lab.uint8_to_lab(truth)[:, :1] * 0 + 60
    ab = torch.zeros(len(truth), 2, 32, 32)
    gray, red = (
        lab.assemble(lightness, ab + torch.tensor(c).view(2, 1, 1)) for c in ((0, 0), (20, 0))
    )
    found = draws.count([gray, gray, red], TEST)
    assert found["diversity"].mean() == pytest.approx(2 / 3 * 20, abs=0.5)
    same = draws.count([truth, gray], TEST)
    assert same["best"].max() == 0 and (same["mean"] > 0).all()


def test_the_temperature_and_the_gain_are_those_of_equal_colourfulness():
    def counts(value):
        return [{"part": torch.full((5,), value).numpy()}]

    swept = Sweep(
        {
            "a/b": {t: counts(1.5 - t) for t in (1.0, 0.6, 0.2)},
            "dull": {t: counts(t / 2) for t in (1.0, 0.6, 0.2)},
            "control": {g: counts(0.5 * g) for g in (1.0, 2.0, 4.0)},
        }
    )

    def ratio(means):
        return means["part"]

    chosen = draws.choose(swept, ratio, ["a/b", "dull"])
    assert chosen == {"a/b": 0.5, "dull": 1.0}, "never as colourful: the most colourful it gets"
    assert draws.match(swept, ratio, "control", "a/b", 0.5) == pytest.approx(2.0)
    assert draws.match(swept, ratio, "control", "a/b", 0.7) == pytest.approx(1.6)


def test_measures_at_equal_colourfulness_are_read_between_the_values_of_the_knob():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, 400)

    def counts(part, error):
        return [{"part": part + noise, "error": error + 3 * noise} for _ in range(2)]

    swept = Sweep(
        {
            "a/b": {1.0: counts(0.8, 2.0), 0.5: counts(1.2, 4.0), 0.1: counts(1.6, 9.0)},
            "control": {1.0: counts(0.5, 3.0), 2.0: counts(1.5, 5.0)},
            "dull": {1.0: counts(0.2, 1.0), 0.5: counts(0.3, 1.0)},
        }
    )
    ratio, error = (lambda means, k=k: means[k] for k in ("part", "error"))
    found = draws.at_equal(swept, ratio, {"error": error}, 1.0, "drawn")
    assert found.rows["a/b"]["error"]["value"] == pytest.approx(3.0, abs=0.02)
    assert found.rows["control"]["error"]["value"] == pytest.approx(4.0, abs=0.02)
    assert np.isnan(found.rows["dull"]["error"]["value"])
    apart = found.difference("a/b", "control", "error")
    assert apart["low"] < -1 < apart["high"] and apart["high"] - apart["low"] < 0.02


def test_the_table_of_weights_goes_from_frequent_to_rare():
    rows = draws.weights_of_colours(TRAIN.images, (0.5,))
    weights = [float(row["Weight, λ = 0.5"]) for row in rows]
    assert len(rows) == 5 and weights[0] < 1 < weights[-1]


def test_networks_that_end_in_bins():
    l = torch.zeros(2, 1, 32, 32)
    unet = models.create_model("unet", width=0.125, head="bins").eval()
    koalarization = models.create_model("koalarization", width=0.125, head="bins", features=0)
    assert unet(l).shape == (2, BINS, 32, 32)
    assert koalarization.eval()(l).shape == (2, BINS, 16, 16)
    assert unet(torch.zeros(1, 1, 112, 112)).shape == (1, BINS, 112, 112)
    with pytest.raises(ColornbError, match="no head 'rgb'; there are: ab, lab, bins"):
        models.create_model("unet", head="rgb")
    plain, residual = (models.create_model("unet", width=0.125, residual=k) for k in (0, 1))
    assert models.parameter_count(residual) > models.parameter_count(plain)
    assert residual.eval()(l).shape == (2, 2, 32, 32)


def test_the_expected_error_is_the_mean_ciede2000_to_the_likely_colours():
    logits, bins = random(1, BINS, 1, 2), lab.ab_bins()
    colours, distance = distribution._candidates(torch.device("cpu"))
    assert colours.shape == (825, 2) and distance.shape == (BINS, 825)
    flat = torch.full((1, 1, BINS, 825), 30.0)  # at equal L, whatever it is
    one = torch.stack((flat, *bins.T[..., None].expand(2, BINS, 825)[:, None, None]), dim=2)[:, 0]
    other = torch.stack((flat, *colours.T[:, None].expand(2, BINS, 825)[:, None, None]), dim=2)[
        :, 0
    ]
    same = torch.isclose(distance, lab.delta_e2000(one, other)[0], atol=1e-3)
    assert same.float().mean() > 0.999  # the formula jumps where two hues are opposite
    expected = torch.einsum("nqhw,qc->nhwc", logits.softmax(1), distance)
    torch.testing.assert_close(distribution.expected_error(logits), expected)


def test_what_is_least_wrong_of_a_certain_colour_is_that_colour():
    sure = torch.full((1, BINS, 1, 3), -50.0)
    chosen = torch.tensor([5, 100, 250])
    sure[0, chosen, 0, range(3)] = 50.0
    ab = distribution.least_error(distribution.expected_error(sure))[0, :, 0].T
    assert (ab - lab.ab_bins()[chosen]).norm(dim=1).max() < 3.5  # the grid has steps of 6


def test_a_bonus_on_chroma_makes_every_colour_bolder():
    error = distribution.expected_error(random(2, BINS, 4, 4))
    chroma = [distribution.least_error(error, b).norm(dim=1).mean() for b in (0, 0.1, 0.2, 0.4)]
    assert chroma == sorted(chroma) and chroma[-1] > 2 * chroma[0]


def test_a_discount_takes_the_weights_of_the_training_back():
    logits, weight = random(1, BINS, 2, 2), torch.rand(BINS) + 0.1
    rebalanced = logits + weight.log()[:, None, None]
    torch.testing.assert_close(
        distribution.expected_error(rebalanced, weight), distribution.expected_error(logits)
    )


def test_the_mean_error_is_that_of_the_mean_colour():
    logits, ab = random(2, BINS, 3, 3), colours(2, 3, 3)
    mean = torch.einsum("nqhw,qc->nchw", logits.softmax(1), lab.ab_bins())
    away = ((mean - ab) / 110).square().sum(1)
    torch.testing.assert_close(distribution.mean_error(logits, ab), away.mean())
    weight = torch.rand(BINS) + 0.5
    weighted = (away * weight[lab.quantize_ab(ab)]).mean()
    torch.testing.assert_close(distribution.mean_error(logits, ab, weight), weighted)
