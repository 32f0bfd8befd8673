# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Koalarization
#
# **Question.** Deep Koalarization {cite}`baldassarre2017` joins what an encoder
# sees in the gray picture with what a frozen classifier sees there, and lets a
# decoder paint it. How well does it colorize photographs of cats and dogs, and
# is it better than no network at all?
#
# *Run time: two minutes on drawn scenes; about eight for the real photographs
# at reduced size on two cores.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"
extractor = None  # the report: "inception_resnet_v2"
epochs = None  # the report: 20
batch_size = None  # the report: 20
learning_rate = None  # the paper: 1e-3
weight_decay = None  # the paper: 0
schedule = None  # the paper: "constant"; or "one_cycle"
flip = None  # mirror half of the training pictures; the report: no
feature_scale = None  # factor on the classifier's vector; the paper: 1
feature_dropout = None  # share of the vector left out in training; the paper: 0
maps = None  # True: the classifier's inner maps instead of its vector
adversarial_weight = None  # of a discriminator's loss; the paper: 0
width = None  # the paper: 1.0
hold_out = None  # True leaves the validation images out of the training
device = None  # "auto", "cpu" or "cuda"
precision = None  # "auto", "32-true", "bf16-mixed" or "16-mixed"
devices = None  # GPUs, or processes on the CPU, that share each batch
strategy = None  # "auto", or Lightning Fabric's name

# %%
import pandas as pd
from IPython.display import Markdown

from colornb import colorize, datasets, features, figures, models, records
from colornb import study, tables
from colornb.baselines import recolor
from colornb.training import koalarization

run = study.begin("02_koalarization", globals())
options = dict(run.parameters)
train, test = run.load("train"), run.load("test")
monitor = run.load("val") if options.pop("hold_out") else test
monitor = monitor.subset(range(0, len(monitor), -(-len(monitor) // 200)))

# %% [markdown]
# ## The network
#
# Three parts. The **encoder** halves the gray picture three times. The
# **fusion** repeats the classifier's 1,000 logits at every place and joins
# them to the encoder's 256 channels. The **decoder** doubles the size after
# its first, third and fifth convolution and ends in two channels, a and b.
#
# The classifier is frozen and never sees a colour: the picture's lightness is
# shown to it three times, as red, green and blue. Its vectors are computed
# once and stored.

# %% tags=["hide-input"]
kind = "placed" if options["maps"] else "koalarization"
network = models.create_model(kind, width=options["width"])
published = models.parameter_count(models.create_model("koalarization"))
Markdown(
    f"Here: {len(train):,} training pictures of {train.images.shape[-1]} × "
    f"{train.images.shape[-2]} pixels, width {options['width']:g} "
    f"({models.parameter_count(network):,} trainable parameters; the "
    f"published network has {published:,} at 1,000 logits and works at "
    f"224 × 224), {options['epochs']} epochs, batches of "
    f"{options['batch_size']}, extractor `{options['extractor']}`, its "
    + (
        "inner maps"
        if options["maps"]
        else f"vector times {options['feature_scale']:g}"
    )
    + f" with {options['feature_dropout']:.0%} dropped out."
    + (
        ""
        if options["extractor"] == "inception_resnet_v2"
        else " **Caveat**: the report's extractor is Inception-ResNet-v2, "
        "whose weights come from a hub; this run works without a network."
    )
)

# %%
seen = options["extractor"], "maps" if options["maps"] else "logits"
parts = {"train": train, "monitor": monitor, "test": test}
vectors = {k: features.embed(part, *seen) for k, part in parts.items()}
mirrored = None
if options.pop("flip"):
    mirrored = features.embed(train, *seen, mirrored=True)

# %% [markdown]
# ## Training
#
# The loss is the mean squared error of a and b. That is the loss of the
# paper, and the reason for what follows: where several colours are likely,
# it asks for their mean. The variant `adversarial` joins it with the judgement
# of a discriminator, as the next chapter's GAN does; the variant `maps` shows
# the fusion the classifier's inner maps, which know what is where.

# %%
model = koalarization.fit(
    train,
    vectors["train"],
    run.folder,
    monitor=monitor,
    monitor_features=vectors["monitor"],
    mirrored_features=mirrored,
    seed=run.seed,
    **options,
)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-koalarization-loss", "caption": "Koalarization: loss against epoch, in training (where parts of the vector are left out) and on up to 200 test pictures at even distances in the set. Nothing is chosen by it. With a discriminator also its loss: at 0.69 it only guesses."}, "image": {"alt": "Loss curves of training and test pictures over the epochs"}}
history = pd.read_csv(run.folder / "history.csv")
of_monitor = {"monitor_mse_ab": f"{len(monitor)} {monitor.split} pictures"}
of_training = {"mse_ab": f"{len(train):,} training pictures"}
panels = {"MSE of ab / 110": of_monitor}
if options["adversarial_weight"]:
    panels["L1 of ab / 110"] = {"l1": of_training["mse_ab"]}
    panels["cross-entropy"] = {"discriminator": "discriminator"}
else:
    panels["MSE of ab / 110"] = of_training | of_monitor
figures.loss_curves(history, panels)

# %% [markdown]
# ## What it paints

# %%
predicted = recolor(
    test.images, colorize.predict_ab(model, test.images, vectors["test"])
)
measured = records.measure(predicted, test, train)
errors = measured.images["delta_e2000"]


def three_rows(indices):
    chosen = list(indices)
    true = test.images[chosen]
    return figures.rows_of_pictures(
        {"gray": figures.gray(true), "ours": predicted[chosen], "truth": true},
        titles=[f"ΔE {errors[i]:.1f}" for i in chosen],
    )


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-koalarization-typical", "caption": "Koalarization on test pictures at even ranks of CIEDE2000, best to worst from left to right: the gray input, the output, the truth. Above them: the mean CIEDE2000 of each picture."}, "image": {"alt": "Three rows of pictures: gray, colorized, true"}}
order = errors.sort_values().index
three_rows(order[[round(q * (len(test) - 1) / 6) for q in range(7)]])

# %% [markdown]
# The pictures are not hand-picked: the test set is sorted by its error, and
# the figure shows the ranks 0, 1/6, … 1 of it.
#
# All photographs in scikit-image that are free to show, a cat among them and
# four other things, are pictures only: nothing is measured on them.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-koalarization-photos", "caption": "Photographs from scikit-image, a cat and four things that the network was not trained on: the gray input, the output, the truth."}, "image": {"alt": "Three rows of photographs: gray, colorized, true"}}
photos = datasets.load("photos", "test", size=test.images.shape[-1])
ab = colorize.predict_ab(
    model, photos.images, features.embed(photos, *seen)
)
figures.rows_of_pictures(
    {
        "gray": figures.gray(photos.images),
        "ours": recolor(photos.images, ab),
        "truth": photos.images,
    }
)

# %% [markdown]
# ## What it is worth

# %% tags=["hide-input"]
trivial = records.trivial(run, test, train)
record = records.write(run, measured, test, train)
name = f"{run.system}/{run.variant}"
rows = {key: records.read(folders[0]) for key, folders in trivial.items()}
rows = {name: record} | rows
metrics = ["mse_rgb", "mae_rgb", "delta_e2000", "chroma_retention"]
tables.systems(rows, [*metrics, "kid"])

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-koalarization-mse", "caption": "Mean squared error on the test pictures with 95 % intervals over pictures; lower is better. Gray: rows without a network."}, "image": {"alt": "Dots with intervals: the error of Koalarization beside the trivial rows"}}
figures.intervals(rows, "mse_rgb")

# %% [markdown]
# Intervals of two rows may overlap although one is better on nearly every
# picture. The differences on the same pictures decide:

# %% tags=["hide-input"]
blind = [s for s in trivial if rows[s]["parameters"]["sees"] == "l"]
pairs = pd.DataFrame(
    [
        records.pair([run.folder], trivial[system], metric, test)
        for metric in ("mse_rgb", "delta_e2000")
        for system in blind
    ]
)
tables.pairs(pairs)

# %% tags=["hide-input"]
better = pairs[pairs["high"] < 0]
worse = pairs[pairs["low"] > 0]
chroma = records.pair(
    [run.folder], trivial["baseline/mean_ab"], "chroma_retention", test
)
short = options["epochs"] < 20
why = "the short and damped training" if short else "overfitting"
duller = (
    "That is less than the mean colour alone has, and so less than its loss "
    f"explains, which asks for the mean of the likely colours; {why} may be "
    "why, which this run cannot tell."
    if chroma["high"] < 0
    else "Its loss asks for the mean of the likely colours."
)
if options["adversarial_weight"]:
    duller = "Its loss asks for what the discriminator takes for true as well."
Markdown(
    f"**In short.** Of the {len(pairs)} comparisons with rows that see no "
    f"more than L, Koalarization is better in {len(better)} and worse in "
    f"{len(worse)} by intervals that exclude zero. Its pictures have "
    f"{record['metrics']['chroma_retention']['value']:.0%} of the truth's "
    f"chroma. {duller} The intervals cover the pictures, not the choice of "
    f"the training seed."
)

# %% [markdown]
# ## Caveats
#
# - This page shows one training, the first. The chapter *All systems side by
#   side* has all of them.
# - Profiles other than `full` reduce size, width or epochs. `sample` and `cpu`
#   also use a one-cycle rate, mirroring, weight decay 0.1 and dropout on the
#   classifier's vector, chosen on pictures held out of the training set.
# - The network starts from He's initial weights with a small last layer. The
#   paper does not say how it starts; from PyTorch's usual weights it stays at
#   the mean colour for many epochs.
# - KID sees pictures through the same EfficientNet-Lite0 whose logits the
#   network receives here, which may flatter it.
# - The ranking of the figure uses the truth, so it shows the spread of the
#   errors and no typical picture of any kind.
#
# **Exercise.** Run the notebook with `extractor = "none"` and compare the two
# records. What did the classifier contribute?
