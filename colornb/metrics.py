"""How far colorized pictures are from the true ones: per image, and over images with intervals.

Everything is measured between uint8 sRGB pictures at the system's full size: a prediction is made
into a picture once, by `colornb.lab.assemble`, and the truth is left as it is. Lab values are
those of the uint8 pictures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from colornb import lab
from colornb.datasets import ImageSet
from colornb.errors import ColornbError
from colornb.intervals import Bootstrap, Counts, Statistic, difference, interval

_WINDOW = 11  # width of SSIM's window
_CHUNK_PIXELS = 2**18  # pixels measured at once: temporaries stay near the processor's caches


@dataclass(frozen=True)
class Metric:
    """How a measure is shown.

    Attributes:
        label: for tables and captions, with the unit.
        better: "lower", "higher" or "neither".
        format: format specification of a value.
        unit: as in `results.csv`.
    """

    label: str
    better: str
    format: str
    unit: str

    @property
    def signed(self) -> str:
        """Format specification of a difference."""
        return "+" + self.format.lstrip("+")

    def verdict(self, low: float, high: float) -> str:
        """What the interval of a difference says of the system that comes first: "better" or
        "worse", "higher" or "lower" where neither is better, or "not distinguishable"."""
        if low <= 0 <= high:
            return "not distinguishable"
        if self.better == "neither":
            return "higher" if low > 0 else "lower"
        return "better" if (high < 0) == (self.better == "lower") else "worse"


METRICS = {
    "mse_rgb": Metric("MSE (sRGB in [0, 1])", "lower", ".5f", "sRGB^2"),
    "mse_ab": Metric("MSE (ab / 110)", "lower", ".5f", "(ab/110)^2"),
    "psnr": Metric("PSNR (dB)", "higher", ".2f", "dB"),
    "ssim": Metric("SSIM", "higher", ".3f", "1"),
    "mae_rgb": Metric("MAE (share of the sRGB range)", "lower", ".2%", "sRGB"),
    "acc2": Metric("Accuracy at 2 % (share of pixels)", "higher", ".1%", "share"),
    "acc5": Metric("Accuracy at 5 % (share of pixels)", "higher", ".1%", "share"),
    "auc": Metric("AuC of ab distance (share)", "higher", ".1%", "share"),
    "auc_rebalanced": Metric("AuC, rare colours weighted up (share)", "higher", ".1%", "share"),
    "delta_e2000": Metric("CIEDE2000", "lower", ".2f", "CIEDE2000"),
    "colorfulness_ratio": Metric("Colourfulness M3, predicted / true", "neither", ".2f", "ratio"),
    "chroma_retention": Metric("Chroma, predicted / true", "neither", ".2f", "ratio"),
    "kid": Metric("KID", "lower", ".4f", "MMD^2"),
    "c2st": Metric("Told from real by a linear classifier (share)", "lower", ".1%", "share"),
}
"""Name -> label, direction and number format, in the order of the tables."""

RATIOS = {
    "auc_rebalanced": ("auc_rebalanced_hit", "auc_rebalanced_weight"),
    "colorfulness_ratio": ("colorfulness", "colorfulness_truth"),
    "chroma_retention": ("chroma", "chroma_truth"),
}
"""Metrics that are a ratio of two means over images: per-image ratios blow up on gray pictures."""


@torch.no_grad()
def evaluate(
    predicted: Tensor, truth: Tensor, *, ab_frequency: Tensor | None = None
) -> pd.DataFrame:
    """Measure predicted against true pictures, both uint8 sRGB (N, 3, H, W): a row per image.

    Columns:

    - `mse_rgb`, `mae_rgb`: sRGB in [0, 1]. `mse_ab`: ab / 110.
    - `psnr` in dB, of a mean squared error of at least (1/255)^2/12, what rounding costs, since
      a picture that is exactly gray would give infinity.
    - `ssim`: Gaussian window of 11 pixels, sigma 1.5, mean over R, G and B (Wang et al. 2004).
    - `acc2`, `acc5`: share of pixels whose rounded Lab differs by at most t in L and 2.2 t in
      both a and b (Nazeri et al. 2018, arXiv 1803.05400).
    - `auc`: share of pixels within an ab distance, averaged over distances of 0 to 150
      (Zhang et al. 2016, arXiv 1603.08511), and, if `ab_frequency` of the training set is given,
      its rebalanced variant as the two columns of `RATIOS`.
    - `delta_e2000`: mean CIEDE2000.
    - `colorfulness`, `colorfulness_truth`: M3 of Hasler and Suesstrunk 2003, signed, on 0..255.
    - `chroma`, `chroma_truth`: mean Lab chroma.

    Pictures must be larger than 5 pixels each way (the window of SSIM); otherwise ValueError.
    """
    if (
        predicted.shape != truth.shape
        or truth.ndim != 4
        or truth.shape[1] != 3
        or min(truth.shape[2:]) <= _WINDOW // 2
        or not predicted.dtype == truth.dtype == torch.uint8
    ):
        raise ValueError(
            "expected two uint8 tensors of one shape (N, 3, H, W), H and W above 5, "
            f"got {predicted.dtype} {tuple(predicted.shape)}, {truth.dtype} {tuple(truth.shape)}"
        )
    chunk = max(1, _CHUNK_PIXELS // truth[0, 0].numel())
    parts = [
        _measure(one, other, ab_frequency)
        for one, other in zip(predicted.split(chunk), truth.split(chunk), strict=True)
    ]
    return pd.DataFrame(
        {name: torch.cat([part[name] for part in parts]).cpu().numpy() for name in parts[0]},
        dtype="float64",
    )


def _measure(predicted: Tensor, truth: Tensor, frequency: Tensor | None) -> dict[str, Tensor]:
    p, t = lab.to_float(predicted), lab.to_float(truth)
    p_lab, t_lab = lab.uint8_to_lab(predicted), lab.uint8_to_lab(truth)
    p_ab, t_ab = p_lab[:, 1:], t_lab[:, 1:]
    mse = _mean((p - t) ** 2)
    unequal = (p_lab.round() - t_lab.round()).abs() / p.new_tensor([1, 2.2, 2.2]).view(3, 1, 1)
    unequal = unequal.amax(dim=1)  # the smallest t at which a pixel counts
    auc = _auc(_length(p_ab - t_ab))
    measured = {
        "mse_rgb": mse,
        "mse_ab": _mean((p_ab - t_ab) ** 2) / lab.AB_SCALE**2,
        "psnr": -10 * torch.log10(mse.clamp(min=(1 / 255) ** 2 / 12)),
        "ssim": _ssim(p, t),
        "mae_rgb": _mean((p - t).abs()),
        "acc2": _mean((unequal <= 2).float()),
        "acc5": _mean((unequal <= 5 + 1e-4).float()),  # 11 / 2.2 may round to above 5
        "auc": _mean(auc),
        "delta_e2000": _mean(lab.delta_e2000(p_lab, t_lab)),
        "colorfulness": _colorfulness(p),
        "colorfulness_truth": _colorfulness(t),
        "chroma": _mean(_length(p_ab)),
        "chroma_truth": _mean(_length(t_ab)),
    }
    if frequency is not None:
        weight = (1 / frequency).to(auc)[lab.quantize_ab(t_ab)]
        measured["auc_rebalanced_hit"] = _mean(weight * auc)
        measured["auc_rebalanced_weight"] = _mean(weight)
    return measured


def _mean(pixels: Tensor) -> Tensor:
    """Mean over everything but the first axis: (N, ...) to (N,)."""
    return pixels.flatten(1).mean(dim=1)


def _length(ab: Tensor) -> Tensor:
    """Length (N, H, W) of ab (N, 2, H, W); many times faster than `Tensor.norm` on two values."""
    return torch.hypot(*ab.unbind(1))


def _auc(distance: Tensor) -> Tensor:
    """Each pixel's share of the area under the curve of "distance <= d" over d = 0, 1, ..., 150.

    The curve of one pixel is a step at k = ceil(distance), so the trapezoid rule gives
    150 - k + 1/2 (the half is the slope of the step; there is none at k = 0), out of 150.
    """
    k = distance.ceil()
    return torch.where(k == 0, 150, (150.5 - k).clamp(min=0)) / 150


def _colorfulness(rgb: Tensor) -> Tensor:
    """M3 of Hasler and Suesstrunk 2003 from rgb (N, 3, H, W) in [0, 1]: (N,), on 0..255."""
    r, g, b = (255 * rgb).flatten(2).unbind(1)
    opponent = torch.stack((r - g, (r + g) / 2 - b))
    variance, mean = torch.var_mean(opponent, dim=2, correction=0)
    return variance.sum(0).sqrt() + 0.3 * (mean**2).sum(0).sqrt()


def _ssim(p: Tensor, t: Tensor) -> Tensor:
    """As torchmetrics' SSIM at its defaults and data_range 1, several times faster: the window is
    applied along columns and along rows, each as one matrix product."""
    down, right = (_gaussian_matrix(size).to(p) for size in p.shape[2:])

    def blur(x: Tensor) -> Tensor:
        return down @ x @ right.T

    mean_p, mean_t = blur(p), blur(t)
    variances = (blur(p * p) - mean_p**2).clamp(min=0) + (blur(t * t) - mean_t**2).clamp(min=0)
    covariance = blur(p * t) - mean_p * mean_t
    luminance = (2 * mean_p * mean_t + 0.01**2) / (mean_p**2 + mean_t**2 + 0.01**2)
    return _mean(luminance * (2 * covariance + 0.03**2) / (variances + 0.03**2))


@cache
def _gaussian_matrix(size: int) -> Tensor:
    """Blurs a line of pixels (Gaussian, sigma 1.5, mirrored at the ends): (size, size)."""
    half = _WINDOW // 2
    window = torch.exp(-(torch.arange(-half, half + 1.0) ** 2) / (2 * 1.5**2))
    mirrored = functional.pad(torch.eye(size)[None], (half, half), mode="reflect")[0]
    return (mirrored.unfold(1, _WINDOW, 1) @ (window / window.sum())).T


@torch.no_grad()
def ab_frequency(images: Tensor, added: int = 1) -> Tensor:
    """Share of pixels of uint8 pictures (N, 3, H, W) in each of the 313 bins of ab: (313,).

    Pixels that are `added` to every bin, by default one, keep a colour that the training set never
    shows from an infinite weight in the rebalanced AuC.
    """
    bins = len(lab.ab_bins())
    counts = torch.full((bins,), float(added), dtype=torch.float64, device=images.device)
    for part in images.split(max(1, _CHUNK_PIXELS // images[0, 0].numel())):
        ab = lab.uint8_to_lab(part)[:, 1:]
        counts += torch.bincount(lab.quantize_ab(ab).flatten(), minlength=bins)
    return (counts / counts.sum()).float()


def _counts(images: pd.DataFrame, metric: str) -> Counts:
    """The columns that a metric is made of."""
    columns = RATIOS.get(metric, (metric,))
    if missing := set(columns) - set(images.columns):
        raise ColornbError(
            f"no column {', '.join(sorted(missing))} in the table of images: "
            "measure the run again with `colornb.metrics.evaluate`"
        )
    return {name: images[name].to_numpy(float) for name in columns}


def counting(train: Tensor) -> Callable[[Tensor, ImageSet], Counts]:
    """A function that counts, on pictures of an image set, what `statistic` needs: the columns of
    `evaluate`, with the frequency of colours of the training pictures uint8 (N, 3, H, W)."""
    frequency = ab_frequency(train)

    def count(pictures: Tensor, images: ImageSet) -> Counts:
        columns = evaluate(pictures, images.images, ab_frequency=frequency)
        return {name: column.to_numpy() for name, column in columns.items()}

    return count


def statistic(metric: str) -> Statistic:
    """A metric as `colornb.intervals` takes it, of the columns of `evaluate` as counts. A ratio is
    NaN where all true pictures are gray."""
    if metric not in RATIOS:
        return lambda means: means[metric]
    above, below = RATIOS[metric]
    return lambda means: np.where(means[below] > 0, means[above] / means[below], np.nan)


def of(record: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """A metric of a record or of `records.summary`: `value`, `low`, `high`, `n`, and `seeds`, the
    values of the single trainings, if there are several."""
    return record["metrics"][metric] | {"seeds": record.get("seeds", {}).get(metric, [])}


def summarize(
    tables: Sequence[pd.DataFrame], *, resamples: int = 2000
) -> dict[str, dict[str, float]]:
    """The metrics of a system: name -> `value`, `low`, `high`, `n`.

    `tables` are those of `evaluate`, one for each training seed. Values are means over images and
    seeds, or ratios of means (`RATIOS`). `low` and `high` are a 95 % percentile bootstrap over
    both; `n` is the number of images.
    """
    _check_same_images(tables)
    n, summary = len(tables[0]), {}
    bootstrap = Bootstrap(n, resamples=resamples)
    for metric in METRICS:
        if set(RATIOS.get(metric, (metric,))) <= set(tables[0].columns):
            value, draws = bootstrap(
                [_counts(table, metric) for table in tables], statistic(metric)
            )
            summary[metric] = {"value": float(value), **interval(draws), "n": n}
    return summary


def paired_difference(
    a: Sequence[pd.DataFrame],
    b: Sequence[pd.DataFrame],
    metric: str,
    *,
    same_training: bool = False,
) -> dict[str, float]:
    """A metric of system a minus that of system b: `difference`, `low`, `high`, `n`.

    Each system comes as the tables of `evaluate`, one for each training seed. A bootstrap draw
    takes the same images for both systems and draws each system's seeds anew, so the interval
    (95 %) covers both; print the single seeds beside it, since three of them alone are no
    interval. With `same_training` the two are of the same networks, seed by seed.

    Raises:
        ColornbError: the tables are not of the same images.
    """
    _check_same_images([*a, *b])
    counts = ([_counts(table, metric) for table in tables] for tables in (a, b))
    return difference(*counts, statistic(metric), same_training=same_training)


def _check_same_images(tables: Sequence[pd.DataFrame]) -> None:
    first = tables[0]
    for other in tables[1:]:
        # The columns of the truth depend on the pictures alone, so they identify them.
        truth = [c for c in first.columns.intersection(other.columns) if c.endswith("_truth")]
        if not first.index.equals(other.index) or not np.allclose(
            first[truth], other[truth], rtol=1e-3, atol=1e-2
        ):
            raise ColornbError(
                f"the systems were not measured on the same images ({len(first)} and "
                f"{len(other)} rows): run both on one test set before comparing them"
            )
