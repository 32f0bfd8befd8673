"""A refinement at test time: colour flows within regions, but not over the edges of colour that an
EdgeNet guesses from the gray picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

from colornb import figures, lab, measured
from colornb.datasets import ImageSet
from colornb.limits import leaks
from colornb.measured import Measured
from colornb.models import load_weights
from colornb.painted import Painted, trivial
from colornb.study import StudyRun

RATE = 0.2
"""Share of the difference to each neighbour that a step levels out; stable below 1/4."""
STEPS = (0, 4, 16, 64, 256)
"""Of these `choose` chooses; 0 leaves a picture as it is."""
_REACH = 2  # pixels each way within which the largest step of lightness is where the edge runs
_FAINT = 1.0  # Lab units: steps of L that are no larger are not told from rounding


@torch.no_grad()
def guess(weights: Path, images: Tensor) -> Tensor:
    """Where a trained EdgeNet sees an edge in uint8 pictures (N, 3, H, W): bool (N, 1, H, W).

    It looks at their L or their ab, as it was trained.

    Raises:
        ColornbError: the weights are missing or none of this package.
    """
    model, _ = load_weights(weights)
    sees = 0 if model.options["channels"] == 1 else 1
    parts = images.split(max(1, 2**18 // images[0, 0].numel()))
    return torch.cat([model(lab.normalize(lab.uint8_to_lab(p))[sees]) > 0 for p in parts])


def openings(lightness: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """How open the ways between neighbours are, 0 closed to 1: (N, 1, H, W-1) from each pixel to
    that on its right, (N, 1, H-1, W) to that below.

    A way may be closed where both of its pixels are edge pixels, those beside an edge on either
    side. A guessed edge is a band, wider than that; where in it the edge runs, L says: a way is
    closed by as much as its step of L is the largest around.

    Args:
        lightness: L (N, 1, H, W) in [0, 100]. edges: bool (N, 1, H, W).
    """
    found = []
    for axis, window in ((3, (1, 2 * _REACH + 1)), (2, (2 * _REACH + 1, 1))):
        first, second = (edges.narrow(axis, start, edges.shape[axis] - 1) for start in (0, 1))
        step = lightness.diff(dim=axis).abs()
        around = max_pool2d(step, window, 1, tuple(side // 2 for side in window))
        found.append(1 - (first & second) * torch.where(step > _FAINT, step / around, 0))
    return tuple(found)


def diffuse(ab: Tensor, openings: tuple[Tensor, Tensor], steps: int) -> Tensor:
    """ab (N, 2, H, W) after some steps of diffusion through the `openings`.

    Perona and Malik 1990, with ways that are given. What one pixel gains its neighbour loses, so
    the mean of a region with closed edges stays.
    """
    right, down = (RATE * way for way in openings)
    for _ in range(steps):
        x, y = right * ab.diff(dim=3), down * ab.diff(dim=2)
        ab = ab + pad(x, (0, 1)) - pad(x, (1, 0)) + pad(y, (0, 0, 0, 1)) - pad(y, (0, 0, 1, 0))
    return ab


@torch.no_grad()
def refine(pictures: Tensor, edges: Tensor, steps: int) -> Tensor:
    """Painted pictures, uint8 (N, 3, H, W), with their colours diffused between `edges`, bool
    (N, 1, H, W); their L stays."""
    refined = []
    size = max(1, 2**18 // pictures[0, 0].numel())  # pixels at once: they stay in a CPU's cache
    for part, beside in zip(pictures.split(size), edges.split(size), strict=True):
        lightness, ab = lab.uint8_to_lab(part).split((1, 2), dim=1)
        refined.append(lab.assemble(lightness, diffuse(ab, openings(lightness, beside), steps)))
    return torch.cat(refined)


def ways(nets: Mapping[str, Path], images: Tensor) -> dict[str, Tensor]:
    """Edges to refine uint8 pictures (N, 3, H, W) with: name -> bool (N, 1, H, W).

    Those that EdgeNets taught by chroma and by boundaries guess (`training.edges.fit_kinds`), and
    two controls: as many as the first at the largest steps of L, and none.
    """
    found = {
        "refined": guess(nets["guess_chroma"], images),
        "refined_taught": guess(nets["guess_boundaries"], images),
    }
    steepest = leaks.lightness_edges(images, found["refined"][:, 0].numpy())
    found["refined_lightness"] = torch.from_numpy(steepest)[:, None]
    return found | {"blurred": torch.zeros_like(found["refined"])}


def quality(nets: Mapping[str, Path], images: ImageSet) -> Measured:
    """How good EdgeNets are on pictures with regions, each at the edges of its teacher, beside as
    many edge pixels at the largest steps of L; measures `limits.leaks.EDGES`."""
    teachers = {
        "chroma": leaks.chroma_edges(images.images),
        "boundaries": leaks.boundaries(images),
    }
    counts = {}
    for kind, weights in nets.items():
        way, teacher = kind.split("_")
        guessed, true = guess(weights, images.images)[:, 0].numpy(), teachers[teacher]
        name = f"{'guesses' if way == 'guess' else 'judges'} {teacher}"
        counts[name] = [leaks.count_edges(guessed, true)]
        if way == "guess":
            steepest = leaks.lightness_edges(images.images, guessed)
            counts[f"steps of L, for {teacher}"] = [leaks.count_edges(steepest, true)]
    return Measured(counts, leaks.EDGES, images.name)


def choose(painted: Sequence[Tensor], images: ImageSet, nets: Mapping[str, Path]) -> dict[str, int]:
    """For each of `ways` the number of steps of `STEPS` with the least error close to boundaries.

    Args:
        painted: what the training seeds of a system make of validation pictures with regions, each
            uint8 (N, 3, H, W).
    """
    count = leaks.counting(leaks.boundaries)

    def error(edges: Tensor, steps: int) -> float:
        found = [count(refine(pictures, edges, steps), images) for pictures in painted]
        return sum(one["near_error"].sum() for one in found)

    return {
        way: min(STEPS, key=lambda steps, edges=edges: error(edges, steps))
        for way, edges in ways(nets, images.images).items()
    }


def said(steps: Mapping[str, int]) -> str:
    """The numbers of steps, for a sentence."""
    return ", ".join(f"{way.replace('_', ', ')}: {number}" for way, number in steps.items())


def each(
    systems: Painted, images: ImageSet, nets: Mapping[str, Path], steps: Mapping[str, int]
) -> Painted:
    """Systems with their pictures of an image set refined in each of `ways`, `SYSTEM_WAY`, and
    "truth/edges": those of the first at the boundaries of its regions, by as many steps as it takes
    at the first of `ways`."""
    regions = torch.from_numpy(leaks.boundaries(images))[:, None]
    first = next(iter(systems.values()))
    return {
        f"{system}_{way}": [refine(one, edges, steps[way]) for one in pictures]
        for system, pictures in systems.items()
        for way, edges in ways(nets, images.images).items()
    } | {"truth/edges": [refine(one, regions, next(iter(steps.values()))) for one in first]}


def measure(
    run: StudyRun,
    systems: Painted,
    of_tuned: Sequence[Tensor],
    tuned: ImageSet,
    images: ImageSet,
    nets: Mapping[str, Path],
    train: ImageSet,
    *,
    part: int | None = None,
) -> tuple[dict[str, int], Painted, Measured, pd.DataFrame]:
    """Measures the leaks of systems, and of the first of them refined in every way, at the
    boundaries of regions, and records them.

    Args:
        systems: `system/variant` -> pictures of `images`, one for each training seed.
        of_tuned: what the first system's seeds make of `tuned`, on which the steps are chosen.
        nets: see `ways`.
        train: what the systems were trained on.
        part: label of the object, if its bleed width and CDR are measured as well.

    Returns:
        The steps of each way, all pictures, the measures, and the pairs: of each system with the
        first, and of what is refined with its controls.
    """
    base, *others = systems
    steps = choose(of_tuned, tuned, nets)
    refined = each({base: systems[base]}, images, nets, steps)
    made = systems | refined | trivial(images, train, ["gray", "mean_ab"])
    scenes = part is not None
    count = leaks.counting(leaks.boundaries, part=part, with_cdr=scenes)
    more = leaks.WIDTHS | {"cdr": leaks.cdr} if scenes else {}
    found = measured.measure(run, made, count, leaks.ERRORS | more, images, train)
    with_edges, controls = f"{base}_refined", ("refined_lightness", "blurred")
    same = [(name, base) for name in refined]
    same += [(with_edges, f"{base}_{way}") for way in controls]
    pairs = [found.pairs(same, same_training=True)]
    if others:
        pairs.append(found.pairs([(name, base) for name in others]))
    return steps, made, found, pd.concat(pairs)


def drawings(nets: Mapping[str, Path], images: ImageSet) -> dict[str, Tensor]:
    """Rows for `figures.rows_of_pictures`: gray, and the edges of chroma and the boundaries of
    regions, true and guessed, black on white."""

    def draw(edges: Tensor) -> Tensor:
        return torch.where(edges, 0, 255).byte().expand(-1, 3, -1, -1)

    rows = {"gray": figures.gray(images.images)}
    for label, kind, true in (
        ("chroma", "guess_chroma", leaks.chroma_edges(images.images)),
        ("boundaries", "guess_boundaries", leaks.boundaries(images)),
    ):
        rows[label] = draw(torch.from_numpy(true)[:, None])
        rows[f"{label}, guessed"] = draw(guess(nets[kind], images.images))
    return rows
