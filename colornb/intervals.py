"""95 % intervals of measures that are functions of sums over images, by a paired bootstrap.

A measure comes as `Counts`: name -> an array with a row for each image, numbers or vectors (a
histogram, say), and as a statistic, which makes the measure of the means of these arrays over
images. A draw takes images anew, the same for every system of a comparison, and the training
seeds of each system anew; the same seeds for both sides where one and the same networks are
measured twice. So any ratio, histogram or curve gets its interval the same way.

A statistic that is biased on few images, such as a divergence of histograms, says so by an
attribute `biased = True`. Draws hold fewer different images and lie further off than the value
does: they are reflected at it, and their mean is the value, corrected (the basic interval, Davison
and Hinkley 1997, 5.2).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

Counts = Mapping[str, np.ndarray]
Statistic = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def resample_weights(n: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Bootstrap draws of n things as weights (resamples, n), each row summing to 1."""
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples) / n


def interval(draws: np.ndarray) -> dict[str, Any]:
    """`low` and `high`: the central 95 % of draws (resamples, ...); arrays if those are vectors.

    Draws that are not a number, since nothing was there to be counted, are left out.
    """
    some = ~np.isnan(draws).all(axis=0)
    bounds = np.full((2, *some.shape), np.nan)
    bounds[:, some] = np.nanpercentile(draws[:, some], [2.5, 97.5], axis=0)
    return {"low": _plain(bounds[0]), "high": _plain(bounds[1])}


def training_variance(values: Sequence[float]) -> float:
    """Variance of the mean of a value of several trainings; 0 for a single one, which says nothing
    of others."""
    return float(np.var(values, ddof=1)) / len(values) if len(values) > 1 else 0.0


def moved_outwards(value: float, low: float, high: float, variance: float) -> dict[str, float]:
    """The 95 % interval `low`, `high` of a value where an independent cause adds a `variance`:
    `value`, `low`, `high`."""
    reach = 1.96 * variance**0.5
    return {
        "value": value,
        "low": float(value - np.hypot(value - low, reach)),
        "high": float(value + np.hypot(high - value, reach)),
    }


def _plain(value: np.ndarray) -> float | np.ndarray:
    return float(value) if np.ndim(value) == 0 else value


@lru_cache(maxsize=4)  # 16 MB for 1,000 pictures, and the same for every measure of them
def _draw_images(n: int, resamples: int, seed: int) -> tuple[np.ndarray, dict]:
    """`resample_weights` of a new generator, and the state that this is left in."""
    rng = np.random.default_rng(seed)
    weights = resample_weights(n, resamples, rng)
    weights.setflags(write=False)
    return weights, rng.bit_generator.state


class Bootstrap:
    """Draws of measures over the same `images` images; call it once for each system."""

    def __init__(self, images: int, *, resamples: int = 2000, seed: int = 0):
        self.weights, state = _draw_images(images, resamples, seed)
        self.rng = np.random.default_rng()
        self.rng.bit_generator.state = state

    def draw_seeds(self, n: int) -> np.ndarray:
        """Draws of n training seeds, as weights (resamples, n)."""
        return resample_weights(n, len(self.weights), self.rng)

    def __call__(
        self, counts: Sequence[Counts], statistic: Statistic, chosen: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The measure's value (...) and its draws (resamples, ...), corrected if it is `biased`.

        Args:
            counts: those of a system, one for each of its training seeds.
            statistic: takes name -> means (..., *shape of a row), keeps the leading axes.
            chosen: what `draw_seeds` drew for the same networks before; by default it draws.
        """
        if chosen is None:
            chosen = self.draw_seeds(len(counts))
        means, drawn = {}, {}
        for name in counts[0]:
            rows = np.stack([np.asarray(count[name], float) for count in counts])
            means[name] = rows.mean(axis=(0, 1))
            flat = rows.reshape(*rows.shape[:2], -1)
            picked = np.einsum("rs,srk->rk", chosen, self.weights @ flat)
            drawn[name] = picked.reshape(-1, *rows.shape[2:])
        with np.errstate(divide="ignore", invalid="ignore"):
            value, draws = statistic(means), statistic(drawn)
        if not _biased(statistic):
            return value, draws
        reflected = 2 * value - draws
        return reflected.mean(axis=0), reflected

    def value(self, counts: Sequence[Counts], statistic: Statistic) -> np.ndarray:
        """The measure's value (...) alone, without draws where it needs none."""
        if _biased(statistic):
            return self(counts, statistic)[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            return statistic(
                {k: np.mean([one[k] for one in counts], axis=(0, 1)) for k in counts[0]}
            )


def _biased(statistic: Statistic) -> bool:
    return getattr(statistic, "biased", False)


def estimate(
    counts: Sequence[Counts], statistic: Statistic, *, resamples: int = 2000
) -> dict[str, Any]:
    """A measure of one system: `value`, `low`, `high`, `n` images, and `seeds`, its values for
    the single training seeds. Value and bounds are arrays if the statistic gives vectors."""
    n = _images(counts)
    bootstrap = Bootstrap(n, resamples=resamples)
    value, draws = bootstrap(counts, statistic)
    singles = [value]
    if len(counts) > 1:
        singles = [bootstrap.value([one], statistic) for one in counts]
    return {
        "value": _plain(value),
        **interval(draws),
        "n": n,
        "seeds": [_plain(single) for single in singles],
    }


def difference(
    a: Sequence[Counts], b: Sequence[Counts], statistic: Statistic, *, same_training: bool = False
) -> dict[str, Any]:
    """System a minus system b on the same images: `difference`, `low`, `high`, `n`.

    Args:
        same_training: a and b are of the same networks (before and after a change of their input,
            say), seed by seed: what a seed does to both cancels.
    """
    n = _images([*a, *b])
    return _minus([Bootstrap(n)] * 2, (a, b), statistic, same_training) | {"n": n}


def _minus(
    bootstraps: Sequence[Bootstrap],
    systems: Sequence[Sequence[Counts]],
    statistic: Statistic,
    same_training: bool,
) -> dict[str, Any]:
    chosen = None
    if same_training:
        a, b = map(len, systems)
        if a != b:
            raise ValueError(f"the same training has as many seeds, not {a} and {b}")
        chosen = bootstraps[0].draw_seeds(a)
    (value_a, draws_a), (value_b, draws_b) = (
        bootstrap(counts, statistic, chosen)
        for bootstrap, counts in zip(bootstraps, systems, strict=True)
    )
    return {"difference": _plain(value_a - value_b), **interval(draws_a - draws_b)}


def differences_by_kind(
    a: Sequence[Counts], b: Sequence[Counts], statistic: Statistic, kinds: Mapping[str, np.ndarray]
) -> dict[str, dict[str, Any]]:
    """`difference` on parts of the images: kind -> bool (N,); empty kinds are left out."""
    return {
        kind: difference(
            *([{k: v[chosen] for k, v in one.items()} for one in counts] for counts in (a, b)),
            statistic,
        )
        for kind, chosen in kinds.items()
        if chosen.any()
    }


def difference_between_sets(
    a: Sequence[Counts], b: Sequence[Counts], statistic: Statistic, *, same_training: bool = False
) -> dict[str, Any]:
    """A measure on one set of images minus that on another, drawn apart: `difference`, `low`,
    `high`. With `same_training` as in `difference`, the seeds are drawn together."""
    apart = [Bootstrap(_images(counts), seed=seed) for seed, counts in enumerate((a, b))]
    return _minus(apart, (a, b), statistic, same_training)


def _images(counts: Sequence[Counts]) -> int:
    lengths = {len(array) for count in counts for array in count.values()}
    if len(lengths) != 1:
        raise ValueError(f"counts must be of the same images, but there are {sorted(lengths)} rows")
    return lengths.pop()
