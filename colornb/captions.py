"""Captions of pictures: colour words by a stated rule, and words as numbers for a network.

Scenes come with exact captions. For other data sets a caption names the dominant colour and the
class, by the rule of `colour_word`. What a caption says of a picture's colours is part of the
answer: a network that reads it sees more than the gray picture, and its rows in the tables say so.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import torch
from scipy.ndimage import binary_erosion, generate_binary_structure
from torch import Tensor

from colornb import lab, scenes
from colornb.datasets import CIFAR10_CLASSES, ImageSet
from colornb.errors import ColornbError
from colornb.intervals import Counts
from colornb.limits.colour import centre

HUES = {
    "red": (-15.0, 48.0),
    "orange": (48.0, 74.0),
    "yellow": (74.0, 105.0),
    "green": (105.0, 190.0),
    "blue": (190.0, 295.0),
    "purple": (295.0, 345.0),
}
"""Colour word -> hue angles in Lab, in degrees."""
COLOURED = 15.0
"""Lab chroma from which on a pixel has a colour to name."""
BROWN = (48.0, 90.0, 50.0)
"""Hue angles between which, and L below which, a colour is called brown."""
GRAYS = {"black": (0.0, 30.0), "gray": (30.0, 75.0), "white": (75.0, 101.0)}
"""Word for what has no colour -> its range of L."""
COLOURS = (*HUES, "brown", *GRAYS)

_WORD = re.compile(r"[a-z]+")
_ARTICLES = {"a", "an", "the"}


def words(caption: str) -> list[str]:
    """The words of a caption but for its articles."""
    return [word for word in _WORD.findall(caption.lower()) if word not in _ARTICLES]


VOCABULARY = (
    "",
    *dict.fromkeys(
        (
            *COLOURS,
            *(w for text in scenes.CAPTIONS.values() for w in words(re.sub("{.*?}", "", text))),
            *scenes.CLASSES,
            *CIFAR10_CLASSES,
            *("photograph", "and"),
        )
    ),
)
"""Every word that a network knows; the first stands where there is none."""
LENGTH = 16
"""The most words that a caption may have."""


def encode(captions: Iterable[str]) -> Tensor:
    """Captions as numbers of words, int64 (N, LENGTH).

    Raises:
        ColornbError: a word is not in `VOCABULARY`, a caption has too many, or none but something
            else.
    """
    number = {word: i for i, word in enumerate(VOCABULARY)}
    rows = []
    for caption in captions:
        read = words(caption)
        if caption.strip() and not read or len(read) > LENGTH:
            raise ColornbError(
                f"The caption {caption!r} has {len(read)} words that can be read: give 1 to "
                f"{LENGTH} in Latin letters."
            )
        unknown = [word for word in read if word not in number]
        if unknown:
            known = ", ".join(sorted(VOCABULARY[1:]))
            raise ColornbError(f"The network does not know {unknown[0]!r}; it knows: {known}.")
        rows.append([number[word] for word in read] + [0] * (LENGTH - len(read)))
    return torch.tensor(rows).view(-1, LENGTH)


@torch.no_grad()
def name_pixels(images: Tensor) -> Tensor:
    """What each pixel of uint8 (N, 3, H, W) is called: places in `COLOURS`, int64 (N, H, W)."""
    named = []
    for part in images.split(max(1, 2**20 // images[0, 0].numel())):
        lightness, a, b = lab.uint8_to_lab(part).unbind(1)
        hue, found = torch.rad2deg(torch.atan2(b, a)), torch.zeros(a.shape, dtype=torch.long)
        for word, (low, high) in HUES.items():
            found[(hue - low) % 360 < high - low] = COLOURS.index(word)
        low, high, dark = BROWN
        found[((hue - low) % 360 < high - low) & (lightness < dark)] = COLOURS.index("brown")
        for word, (low, high) in GRAYS.items():
            gray = (torch.hypot(a, b) < COLOURED) & (lightness >= low) & (lightness < high)
            found[gray] = COLOURS.index(word)
        named.append(found)
    return torch.cat(named)


def in_colour(images: Tensor, word: str) -> Tensor:
    """Pixels of uint8 (N, 3, H, W) that are called by a colour word: bool (N, H, W)."""
    return name_pixels(images) == COLOURS.index(word)


def colour_word(images: Tensor, where: Tensor) -> list[str]:
    """The dominant colour of each picture, uint8 (N, 3, H, W), over `where` bool (N, H, W).

    The colour that most pixels have, of those that have one, where these are at least a quarter;
    otherwise the most frequent of black, gray and white.
    """
    named = name_pixels(images)
    found = torch.stack([((named == k) & where).sum((1, 2)) for k in range(len(COLOURS))], dim=1)
    split = len(COLOURS) - len(GRAYS)
    coloured, grays = found.split((split, len(GRAYS)), dim=1)
    many = coloured.sum(1) * 4 >= where.sum((1, 2))
    chosen = torch.where(many, coloured.argmax(1), split + grays.argmax(1))
    return [COLOURS[i] for i in chosen.tolist()]


@cache
def by_rule(images: ImageSet) -> list[str]:
    """A caption of each picture by `colour_word`: its dominant colour over the central half and
    its class, e.g. "a red automobile"."""
    named = colour_word(images.images, centre(images.images))
    return [
        f"a {word} {images.classes[label]}"
        for word, label in zip(named, images.labels.tolist(), strict=True)
    ]


def of(images: ImageSet) -> list[str]:
    """A caption of each picture: its own where the set has them, otherwise one `by_rule`."""
    return by_rule(images) if images.captions is None else list(images.captions)


def object_colour(caption: str) -> str:
    """The colour of a caption's object, which is the first colour it names; "" for none."""
    return next((word for word in words(caption) if word in COLOURS), "")


def ask(captions: Sequence[str], colour: str) -> list[str]:
    """The captions with another colour of their object."""

    def asked(caption: str) -> str:
        read, own = words(caption), object_colour(caption)
        place = read.index(own) if own else 0
        return " ".join([*read[:place], colour, *read[place + bool(own) :]])

    return [asked(caption) for caption in captions]


def without_colours(captions: Sequence[str]) -> list[str]:
    """The captions without their colour words: what is in the picture, and not how it looks."""
    return [
        " ".join(w for w in words(caption) if w not in COLOURS and w != "and")
        for caption in captions
    ]


def other_colour(captions: Sequence[str], seed: int = 0) -> list[str]:
    """The captions with a wrong colour of their object, drawn from the other hues."""
    dice = np.random.default_rng(seed)

    def wrong(caption: str) -> str:
        own = object_colour(caption)
        return ask([caption], str(dice.choice([hue for hue in HUES if hue != own])))[0]

    return [wrong(caption) for caption in captions]


def to_train_with(captions: Sequence[str]) -> Tensor:
    """Of each caption, as numbers of words: as it is, without its colour words, and no words at
    all, int64 (N, 3, LENGTH). `models.Captioned` draws one of them anew in each step of training: a
    network that has never gone without cannot do without."""
    ways = captions, without_colours(captions), [""] * len(captions)
    return torch.stack([encode(way) for way in ways], dim=1)


SEES = {
    "own": "caption",
    "no_caption": "l",
    "class_only": "class",
    "wrong_colour": "caption",
    "shuffled": "caption",
}
"""What a network may be told of a picture -> what it then sees."""


def tellings(captions: Sequence[str], seed: int = 0) -> dict[str, list[str]]:
    """The captions and their controls, by the names of `SEES`."""
    order = np.random.default_rng(seed).permutation(len(captions))
    return {
        "own": list(captions),
        "no_caption": [""] * len(captions),
        "class_only": without_colours(captions),
        "wrong_colour": other_colour(captions, seed),
        "shuffled": [captions[i] for i in order],
    }


def count_obedience(
    paint: Callable[[list[str]], list[Tensor]],
    captions: Sequence[str],
    colours: Sequence[str],
    where: Tensor,
) -> dict[str, list[Counts]]:
    """How many object pixels take each of `colours` when it is asked for, and when it is not.

    Args:
        paint: captions -> what each training seed makes of the pictures, uint8 (N, 3, H, W).
        captions: of the pictures; their colour is replaced.
        where: bool (N, H, W), the object.

    Returns:
        Telling of the asked caption ("own" asks for the colour, "wrong_colour" for another) ->
        for each seed `obeyed`, pixels in the colour, and `pixels`, each (N, colours), and the same
        of the pixels that do not lie on the object's edge, `obeyed_inside` and `pixels_inside`.
    """
    parts = {"": where, "_inside": inside(where)}

    def count(one: Tensor) -> np.ndarray:
        return one.flatten(1).sum(1).numpy()

    pixels = {
        f"pixels{ending}": count(part)[:, None].repeat(len(colours), axis=1)
        for ending, part in parts.items()
    }
    found: dict[str, list[list[Counts]]] = {}
    painted: dict[str, list[Tensor]] = {}
    for colour in colours:
        for telling, told in tellings(ask(captions, colour)).items():
            if telling == "shuffled":  # the same colour, of another picture's object
                continue
            if telling in ("own", "wrong_colour") or telling not in painted:
                painted[telling] = paint(told)  # the others are the same whatever is asked
            named = [in_colour(one, colour) for one in painted[telling]]
            obeyed = [{k: count(one & part) for k, part in parts.items()} for one in named]
            found.setdefault(telling, []).append(obeyed)
    return {
        telling: [
            {f"obeyed{ending}": np.stack([one[ending] for one in of_seed], 1) for ending in parts}
            | pixels
            for of_seed in zip(*by_colour, strict=True)
        ]
        for telling, by_colour in found.items()
    }


def inside(where: Tensor) -> Tensor:
    """The pixels of bool (N, H, W) whose four neighbours are of them, too."""
    return torch.from_numpy(binary_erosion(where.numpy(), generate_binary_structure(2, 1)[None]))


def obedience(means: Counts) -> np.ndarray:
    """Share of object pixels in the asked colour, over all asked colours."""
    return means["obeyed"].sum(-1) / means["pixels"].sum(-1)


def obedience_inside(means: Counts) -> np.ndarray:
    """`obedience` of the object's pixels that do not lie on its edge."""
    return means["obeyed_inside"].sum(-1) / means["pixels_inside"].sum(-1)


def obedience_by_colour(means: Counts) -> np.ndarray:
    """Share of object pixels in each asked colour: (..., colours)."""
    return means["obeyed"] / means["pixels"]
