# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# (leaks)=
# # Colour leaks
#
# **Question.** Colour is said to run over the edges of things. Is it wrong
# next to boundaries more than elsewhere, how far does it reach, which loss
# leaks least, and does it leak where the gray picture does not show the edge?
#
# *Run time: about two minutes on drawn scenes, some ten minutes on two cores
# for the real pictures. Nothing is trained here.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"

# %%
import numpy as np
import pandas as pd
from IPython.display import Markdown

from colornb import figures, intervals, measured, painted, prose, records
from colornb import scenes, study, tables
from colornb.limits import leaks
from colornb.measured import Measured

run, say = study.begin("07_leaks", globals()), prose.Verdict()
trivial = ["gray", "mean_ab", "median_ab", "ab_given_l"]
ours, thing = "koalarization/default", scenes.OBJECT

# %% [markdown]
# ## Three measures
#
# **Error close to boundaries**, in ab, beside the error elsewhere. Their
# quotient alone would reward a system that is bad everywhere. Close is within
# 2 pixels, or a 28th of the width if that is more. **Bleed width**, where the
# regions are known exactly: how many pixels the colour of one side reaches
# into the other; a square whose colour is painted k pixels too large has k. It
# compares a system's own colours on both sides, so it asks where they lie and
# not whether they are right. **CDR**: of all pairs of pixels that a true
# chroma edge separates, the share that is painted in different colours too
# (after Kim et al., on clusters of equal area; 1 for the truth, 0 for gray).
#
# ## Scenes, whose boundaries are exact


# %% tags=["hide-input"]
def all_edges(images):
    return leaks.region_edges(leaks.label_maps(images))


train, test = run.load("train", "drawn"), run.load("test", "drawn")
weights = run.of("06_sepia") / "drawn"
systems = painted.trained_on_scenes(weights, test)
networks = list(systems)
systems = painted.beside_controls(systems, test, train, trivial)
count = leaks.counting(all_edges, part=thing, with_cdr=True)
measures = leaks.ERRORS | leaks.WIDTHS | {"cdr": leaks.cdr}
found = measured.measure(run, systems, count, measures, test, train)
tables.limits(found.rows)


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bleed-profile", "caption": "How much of the other side's colour there is at each distance from an object's edge, in scenes: outside the object, left, and inside, right. 0 is a clean edge; the truth is above it where an edge pixel blends both sides. Bands: 95 % over scenes and trainings."}, "image": {"alt": "Curves of the share of the other side's colour against the distance from the edge"}}
def side(index):
    def profile_of(means):
        return leaks.bleed_profile(means)[..., index, :]

    shown = [*networks, "truth", "truth/blurred_1", "truth/blurred_2"]
    return found.curves(profile_of, shown, np.arange(6) + 0.5)


panels = {"outside the object": side(0), "inside": side(1)}
label = "distance from the edge (pixels)"
share = "share of the other side's colour"
measured.draw(run, "bleed_profile", panels, x=label, y=share, ideal=0)

# %% tags=["hide-input"]
compared = [(a, b) for i, b in enumerate(networks) for a in networks[i + 1 :]]
compared += [(name, "truth") for name in networks]
pairs = found.pairs(compared, ["boundary_error", "bleed_width", "cdr"])
tables.pairs(pairs)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-leak-ranks", "caption": "Scenes at even ranks of the ab error close to boundaries under L1 (first training), best on the left, worst on the right; above them that error in Lab units (written ΔE; lightness has no part in it)."}, "image": {"alt": "Rows of small scenes: gray, three networks, truth"}}
error = leaks.boundary_error(found.counts["gan/scenes_l1"][0])
ranks = figures.even_ranks(error, 10)
pictures = {name: systems[name][0][ranks] for name in networks}
titles = [f"ΔE {error[i]:.1f}" for i in ranks]
figures.beside_truth(test.images[ranks], pictures, titles=titles)

# %% [markdown]
# ## The cause as a knob: does the gray picture show the edge?
#
# In scenes the object's lightness can be set to what it covers plus a
# constant, pixel by pixel. At 0 the object is invisible in the gray picture
# but for its details; nothing else changes.


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-contrast-knob", "caption": "ab error close to the object's edge against the lightness that the object has more than what it covers (0: invisible in gray), for networks trained on ordinary scenes. Bands: 95 % over scenes and trainings. Shaded: nine tenths of ordinary scenes."}, "image": {"alt": "Curves of the boundary error against the contrast of lightness"}}
def paint(images):
    made = painted.trained_on_scenes(weights, images)
    made |= painted.trivial(images, train, ["mean_ab"])
    return made | {"truth": [images.images]}


def own_edges(images):
    return leaks.region_edges(leaks.label_maps(images) == thing)


knobs = (-20.0, -10.0, 0.0, 10.0, 20.0)
knob = ("boundary_contrast", knobs, paint)
count = leaks.counting(own_edges, part=thing)
turned = measured.along_knob(*knob, count, limit=len(test))
usual = leaks.object_contrast(test, thing)
labels = {
    "x": "lightness of the object minus that behind it (Lab units)",
    "y": "ab error close to the object's edge",
    "span": tuple(np.nanquantile(usual, (0.05, 0.95))),
}
shown = [*networks, "baseline/mean_ab"]
lines = {"": turned.curves(leaks.boundary_error, shown)}
measured.draw(run, "contrast_knob", lines, **labels)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bleed-knob", "caption": "Bleed width against the same knob. Only scenes count in which the two sides are painted in different colours."}, "image": {"alt": "Curves of the bleed width against the contrast of lightness"}}
lines = {"": turned.curves(leaks.bleed_width, [*networks, "truth"])}
labels["y"] = "bleed width (pixels)"
measured.draw(run, "contrast_knob_bleed", lines, **labels)

# %% [markdown]
# The errors of the settings differ for their own colours' sake, as the curve
# without a network shows. How far colour reaches does not depend on which
# colour it is: where the object is invisible minus where it is 10 Lab units
# darker or lighter, in pixels:

# %% tags=["hide-input"]
darker, lighter = (
    turned.change(leaks.bleed_width, there, 0.0, networks)
    for there in (-10.0, 10.0)
)
columns = {"Invisible minus 10 darker": darker, "minus 10 lighter": lighter}
prose.table(columns, "+.2f")

# %% [markdown]
# ## Photographs with boundaries drawn by people
#
# Of the several people who drew the boundaries of a photograph, the one with
# the median number of regions counts. Profiles without real data have scenes
# here.

# %% tags=["hide-input"]
views, view_train = run.load("test", "regions"), run.load("train", "photos")
view_systems = painted.trained(run, [ours], views)
view_systems = painted.beside_controls(view_systems, views, view_train, trivial)
what = (leaks.counting(all_edges), leaks.ERRORS)
of_views = measured.measure(run, view_systems, *what, views, view_train)
tables.limits(of_views.rows)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-view-ranks", "caption": "Photographs at even ranks of Koalarization's ab error close to boundaries over that of gray (first training), best on the left, worst on the right; above each is that quotient."}, "image": {"alt": "Rows of photographs: gray, Koalarization, truth"}}
first, plain = (of_views.counts[k][0] for k in (ours, "baseline/gray"))
quotient = first["near_error"] / plain["near_error"]
ranks = figures.even_ranks(quotient, 7)
titles = [f"{quotient[i]:.2f}" for i in ranks]
pictures = view_systems[ours][0][ranks]
figures.beside_truth(views.images[ranks], {ours: pictures}, titles=titles)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-contrast-measured", "caption": "ab error close to boundaries drawn by people, against the difference of lightness between the two sides (bins end at 2, 5, 10, 20 and 100 Lab units). Of the two dashed curves the upper one is that of gray pictures. Bands: 95 % over photographs and trainings."}, "image": {"alt": "Curves of the boundary error against measured contrast"}}
reach, maps = views.images.shape[-1] // 56 + 1, leaks.label_maps(views)
contrast = leaks.luminance_contrast(views.images, maps, reach)
close = leaks.close(views, all_edges(views))
by_bin = (views.images, close, contrast, [0, 2, 5, 10, 20, 100])
counts = {
    name: [leaks.count_by_contrast(p, *by_bin) for p in view_systems[name]]
    for name in (ours, "baseline/gray", "baseline/mean_ab")
}
split = Measured(counts, {}, views.name)
lines = {"": split.curves(leaks.boundary_error, x=[1, 3.5, 7.5, 15, 30])}
labels["x"] = "difference of L between the sides (Lab units)"
labels |= {"y": "ab error close to boundaries", "span": None}
measured.draw(run, "contrast_measured", lines, **labels)

# %% [markdown]
# ## The small pictures, at the truth's chroma edges
#
# They have no masks, so a boundary is where the true ab of neighbours differs
# by 10 or more.


# %% tags=["hide-input"]
def colour_edges(images):
    return leaks.chroma_edges(images.images)


small_train, small = run.load("train", "small"), run.load("test", "small")
names = ["gan/l2_only", "gan/l1_only", "gan/default"]
made = painted.trained(run, names, small)
made = painted.beside_controls(made, small, small_train, trivial)
count = leaks.counting(colour_edges, with_cdr=True)
what = (count, leaks.ERRORS | {"cdr": leaks.cdr})
of_small = measured.measure(run, made, *what, small, small_train)
tables.limits(of_small.rows)

# %% tags=["hide-input"]
compared = [(a, b) for i, b in enumerate(names) for a in names[i + 1 :]]
compared += [(name, "baseline/gray") for name in names]
against = [(ours, f"baseline/{name}") for name in trivial]
near_and_far = ["boundary_error", "interior_error"]
more = of_small.pairs(compared, near_and_far)
more = pd.concat([more, of_views.pairs(against, near_and_far)])
records.write_table(run, "pairs", pd.concat([pairs, more]))
tables.pairs(more)

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
wider = {k: found.difference(k, "truth", "bleed_width") for k in networks}
l2, l1, gan = networks
losses = {k: found.difference(k, l1, "bleed_width") for k in (l2, gan)}
ratios = of_views.of("boundary_error_ratio", [ours, "baseline/gray"])
both = {ours: of_views} | dict.fromkeys(names, of_small)
near, far = (
    {k: one.difference(k, "baseline/gray", m) for k, one in both.items()}
    for m in near_and_far
)
joined = split.beside("baseline/gray").counts[ours]
trend = {ours: intervals.estimate(joined, leaks.high_minus_low_contrast)}
words, worse = ("wider", "narrower"), ("higher", "lower")
in_view = ("worse at high contrast", "better")
text = f"""
**Do colours leak, and with which loss?** In scenes: the bleed width minus the
truth's, and minus that of L1 alone, in pixels.
{say.columns(("bleed width", wider, "+.2f", words),
    ("bleed width, loss", losses, "+.2f", words))}
**The cause?** How much further, in pixels, colour reaches over the edge of an
object that cannot be seen in the gray picture than over that of one that is 10
Lab units darker, or lighter.
{say.columns(("invisible minus darker", darker, "+.2f", words),
    ("invisible minus lighter", lighter, "+.2f", words))}
**On photographs** ({len(views)} of `{views.name}`), the error close to
boundaries in multiples of that elsewhere:
{say.each("near / far", ratios, ".2f")}. From the lowest to the highest contrast
of lightness Koalarization's error there, in multiples of gray's, changes by
{say.each("measured contrast", trend, "+.3f", in_view)}. The error minus that of
gray, on these pictures and on {len(small):,} of `{small.name}`, close to
boundaries and elsewhere:
{say.columns(("near, against gray", near, "+.2f", worse),
    ("far, against gray", far, "+.2f", worse))}
"""
records.write_table(run, "verdict", say.table())
Markdown(text)

# %% [markdown]
# ## Caveats
#
# - The bleed width is measured where a system paints two colours. A system
#   that paints everything alike leaks nothing and is no better for it.
# - The networks of the scenes are small and were trained for few epochs.
# - A boundary drawn by people need not be one of colour, and is a pixel or two
#   off: at 112 pixels a photograph is a third of its size.
# - Koalarization was trained on cats and dogs; these photographs show other
#   things.
# - CDR depends on how clusters are made; the blurred and the faded truth say
#   what a value is worth.
# - Three trainings say little of how much further ones would differ: where they
#   differ more than pictures do, the intervals are too narrow.
#
# **Exercise.** The blurred truths leak by construction. How much blur gives
# the bleed width of each loss?
