"""The whole study of profile smoke five times in a row, each time with other seeds."""

import re
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from small_study import Copy, records
from test_kills import files, working_in

ROUNDS = 5
GROWTH = 1.1
"""Later rounds may take so many times the memory of the first ones, two and two: which runs are
largest at the same moment differs from round to round."""


def with_seeds(root: Path, first: int) -> None:
    """Lets the trainings that `study.yaml` plans for profile smoke have seeds from `first` on."""
    path = root / "study.yaml"
    study = yaml.safe_load(path.read_text(encoding="utf8"))
    for chapter in study["chapters"].values():
        planned = chapter.get("runs", {}).get("smoke", {})
        for variant, seeds in planned.items():
            planned[variant] = [first + k for k in range(len(seeds))]
    path.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf8")


def resident(folder: Path) -> int:
    """Memory in KiB of all processes that work in a folder."""
    total = 0
    for process in working_in(folder):
        try:
            status = (process / "status").read_text()
        except OSError:  # it has ended
            continue
        total += sum(map(int, re.findall(r"VmRSS:\s+(\d+)", status)))
    return total


def study_once(copy: Copy) -> int:
    """Runs the study to its end; the most memory it took, KiB."""
    process = subprocess.Popen(copy.study, cwd=copy.root, env=copy.environment)
    peak = 0
    while process.poll() is None:
        peak = max(peak, resident(copy.root))
        time.sleep(0.5)
    assert process.returncode == 0
    return peak


def left(copy: Copy) -> Counter[str]:
    """How often each name of a file is in the copy, whatever its seed and the sum of the content,
    after which the book calls its pictures; the log of each call of Snakemake not."""
    names = (name for name in files(copy.root) if not name.startswith(".snakemake/"))
    return Counter(re.sub(r"seed\d+|\b[0-9a-f]{64}\b", "*", name) for name in names)


@pytest.mark.fault(
    "machine",
    "A long run: the whole study five times in a row, each time with other seeds.",
    "Memory stays flat, no process goes on and no file is left over.",
)
@pytest.mark.long
@pytest.mark.timeout(3000)
def test_five_studies_in_a_row(tmp_path):
    copy = Copy(tmp_path / "colornb")
    copy.environment["TMPDIR"] = str(tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()
    peaks, kept, found = [], [], []
    for k in range(ROUNDS):
        with_seeds(copy.root, 100 * (k + 1))
        peaks.append(study_once(copy))
        kept.append(left(copy))
        (trained,) = records(copy.folder("03_gan", "default", 100 * (k + 1)))
        found.append(trained["metrics"]["mse_rgb"]["value"])
        assert not working_in(copy.root)
        assert not list((tmp_path / "tmp").iterdir())
        shutil.rmtree(copy.root / "runs")
    assert len(set(found)) == ROUNDS
    for one in kept:
        assert not (one - kept[0]) + (kept[0] - one)
    assert min(peaks[-2:]) < GROWTH * max(peaks[:2]), peaks
