# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# (colour-bias)=
# # Colour bias, and texture turned green
#
# **Question.** Two things are said of the GAN: it paints many cars red, since
# red cars are frequent, and it paints busy texture green, since grass is. Do
# frequent colours win, how much, under which loss, and does texture turn
# green?
#
# *Run time: some minutes on drawn scenes, about twenty on two cores for the
# real pictures; small generators are trained on scenes with five shares of
# red cars, under three losses.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"
seeds = None  # trainings of each loss and share
epochs = None  # of these trainings
width = None  # of their generators

# %%
import numpy as np
import torch
from IPython.display import Markdown

from colornb import figures, measured, painted, prose, records, scenes, study
from colornb.limits import colour
from colornb.measured import Sweep
from colornb.training import drawn

run = study.begin("05_colour_bias", globals())
train, test = run.load("train", "small"), run.load("test", "small")
networks = ["gan/l2_only", "gan/l1_only", "gan/default"]
trivial = ["gray", "mean_ab", "median_ab", "ab_given_l", "class_mean_ab"]

# %% [markdown]
# ## Four measures
#
# A hue counts only where chroma is at least 10. The small pictures have no
# masks, so the central half of a picture each way stands for the object.
#
# - **Majority hue**: the hue (of twelve) that most object pixels of a class
#   have in training. Its share among the painted object pixels that have a
#   hue, over its share in the truth: above 1, the frequent hue wins. Beside
#   it, how many object pixels have a hue at all; a dull system has few.
# - **Jensen-Shannon divergence** of all painted and all true colours.
# - **Recall**: the share of true pixels painted within 10 Lab units of their
#   colour, by how frequent that colour is in training.
# - **Turned green**: the share of pixels painted green among those that are
#   not, in the roughest tenth of places minus that in the smoothest.

# %% tags=["hide-input"]
systems = painted.trained(run, networks, test)
systems = painted.beside_controls(systems, test, train, trivial)
count = colour.counting(train, test)
found = measured.measure(run, systems, count, colour.STATISTICS, test, train)
figures.limits_table(found.rows)

# %% tags=["hide-input"]
compared = [(a, b) for i, b in enumerate(networks) for a in networks[i + 1 :]]
pairs = found.pairs([*compared, *((name, "truth") for name in networks)])
records.write_table(run, "pairs", pairs)
figures.pair_table(pairs)

# %% [markdown]
# ## Class by class

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-majority", "caption": "The share of each class's majority hue among coloured object pixels: painted over true, with 95 % intervals over pictures and seeds. The dashed line is the truth; above it the frequent hue wins."}, "image": {"alt": "For each class, the amplification of its majority hue by three networks"}}
by_class = found.curves(colour.amplification_by_class, networks)
label = "majority hue, painted / true share"
figures.by_category(by_class, test.classes, y=label, ideal=1)

# %% [markdown]
# The cars alone, and red alone:

# %% tags=["hide-input"]
is_car = torch.tensor([c in ("automobile", "car") for c in test.classes])
cars = is_car[test.labels].nonzero()[:, 0]
objects = colour.centre(test.images[cars])
red = measured.Measured(
    {
        name: [colour.count_red(p[cars], objects) for p in systems[name]]
        for name in [*networks, "baseline/class_mean_ab", "truth"]
    },
    {"red": colour.red_share, "coloured": colour.hue_share},
    test.name,
)
redder = {k: red.difference(k, "truth", "red") for k in red.counts}
prose.table(
    {
        "Red, of the pixels with a hue": red.of("red", red.counts),
        "Minus the truth's": redder,
        "Pixels with a hue": red.of("coloured", red.counts),
    }
)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-cars", "caption": "Cars of the test set at even ranks of the share of red among their coloured pixels in the truth, least on the left: gray, three networks (first seed), truth."}, "image": {"alt": "Rows of small pictures of cars"}}
true = red.counts["truth"][0]
ranks = figures.even_ranks(true["red"] / np.maximum(true["coloured"], 1), 12)
shown = {name: systems[name][0][cars[ranks]] for name in networks}
figures.beside_truth(test.images[cars[ranks]], shown)

# %% [markdown]
# ## Rare colours, and rough places

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-recall", "caption": "Recall by how frequent a colour is in training, each group a tenth of the training pixels, rarest on the left. Bands: 95 % over pictures and seeds."}, "image": {"alt": "Curves of recall against the frequency of a colour"}}
shown = [*networks, "baseline/mean_ab", "truth/blurred_2"]
figures.curves(
    {"": found.curves(colour.recall_by_frequency, shown)},
    x="tenth of the training pixels, from rare to frequent colours",
    y="share painted within 10 Lab units",
)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-green", "caption": "Share of pixels painted green, of those that are not green, by how much lightness fluctuates around them (tenths of the test pixels). Bands: 95 % over pictures and seeds."}, "image": {"alt": "Curves of the share turned green against the roughness of the place"}}
green = found.curves(colour.green_by_roughness, shown)
table = measured.table_of(green, "roughness")
records.write_table(run, "green_by_roughness", table)
figures.curves(
    {"": green},
    x="tenth of local fluctuation of L, from smooth to rough",
    y="share turned green",
)

# %% [markdown]
# ## The cause as a dose: how many training cars are red?
#
# In scenes of cars the share of red ones is a knob, and the gray picture does
# not tell a red car from a blue one. Generators were trained with shares from
# 0.1 to 0.9 under three losses and tested on the same cars. A system that
# drew colours as often as they occur would follow the diagonal. One that
# minimises an error paints every car alike: the mean colour under the squared
# distance, the median under the absolute one, red or not.

# %% tags=["hide-output"]
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
number = {k: len(run.load(k, "drawn")) // 2 for k in ("train", "test")}


def car_scenes(split, share):
    knobs = scenes.Knobs(classes=("car",), red_share=share)
    return scenes.image_set(split, limit=number[split], knobs=knobs)


tested = car_scenes("test", 0.5)
bodies = tested.masks == scenes.OBJECT
doses, best = {}, {}
for share in SHARES:
    folder, dosed = (
        run.folder / "cars" / f"{share:g}",
        car_scenes("train", share),
    )
    few = tested.subset(range(10))
    drawn.fit_losses(dosed, folder, monitor=few, **run.parameters)
    best[share] = colour.mean_and_median(
        dosed.images, dosed.masks == scenes.OBJECT
    )
    for name, made in painted.trained_on_scenes(folder, tested).items():
        counts = [colour.count_red(p, bodies) for p in made]
        doses.setdefault(name, {})[share] = counts
dose = Sweep(doses)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-dose", "caption": "Share of red among the coloured pixels of painted cars, left, and share of their pixels that have a hue, right, against the share of red cars in training. Bands: 95 % over scenes and seeds. Gray: the share itself."}, "image": {"alt": "Dose-response curves of three losses"}}
itself = dict.fromkeys(("x", "value", "low", "high"), np.array(SHARES))
lines = dose.curves(colour.red_share)
covers = dose.curves(colour.hue_share)
figures.curves(
    {
        "red, of the pixels with a hue": lines | {"the share itself": itself},
        "pixels with a hue": covers,
    },
    x="share of red cars in training",
    y="share",
)

# %% tags=["hide-input"]
measures = {"red": colour.red_share, "coloured": colour.hue_share}
records.write_table(run, "red_dose", dose.table(measures, "trained_share"))
slopes = {k: dose.slope(colour.red_share, k) for k in dose.counts}
figures.Table(
    [
        {
            "Trained share of red": f"{share:.0%}",
            "Mean colour (optimum of L2)": colour.describe(mean),
            "Median colour (optimum of L1)": colour.describe(median),
        }
        for share, (mean, median) in best.items()
    ]
)

# %% [markdown]
# ## The cause as a knob: the texture of yellow grass
#
# Meadows in scenes are mostly green, some are yellow, and lightness does not
# tell which. The fluctuation of the grass's lightness is a knob. These are
# the yellow ones, painted by the networks that the chapter on sepia trained
# on ordinary scenes.


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-grass", "caption": "Share of truly yellow grass that is painted green against the fluctuation of its lightness. Bands: 95 % over scenes and seeds."}, "image": {"alt": "Curves of the share of yellow grass painted green against its texture"}}
def paint(images):
    return painted.trained_on_scenes(run.of("06_sepia") / "drawn", images)


def count_green_grass(pictures, images):
    yellow = torch.tensor(["yellow grass" in c for c in images.captions])
    meadow = (images.masks == scenes.GRASS)[yellow]
    return colour.count_green(pictures[yellow], meadow)


knobs, limit = (0.0, 0.25, 0.5, 0.75, 1.0), 4 * number["test"]
grass = measured.along_knob(
    "grass_texture", knobs, paint, count_green_grass, limit=limit
)
table = grass.table({"green": colour.green_share}, "texture")
records.write_table(run, "green_grass", table)
lines = {"": grass.curves(colour.green_share)}
label = "fluctuation of the grass's lightness (knob)"
figures.curves(lines, x=label, y="share painted green")

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
greener = grass.change(colour.green_share, 0.0, 1.0)
wins = {k: found.difference(k, "truth", "bias_amplification") for k in networks}
rough = found.of("texture_to_green", [*networks, "baseline/ab_given_l"])
more = ("over-represented", "under-represented", "as frequent as in the truth")
red_words = ("more red than the truth", "less red", "about as red")
texture_words = ("texture turns green", "the smooth does", "no difference")
green_words = ("greener with texture", "less green with texture", "no change")
Markdown(f"""
**In short: colour bias.** Over all classes a class's majority hue is painted,
relative to its true share (ratio minus 1): {prose.each(wins, words=more)}.
Among the pixels of cars that have a hue, the painted share of red minus the
true one: {prose.each({k: redder[k] for k in networks}, words=red_words)}. In
scenes, where only the share of red training cars changes, the painted share
follows it with a slope of {prose.each(slopes, "+.2f")}. A slope of 1 is as
often as in training; more is a frequent colour that wins.

**In short: texture turned green.** Of the pixels that are not green, the share
painted green in the roughest places minus the smoothest:
{prose.each(rough, words=texture_words)}.
Turning the texture of truly yellow grass from none to full changes the share
painted green by {prose.each(greener, words=green_words)}.
""")

# %% [markdown]
# ## Caveats
#
# - The central half of a CIFAR-10 picture holds background too.
# - The Jensen-Shannon divergence of finite samples is above 0 also for equal
#   distributions, and its interval lies a little high.
# - A share among coloured pixels says little where hardly any pixel has a hue:
#   read it with the column beside it.
# - What is truly green cannot be turned green, so rough meadows do not count;
#   the blurred truth says how much green a slight displacement makes.
#
# **Exercise.** The dose-response curves of L1 and L2 differ. At which share do
# the mean and the median of the training cars' colours become red, and does
# the table say so?
