"""The whole study of profile smoke in a copy of the repository, made once for all tests.

It runs as `make study` runs it, is killed while it trains, and started again.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from colornb import study
from colornb.paths import ROOT

PLAN = [
    (chapter, variant, seed)
    for chapter, runs in study.planned("smoke").items()
    for variant, seed in runs
]
KILLED = ("03_gan", "default", 0)
CORES = "2"


def copy_repository(target):
    """The files that a clone would have, and those about to be added to it."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:  # an unpacked archive
        built = shutil.ignore_patterns(".*", "runs", "cache", "_build", "__pycache__")
        shutil.copytree(ROOT, target, ignore=built)
        return
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


class Copy:
    """The copied repository, and the processes that run in it."""

    def __init__(self, root):
        self.root = root
        copy_repository(root)
        data = {"COLORNB_DATA": str(root / "data")}
        self.environment = os.environ | data | {"PYTHONPATH": str(root)}
        self.study = [sys.executable, "-m", "colornb.runner", "study", "smoke", CORES]

    def folder(self, chapter, variant, seed):
        return self.root / "runs" / "smoke" / chapter / variant / f"seed{seed}"

    def call(self, *command, **environment):
        return subprocess.run(
            command,
            cwd=self.root,
            env=self.environment | environment,
            capture_output=True,
            text=True,
        )

    def papermill(self, *options, notebook="03_gan", **environment):
        paths = (f"notebooks/{notebook}.ipynb", "out.ipynb")
        return self.call(sys.executable, "-m", "papermill", *paths, *options, **environment)

    def kill_while_training(self):
        """Start the study and end all of it with SIGKILL once `KILLED` has finished an epoch."""
        folder = self.folder(*KILLED)
        with open(self.root / "killed.log", "w") as log:
            process = subprocess.Popen(
                self.study,
                cwd=self.root,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                deadline = time.monotonic() + 600
                while not (folder / "history.csv").exists():
                    assert process.poll() is None, (self.root / "killed.log").read_text()
                    assert time.monotonic() < deadline, "no epoch was finished in 10 minutes"
                    time.sleep(0.05)
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def records(folder):
    return [json.loads(path.read_text()) for path in folder.rglob("metrics.json")]


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """The copy after the study was killed, what stood there then, and how the second call went."""
    copy = Copy(tmp_path_factory.mktemp("smoke") / "colornb")
    copy.kill_while_training()
    before = {
        path: path.stat().st_mtime_ns for path in copy.root.glob("runs/smoke/**/chapter.ipynb")
    }
    done = copy.call(*copy.study)
    assert done.returncode == 0, done.stdout + done.stderr
    return SimpleNamespace(copy=copy, before=before, said=done.stdout)
