"""The study's figures, in one visual language.

Every function returns a `Picture`, which notebooks and the book show as it is: plots as SVG,
photographs as JPEG. The same system has the same colour everywhere, that of `naming`.
"""

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import cycle

import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from torch import Tensor

from colornb import lab, metrics
from colornb.metrics import METRICS, Metric
from colornb.naming import called, colour

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.hashsalt": "colornb",  # the same figure is the same file
}


@dataclass(frozen=True)
class Picture:
    """A finished figure. Shown by Jupyter as an SVG text or a JPEG."""

    mime: str
    data: str | bytes

    def __repr__(self) -> str:  # it lies in every notebook beside the picture
        return f"<{self.mime}, {len(self.data):,} bytes>"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str | bytes]:
        return {self.mime: self.data}


def _svg(figure: Figure) -> Picture:
    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    return Picture("image/svg+xml", file.getvalue())


def _jpeg(figure: Figure, dpi: int) -> Picture:
    file = io.BytesIO()
    options = {"quality": 85, "optimize": True, "subsampling": 0}  # 4:4:4: chroma is the subject
    figure.savefig(file, format="jpeg", dpi=dpi, bbox_inches="tight", pil_kwargs=options)
    return Picture("image/jpeg", file.getvalue())


def _styled(function):
    """Runs a drawing function under the study's style."""

    @wraps(function)
    def drawn(*args, **kwargs) -> Picture:
        with mpl.rc_context(_STYLE):
            return function(*args, **kwargs)

    return drawn


def _panels(figure: Figure, n: int, **options) -> np.ndarray:
    """n axes beside one another."""
    return figure.subplots(1, n, squeeze=False, **options)[0]


def _name_lines(axis, names: Sequence[str], **options) -> None:
    """Names of what is drawn at y = 0, -1, -2, ..."""
    axis.set_yticks(range(0, -len(names), -1), names, **options)
    axis.grid(axis="y", visible=False)


def _ends(found: Mapping, middle: str = "value") -> list:
    """The interval around a value as `errorbar` takes it."""
    return [[found[middle] - found["low"]], [found["high"] - found[middle]]]


def _estimate(axis, y: float, found: Mapping, tone: str, *, sizes: tuple[float, float], **options):
    """A value with its interval, and thin marks for single seeds; `sizes` of its dot and of them
    in points."""
    dot, mark = sizes
    singles = found["seeds"] if len(found["seeds"]) > 1 else []
    axis.plot(singles, [y] * len(singles), "|", ms=mark, color=tone)
    options |= {"fmt": "o", "ms": dot, "capsize": 3, "color": tone}
    axis.errorbar(found["value"], y, xerr=_ends(found), **options)


def gray(images: Tensor) -> Tensor:
    """What a network sees of uint8 pictures (N, 3, H, W): L alone, as uint8 (N, 3, H, W)."""
    lightness, ab = lab.uint8_to_lab(images).split((1, 2), dim=1)
    return lab.assemble(lightness, ab * 0)


@_styled
def rows_of_pictures(rows: Mapping[str, Tensor], *, titles: Sequence[str] = ()) -> Picture:
    """Rows of pictures under one another, e.g. gray, ours, truth.

    Args:
        rows: label -> uint8 (n, 3, H, W); all rows have the same n.
        titles: n titles above the first row.
    """
    n, *_, pixels = next(iter(rows.values())).shape
    width = 7.2  # inches
    cell = width / (n + 0.9)
    figure = Figure(figsize=(width, cell * len(rows) * 1.04))
    # Axes for a row, not for a picture: drawing them is what takes the time.
    axes = figure.subplots(len(rows), squeeze=False, gridspec_kw={"hspace": 0.04})[:, 0]
    across, high = axes[0].get_window_extent().size
    step = across / (n - 0.04 / 1.04)
    edge = (step / 1.04 - high) / 2
    left = np.arange(n) * step
    at, inward = figure.subplotpars, edge / figure.bbox.width
    figure.subplots_adjust(at.left + inward, right=at.right - inward)
    for axis, (label, pictures) in zip(axes, rows.items(), strict=True):
        for x, picture in zip(left, pictures, strict=True):
            shown = picture.permute(1, 2, 0).numpy()
            axis.imshow(shown, interpolation="nearest", extent=(x, x + high, 0, high))
        axis.set(xlim=(0, across - 2 * edge), ylim=(0, high), aspect="auto")
        axis.set_axis_off()
        beside = {"textcoords": "offset points", "va": "center", "annotation_clip": False}
        axis.annotate(label, (left[0], high / 2), (-6, 0), ha="right", **beside)
    for x, title in zip(left, titles, strict=False):
        above = {"textcoords": "offset points", "ha": "center", "annotation_clip": False}
        axes[0].annotate(title, (x + high / 2, high), (0, 6), fontsize=8, **above)
    # One pixel of the picture is a whole number of pixels of the figure.
    whole = max(1, round(180 * cell / pixels))
    return _jpeg(figure, dpi=round(whole * pixels / cell))


def beside_truth(
    truth: Tensor, painted: Mapping[str, Tensor], *, titles: Sequence[str] = ()
) -> Picture:
    """Rows of pictures: gray, each system, the truth.

    Args:
        truth: uint8 (n, 3, H, W). painted: `system/variant` -> the same pictures, painted.
    """
    rows = {called(system): pictures for system, pictures in painted.items()}
    return rows_of_pictures({"gray": gray(truth), **rows, "truth": truth}, titles=titles)


def even_ranks(scores: np.ndarray, n: int) -> np.ndarray:
    """Indices of n scores at even ranks, from the lowest to the highest; NaN are left out."""
    order = np.argsort(scores)[: np.count_nonzero(~np.isnan(scores))]
    return order[np.linspace(0, len(order) - 1, min(n, len(order))).astype(int)]


@_styled
def loss_curves(history: pd.DataFrame, panels: Mapping[str, Mapping[str, str]]) -> Picture:
    """Loss against epoch.

    Args:
        history: as in `history.csv`.
        panels: label of the y axis -> {column: label of the curve}.
    """
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    palette = ["#0072B2", "#D55E00", "#009E73"]
    axes = _panels(figure, len(panels))
    for axis, (label, curves) in zip(axes, panels.items(), strict=True):
        for (column, name), tone in zip(curves.items(), palette, strict=False):
            marker = "o" if len(history) < 30 else None
            axis.plot(
                history["epoch"], history[column], marker=marker, ms=3, color=tone, label=name
            )
        axis.set(xlabel="epoch", ylabel=label)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend()
    return _svg(figure)


@_styled
def trainings(
    histories: Mapping[str, Sequence[pd.DataFrame]], panels: Mapping[str, str]
) -> Picture:
    """Losses against epoch of every training of several systems, a line for each. Where single
    epochs are more than twice as high as nearly all others they are cut off.

    Args:
        histories: `system/variant` -> the `history.csv` of each of its trainings.
        panels: label of the y axis -> the column that is drawn there.
    """
    figure = Figure(figsize=(7.2, 3), layout="constrained")
    axes = _panels(figure, len(panels))
    for axis, (label, column) in zip(axes, panels.items(), strict=True):
        for system, several in histories.items():
            for number, history in enumerate(several):
                name = called(system) if not number else None
                tone = colour(system)
                axis.plot(history["epoch"], history[column], lw=1, color=tone, label=name)
        every = np.concatenate([h[column] for several in histories.values() for h in several])
        usual = np.quantile(every, 0.99)
        top = 1.2 * usual if every.max() > 2 * usual else None
        axis.set(xlabel="epoch", ylabel=label, ylim=(0, top))
        axis.xaxis.get_major_locator().set_params(integer=True)
    handles = axes[0].get_legend_handles_labels()
    # Of long names three do not go beside one another.
    columns = min(len(histories), 3 if max(len(called(name)) for name in histories) < 36 else 2)
    figure.legend(*handles, loc="outside lower center", ncols=columns, frameon=False)
    return _svg(figure)


@_styled
def intervals(rows: Mapping[str, Mapping], metric: str) -> Picture:
    """One metric of several systems, with 95 % intervals, and thin marks for single seeds.

    Args:
        rows: `system/variant` -> its record, drawn from top to bottom.
        metric: name in `METRICS`.
    """
    found = {system: metrics.of(record, metric) for system, record in rows.items()}
    return estimates(found, METRICS[metric].label)


def _sizes(rows: Mapping[str, Mapping]) -> str:
    """What the intervals of a figure rest on: pictures and, of networks, trainings."""
    numbers = [np.ravel(row["n"]) for row in rows.values() if "n" in row]
    if not numbers:
        return ""
    low, high = np.concatenate(numbers).min(), np.concatenate(numbers).max()
    text = f"n = {high:,}" if low == high else f"n = {low:,} to {high:,}"
    trainings = {max(1, len(row.get("seeds", ()))) for k, row in rows.items() if _trained(k)}
    if max(trainings, default=1) == 1:
        return text
    span = " to ".join(map(str, sorted({min(trainings), max(trainings)})))
    return f"{text}; networks: {span} trainings"


def _trained(name: str) -> bool:
    """Whether a line is that of a network, and not of a control or of a label of its own."""
    return "/" in name and not name.startswith(("baseline", "truth"))


@_styled
def estimates(rows: Mapping[str, Mapping], label: str, *, ideal: float | None = None) -> Picture:
    """One measure of several systems, with 95 % intervals, and thin marks for single seeds.

    Args:
        rows: `system/variant` -> `value`, `low`, `high` and `seeds`, drawn from top to bottom.
        label: of the measure, with its unit.
        ideal: the value that the truth has, drawn as a vertical line.
    """
    figure = Figure(figsize=(6.2, 0.34 * len(rows) + 0.9), layout="constrained")
    axis = figure.subplots()
    if ideal is not None:
        axis.axvline(ideal, color="#1A1A1A", lw=1, ls="--")
    for line, (system, found) in enumerate(rows.items()):
        _estimate(axis, -line, found, colour(system), sizes=(5, 11))
    _name_lines(axis, [called(s) for s in rows])
    axis.set_xlabel(f"{label}\n{_sizes(rows)}".strip())
    return _svg(figure)


@_styled
def marks(
    panels: Mapping[str, tuple[Mapping[str, Mapping[str, Mapping]], tuple[float | None, float]]],
) -> Picture:
    """A panel for each of several measures of systems on several sets of pictures, with 95 %
    intervals, thin marks for single seeds, and where a mark is met shaded.

    Args:
        panels: label of the measure -> name of the set -> `system/variant` -> `value`, `low`,
            `high` and `seeds`, the same sets and systems everywhere; and between which values, the
            first of which may be None, the mark is met.
    """
    sets = next(iter(panels.values()))[0]
    systems = list(next(iter(sets.values())))
    figure = Figure(figsize=(7.4, 0.3 * len(sets) * (len(systems) + 1) + 0.8), layout="constrained")
    axes = _panels(figure, len(panels), sharey=True)
    shifts = 0.3 * ((len(systems) - 1) / 2 - np.arange(len(systems)))
    for axis, (label, (rows, (lowest, highest))) in zip(axes, panels.items(), strict=True):
        axis.axvspan(lowest or 0, highest, color="#009E73", alpha=0.14, lw=0)
        for line, name in enumerate(sets):
            for system, shift in zip(systems, shifts, strict=True):
                style = {"sizes": (4.5, 9), "label": None if line else called(system)}
                _estimate(axis, shift - line, rows[name][system], colour(system), **style)
        _name_lines(axis, list(sets))
        axis.set(xlabel=label, xlim=(min(0, axis.get_xlim()[0]), None), ylim=(0.6 - len(sets), 0.6))
    if len(systems) > 1:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return _svg(figure)


@_styled
def curves(
    panels: Mapping[str, Mapping[str, Mapping]],
    *,
    x: str,
    y: str,
    ideal: float | None = None,
    span: tuple[float, float] | None = None,
    log: bool = False,
) -> Picture:
    """Curves with bands of 95 %, in panels that share their y axis.

    Args:
        panels: title -> {name: {"x": numbers, "value", "low", "high": arrays of their length, and
            "n" and "seeds" where there are any}}; a name is a `system/variant`, or a label of its
            own for a line to compare with. Networks have solid lines, the rest dashed ones.
            Points that are not a number are left out.
        x, y: labels of the axes, with units.
        ideal: the value that the truth has, drawn as a horizontal line.
        span: the part of x that training has, shaded.
        log: whether x is drawn by its logarithm.
    """
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    axes = _panels(figure, len(panels), sharey=True)
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        if ideal is not None:
            axis.axhline(ideal, color="#1A1A1A", lw=1, ls="--")
        if span is not None:
            axis.axvspan(*span, color="#F2F2F2", lw=0, zorder=0, label="as in training")
        markers = cycle("sD^vPX")  # controls have like grays
        for name, line in lines.items():
            tone = colour(name)
            style = "o-" if _trained(name) else f"{next(markers)}--"
            defined = ~np.isnan(line["value"])
            places, value, low, high = (
                np.asarray(line[key])[defined] for key in ("x", "value", "low", "high")
            )
            axis.fill_between(places, low, high, color=tone, alpha=0.18, lw=0)
            axis.plot(places, value, style, ms=3.5, color=tone, label=called(name))
        axis.set(xlabel=x, title=title)
        if log:
            axis.set_xscale("log")
            axis.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes[0].set_ylabel(y)
    labelled = {
        label: handle
        for axis in axes
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        labelled.values(),
        labelled.keys(),
        loc="outside lower center",
        ncols=min(3, len(labelled)),
        title=_sizes({k: v for lines in panels.values() for k, v in lines.items()}),
        title_fontsize=8,
    )
    return _svg(figure)


@_styled
def forest(
    groups: Mapping[str, Mapping[str, Mapping[str, Mapping]]], metrics: Sequence[str]
) -> Picture:
    """Differences of variations from their base, with 95 % intervals, a panel for each metric.

    Better than the base is blue, worse orange, and what cannot be told apart gray, as is a metric
    with no better side. Hollow marks are single trainings, whose chance the interval does not hold.
    What is far from all others is an arrow with its value.

    Args:
        groups: what is varied -> label of a variation -> metric -> a row of `pairs.csv`.
        metrics: names in `METRICS`.
    """
    lines = sum(1 + len(rows) for rows in groups.values())
    figure = Figure(figsize=(7.2, 0.185 * lines + 0.8), layout="constrained")
    axes = _panels(figure, len(metrics), sharey=True)
    every = [one for rows in groups.values() for one in rows.values()]
    reach = {metric: _reach([one[metric] for one in every]) for metric in metrics}
    labels: list[str] = []
    for group, rows in groups.items():
        labels.append(rf"$\bf{{{group}}}$".replace(" ", r"\ "))
        for label, found in rows.items():
            for axis, metric in zip(axes, metrics, strict=True):
                _mark(axis, -len(labels), found[metric], METRICS[metric], reach[metric])
            labels.append(label)
    for axis, metric in zip(axes, metrics, strict=True):
        axis.axvline(0, color="#1A1A1A", lw=1, zorder=0)
        _name_lines(axis, labels, fontsize=7.5)
        axis.locator_params(axis="x", nbins=4)
        axis.set_xlabel(f"{METRICS[metric].label},\nminus the base")
    axes[0].tick_params(axis="y", length=0)
    axes[0].set_ylim(0.4 - len(labels), 0.8)
    return _svg(figure)


def _reach(rows: Sequence[Mapping]) -> float:
    """How far from 0 a panel shows differences: most of them whole, not all of them tiny."""
    ends = [max(abs(row["low"]), abs(row["high"])) for row in rows]
    return 1.1 * min(max(ends), 3 * float(np.quantile(ends, 0.75)))


_TONES = {"better": "#0072B2", "worse": "#D55E00"}


def _mark(axis, line: int, row: Mapping, metric: Metric, reach: float) -> None:
    """A difference with its interval; one beyond the panel's reach as an arrow with its value."""
    middle = row["difference"]
    tone = _TONES.get(metric.verdict(row["low"], row["high"]), "#777777")
    face = "white" if row["seeds"] == 1 else tone
    axis.set_xlim(-reach, reach)
    if abs(middle) > reach:
        side = np.sign(middle)
        axis.plot(0.97 * side * reach, line, ">" if side > 0 else "<", ms=5, color=tone, mfc=face)
        text = f"{middle:{metric.signed}}".replace("-", "−")
        where = {"ha": "right" if side > 0 else "left", "va": "center", "fontsize": 7}
        axis.text(0.9 * side * reach, line, text, color=tone, **where)
        return
    style = {"fmt": "o", "ms": 4, "capsize": 2, "lw": 1.2, "color": tone, "mfc": face}
    axis.errorbar(middle, line, xerr=_ends(row, "difference"), **style)


@_styled
def frontier(rows: Mapping[str, Mapping], *, report: float, floor: tuple[float, float]) -> Picture:
    """Realism (KID) against distortion (MSE) of several systems, with 95 % intervals.

    Small dots are single seeds. Systems are numbered from the most to the least realistic.

    Args:
        rows: `system/variant` -> its record.
        report: the MSE that the source report gives, drawn as a vertical line.
        floor: the range in which KID falls for truth against truth.
    """
    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axis = figure.subplots()
    axis.axhspan(*floor, color="#DDDDDD", lw=0, label="truth half against truth half")
    axis.axvline(report, color="#1A1A1A", lw=1, ls="--", label=f"the report's MSE, {report}")
    by_kid = sorted(rows.items(), key=lambda item: item[1]["metrics"]["kid"]["value"])
    places: list[tuple[float, float, str]] = []
    for number, (system, record) in enumerate(by_kid, start=1):
        mse, kid = record["metrics"]["mse_rgb"], record["metrics"]["kid"]
        singles = record.get("seeds", {"mse_rgb": [], "kid": []})
        axis.plot(singles["mse_rgb"], singles["kid"], ".", ms=3, color=colour(system))
        axis.errorbar(
            mse["value"],
            kid["value"],
            xerr=_ends(mse),
            yerr=_ends(kid),
            fmt="o",
            ms=6,
            capsize=2,
            color=colour(system),
            mfc="white" if system.startswith("baseline") else None,
            label=f"{number}  {called(system)}",
        )
        places.append((mse["value"], kid["value"], colour(system)))
    axis.set_xlabel(METRICS["mse_rgb"].label + ", lower is closer")
    axis.set_ylabel("KID, lower is more alike")
    axis.xaxis.get_major_locator().set_params(nbins=6)
    figure.legend(loc="outside right upper", fontsize=7)
    _number(figure, axis, places)
    return _svg(figure)


_SIDES = ((0.8, 0.6), (0.8, -0.8), (-1, 0.6), (-1, -0.8), (0, 1), (0, -1.2), (1.1, 0), (-1.3, 0))
_AROUND = [(r * x, r * y) for r in (9, 16, 23, 30) for x, y in _SIDES]


def _number(figure: Figure, axis, places: Sequence[tuple[float, float, str]]) -> None:
    """Writes 1, 2, ... beside points (x, y, colour), where no other point or number is near."""
    figure.draw_without_rendering()  # the layout is known from here on
    points = [axis.transData.transform(place[:2]) * 72 / figure.dpi for place in places]
    taken = list(points)
    for number, ((x, y, tone), point) in enumerate(zip(places, points, strict=True), start=1):
        free = [min(np.hypot(*(point + offset - other)) for other in taken) for offset in _AROUND]
        best = next((k for k, gap in enumerate(free) if gap > 8), int(np.argmax(free)))
        taken.append(point + _AROUND[best])
        axis.annotate(
            f"{number}",
            (x, y),
            xytext=_AROUND[best],
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8,
            color=tone,
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": tone, "shrinkA": 3, "shrinkB": 3}
            if best >= 8
            else None,
        )


@_styled
def ab_plane(sets: Mapping[str, Tensor]) -> Picture:
    """How often each colour occurs: a histogram of the ab plane per set, each bin in its colour.

    Args:
        sets: label -> uint8 pictures (N, 3, H, W).
    """
    edges = np.arange(-100, 101, 4)
    centres = torch.from_numpy((edges[:-1] + edges[1:]) / 2).float()
    tone = torch.full((1, 3, len(centres), len(centres)), 65.0)
    tone[0, 1], tone[0, 2] = torch.meshgrid(centres, centres, indexing="xy")
    colours = lab.lab_to_rgb(tone)[0].permute(1, 2, 0).numpy()

    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    for axis, (label, images) in zip(_panels(figure, len(sets)), sets.items(), strict=True):
        counts = np.zeros((len(centres), len(centres)))
        for part in images.split(500):
            _, a, b = lab.uint8_to_lab(part).unbind(1)
            counts += np.histogram2d(b.flatten(), a.flatten(), bins=(edges, edges))[0]
        share = counts / counts.sum()
        opacity = np.clip(np.log10(share / 1e-6 + 1e-12) / 5, 0, 1)  # 1e-6 is empty, 1e-1 is full
        shown = colours * opacity[..., None] + 1 - opacity[..., None]
        axis.imshow(shown, origin="lower", extent=(-100, 100, -100, 100), interpolation="nearest")
        axis.axhline(0, color="#999999", lw=0.6)
        axis.axvline(0, color="#999999", lw=0.6)
        axis.grid(False)
        axis.set(xlabel="a (green to red)", ylabel="b (blue to yellow)", title=label)
    return _jpeg(figure, dpi=130)


@_styled
def by_category(
    rows: Mapping[str, Mapping], categories: Sequence[str], *, y: str, ideal: float
) -> Picture:
    """A measure of several systems in each of several categories, with 95 % intervals.

    Args:
        rows: `system/variant` -> `value`, `low`, `high`, arrays of a number for each category, and
            `n` and `seeds` where there are any.
        y: label of the measure.
        ideal: the value that the truth has, drawn as a horizontal line.
    """
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    axis = figure.subplots()
    axis.axhline(ideal, color="#1A1A1A", lw=1, ls="--")
    places, markers = np.arange(len(categories)), cycle("sD^vPX")
    shifts = 0.16 * (np.arange(len(rows)) - (len(rows) - 1) / 2)
    for shift, (system, found) in zip(shifts, rows.items(), strict=True):
        value, low, high = (np.asarray(found[key]) for key in ("value", "low", "high"))
        axis.errorbar(
            places + shift,
            value,
            yerr=[value - low, high - value],
            fmt="o" if _trained(system) else next(markers),
            ms=4,
            capsize=2,
            color=colour(system),
            label=called(system),
        )
    axis.set_xticks(places, [textwrap.fill(name, 12) for name in categories], fontsize=8)
    axis.grid(axis="x", visible=False)
    axis.set_ylabel(y)
    place = {"loc": "outside upper center", "ncols": min(2, len(rows))}
    figure.legend(**place, title=_sizes(rows), title_fontsize=8)
    return _svg(figure)


@_styled
def bench_ratios(rows: Sequence) -> Picture:
    """The ratio of each row of `colornb.bench` over its goal, with its range."""
    figure = Figure(figsize=(6.2, 0.32 * len(rows) + 0.9), layout="constrained")
    axis = figure.subplots()
    axis.axvline(1, color="#1A1A1A", lw=1, ls="--")
    for line, row in enumerate(rows):
        values = (row.low, row.ratio, row.high)
        low, ratio, high = (max(value / row.goal, 0.01) for value in values)  # 0 has no logarithm
        tone = "#0072B2" if row.met else "#D55E00"
        axis.plot([low, high], [-line] * 2, color=tone)
        axis.plot(ratio, -line, "o", ms=6, color=tone, mfc=tone if row.met else "white")
    _name_lines(axis, [row.name for row in rows])
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("ratio / goal")
    return _svg(figure)


@_styled
def growth(images: Mapping[int, float], pixels: Mapping[int, float]) -> Picture:
    """Seconds of an epoch by pictures, and of a step by pixels, beside proportional growth."""
    figure = Figure(figsize=(7.2, 2.8), layout="constrained")
    labels = (("pictures", "seconds of an epoch"), ("pixels of a picture", "seconds of a step"))
    for axis, cost, (x, y) in zip(_panels(figure, 2), (images, pixels), labels, strict=True):
        first, seconds = next(iter(cost.items()))
        axis.plot(cost.keys(), [seconds * n / first for n in cost], "--", color="#8A8A8A", lw=1)
        axis.plot(cost.keys(), cost.values(), "o-", ms=4, color="#0072B2")
        axis.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
        for one in (axis.xaxis, axis.yaxis):
            one.set_major_locator(LogLocator(subs=(1, 2, 5)))
            one.set_major_formatter(StrMethodFormatter("{x:,g}"))
            one.set_minor_formatter(NullFormatter())
        axis.tick_params(axis="x", rotation=30)
    return _svg(figure)
