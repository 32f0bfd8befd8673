"""The profile for Slurm, and that one GPU never serves two runs at a time.

The study goes through a Slurm of its own, with one GPU that does not exist, where
COLORNB_TEST_SLURM=1 asks for it; that needs the extra `cluster`, Debian's packages `slurmctld
slurmd slurm-client munge`, and root.
"""

import getpass
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise

import pytest
import yaml
from small_study import PLAN, Copy

from colornb import study
from colornb.paths import ROOT

PROFILE = "profiles/slurm"
ASKED = yaml.safe_load((ROOT / PROFILE / "config.yaml").read_text(encoding="utf8"))
SNAKEMAKE = (sys.executable, "-m", "snakemake")


@pytest.mark.parametrize("gpu", [0, 1])
def test_every_run_asks_for_its_resources_and_for_a_gpu_only_on_request(gpu):
    # The profile's executor is an extra; a dry run does without it.
    options = ["-n", "--forceall", "--profile", PROFILE, "--executor", "dryrun", "--cores", "8"]
    config = ["--config", "profile=full", f"gpu={gpu}"]
    done = subprocess.run(
        [*SNAKEMAKE, *options, *config],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .+\n)+)", done.stdout, re.MULTILINE)
    runs = sum(map(len, study.planned("full").values()))
    assert Counter(rule for rule, _ in jobs) == {"run": runs, "book": 1, "all": 1}
    for rule, text in jobs:
        resources = dict(re.findall(r"(\w+)=(\w+)", text.partition("resources: ")[2]))
        for name, value in ASKED["set-resources"].get(rule, {}).items():
            assert resources[name] == str(value)
        if rule == "run":
            assert f"threads: {ASKED['set-threads']['run']}\n" in text
        assert resources.get("gpu") == ("1" if gpu and rule == "run" else None)


# Stands for a run: it writes when it began and ended, instead of a notebook.
FAKE = """
import sys, time
from pathlib import Path

chapter, profile, variant, seed = sys.argv[2:]
output = Path("runs", profile, chapter, variant, f"seed{seed}", "chapter.ipynb")
began = time.time()
time.sleep(1)
output.write_text(f"{began} {time.time()}")
"""


@pytest.mark.parametrize("gpu", [0, 1])
def test_on_one_machine_runs_share_the_processors_and_not_the_gpu(tmp_path, gpu):
    copy = Copy(tmp_path / "colornb")
    (copy.root / "colornb" / "runner.py").write_text(FAKE)
    runs = [copy.folder(*run) / "chapter.ipynb" for run in PLAN]
    options = ["--cores", "8", "--resources", "gpu=1"]
    options += ["--config", "profile=smoke", "threads=2", f"gpu={gpu}"]
    done = copy.call(*SNAKEMAKE, *(run.relative_to(copy.root) for run in runs), *options)
    assert done.returncode == 0, done.stderr
    times = sorted(tuple(map(float, run.read_text().split())) for run in runs)
    assert any(after < end for (_, end), (after, _) in pairwise(times)) == (not gpu)


CONFIG = """
ClusterName=colornb
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthInfo=socket={folder}/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
AccountingStorageType=accounting_storage/none
MessageTimeout=100
KillWait=5
MinJobAge=86400
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000 Gres=gpu:1
PartitionName=main Nodes={host} Default=YES
"""


def free_ports(count):
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


class Slurm:
    """The daemons of a cluster of one node, this machine; all they write is in `folder`.

    Attributes:
        environment: the variables with which Slurm's commands find the cluster.
    """

    def __init__(self, folder):
        for name in ("state", "spool", "bin"):
            (folder / name).mkdir()
        key, config, srun = folder / "key", folder / "slurm.conf", folder / "bin" / "srun"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        host, user = socket.gethostname().partition(".")[0], getpass.getuser()
        text = CONFIG.format(host=host, user=user, ports=free_ports(2), folder=folder)
        config.write_text(text)
        (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
        # The plugin takes SLURM_CONF out of the environment in which a job calls srun.
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={config} exec {shutil.which("srun")} "$@"\n')
        srun.chmod(0o755)
        path = f"{srun.parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {"SLURM_CONF": str(config), "PATH": path}
        self.folder, self.daemons = folder, []
        munge = [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "log", "seed")]
        self.commands = [
            # Forced, since only we may enter a test's folder.
            ["munged", "-F", "--force", f"--key-file={key}", f"--socket={folder}/munge", *munge],
            ["slurmctld", "-D", "-f", config],
            ["slurmd", "-D", "-f", config],
        ]

    def call(self, *command):
        """What `command` prints, also where it fails."""
        environment = os.environ | self.environment
        return subprocess.run(command, env=environment, capture_output=True, text=True).stdout

    def wait(self, what, reached):
        """Until `reached()`, at most five minutes."""
        deadline = time.monotonic() + 300
        while not reached():
            assert time.monotonic() < deadline, f"{what}: see the logs in {self.folder}"
            time.sleep(0.5)

    def start(self):
        for command in self.commands:
            with open(self.folder / f"{command[0]}.log", "w") as log:
                process = subprocess.Popen(
                    command, env=os.environ | self.environment, stdout=log, stderr=log
                )
            self.daemons.append(process)
            self.wait("no munged", (self.folder / "munge").exists)
        self.wait("the node is not ready", lambda: "idle" in self.call("sinfo", "-ho", "%T"))

    def stop(self):
        self.call("scancel", "--user", getpass.getuser())
        self.wait("jobs are left", lambda: not self.call("squeue", "--noheader"))
        for daemon in reversed(self.daemons):
            daemon.terminate()
            daemon.wait()


@pytest.fixture
def slurm(tmp_path):
    if os.environ.get("COLORNB_TEST_SLURM") != "1":
        pytest.skip("only with COLORNB_TEST_SLURM=1: it starts the daemons of a Slurm")
    needed = ("munged", "slurmctld", "slurmd", "sbatch", "srun")
    missing = [name for name in needed if not shutil.which(name)]
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        missing.append("the extra `cluster`")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    (tmp_path / "slurm").mkdir()
    cluster = Slurm(tmp_path / "slurm")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.mark.timeout(3600)
def test_the_study_goes_through_slurm_one_run_at_a_time_on_one_gpu(slurm, tmp_path):
    copy = Copy(tmp_path / "colornb")
    options = ["--profile", PROFILE, "--config", "profile=smoke", "gpu=1"]
    options += ["--slurm-no-account", "--slurm-status-command", "squeue"]  # without accounting
    options += ["--slurm-init-seconds-before-status-checks", "5"]
    done = copy.call(*SNAKEMAKE, *options, **slurm.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all((copy.folder(*run) / "chapter.ipynb").exists() for run in PLAN)
    listed = slurm.call("scontrol", "--oneliner", "show", "jobs")
    jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in listed.splitlines()]
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    runs = [job for job in jobs if job.get("TresPerJob") == "gres:gpu:1"]
    assert (len(runs), len(jobs)) == (len(PLAN), len(PLAN) + 1)  # the book
    for run in runs:
        assert (run["CPUs/Task"], run["MinMemoryNode"], run["TimeLimit"]) == (
            str(ASKED["set-threads"]["run"]),
            f"{ASKED['set-resources']['run']['mem_mb']}M",
            "04:00:00",
        )
    # The node has the processors and the memory for two, so the GPU is what they wait for.
    spans = sorted((run["StartTime"], run["EndTime"]) for run in runs)
    assert all(end <= after for (_, end), (after, _) in pairwise(spans))
