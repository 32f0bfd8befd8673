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
# *Run time: about two minutes. Nothing is trained here.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"

# %%
import pandas as pd
from IPython.display import Markdown

from colornb import baselines, figures, painted, records, study
from colornb.realism import kid_floor

run = study.begin("13_comparison", globals())
train, test = run.load("train", "small"), run.load("test", "small")
photos = run.load("test", "photos")
plan = study.planned(profile)


def folders(chapter, variant="default"):
    """One folder per trained seed."""
    seeds = [s for v, s in plan[chapter] if v == variant]
    return [run.of(chapter, variant, s) for s in seeds]


def summaries(systems, images):
    return {name: records.summary(f, images) for name, f in systems.items()}


# %% [markdown]
# ## A control row: regression × chroma gain
#
# Multiplying a dull prediction by a constant makes it as colourful as the
# truth. Whoever claims a more colourful system has to beat that. The constant
# is chosen on the validation pictures, with a generator that was trained
# without them, so that its mean chroma equals the truth's; then it is applied
# to each U-Net trained with L1 alone.

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

# %%
variants = dict.fromkeys(v for v, _ in plan["03_gan"] if "heldout" not in v)
systems = {f"gan/{v}": folders("03_gan", v) for v in variants}
systems |= records.under(run.folder) | records.trivial(run, test, train)
small = summaries(systems, test)
closeness = ["mse_rgb", "psnr", "ssim", "mae_rgb", "delta_e2000"]
counting = ["acc2", "acc5", "auc", "auc_rebalanced"]
realism = ["colorfulness_ratio", "chroma_retention", "kid", "c2st"]

# %% [markdown]
# Where a system was trained with several seeds, its row is their mean, with the
# interval over pictures and seeds and the single seeds below (KID and the
# classifier: over pictures).
#
# **How close to the truth.** Lower is better but for PSNR and SSIM.

# %% tags=["hide-input"]
figures.table(small, closeness)

# %% [markdown]
# **How many pixels are right.** Higher is better. The rebalanced area weights
# every colour by how rare it is in training; most of its weight lies on a few
# pixels of colours hardly ever seen, hence its width.

# %% tags=["hide-input"]
figures.table(small, counting)

# %% [markdown]
# **How much like real pictures.** The ratios should be 1, KID low, and the
# classifier at 50 %.

# %% tags=["hide-input"]
figures.table(small, realism)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-frontier", "caption": "Closeness against realism on the small pictures, with 95 % intervals. Systems to the left are closer to the truth pixel by pixel, systems below look more like real pictures as a set. Small dots: single seeds."}, "image": {"alt": "Scatter plot of mean squared error and KID for all systems"}}
floor = kid_floor(records.truth_features(test))
shown = {
    name: record
    for name, record in small.items()
    if record["parameters"]["sees"] == "l"
}
figures.frontier(shown, report=0.00622, floor=(floor["low"], floor["high"]))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-grid", "caption": "The first ten test pictures through systems that see no more than L; of trained systems, the first seed."}, "image": {"alt": "Grid of small pictures, one row per system"}}
truth = test.subset(range(10))
fitted = baselines.fit(train.images, train.labels)
rows = {"gray": figures.gray(truth.images)}
rows["mean ab"] = fitted.predict("mean_ab", truth.images, truth.labels)
for name in ("gan/l1_only", "gan/default"):
    weights = systems[name][0] / "weights.safetensors"
    rows[figures.NAMES[name]] = painted.paint(weights, truth)
rows["regression × gain"] = boosted[0][:10]
rows["truth"] = truth.images
figures.rows_of_pictures(rows)

# %% [markdown]
# ## The photographs

# %% tags=["hide-input"]
photo_systems = {"koalarization/default": folders("02_koalarization")}
photo_systems |= records.trivial(run, photos, run.load("train", "photos"))
large = summaries(photo_systems, photos)
metrics = ["mse_rgb", "mae_rgb", "delta_e2000", "chroma_retention"]
figures.table(large, [*metrics, "kid"])

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-photo-mse", "caption": "Mean squared error on the test photographs with 95 % intervals; lower is better. Thin marks: single seeds."}, "image": {"alt": "Dots with intervals for Koalarization and the trivial rows"}}
figures.intervals(large, "mse_rgb")

# %% [markdown]
# ## Which differences are real
#
# Two systems are compared on the same pictures: the table gives the
# difference, the first minus the second, with its 95 % interval. A bootstrap
# draw takes the same pictures for both, and draws the training seeds anew
# where there are several; KID's interval is a jackknife over pictures. Three
# seeds say little of how much further trainings would differ, one says nothing,
# and of so many comparisons a few exclude zero by chance.

# %%
compared = ("mse_rgb", "mae_rgb", "delta_e2000", "chroma_retention", "kid")
pairs = [
    records.pair(paths, others[b], metric, images)
    for images, others in ((test, systems), (photos, photo_systems))
    for a, paths in others.items()
    if not a.startswith("baseline")
    for b in others
    if b != a and (b.startswith("baseline") or a == "gan/default")
    for metric in compared
]
pairs = pd.DataFrame(pairs)[records.PAIR_COLUMNS]
records.write_table(run, "pairs", pairs)
figures.pair_table(pairs[pairs["metric"].isin(["mse_rgb", "kid"])])

# %% tags=["hide-input"]
def difference(a, b, metric):
    row = pairs.query("a == @a and b == @b and metric == @metric").iloc[0]
    numbers = [f"{row[key]:+.5f}" for key in ("difference", "low", "high")]
    sure = "" if row["low"] * row["high"] > 0 else " (may be none)"
    return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]{sure}"


def count(metric):
    """How often the GAN is better and worse than rows that see only L."""
    rows = pairs[(pairs["a"] == "gan/default") & (pairs["metric"] == metric)]
    rows = rows[rows["b"].isin([b for b in shown if b.startswith("baseline")])]
    better, worse = (rows["high"] < 0).sum(), (rows["low"] > 0).sum()
    return f"better than {better} and worse than {worse} of {len(rows)}"


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
    f"{difference('koalarization/default', 'baseline/mean_ab', 'mse_rgb')}."
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
                "System": figures.NAMES[name],
                "Data": first["dataset"],
                "Profile": first["profile"],
                "Extractor": first["extractor"],
                "Seeds": len(runs),
                "Training images": first["parameters"]["train_n"],
                "Epochs": first["parameters"]["epochs"],
                "Minutes": " · ".join(f"{r['wall_s'] / 60:.1f}" for r in runs),
                "Device": f"{about['device']}, {about['threads']} threads",
                "torch": about["torch"],
            }
        )
figures.Table(lines)
