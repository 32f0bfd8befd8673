# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# (protocol)=
# # The report's protocol, training by training
#
# **Question.** The source report trained both systems once and gives a number
# or two. Trained as it says, several times, what do they come to: does the
# discriminator make the U-Net's pictures more real, at what price, and is
# Koalarization better than no network at all?
#
# *Run time: a minute or two; it compares the networks of the chapters on
# Koalarization and on the GAN, which have to be trained before.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"

# %%
import pandas as pd
from IPython.display import Markdown

from colornb import figures, prose, records, study, tables, trained
from colornb.realism import kid_floor

run, say = study.begin("19_protocol", globals()), prose.Verdict()
train, test = run.load("train", "small"), run.load("test", "small")
photo_train, photos = run.load("train", "photos"), run.load("test", "photos")
gan, l1 = "gan/default", "gan/l1_only"
columns = ["mse_rgb", "delta_e2000", "chroma_retention", "kid"]
small = trained.found(run, gan, l1, "gan/l2_only")
kinds = ("default", "damped", "maps")
large = trained.found(run, *(f"koalarization/{kind}" for kind in kinds))

# %% [markdown]
# ## The U-Net, with and without its discriminator
#
# The generator is the same in each row; what differs is what it is asked for:
# to please a discriminator as well as to be near the truth, or only to be near,
# by the absolute (L1) or the squared distance (L2). Below a mean stand the single
# trainings, one by one.

# %% tags=["hide-input"]
trained.settings(small)

# %% tags=["hide-input"]
folders = small | records.trivial(run, test, train)
rows = {name: records.summary(paths, test) for name, paths in folders.items()}
tables.systems(rows, columns)

# %% [markdown]
# Realism has a price in distance: of a thing that may have several colours,
# two true pictures are further apart than either is from their mean. So a
# discriminator that makes a difference moves the U-Net down in the figure, and
# to the right.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-protocol-frontier", "caption": "KID against the squared error, with 95 % intervals; small dots are single trainings, hollow marks rows without a network. Gray band: one half of the true pictures against the other. Dashed: the report's 0.00622, whose colour space it does not name."}, "image": {"alt": "Scatter plot of KID against squared error"}}
floor = kid_floor(records.truth_features(test))
shown = {k: row for k, row in rows.items() if row["parameters"]["sees"] == "l"}
band = floor["low"], floor["high"]
figures.frontier(shown, report=0.00622, floor=band)

# %% tags=["hide-input"]
compared = [(gan, l1)] + [(name, "baseline/ab_given_l") for name in small]
of_gan = records.pairs(folders, compared, columns, test)
tables.pairs(of_gan)

# %% [markdown]
# What is learned, and what is learned by heart? The loss on the training
# pictures goes on falling when there is nothing more to be had for others.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-protocol-gan-loss", "caption": "Loss against epoch, every training a line. Left, the distance to the true colours of the training pictures; right, the squared distance to those of the test pictures, by which nothing is chosen."}, "image": {"alt": "Loss curves over the epochs, on training pictures left and on test pictures right"}}
trained.losses(run, "losses_small", small, "L1 of ab / 110", "l1")

# %% [markdown]
# The same in numbers, a line for each training. Where the test error is lowest
# after a few epochs, as it may be in a regression, the rest only overfits.

# %% tags=["hide-input"]
trained.by_heart(small, "l1")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-protocol-gan-rows", "caption": "The first ten test pictures by each way of training (first training): gray, painted, truth."}, "image": {"alt": "Rows of small pictures, one for each way of training"}}
first = {name: records.first_pictures(paths) for name, paths in small.items()}
figures.beside_truth(test.images[: records.SHOWN], first)

# %% [markdown]
# ## Koalarization
#
# As the report trained it; *damped*, that is regularised: mirrored pictures,
# weight decay, a rate that rises and falls once, and a classifier's vector that
# is made small and of which half is left out; and *with maps*, regularised in the
# same way and shown the classifier's inner maps, which know what is where, in
# place of its verdict on the whole. In the profiles `cpu` and `sample`, which
# shorten the training, the published network is damped as well.

# %% tags=["hide-input"]
trained.settings(large)

# %% tags=["hide-input"]
of_photos = large | records.trivial(run, photos, photo_train)
sums = {k: records.summary(paths, photos) for k, paths in of_photos.items()}
tables.systems(sums, columns)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-protocol-koalarization-loss", "caption": "Loss against epoch, every training a line: left, on the training photographs (where parts of what the classifier says may be left out); right, on up to 200 test photographs at even distances in the set, by which nothing is chosen."}, "image": {"alt": "Loss curves over the epochs, on training photographs left and on test photographs right"}}
trained.losses(run, "losses_photos", large, "MSE of ab / 110", "mse_ab")

# %% tags=["hide-input"]
trained.by_heart(large, "mse_ab")

# %% [markdown]
# (The test losses are those of the figure, on a part of the test photographs.) Is
# it better than the rows that see no more than L and have no network? Each minus
# each, on the same photographs, over all trainings:

# %% tags=["hide-input"]
blind = [k for k in of_photos if k.startswith("baseline")]
blind = [k for k in blind if sums[k]["parameters"]["sees"] == "l"]
compared = [(name, other) for name in large for other in blind]
compared += [(name, "koalarization/default") for name in [*large][1:]]
of_koala = records.pairs(of_photos, compared, columns[:3], photos)
tables.pairs(of_koala)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-protocol-photos", "caption": "The first ten test photographs by each way of training (first training): gray, painted, truth."}, "image": {"alt": "Rows of photographs, one for each way of training"}}
first = {name: records.first_pictures(paths) for name, paths in large.items()}
figures.beside_truth(photos.images[: records.SHOWN], first)

# %% [markdown]
# ## Verdict

# %% tags=["hide-input"]
every = pd.concat([of_gan, of_koala])
records.write_table(run, "pairs", every)
single = {k: rows[k].get("seeds", {}).get("kid", []) for k in (gan, l1)}
kid = {k: rows[k]["metrics"]["kid"]["value"] for k in (gan, l1)}
by_seed = " · ".join(
    f"{one / other:.2f}" for one, other in zip(*single.values(), strict=False)
)
errors, colours = (
    {k: rows[k]["metrics"][metric] for k in small}
    for metric in ("mse_rgb", "chroma_retention")
)
each = "\n".join(
    say.pairs(every, *((name, other) for other in blind)) for name in large
)
Markdown(f"""
**Does it come to the report's number?** The squared error, where the report has
0.00622, and the share of the true chroma:
{say.columns(
    ("squared error", errors, ".5f"), ("chroma", colours, ".2f"))}
**What does the discriminator do?** It minus L1 alone:
{say.pairs(every, (gan, l1))}
Its KID is {kid[gan] / kid[l1]:.2f} times that of L1 alone{
f" (training by training {by_seed})" if by_seed else ""}. One half of the true
pictures against the other has a KID of
{say.number("truth against truth", floor, "+.4f")}.

**Is Koalarization better than no network?** Each way of training, minus rows
that see only L:
{each}
""")

# %% tags=["hide-input"]
records.write_table(run, "verdict", say.table())

# %% [markdown]
# ## Caveats
#
# - The control row of the other chapters, L1 with its colours turned up, is not among
#   the rows here: it needs a network that was trained without the validation pictures,
#   for as long. The GAN is more colourful than L1 alone by little.
# - The protocol is the report's only in profile `full`; the others shorten it,
#   as the tables of the trainings say.
# - Where the report is silent, the settings are those of the papers and of
#   their public code: no mirroring, and a discriminator that learns at a tenth
#   of the generator's rate. The rate is constant; that of the GAN's public code
#   falls, which the chapter *One thing at a time* tries. The trainings of
#   profile `cpu` are shorter, of networks half as wide, with a higher rate that
#   rises and falls once, mirrored pictures and one generator step per batch; and
#   there the discriminator does make the pictures more real: see the chapter
#   *All systems side by side*. The chapter *What the critic needs* tries
#   some of these at this length.
# - The minutes are those of several trainings at once on one device.
# - Koalarization's extractor is EfficientNet-Lite0, not the report's
#   Inception-ResNet-v2, whose weights need a hub.
# - *Damped* and *with maps* are this study's, not the report's. How they are
#   damped was chosen on validation pictures at half the size; the final
#   networks are trained on these as well.
# - Intervals are over test pictures and three trainings, in the published run
#   those of KID over pictures alone. Three trainings say little of how much
#   others would differ.
# - KID looks through the classifier whose vector or maps Koalarization is
#   shown, if at other layers and in colour. That may flatter it.
#
# **Exercise.** Where does the test error of each regression reach its lowest
# point, and what would stopping there, chosen on validation pictures, be worth?
