"""Drawn scenes whose colours have known causes: six classes, exact masks, captions and knobs.

A scene follows from (seed, split, index, knobs) alone and is described in units of the picture,
so it is the same scene at every size. Which random numbers are drawn never depends on a knob's
value: turning one knob changes what it names and nothing else, for paired comparisons. (`classes`
changes what stands in the landscape, with its road or water; sky and hills stay.)

Colours are mixed in CIE Lab (D65). The coloured part of an object (a car's body, a house's walls,
a tree's leaves, a boat's sail, petals, a balloon) takes its L* from one distribution whatever its
hue, so the gray picture does not tell a red car from a blue one; only white is told by its L*.
"""

from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image, ImageDraw

from colornb.datasets import ImageSet
from colornb.errors import ColornbError

CLASSES = ("car", "house", "tree", "boat", "flower", "balloon")
# Ids in `Scene.mask`. "object" is the part with the stated colour, "detail" the rest of the same
# thing (wheels, windows, trunk, hull, stem, basket), "scenery" clouds, sun, hills and far trees.
PARTS = ("sky", "grass", "road", "water", "object", "detail", "scenery")
SKY, GRASS, ROAD, WATER, OBJECT, DETAIL, SCENERY = range(len(PARTS))
# Colour word -> hue angle in degrees and chroma in Lab; every scene jitters both a little.
PALETTE = {
    "red": (33.0, 60.0),
    "orange": (60.0, 58.0),
    "yellow": (84.0, 60.0),
    "green": (138.0, 44.0),
    "blue": (268.0, 42.0),
    "purple": (318.0, 42.0),
    "brown": (58.0, 26.0),
    "gray": (260.0, 3.0),
    "white": (85.0, 5.0),
}
# P(colour word of the object | class); a third of the trees are conifers, which are always green
# and come on top (in all 0.73 of the trees are green).
SHARES = {
    "car": {"red": 0.40, "blue": 0.25, "gray": 0.15, "yellow": 0.10, "green": 0.10},
    "house": {"white": 0.30, "yellow": 0.25, "red": 0.20, "blue": 0.15, "green": 0.10},
    "tree": {"green": 0.60, "orange": 0.15, "yellow": 0.15, "red": 0.10},
    "boat": {"white": 0.70, "red": 0.10, "orange": 0.10, "blue": 0.10},
    "flower": {"red": 0.30, "yellow": 0.25, "purple": 0.20, "white": 0.15, "orange": 0.10},
    "balloon": dict.fromkeys(("red", "orange", "yellow", "green", "blue", "purple"), 1 / 6),
}
ROOFS = {"red": 0.50, "brown": 0.35, "gray": 0.15}
MEADOWS = {"green": 0.88, "yellow": 0.12}
MEADOW_COLOURS = {"green": (122.0, 38.0), "yellow": (84.0, 42.0)}
CAPTIONS = {
    "car": "a {object} car on a gray road under a {sky} sky",
    "house": "a {object} house with a {roof} roof on {grass} grass under a {sky} sky",
    "tree": "a {object} tree on {grass} grass under a {sky} sky",
    "boat": "a boat with a {object} sail on blue water under a {sky} sky",
    "flower": "a {object} flower in {grass} grass under a {sky} sky",
    "balloon": "a {object} balloon over {grass} grass under a {sky} sky",
}
# What chance gives where a knob is not turned.
GRASS_TEXTURE = (0.2, 0.7)
OBJECT_SIZE = (0.75, 1.15)
SIZES = {"train": 2000, "val": 200, "test": 400}


@dataclass(frozen=True)
class Knobs:
    """What may be turned; None leaves it to chance (the distribution named in each line).

    Attributes:
        red_share: share of red among cars, 0..1 (None: 0.4).
        sky_gradient: 0 a blue sky, 1 a sky from blue at the top to yellow at the horizon; L* stays
            as it was (None: the cube of a uniform number, so mostly small).
        grass_texture: 0..1, fluctuation of the grass's L*; 1 is a standard deviation of about 9 at
            224 pixels and, averaged, of 6 at 32 pixels (None: uniform in 0.2..0.7).
        object_size: scale of the object, 1 is about half the picture's width (None: 0.75..1.15).
        boundary_contrast: L* of the object minus L* of what it covers, pixel by pixel, in Lab units
            (negative: darker), kept within 5..95; it replaces the object's shading (None: the
            object's own L*). Far from mid-gray little chroma is left in sRGB: prefer -30..10.
        classes: the classes to draw, in turn (None: all six).
    """

    red_share: float | None = None
    sky_gradient: float | None = None
    grass_texture: float | None = None
    object_size: float | None = None
    boundary_contrast: float | None = None
    classes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("red_share", "sky_gradient", "grass_texture"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ColornbError(f"Knob {name} is {value}; it must lie between 0 and 1.")
        if self.object_size is not None and not 0 < self.object_size <= 2:
            raise ColornbError(f"Knob object_size is {self.object_size}; it must lie in (0, 2].")
        if self.classes is not None and not (self.classes and set(self.classes) <= set(CLASSES)):
            raise ColornbError(
                f"Knob classes is {self.classes}; name one or more of {', '.join(CLASSES)}."
            )


@dataclass(frozen=True, eq=False)
class Scene:
    """One drawn scene.

    image: uint8 (H,W,3) sRGB. mask: uint8 (H,W), ids in the order of `PARTS`; a pixel belongs to
    the last painted part that covers at least half of it. label: index into `CLASSES`.
    colours: part -> colour word ("object", "sky", "grass" but for a boat, "roof" for a house).
    """

    image: np.ndarray
    mask: np.ndarray
    label: int
    caption: str
    colours: dict[str, str]


class _Canvas:
    """A Lab picture and its mask; shapes are polygons (K,2) in units of the picture, y downwards,
    until `place` is called."""

    def __init__(self, size: int, noise: np.ndarray, sunlit: int, contrast: float | None):
        self.size, self.sunlit = size, sunlit  # pixels; the sun's side, 1 right or -1 left
        self.lab = np.zeros((size, size, 3), np.float32)
        self.mask = np.zeros((size, size), np.uint8)
        self._fine = 8 if size < 96 else 4  # subsamples per pixel side, for anti-aliasing
        self._noise, self._contrast = noise, contrast
        self._origin, self._unit = (0, 0), (1, 1)

    def place(self, x: float, base: float, scale: float, mirrored: bool) -> None:
        """From here on shapes are parts of an object that stands at (x, base): their x is in about
        -1..1 (its front at +1), their y upwards from 0, and boundary contrast refers to the
        picture so far."""
        self._origin, self._unit = (x, base), (-scale if mirrored else scale, -scale)
        self._behind = self.lab[..., 0].copy()

    def paint(self, part: int | None, lab, *shapes, shade=(0, 0), texture=0, opacity=1):
        """Paint the union of `shapes`; `part` None (shadow, glow) leaves the mask alone.

        shade: L* added towards the sun and at the lower end of the shape (its opposite at the
        other end). texture: L* added per standard deviation of the noise.
        """
        shapes = [np.asarray(shape) * self._unit + self._origin for shape in shapes]
        points = np.concatenate(shapes)
        low, high = points.min(0), points.max(0)
        x0, y0 = (max(0, floor(edge * self.size)) for edge in low)
        x1, y1 = (min(self.size, ceil(edge * self.size)) for edge in high)
        if x0 >= x1 or y0 >= y1:
            return
        tile = Image.new("L", ((x1 - x0) * self._fine, (y1 - y0) * self._fine))
        pen = ImageDraw.Draw(tile)
        for shape in shapes:
            # PIL's coordinates are those of pixel centres.
            corners = (shape * self.size - (x0, y0)) * self._fine - 0.5
            pen.polygon(corners.ravel().tolist(), fill=255)
        cover = np.asarray(tile.reduce(self._fine), np.float32) / 255
        box = np.s_[y0:y1, x0:x1]
        colour = np.empty((y1 - y0, x1 - x0, 3), np.float32)
        colour[:] = lab
        if part == OBJECT and self._contrast is not None:
            colour[..., 0] = np.clip(self._behind[box] + self._contrast, 5, 95)
        else:
            middle, half = (low + high) / 2, (high - low) / 2
            x, y = (np.arange(x0, x1) + 0.5) / self.size, (np.arange(y0, y1) + 0.5) / self.size
            colour[..., 0] += (x - middle[0]) / half[0] * (shade[0] * self.sunlit)
            colour[..., 0] += ((y - middle[1]) / half[1] * shade[1])[:, None]
            colour[..., 0] += texture * self._noise[box]
        self.lab[box] += opacity * cover[..., None] * (colour - self.lab[box])
        if part is not None:
            self.mask[box][cover >= 0.5] = part


_ANGLES = np.linspace(0, 2 * np.pi, 36, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def _ellipse(x: float, y: float, rx: float, ry: float = 0.0, turn: float = 0.0) -> np.ndarray:
    """An ellipse, by default a circle, turned by an angle in radians."""
    ry, c, s = ry or rx, np.cos(turn), np.sin(turn)
    return _CIRCLE @ [[rx * c, rx * s], [-ry * s, ry * c]] + (x, y)


def _rectangle(left: float, low: float, right: float, high: float) -> np.ndarray:
    return np.array([(left, low), (right, low), (right, high), (left, high)])


def _rounded(points) -> np.ndarray:
    """A closed polygon with its corners cut twice (Chaikin 1974)."""
    points = np.asarray(points, float)
    for _ in range(2):
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], 1)
        points = points.reshape(-1, 2)
    return points


def _lch(lightness: float, chroma: float, hue: float) -> np.ndarray:
    angle = np.deg2rad(hue)
    return np.array([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], np.float32)


def _pick(rng: Generator, shares: dict[str, float]) -> str:
    odds = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=odds / odds.sum()))


def _coloured(word: str, lightness: float, rng: Generator) -> np.ndarray:
    """Lab colour of a palette word; `lightness` holds for every word but white."""
    hue, chroma = PALETTE[word]
    white = rng.uniform(86, 92)
    hue, chroma = hue + rng.uniform(-5, 5), chroma * rng.uniform(0.85, 1.1)
    return _lch(white if word == "white" else lightness, chroma, hue)


# IEC 61966-2-1 primaries and the D65 white of the 2 degree observer.
_WHITE = np.array([0.95047, 1.0, 1.08883], np.float32)
_TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_FROM_XYZ = np.linalg.inv(_TO_XYZ).astype(np.float32)


def _srgb(lab: np.ndarray) -> np.ndarray:
    """Lab (H,W,3) -> uint8 sRGB. A colour outside the gamut moves, in linear light, towards the
    gray of its luminance until it fits: luminance Y is linear there, so L* stays exact."""
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, (f - 4 / 29) * (3 * (6 / 29) ** 2)) * _WHITE
    linear = xyz @ _FROM_XYZ.T
    gray = xyz[..., 1:2].clip(0, 1)
    low, high = linear.min(-1, keepdims=True), linear.max(-1, keepdims=True)
    keep = np.minimum(
        np.where(low < 0, gray / np.maximum(gray - low, 1e-9), 1),
        np.where(high > 1, (1 - gray) / np.maximum(high - gray, 1e-9), 1),
    )
    linear = (gray + keep * (linear - gray)).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (srgb * 255).round().astype(np.uint8)


def _noise(rng: Generator, size: int) -> np.ndarray:
    """A random field (size,size) of about unit variance at 224 pixels: blades and patches.
    Averaged, not sampled, at small sizes, so a small picture is the large one made smaller."""
    field = np.zeros((size, size), np.float32)
    for shape, weight in (((48, 96), 1.15), ((14, 20), 0.6)):
        cells = Image.fromarray(rng.standard_normal(shape).astype(np.float32))
        field += weight * np.asarray(cells.resize((size, size), Image.Resampling.BICUBIC))
    return field


def _turned(knob: float | None, chance: float) -> float:
    return chance if knob is None else knob


def _sky(canvas: _Canvas, rng: Generator, horizon: float, daylight: float, knobs: Knobs) -> str:
    """Paint sky, sun and clouds; returns the sky's colour word."""
    gradient = _turned(knobs.sky_gradient, rng.uniform(0, 1) ** 3)
    top, fall = rng.uniform(63, 73) + daylight / 2, rng.uniform(8, 18)
    blue = _lch(0, rng.uniform(28, 42), rng.uniform(250, 264))
    yellow = _lch(0, rng.uniform(44, 54), rng.uniform(70, 82))
    t = ((np.arange(canvas.size) + 0.5) / canvas.size / horizon).clip(0, 1)[:, None, None]
    canvas.lab[:] = (1 - gradient * t) * (1 - 0.5 * t) * blue + gradient * t * yellow
    canvas.lab[..., 0] = (top + fall * t)[..., 0]

    sun = rng.random() < 0.6
    x, y = 0.5 + canvas.sunlit * rng.uniform(0.2, 0.4), rng.uniform(0.08, 0.24)
    if sun:
        for radius in (0.15, 0.125, 0.1, 0.08):
            canvas.paint(None, _lch(94, 22, 92), _ellipse(x, y, radius), opacity=0.1)
        canvas.paint(SCENERY, _lch(95, 42, 94), _ellipse(x, y, 0.06))

    for _ in range(3):
        shown, x, y = rng.random() < 0.6, rng.uniform(0, 1), rng.uniform(0.06, 0.75 * horizon)
        width = rng.uniform(0.07, 0.15)
        cloud = [_ellipse(x, y, 1.15 * width, 0.22 * width)]
        for shift in (-0.6, 0.0, 0.55):
            rise, rx, ry = rng.uniform(0.1, 0.35), rng.uniform(0.4, 0.6), rng.uniform(0.3, 0.5)
            cloud.append(_ellipse(x + shift * width, y - rise * width, rx * width, ry * width))
        if shown:
            canvas.paint(SCENERY, _lch(93, 3, 250), *cloud, shade=(2, -5), opacity=0.92)
    return "blue and yellow" if gradient > 0.5 else "blue"


def _land(
    canvas: _Canvas, rng: Generator, horizon: float, daylight: float, kind: str, knobs: Knobs
) -> str:
    """Paint hills, grass (but for a boat) and far trees; returns the grass's colour word."""
    x = np.linspace(0, 1, 41)
    for rise, lightness, chroma, hue in ((0.10, 64, 14, 205), (0.05, 56, 22, 150)):
        ridge = horizon - rise
        for turns in (0.8, 1.7):
            phase, height = rng.uniform(0, 1), rng.uniform(0.01, 0.035)
            ridge = ridge + height * np.sin(2 * np.pi * (turns * x + phase))
        hill = np.stack([np.r_[x, 1, 0], np.r_[ridge, 1, 1]], axis=1)
        lightness += daylight + rng.uniform(-4, 4)
        canvas.paint(SCENERY, _lch(lightness, chroma, hue), hill)

    meadow = _pick(rng, MEADOWS)
    hue, chroma = MEADOW_COLOURS[meadow]
    hue, chroma = hue + rng.uniform(-6, 6), chroma * rng.uniform(0.85, 1.1)
    grass = _lch(rng.uniform(53, 65) + daylight, chroma, hue)
    texture = 9 * _turned(knobs.grass_texture, rng.uniform(*GRASS_TEXTURE))
    if kind != "boat":
        canvas.paint(GRASS, grass, _rectangle(0, horizon, 1, 1), shade=(0, -4), texture=texture)

    far = rng.uniform((0, 0.02, 0), (1, 0.05, 1), (7, 3))
    trees = [_ellipse(x, horizon - 0.3 * r, r, 1.1 * r) for x, r, luck in far if luck < 0.7]
    green = _lch(rng.uniform(40, 48) + daylight, 26, 138)
    if trees:
        canvas.paint(SCENERY, green, *trees, shade=(0, -5), texture=3)
    return meadow


def _foreground(
    canvas: _Canvas, rng: Generator, horizon: float, daylight: float, kind: str
) -> None:
    """Paint a car's road, a boat's water or, for the others, flowers in the grass."""
    if kind == "car":
        road = rng.uniform(46, 62) + daylight
        dashes = [_rectangle(k / 5 + 0.03, 0.885, k / 5 + 0.13, 0.9) for k in range(5)]
        canvas.paint(ROAD, _lch(road + 14, 4, 85), _rectangle(0, 0.70, 1, 0.95))
        canvas.paint(ROAD, _lch(road, 3, 265), _rectangle(0, 0.715, 1, 0.935), texture=1)
        canvas.paint(ROAD, _lch(88, 3, 90), *dashes)
    elif kind == "boat":
        water = _lch(rng.uniform(52, 66) + daylight, rng.uniform(22, 30), rng.uniform(228, 248))
        places = rng.uniform((0, horizon + 0.02, 0.03), (1, 1, 0.09), (14, 3))
        waves = [_ellipse(x, y, width, 0.006) for x, y, width in places]
        canvas.paint(WATER, water, _rectangle(0, horizon, 1, 1), shade=(0, -5))
        canvas.paint(WATER, water + (13, 0, 6), *waves, opacity=0.7)
    else:
        for _ in range(10):
            x, y, shown = rng.uniform(0, 1), rng.uniform(horizon + 0.06, 1), rng.random() < 0.6
            colour = _coloured(_pick(rng, SHARES["flower"]), rng.uniform(62, 80), rng)
            if shown:
                canvas.paint(SCENERY, colour, _ellipse(x, y, 0.004 + 0.012 * (y - horizon)))


_WOOD = _lch(42, 30, 58)
_GLASS = _lch(78, 9, 240)
_DARK = _lch(20, 3, 270)
_BRIGHT_RED = _lch(50, 58, 32)


def _car(canvas: _Canvas, lab, rng: Generator) -> None:
    back, front = rng.uniform(-0.85, -0.45), rng.uniform(0.25, 0.5)
    roof, bonnet = rng.uniform(0.84, 1.0), rng.uniform(0.46, 0.58)
    middle, sill, top = (back + front) / 2, 0.56, roof - 0.08
    body = [
        (-1, 0.14), (-1, 0.5), (back - 0.05, 0.58), (back + 0.12, roof), (front - 0.15, roof),
        (front + 0.15, bonnet + 0.04), (0.96, bonnet - 0.06), (1.02, 0.3), (1, 0.14),
    ]  # fmt: skip
    rear = [(back + 0.1, sill), (back + 0.19, top), (middle - 0.03, top), (middle - 0.03, sill)]
    fore = [(middle + 0.03, sill), (middle + 0.03, top), (front - 0.17, top), (front + 0.06, sill)]
    canvas.paint(OBJECT, lab, _rounded(body), shade=(2, -7))
    canvas.paint(DETAIL, _GLASS, _rounded(rear), _rounded(fore), shade=(0, -5))
    for x in (-0.58, 0.6):
        canvas.paint(DETAIL, _DARK, _ellipse(x, 0.14, 0.21))
        canvas.paint(DETAIL, _lch(74, 2, 250), _ellipse(x, 0.14, 0.1))
    canvas.paint(DETAIL, _lch(92, 20, 95), _ellipse(0.94, 0.4, 0.05, 0.07))
    canvas.paint(DETAIL, _BRIGHT_RED, _rectangle(-1.01, 0.36, -0.94, 0.47))


def _house(canvas: _Canvas, lab, rng: Generator, *, roof: np.ndarray) -> None:
    height, peak = rng.uniform(0.8, 1.15), rng.uniform(0.5, 0.75)
    ridge, gabled = rng.uniform(0.1, 0.55), rng.random() < 0.4
    chimney, door = rng.uniform(0.3, 0.55), rng.uniform(-0.5, 0.5)
    ridge, top = (0.02 if gabled else ridge), height + peak
    tiles = [(-1.02, height - 0.03), (1.02, height - 0.03), (ridge, top), (-ridge, top)]
    canvas.paint(DETAIL, roof - (4, 0, 0), _rectangle(chimney, height, chimney + 0.16, top))
    canvas.paint(OBJECT, lab, _rectangle(-0.85, 0, 0.85, height + 0.05), shade=(4, -2))
    canvas.paint(DETAIL, roof, tiles, shade=(3, -4), texture=1.5)
    canvas.paint(DETAIL, _WOOD, _rectangle(door - 0.14, 0, door + 0.14, 0.5))
    for x in (-0.58, 0.0, 0.58):
        if abs(x - door) > 0.36:
            panes = [_rectangle(x + s - 0.055, 0.34, x + s + 0.055, 0.62) for s in (-0.07, 0.07)]
            canvas.paint(DETAIL, _lch(93, 3, 90), _rectangle(x - 0.16, 0.3, x + 0.16, 0.66))
            canvas.paint(DETAIL, _lch(58, 14, 240), *panes)


def _tree(canvas: _Canvas, lab, rng: Generator, *, conifer: bool) -> None:
    height, fruit = rng.uniform(1.5, 2.0), rng.random() < 0.35
    trunk = [(-0.13, 0), (0.13, 0), (0.07, 0.9), (-0.07, 0.9)]
    canvas.paint(DETAIL, _WOOD, trunk, shade=(5, 0))
    if conifer:
        for tier, width in enumerate((0.8, 0.62, 0.42)):
            low, top = 0.35 + 0.27 * tier * height, 0.35 + (0.27 * tier + 0.46) * height
            cone = _rounded([(-width, low), (width, low), (0.02, top), (-0.02, top)])
            canvas.paint(OBJECT, lab, cone, shade=(4, -5), texture=3)
        return
    middle = 0.62 * height + 0.15
    crown = [_ellipse(0, middle, 0.62, 0.36 * height)]
    for angle in np.arange(7) * 2 * np.pi / 7:
        x, y = 0.55 * np.cos(angle), middle + 0.26 * height * np.sin(angle)
        crown.append(_ellipse(x, y, rng.uniform(0.28, 0.38)))
    canvas.paint(OBJECT, lab, *crown, shade=(4, -7), texture=4)
    for _ in range(7 if fruit else 0):
        x, y = rng.uniform(-0.6, 0.6), middle + height * rng.uniform(-0.28, 0.28)
        canvas.paint(DETAIL, _BRIGHT_RED, _ellipse(x, y, 0.07))


def _boat(canvas: _Canvas, lab, rng: Generator) -> None:
    mast, jib = rng.uniform(1.5, 1.9), rng.uniform(0.45, 0.7)
    belly, flag = rng.uniform(0.04, 0.14), rng.uniform(0, 0.04)
    mirror = _rounded([(-0.7, 0), (0.75, 0), (0.4, -0.22), (-0.4, -0.22)])
    canvas.paint(None, _lch(35, 16, 240), mirror, opacity=0.5)
    canvas.paint(DETAIL, _WOOD - (8, 0, 0), _rectangle(-0.03, 0.2, 0.03, mast + 0.06))
    t = np.linspace(0, 1, 9)
    for side, foot, width, top in ((-1, 0.05, 0.7, mast), (1, 0.06, jib, 0.85 * mast)):
        edge = foot + width * (1 - t) + belly * np.sin(np.pi * t)
        sail = np.stack([np.r_[edge, foot], np.r_[0.38 + (top - 0.38) * t, 0.36]], axis=1)
        canvas.paint(OBJECT, lab, sail * (side, 1), shade=(3, 2))
    hull = _rounded([(-0.9, 0.3), (1.02, 0.34), (0.7, 0), (-0.7, 0), (-0.9, 0.2)])
    pennant = [(0, mast + 0.06), (0, mast - 0.06), (-0.26, mast + flag)]
    canvas.paint(DETAIL, _WOOD, hull, shade=(3, -5))
    canvas.paint(DETAIL, _lch(88, 5, 85), _rectangle(-0.88, 0.24, 0.92, 0.29))
    canvas.paint(DETAIL, _BRIGHT_RED, pennant)


def _flower(canvas: _Canvas, lab, rng: Generator) -> None:
    height, petals = rng.uniform(1.7, 2.1), int(rng.uniform(5, 10))
    lean, turn = rng.uniform(-0.15, 0.15), rng.uniform(0, 2 * np.pi)
    green = _lch(46, 36, 136)
    leaf = _rounded([(0, 0.3), (0.35, 0.42), (0.72, 0.85), (0.3, 0.72)])
    stem = [(-0.05, 0), (0.05, 0), (lean + 0.04, height), (lean - 0.04, height)]
    canvas.paint(DETAIL, green, stem)
    for side in (-1, 1):
        canvas.paint(DETAIL, green + (3 * side * canvas.sunlit, 0, 0), leaf * (side, 1))
    width = 0.6 * np.sin(np.pi / petals)
    for k, angle in enumerate(turn + 2 * np.pi * np.arange(petals) / petals):
        x, y = lean + 0.42 * np.cos(angle), height + 0.42 * np.sin(angle)
        tint = lab + ((-3, 3, 0)[k % 3], 0, 0)
        canvas.paint(OBJECT, tint, _ellipse(x, y, 0.34, width, angle), shade=(2, -2))
    canvas.paint(DETAIL, _lch(70, 58, 78), _ellipse(lean, height, 0.24), texture=2)


def _balloon(canvas: _Canvas, lab, rng: Generator) -> None:
    stripe = rng.uniform(1.5, 3)
    angle = np.linspace(0, np.pi, 25)[:-2]  # from the top to the open mouth
    below = (angle / (np.pi / 2) - 1).clip(0, 1)
    half, y = np.sin(angle) * (1 - 0.22 * below**2), 0.3 + np.cos(angle) * (0.95 + 0.2 * below)
    for side in (-1, 1):
        x, knot = side * half[-1], side * 0.13
        rope = [(x, y[-1]), (x - 0.02, y[-1]), (knot - 0.02, -1.12), (knot, -1.12)]
        canvas.paint(DETAIL, _DARK, rope)
    canvas.paint(DETAIL, _WOOD, _rounded(_rectangle(-0.17, -1.32, 0.17, -1.08)))
    for edge, change in ((1.0, -stripe), (0.62, stripe), (0.22, -stripe)):
        gore = np.stack([np.r_[edge * half, -edge * half[::-1]], np.r_[y, y[::-1]]], axis=1)
        canvas.paint(OBJECT, lab + (change, 0, 0), gore, shade=(4 * edge, -4))


# How to draw each class, half its width at object_size 1, and the range of y of its foot (of a
# balloon: a point below its middle).
_OBJECTS = {
    "car": (_car, 0.30, 0.80, 0.86),
    "house": (_house, 0.25, 0.74, 0.86),
    "tree": (_tree, 0.25, 0.78, 0.90),
    "boat": (_boat, 0.28, 0.74, 0.84),
    "flower": (_flower, 0.26, 0.95, 1.02),
    "balloon": (_balloon, 0.23, 0.36, 0.46),
}


def _colours(rng: Generator, kind: str, knobs: Knobs) -> tuple[dict, np.ndarray, dict]:
    """Colour words of the object and of a roof, the object's Lab colour, and what else its
    painter must know."""
    # The first colour (red of cars) is decided apart, so its share moves no other car's colour.
    shares = dict(SHARES[kind])
    first = next(iter(shares))
    share = shares.pop(first)
    if kind == "car":
        share = _turned(knobs.red_share, share)
    is_first, other = rng.random() < share, _pick(rng, shares)
    words, extra = {}, {}
    if kind == "house":
        words["roof"] = _pick(rng, ROOFS)
        extra["roof"] = _coloured(words["roof"], rng.uniform(42, 52), rng)
    elif kind == "tree":
        extra["conifer"] = rng.random() < 1 / 3
        is_first |= extra["conifer"]
    words["object"] = first if is_first else other
    return words, _coloured(words["object"], rng.uniform(55, 67), rng), extra


def draw(
    index: int, *, seed: int = 0, size: int = 224, split: str = "train", knobs: Knobs = Knobs()
) -> Scene:
    """Draw one scene, `size` x `size` pixels; the classes take turns over the indices.

    Raises ColornbError for an unknown split.
    """
    if split not in SIZES:
        raise ColornbError(f"There is no split {split!r} of the scenes; use train, val or test.")
    rng = np.random.default_rng([seed, list(SIZES).index(split), index])
    world, thing, grain = rng.spawn(3)
    classes = knobs.classes or CLASSES
    kind = classes[index % len(classes)]
    horizon, daylight = world.uniform(0.50, 0.62), world.uniform(-6, 5)
    sunlit = 1 if world.random() < 0.5 else -1
    canvas = _Canvas(size, _noise(grain, size), sunlit, knobs.boundary_contrast)
    colours = {"sky": _sky(canvas, world, horizon, daylight, knobs)}
    grass = _land(canvas, world, horizon, daylight, kind, knobs)
    if kind != "boat":
        colours["grass"] = grass
    _foreground(canvas, world, horizon, daylight, kind)

    words, lab, extra = _colours(thing, kind, knobs)
    colours |= words
    paint_object, half_width, low, high = _OBJECTS[kind]
    scale = half_width * _turned(knobs.object_size, thing.uniform(*OBJECT_SIZE))
    x, base = thing.uniform(0.38, 0.62), thing.uniform(low, high)
    if kind in ("car", "house", "tree"):
        shadow = _ellipse(x - 0.05 * sunlit, base, 1.1 * scale, 0.12 * scale)
        canvas.paint(None, _lch(22, 4, 200), shadow, opacity=0.4)
    canvas.place(x, base, scale, mirrored=thing.random() < 0.5)
    paint_object(canvas, lab, thing, **extra)
    caption = CAPTIONS[kind].format(**colours).replace("a orange", "an orange")
    return Scene(_srgb(canvas.lab), canvas.mask, CLASSES.index(kind), caption, colours)


def image_set(
    split: str = "train",
    *,
    size: int = 32,
    limit: int | None = None,
    seed: int = 0,
    knobs: Knobs = Knobs(),
) -> ImageSet:
    """The scenes 0..limit-1 of a split (default: 2,000 train, 200 val, 400 test) at `size` pixels
    as a data set with masks and captions; about 4 ms each at 32 pixels.

    Raises ColornbError for an unknown split.
    """
    count = limit or SIZES.get(split, 1)  # `draw` refuses an unknown split
    drawn = [draw(i, seed=seed, size=size, split=split, knobs=knobs) for i in range(count)]
    return ImageSet(
        name="scenes",
        split=split,
        images=torch.from_numpy(np.stack([scene.image.transpose(2, 0, 1) for scene in drawn])),
        labels=torch.tensor([scene.label for scene in drawn]),
        classes=CLASSES,
        ids=tuple(f"{split}-{seed}-{i}" for i in range(count)),
        masks=torch.from_numpy(np.stack([scene.mask for scene in drawn])),
        captions=tuple(scene.caption for scene in drawn),
    )


def of_sizes(split: str, sizes: tuple[float, ...], *, size: int, limit: int) -> ImageSet:
    """About `limit` scenes of a split whose objects have each of `sizes` (`Knobs.object_size`)
    equally often; otherwise as `image_set`, but no two are of the same layout."""
    parts = [
        image_set(
            split, size=size, limit=limit // len(sizes), seed=i, knobs=Knobs(object_size=scale)
        )
        for i, scale in enumerate(sizes)
    ]

    def joined(name: str):
        values = [getattr(part, name) for part in parts]
        return sum(values, ()) if isinstance(values[0], tuple) else torch.cat(values)

    names = ("images", "labels", "ids", "masks", "captions")
    return replace(parts[0], **{name: joined(name) for name in names})
