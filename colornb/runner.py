"""Starts the study's graph and, inside it, runs one chapter in a process of its own.

`python -m colornb.runner study PROFILE CORES` is what `make study` calls;
`python -m colornb.runner bench` is `make bench`;
`python -m colornb.runner chapter NAME PROFILE VARIANT SEED` is one job of the `Snakefile`.
"""

import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TextIO

from colornb.errors import ColornbError
from colornb.files import locked, make_folder
from colornb.paths import ROOT, RUNS
from colornb.study import planned, run_folder


def executed(profile: str, chapter: str, variant: str, seed: int) -> Path:
    """Path of the executed notebook of one run."""
    return run_folder(profile, chapter, variant, seed) / "chapter.ipynb"


def study(profile: str, cores: str) -> None:
    """Run the whole graph of `profile` with Snakemake; what it says goes to `runs/.log`.

    The lock on `runs/.lock` is shared with Snakemake and ends with it, however it ends.
    Holding it, a lock that Snakemake itself left behind after a kill is stale.
    """
    planned(profile)  # refuses an unknown profile
    running = f"Another `make study` is running in {ROOT}: wait for it, or stop it with Ctrl-C."
    with locked(RUNS / ".lock", running) as lock:
        _run_graph(profile, cores, lock)


def _run_graph(profile: str, cores: str, lock: TextIO) -> None:
    snakemake = [sys.executable, "-m", "snakemake", "--cores", cores, "--rerun-incomplete"]
    snakemake += ["--quiet", "host", "--config", f"profile={profile}"]
    log = RUNS / ".log"
    with open(log, "w", encoding="utf8") as said:
        if any((ROOT / ".snakemake" / "locks").glob("*")):
            subprocess.run([*snakemake, "--unlock"], cwd=ROOT, stderr=said, check=False)
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):  # Snakemake itself would await the run
            signal.signal(number, lambda *_: stopped.set())
        process = subprocess.Popen(snakemake, cwd=ROOT, stderr=said, pass_fds=[lock.fileno()])
    while process.poll() is None and not stopped.wait(0.2):
        pass
    if stopped.is_set():
        process.kill()
    failed, text = process.wait(), log.read_text(encoding="utf8")
    if not failed:
        print("Nothing to be done." if "Nothing to be done" in text else "All runs are finished.")
    elif "CalledProcessError" in text or failed < 0:
        raise ColornbError("The study stopped; `make study` again goes on from there.")
    else:
        raise ColornbError(text)


class _Progress:
    """A text stream for a notebook's output: all of it to stderr, its lines to stdout.

    Of a bar that redraws itself (tqdm) a line goes to stdout every 20 s.
    """

    def __init__(self, name: str):
        self.name, self.line, self.shown = name, "", time.monotonic()

    def write(self, text: str) -> None:
        sys.stderr.write(text)
        *lines, self.line = (self.line + text).split("\n")
        for line in lines:
            self.show(line)
        if "\r" in self.line and time.monotonic() > self.shown + 20:
            self.show(self.line)

    def show(self, line: str) -> None:
        line = line.rstrip().split("\r")[-1].strip()
        if line:
            self.shown = time.monotonic()
            print(f"  {self.name} | {line}", flush=True)

    def flush(self) -> None:
        sys.stderr.flush()


def chapter(name: str, profile: str, variant: str, seed: int) -> None:
    """Execute `notebooks/NAME.ipynb` with papermill; the result appears when it is whole.

    Progress goes to stdout, everything to stderr, which the `Snakefile` makes the log.
    A failed run leaves `chapter.partial.ipynb` in its folder.
    """
    import papermill

    os.environ["PYTHONWARNINGS"] = "ignore:IProgress not found"  # bars are plain text here
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    output = executed(profile, name, variant, seed)
    make_folder(output.parent)
    partial = output.with_suffix(".partial.ipynb")
    run, began = f"{name} {variant} seed {seed}", time.monotonic()
    print(f"{run}: started", flush=True)
    progress = _Progress(run)
    execute = functools.partial(
        papermill.execute_notebook,
        ROOT / "notebooks" / f"{name}.ipynb",
        partial,
        parameters={"profile": profile, "variant": variant, "seed": seed},
        kernel_name="python3",
        cwd=ROOT,
        progress_bar=False,
        start_timeout=120,
        stdout_file=progress,
        stderr_file=progress,
    )
    try:
        try:
            execute()
        except RuntimeError as error:
            if not re.search("Kernel (didn't respond|died before replying)", str(error)):
                raise
            # Two kernels that start at the same moment may take the same ports: once more.
            execute()
    except Exception as error:  # from a cell, or a kernel that died, or a full disk
        sys.stderr.write(re.sub(r"\x1b\[[\d;]*m", "", traceback.format_exc()))
        kind = getattr(error, "ename", type(error).__name__)
        text = getattr(error, "evalue", str(error))
        if kind != ColornbError.__name__:
            text = f"{kind}: {text}"
        print(f"{run}: failed. {text}\n  Log: {output.with_suffix('.log')}", flush=True)
        sys.exit(1)
    partial.replace(output)
    seconds = round(time.monotonic() - began)
    print(f"{run}: finished in {seconds // 60} min {seconds % 60} s", flush=True)


def bench() -> None:
    """Execute chapter 16 on the real data, alone on the machine; store `bench.json`."""
    run = "16_speed", "cpu", "default", 0
    chapter(*run)
    target = RUNS / "bench" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    shutil.copy(executed(run[1], run[0], *run[2:]).with_name("bench.json"), target)
    print(f"The measurements: {target}")


def _end_with_parent(parent: int) -> None:
    """End this process, and with it its kernel, when Snakemake was killed."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    try:
        match sys.argv[1:]:
            case ["study", profile, cores]:
                study(profile, cores)
            case ["bench"]:
                bench()
            case ["chapter", name, profile, variant, seed]:
                chapter(name, profile, variant, int(seed))
            case _:
                sys.exit(__doc__)
    except ColornbError as error:
        sys.exit(str(error))
