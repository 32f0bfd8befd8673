# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# (new-pictures)=
# # Does it hold for new pictures?
#
# **Question.** The ways to train a GAN in [](critic) were tried one after another,
# each when the test numbers of those before were known. The best of many tries is
# partly just lucky: whoever keeps trying will in the end find one that does well on
# these 1,000 pictures by chance. What is left in new trainings, and on pictures that
# no choice of this study has seen?
#
# *Run time: a minute on drawn scenes, about twenty in `full`; the networks have to be
# trained before.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"
pictures = None  # how many new ones

# %%
import pandas as pd
from IPython.display import Markdown

from colornb import figures, measured, metrics, naming, painted, prose, records
from colornb import study, tables, trained
from colornb.cifar10_jpeg import as_jpeg
from colornb.realism import kid_floor
from colornb.training import gan

run, say = study.begin("21_new_pictures", globals()), prose.Verdict()
train, test = run.load("train", "small"), run.load("test", "small")
many, learned = run.load("train", "many"), {*train.ids}
others = [i for i, name in enumerate(many.ids) if name not in learned]
n = run.parameters["pictures"]
new = as_jpeg(many.subset(others[n : 2 * n]))
known = as_jpeg(test)
ways = {  # the GAN: the same network with L1 alone
    "gan/narrow_diffaugment_again": "gan/narrow_l1_only_again",
    "gan/narrow_regularised": "gan/narrow_regularised_l1_only",
    "gan/narrow_diffaugment_l1_25": "gan/narrow_l1_only_again",
}
systems = trained.found(run, *ways, *ways.values())
ways = {name: alone for name, alone in ways.items() if name in systems}

# %% [markdown]
# ## Three ways
#
# In profile `full` length, pictures and batches are the report's, and the networks
# have a quarter of the channels.
#
# - **The most real of [](critic), trained anew**, three times, with other seeds: a
#   discriminator that learns at the generator's rate, from pictures that are shifted
#   and have a square cut out (DiffAugment {cite}`zhao2020`).
# - **Everything together**: the above, with a discriminator that sees ab but not L, a
#   weight decay of 0.2 in the generator, and dropout of 0.5 after its decoder's first
#   layer.
# - **A smaller weight of L1**: the first way, with L1 × 25 instead of 100. Of the
#   weights 100, 70, 50, 35 and 25 it is the one whose network, trained without the
#   validation pictures, has the lowest KID on them.
#
# Beside each is the same network with L1 alone. Three marks, which this study set
# itself, say whether the discriminator earns its name without spoiling the colours. A
# mark is *met* where the whole 95 % interval lies on its right side, *missed* where
# none of it does, and *open* between:
#
# - KID is at most **half** of that of L1 alone;
# - the pictures have **0.8 to 1.2** of the true chroma;
# - the squared error is at most **0.0085**.

# %% tags=["hide-input"]
changed = ["flip", "generator_steps", "l1_weight", *gan.DISCRIMINATOR]
trained.settings(systems, [*changed, "weight_decay", "dropout"])

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-new-loss", "caption": "Loss against epoch, every training a line. Left, the distance to the true colours of the training pictures (regularised, under dropout); right, the squared distance to those of the test pictures, by which nothing is chosen. Single epochs may lie above the figure."}, "image": {"alt": "Loss curves over the epochs, on training pictures left and on test pictures right"}}
trained.losses(run, "losses", systems, "L1 of ab / 110", "l1")

# %% [markdown]
# ## On the test pictures

# %% tags=["hide-input"]
columns = ["mse_rgb", "delta_e2000", "chroma_retention", "kid", "c2st"]
of_test = systems | records.trivial(run, test, train)
rows = {name: records.summary(paths, test) for name, paths in of_test.items()}
tables.systems(rows, columns)

# %% tags=["hide-input"]
pairs = {"test": records.pairs(of_test, ways.items(), columns, test)}
tables.pairs(pairs["test"])

# %% [markdown]
# ## On new pictures
#
# The study learns from 5,000 of the 50,000 training pictures of CIFAR-10. Of the
# others, the first 2,000 were measured by an earlier version of this page, and what
# was seen there led to changes of it. These are the next 2,000, which had no part in
# that, nor in the trainings or what led to them. They are at hand as JPEG only, and
# compression takes away colour, the fine colour first. What is painted has to lose as
# much before it is compared, or the files alone tell the two apart
# {cite}`parmar2022`. So all painted pictures are compressed as the true ones were, and
# the test pictures are measured a second time in the same way: there only JPEG is new.
# (Drawn scenes, in the other profiles, are compressed here as well.)
#
# More colour alone may look more real. So each GAN has a control: what L1 alone
# paints, its colours times the constant that makes them as colourful as the GAN's.

# %%
made_known = painted.trained(run, [*systems], known)
made = painted.trained(run, [*systems], new)
seeds = {name: painted.planned_seeds(run, name) for name in systems}
controls = {}
for name, alone in ways.items():
    own = name.removeprefix("gan/narrow_")
    controls[name] = control = f"baseline/regression_matched_{own}"
    weights = painted.weights(run, *alone.split("/"))
    made[control] = painted.as_colourful(weights, new, made[name])
    seeds[control] = seeds[alone]
blind = ["gray", "mean_ab", "median_ab", "ab_given_l"]
made |= painted.trivial(new, train, blind)
of_known, of_new = (
    measured.record(run, painted.as_jpeg(several), images, train, seeds=seeds)
    for several, images in ((made_known, known), (made, new))
)

# %% tags=["hide-input"]
new_rows = {name: records.summary(paths, new) for name, paths in of_new.items()}
tables.systems(new_rows, columns)

# %% tags=["hide-input"]
compared = [*ways.items(), *controls.items()]
pairs["new as JPEG"] = records.pairs(of_new, compared, columns, new)
pairs["test as JPEG"] = records.pairs(of_known, ways.items(), columns, known)
records.write_table(run, "pairs", pd.concat(pairs.values()))
tables.pairs(pairs["new as JPEG"])

# %% [markdown]
# ### With the truth alone compressed
#
# If what is painted stays as it is, the discriminator seems to gain less: perhaps since
# its pictures have fine colours, as true ones have before they are compressed, and
# those of L1 alone have fewer to lose.

# %% tags=["hide-input"]
unlike = {
    label: {
        name: records.kid_ratio_painted(several[name], several[alone], images)
        for name, alone in ways.items()
    }
    for label, several, images in (
        ("test, truth alone as JPEG", made_known, known),
        ("new, truth alone as JPEG", made, new),
    )
}
Markdown(f"""
KID over that of L1 alone, and beside the truth as it was compressed:
{say.columns(*((label, found, ".2f") for label, found in unlike.items()))}
""")

# %% [markdown]
# ## Against the marks

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-new-marks", "caption": "The GANs on three sets of pictures, with 95 % intervals over pictures and trainings; thin marks are single trainings. Green: where the mark is met."}, "image": {"alt": "Three panels, one for each mark, with estimates for each set of pictures"}}
sets = {
    "test": (test, of_test),
    "test as JPEG": (known, of_known),
    "new as JPEG": (new, of_new),
}
of_sets = {
    label: {name: records.summary(folders[name], images) for name in ways}
    for label, (images, folders) in sets.items()
}
chroma, error = (
    {
        label: {name: metrics.of(row, metric) for name, row in several.items()}
        for label, several in of_sets.items()
    }
    for metric in ("chroma_retention", "mse_rgb")
)
ratio = {
    label: {a: records.kid_ratio(on[a], on[b], images) for a, b in ways.items()}
    for label, (images, on) in sets.items()
}
marks = {
    "KID over that of L1 alone": (ratio, (None, 0.5), ".2f"),
    "Chroma, predicted / true": (chroma, (0.8, 1.2), ".2f"),
    "MSE (sRGB in [0, 1])": (error, (None, 0.0085), ".5f"),
}
figures.marks({mark: (found, met) for mark, (found, met, _) in marks.items()})

# %% [markdown]
# ## What they paint

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-new-rows", "caption": "The first ten new pictures, as JPEG, by each way of training (first training): gray, painted, truth."}, "image": {"alt": "Rows of small pictures, one for each way of training"}}
first = {name: records.first_pictures(of_new[name]) for name in systems}
figures.beside_truth(new.images[: records.SHOWN], first)

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
floor = kid_floor(records.truth_features(new))


def judge(label, name):
    """What one GAN comes to on one set of pictures, against each mark."""
    cells = {"System": f"{naming.called(name)}\non {label}"}
    for mark, (found, met, style) in marks.items():
        row = found[label][name]
        text = say.number(f"{mark}, {label}", row, style, about=name)
        cells[mark] = f"{prose.within(row, *met)}\n{text}"
    return cells


judged = tables.Table([judge(label, name) for name in ways for label in sets])
Markdown(f"""
**Are the marks met?** They are a KID of at most 0.5 times that of L1 alone, 0.8
to 1.2 of the true chroma, and a squared error of at most 0.0085:

{judged._repr_html_()}

**Are new pictures more real with the discriminator?** The GAN minus L1 alone,
and minus the control that is as colourful, where one half of the true pictures
against the other has a KID of
{say.number("truth against truth", floor, "+.4f")}:
{say.pairs(pairs["new as JPEG"], *compared)}
""")

# %% tags=["hide-input"]
records.write_table(run, "verdict", say.table())

# %% [markdown]
# ## Caveats
#
# - The second way was set down with all of its settings before it was trained, when
#   the test numbers of [](critic) were known; it had been tried once on validation
#   pictures, by a network trained without them. The new pictures and the marks were
#   set down before its trainings were done; that the first way is trained anew, when
#   the test numbers of two of them were known; and what counts as met, before any
#   number of new pictures was. The third way was added last: all numbers of the other
#   two were known by then, those of the first 2,000 new pictures among them, and its
#   weight was looked for because the first way falls short in chroma. Each weight was
#   tried by one training; these tries are not among the records.
# - The narrow networks of [](critic) were trained on another processor, so that another
#   seed is not all that is new about these trainings.
# - The new pictures come from the training part of CIFAR-10, as those do that are
#   learned from. CIFAR-10 has pictures that are nearly alike; they were not looked
#   for.
# - That what is painted is compressed as well was decided when numbers of the first
#   2,000 new pictures were known, with the truth alone compressed, and because of
#   them: a second measure, C2ST, had told the GANs' pictures from real ones more
#   easily there than those of L1 alone, and the test pictures, without JPEG, less
#   easily. Those of the pictures on this page were taken once, after that.
# - A control is made as colourful as its GAN before both are compressed; JPEG takes a
#   little less colour from it than from the GAN.
# - The L that is shown to the networks comes from a JPEG too; they learned from
#   pictures that were not compressed. The new pictures were compressed by an encoder
#   that rounds otherwise than the one for the test pictures and for what is painted:
#   values differ by 0.7 of 255 on average.
# - These JPEG pictures are meant for learning curves, not for tests: here they are
#   the only pictures of CIFAR-10 at hand that nothing was chosen by.
# - The rival of each GAN is the equally narrow network with L1 alone, so that only the
#   discriminator differs. In [](critic) a wide U-Net with L1 alone, trained as long,
#   looks more real than a narrow one. Against that the mark of KID would be harder to
#   meet.
# - Intervals are over pictures and three trainings, which say little of how much
#   others would differ. That of a ratio is by the delta method.
# - KID sees pictures through EfficientNet-Lite0, enlarged to 96 pixels. It compares
#   systems here, and is not to be compared with numbers made with other features.
#
# **Exercise.** Take the next 2,000 of the new pictures. How far do the three numbers
# move, beside their intervals?
