"""The graph's starter and the execution of one chapter."""

import fcntl
import subprocess
import sys

import nbformat
import papermill
import pytest
import yaml

from colornb import runner, study
from colornb.errors import ColornbError

SETS = {"small": {"dataset": "scenes", "size": 32}}
STUDY = {
    "profiles": {"smoke": {"sets": SETS}},
    "chapters": {"01_data": {"system": "baseline", "sets": ["small"], "parameters": {}}},
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty repository with a study of one chapter."""
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    (tmp_path / "notebooks").mkdir()
    for module in (runner, study):
        monkeypatch.setattr(module, "ROOT", tmp_path)
        monkeypatch.setattr(module, "RUNS", tmp_path / "runs")
    return tmp_path


def write_notebook(root, code):
    cell = nbformat.v4.new_code_cell("profile, variant, seed = None, None, None")
    cell.metadata["tags"] = ["parameters"]
    notebook = nbformat.v4.new_notebook(cells=[cell, nbformat.v4.new_code_cell(code)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    nbformat.write(notebook, root / "notebooks" / "01_data.ipynb")


@pytest.mark.fault(
    "setting",
    "A profile that is not known.",
    "One sentence; nothing is made.",
)
def test_an_unknown_profile_is_refused(root):
    with pytest.raises(ColornbError, match="no profile 'big'"):
        runner.study("big", "1")
    assert not runner.RUNS.exists()


@pytest.mark.fault(
    "twice",
    "Two `make study` in one folder.",
    "The second is refused in one sentence.",
)
def test_a_second_study_is_refused(root):
    runner.RUNS.mkdir()
    with open(runner.RUNS / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ColornbError, match="Another `make study` is running"):
            runner.study("smoke", "1")


def test_chapter_appears_whole_with_its_parameters(root, capsys):
    write_notebook(root, "import os; print(profile, variant, seed, os.getcwd())")
    runner.chapter("01_data", "smoke", "default", 3)
    folder = root / "runs" / "smoke" / "01_data" / "default" / "seed3"
    assert [path.name for path in folder.iterdir()] == ["chapter.ipynb"]
    said = capsys.readouterr().out
    assert f"| smoke default 3 {root}\n" in said and "seed 3: finished in 0 min" in said


@pytest.mark.fault(
    "setting",
    "A cell of a chapter fails.",
    "Its sentence is printed, its traceback goes to the log, and no chapter appears.",
)
def test_failed_chapter_gives_its_sentence_and_no_output(root, capsys):
    raising = "from colornb.errors import ColornbError\nraise ColornbError('No cats: fetch them.')"
    write_notebook(root, raising)
    with pytest.raises(SystemExit):
        runner.chapter("01_data", "smoke", "default", 0)
    said = capsys.readouterr()
    assert "01_data default seed 0: failed. No cats: fetch them.\n" in said.out
    assert "Traceback" not in said.out and "raise ColornbError" in said.err
    assert not runner.executed("smoke", "01_data", "default", 0).exists()


@pytest.mark.fault(
    "kill",
    "The kernel of a chapter dies.",
    "It is told in one sentence, and no chapter appears.",
)
def test_a_kernel_that_dies_is_told(root, capsys):
    write_notebook(root, "import os; os._exit(9)")
    with pytest.raises(SystemExit):
        runner.chapter("01_data", "smoke", "default", 0)
    assert "01_data default seed 0: failed. DeadKernelError" in capsys.readouterr().out
    assert not runner.executed("smoke", "01_data", "default", 0).exists()


@pytest.mark.fault(
    "machine",
    "A kernel does not come up, as when two that start together take the same ports.",
    "It is started once more; if that fails too, the run says so.",
)
def test_a_kernel_that_does_not_come_up_is_started_once_more(root, capsys, monkeypatch):
    write_notebook(root, "")
    tries, execute = [], papermill.execute_notebook

    def sometimes(*given, **options):
        tries.append(given)
        if len(tries) != 2:
            raise RuntimeError("Kernel didn't respond in 120 seconds")
        return execute(*given, **options)

    monkeypatch.setattr("papermill.execute_notebook", sometimes)
    runner.chapter("01_data", "smoke", "default", 0)
    assert len(tries) == 2 and runner.executed("smoke", "01_data", "default", 0).exists()
    tries += [None]
    with pytest.raises(SystemExit):
        runner.chapter("01_data", "smoke", "default", 1)
    assert len(tries) == 5 and "Kernel didn't respond" in capsys.readouterr().out
    assert not runner.executed("smoke", "01_data", "default", 1).exists()


def test_redrawn_bars_do_not_fill_the_terminal(capsys):
    progress = runner._Progress("run")
    for step in range(50):
        progress.write(f"\rtraining {step}")
    progress.write("\repoch 1: loss 0.5\n")
    assert capsys.readouterr().out == "  run | epoch 1: loss 0.5\n"


@pytest.mark.fault(
    "setting",
    "A command that the runner does not know.",
    "It prints the commands there are.",
)
def test_unknown_command_prints_the_usage():
    done = subprocess.run(
        [sys.executable, "-m", "colornb.runner", "dance"], capture_output=True, text=True
    )
    assert done.returncode == 1 and "colornb.runner study PROFILE CORES" in done.stderr
