# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Speed
#
# **Question.** How much of the machine does the study use, where does the
# rest go, and what would a larger study cost?
#
# Every row is a ratio of two measurements of one run on one machine, made in
# turns where both sides are short. More is better, and the goal was set before
# the measurement.
#
# *Run time: twenty to forty minutes on two cores (`make bench`).*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"
repeats = None  # measurements of each side; 5
files = None  # picture files of the row `pipeline`; 300
size = None  # of their pictures; 224
width = None  # of the networks in the rows of training steps; 1
photo = None  # width of the large photograph, 3:2; 6000
cap_mb = None  # memory for pictures in the row `streaming_memory`; 64
many = None  # pictures of the row `linear_images`; 5000

# %%
from statistics import median
from tempfile import TemporaryDirectory

import torch
from IPython.display import Markdown

from colornb import bench, figures, study, tables

run = study.begin("16_speed", globals())
o = run.parameters
train, test = run.load("train", "small"), run.load("test", "small")
source = run.load("test", "photos")
source = source.subset(range(min(o["files"], len(source))))
rows = []

# %% [markdown]
# ## Pictures
#
# A picture is decoded once and kept as 8-bit sRGB, in a file that is mapped
# into memory. From then on nothing is done picture by picture: a batch is
# gathered, mirrored and converted to Lab on the device of the network, in
# float32. The usual way decodes and converts every picture in every epoch.
#
# On a CPU the same file serves sets that are larger than the memory: batches
# read what they need of it, and the system keeps as much of it as there is room
# for. A GPU gets the whole set once.

# %%
with TemporaryDirectory() as folder:
    bench.save_pictures(source, folder)
    rows += bench.lab_rows(o["repeats"], size=o["size"])
    rows += [bench.pipeline_row(folder, o["repeats"], size=o["size"])]
    cap = o["cap_mb"] * 2**20
    rows += [bench.streaming_row(folder, o["repeats"], size=o["size"], cap=cap)]

# %% [markdown]
# ## Training steps
#
# The networks run with channels last, in bfloat16 where the chip computes in
# it, with a fused Adam; losses are added up on the device and read once an
# epoch. Koalarization's fusion adds the classifier's vector after its own
# small product instead of repeating it at every place. The peak is that of a
# product of two large float32 matrices, so bfloat16 can pass it.
#
# The frozen classifier's vectors are computed once and stored, keyed by the
# pictures' content; those of the mirrored pictures too, so that mirroring
# remains possible. Other augmentation would change what the classifier sees
# and is left out for that reason.

# %%
rows += bench.step_rows(o["repeats"], width=o["width"])
rows += [
    bench.features_row(o["repeats"], size=o["size"], width=o["width"]),
    bench.ddp_row(),
]

# %% [markdown]
# ## Whole trainings
#
# The fastest schedule that reaches the report's number, 0.00622, was chosen
# on pictures held out of the training set: the generator alone at reduced
# width, with a one-cycle rate.

# %%
fast = study.parameters("03_gan", run.profile, "fast")
fast.pop("hold_out")
rows += [
    bench.time_to_mse_row(train, test, o["repeats"], **fast),
    bench.linear_images_row(
        o["repeats"], few=o["many"] // 10, many=o["many"], width=fast["width"]
    ),
    bench.photo_row(o["repeats"], width=o["photo"], height=o["photo"] * 2 // 3),
]
if torch.cuda.is_available():
    rows += bench.gpu_rows(train, o["repeats"])

# %% [markdown]
# ## The table
#
# Where ours and other are a rate, the ratio is the first over the second;
# where they are what was used and what is allowed, the second over the first.

# %% tags=["hide-input"]
bench.write(rows, run.folder / "bench.json")
tables.bench(rows)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bench", "caption": "Each row's ratio over its goal, with the range over the repeats; right of the line the goal is met. Logarithmic; what is below a hundredth stands at the left edge."}, "image": {"alt": "Dots with ranges: the ratio of each row over its goal"}}
figures.bench_ratios(rows)

# %% [markdown]
# Eight bits have 256 levels, so the first of the two powers of a channel is
# looked up; the cube root remains. How fast three of them alone are bounds a
# conversion that computes them, and what feeds pictures to a network converts
# them:

# %% tags=["hide-input"]
powers = bench.powers_share(o["repeats"], size=o["size"])
by_name = {row.name: row for row in rows}
mpx = {
    "lab_vs_skimage": 1,
    "lab_vs_kornia": 1,
    "pipeline": o["size"] ** 2 / 1e6,
}
asked = {
    row.name: row.goal * row.other * mpx[row.name]
    for row in rows
    if row.name in mpx
}
sentences = [
    f"`{row.name}` is not met"
    + (
        f": it asks for {asked[row.name]:.0f} Mpx/s here."
        if row.name in mpx
        else "."
    )
    for row in rows
    if not row.met
]
Markdown(f"""
The three cube roots of a pixel alone run at {powers["powers"]:.0f} Mpx/s, the
whole conversion at {powers["whole"]:.0f}.
{" ".join(sentences) or "Every goal is met."}
""")

# %% [markdown]
# ## How cost grows


# %%
def median_seconds(family, count, size, **options):
    images = bench.noise(count, size)
    return median(bench.epoch_seconds(family, images, o["repeats"], **options))


generator = {"width": fast["width"], "adversarial_weight": 0.0}
by_images = {
    n: median_seconds("gan", n, 32, generator_steps=1, **generator)
    for n in (o["many"] // k for k in (10, 5, 2, 1))
}
by_pixels = {
    side**2: median_seconds("koalarization", 20, side, width=0.5)
    for side in (56, 112, 168, 224)
}

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-growth", "caption": "Left: seconds of an epoch of the GAN's generator against the number of pictures. Right: seconds of a training step of Koalarization at half width against the number of pixels of a picture. Dashed: proportional growth from the first point. Both axes logarithmic."}, "image": {"alt": "Two curves of cost, near the dashed lines of proportional growth"}}
figures.growth(by_images, by_pixels)

# %% tags=["hide-input"]
few = o["many"] // 10
tables.Table(bench.parallel(o["repeats"], width=fast["width"], pictures=few))

# %% [markdown]
# Two trainings at once with half of the cores each, or one after another with
# all of them: that is what more seeds cost on one machine. Several machines
# each take runs of their own from the graph (Snakemake with Slurm) and need
# nothing from one another, so the study grows with the number of machines
# until there is one run for each. A single training on several devices
# exchanges its gradients in every step.
#
# ## ImageNet, computed
#
# Nothing of this was run. From the operations of a training step, the size
# of a picture and what the matrix product reaches on this machine:

# %% tags=["hide-input"]
pictures, epochs = 1_281_167, 20
work = pictures * epochs * bench.koalarization_flops()
here = 1e9 * by_name["step_koalarization"].ours
amounts = {
    "operations of the report's 20 epochs": f"{work / 1e18:,.0f} EFLOP",
    "on this machine, at its measured rate": f"{work / here / 86400:,.0f} days",
    "on a GPU, if it reaches 300 TFLOP/s": f"{work / 3e14 / 3600:,.0f} hours",
    "pictures as 8-bit sRGB": f"{pictures * 3 * 224**2 / 1e9:,.0f} GB",
    "vectors, mirrored ones too": f"{2 * pictures * 4000 / 1e9:,.0f} GB",
}
tables.Table([{"What": k, "Amount": v} for k, v in amounts.items()])

# %% [markdown]
# ## Caveats
#
# - A row says nothing of another machine. The operations of a step are those
#   of the plain networks: what folding the constant vector saves counts as
#   won.
# - `features` is timed with random weights: what a network has learned does
#   not change how long it takes. Its other side is the sum of a step and an
#   extraction; the one extraction that stored vectors need is not counted.
# - The trainings of the rows use noise as pictures but for `time_to_mse`.
# - `streaming_memory` counts memory that no file backs. Pages of the mapped
#   file come on top while there is room for them, and go when there is not.
# - The U-Net's batch norm takes its statistics over each device's share of a
#   batch, so two devices train it as smaller batches would; `ddp` is measured
#   with Koalarization, which has none.
#
# **Exercise.** Set `repeats = 1` and `size = 64` and see which ratios change.
# Which of the rows depend on the size of a picture, and why?
