# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# (real-or-colorized)=
# # Real or colorized?
#
# **Question.** How often do people take a colorized picture for a real one, and
# how sure can we be of such a number?
#
# All other chapters ask formulas. This one asks people: it counts what they
# answered in the [quiz of this book](#quiz).
#
# *Run time: seconds. Nothing is trained here.*

# %% tags=["parameters"]
profile = "sample"
seed = 0
variant = "default"
answers = None  # folder of answer files, within the project; data/answers

# %%
from IPython.display import Markdown

from colornb import measured, naming, paths, prose, quiz, records
from colornb import study, tables

run = study.begin("14_real_or_colorized", globals())
folder = run.parameters["answers"]
given, problems = quiz.read(paths.ROOT / folder)
found = quiz.table(given)

# %% [markdown]
# ## What people answered
#
# The quiz shows one picture after another. Some are photographs as they were
# taken, some have the colours of one of our systems, and each is to be called
# real or colorized. At the end it offers the answers as a small file. Nothing
# is sent anywhere: whoever collects answers puts the files into a folder, and
# this chapter reads them.
#
# The **fooling rate** of a system is the share of its pictures that were taken
# for real. Beside it belongs how often *real* pictures are called colorized:
# people who suspect every picture fool themselves, and that is no merit of a
# system. Where pictures cannot be told from real ones at all, people guess, and
# who says "real" half of the time is wrong half of the time.

# %% tags=["hide-input"]
sittings = given["person"].nunique()
lines = [
    f"In `{folder}` there are {len(given):,} answers in {sittings} files, one "
    f"file for each person. Files left out: {len(problems)}.",
    *(f"- `{problem}`" for problem in problems),
]
if given.empty:
    lines[0] = (
        f"**There are no answers in `{folder}`, so this chapter has no result "
        "yet.** What follows shows how answers are counted, on made-up ones."
    )
Markdown("\n\n".join(lines))


# %% tags=["hide-input"]
def name(row):
    real = row["shown"] == "real"
    return "real" if real else naming.called(row["system"])


def rows(counted, kind=""):
    return [
        {
            "Pictures": kind + name(row),
            "Taken for": "colorized" if row["shown"] == "real" else "real",
            "Share": prose.number(row, ".0%"),
            "Answers": f"{row['wrong']} of {row['n']}",
            "People": row["people"],
            "Seconds (median)": f"{row['seconds']:.1f}",
        }
        for row in counted.to_dict("records")
    ]


records.write_table(run, "answers", found)
tables.Table(rows(found)) if len(found) else None

# %% [markdown]
# ## How sure is a share?
#
# The brackets are Wilson's interval for 95 %. Suppose that in the long run a
# share $p$ of the answers is wrong. Then the share $\hat p$ of $n$ answers
# scatters about $p$ with the deviation $\sqrt{p (1 - p) / n}$. The interval of
# Wilson holds every $p$ that is no more than 1.96 such deviations away from the
# $\hat p$ that was seen. It never leaves 0 to 100 %, and it is honest about few
# answers: of 3 people who were all fooled it says 44 % to 100 %.
#
# It believes, though, that every answer is a new toss of the same coin. Answers
# of one person are not: who looks closely is right again and again. Nor are
# answers to one picture. With many answers of few people the interval is too
# narrow, and it says nothing of who these people were.
#
# ## A quiz with a known answer
#
# **Nobody answered the following: it is simulated.** Twenty people guess at
# random, so every share is 50 % in the long run. The table must find that, and
# it is made by the code that counts real answers. The names are made up.

# %% tags=["hide-input"]
names = ["system A", "system B"]
guessed = quiz.guesses(20, 20, systems=names, seed=run.seed)
tables.Table(rows(quiz.table(guessed), "simulated: "))

# %% [markdown]
# One quiz can be lucky. Of many simulated ones, 95 of 100 intervals should hold
# the 50 %. So it is while everybody guesses. It is no longer so when people
# differ: some are wrong more often than others, and 50 % is only their mean.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-coverage", "caption": "Simulated: how many of 100 quizzes have an interval that holds the true 50 %, against how much people differ. The dashed horizontal line is the promised 95. Bands: 95 % over 2,000 simulated quizzes."}, "image": {"alt": "Two curves: with twenty answers each the interval holds the truth less and less often as people differ, with one answer each in 95 of 100 quizzes however they differ"}}
spreads = [0.0, 0.05, 0.1, 0.15, 0.2]
few, many = "20 people, 20 answers each", "400 people, 1 answer each"
sizes = {few: (20, 20), many: (400, 1)}
covered = {
    label: [quiz.coverage(*size, one, seed=run.seed) for one in spreads]
    for label, size in sizes.items()
}
panels = {
    label: {
        "intervals that hold the truth": {"x": spreads}
        | {k: [100 * one[k] for one in found] for k in ("value", "low", "high")}
    }
    for label, found in covered.items()
}
x = "deviation between people"
measured.draw(run, "coverage", panels, x=x, y="quizzes of 100", ideal=95)

# %% [markdown]
# The deviation is the standard deviation between people of the chance to be
# wrong.
#
# ## Verdict

# %% tags=["hide-input"]
say = prose.Verdict()
counted = {name(row): row for row in found.to_dict("records")}
words = ("wrong more often than right", "right more often than wrong")
told = say.each("share of wrong answers", counted, ".0%", words, ideal=0.5)
first, last = (covered[few][k] for k in (0, -1))
promise = (
    f"{say.number('coverage, all guess', first, '.1%')} of simulated quizzes "
    "in which all guess, and "
    f"{say.number('coverage, people differ', last, '.1%')} of those in which "
    f"people differ by {spreads[-1]:.2f}"
)
Markdown(
    "**In short.** Wrong answers, of which guessing would give 50 %: "
    f"{told or 'nobody has been asked yet'}. The interval holds the truth in "
    f"{promise}: with several answers of each person, more is uncertain than "
    "it says."
)

# %% tags=["hide-input"]
records.write_table(run, "verdict", say.table())

# %% [markdown]
# ## Caveats
#
# - Who answers was not drawn at random, and knows that some pictures are
#   colorized. In daily life nobody looks for that.
# - Pictures of 32 × 32 pixels hide much that a larger one would show.
# - A file counts as a person. Who takes the quiz twice is counted twice; a file
#   that is there twice is counted once.
# - A time includes looking away. That is why the median is shown.
#
# **Exercise.** Take the quiz, put your file into `data/answers` and run this
# notebook again. How many answers of yours would it take to tell a system with
# a fooling rate of 40 % from guessing?
