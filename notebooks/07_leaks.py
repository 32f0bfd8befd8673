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

from colornb import figures, measured, painted, prose, records, scenes, study
from colornb.limits import leaks
from colornb.measured import Measured

run = study.begin("07_leaks", globals())
trivial = ["gray", "mean_ab", "median_ab", "ab_given_l"]


def close_to(images, edges):
    """Within 2 pixels of a boundary, on larger pictures in proportion."""
    return leaks.near(edges, max(2, images.images.shape[-1] // 28))


# %% [markdown]
# ## Three measures
#
# **Error close to boundaries**, in ab, beside the error elsewhere. Their
# quotient alone would reward a system that is bad everywhere. **Bleed width**,
# where the regions are known exactly: how many pixels the colour of one side
# reaches into the other; a square whose colour is painted k pixels too large
# has k. It compares a system's own colours on both sides, so it asks where
# they lie and not whether they are right. **CDR**: of all pairs of pixels that
# a true chroma edge separates, the share that is separated in the painted
# picture too (after Kim et al.; clusters of equal area, 1 for the truth).
#
# ## Scenes, whose boundaries are exact

# %% tags=["hide-input"]
train, test = run.load("train", "drawn"), run.load("test", "drawn")
weights = run.of("06_sepia") / "drawn"
masks = leaks.label_maps(test)
close = close_to(test, leaks.region_edges(masks))
systems = painted.trained_on_scenes(weights, test)
networks = list(systems)
systems = painted.beside_controls(systems, test, train, trivial)


def count_scenes(pictures, images):
    return {
        **leaks.count_boundary_error(pictures, images.images, close),
        **leaks.count_bleed(pictures, masks, scenes.OBJECT),
        **leaks.count_cdr(pictures, images.images),
    }


widths = {"bleed_width": leaks.bleed_width, "cdr": leaks.cdr}
statistics = leaks.ERRORS | widths
found = measured.measure(run, systems, count_scenes, statistics, test, train)
figures.limits_table(found.rows)


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bleed-profile", "caption": "How much of the other side's colour there is at each distance from an object's edge, in scenes: outside the object, left, and inside, right. 0 is a clean edge. Bands: 95 % over scenes and seeds."}, "image": {"alt": "Curves of the share of the other side's colour against the distance from the edge"}}
def side(index):
    def profile_of(means):
        return leaks.bleed_profile(means)[..., index, :]

    shown = [*networks, "truth", "truth/blurred_1", "truth/blurred_2"]
    return found.curves(profile_of, shown, np.arange(6) + 0.5)


figures.curves(
    {"outside the object": side(0), "inside": side(1)},
    x="distance from the edge (pixels)",
    y="share of the other side's colour",
    ideal=0,
)

# %% tags=["hide-input"]
compared = [(a, b) for i, b in enumerate(networks) for a in networks[i + 1 :]]
compared += [(name, "truth") for name in networks]
pairs = found.pairs(compared, ["boundary_error", "bleed_width", "cdr"])
figures.pair_table(pairs)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-leak-ranks", "caption": "Scenes at even ranks of the ab error close to boundaries under L1 (first seed), best on the left, worst on the right; ΔE is that error in Lab units."}, "image": {"alt": "Rows of small scenes: gray, three networks, truth"}}
error = leaks.boundary_error(found.counts["gan/scenes_l1"][0])
ranks = figures.even_ranks(error, 10)
shown = {name: systems[name][0][ranks] for name in networks}
titles = [f"ΔE {error[i]:.1f}" for i in ranks]
figures.beside_truth(test.images[ranks], shown, titles=titles)

# %% [markdown]
# ## The cause as a knob: does the gray picture show the edge?
#
# In scenes the object's lightness can be set to what it covers plus a
# constant, pixel by pixel. At 0 the object is invisible in the gray picture
# but for its details; nothing else changes.


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-contrast-knob", "caption": "ab error close to boundaries against the lightness that the object has more than what it covers (0: invisible in gray), for networks trained on ordinary scenes. Bands: 95 % over scenes and seeds."}, "image": {"alt": "Curves of the boundary error against the contrast of lightness"}}
def paint(images):
    made = painted.trained_on_scenes(weights, images)
    return made | painted.trivial(images, train, ["mean_ab"])


def count_object(pictures, images):
    regions = leaks.label_maps(images)
    beside = close_to(images, leaks.region_edges(regions == scenes.OBJECT))
    return {
        **leaks.count_boundary_error(pictures, images.images, beside),
        **leaks.count_bleed(pictures, regions, scenes.OBJECT),
    }


knobs = (-30.0, -20.0, -10.0, 0.0, 10.0)
turned = measured.along_knob(
    "boundary_contrast", knobs, paint, count_object, limit=len(test)
)
lines = {"": turned.curves(leaks.boundary_error)}
label = "lightness of the object minus that behind it (Lab units)"
figures.curves(lines, x=label, y="ab error close to the object's edge")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bleed-knob", "caption": "Bleed width against the same knob. Only scenes count in which a network paints the two sides in different colours."}, "image": {"alt": "Curves of the bleed width against the contrast of lightness"}}
lines = {"": turned.curves(leaks.bleed_width, networks)}
figures.curves(lines, x=label, y="bleed width (pixels)")

# %% tags=["hide-input"]
measures = {k: statistics[k] for k in ("boundary_error", "bleed_width")}
records.write_table(run, "contrast_knob", turned.table(measures, "contrast"))
hidden = turned.change(leaks.boundary_error, -30.0, 0.0)
prose.table({"Error at contrast 0 minus that at -30": hidden}, "+.2f")

# %% [markdown]
# The row without a network tells how much of a change lies in the colours of
# the two settings themselves.
#
# ## Photographs with boundaries drawn by people
#
# Of the several people who drew the boundaries of a photograph, the one with
# the median number of regions counts. Profiles without real data have scenes
# here.


# %% tags=["hide-input"]
def count_views(pictures, images):
    return leaks.count_boundary_error(pictures, images.images, view_close)


views, view_train = run.load("test", "regions"), run.load("train", "photos")
regions = leaks.label_maps(views)
view_close = close_to(views, leaks.region_edges(regions))
view_systems = painted.trained(run, ["koalarization/default"], views)
view_systems = painted.beside_controls(view_systems, views, view_train, trivial)
of_views = measured.measure(
    run, view_systems, count_views, leaks.ERRORS, views, view_train
)
figures.limits_table(of_views.rows)


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-contrast-measured", "caption": "ab error close to boundaries drawn by people, against the difference of lightness between the two sides (bins end at 2, 5, 10, 20 and 100 Lab units). Bands: 95 % over photographs and seeds."}, "image": {"alt": "Curves of the boundary error against measured contrast"}}
def count_split(pictures):
    return leaks.count_by_contrast(
        pictures, views.images, view_close, contrast, [0, 2, 5, 10, 20, 100]
    )


reach = views.images.shape[-1] // 56 + 1
contrast = leaks.luminance_contrast(views.images, regions, reach)
ours = "koalarization/default"
split = {
    name: [count_split(p) for p in view_systems[name]]
    for name in (ours, "baseline/gray", "baseline/mean_ab")
}
by_contrast = Measured(split, measures, views.name).curves(
    leaks.boundary_error, x=[1, 3.5, 7.5, 15, 30]
)
table = measured.table_of(by_contrast, "contrast")
records.write_table(run, "contrast_measured", table)
label = "difference of L between the sides (Lab units)"
figures.curves({"": by_contrast}, x=label, y="ab error close to boundaries")

# %% [markdown]
# ## The small pictures, at the truth's chroma edges
#
# They have no masks, so a boundary is where the true ab of neighbours differs
# by 10 or more.


# %% tags=["hide-input"]
def count_small(pictures, images):
    return {
        **leaks.count_boundary_error(pictures, images.images, edges),
        **leaks.count_cdr(pictures, images.images),
    }


small_train, small = run.load("train", "small"), run.load("test", "small")
edges = close_to(small, leaks.chroma_edges(small.images))
names = ["gan/l2_only", "gan/l1_only", "gan/default"]
made = painted.trained(run, names, small)
made = painted.beside_controls(made, small, small_train, trivial)
statistics = leaks.ERRORS | {"cdr": leaks.cdr}
of_small = measured.measure(
    run, made, count_small, statistics, small, small_train
)
figures.limits_table(of_small.rows)

# %% tags=["hide-input"]
compared = [(a, b) for i, b in enumerate(names) for a in names[i + 1 :]]
compared += [(name, "baseline/gray") for name in names]
against = [(ours, f"baseline/{name}") for name in trivial]
shown = ["boundary_error", "interior_error"]
more = [of_small.pairs(compared, shown), of_views.pairs(against, shown)]
records.write_table(run, "pairs", pd.concat([pairs, *more]))
figures.pair_table(pd.concat(more))

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
wider = {k: found.difference(k, "truth", "bleed_width") for k in networks}
gan = found.difference("gan/scenes_gan", "gan/scenes_l1", "bleed_width")
ratios = of_views.of("boundary_error_ratio", [ours, "baseline/gray"])
near, far = (of_views.difference(ours, "baseline/gray", k) for k in shown)
ends = by_contrast[ours]["value"][[0, -1]]
words = ("higher", "lower", "not distinguishable")
Markdown(f"""
**In short.** *Do colours leak?* In scenes the bleed width exceeds the truth's
by, in pixels: {prose.each(wider, "+.2f")}. *Which loss?* With a discriminator
beside L1 the width is {prose.judge(gan, "larger", "smaller", words[2])}
({prose.number(gan, "+.2f")}). *The cause?* Where the object cannot be seen in
the gray picture, the error at its edge, against a contrast of -30, changes by
{prose.each(hidden, "+.2f")}; the last is a row without a network.

*On {len(views)} photographs* the error close to boundaries is, in multiples of
that elsewhere: {prose.each(ratios, ".2f")}. Against gray Koalarization's error
is {prose.judge(near, *words)} close to boundaries
({prose.number(near, "+.2f")}) and {prose.judge(far, *words)} elsewhere
({prose.number(far, "+.2f")}). From the lowest to the highest contrast of
lightness its error goes from {ends[0]:.1f} to {ends[1]:.1f}; the figure shows
how far that is the photographs' own colours.
""")

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
# - CDR depends on how clusters are made; the blurred truths say what a value is
#   worth.
#
# **Exercise.** The blurred truths leak by construction. How much blur gives
# the bleed width of each loss?
