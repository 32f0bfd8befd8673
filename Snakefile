# The study as a graph: each run of study.yaml is one execution of a notebook,
# and the book is made of them. `make study` calls it; by hand, and on a cluster:
#   snakemake --cores 2 --config profile=sample
#   snakemake --profile profiles/slurm --config profile=full gpu=1
# Config: profile; threads (cores of one run, by default as study.yaml says, or all: one run at a
# time); gpu=1 (each run takes the resource gpu: on a cluster, or with --resources gpu=1).

import sys
from pathlib import Path

from colornb import paths, study

PROFILE = config.get("profile", "sample")
STUDY = study.read()
PLAN = study.planned(PROFILE)
ALL = workflow.resource_settings.cores or 1
# The modules that no notebook imports: their changes do not touch a run.
FRONT = "answers book cli downloads exhibits pages publish runner ship".split()


def outputs(chapters):
    """The executed notebooks of these chapters."""
    return [
        f"runs/{PROFILE}/{chapter}/{variant}/seed{seed}/chapter.ipynb"
        for chapter in chapters
        for variant, seed in PLAN[chapter]
    ]


def files_of(parameters):
    """Name, length and date of what lies in the folders that a run's parameters name."""
    folders = [Path(value) for value in parameters.values() if isinstance(value, str) and value]
    files = sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir())
    return [(str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in files]


def settings(wildcards):
    """What study.yaml says of one run, where its data is, and what lies in the folders that it
    names: a change repeats the run."""
    parameters = study.parameters(wildcards.chapter, PROFILE, wildcards.variant)
    sets = STUDY["profiles"][PROFILE]["sets"]
    used = [sets[name] for name in STUDY["chapters"][wildcards.chapter]["sets"]]
    drawn = all(chosen["dataset"] == "scenes" for chosen in used)
    return [
        parameters,
        used,
        "" if drawn else str(paths.data_root()),
        *files_of(parameters),
    ]


wildcard_constraints:
    chapter=r"\w+",
    variant=r"\w+",
    seed=r"\d+",


rule all:
    input:
        outputs(PLAN),
        f"runs/{PROFILE}/book/_build/html/index.html",


rule book:
    input:
        outputs(PLAN),
        "_config.yml",
        "colornb/weights/metrics.json",
        [f"colornb/{name}.py" for name in ("answers", "book", "downloads", "exhibits", "pages")],
        [p for p in Path("book").glob("*") if p.is_file()],
        [p for name in ("_static", "api") for p in Path("book", name).rglob("*") if p.is_file()],
    output:
        f"runs/{PROFILE}/book/_build/html/index.html",
    shell:
        "exec {sys.executable:q} -m colornb.book {PROFILE} 2>&1"


rule run:
    input:
        notebook="notebooks/{chapter}.ipynb",
        package=[p for p in Path("colornb").rglob("*.py") if p.stem not in FRONT],
        needs=lambda wildcards: outputs(STUDY["chapters"][wildcards.chapter].get("needs", [])),
    output:
        f"runs/{PROFILE}/{{chapter}}/{{variant}}/seed{{seed}}/chapter.ipynb",
    params:
        settings,
    log:
        f"runs/{PROFILE}/{{chapter}}/{{variant}}/seed{{seed}}/chapter.log",
    threads: int(config.get("threads", STUDY["profiles"][PROFILE].get("threads", ALL)))
    resources:
        **({"gpu": 1} if config.get("gpu") else {}),
    shell:
        "exec {sys.executable:q} -m colornb.runner chapter"
        " {wildcards.chapter} {PROFILE} {wildcards.variant} {wildcards.seed} 2> {log:q}"
