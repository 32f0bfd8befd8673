"""Drawn scenes whose colours have known causes: six classes, exact masks, captions and knobs.

A scene follows from (seed, split, index, knobs) alone and is described in units of the picture,
so it is the same scene at every size. Which random numbers are drawn never depends on a knob's
value: turning one knob changes what it names and nothing else, for paired comparisons. (`classes`
changes what stands in the landscape, with its road or water; sky and hills stay.)

Colours are mixed in CIE Lab (D65). The coloured part of an object (a car's body, a house's walls,
a tree's leaves, a boat's sail, petals, a balloon) takes its L* from one distribution whatever its
hue, so the gray picture does not tell a red car from a blue one; only white is told by its L*.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from colornb.errors import ColornbError

if TYPE_CHECKING:
    from colornb.datasets import ImageSet

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
SIZES = {"train": 2000, "val": 200, "test": 400}


@dataclass(frozen=True)
class Knobs:
    """What may be turned; None leaves it to chance (the distribution named in each line).

    red_share: share of red among cars, 0..1 (None: 0.4).
    sky_gradient: 0 a blue sky, 1 a sky from blue at the top to yellow at the horizon; L* stays as
        it was (None: the cube of a uniform number, so mostly small).
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
        unknown = set(self.classes or ()) - set(CLASSES)
        if unknown or self.classes is not None and not self.classes:
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


class _Dice:
    """Random choices, one number each."""

    def __init__(self, rng: np.random.Generator):
        self._rng = rng

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._rng.random()

    def chance(self, p: float) -> bool:
        return self._rng.random() < p

    def pick(self, shares: dict[str, float]) -> str:
        edges = np.cumsum(list(shares.values()))
        return list(shares)[int(np.searchsorted(edges, self._rng.random() * edges[-1], "right"))]


class _Canvas:
    """A Lab picture and its mask; shapes are polygons in units of the picture, y downwards."""

    def __init__(self, size: int, noise: np.ndarray, contrast: float | None):
        self.size = size
        self.lab = np.zeros((size, size, 3), np.float32)
        self.mask = np.zeros((size, size), np.uint8)
        self._fine = 8 if size < 96 else 4  # subsamples per pixel side, for anti-aliasing
        self._noise = noise
        self._contrast = contrast
        self._behind: np.ndarray | None = None

    def keep_background(self) -> None:
        """From here on objects are painted; boundary contrast refers to the picture so far."""
        self._behind = self.lab[..., 0].copy()

    def paint(self, part: int | None, shapes, lab, *, shade=(0.0, 0.0), texture=0.0, opacity=1.0):
        """Paint the union of `shapes`; `part` None (shadow, glow) leaves the mask alone.

        shade: L* added at the right and at the lower end of the shape (its opposite at the other
        end). texture: L* added per standard deviation of the noise.
        """
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
            colour[..., 0] += (x - middle[0]) / half[0] * shade[0]
            colour[..., 0] += ((y - middle[1]) / half[1] * shade[1])[:, None]
            if texture:
                colour[..., 0] += texture * self._noise[box]
        self.lab[box] += opacity * cover[..., None] * (colour - self.lab[box])
        if part is not None:
            self.mask[box][cover >= 0.5] = part


class _Place:
    """Where an object stands: local x in about -1..1 (its front at +1), local y upwards from 0."""

    def __init__(self, x: float, base: float, scale: float, mirrored: bool):
        self.x, self.base, self.scale = x, base, scale
        self._turn = -1 if mirrored else 1

    def __call__(self, points) -> np.ndarray:
        x, y = np.asarray(points, float).T
        return np.stack([self.x + self._turn * self.scale * x, self.base - self.scale * y], axis=1)


_ANGLES = np.linspace(0, 2 * np.pi, 36, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def _ellipse(x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> np.ndarray:
    c, s = np.cos(turn), np.sin(turn)
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


def _coloured(word: str, lightness: float, dice: _Dice) -> np.ndarray:
    """Lab colour of a palette word; `lightness` holds for every word but white."""
    hue, chroma = PALETTE[word]
    white = dice.between(86, 92)
    hue, chroma = hue + dice.between(-5, 5), chroma * dice.between(0.85, 1.1)
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


def _noise(rng: np.random.Generator, size: int) -> np.ndarray:
    """A random field (size,size) of about unit variance at 224 pixels: blades and patches.
    Averaged, not sampled, at small sizes, so a small picture is the large one made smaller."""
    field = np.zeros((size, size), np.float32)
    for shape, weight in (((48, 96), 1.15), ((14, 20), 0.6)):
        cells = Image.fromarray(rng.standard_normal(shape).astype(np.float32))
        field += weight * np.asarray(cells.resize((size, size), Image.Resampling.BICUBIC))
    return field


def _draw_world(canvas: _Canvas, dice: _Dice, kind: str, knobs: Knobs) -> tuple[dict, int]:
    """Paint everything but the object; returns colour words and the sun's side (-1 or 1)."""
    horizon = dice.between(0.50, 0.62)
    daylight = dice.between(-6, 5)
    sunlit = 1 if dice.chance(0.5) else -1

    gradient = dice.between(0, 1) ** 3
    if knobs.sky_gradient is not None:
        gradient = knobs.sky_gradient
    top, fall = dice.between(63, 73) + daylight / 2, dice.between(8, 18)
    blue = _lch(0, dice.between(28, 42), dice.between(250, 264))
    yellow = _lch(0, dice.between(44, 54), dice.between(70, 82))
    t = ((np.arange(canvas.size) + 0.5) / canvas.size / horizon).clip(0, 1)[:, None, None]
    canvas.lab[:] = (1 - gradient * t) * (1 - 0.5 * t) * blue + gradient * t * yellow
    canvas.lab[..., 0] = (top + fall * t)[..., 0]

    sun = dice.chance(0.6)
    sun_x, sun_y = 0.5 + sunlit * dice.between(0.2, 0.4), dice.between(0.08, 0.24)
    if sun:
        for radius in (0.15, 0.125, 0.1, 0.08):
            glow = _ellipse(sun_x, sun_y, radius, radius)
            canvas.paint(None, [glow], _lch(94, 22, 92), opacity=0.1)
        canvas.paint(SCENERY, [_ellipse(sun_x, sun_y, 0.06, 0.06)], _lch(95, 42, 94))

    white = _lch(93, 3, 250)
    for _ in range(3):
        shown, x, y = dice.chance(0.6), dice.between(0, 1), dice.between(0.06, 0.75 * horizon)
        width = dice.between(0.07, 0.15)
        cloud = [_ellipse(x, y, 1.15 * width, 0.22 * width)]
        for shift in (-0.6, 0.0, 0.55):
            rise, rx, ry = dice.between(0.1, 0.35), dice.between(0.4, 0.6), dice.between(0.3, 0.5)
            cloud.append(_ellipse(x + shift * width, y - rise * width, rx * width, ry * width))
        if shown:
            canvas.paint(SCENERY, cloud, white, shade=(2 * sunlit, -5), opacity=0.92)

    x = np.linspace(0, 1, 41)
    for rise, lightness, chroma, hue in ((0.10, 64, 14, 205), (0.05, 56, 22, 150)):
        ridge = horizon - rise
        for turns in (0.8, 1.7):
            phase, height = dice.between(0, 1), dice.between(0.01, 0.035)
            ridge = ridge + height * np.sin(2 * np.pi * (turns * x + phase))
        hill = np.stack([np.r_[x, 1, 0], np.r_[ridge, 1, 1]], axis=1)
        lightness += daylight + dice.between(-4, 4)
        canvas.paint(SCENERY, [hill], _lch(lightness, chroma, hue))

    field = _rectangle(0, horizon, 1, 1)
    meadow = dice.pick(MEADOWS)
    hue, chroma = MEADOW_COLOURS[meadow]
    hue, chroma = hue + dice.between(-6, 6), chroma * dice.between(0.85, 1.1)
    grass = _lch(dice.between(53, 65) + daylight, chroma, hue)
    texture = dice.between(0.2, 0.7)
    if knobs.grass_texture is not None:
        texture = knobs.grass_texture
    if kind != "boat":
        canvas.paint(GRASS, [field], grass, shade=(0, -4), texture=9 * texture)

    woods = []
    for _ in range(7):
        x, radius, shown = dice.between(0, 1), dice.between(0.02, 0.05), dice.chance(0.7)
        if shown:
            woods.append(_ellipse(x, horizon - 0.3 * radius, radius, 1.1 * radius))
    wood = _lch(dice.between(40, 48) + daylight, 26, 138)
    if woods:
        canvas.paint(SCENERY, woods, wood, shade=(0, -5), texture=3)

    if kind == "car":
        road = dice.between(46, 62) + daylight
        dashes = [_rectangle(k / 5 + 0.03, 0.885, k / 5 + 0.13, 0.9) for k in range(5)]
        canvas.paint(ROAD, [_rectangle(0, 0.70, 1, 0.95)], _lch(road + 14, 4, 85))
        canvas.paint(ROAD, [_rectangle(0, 0.715, 1, 0.935)], _lch(road, 3, 265), texture=1)
        canvas.paint(ROAD, dashes, _lch(88, 3, 90))
    elif kind == "boat":
        water = _lch(dice.between(52, 66) + daylight, dice.between(22, 30), dice.between(228, 248))
        canvas.paint(WATER, [field], water, shade=(0, -5))
        waves = []
        for _ in range(14):
            x, y = dice.between(0, 1), dice.between(horizon + 0.02, 1)
            waves.append(_ellipse(x, y, dice.between(0.03, 0.09), 0.006))
        canvas.paint(WATER, waves, water + (13, 0, 6), opacity=0.7)
    else:
        for _ in range(10):
            x, y, shown = dice.between(0, 1), dice.between(horizon + 0.06, 1), dice.chance(0.6)
            bloom = _coloured(dice.pick(SHARES["flower"]), dice.between(62, 80), dice)
            if shown:
                radius = 0.004 + 0.012 * (y - horizon)
                canvas.paint(SCENERY, [_ellipse(x, y, radius, radius)], bloom)

    colours = {"sky": "blue and yellow" if gradient > 0.5 else "blue"}
    if kind != "boat":
        colours["grass"] = meadow
    return colours, sunlit


_WOOD = _lch(42, 30, 58)
_GLASS = _lch(78, 9, 240)
_DARK = _lch(20, 3, 270)
_BRIGHT_RED = _lch(50, 58, 32)


def _car(canvas: _Canvas, place: _Place, lab, dice: _Dice, sunlit: int) -> None:
    back, front = dice.between(-0.85, -0.45), dice.between(0.25, 0.5)
    roof, bonnet = dice.between(0.84, 1.0), dice.between(0.46, 0.58)
    middle, sill, top = (back + front) / 2, 0.56, roof - 0.08
    body = [
        (-1, 0.14), (-1, 0.5), (back - 0.05, 0.58), (back + 0.12, roof), (front - 0.15, roof),
        (front + 0.15, bonnet + 0.04), (0.96, bonnet - 0.06), (1.02, 0.3), (1, 0.14),
    ]  # fmt: skip
    rear = [(back + 0.1, sill), (back + 0.19, top), (middle - 0.03, top), (middle - 0.03, sill)]
    fore = [(middle + 0.03, sill), (middle + 0.03, top), (front - 0.17, top), (front + 0.06, sill)]
    canvas.paint(OBJECT, [place(_rounded(body))], lab, shade=(2 * sunlit, -7))
    canvas.paint(DETAIL, [place(_rounded(rear)), place(_rounded(fore))], _GLASS, shade=(0, -5))
    for x in (-0.58, 0.6):
        canvas.paint(DETAIL, [place(_ellipse(x, 0.14, 0.21, 0.21))], _DARK)
        canvas.paint(DETAIL, [place(_ellipse(x, 0.14, 0.1, 0.1))], _lch(74, 2, 250))
    canvas.paint(DETAIL, [place(_ellipse(0.94, 0.4, 0.05, 0.07))], _lch(92, 20, 95))
    canvas.paint(DETAIL, [place(_rectangle(-1.01, 0.36, -0.94, 0.47))], _BRIGHT_RED)


def _house(canvas: _Canvas, place: _Place, lab, dice: _Dice, sunlit: int, *, roof) -> None:
    height, peak = dice.between(0.8, 1.15), dice.between(0.5, 0.75)
    ridge, gabled = dice.between(0.1, 0.55), dice.chance(0.4)
    chimney, door = dice.between(0.3, 0.55), dice.between(-0.5, 0.5)
    ridge, top = (0.02 if gabled else ridge), height + peak
    stack = _rectangle(chimney, height, chimney + 0.16, top)
    walls = _rectangle(-0.85, 0, 0.85, height + 0.05)
    tiles = [(-1.02, height - 0.03), (1.02, height - 0.03), (ridge, top), (-ridge, top)]
    canvas.paint(DETAIL, [place(stack)], roof - (4, 0, 0))
    canvas.paint(OBJECT, [place(walls)], lab, shade=(4 * sunlit, -2))
    canvas.paint(DETAIL, [place(tiles)], roof, shade=(3 * sunlit, -4), texture=1.5)
    canvas.paint(DETAIL, [place(_rectangle(door - 0.14, 0, door + 0.14, 0.5))], _WOOD)
    for x in (-0.58, 0.0, 0.58):
        if abs(x - door) > 0.36:
            frame = _rectangle(x - 0.16, 0.3, x + 0.16, 0.66)
            panes = [_rectangle(x + s - 0.055, 0.34, x + s + 0.055, 0.62) for s in (-0.07, 0.07)]
            canvas.paint(DETAIL, [place(frame)], _lch(93, 3, 90))
            canvas.paint(DETAIL, [place(pane) for pane in panes], _lch(58, 14, 240))


def _tree(canvas: _Canvas, place: _Place, lab, dice: _Dice, sunlit: int, *, conifer: bool) -> None:
    height, fruit = dice.between(1.5, 2.0), dice.chance(0.35)
    trunk = [(-0.13, 0), (0.13, 0), (0.07, 0.9), (-0.07, 0.9)]
    canvas.paint(DETAIL, [place(trunk)], _WOOD, shade=(5 * sunlit, 0))
    if conifer:
        for tier, width in enumerate((0.8, 0.62, 0.42)):
            low, top = 0.35 + 0.27 * tier * height, 0.35 + (0.27 * tier + 0.46) * height
            cone = _rounded([(-width, low), (width, low), (0.02, top), (-0.02, top)])
            canvas.paint(OBJECT, [place(cone)], lab, shade=(4 * sunlit, -5), texture=3)
        return
    middle = 0.62 * height + 0.15
    crown = [_ellipse(0, middle, 0.62, 0.36 * height)]
    for angle in np.arange(7) * 2 * np.pi / 7:
        x, y, radius = np.cos(angle), np.sin(angle), dice.between(0.28, 0.38)
        crown.append(_ellipse(0.55 * x, middle + 0.26 * height * y, radius, radius))
    canvas.paint(OBJECT, [place(blob) for blob in crown], lab, shade=(4 * sunlit, -7), texture=4)
    for _ in range(7 if fruit else 0):
        x, y = dice.between(-0.6, 0.6), middle + height * dice.between(-0.28, 0.28)
        canvas.paint(DETAIL, [place(_ellipse(x, y, 0.07, 0.07))], _BRIGHT_RED)


def _boat(canvas: _Canvas, place: _Place, lab, dice: _Dice, sunlit: int) -> None:
    mast, jib = dice.between(1.5, 1.9), dice.between(0.45, 0.7)
    belly, flag = dice.between(0.04, 0.14), dice.between(0, 0.04)
    mirror = _rounded([(-0.7, 0), (0.75, 0), (0.4, -0.22), (-0.4, -0.22)])
    canvas.paint(None, [place(mirror)], _lch(35, 16, 240), opacity=0.5)
    canvas.paint(DETAIL, [place(_rectangle(-0.03, 0.2, 0.03, mast + 0.06))], _WOOD - (8, 0, 0))
    t = np.linspace(0, 1, 9)
    for side, foot, width, top in ((-1, 0.05, 0.7, mast), (1, 0.06, jib, 0.85 * mast)):
        edge = foot + width * (1 - t) + belly * np.sin(np.pi * t)
        sail = np.stack([np.r_[edge, foot], np.r_[0.38 + (top - 0.38) * t, 0.36]], axis=1)
        canvas.paint(OBJECT, [place(sail * (side, 1))], lab, shade=(3 * sunlit, 2))
    hull = _rounded([(-0.9, 0.3), (1.02, 0.34), (0.7, 0), (-0.7, 0), (-0.9, 0.2)])
    pennant = [(0, mast + 0.06), (0, mast - 0.06), (-0.26, mast + flag)]
    canvas.paint(DETAIL, [place(hull)], _WOOD, shade=(3 * sunlit, -5))
    canvas.paint(DETAIL, [place(_rectangle(-0.88, 0.24, 0.92, 0.29))], _lch(88, 5, 85))
    canvas.paint(DETAIL, [place(pennant)], _BRIGHT_RED)


def _flower(canvas: _Canvas, place: _Place, lab, dice: _Dice, sunlit: int) -> None:
    height, petals = dice.between(1.7, 2.1), int(dice.between(5, 10))
    lean, turn = dice.between(-0.15, 0.15), dice.between(0, 2 * np.pi)
    leaf = _lch(46, 36, 136)
    stem = [(-0.05, 0), (0.05, 0), (lean + 0.04, height), (lean - 0.04, height)]
    blade = _rounded([(0, 0.3), (0.35, 0.42), (0.72, 0.85), (0.3, 0.72)])
    canvas.paint(DETAIL, [place(stem)], leaf)
    for side in (-1, 1):
        canvas.paint(DETAIL, [place(blade * (side, 1))], leaf + (3 * side * sunlit, 0, 0))
    width = 0.6 * np.sin(np.pi / petals)
    for k, angle in enumerate(turn + 2 * np.pi * np.arange(petals) / petals):
        x, y = lean + 0.42 * np.cos(angle), height + 0.42 * np.sin(angle)
        petal, tint = _ellipse(x, y, 0.34, width, angle), lab + ((-3, 3, 0)[k % 3], 0, 0)
        canvas.paint(OBJECT, [place(petal)], tint, shade=(2 * sunlit, -2))
    canvas.paint(DETAIL, [place(_ellipse(lean, height, 0.24, 0.24))], _lch(70, 58, 78), texture=2)


def _balloon(canvas: _Canvas, place: _Place, lab, dice: _Dice, sunlit: int) -> None:
    stripe = dice.between(1.5, 3)
    angle = np.linspace(0, np.pi, 25)[:-2]  # from the top to the open mouth
    below = (angle / (np.pi / 2) - 1).clip(0, 1)
    half, y = np.sin(angle) * (1 - 0.22 * below**2), 0.3 + np.cos(angle) * (0.95 + 0.2 * below)
    for side in (-1, 1):
        x, knot = side * half[-1], side * 0.13
        rope = [(x, y[-1]), (x - 0.02, y[-1]), (knot - 0.02, -1.12), (knot, -1.12)]
        canvas.paint(DETAIL, [place(rope)], _DARK)
    canvas.paint(DETAIL, [place(_rounded(_rectangle(-0.17, -1.32, 0.17, -1.08)))], _WOOD)
    for edge, change in ((1.0, -stripe), (0.62, stripe), (0.22, -stripe)):
        gore = np.stack([np.r_[edge * half, -edge * half[::-1]], np.r_[y, y[::-1]]], axis=1)
        tint = lab + (change, 0, 0)
        canvas.paint(OBJECT, [place(gore)], tint, shade=(4 * sunlit * edge, -4))


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
    world, thing = _Dice(world), _Dice(thing)
    classes = knobs.classes or CLASSES
    kind = classes[index % len(classes)]
    canvas = _Canvas(size, _noise(grain, size), knobs.boundary_contrast)
    colours, sunlit = _draw_world(canvas, world, kind, knobs)

    # The first colour (red of cars) is decided apart, so its share moves no other car's colour.
    shares = dict(SHARES[kind])
    first = next(iter(shares))
    share = shares.pop(first)
    if kind == "car" and knobs.red_share is not None:
        share = knobs.red_share
    is_first, other = thing.chance(share), thing.pick(shares)
    extra = {}
    if kind == "house":
        colours["roof"] = thing.pick(ROOFS)
        extra["roof"] = _coloured(colours["roof"], thing.between(42, 52), thing)
    elif kind == "tree":
        extra["conifer"] = thing.chance(1 / 3)
        is_first |= extra["conifer"]
    colours["object"] = first if is_first else other
    lab = _coloured(colours["object"], thing.between(55, 67), thing)

    paint_object, half_width, low, high = _OBJECTS[kind]
    size_drawn = thing.between(0.75, 1.15)
    scale = half_width * (size_drawn if knobs.object_size is None else knobs.object_size)
    x, base = thing.between(0.38, 0.62), thing.between(low, high)
    place = _Place(x, base, scale, mirrored=thing.chance(0.5))
    if kind in ("car", "house", "tree"):
        shadow = _ellipse(x - 0.05 * sunlit, base, 1.1 * scale, 0.12 * scale)
        canvas.paint(None, [shadow], _lch(22, 4, 200), opacity=0.4)
    canvas.keep_background()
    paint_object(canvas, place, lab, thing, sunlit, **extra)
    caption = CAPTIONS[kind].format(**colours).replace("a orange", "an orange")
    return Scene(_srgb(canvas.lab), canvas.mask, CLASSES.index(kind), caption, colours)


def image_set(
    split: str = "train",
    *,
    size: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    knobs: Knobs = Knobs(),
) -> ImageSet:
    """The scenes 0..limit-1 of a split (default: 2,000 train, 200 val, 400 test) at `size` pixels
    (default: 32) as a data set with masks and captions; about 4 ms each at 32 pixels.

    Raises ColornbError for an unknown split.
    """
    import torch

    from colornb.datasets import ImageSet

    size, count = size or 32, limit or SIZES.get(split, 1)  # `draw` refuses an unknown split
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
