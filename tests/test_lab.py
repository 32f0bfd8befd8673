import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color

from colornb import lab

CORNERS = torch.cartesian_prod(*[torch.tensor([0.0, 1e-4, 0.5, 1.0])] * 3).T.reshape(1, 3, 8, 8)


def channels_last(pixels):
    return pixels.permute(0, 2, 3, 1).double().numpy()


def random_rgb(seed=0):
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("rgb", [random_rgb(), CORNERS], ids=["random", "edges"])
def test_rgb_to_lab_is_scikit_images(rgb):
    expected = color.rgb2lab(channels_last(rgb))
    assert np.abs(channels_last(lab.rgb_to_lab(rgb)) - expected).max() < 0.01


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (7, 3, 300, 301)], ids=["levels", "in pieces"])
def test_8_bit_pictures_have_the_lab_of_their_floats(shape):
    levels = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)).byte()
    levels[0, :, :16, :16] = torch.arange(256).view(16, 16)  # each of them, and all grays
    found = lab.uint8_to_lab(levels)
    assert (found - lab.rgb_to_lab(lab.to_float(levels))).abs().max() < 1e-3
    expected = color.rgb2lab(levels[:1].permute(0, 2, 3, 1).numpy())
    assert np.abs(channels_last(found[:1]) - expected).max() < 0.01
    assert found.dtype == torch.float32


@pytest.mark.filterwarnings("ignore:.*negative Z values")
def test_lab_to_rgb_is_scikit_images_also_outside_the_gamut():
    generator = torch.Generator().manual_seed(1)
    pixels = torch.rand(4, 3, 32, 32, generator=generator)
    pixels[:, 0] *= 100
    pixels[:, 1:] = pixels[:, 1:] * 220 - 110
    expected = color.lab2rgb(channels_last(pixels))
    assert np.abs(channels_last(lab.lab_to_rgb(pixels)) - expected).max() < 1e-4


def test_round_trip_of_every_8_bit_level_is_exact_within_one():
    levels = torch.arange(256, dtype=torch.uint8)
    images = torch.stack((levels, levels.flip(0), levels.roll(77))).view(1, 3, 16, 16)
    back = lab.to_uint8(lab.lab_to_rgb(lab.rgb_to_lab(lab.to_float(images))))
    assert (back.int() - images.int()).abs().max() <= 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 255), min_size=3, max_size=3))
def test_any_8_bit_colour_survives_the_round_trip(rgb):
    images = torch.tensor(rgb, dtype=torch.uint8).view(1, 3, 1, 1)
    lightness, ab = lab.rgb_to_lab(lab.to_float(images)).split((1, 2), dim=1)
    assert (lab.assemble(lightness, ab).int() - images.int()).abs().max() <= 1


@pytest.mark.parametrize("convert", [lab.rgb_to_lab, lab.lab_to_rgb])
def test_gradient_at_black_is_finite(convert):
    black = torch.zeros(1, 3, 2, 2, requires_grad=True)
    convert(black).sum().backward()
    assert torch.isfinite(black.grad).all()


def test_gradient_is_that_of_finite_differences():
    pixels = random_rgb(2)[:1, :, :3, :3].double().requires_grad_()
    assert torch.autograd.gradcheck(lab.rgb_to_lab, pixels)
    there = lab.rgb_to_lab(pixels.detach()).requires_grad_()
    assert torch.autograd.gradcheck(lab.lab_to_rgb, there)


def test_normalize_has_the_stated_ranges_and_an_inverse():
    pixels = lab.rgb_to_lab(random_rgb())
    l, ab = lab.normalize(pixels)
    assert l.shape == (4, 1, 32, 32) and ab.shape == (4, 2, 32, 32)
    assert l.abs().max() <= 1 and ab.abs().max() <= 1
    torch.testing.assert_close(lab.denormalize(l, ab), pixels, atol=1e-4, rtol=0)


def test_wrong_shape_and_type_are_refused():
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        lab.rgb_to_lab(torch.zeros(3, 8, 8))
    with pytest.raises(ValueError, match="uint8"):
        lab.rgb_to_lab(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_in_gamut_knows_srgb():
    inside = lab.rgb_to_lab(random_rgb())
    assert lab.in_gamut(inside).all()
    outside = torch.tensor([[50.0, 120.0, 0.0], [5.0, 0.0, 90.0]]).view(2, 3, 1, 1)
    assert not lab.in_gamut(outside).any()


def test_there_are_313_bins_of_the_published_extent():
    bins = lab.ab_bins()
    assert bins.shape == (lab.BINS, 2) == (313, 2)
    assert bins[0].tolist() == [-90, 50] and bins[-1].tolist() == [100, 0]
    assert (bins % 10 == 0).all() and len(bins.unique(dim=0)) == 313


def test_quantize_ab_finds_the_nearest_bin():
    bins = lab.ab_bins()
    shifted = (bins + torch.tensor([3.0, -4.0])).T.view(1, 2, 1, 313)
    found = bins[lab.quantize_ab(shifted)[0, 0]]
    distance = torch.cdist(shifted[0, :, 0].T, bins)
    torch.testing.assert_close((found - shifted[0, :, 0].T).norm(dim=1), distance.amin(dim=1))
    assert lab.quantize_ab(bins.T.view(1, 2, 1, 313)).flatten().tolist() == list(range(313))


def test_soft_encode_weighs_five_neighbours_and_decodes_near():
    ab = lab.rgb_to_lab(random_rgb())[:, 1:]
    encoded = lab.soft_encode(ab)
    assert encoded.shape == (4, 313, 32, 32)
    torch.testing.assert_close(encoded.sum(dim=1), torch.ones(4, 32, 32))
    assert (encoded > 0).sum(dim=1).max() <= 5
    decoded = lab.annealed_mean(encoded.clamp(min=1e-30).log(), temperature=1.0)
    assert (decoded - ab).norm(dim=1).mean() < 2
    with pytest.raises(ValueError, match="313"):
        lab.annealed_mean(encoded[:, :5])


def test_annealed_mean_goes_from_the_mean_to_the_mode():
    logits = torch.full((1, 313, 1, 1), -30.0)
    one, other = 100, 200
    logits[0, one], logits[0, other] = torch.log(torch.tensor(0.6)), torch.log(torch.tensor(0.4))
    bins = lab.ab_bins()
    mean = lab.annealed_mean(logits, 1.0).flatten()
    torch.testing.assert_close(mean, 0.6 * bins[one] + 0.4 * bins[other], atol=1e-3, rtol=0)
    torch.testing.assert_close(lab.annealed_mean(logits, 0.01).flatten(), bins[one])
    with pytest.raises(ValueError, match="above 0"):
        lab.annealed_mean(logits, 0)


def test_delta_e2000_is_scikit_images_also_for_grays():
    one, other = lab.rgb_to_lab(random_rgb(3)), lab.rgb_to_lab(random_rgb(4))
    other[0, 1:] = 0
    one[1, 1:] = 0
    other[1, 1:] = 0
    expected = color.deltaE_ciede2000(channels_last(one), channels_last(other))
    assert np.abs(lab.delta_e2000(one, other).numpy() - expected).max() < 1e-3


@pytest.mark.parametrize("ab", [(30, 40), (0, 20), (20, 0), (12, -6), (-54, 18)])
def test_delta_e2000_of_opposite_hues_is_scikit_images_both_ways(ab):
    one = torch.tensor([50.0, *ab], dtype=torch.float64).view(1, 3, 1, 1)
    other = one * torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1)
    expected = color.deltaE_ciede2000(channels_last(one), channels_last(other)).item()
    assert lab.delta_e2000(one, other).item() == pytest.approx(expected, abs=1e-6)
    assert lab.delta_e2000(other, one).item() == pytest.approx(expected, abs=1e-6)


def test_assemble_keeps_lightness_and_enlarges_chroma():
    images = lab.to_uint8(random_rgb())
    lightness, ab = lab.rgb_to_lab(lab.to_float(images)).split((1, 2), dim=1)
    small = torch.zeros(4, 2, 4, 4)
    gray = lab.assemble(lightness, small)
    assert gray.shape == images.shape and gray.dtype == torch.uint8
    after = lab.rgb_to_lab(lab.to_float(gray))
    assert (after[:, 0] - lightness[:, 0]).abs().max() < 0.5
    assert after[:, 1:].abs().max() < 1  # what rounding to 8 bits leaves
    assert (lab.assemble(lightness, ab).int() - images.int()).abs().max() <= 1
