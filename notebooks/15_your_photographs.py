# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# (your-photographs)=
# # Your photographs
#
# **Question.** What do the networks of this study make of photographs that they
# were not made for, such as yours?
#
# Nothing is measured here: nobody knows the true colours of an old photograph.
# Look, and judge for yourself.
#
# *Run time: a few seconds for each photograph. Nothing is trained here.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"
photographs = None  # folder within the project; "": scikit-image's photographs
model = None  # koalarization, 02_koalarization/default/seed0, or a file
temperature = None  # of a distribution over colours; 0.0: 0.38, or 1 for draws
caption = None  # what a captioned network shall paint, "a red automobile"
reference = None  # a picture, within the project, whose colours it shall take
samples = None  # draws of each photograph; 0: the one best answer
target = None  # folder of the results; "": one of this run's own

# %%
import pandas as pd
from IPython.display import Markdown
from tqdm import tqdm

from colornb import colorize, records, study, tables, workbench

run = study.begin("15_your_photographs", globals())
asked = run.parameters

# %% [markdown]
# ## One at a time
#
# `make lab` opens this notebook in JupyterLab. There, below, are controls:
# choose a photograph and a network, colorize, and move the slider between
# before and after. A control is open if the network can do what it asks for:
#
# - **Temperature**, for a distribution over colours: towards 0 the network
#   takes its favourite, higher it mixes more.
# - **Draw**: 0 is the one best answer, every other number is another draw.
# - **Caption**, with the words that the network was taught.
# - **Reference**: a picture whose colours it shall take.
#
# *Save* puts the result into `data/colorized`, at full size. Nothing is ever
# overwritten, and no picture leaves this machine.

# %% tags=["hide-input"]
nobody = Markdown("*The controls are shown in JupyterLab only.*")
workbench.bench(run) or nobody

# %% [markdown]
# ## A whole folder
#
# The parameters above do the same for a folder of photographs, here and with
# papermill:
#
# ```bash
# mkdir -p runs
# .venv/bin/papermill notebooks/15_your_photographs.ipynb runs/out.ipynb \
#   -p photographs data/mine -p target data/mine-colorized
# ```
#
# Without a folder, the photographs that come with scikit-image are taken. The
# network is one that comes with the package, so nothing has to be trained
# before; those that a profile has trained go by the names of their runs.

# %%
files = workbench.photographs(asked["photographs"])
results = colorize.colorize_files(
    files,
    workbench.target(run),
    workbench.network(run.profile, asked["model"]),
    samples=asked["samples"],
    wishes=workbench.wishes(run),
)
results = list(tqdm(results, total=len(files), unit="photo"))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-photographs", "caption": "Photographs in gray, which is all that the network sees; as it paints them; and as they came."}, "image": {"alt": "Three rows of photographs: gray, colorized, as they came"}}
workbench.side_by_side(results)

# %% tags=["hide-input"]
rows = [
    {
        "Photograph": source.name,
        "Became": ", ".join(path.name for path in written or []) or "–",
        "Problem": problem.replace(str(source), source.name) or "–",
    }
    for source, written, problem in results
]
records.write_table(run, "photographs", pd.DataFrame(rows))
tables.Table(rows)

# %% tags=["hide-input"]
failed = sum(written is None for _, written, _ in results)
Markdown(
    f"**In short.** {len(results) - failed} of {len(results)} photographs have "
    f"colours by the network `{asked['model']}`."
)

# %% [markdown]
# ## What becomes of a photograph
#
# It is turned upright, its colours are brought to sRGB, and the network sees
# its lightness, squashed to a small square. The colours that it guesses are
# brought back to the full size along the edges of the lightness, which itself
# stays as it was. The result is a PNG file. The date, the camera and the place,
# if the file told them, stay in it: take them out before you show a picture
# whose place is private. The command `colornb colorize` does all this, too, and
# leaves them out with `--no-exif`.
#
# ## Caveats
#
# - The colours are guesses. A colorized photograph says nothing of the colour
#   that a dress, a flag or a skin had; whoever shows it should say so.
# - The networks saw cats and dogs, or pictures of 32 × 32 pixels. Most that is
#   in your photographs they have never seen.
# - Those that the profiles `smoke` and `sample` train saw drawn scenes alone.
# - An old print has faded, or is sepia. Its lightness then is not that of the
#   scene.
#
# **Exercise.** Colorize one photograph with `03_gan/l1_only/seed0` and with
# `03_gan/default/seed0`. Which of the two do you believe, and why?
