"""What the study of profile smoke leaves behind, killed while it trained and started again.

What the interrupted training ended with is compared with a training that stock papermill runs
without interruption.
"""

import json
import math
import re
import shutil

import nbformat
import pytest
from small_study import KILLED, PLAN, records
from test_records import FIELDS, METRICS

pytestmark = pytest.mark.timeout(2400)  # a machine that also does something else is slow

TRAINED = [run for run in PLAN if run[0] in ("02_koalarization", "03_gan")]
UNMEASURED = ("14_real_or_colorized", "15_your_photographs", "19_protocol", "20_critic")
"""Chapters without a test set, or that compare what others measured: tables, and no record."""
WIDGET = "application/vnd.jupyter.widget-view+json"  # a page cannot show it

# What a page loads; a link that a reader may follow is no such thing.
LOADED = re.compile(
    r'<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)="((?:https?:)?//[^"]+)"'
)


def test_the_second_call_repeats_no_finished_run(smoke):
    assert "All runs are finished." in smoke.said
    assert smoke.copy.folder("01_data", "default", 0) / "chapter.ipynb" in smoke.before
    assert smoke.copy.folder(*KILLED) / "chapter.ipynb" not in smoke.before
    for path, written in smoke.before.items():
        assert path.stat().st_mtime_ns == written, path
    for chapter, variant, seed in PLAN:
        finished = smoke.copy.folder(chapter, variant, seed) / "chapter.ipynb" in smoke.before
        assert (f"{chapter} {variant} seed {seed}: started" in smoke.said) == (not finished)


@pytest.mark.parametrize("run", PLAN, ids=lambda run: "-".join(map(str, run)))
def test_every_run_has_its_results_and_a_notebook_without_errors(smoke, run):
    folder = smoke.copy.folder(*run)
    found = records(folder)
    assert (not found) == (run[0] in UNMEASURED)
    assert found or list(folder.glob("tables/*.csv"))
    for record in found:
        assert not set(FIELDS) - set(record)
        assert not set(METRICS) - set(record["metrics"])
        for name, metric in record["metrics"].items():
            assert all(math.isfinite(metric[key]) for key in ("value", "low", "high", "n")), name
    if run in TRAINED:
        assert {"history.csv", "weights.safetensors"} <= {path.name for path in folder.iterdir()}
        assert found[0]["history"] == "history.csv"
    notebook = nbformat.read(folder / "chapter.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    outputs = [output for cell in code for output in cell.outputs]
    assert outputs and not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if WIDGET in output.get("data", {})]


def test_every_system_has_its_row_on_the_test_set_it_was_made_for(smoke):
    found = {
        (record["system"], record["variant"], record["parameters"]["size"])
        for record in records(smoke.copy.root / "runs" / "smoke")
    }
    rows = "gray mean_ab median_ab class_mean_ab ab_given_l oracle_image_mean".split()
    assert {("baseline", row, size) for row in rows for size in (32, 64)} <= found
    assert {
        ("baseline", "regression_gain", 32),
        ("gan", "default", 32),
        ("gan", "l1_only", 32),
        ("gan", "edgenet", 32),
        ("koalarization", "default", 64),
        ("koalarization", "adversarial", 64),
        ("captioned", "default", 32),
        ("reference", "default", 32),
        ("distribution", "koalarization", 64),
        *(("distribution", name, 32) for name in "default unbalanced sampled variational".split()),
    } <= found


def test_the_book_has_every_chapter_and_loads_nothing_from_outside(smoke):
    html = smoke.copy.root / "runs" / "smoke" / "book" / "_build" / "html"
    pages = {path.relative_to(html).as_posix(): path for path in html.rglob("*.html")}
    chapters = {f"chapters/{chapter}.html" for chapter, _, _ in PLAN}
    assert {"index.html"} | chapters <= set(pages)
    for name, path in pages.items():
        assert not LOADED.findall(path.read_text(encoding="utf8")), name


def test_a_call_after_that_does_nothing(smoke):
    done = smoke.copy.call(*smoke.copy.study)
    assert (done.returncode, done.stdout) == (0, "Nothing to be done.\n")


def test_stock_papermill_alone_ends_with_the_metrics_of_the_interrupted_run(smoke):
    folder, aside = smoke.copy.folder(*KILLED), smoke.copy.root / "interrupted"
    shutil.move(folder, aside)
    # A notebook that is run alone needs no other chapter's results.
    first, first_aside = smoke.copy.folder("01_data", "default", 0), smoke.copy.root / "first"
    shutil.move(first, first_aside)
    # As Snakemake gives them to a run: two threads would add up in another order.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = smoke.copy.papermill("-p", "profile", "smoke", **threads)
    assert done.returncode == 0, done.stderr
    assert not (folder / "chapter.ipynb").exists() and (smoke.copy.root / "out.ipynb").exists()
    assert records(folder)[0]["metrics"] == records(aside)[0]["metrics"]
    for made, kept in ((folder, aside), (first, first_aside)):
        shutil.rmtree(made)
        shutil.move(kept, made)


def test_an_unknown_parameter_is_refused(smoke):
    done = smoke.copy.papermill("-p", "profile", "smoke", "-p", "epoch", "3")
    assert done.returncode
    last = done.stderr.strip().splitlines()[-1]
    assert re.search(r"There is no parameter 'epoch' in 03_gan; there are: profile, .*epochs", last)


def test_missing_data_are_told_with_the_command_that_fetches_them(smoke, tmp_path):
    done = smoke.copy.papermill("-p", "profile", "cpu", COLORNB_DATA=str(tmp_path))
    assert done.returncode
    last = done.stderr.strip().splitlines()[-1]
    assert f"cifar10 is not in {tmp_path}: `colornb data fetch cifar10` fetches it" in last


def test_the_benchmark_runs_and_has_its_rows(smoke):
    done = smoke.copy.papermill("-p", "profile", "smoke", notebook="16_speed")
    assert done.returncode == 0, done.stderr[-3000:]
    path = smoke.copy.folder("16_speed", "default", 0) / "bench.json"
    names = {row["name"] for row in json.loads(path.read_text())["rows"]}
    assert names >= set(
        "lab_vs_skimage pipeline step_gan step_koalarization features time_to_mse linear_images "
        "streaming_memory photo_24mp ddp".split()
    )
