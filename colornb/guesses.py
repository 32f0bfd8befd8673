"""A first guess of the colours of small pictures: kernel regression on what a classifier sees.

Where colours cannot be told, the best that can be said is what pictures that look alike have. A
kernel regression says just that: its guess is a weighted sum of the training pictures' colours,
each weight falling with the distance of what the classifier sees in the two. It has no weights to
be trained step by step, and is fitted at once (kernel ridge regression; Saunders, Gammerman and
Vovk 1998).
"""

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
"""How much of the squared distance of two pictures comes from the means of the classifier's maps,
from its map of 4x4 squares, and from L at 8x8. Single tries of others on validation pictures made no
difference."""


class FirstGuess:
    """A kernel regression from what a classifier sees in the gray picture to coarse colours.

    Args:
        train: the pictures that it knows, each also mirrored.
        extractor: the classifier, one of `features.MAPPED`.

    Raises:
        ColornbError: the extractor is unknown, or none of these.
    """

    def __init__(self, train: ImageSet, extractor: str):
        self.extractor = extractor
        both = [_seen(train, extractor, mirrored) for mirrored in (False, True)]
        self._seen, self._number = np.concatenate(both), len(train)
        pictures = torch.cat((train.images, train.images.flip(3)))
        self._ab = _coarse(lab.uint8_to_lab(pictures)[:, 1:], SIDE)
        columns = _columns(both[0].shape[1])

        def weigh(standardised: np.ndarray) -> np.ndarray:
            return standardised * columns

        self._model = TransformedTargetRegressor(
            make_pipeline(
                StandardScaler(),
                FunctionTransformer(weigh),
                KernelRidge(kernel="rbf", gamma=1 / sum(SHARES.values()), alpha=1.0),
            ),
            transformer=StandardScaler(with_std=False),
        )

    def of_training(self) -> tuple[Tensor, Tensor]:
        """Guesses for the training pictures, and for them mirrored, in Lab units (N, 2, 4, 4): each by
        a regression on the four fifths of the pictures that it is not among, so that they are as
        good as those for new pictures are."""
        groups = np.tile(np.arange(self._number), 2)
        folds = GroupKFold(min(FOLDS, self._number))
        found = cross_val_predict(self._model, self._seen, self._ab, groups=groups, cv=folds)
        one, other = _as_maps(found).split(self._number)
        return one, other

    def __call__(self, images: ImageSet) -> Tensor:
        """Guesses for other pictures, in Lab units (N, 2, 4, 4)."""
        if not hasattr(self._model, "regressor_"):
            self._model.fit(self._seen, self._ab)
        return _as_maps(self._model.predict(_seen(images, self.extractor, False)))


def _seen(images: ImageSet, extractor: str, mirrored: bool) -> np.ndarray:
    """What the distance of pictures is taken of, (N, D): the classifier's gist, and L at 8x8."""
    pictures = images.images.flip(3) if mirrored else images.images
    gist = features.embed(images, extractor, "gist", mirrored=mirrored).float().numpy()
    return np.concatenate((gist, _coarse(lab.uint8_to_lab(pictures)[:, :1], 8)), axis=1)


def _columns(number: int) -> np.ndarray:
    """Factors that give the parts of `_seen`, once standardised, their `SHARES`."""
    lightness, places = 8 * 8, 320 * SIDE * SIDE
    sizes = (number - places - lightness, places, lightness)
    roots = [(share / size) ** 0.5 for share, size in zip(SHARES.values(), sizes, strict=True)]
    return np.repeat(np.float32(roots), sizes)


def _coarse(maps: Tensor, side: int) -> np.ndarray:
    """Maps (N, C, H, W), averaged over side x side squares: (N, C * side * side)."""
    return adaptive_avg_pool2d(maps, side).flatten(1).numpy()


def _as_maps(found: np.ndarray) -> Tensor:
    return torch.from_numpy(found).float().unflatten(1, (2, SIDE, SIDE))
