"""A first guess of small pictures' colours: kernel ridge regression on what a classifier sees.

Where colours cannot be told, the least wrong answer is what pictures that look alike have. A kernel
ridge regression (Saunders, Gammerman and Vovk 1998) says just that: its guess is a weighted sum of
the training pictures' colours, in which those count most that the classifier sees as it sees the
new one. It is fitted at once, in closed form.
"""

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from sklearn.compose import TransformedTargetRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from colornb import features, lab
from colornb.datasets import ImageSet

SIDE = 4
"""Squares each way that a guess has a colour for."""
FOLDS = 5
SHARES = {"means": 1.0, "places": 0.5, "lightness": 0.2}
"""Weights in the squared distance of two pictures: of the means of the classifier's maps, of its
map of 4x4 squares, and of L at 8x8. Others, tried on validation pictures, made no difference."""


class FirstGuess:
    """A kernel ridge regression from what a classifier sees in the gray picture to coarse colours.

    Its guesses are stored beside the classifier's vectors: on another number of threads they would
    differ in the last bits, and a training that is told them would not go on where it was.

    Args:
        train: the pictures that it knows, each also mirrored.
        extractor: the classifier, one of `features.MAPPED`.
    """

    def __init__(self, train: ImageSet, extractor: str):
        self.train, self.extractor = train, extractor

    @cached_property
    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """What is seen in the training pictures and, after them, in them mirrored (2N, D), and
        their coarse ab in Lab units (2N, 32).

        Raises:
            ColornbError: the extractor is unknown, or none of `features.MAPPED`.
        """
        both = [_seen(self.train, self.extractor, mirrored) for mirrored in (False, True)]
        pictures = torch.cat((self.train.images, self.train.images.flip(3)))
        return np.concatenate(both), _coarse(lab.uint8_to_lab(pictures)[:, 1:], SIDE)

    def of_training(self) -> tuple[Tensor, Tensor]:
        """Guesses for the training pictures, and for them mirrored, in Lab units (N, 2, 4, 4): each
        by a regression on the four fifths of the pictures that it is not among, since a guess that
        knows the answer would be trusted too much."""

        def compute() -> Tensor:
            groups = np.tile(np.arange(len(self.train)), 2)
            folds = GroupKFold(min(FOLDS, len(self.train)))
            found = cross_val_predict(_regression(), *self.known, groups=groups, cv=folds)
            return torch.from_numpy(found)

        return self._stored("out of fold", compute, len(self.train))

    def __call__(self, images: ImageSet) -> tuple[Tensor, Tensor]:
        """Guesses for other pictures, and for them mirrored, in Lab units (N, 2, 4, 4)."""

        def compute() -> Tensor:
            model = _regression().fit(*self.known)
            seen = [_seen(images, self.extractor, mirrored) for mirrored in (False, True)]
            return torch.from_numpy(model.predict(np.concatenate(seen)))

        return self._stored(images.sha256, compute, len(images))

    def _stored(self, of: str, compute, number: int) -> tuple[Tensor, Tensor]:
        code = Path(__file__).read_text(encoding="utf8")
        key = f"{self.train.sha256}|{self.extractor}|{of}|{code}|{features.CODE}"
        found = features.stored(hashlib.sha256(key.encode()).hexdigest()[:24], compute, 2 * number)
        one, mirrored = found.float().unflatten(1, (2, SIDE, SIDE)).split(number)
        return one, mirrored


def _regression() -> TransformedTargetRegressor:
    return TransformedTargetRegressor(
        make_pipeline(
            StandardScaler(),
            FunctionTransformer(_weigh),
            KernelRidge(kernel="rbf", gamma=1 / sum(SHARES.values()), alpha=1.0),
        ),
        transformer=StandardScaler(with_std=False),
    )


def _seen(images: ImageSet, extractor: str, mirrored: bool) -> np.ndarray:
    """What the distance of pictures is taken of, (N, D): the classifier's gist, and L at 8x8."""
    pictures = images.images.flip(3) if mirrored else images.images
    gist = features.embed(images, extractor, "gist", mirrored=mirrored).float().numpy()
    return np.concatenate((gist, _coarse(lab.uint8_to_lab(pictures)[:, :1], 8)), axis=1)


def _weigh(standardised: np.ndarray) -> np.ndarray:
    """The columns of `_seen`, standardised, with the weights of `SHARES`."""
    lightness, places = 8 * 8, 320 * SIDE * SIDE
    sizes = (standardised.shape[1] - places - lightness, places, lightness)
    roots = [(share / size) ** 0.5 for share, size in zip(SHARES.values(), sizes, strict=True)]
    return standardised * np.repeat(np.float32(roots), sizes)


def _coarse(maps: Tensor, side: int) -> np.ndarray:
    """Maps (N, C, H, W), averaged over side x side squares: (N, C * side * side)."""
    return adaptive_avg_pool2d(maps, side).flatten(1).numpy()
