"""CIE Lab and the colour arithmetic of the study, on batches of tensors.

Shapes are (N, 3, H, W) unless stated. sRGB is in [0, 1]; L is in [0, 100]; a and b are in Lab
units (about -86..98 and -108..95 within sRGB). The white point is D65, 2 degrees. Everything is
float32 or float64, runs where the tensor lives, and is differentiable.
"""

from functools import cache, wraps

import torch
from scipy.spatial import ConvexHull
from torch import Tensor

AB_SCALE = 110.0
"""ab is divided by this for the networks, in both systems."""

# IEC 61966-2-1 primaries (rows X, Y, Z) and the D65 white, with the digits of scikit-image.
_RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_WHITE = (0.95047, 1.0, 1.08883)
_EPSILON, _KAPPA = (0.008856, 7.787)  # where Lab's cube root meets its line, and the line's slope
_PIECE = 2**17  # pixels
_BIN = 10  # distance of the points that ab is quantised to
BINS = 313
"""The number of those points, `ab_bins`."""


def _check(pixels: Tensor, channels: int = 3, *, kind: str = "floating-point") -> None:
    right = pixels.is_floating_point() if kind == "floating-point" else pixels.dtype == torch.uint8
    if pixels.ndim != 4 or pixels.shape[1] != channels or not right:
        raise ValueError(
            f"expected a {kind} tensor of shape (N, {channels}, H, W), "
            f"got {pixels.dtype} of shape {tuple(pixels.shape)}"
        )


@cache
def _constants(device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """(RGB -> XYZ / white, its inverse), each (3, 3)."""
    matrix = torch.tensor(_RGB_TO_XYZ, dtype=torch.float64) / torch.tensor(
        _WHITE, dtype=torch.float64
    ).unsqueeze(1)
    both = matrix, torch.linalg.inv(matrix)
    return tuple(m.to(device, dtype) for m in both)


def _multiply(matrix: Tensor, pixels: Tensor) -> Tensor:
    """(3, 3) times each pixel of (N, 3, H, W); not as a convolution, which a GPU may round."""
    return (matrix @ pixels.flatten(2)).view_as(pixels)


def _power(x: Tensor, exponent: float) -> Tensor:
    """x ** exponent for x > 0, in less time than `pow` takes on a CPU."""
    return x.log2().mul_(exponent).exp2_()


def _in_pieces(kind: str):
    """Converts pixels on a CPU in pieces whose intermediate results stay in its cache."""

    def decorated(convert):
        @wraps(convert)
        def converted(pixels: Tensor) -> Tensor:
            _check(pixels, kind=kind)
            if pixels.device.type != "cpu" or pixels.numel() <= 3 * _PIECE:
                return convert(pixels)
            pieces = pixels.flatten(2).split(max(1, _PIECE // len(pixels)), dim=2)
            done = [convert(piece.unsqueeze(3)).squeeze(3) for piece in pieces]
            return torch.cat(done, dim=2).view_as(pixels)

        return converted

    return decorated


# Both conversions are a power above a limit and a line below it. Each is taken as the power of
# what lies above the limit plus the line of what lies below, cut at the limit: that is faster
# than to compute both and choose, and its gradient is finite at black.


def _linear(rgb: Tensor) -> Tensor:
    power = _power(rgb.clamp(min=0.04045).add_(0.055).mul_(1 / 1.055), 2.4)
    return rgb.clamp(max=0.04045).sub_(0.04045).mul_(1 / 12.92).add_(power)


def _linear_to_lab(linear: Tensor) -> Tensor:
    matrix, _ = _constants(linear.device, linear.dtype)
    xyz = _multiply(matrix, linear)
    root = _power(xyz.clamp(min=_EPSILON), 1 / 3)
    x, y, z = xyz.clamp(max=_EPSILON).sub_(_EPSILON).mul_(_KAPPA).add_(root).unbind(1)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), dim=1)


@_in_pieces("floating-point")
def rgb_to_lab(rgb: Tensor) -> Tensor:
    """sRGB (N, 3, H, W) in [0, 1] to Lab (N, 3, H, W), L in [0, 100]; as `skimage.color.rgb2lab`.

    sRGB is made linear as in IEC 61966-2-1, and Lab of its XYZ as in CIE 15.

    Raises:
        ValueError: another shape, or whole numbers, for which there is `uint8_to_lab`.
    """
    return _linear_to_lab(_linear(rgb))


@cache
def _linear_of_levels(device: torch.device) -> Tensor:
    """Linear light of the 256 levels of 8-bit sRGB."""
    return _linear(torch.arange(256) / 255).to(device)


@_in_pieces("uint8")
def uint8_to_lab(images: Tensor) -> Tensor:
    """`rgb_to_lab` of uint8 sRGB (N, 3, H, W), float32, in half the time: 8 bits have only 256
    levels, whose linear light is looked up. Raises ValueError for another shape or type."""
    levels = _linear_of_levels(images.device).index_select(0, images.flatten().int())
    return _linear_to_lab(levels.view(images.shape))


def _lab_to_linear(lab: Tensor) -> Tensor:
    _, inverse = _constants(lab.device, lab.dtype)
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    # Strongly blue colours would need a negative Z: it is cut at 0, as scikit-image does.
    f = torch.stack((y + a / 500, y, (y - b / 200).clamp(min=0)), dim=1)
    limit = _EPSILON ** (1 / 3)
    xyz = torch.where(f > limit, f**3, (f - 16 / 116) / _KAPPA)
    return _multiply(inverse, xyz)


@_in_pieces("floating-point")
def lab_to_rgb(lab: Tensor) -> Tensor:
    """Lab (N, 3, H, W), L in [0, 100], to sRGB (N, 3, H, W), cut to [0, 1]; as
    `skimage.color.lab2rgb`, the inverse of `rgb_to_lab`.

    Raises:
        ValueError: another shape, or whole numbers.
    """
    linear = _lab_to_linear(lab)
    power = _power(linear.clamp(min=0.0031308), 1 / 2.4)
    rgb = linear.clamp(max=0.0031308).sub_(0.0031308).mul_(12.92).add_(power, alpha=1.055)
    return rgb.sub_(0.055).clamp_(0, 1)


def in_gamut(lab: Tensor, tolerance: float = 1e-4) -> Tensor:
    """Whether sRGB can show each colour of Lab (N, 3, H, W): bool (N, H, W).

    `tolerance` is how far linear RGB may lie outside [0, 1], for rounding.
    """
    _check(lab)
    linear = _lab_to_linear(lab)
    return ((linear >= -tolerance) & (linear <= 1 + tolerance)).all(dim=1)


def normalize(lab: Tensor) -> tuple[Tensor, Tensor]:
    """Lab (N, 3, H, W) to what the networks see: l = L/50 - 1 (N, 1, H, W) in [-1, 1] and
    ab/110 (N, 2, H, W) in [-1, 1]."""
    return (lab[:, :1] / 50 - 1).contiguous(), (lab[:, 1:] / AB_SCALE).contiguous()


def denormalize(l: Tensor, ab: Tensor) -> Tensor:
    """The inverse of `normalize`: l (N, 1, H, W) and ab (N, 2, H, W) to Lab (N, 3, H, W)."""
    return torch.cat(((l + 1) * 50, ab * AB_SCALE), dim=1)


def to_float(images: Tensor) -> Tensor:
    """uint8 images of any shape to float32 in [0, 1]."""
    return images.float() / 255


def to_uint8(rgb: Tensor) -> Tensor:
    """sRGB in [0, 1] of any shape, rounded to uint8; values outside are cut."""
    return (rgb.clamp(0, 1) * 255).round().to(torch.uint8)


def assemble(lightness: Tensor, ab: Tensor) -> Tensor:
    """The picture made of L (N, 1, H, W) in [0, 100] and ab (N, 2, H, W) in Lab units.

    This is the one path by which every prediction of the study becomes a picture: float Lab,
    cut to the sRGB gamut, rounded: uint8 (N, 3, H, W). Smaller ab is brought to L's size
    (bilinear): chroma may be predicted at a lower resolution than the picture's.
    """
    if ab.shape[-2:] != lightness.shape[-2:]:
        ab = torch.nn.functional.interpolate(ab, lightness.shape[-2:], mode="bilinear")
    return to_uint8(lab_to_rgb(torch.cat((lightness, ab), dim=1)))


@cache
def ab_bins() -> Tensor:
    """The 313 points (313, 2) of the ab plane, 10 apart, that stand for sRGB's colours.

    They are the corners of the 10 x 10 cells that meet the convex hull of sRGB's ab values: this
    rule gives the number and the extent of the published list (Zhang et al. 2016, arXiv
    1603.08511), whose derivation the paper leaves open. Requiring the point itself to be
    displayable at some lightness would give 229.
    """
    steps = torch.linspace(0, 1, 33, dtype=torch.float64)
    cube = torch.cartesian_prod(steps, steps, steps).T.reshape(1, 3, -1, 1)
    hull = ConvexHull(rgb_to_lab(cube)[0, 1:, :, 0].T.numpy())
    normals, offsets = torch.from_numpy(hull.equations).split((2, 1), dim=1)
    line = torch.arange(-120.0, 120.0, 0.25, dtype=torch.float64)
    inside = torch.ones(len(line), len(line), dtype=torch.bool)
    for (a, b), offset in zip(normals, offsets, strict=True):
        inside &= a * line[:, None] + (b * line + offset) <= 0
    cells = torch.floor(line[inside.nonzero()] / _BIN).long()
    met = torch.zeros(25, 25, dtype=torch.bool)  # corners, from -120 to 120
    for corner in torch.tensor([[12, 12], [12, 13], [13, 12], [13, 13]]):
        met[tuple((cells + corner).T)] = True
    return ((met.nonzero() - 12) * _BIN).float()


@cache
def _nearest_bin(device: torch.device) -> Tensor:
    """Index of the nearest bin for every integer (a, b) of -128..127: (256, 256)."""
    ab = torch.cartesian_prod(torch.arange(-128.0, 128), torch.arange(-128.0, 128))
    return torch.cdist(ab, ab_bins()).argmin(dim=1).view(256, 256).to(device)


def quantize_ab(ab: Tensor) -> Tensor:
    """Index (N, H, W) in 0..312 of the nearest bin of ab (N, 2, H, W) in Lab units.

    ab is rounded to whole units first, so a colour on the border of two bins may fall to either.
    """
    _check(ab, channels=2)
    a, b = (ab.round().clamp(-128, 127).long() + 128).unbind(1)
    return _nearest_bin(ab.device)[a, b]


def soft_encode(ab: Tensor, neighbours: int = 5, sigma: float = 5.0) -> Tensor:
    """ab (N, 2, H, W) in Lab units as weights (N, 313, H, W) over the bins, summing to 1.

    A Gaussian of width `sigma` over the `neighbours` nearest bins (arXiv 1603.08511, section 2.2).
    """
    _check(ab, channels=2)
    n, _, h, w = ab.shape
    bins = ab_bins().to(ab.device, ab.dtype)
    distance = torch.cdist(ab.permute(0, 2, 3, 1).reshape(-1, 2), bins)  # (N*H*W, 313)
    nearest, index = distance.topk(neighbours, largest=False)
    weight = torch.softmax(-(nearest**2) / (2 * sigma**2), dim=1)
    encoded = torch.zeros_like(distance).scatter_(1, index, weight)
    return encoded.view(n, h, w, -1).permute(0, 3, 1, 2)


def annealed_mean(logits: Tensor, temperature: float = 0.38) -> Tensor:
    """ab (N, 2, H, W) in Lab units from logits (N, 313, H, W) over the bins.

    The mean of softmax(logits / T): the distribution's mean at T = 1, its mode as T goes to 0
    (arXiv 1603.08511, equation 5; log-probabilities are logits too).
    """
    _check(logits, channels=len(ab_bins()))
    if temperature <= 0:
        raise ValueError(f"the temperature must be above 0, got {temperature}")
    # with the bins last, as the networks lay them: several times as fast
    weights = torch.softmax(logits.movedim(1, -1) / temperature, dim=-1)
    return (weights @ ab_bins().to(weights)).movedim(-1, 1)


def delta_e2000(one: Tensor, other: Tensor) -> Tensor:
    """CIEDE2000 between two Lab images (N, 3, H, W): (N, H, W).

    After Sharma, Wu and Dalal 2005, with all weights 1; as `skimage.color.deltaE_ciede2000`.
    """
    _check(one)
    _check(other)
    (l1, a1, b1), (l2, a2, b2) = one.unbind(1), other.unbind(1)

    chroma7 = ((torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * torch.sqrt(chroma7 / (chroma7 + 25.0**7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = torch.hypot(a1, b1), torch.hypot(a2, b2)
    h1, h2 = (torch.rad2deg(torch.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))

    gray = c1 * c2 == 0  # the hue of a gray is undefined and counts as no difference
    turn = h2 - h1
    # Opposite hues, 180 degrees but for rounding, are not turned: Sharma's mean jumps there.
    turn = turn - 360 * turn.sign() * (turn.abs() > 180 + 1e-4)
    delta_hue = torch.where(gray, 0, 2 * torch.sqrt(c1 * c2) * torch.sin(torch.deg2rad(turn / 2)))
    mean_hue = torch.where(gray, h1 + h2, (h1 + turn / 2) % 360)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2

    def cosine(degrees: Tensor) -> Tensor:
        return torch.cos(torch.deg2rad(degrees))

    t = (
        1
        - 0.17 * cosine(mean_hue - 30)
        + 0.24 * cosine(2 * mean_hue)
        + 0.32 * cosine(3 * mean_hue + 6)
        - 0.20 * cosine(4 * mean_hue - 63)
    )
    from_50 = (mean_l - 50) ** 2
    scaled_l = (l2 - l1) / (1 + 0.015 * from_50 / torch.sqrt(20 + from_50))
    scaled_c = (c2 - c1) / (1 + 0.045 * mean_c)
    scaled_h = delta_hue / (1 + 0.015 * mean_c * t)
    mean_c7 = mean_c**7
    rotation = (
        -2
        * torch.sqrt(mean_c7 / (mean_c7 + 25.0**7))
        * torch.sin(torch.deg2rad(60 * torch.exp(-(((mean_hue - 275) / 25) ** 2))))
    )
    square = scaled_l**2 + scaled_c**2 + scaled_h**2 + rotation * scaled_c * scaled_h
    return torch.sqrt(square.clamp(min=0))
