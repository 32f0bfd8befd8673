# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# (sepia)=
# # Sepia
#
# **Question.** Colorizations tend to look like old photographs: brownish,
# also in clear skies. The source report saw it in skies that turn from blue
# to yellow and wondered whether more training would help. How large is the
# effect, and does training, the loss or the task itself cause it?
#
# *Run time: some minutes on drawn scenes, about fifteen on two cores for the
# real pictures; nine small generators are trained on scenes.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"
seeds = None  # trainings of each loss on the scenes
epochs = None  # of these trainings
width = None  # of their generators

# %%
from IPython.display import Markdown

from colornb import baselines, figures, measured, painted, prose, records
from colornb import scenes, study
from colornb.limits import sepia
from colornb.measured import Measured, Sweep
from colornb.training import drawn

run = study.begin("06_sepia", globals())
train, test = run.load("train", "small"), run.load("test", "small")
mean_ab = baselines.fit(train.images, train.labels).mean_ab
networks = ["gan/l2_only", "gan/l1_only", "gan/default"]
trivial = ["gray", "mean_ab", "median_ab", "ab_given_l", "class_mean_ab"]

# %% [markdown]
# ## Two measures
#
# The mean colour of the training pictures is a brownish yellow. The **sepia
# index** is the share of the painted chroma whose hue lies within 25 degrees
# of that colour's, minus the same share in the true pictures: 0 is as sepia
# as the truth. The **mean ab along the training mean**, over the mean chroma,
# is 1 when every pixel has that one hue, and small when hues of all kinds
# occur. Both tell a picture painted with the training mean from the truth,
# which is why rows without a network stand beside the networks, and the truth
# with its chroma blurred.


# %% tags=["hide-input"]
def count(pictures, images):
    return sepia.count_sepia(pictures, images.images, mean_ab)


systems = painted.trained(run, networks, test)
systems = painted.beside_controls(systems, test, train, trivial)
found = measured.measure(run, systems, count, sepia.STATISTICS, test, train)
figures.limits_table(found.rows)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-sepia-index", "caption": "Sepia index on the small test pictures, with 95 % intervals over pictures and training seeds; thin marks: single seeds. The dashed line is the truth."}, "image": {"alt": "Dots with intervals: the sepia index of networks, trivial rows and controls"}}
shown = [name for name in systems if name != "baseline/gray"]  # has no hue
label = "Sepia index (share of chroma)"
figures.estimates(found.of("sepia_index", shown), label, ideal=0)

# %% [markdown]
# The photographs and Koalarization, measured the same way:


# %% tags=["hide-input"]
def count_photos(pictures, images):
    return sepia.count_sepia(pictures, images.images, photo_mean)


photo_train, photos = run.load("train", "photos"), run.load("test", "photos")
photo_mean = baselines.fit(photo_train.images, photo_train.labels).mean_ab
koalarization = "koalarization/default"
made = painted.trained(run, [koalarization], photos)
made |= painted.trivial(photos, photo_train, trivial[:4])
of_photos = measured.measure(
    run, made, count_photos, sepia.STATISTICS, photos, photo_train
)
figures.limits_table(of_photos.rows)

# %% [markdown]
# ## Is it too little training?
#
# The weights of early epochs were kept. One caution: where the learning rate
# follows one cycle, the network of an early epoch is one in the middle of its
# training at a high rate, not what a shorter training would have ended with.

# %%
of_small = painted.by_epoch(run, networks, test)
of_large = painted.by_epoch(run, [koalarization], photos)
history = Sweep(
    measured.sweep(of_small, count).counts
    | measured.sweep(of_large, count_photos).counts
)
table = history.table(sepia.STATISTICS, "epoch")
records.write_table(run, "sepia_by_epoch", table)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-sepia-epochs", "caption": "Sepia index after each kept epoch: small pictures, left; photographs, right. Bands: 95 % over pictures and seeds. The dashed line is the truth."}, "image": {"alt": "Curves of the sepia index against the epoch for four systems"}}
panels = {"small pictures": networks, "photographs": [koalarization]}


def by_epoch(statistic):
    return {k: history.curves(statistic, names) for k, names in panels.items()}


figures.curves(by_epoch(sepia.sepia_index), x="epoch", y="sepia index", ideal=0)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-sepia-chroma", "caption": "Chroma, predicted over true, after each kept epoch; bands and the dashed line as above."}, "image": {"alt": "Curves of the chroma that is kept against the epoch for four systems"}}
kept = by_epoch(sepia.chroma_retention)
figures.curves(kept, x="epoch", y="chroma, predicted / true", ideal=1)

# %% [markdown]
# The same in numbers, on the same pictures: the last epoch minus the kept one
# at or before half of the training. Below zero, the second half made it less
# sepia.

# %% tags=["hide-input"]
changes = {}
for name, kept in history.counts.items():
    half = max(e for e in kept if e <= max(1, max(kept) / 2))
    ends = (half, max(kept))
    changes |= history.change(sepia.sepia_index, *ends, systems=[name])
prose.table({"Change of the sepia index": changes})

# %% [markdown]
# ## Does the loss cause it?
#
# The three generators differ in nothing but their loss.

# %% tags=["hide-input"]
compared = [(a, b) for i, b in enumerate(networks) for a in networks[i + 1 :]]
compared += [(name, "baseline/mean_ab") for name in networks]
pairs = found.pairs(compared)
records.write_table(run, "pairs", pairs)
figures.pair_table(pairs)

# %% [markdown]
# ## Clear skies that turn warm
#
# The real skies are found by a rule, made on training pictures and without a
# choice by eye: the upper half is mostly smooth, at least a quarter of it is
# blue, and towards the horizon it gets at least 5 Lab units yellower.

# %% tags=["hide-input"]
skies = sepia.clear_skies(test.images)
if skies.flatten(1).any(1).sum() < 2:  # scenes have hardly any: their sky
    skies = test.masks == scenes.SKY
blue = skies.flatten(1).any(1).nonzero()[:, 0]
truth, sky = test.images[blue], skies[blue]
in_skies = Measured(
    {
        name: [sepia.count_sepia(p[blue], truth, mean_ab, sky) for p in made]
        for name, made in systems.items()
        if "blurred" not in name
    },
    sepia.STATISTICS | {"blueness": sepia.blueness},
    test.name,
)
figures.limits_table(in_skies.rows)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-skies", "caption": "Skies found by the rule, at even ranks of the share of sepia in the colours that the U-Net trained with L1 (first seed) gives the sky: least sepia on the left, most on the right."}, "image": {"alt": "Rows of small pictures with skies: gray, three networks, truth"}}
first = in_skies.counts["gan/l1_only"][0]
ranks = figures.even_ranks(first["sepia"] / first["chroma"], 12)
shown = {name: systems[name][0][blue[ranks]] for name in networks}
figures.beside_truth(truth[ranks], shown)

# %% [markdown]
# ## The gradient as a knob
#
# In drawn scenes the sky's gradient can be turned from all blue (0) to yellow
# at the horizon (1), and nothing else: the lightness stays as it was. So a
# system that sees lightness alone cannot tell these skies apart. What it
# paints must be one answer for all of them, and the best answer under the
# squared error is their mean in training.

# %% tags=["hide-output"]
drawn_train, tested = run.load("train", "drawn"), run.load("test", "drawn")
drawn_mean = baselines.fit(drawn_train.images, drawn_train.labels).mean_ab
few, folder = tested.subset(range(10)), run.folder / "drawn"
drawn.fit_losses(drawn_train, folder, monitor=few, **run.parameters)


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-sky-knob", "caption": "Mean b of the sky (blue below 0, yellow above) against the knob, painted and true. Bands: 95 % over scenes and seeds."}, "image": {"alt": "Curves against the sky gradient: the painted colour hardly follows the true one"}}
def paint(images):
    made = painted.trained_on_scenes(folder, images)
    return made | {"truth": [images.images]}


def count_sky(pictures, images):
    in_sky = images.masks == scenes.SKY
    return sepia.count_sepia(pictures, images.images, drawn_mean, in_sky)


knobs = (0.0, 0.25, 0.5, 0.75, 1.0)
turned = measured.along_knob(
    "sky_gradient", knobs, paint, count_sky, limit=len(tested)
)
measures = {"b": sepia.blueness, "sepia_index": sepia.sepia_index}
records.write_table(run, "sky_knob", turned.table(measures, "gradient"))
lines = {"": turned.curves(sepia.blueness)}
label = "sky gradient (0 blue, 1 blue to yellow)"
figures.curves(lines, x=label, y="mean b of the sky (Lab units)")

# %% tags=["hide-input"]
answers = turned.change(sepia.blueness, 0.0, 1.0)
prose.table({"Change of the sky's b from knob 0 to 1": answers}, "+.1f")

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
index = found.of("sepia_index", networks)
index |= of_photos.of("sepia_index", [koalarization])
of_loss = found.difference("gan/default", "gan/l1_only", "sepia_index")
true_change = answers.pop("truth")
words = ("more sepia than the truth", "less sepia", "as the truth")
over_time = ("more sepia with training", "less sepia", "no change")
still = all(
    abs(one["difference"]) < true_change["difference"] / 4
    for one in answers.values()
)
Markdown(f"""
**In short.** The sepia index: {prose.each(index, words=words)}. In the
{len(blue)} clear skies of the test set:
{prose.each(in_skies.of("sepia_index", networks), words=words)}.

*Insufficient training?* The second half of the training changed the index by
{prose.each(changes, words=over_time)}. *The loss?* A discriminator beside L1
{prose.judge(of_loss, "adds to it", "lessens it", "makes no difference")}
({prose.number(of_loss)}). *The task?* From a blue sky to one that turns
yellow the true b changes by {prose.number(true_change, "+.1f")}, the painted
one by {prose.each(answers, "+.1f")}. {
    "Under every loss the networks give nearly one answer to all these skies, "
    "since their lightness is the same: no training can change that."
    if still
    else "The networks tell some of these skies apart."
}
""")

# %% [markdown]
# ## Caveats
#
# - The index knows hue and chroma, not where they are: a picture full of truly
#   brown things painted brown adds nothing to it, and a blue thing painted
#   brown is made up for by a brown thing painted blue.
# - A gray picture has no hue, so the gray row has no index.
# - The real skies are few and most of them turn from blue to pale, not to
#   yellow; skies like the knob's at 1 hardly occur in CIFAR-10.
# - The curves by epoch are of one learning-rate schedule.
#
# **Exercise.** Set the knob of the *training* scenes to 0, so that all their
# skies are blue, and train again. What becomes of the sepia index on skies
# with a gradient?
