# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# (comparison)=
# # All systems side by side
#
# **Question.** Which system is closest to the truth, which looks most like
# it, and which differences are more than chance?
#
# *Run time: some minutes. Nothing is trained here.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"

# %%
import pandas as pd
from IPython.display import Markdown

from colornb import figures, naming, painted, prose, records, study, tables
from colornb.metrics import METRICS
from colornb.realism import kid_floor

run = study.begin("13_comparison", globals())
train, test = run.load("train", "small"), run.load("test", "small")
photos = run.load("test", "photos")
plan, chapters = study.planned(profile), study.read()["chapters"]
told = ("distribution", "captioned", "reference")
controls = ("caption_mean_ab", "regression_matched")


def of_chapters(images):
    """Records of the chapters on improvements, on these test pictures."""
    found = {}
    for chapter in (c for c in plan if chapters[c]["system"] in told):
        for v, k in plan[chapter]:
            folder = run.of(chapter, v, k) / "records" / records.group(images)
            found |= records.under(folder)
    ours = (k for k in found if k.startswith(told) or k.endswith(controls))
    return {k: found[k] for k in ours}


def of_variants(system):
    """Folders of all variants of a system, a folder for each seed."""
    variants = dict.fromkeys(v for v, _ in plan[painted.TRAINED_IN[system]])
    return {
        f"{system}/{v}": painted.seeds(run, system, v)
        for v in variants
        if "heldout" not in v
    }


def summaries(systems, images):
    return {name: records.summary(f, images) for name, f in systems.items()}


FIRST = ["mse_rgb", "delta_e2000", "chroma_retention", "kid"]
MEASURES = [*FIRST, *(name for name in METRICS if name not in FIRST)]


def everything(systems, summarized):
    more = {name: records.training(paths) for name, paths in systems.items()}
    return tables.systems(summarized, MEASURES, more)


def grid(systems, images):
    first = {k: records.first_pictures(paths) for k, paths in systems.items()}
    return figures.beside_truth(images.images[: records.SHOWN], first)


# %% [markdown]
# ## A control row: regression × chroma gain
#
# Multiplying a dull prediction by a constant makes it as colourful as the
# truth. Whoever claims a more colourful system has to beat that. The constant
# is chosen on the validation pictures, with a generator that was trained
# without them, so that its mean chroma equals the truth's; then it is applied
# to each U-Net trained with L1 alone. The row *regression × gain, as colourful*
# is its twin from the chapter on distributions: there the gain makes it as
# colourful as the network that it is compared with.

# %%
gain = painted.chosen_gain(run)
(boosted,) = painted.regression_gain(run, test).values()
for k, pictures in enumerate(boosted):
    measured = records.measure(pictures, test, train)
    control = {"variant": "regression_gain", "seed": k, "gain": gain}
    records.write(run, measured, test, train, **control)
Markdown(f"The gain is {gain:.2f}.")

# %% [markdown]
# ## The small pictures
#
# Every measure of these systems; the four that say most come first. Where a
# system was trained with several seeds, its row is their mean, with the interval
# over pictures and seeds and the single seeds below (in the published run those
# of KID and the classifier are over pictures alone). A row without parameters
# has no network, or uses that of another row: told something else, drawn from,
# or with its colours turned up.
#
# *How close to the truth*: MSE, MAE and CIEDE2000 should be low, PSNR and SSIM
# high. *How much like real pictures*: the ratios should be 1, KID low, and the
# classifier at 50 %. *How many pixels are right*: accuracy and AuC should be high;
# the rebalanced area weights every colour by how rare it is in training, and most
# of its weight lies on a few pixels of colours hardly ever seen.
#
# Read down a column only among rows that **see** the same: a caption, a
# reference or the class tells of the answer.

# %% tags=["hide-input"]
systems = of_variants("gan") | of_chapters(test)
systems |= records.under(run.folder) | records.trivial(run, test, train)
small = summaries(systems, test)
everything(systems, small)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-frontier", "caption": "Closeness against realism on the small pictures, with 95 % intervals, for systems that see no more than L. Systems to the left are closer to the truth pixel by pixel, systems below look more like real pictures as a set. Gray band: one half of the true pictures against the other. Dashed line: the number of the source report, whose colour space is not known. Hollow: rows without a network, and controls. Small dots: single seeds."}, "image": {"alt": "Scatter plot of mean squared error and KID for all systems"}}
floor = kid_floor(records.truth_features(test))
shown = {
    name: record
    for name, record in small.items()
    if record["parameters"]["sees"] == "l"
}
figures.frontier(shown, report=0.00622, floor=(floor["low"], floor["high"]))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-main", "caption": "The first ten test pictures through the main systems; of trained systems, the first seed. A caption and a reference tell more than the gray picture."}, "image": {"alt": "Grid of small pictures, one row for each of the main systems"}}
names = ["baseline/mean_ab", "gan/l1_only", "gan/default"]
names += ["baseline/regression_gain", "distribution/default"]
names += ["captioned/default", "reference/default"]
grid({name: systems[name] for name in names}, test)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-grid", "caption": "The same pictures through every system."}, "image": {"alt": "Grid of small pictures, one row per system"}}
grid(systems, test)

# %% [markdown]
# ## The photographs

# %% tags=["hide-input"]
photo_systems = of_variants("koalarization") | of_chapters(photos)
photo_train = run.load("train", "photos")
photo_systems |= records.trivial(run, photos, photo_train)
large = summaries(photo_systems, photos)
everything(photo_systems, large)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-photo-mse", "caption": "Mean squared error on the test photographs with 95 % intervals; lower is better. Thin marks: single seeds."}, "image": {"alt": "Dots with intervals for networks and the trivial rows"}}
figures.intervals(large, "mse_rgb")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-photo-grid", "caption": "The first ten test photographs through every system; of trained systems, the first seed."}, "image": {"alt": "Grid of photographs, one row per system"}}
grid(photo_systems, photos)

# %% [markdown]
# ## Which differences are real
#
# Two systems are compared on the same pictures: the table gives the
# difference, the first minus the second, with its 95 % interval. A bootstrap
# draw takes the same pictures for both, and draws the training seeds anew
# where there are several; that of KID is a jackknife over pictures, with the
# variance between trainings added (in the published run, without it). Three
# seeds say little of how much further trainings would differ, one says nothing,
# and of so many comparisons a few exclude zero by chance.

# %% tags=["hide-cell"]
compared = ["mse_rgb", "mae_rgb", "delta_e2000", "chroma_retention", "kid"]
main = ["gan/default", "gan/l1_only", "koalarization/default"]
pairs = []
for images, others in ((test, systems), (photos, photo_systems)):
    rivals = [b for b in others if b.startswith("baseline") or b in main]
    trained = [a for a in others if not a.startswith("baseline")]
    ends = [(a, b) for a in trained for b in rivals if a != b]
    ends = [pair for pair in ends if pair != ("gan/l1_only", "gan/default")]
    pairs.append(records.pairs(others, ends, compared, images))
pairs = pd.concat(pairs)
records.write_table(run, "pairs", pairs)
against = pairs["b"].isin(main) & pairs["metric"].isin(["mse_rgb", "kid"])
tables.pairs(pairs[against])

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
def difference(a, b, metric):
    row = pairs.query("a == @a and b == @b and metric == @metric").iloc[0]
    sure = "" if row["low"] * row["high"] > 0 else " (may be none)"
    return prose.number(row, "+" + METRICS[metric].format) + sure


def count(metric):
    """How often the GAN is better and worse than rows that see only L."""
    rows = pairs[(pairs["a"] == "gan/default") & (pairs["metric"] == metric)]
    rows = rows[rows["b"].isin([b for b in shown if b.startswith("baseline")])]
    better, worse = (rows["high"] < 0).sum(), (rows["low"] > 0).sum()
    return f"better than {better} and worse than {worse} of {len(rows)}"


def lowest(*sees):
    rows = {k: r for k, r in small.items() if r["parameters"]["sees"] in sees}
    best = {
        x: min(rows, key=lambda k: rows[k]["metrics"][x]["value"])
        for x in ("mse_rgb", "delta_e2000", "kid")
    }
    names = {METRICS[x].label: naming.called(k) for x, k in best.items()}
    return "; ".join(f"{label}, {name}" for label, name in names.items())


control = small["baseline/regression_gain"]["metrics"]
Markdown(
    "**In short.** The discriminator changes the U-Net's KID by "
    f"{difference('gan/default', 'gan/l1_only', 'kid')} and its mean squared "
    f"error by {difference('gan/default', 'gan/l1_only', 'mse_rgb')}. Of the "
    "trivial rows that see only L and the control row, "
    f"the GAN is {count('kid')} in KID, {count('mse_rgb')} in mean squared "
    f"error and {count('delta_e2000')} in CIEDE2000. Against regression with "
    "its chroma turned up, its KID differs by "
    f"{difference('gan/default', 'baseline/regression_gain', 'kid')}, its mean "
    "squared error by "
    f"{difference('gan/default', 'baseline/regression_gain', 'mse_rgb')} and "
    "its CIEDE2000 by "
    f"{difference('gan/default', 'baseline/regression_gain', 'delta_e2000')}; "
    f"the control has {control['chroma_retention']['value']:.0%} of the "
    "truth's chroma and the GAN "
    f"{small['gan/default']['metrics']['chroma_retention']['value']:.0%}, so "
    "the errors are not compared at equal chroma. "
    "On the photographs, Koalarization's mean squared error differs from that "
    "of the mean colour by "
    f"{difference('koalarization/default', 'baseline/mean_ab', 'mse_rgb')}.\n\n"
    "The lowest on the small pictures, which may be so by chance: of systems "
    f"that see only L: {lowest('l')}. Of those that are told more: "
    f"{lowest('class', 'caption', 'reference')}."
)

# %% [markdown]
# ## How this was run

# %% tags=["hide-input"]
lines = []
for name, paths in (systems | photo_systems).items():
    runs = [records.read(folder) for folder in paths]
    first, about = runs[0], runs[0]["environment"]
    if first["system"] != "baseline":
        lines.append(
            {
                "System": naming.called(name),
                "Data": first["dataset"],
                "Profile": first["profile"],
                "Extractor": first["extractor"],
                "Seeds": len(runs),
                "Training images": first["parameters"]["train_n"],
                "Epochs": first["parameters"].get("epochs", "–"),
                "Device": f"{about['device']}, {about['threads']} threads",
                "torch": about["torch"],
            }
        )
tables.Table(lines)

# %% [markdown]
# ## Caveats
#
# - Systems were trained for different numbers of epochs, as the table above says
#   and their chapters explain. A longer training may change an order.
# - Minutes of training were taken with one thread or two, and differ by up to a
#   factor of three between trainings of one system: read them as orders of
#   magnitude.
# - KID and the classifier see pictures through EfficientNet-Lite0, whose logits
#   Koalarization is given. That may flatter it.
# - The pictures of the grids are the first ones of the test set. Nobody chose
#   them, and ten say little of a thousand.
# - The networks that are shown a classifier's maps are not in these tables, so
#   the lowest is the lowest of these rows. They stand in their own chapters, and
#   in the table of the first page.
#
# **Exercise.** In the figure of closeness against realism, which systems are
# beaten by no other in both? Draw the line through them. What would a system
# have to do to lie below it?
