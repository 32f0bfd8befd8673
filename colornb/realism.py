"""Whether a set of colorized pictures looks like the set of true ones.

Both measures see pictures as features (N, D) of a frozen network (`colornb.features.pooled`);
row i of `real` is a picture and row i of `fake` its colorization, and pairs stay together
wherever pictures are left out or drawn. A number means something only beside the name, layer and
input size of that network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from colornb.intervals import interval, resample_weights, training_variance


def _kernel(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(x.y / D + 1)^3 of Binkowski et al. 2018 (arXiv 1801.01401) between all rows: (N, M)."""
    return (one.astype(float) @ other.T.astype(float) / one.shape[1] + 1) ** 3


def _pair_kernel(real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """h(i, j) = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i) with a diagonal of 0: (N, N).

    Its mean over i != j is the unbiased MMD^2 (Gretton et al. 2012, lemma 6). That leaves out
    k(x_i, y_i), which the usual KID of unpaired sets keeps: here it would bias the distance
    downwards, since a picture is closer to its own colorization than to those of others.
    """
    if real.shape != fake.shape or real.ndim != 2 or len(real) < 3:
        raise ValueError(
            f"expected two arrays of one shape (N, D), N at least 3, got {real.shape}, {fake.shape}"
        )
    cross = _kernel(real, fake)
    h = _kernel(real, real) + _kernel(fake, fake) - cross - cross.T
    np.fill_diagonal(h, 0)
    return h


@dataclass(frozen=True)
class Kernels:
    """What the KID of a system is made of.

    Attributes:
        mean: for each two pictures (N, N), the mean over the system's trainings; KID is its mean.
        trainings: the KID of each training (S,).
    """

    mean: np.ndarray
    trainings: np.ndarray


def kernels(real: np.ndarray, fakes: Sequence[np.ndarray]) -> Kernels:
    """Of paired features (N, D), `fakes` for each training seed of a system."""
    n = len(real)
    each = [_pair_kernel(real, fake) for fake in fakes]
    return Kernels(sum(each) / len(each), np.array([h.sum() for h in each]) / (n * (n - 1)))


def _picture_variance(h: np.ndarray) -> float:
    """Variance of the mean of h over i != j by the jackknife: from leaving out one picture at a
    time. Exact and cheap: leaving out picture i takes twice the sum of row i from the total."""
    n = len(h)
    without = (h.sum() - 2 * h.sum(axis=1)) / ((n - 1) * (n - 2))
    return (n - 1) / n * ((without - without.mean()) ** 2).sum()


def _around(name: str, value: float, variance: float, n: int) -> dict[str, float]:
    reach = 1.96 * np.sqrt(variance)
    return {name: float(value), "low": float(value - reach), "high": float(value + reach), "n": n}


def kid(real: np.ndarray, fakes: Sequence[np.ndarray]) -> dict[str, float]:
    """Kernel distance of paired features (N, D): `value`, `low`, `high`, `n`.

    `fakes` holds the features of a system for each of its training seeds; the value is the mean
    over them, and the interval (95 %) covers pictures and seeds: the jackknife's variance and that
    between trainings are added. The unbiased MMD^2 on the full sets: around 0, and below 0 by
    chance, where they are alike. Unlike the percentile bootstrap, whose repeated pictures bias it
    upwards, the jackknife gives an interval around the value.
    """
    found = kernels(real, fakes)
    variance = _picture_variance(found.mean) + training_variance(found.trainings)
    return _around("value", found.trainings.mean(), variance, len(real))


def kid_difference(a: Kernels, b: Kernels, *, same_training: bool = False) -> dict[str, float]:
    """`kid` of system a minus that of b on the same pictures: `difference`, `low`, `high`, `n`.

    With `same_training` the two are of the same networks, seed by seed.
    """
    h = a.mean - b.mean
    if same_training:
        spread = training_variance(a.trainings - b.trainings)
    else:
        spread = training_variance(a.trainings) + training_variance(b.trainings)
    value = a.trainings.mean() - b.trainings.mean()
    return _around("difference", value, _picture_variance(h) + spread, len(h))


def kid_ratio(a: Kernels, b: Kernels) -> dict[str, Any]:
    """`kid` of system a over that of b on the same pictures: `value`, `low`, `high`, `n`, `seeds`.

    The interval is by the delta method (Davison and Hinkley 1997, 2.7.1): a ratio r of means
    varies as the mean of a - r b does, over the mean of b. It is for a b whose KID is far above 0.
    `seeds` are the ratios of the trainings, in their order, as far as both systems have one.
    """
    over = b.trainings.mean()
    ratio = a.trainings.mean() / over
    spread = training_variance(a.trainings) + ratio**2 * training_variance(b.trainings)
    variance = (_picture_variance(a.mean - ratio * b.mean) + spread) / over**2
    singles = [float(x / y) for x, y in zip(a.trainings, b.trainings, strict=False)]
    return _around("value", ratio, variance, len(a.mean)) | {"seeds": singles}


def kid_floor(real: np.ndarray, *, splits: int = 500, seed: int = 0) -> dict[str, float]:
    """What KID makes of truth against truth: the mean of one random half against the other.

    Over `splits` random halvings: `value` (near 0, the estimate is unbiased), `low` and `high`
    (the central 95 %: a KID within them tells nothing), `n` pictures in a half.
    """
    half = len(real) // 2
    rng = np.random.default_rng(seed)
    order = rng.permuted(np.tile(np.arange(len(real)), (splits, 1)), axis=1)
    one, other = np.zeros((2, splits, len(real)))  # which pictures are in which half
    np.put_along_axis(one, order[:, :half], 1, axis=1)
    np.put_along_axis(other, order[:, half : 2 * half], 1, axis=1)
    kernel = _kernel(real, real)
    np.fill_diagonal(kernel, 0)
    from_one, from_other = (one @ kernel, other @ kernel)  # sums over the pictures of a half
    within = (from_one * one + from_other * other).sum(axis=1) / (half * (half - 1))
    draws = within - 2 * (from_one * other).sum(axis=1) / half**2
    return {"value": float(draws.mean()), **interval(draws), "n": half}


def c2st(
    real: np.ndarray, fakes: Sequence[np.ndarray], *, folds: int = 5, seed: int = 0
) -> dict[str, float]:
    """Share of pictures that a linear classifier tells right: real or colorized?

    Paired features (N, D), one for each training seed, to `value`, `low`, `high` and `n` pictures:
    0.5 where the sets cannot be told apart, 1 where every picture is recognised (a classifier
    two-sample test, Lopez-Paz and Oquab 2017, arXiv 1610.06545). Ridge regression on standardised
    features, its penalty N. Each picture is judged by one of `folds` classifiers that has seen
    neither it nor its colorization: with pairs torn apart, equal sets would score far below 0.5.
    The value is the mean over the seeds; the interval is a 95 % bootstrap over pictures and seeds.
    """
    rng = np.random.default_rng(seed)
    fold = rng.permutation(len(real)) % folds
    hits = np.stack([_judged(real, fake, fold) for fake in fakes])
    draws = resample_weights(len(real), 2000, rng) @ hits.T
    draws = (draws * resample_weights(len(hits), 2000, rng)).sum(axis=1)
    return {"value": float(hits.mean()), **interval(draws), "n": len(real)}


def told_right(real: np.ndarray, fake: np.ndarray, *, folds: int = 5, seed: int = 0) -> np.ndarray:
    """What `c2st` is the mean of: for each picture, the share of the two judgements, on it and on
    its colorization, that are right (N,). Two systems are compared by it picture by picture."""
    return _judged(real, fake, np.random.default_rng(seed).permutation(len(real)) % folds)


def _judged(real: np.ndarray, fake: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Share of the judgements on each picture and its colorization that are right: (N,)."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import PredefinedSplit, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n, folds = len(real), fold.max() + 1
    if real.shape != fake.shape or n < 2 * folds:
        raise ValueError(
            f"expected two arrays of one shape (N, D), N at least {2 * folds}, "
            f"got {real.shape}, {fake.shape}"
        )
    colorized = np.repeat([False, True], n)
    classifier = make_pipeline(StandardScaler(), RidgeClassifier(alpha=n))
    judged = cross_val_predict(
        classifier, np.concatenate((real, fake)), colorized, cv=PredefinedSplit(np.tile(fold, 2))
    )
    return (judged == colorized).reshape(2, n).mean(axis=0)
