import subprocess
import sys

import pytest

from colornb.paths import ROOT


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_code_reads_as_ruff_says(command):
    command = [sys.executable, "-m", "ruff", *command, "colornb", "notebooks", "tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
