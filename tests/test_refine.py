import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation

from colornb import intervals, lab, models, refine, scenes
from colornb.limits import leaks
from colornb.training import edges, gan

OBJECT, GROUND = (45.0, 30.0), (0.0, -35.0)


def leaked(k, size=40):
    """A dark red square on a lighter blue ground, its colour `k` pixels too large each way; the
    truth; and its label map."""
    mask = np.zeros((1, size, size), int)
    mask[:, 12:28, 12:28] = 1

    def picture(grow):
        inside = np.zeros((1, 1, size, size), bool)
        inside[..., 12 - grow : 28 + grow, 12 - grow : 28 + grow] = True
        colours = (torch.tensor(c).view(1, 2, 1, 1) for c in (OBJECT, GROUND))
        ab = torch.where(torch.from_numpy(inside), *colours)
        return lab.assemble(torch.from_numpy(60.0 - 15 * mask)[:, None].float(), ab)

    return picture(k), picture(0), mask


def bleed(pictures, mask):
    return intervals.estimate([leaks.count_bleed(pictures, mask, 1)], leaks.bleed_width)["value"]


def error(pictures, truth, edge):
    counts = leaks.count_boundary_error(pictures, truth, leaks.near(edge, 2))
    return intervals.estimate([counts], leaks.boundary_error)["value"]


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("band", [0, 2])
def test_a_leak_over_a_given_edge_is_repaired(k, band):
    """Also where the edge is given as a band, wider than it is."""
    pictures, truth, mask = leaked(k)
    edge = leaks.region_edges(mask)
    given = binary_dilation(edge, iterations=band) if band else edge
    refined = refine.refine(pictures, torch.from_numpy(given)[:, None], 256)
    assert bleed(pictures, mask) == pytest.approx(k, abs=0.3)
    assert bleed(refined, mask) < 0.35 * k
    assert error(refined, truth, edge) < 0.4 * error(pictures, truth, edge)


def test_without_edges_it_is_a_blur_that_repairs_nothing():
    pictures, truth, mask = leaked(2)
    edge = leaks.region_edges(mask)
    blurred = refine.refine(pictures, torch.zeros(1, 1, 40, 40, dtype=torch.bool), 16)
    assert error(blurred, truth, edge) > 0.6 * error(pictures, truth, edge)
    ways = tuple(torch.ones(1, 1, *shape) for shape in ((8, 7), (7, 8)))
    ab = torch.zeros(1, 2, 8, 8)
    ab[0, :, 4, 4] = 1
    (once,) = refine.diffuse(ab, ways, 1)
    assert once[0, 4, 4] == pytest.approx(1 - 4 * refine.RATE)
    assert once[0, 4, 5] == once[0, 3, 4] == pytest.approx(refine.RATE)
    many = refine.diffuse(ab, ways, 500)
    assert many.sum() == pytest.approx(2, rel=1e-4), "the mean stays"
    torch.testing.assert_close(many, torch.full_like(many, 1 / 64), atol=1e-3, rtol=0)


def test_what_is_right_stays_and_no_colour_crosses_an_edge():
    _, truth, mask = leaked(0)
    edge = torch.from_numpy(leaks.region_edges(mask))[:, None]
    refined = refine.refine(truth, edge, 64)
    assert (refined.int() - truth.int()).abs().max() <= 2
    lightness = torch.from_numpy(60.0 - 15 * mask)[:, None].float()
    ab = torch.randn(1, 2, 40, 40)
    inside = torch.from_numpy(mask == 1)[:, None]
    mixed = refine.diffuse(ab, refine.openings(lightness, edge), 200)
    for where in (inside, ~inside):
        before, after = ((x * where).sum((2, 3)) for x in (ab, mixed))
        torch.testing.assert_close(before, after, atol=1e-2, rtol=1e-3)


def test_an_edge_without_a_step_of_lightness_closes_nothing():
    flat = torch.full((1, 1, 6, 6), 50.0)
    everywhere = torch.ones(1, 1, 6, 6, dtype=torch.bool)
    assert all((way == 1).all() for way in refine.openings(flat, everywhere))


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    train, few = (scenes.image_set(k, size=32, limit=n) for k, n in (("train", 200), ("val", 8)))
    folder = tmp_path_factory.mktemp("edges")
    return edges.fit_kinds(train, folder, edges.KINDS, monitor=few, epochs=12)


def test_an_edgenet_learns_the_edges_of_scenes(nets):
    test = scenes.image_set("test", size=32, limit=40)
    found = refine.quality(nets, test)
    lift, recall = (found.of(name, found.counts) for name in ("lift", "recall"))
    for name in ("guesses chroma", "guesses boundaries", "judges chroma", "judges boundaries"):
        assert lift[name]["low"] > 1.5 and recall[name]["low"] > 0.5, name
    assert lift["judges chroma"]["value"] > lift["guesses chroma"]["value"]
    guessed = refine.guess(nets["guess_chroma"], test.images)
    assert guessed.dtype == torch.bool and guessed.shape == (40, 1, 32, 32)
    ways = refine.ways(nets, test.images)
    assert torch.equal(ways["refined"], guessed) and not ways["blurred"].any()
    same = (ways["refined_lightness"].sum((1, 2, 3)) - guessed.sum((1, 2, 3))).abs()
    assert same.max() == 0, "as many edges in every picture"


def test_the_edge_loss_is_least_for_the_truth_and_grows_with_a_leak(nets):
    judge, _ = models.load_weights(nets["judge_chroma"])
    ab = [lab.normalize(lab.uint8_to_lab(leaked(k)[0]))[1] for k in (0, 1, 3)]
    losses = [gan.edge_loss(judge, one, ab[0]).item() for one in ab]
    assert losses[0] < losses[1] < losses[2]
    flat = torch.zeros_like(ab[0], requires_grad=True)
    gan.edge_loss(judge, flat, ab[0]).backward()
    assert flat.grad.abs().max() > 0, "a missing edge is asked for where there is no colour yet"


def test_the_number_of_steps_is_that_with_the_least_error(nets):
    val = scenes.image_set("val", size=32, limit=8)
    chosen = refine.choose([val.images], val, nets)
    ways = ("refined", "refined_taught", "refined_lightness", "blurred")
    assert chosen == dict.fromkeys(ways, 0), "the truth can only get worse"
    made = refine.each({"gan/x": [val.images]}, val, nets, chosen)
    assert list(made) == [f"gan/x_{way}" for way in ways] + ["truth/edges"]
    apart = made["gan/x_refined"][0].int() - val.images.int()
    assert apart.abs().max() <= 1, "no step changes nothing but roundings"
    rows = refine.drawings(nets, val)
    assert all(row.shape == val.images.shape and row.dtype == torch.uint8 for row in rows.values())


def test_precision_recall_and_chance():
    true, guessed = np.zeros((2, 1, 4, 4), bool)
    true[0, :2] = True
    guessed[0, 1:3, :2] = True
    found = {
        name: intervals.estimate([leaks.count_edges(guessed, true)], one)["value"]
        for name, one in leaks.EDGES.items()
    }
    assert found == {"precision": 0.5, "recall": 0.25, "lift": 1.0}


def test_edges_of_lightness_are_the_largest_steps():
    picture = torch.full((1, 3, 6, 6), 100, dtype=torch.uint8)
    picture[:, :, :, 3:] = 200
    picture[:, :, :, 5:] = 205
    like = np.zeros((1, 6, 6), bool)
    like[:, :, :2] = True
    found = leaks.lightness_edges(picture, like)
    assert found[:, :, 2:4].all() and found.sum() == 12
