# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Data, Lab and what one gets for nothing
#
# **Question.** Before any network is trained: what are the pictures, in which
# colour space is colour predicted, and how well does a colorization score
# that never looks at the picture?
#
# *Run time: a minute on drawn scenes, about two on the real data.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"

# %%
from IPython.display import Markdown

from colornb import figures, lab, records, study, tables
from colornb.metrics import METRICS
from colornb.realism import kid_floor

run = study.begin("01_data", globals())
sets = {
    kind: {split: run.load(split, kind) for split in ("train", "test")}
    for kind in ("small", "photos")
}
small, photos = sets["small"], sets["photos"]

# %% [markdown]
# ## The pictures
#
# Two sets, one for each system: small pictures for the GAN and larger ones
# for Koalarization. On real data these are CIFAR-10 {cite}`krizhevsky2009`
# and photographs of cats and dogs {cite}`elson2007`, by way of Kaggle's *Dogs
# vs. Cats*; without it, scenes that the package draws.

# %% tags=["hide-input"]
about = {
    "cifar10": "CIFAR-10",
    "cats_dogs": "photographs of cats and dogs",
    "scenes": "drawn scenes",
}
tables.Table(
    [
        {
            "for": system,
            "what": about[s["train"].name],
            "pixels": "{} × {}".format(*s["train"].images.shape[2:]),
            "training": f"{len(s['train']):,}",
            "test": f"{len(s['test']):,}",
        }
        for system, s in (("the GAN", small), ("Koalarization", photos))
    ]
)

# %% [markdown]
# Every picture is loaded once as 8-bit sRGB. A system of this study sees the
# upper row, its lightness, and has to find the colours of the lower one.
# Nothing else is given, unless a chapter says so: no label, no hint, no
# neighbouring frame.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-small", "caption": "The first test pictures of the small set: what a system sees, and the truth."}, "image": {"alt": "Two rows of small pictures, gray above and in colour below"}}
first = small["test"].images[:10]
figures.rows_of_pictures({"gray": figures.gray(first), "truth": first})

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-photos", "caption": "Six test pictures for Koalarization, at even distances in the set: what a system sees, and the truth."}, "image": {"alt": "Two rows of larger pictures, gray above and in colour below"}}
first = photos["test"].images[:: len(photos["test"]) // 6][:6]
figures.rows_of_pictures({"gray": figures.gray(first), "truth": first})

# %% [markdown]
# ## Lab
#
# CIE Lab separates what is given from what is asked. L, the lightness, is the
# gray picture; a runs from green to red and b from blue to yellow, both 0 for
# a gray. L is kept as it is, so a colorization can only be wrong in a and b.
# It also makes every score look better than it is: a system that predicts
# nothing at all keeps all of the structure.
#
# The networks get $L/50 - 1$ and predict $a/110$ and $b/110$. A prediction is
# made into a picture in one way only: float Lab, cut to the sRGB gamut,
# rounded to 8 bits.

# %% tags=["hide-input"]
pixels = lab.to_float(small["test"].images)
there = lab.rgb_to_lab(pixels)
back = lab.to_uint8(lab.lab_to_rgb(there)).int()
worst = (back - small["test"].images.int()).abs().max().item()
spread = there[:, 1:].std(dim=(0, 2, 3))
Markdown(
    f"There and back again, the pixels of the small test set change by at "
    f"most {worst} of 255 levels. The standard deviation of a is "
    f"{spread[0]:.1f} and that of b {spread[1]:.1f}: the colours of a picture "
    f"lie mostly on an axis from blue to yellow, as the next figure shows."
)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-ab", "caption": "How often each colour occurs in the training sets. Full colour: a tenth of all pixels; white: fewer than one in a million (logarithmic)."}, "image": {"alt": "Histograms of the ab plane; the mass lies near gray and along the axis from blue to yellow"}}
figures.ab_plane(
    {f"{s['train'].name}, training": s["train"].images for s in sets.values()}
)

# %% [markdown]
# ## Colorizations without a network
#
# A score means something only beside what is to be had for nothing. Six rows
# stand in the main tables of this study:
#
# - **gray**: a = b = 0;
# - **mean ab** and **median ab**: one colour for all pixels, that of the
#   training set;
# - **E[ab | L]**: the mean colour of the training pixels of that lightness;
# - **class-mean ab**: the mean colour of the picture's class, so it is told
#   what the picture shows;
# - **oracle**: the mean colour of the very picture, so it is told part of the
#   answer. It bounds what one colour per picture can reach.
#
# The mean minimises the squared error among constant colours and the median
# the absolute one. All of them are dull by construction: that squared error
# rewards dullness is the first thing to know about colorization.

# %%
metrics = ["mse_rgb", "mae_rgb", "acc2", "delta_e2000"]
metrics += ["chroma_retention", "kid"]
rows = {}
for kind, (train, test) in {k: s.values() for k, s in sets.items()}.items():
    records.write_trivial(run, test, train)
    found = records.trivial(run, test, train)
    rows[kind] = {n: records.read(folders[0]) for n, folders in found.items()}

# %% [markdown]
# ### The small pictures

# %% tags=["hide-input"]
tables.systems(rows["small"], metrics)

# %% [markdown]
# ### The photographs

# %% tags=["hide-input"]
tables.systems(rows["photos"], metrics)

# %% [markdown]
# Values are over all test pictures, with 95 % bootstrap intervals over
# pictures (for KID, the jackknife). *Chroma* and *colourfulness* are ratios
# to the truth: 1 is right. KID compares the colorized pictures with the true
# ones as two sets, in the features of a frozen EfficientNet-Lite0.

# %% tags=["hide-input"]
floor = kid_floor(records.truth_features(small["test"]))


def value(name, metric):
    found = rows["small"][f"baseline/{name}"]["metrics"][metric]["value"]
    return f"{found:{METRICS[metric].format}}"


Markdown(
    f"**Reading the table.** On the small pictures a gray picture has a mean "
    f"squared error of {value('gray', 'mse_rgb')}; the mean colour of the "
    f"training set has {value('mean_ab', 'mse_rgb')}, with a chroma of "
    f"{value('mean_ab', 'chroma_retention')} of the truth's. Knowing only how "
    f"light a pixel is gives {value('ab_given_l', 'mse_rgb')}. The source "
    f"report gives 0.00622 for its GAN on CIFAR-10, without a colour space. "
    f"KID tells more: "
    f"{value('gray', 'kid')} for gray pictures, while two random halves of "
    f"the truth differ by {floor['low']:.3f} to {floor['high']:.3f}."
)

# %% [markdown]
# ## What to take along
#
# - The main tables that follow carry these rows; a network has to beat them.
# - MSE rewards the mean colour. PSNR, averaged over pictures, weighs the easy
#   pictures more and may even prefer a gray. Chroma, colourfulness and KID
#   show what that costs, and are read together with them.
# - KID sees pictures through EfficientNet-Lite0 (small pictures enlarged to 96
#   pixels); its values compare systems here and nowhere else.
#
# **Exercise.** Which of the rows above would you choose if the score were
# the accuracy at 2 %? Explain why a gray picture does well there.
