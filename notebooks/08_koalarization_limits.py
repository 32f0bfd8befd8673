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
# **Question.** The source report says that large regions come out well and
# small things do not, that unfamiliar content suffers from the small training
# set, and that what is known about a picture cannot be given with it. Is it so,
# by how much, and is it the network, the content or the number of pictures?
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
from colornb import scenes, study, tables
from colornb.limits import colour, leaks, regions
from colornb.measured import Measured, Sweep
from colornb.training import short

run, say = study.begin("08_koalarization_limits", globals()), prose.Verdict()
o, measures, error = run.parameters, regions.STATISTICS, regions.ab_error
train, test = run.load("train", "photos"), run.load("test", "photos")
size = test.images.shape[-1]
ours, trivial = "koalarization/default", ["gray", "mean_ab", "ab_given_l"]
with_features, without = (f"koalarization/{k}_features" for k in ("with", "no"))
on_scenes, plain = "koalarization/scenes", "baseline/ab_given_l"


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
found = measured.measure(run, systems, count, measures, test, train)
tables.limits(found.rows)

# %% tags=["hide-input"]
pairs = found.pairs([(ours, f"baseline/{name}") for name in trivial])
records.write_table(run, "pairs", pairs)
tables.pairs(pairs)

# %% [markdown]
# ## Trainings for what follows
#
# Each takes the same number of steps and the settings of the chapter on
# Koalarization, on a random part of the training set, on all of it without
# the classifier's features, or on drawn scenes whose objects are small and
# large. They are narrower and shorter than that chapter's network and are
# compared among themselves.

# %% tags=["remove-output"]
SIZES = (0.15, 0.3, 0.6, 0.9, 1.2)
settings = study.parameters("02_koalarization", run.profile, "default")
number = len(run.load("train", "drawn"))
drawn = scenes.of_sizes("train", SIZES, size=size, limit=number)
varied = (train, drawn, run.folder / "trained", settings)
weights = short.fit_variations(*varied, monitor=test.subset(range(10)), **o)
n = o["sizes"][-1]

# %% [markdown]
# ## Small regions
#
# Photographs with regions drawn by people; each region counts once, in the
# bin of its area. The rows without a network say how hard the regions of a
# bin are.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-area", "caption": "ab error over that of gray, by the area of the region as a share of the photograph, with 95 % intervals over photographs and trainings. In each group, from left to right: Koalarization, the mean colour, E[ab | L]. Below the dashed line colours are worth more than none."}, "image": {"alt": "Error by region area for Koalarization and two rows without a network"}}
views = run.load("test", "regions")
truth = (views.images, leaks.label_maps(views))
of_views = painted.trained(run, [ours], views)
of_views |= painted.trivial(views, train, trivial[1:])
counts = {
    name: [regions.count_by_area(p, *truth) for p in made]
    for name, made in of_views.items()
}
areas = Measured(counts, measures, views.name)
kinds = (areas.curves(regions.relative_error), regions.AREA_NAMES)
label = "ab error / that of gray"
measured.draw_kinds(run, "area", *kinds, y=label, ideal=1)

# %% tags=["hide-input"]
listed = ", ".join(f"{n:,.0f}" for n in counts[plain][0]["pixels"].sum(0))
Markdown(f"From the smallest bin to the largest there are {listed} regions.")

# %% [markdown]
# In scenes the size of the object is a knob. The network trained on scenes has
# seen objects of all these sizes, equally often, so only the size changes. The
# mean colour's curve says what the objects' own colours do to the measure.


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-object-size", "caption": "ab error on the object, over that of gray, against its size (1 is about half the picture's width), for a network trained on scenes with objects of these sizes. Bands: 95 % over scenes and trainings."}, "image": {"alt": "Curves of the error on an object against its size"}}
def paint_scenes(images):
    made = {on_scenes: painted.paint_each(weights["scenes"], images)}
    return made | painted.trivial(images, drawn, ["mean_ab"])


def count_object(pictures, images):
    return count(pictures, images, images.masks == scenes.OBJECT)


number = len(run.load("test", "drawn"))
tested = scenes.image_set("test", size=size, limit=number)
knob = ("object_size", SIZES, paint_scenes, count_object)
by_size = measured.along_knob(*knob, size=size, limit=min(200, number))
lines, axis = {"": by_size.curves(regions.relative_error)}, "size of the object"
measured.draw(run, "object_size", lines, x=axis, y=label)

# %% [markdown]
# ## Unfamiliar content
#
# The network of the chapter on Koalarization and the one trained on scenes,
# each on its own kind of pictures and on others. The rows without a network
# are fitted on the photographs of cats and dogs.


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-content", "caption": "ab error over that of gray on four kinds of content, with 95 % intervals over pictures and trainings. In each group, from left to right: Koalarization, the same trained on scenes, the mean colour, E[ab | L]. Below the dashed line colours are worth more than none."}, "image": {"alt": "Error on four kinds of content for two networks and two rows without one"}}
def paint_all(images):
    made = painted.trained(run, [ours], images)
    made[on_scenes] = painted.paint_each(weights["scenes"], images)
    return made | painted.trivial(images, train, trivial[1:])


small = run.load("test", "small")
large = interpolate(small.images.float(), (size, size), mode="bilinear")
small = replace(small, images=large.round().byte())
many = "photographs of many things"
others = {"own test set": test, many: views}
others |= {"small pictures, enlarged": small, "drawn scenes": tested}
made = {title: (paint_all(one), one) for title, one in others.items()}
content = measured.sweep(made, count)
kinds = (content.curves(regions.relative_error), list(others))
measured.draw_kinds(run, "content", *kinds, y=label, ideal=1)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-views", "caption": "Koalarization on photographs of many things, at even ranks of the ab error over that of gray (first training): best on the left, worst on the right; above each is that quotient."}, "image": {"alt": "Rows of photographs: gray, Koalarization, truth"}}
first = regions.relative_error(content.counts[ours][many][0])
ranks = figures.even_ranks(first, 7)
titles, pictures = [f"{first[i]:.2f}" for i in ranks], of_views[ours][0][ranks]
figures.beside_truth(views.images[ranks], {ours: pictures}, titles=titles)

# %% [markdown]
# ## The number of training pictures
#
# The same number of steps for each size, so that only the variety of the
# pictures differs. A larger set contains the smaller one of the same seed.


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-size", "caption": "ab error over that of gray on the test set against the number of training pictures, at equal steps: Koalarization, solid, and E[ab | L], dashed. Bands: 95 % over pictures and trainings (a training draws its pictures too)."}, "image": {"alt": "Curve of the error against the size of the training set"}}
def learned_from(number):
    made = painted.paint_each(weights[f"with_{number}"], test)
    parts = [short.part(train, number, seed) for seed in range(o["seeds"])]
    rows = [painted.trivial(test, part, ["ab_given_l"]) for part in parts]
    return {with_features: made, plain: [row[plain][0] for row in rows]}, test


grown = measured.sweep({k: learned_from(k) for k in o["sizes"]}, count)
lines, axis = {"": grown.curves(regions.relative_error)}, "training pictures"
measured.draw(run, "training_size", lines, x=axis, y=label)

# %% [markdown]
# ## What the classifier's features are worth, and where
#
# The same training with and without them: by class, by how colourful the true
# picture is, and on photographs of many things.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-features", "caption": "ab error with the classifier's features minus without, by class, by quarter of the true chroma and on photographs of many things, with 95 % intervals over pictures and trainings. Below zero the features help."}, "image": {"alt": "Difference of the error by class, by colourfulness and on other photographs"}}
bare = [count(made) for made in painted.paint_each(weights["without"], test)]
by_kind = (grown.counts[with_features][n], bare, error, regions.kinds(test))
helped = intervals.differences_by_kind(*by_kind)
both = (
    [count(made, views) for made in painted.paint_each(weights[k], views)]
    for k in (f"with_{n}", "without")
)
helped[many] = intervals.difference(*both, error)
kinds = ({with_features: measured.line(helped)}, list(helped))
change = "change of the ab error (Lab units)"
measured.draw_kinds(run, "features", *kinds, y=change, ideal=0)

# %% [markdown]
# ## Context
#
# What is known about a picture cannot be given with it: the network has no
# input but L, so its answer depends on nothing else. Captions are the remedy
# that was proposed. A second question is how much of an object's colour comes
# from its surroundings: here all around it is set to one gray. Cats and dogs
# have no masks, so the central half of the picture stands for the object. How
# far mirroring a picture moves its colours says what size of change means
# nothing.

# %% tags=["hide-input"]
some = test.subset(range(0, len(test), max(1, len(test) // 300)))
middle, bodies = colour.centre(some.images), tested.masks == scenes.OBJECT
asked = {
    with_features: (f"with_{n}", some, middle),
    without: ("without", some, middle),
    on_scenes: ("scenes", tested, bodies),
}
counts = {
    name: regions.count_hiding(partial(painted.paint_each, weights[k]), *of)
    for name, (k, *of) in asked.items()
}
hiding = Sweep(counts)
records.write_table(run, "hiding", hiding.table({"ab_error": error}, "aspect"))
worse = hiding.change(error, "shown", "hidden")
ways = ("moved by hiding", "moved by mirroring")
moved = {f"Colour {k}": hiding.at(k, error) for k in ways}
prose.table({"ab error, hidden minus shown": worse} | moved, "+.2f")

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
by_region = areas.beside("baseline/mean_ab").counts[ours]
by_region = {ours: intervals.estimate(by_region, regions.large_minus_small)}
by_object = by_size.change(regions.relative_error, SIZES[0], SIZES[-1])
farther = content.from_first(regions.relative_error, ours)
beside = content.beside(plain)
farther_plain = beside.from_first(regions.error_over_control, ours)
ends = (o["sizes"][0], n)
variety = grown.change(regions.relative_error, *ends, same_training=False)
own, words = found.of("relative_error", [ours, plain]), ("worse", "better")
text = f"""**Own pictures.** On {len(test):,} of `{test.name}` the ab error, in
multiples of a gray picture's, is {say.each("own", own, ".3f")}.

**Small regions.** In {len(views)} pictures of `{views.name}`, the error in
multiples of the mean colour's, in regions above {regions.AREAS[-2]:.0%} of the
picture minus those of {regions.AREAS[1]:.1%} to {regions.AREAS[2]:.0%}, is
{say.each("large minus small regions", by_region, words=words)}. In scenes, from
the smallest object to the largest, it changes, in multiples of gray's, by
{say.each("object size", by_object, words=words)}.

**Unfamiliar content.** The error in multiples of gray's minus that on its own
test set, and the same in multiples of that of E[ab | L]:
{say.columns(("content", farther, "+.3f", words),
    ("content, over plain", farther_plain, "+.3f", words), of="Pictures")}
**Training-set size.** From {ends[0]:,} to {n:,} pictures in as many steps the
relative error changes by {say.each("training size", variety, words=words)}.

**Features and surroundings.** What the classifier's features change in the ab
error, and hiding the surroundings in that of the object, in Lab units. What is
told with a picture has no way in, and no effect by construction.
{say.columns(("features", helped, "+.2f", words), of="Pictures")}
{say.columns(("hidden", worse, "+.2f", words))}
"""
records.write_table(run, "verdict", say.table())
Markdown(text)

# %% [markdown]
# ## Caveats
#
# - A person's region is not an object; many small ones are parts of larger
#   things and share their colour. A bin is a share of the picture, so a small
#   region has few pixels where pictures are small.
# - Enlarged small pictures are blurred, and pictures with hidden surroundings
#   look like nothing in the training set: part of the effect is that.
# - The rows without a network are fitted on cats and dogs as well: they say
#   what other content costs a row that knows it no better, and not how hard it
#   is by itself. What knowing it is worth, the network of the scenes shows.
# - At equal steps a small training set is seen many times over. That is the
#   comparison of variety at equal cost, not of the best that each size allows.
# - The central half of a photograph of a cat or dog holds background too.
# - Three trainings say little of how much further ones would differ: where they
#   differ more than pictures do, the intervals are too narrow.
#
# **Exercise.** Train the network on scenes of ordinary object sizes alone
# (`scenes.image_set`) and draw its curve beside the one above. Is it the size,
# or what it has seen?
