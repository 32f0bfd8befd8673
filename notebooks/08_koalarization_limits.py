# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# (koalarization-limits)=
# # The limits of Koalarization
#
# **Question.** Its authors say that large regions come out well and small
# things do not, that unfamiliar content suffers from the small training set,
# and that what is known about a picture cannot be given with it. Is it so, by
# how much, and is it the network, the content or the number of pictures?
#
# *Run time: some minutes on drawn scenes, about half an hour on two cores for
# the real pictures; the network is trained on four sizes of the training set,
# without its features, and on scenes.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"
seeds = None  # trainings of each kind
sizes = None  # of the training set
steps = None  # of each training, whatever the size
width = None  # of the networks

# %%
from dataclasses import replace
from functools import partial

from IPython.display import Markdown
from torch.nn.functional import interpolate

from colornb import figures, intervals, measured, painted, prose, records
from colornb import scenes, study
from colornb.limits import colour, leaks, regions
from colornb.measured import Measured, Sweep
from colornb.training import short

run = study.begin("08_koalarization_limits", globals())
o, statistics = run.parameters, regions.STATISTICS
train, test = run.load("train", "photos"), run.load("test", "photos")
size = test.images.shape[-1]
ours, trivial = "koalarization/default", ["gray", "mean_ab", "ab_given_l"]
with_features, without = (f"koalarization/{k}_features" for k in ("with", "no"))
on_scenes = "koalarization/scenes"


def scenes_of(split):
    number = len(run.load(split, "drawn"))
    return scenes.image_set(split, size=size, limit=number)


def count(pictures, images=test, where=None):
    return regions.count_error(pictures, images.images, where)


# %% [markdown]
# ## The measure
#
# The **ab error** is the mean distance of the painted ab to the true one. A
# dull picture is easy, so beside it stands the error over that of a gray
# picture, which is the mean chroma of the truth: 1 is worth no colour at all.

# %% tags=["hide-input"]
systems = painted.trained(run, [ours], test)
systems = painted.beside_controls(systems, test, train, trivial)
found = measured.measure(run, systems, count, statistics, test, train)
figures.limits_table(found.rows)

# %% tags=["hide-input"]
pairs = found.pairs([(ours, f"baseline/{name}") for name in trivial])
records.write_table(run, "pairs", pairs)
figures.pair_table(pairs)

# %% [markdown]
# ## Trainings for what follows
#
# Each takes the same number of steps and the settings of the chapter on
# Koalarization, on a random part of the training set, on all of it without
# the classifier's features, or on drawn scenes. They are narrower and shorter
# than that chapter's network and are compared among themselves.

# %% tags=["hide-output"]
settings = study.parameters("02_koalarization", run.profile, "default")
drawn, few = scenes_of("train"), test.subset(range(10))
weights = short.fit_variations(
    train, drawn, run.folder / "trained", settings, monitor=few, **o
)
n = o["sizes"][-1]

# %% [markdown]
# ## Small regions
#
# Photographs with regions drawn by people; each region counts once, in the
# bin of its area. The rows without a network say how hard the regions of a
# bin are.


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-area", "caption": "ab error over that of gray, by the area of the region as a share of the photograph, with 95 % intervals over photographs and seeds. Below the dashed line colours are worth more than none."}, "image": {"alt": "Error by region area for Koalarization and two rows without a network"}}
def count_areas(pictures):
    return regions.count_by_area(pictures, views.images, maps)


views = run.load("test", "regions")
maps = leaks.label_maps(views)
of_views = painted.trained(run, [ours], views)
of_views |= painted.trivial(views, train, trivial[1:])
counts = {k: [count_areas(p) for p in made] for k, made in of_views.items()}
areas = Measured(counts, statistics, views.name)
by_area = areas.curves(regions.relative_error)
records.write_table(run, "area", measured.table_of(by_area, "area"))
label = "ab error / that of gray"
figures.by_category(by_area, regions.AREA_NAMES, y=label, ideal=1)

# %% [markdown]
# In scenes the size of the object is a knob. The network trained on scenes
# sees familiar content there, so only the size changes. The mean colour's
# curve says what the objects' own colours do to the measure.


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-object-size", "caption": "ab error on the object, over that of gray, against its size (1 is about half the picture's width), for a network trained on ordinary scenes. Bands: 95 % over scenes and seeds."}, "image": {"alt": "Curves of the error on an object against its size"}}
def paint_scenes(images):
    made = {on_scenes: painted.paint_each(weights["scenes"], images)}
    return made | painted.trivial(images, drawn, ["mean_ab"])


def count_object(pictures, images):
    return count(pictures, images, images.masks == scenes.OBJECT)


tested, knobs = scenes_of("test"), (0.15, 0.3, 0.6, 0.9, 1.2)
same = {"size": size, "limit": min(200, len(tested))}
by_size = measured.along_knob(
    "object_size", knobs, paint_scenes, count_object, **same
)
records.write_table(run, "object_size", by_size.table(statistics, "size"))
lines = {"": by_size.curves(regions.relative_error)}
figures.curves(lines, x="size of the object (knob)", y=label)

# %% [markdown]
# ## Unfamiliar content
#
# The network of the chapter on Koalarization and the one trained on scenes,
# each on its own kind of pictures and on others. The rows without a network
# are fitted on the photographs of cats and dogs.


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-content", "caption": "ab error over that of gray on four kinds of content, with 95 % intervals over pictures and seeds. Below the dashed line colours are worth more than none."}, "image": {"alt": "Error on four kinds of content for two networks and two rows without one"}}
def paint_all(images):
    made = painted.trained(run, [ours], images)
    made[on_scenes] = painted.paint_each(weights["scenes"], images)
    return made | painted.trivial(images, train, trivial[1:])


small = run.load("test", "small")
enlarged = interpolate(small.images.float(), (size, size), mode="bilinear")
others = {
    "own test set": test,
    "photographs of many things": views,
    "small pictures, enlarged": replace(small, images=enlarged.byte()),
    "drawn scenes": tested,
}
content = measured.sweep(
    {title: (paint_all(images), images) for title, images in others.items()},
    count,
)
records.write_table(run, "content", content.table(statistics, "content"))
by_content = content.curves(regions.relative_error)
figures.by_category(by_content, list(others), y=label, ideal=1)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-views", "caption": "Koalarization on photographs of many things, at even ranks of the ab error over that of gray (first seed): best on the left, worst on the right."}, "image": {"alt": "Rows of photographs: gray, Koalarization, truth"}}
first = content.counts[ours]["photographs of many things"][0]
ranks = figures.even_ranks(regions.relative_error(first), 7)
figures.beside_truth(views.images[ranks], {ours: of_views[ours][0][ranks]})

# %% [markdown]
# ## The number of training pictures
#
# The same number of steps for each size, so that only the variety of the
# pictures differs. A larger set contains the smaller one of the same seed.


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-size", "caption": "ab error over that of gray on the test set against the number of training pictures, at equal steps. Bands: 95 % over pictures and seeds (a seed draws the pictures too)."}, "image": {"alt": "Curve of the error against the size of the training set"}}
def learned_from(number):
    made = painted.paint_each(weights[f"with_{number}"], test)
    part = short.part(train, number, 0)
    rows = painted.trivial(test, part, ["ab_given_l"])
    return {with_features: made} | rows, test


grown = measured.sweep({k: learned_from(k) for k in o["sizes"]}, count)
records.write_table(run, "training_size", grown.table(statistics, "images"))
lines = {"": grown.curves(regions.relative_error)}
figures.curves(lines, x="training pictures", y=label)

# %% [markdown]
# ## What the classifier's features are worth, and where
#
# The same training with and without them: by class, and by how colourful the
# true picture is.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-features", "caption": "ab error with the classifier's features minus without, by class and by quarter of the true chroma, with 95 % intervals over pictures and seeds. Below zero the features help."}, "image": {"alt": "Difference of the error by class and by colourfulness"}}
bare = [count(made) for made in painted.paint_each(weights["without"], test)]
helped = intervals.differences_by_kind(
    grown.counts[with_features][n], bare, regions.ab_error, regions.kinds(test)
)
gain = {with_features: measured.line(helped)}
records.write_table(run, "features", measured.table_of(gain, "pictures"))
figures.by_category(gain, list(helped), y="change of the ab error", ideal=0)

# %% [markdown]
# ## Context
#
# What is known about a picture cannot be given with it: the network has no
# input for it but L, so its answer does not depend on any. Captions are the
# remedy that was proposed. A second question is how much of an object's colour
# comes from its surroundings: here all around it is set to one gray. Cats and
# dogs have no masks, so the central half of the picture stands for the object.
# What mirroring the picture changes says how large a change means nothing.

# %% tags=["hide-input"]
some = test.subset(range(0, len(test), max(1, len(test) // 300)))
middle, bodies = colour.centre(some.images), tested.masks == scenes.OBJECT
shown = {
    with_features: (f"with_{n}", some, middle),
    without: ("without", some, middle),
    on_scenes: ("scenes", tested, bodies),
}
hiding = Sweep({})
for name, (key, images, where) in shown.items():
    paint = partial(painted.paint_each, weights[key])
    hiding.counts[name] = regions.count_hiding(paint, images, where)
table = hiding.table({"ab_error": regions.ab_error}, "aspect")
records.write_table(run, "hiding", table)
worse = hiding.change(regions.ab_error, "shown", "hidden")
ways = ("moved by hiding", "moved by mirroring")
moved = {f"Colour {k}": hiding.at(k, regions.ab_error) for k in ways}
prose.table({"ab error, hidden minus shown": worse} | moved, "+.2f")

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
farther = content.from_first(regions.relative_error, ours)
by_region = {
    name: intervals.estimate(counts, regions.large_minus_small)
    for name, counts in areas.counts.items()
}
by_object = by_size.change(regions.relative_error, knobs[0], knobs[-1])
variety = grown.change(regions.relative_error, o["sizes"][0], n)
at_all = found.of("relative_error", [ours, "baseline/mean_ab"])
harder = ("harder than its own", "easier than its own", "no different")
larger = ("worse in large ones", "better in large ones", "no difference")
Markdown(f"""
**In short.** All errors are in multiples of a gray picture's. On its own test
set: {prose.each(at_all, ".3f")}.

*Small regions.* In photographs the error in regions of more than
{regions.AREAS[-2]:.0%} of the picture, minus that in regions of
{regions.AREAS[1]:.1%} to {regions.AREAS[2]:.0%}:
{prose.each(by_region, words=larger)}. In scenes, from the smallest object to
the largest: {prose.each(by_object, words=larger)}.

*Unfamiliar content*, error minus that on its own test set:
{prose.each(farther, words=harder)}.

*Training-set size.* From {o["sizes"][0]:,} to {n:,} pictures at the same number
of steps the error changes by {prose.each(variety)}. *Features.* With them the
ab error changes by {prose.number(helped["all"], "+.2f")} Lab units over all
test pictures.

*Surroundings.* Hiding them changes the ab error on the object by
{prose.each(worse, "+.2f")}. *Context given with the picture* has no input to
come in by, so its effect is zero by construction.
""")

# %% [markdown]
# ## Caveats
#
# - A person's region is not an object; many small ones are parts of larger
#   things and share their colour.
# - Enlarged small pictures are blurred, and pictures with hidden surroundings
#   look like nothing in the training set: part of the effect is that.
# - At equal steps a small training set is seen many times over. That is the
#   comparison of variety at equal cost, not of the best that each size allows.
# - The central half of a photograph of a cat or dog holds background too.
#
# **Exercise.** Train the network on scenes whose objects are all small
# (`object_size`) and draw its curve beside the one above. Is it the network or
# what it has seen?
