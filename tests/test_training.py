import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
import torch

from colornb import scenes
from colornb.device import choose
from colornb.errors import ColornbError
from colornb.models import load_weights
from colornb.training import gan, koalarization
from colornb.training.run import Run, code_sha256, make_fabric, snapshot_path


class Poison:
    """A pickle of it makes who loads it create a file."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return open, (str(self.canary), "w")


TINY = {"epochs": 3, "batch_size": 8, "width": 0.125, "precision": "32-true", "device": "cpu"}


@pytest.fixture(scope="module")
def pictures():
    return scenes.image_set("train", size=32, limit=16), scenes.image_set("test", size=32, limit=8)


def fit_gan(pictures, folder, **options):
    train, test = pictures
    return gan.fit(train, folder, monitor=test, **(TINY | options))


def fit_koalarization(pictures, folder, **options):
    train, test = pictures
    vectors = torch.randn(len(train), 12, generator=torch.Generator().manual_seed(0))
    return koalarization.fit(
        train,
        vectors,
        folder,
        monitor=test,
        monitor_features=vectors[: len(test)],
        mirrored_features=vectors.flip(1),
        extractor="random",
        **(TINY | options),
    )


def weights(folder):
    return load_weights(folder / "weights.safetensors")[0].state_dict()


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


@pytest.mark.parametrize("fit", [fit_gan, fit_koalarization])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(fit, pictures, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        fit(pictures, tmp_path / name, seed=seed)
    assert_same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    first = next(k for k in weights(tmp_path / "a") if k.endswith("weight"))
    assert not torch.equal(weights(tmp_path / "a")[first], weights(tmp_path / "c")[first])


@pytest.mark.fault(
    "kill",
    "Ctrl-C during a training.",
    "The finished epochs are kept, and the training ends with the same weights as undisturbed.",
)
@pytest.mark.parametrize("fit", [fit_gan, fit_koalarization])
def test_a_run_interrupted_after_an_epoch_ends_as_one_that_was_not(
    fit, pictures, tmp_path, monkeypatch
):
    fit(pictures, tmp_path / "whole")
    log = Run.log

    def log_and_stop(self, **row):
        log(self, **row)
        if len(self.history) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "log", log_and_stop)
    with pytest.raises(KeyboardInterrupt):
        fit(pictures, tmp_path / "cut")
    assert len(pd.read_csv(tmp_path / "cut" / "history.csv")) == 2
    monkeypatch.undo()
    fit(pictures, tmp_path / "cut")
    assert_same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))
    columns = [c for c in pd.read_csv(tmp_path / "cut" / "history.csv") if c != "seconds"]
    one, other = (pd.read_csv(tmp_path / n / "history.csv")[columns] for n in ("whole", "cut"))
    pd.testing.assert_frame_equal(one, other)


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, "tests")
from test_training import fit_gan
from colornb import scenes
from colornb.training.run import Run
log = Run.log
def slow(self, **row):
    log(self, **row)
    time.sleep(0.5)
Run.log = slow
sets = scenes.image_set("train", size=32, limit=16), scenes.image_set("test", size=32, limit=8)
fit_gan(sets, Path(sys.argv[1]))
"""


@pytest.mark.fault(
    "kill",
    "A training is killed with SIGKILL after an epoch.",
    "It goes on from its checkpoint and ends with the same weights as undisturbed.",
)
def test_a_run_killed_with_sigkill_ends_as_one_that_was_not(pictures, tmp_path):
    folder = tmp_path / "killed"
    environment = os.environ | {"PYTHONPATH": "."}
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], env=environment)
    history = folder / "history.csv"
    deadline = time.time() + 120
    while not history.exists() and time.time() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 1 <= len(pd.read_csv(history)) < 3, "killed between the first and the last epoch"
    fit_gan(pictures, folder)
    fit_gan(pictures, tmp_path / "whole")
    assert_same(weights(folder), weights(tmp_path / "whole"))


def test_koalarization_trains_on_maps(pictures, tmp_path):
    train, test = pictures
    maps = {k: torch.rand(len(one), 22 * 32**2).half() for k, one in (("a", train), ("b", test))}
    options = TINY | {"maps": True, "feature_dropout": 0.5, "feature_scale": 0.05}
    model = koalarization.fit(
        train, maps["a"], tmp_path, monitor=test, monitor_features=maps["b"],
        mirrored_features=maps["a"], extractor="random", **options,
    )  # fmt: skip
    assert model.options == {"width": TINY["width"], "feature_dropout": 0.5}
    assert pd.read_csv(tmp_path / "history.csv")["monitor_mse_ab"].notna().all()


@pytest.mark.skipif(os.cpu_count() < 2, reason="needs two processor cores")
def test_two_processes_train_koalarization_as_one(pictures, tmp_path):
    for devices in (1, 2):
        fit_koalarization(pictures, tmp_path / str(devices), devices=devices)
    one, two = (pd.read_csv(tmp_path / name / "history.csv") for name in "12")
    for loss in ("mse_ab", "monitor_mse_ab"):
        assert two[loss].to_numpy() == pytest.approx(one[loss].to_numpy(), abs=1e-5)
    one, two = weights(tmp_path / "1"), weights(tmp_path / "2")
    for name in one:
        assert torch.allclose(one[name], two[name], atol=1e-5), name


@pytest.mark.skipif(os.cpu_count() < 2, reason="needs two processor cores")
def test_two_processes_train_the_gan_and_resume_and_tell_their_errors(pictures, tmp_path):
    fit_gan(pictures, tmp_path / "1")
    fit_gan(pictures, tmp_path / "2", devices=2)
    one, two = (pd.read_csv(tmp_path / name / "history.csv") for name in "12")
    # Batch norm sees half of each batch.
    assert two["l1"].to_numpy() == pytest.approx(one["l1"].to_numpy(), rel=0.05)
    before = (tmp_path / "2" / "checkpoint.pt").stat().st_mtime_ns
    fit_gan(pictures, tmp_path / "2", devices=2)
    assert (tmp_path / "2" / "checkpoint.pt").stat().st_mtime_ns == before
    with pytest.raises(ColornbError, match="not finite in epoch .*lower the learning rate"):
        fit_gan(pictures, tmp_path / "nan", devices=2, learning_rate=1e30)


KILLED_TOGETHER = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from test_training import TOGETHER, fit_gan
from colornb import scenes
if __name__ == "__main__":
    sets = [scenes.image_set(split, size=32, limit=16) for split in ("train", "test")]
    fit_gan(sets, Path(sys.argv[1]), **TOGETHER)
"""
TOGETHER = {"devices": 2, "epochs": 8, "width": 0.25}


@pytest.mark.fault(
    "kill",
    "Two processes that train together are killed with SIGKILL.",
    "Two new ones go on from their checkpoint and end with the same weights as undisturbed.",
)
@pytest.mark.long
@pytest.mark.skipif(os.cpu_count() < 2, reason="needs two processor cores")
def test_two_processes_killed_with_sigkill_end_as_two_that_were_not(tmp_path):
    sets = [scenes.image_set(split, size=32, limit=16) for split in ("train", "test")]
    folder, script = tmp_path / "killed", tmp_path / "train.py"
    script.write_text(KILLED_TOGETHER)
    process = subprocess.Popen(
        [sys.executable, script, folder],
        env=os.environ | {"PYTHONPATH": "."},
        start_new_session=True,  # its children die with it
    )
    deadline = time.time() + 120
    while not (folder / "history.csv").exists() and time.time() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert 1 <= len(pd.read_csv(folder / "history.csv")) < TOGETHER["epochs"]
    fit_gan(sets, folder, **TOGETHER)
    fit_gan(sets, tmp_path / "whole", **TOGETHER)
    assert_same(weights(folder), weights(tmp_path / "whole"))


@pytest.mark.fault(
    "kill",
    "One of the processes that train together is killed, or what started them.",
    "The others end with it, in the first case with one sentence; the finished epochs are kept.",
)
@pytest.mark.long
@pytest.mark.skipif(os.cpu_count() < 2, reason="needs two processor cores")
@pytest.mark.parametrize("which", ["one of them", "what started them"])
def test_one_of_two_processes_killed_with_sigkill_is_told(which, tmp_path):
    folder, script = tmp_path / "killed", tmp_path / "train.py"
    script.write_text(KILLED_TOGETHER.replace("**TOGETHER", "**(TOGETHER | {'epochs': 10_000})"))
    # A shell lets what it starts in the background ignore interrupts.
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, script, folder],
        env=os.environ | {"PYTHONPATH": "."},
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 240
    try:
        while not (folder / "history.csv").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        (parent,) = spawned(process.pid)
        workers = spawned(parent)
        assert len(workers) == 2
        os.kill(workers[0] if which == "one of them" else process.pid, signal.SIGKILL)
        said = process.communicate(timeout=60)[1]
        while left := [pid for pid in (parent, *workers) if command(pid)]:
            assert time.monotonic() < deadline, f"{left} go on"
            time.sleep(0.1)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if which == "one of them":
        assert "ColornbError: A process of the training was killed" in said
    assert 1 <= len(pd.read_csv(folder / "history.csv")) < 10_000


def spawned(pid):
    """Processes that multiprocessing has started for a process."""
    listed = Path(f"/proc/{pid}").glob("task/*/children")
    found = [int(child) for path in listed for child in path.read_text().split()]
    return [child for child in found if "spawn_main" in command(child)]


def command(pid):
    """What a process runs; nothing of one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_a_warm_start_trains_with_l1_first(pictures, tmp_path):
    fit_gan(pictures, tmp_path / "warm", warm_start=0.4)  # 1 of 3 epochs
    fit_gan(pictures, tmp_path / "l1", adversarial_weight=0.0)
    warm, l1 = (pd.read_csv(tmp_path / name / "history.csv") for name in ("warm", "l1"))
    assert warm["l1"][0] == l1["l1"][0] and warm["l1"][1] != l1["l1"][1]
    assert warm["discriminator"].isna().tolist() == [True, False, False]
    with pytest.raises(ColornbError, match="at least 0 and below 1, not 1"):
        fit_gan(pictures, tmp_path / "none", warm_start=1.0)
    with pytest.raises(ColornbError, match="leaves the discriminator none of 3 epochs"):
        fit_gan(pictures, tmp_path / "none", warm_start=0.9)
    with pytest.raises(ColornbError, match="generator_steps must be at least 1, not 0"):
        fit_gan(pictures, tmp_path / "none", generator_steps=0)


def test_a_finished_run_is_not_trained_again(pictures, tmp_path, capsys):
    fit_gan(pictures, tmp_path)
    before = (tmp_path / "checkpoint.pt").stat().st_mtime_ns
    fit_gan(pictures, tmp_path)
    assert (tmp_path / "checkpoint.pt").stat().st_mtime_ns == before
    assert "all 3 epochs were finished before" in capsys.readouterr().out


@pytest.mark.fault(
    "setting",
    "A training is called again in its folder with other settings.",
    "It says so and starts over; the old checkpoint is kept under another name.",
)
def test_other_settings_start_over_and_keep_the_old_run(pictures, tmp_path, capsys):
    fit_gan(pictures, tmp_path)
    fit_gan(pictures, tmp_path, learning_rate=1e-3)
    assert "starting over" in capsys.readouterr().out
    assert (tmp_path / "checkpoint.superseded.pt").exists()
    assert len(pd.read_csv(tmp_path / "history.csv")) == 3


@pytest.mark.fault(
    "kill",
    "A training that starts over with other settings dies in its first epoch.",
    "The folder does not look finished: the old weights and the old record are gone.",
)
def test_a_run_that_starts_over_does_not_look_finished(pictures, tmp_path, monkeypatch):
    fit_gan(pictures, tmp_path)
    (tmp_path / "metrics.json").write_text("{}")
    monkeypatch.setattr(Run, "log", lambda self, **row: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit_gan(pictures, tmp_path, learning_rate=1e-3)
    assert not (tmp_path / "metrics.json").exists()
    assert not (tmp_path / "weights.safetensors").exists()


@pytest.mark.fault(
    "kill",
    "A training dies between its checkpoint and its history.",
    "The history is written again from the checkpoint.",
)
def test_a_history_lost_after_its_checkpoint_is_written_again(pictures, tmp_path):
    fit_gan(pictures, tmp_path)
    (tmp_path / "history.csv").unlink()
    fit_gan(pictures, tmp_path)
    assert len(pd.read_csv(tmp_path / "history.csv")) == 3


def test_the_weights_say_at_which_size_they_were_trained(pictures, tmp_path):
    fit_koalarization(pictures, tmp_path)
    _, header = load_weights(tmp_path / "weights.safetensors")
    assert header["size"] == "32" and header["extractor"] == "random"


@pytest.mark.fault(
    "setting",
    "A training with impossible numbers of epochs, pictures or devices, or unknown names.",
    "One sentence gives what is possible.",
)
@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"batch_size": 0}, "between 1 and the 16 training pictures, not 0"),
        ({"batch_size": 17}, "between 1 and the 16 training pictures, not 17"),
        ({"device": "gpu"}, "no device 'gpu'; there are: auto, cpu, cuda"),
        ({"precision": "8"}, "no precision '8'; there are: auto, 32-true"),
        ({"devices": 0}, "A batch of 8 cannot be shared by 0 devices"),
        ({"devices": 4096, "batch_size": 4096}, "between 1 and the 16 training pictures"),
        ({"batch_size": 7, "devices": 2}, "A batch of 7 cannot be shared by 2 devices"),
        ({"strategy": "magic"}, "no strategy 'magic'; there are: auto, ddp_spawn"),
    ],
)
@pytest.mark.parametrize("fit", [fit_gan, fit_koalarization])
def test_impossible_settings_are_told(fit, options, sentence, pictures, tmp_path):
    with pytest.raises(ColornbError, match=sentence):
        fit(pictures, tmp_path, **options)


def test_training_lowers_the_loss_and_the_discriminator_is_trained(pictures, tmp_path):
    fit_gan(pictures, tmp_path / "gan", epochs=6, learning_rate=2e-3)
    history = pd.read_csv(tmp_path / "gan" / "history.csv")
    assert history["l1"].iloc[-1] < history["l1"].iloc[0]
    assert {"generator", "discriminator", "monitor_mse_ab"} <= set(history)
    fit_gan(pictures, tmp_path / "l1", adversarial_weight=0.0)
    assert "discriminator" not in pd.read_csv(tmp_path / "l1" / "history.csv")


@pytest.mark.parametrize("fit", [fit_gan, fit_koalarization])
def test_weights_are_kept_along_the_way(fit, pictures, tmp_path):
    fit(pictures, tmp_path, epochs=5)
    kept = [snapshot_path(tmp_path, epoch) for epoch in (1, 2, 3, 4)]
    assert sorted((tmp_path / "snapshots").iterdir()) == kept
    first, last = (load_weights(path)[0].state_dict() for path in (kept[0], kept[-1]))
    assert any(not torch.equal(first[name], last[name]) for name in first)
    fit(pictures, tmp_path, epochs=2)  # other settings: it starts over
    assert sorted((tmp_path / "snapshots").iterdir()) == kept[:2]
    assert_same(load_weights(kept[1])[0].state_dict(), weights(tmp_path))


def test_the_squared_distance_alone_is_minimised(pictures, tmp_path):
    options = {"adversarial_weight": 0.0, "l1_weight": 0.0, "l2_weight": 100.0}
    fit_gan(pictures, tmp_path, epochs=1, **options)
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["generator"][0] < 100 * history["l1"][0]  # |x| < 1, so x^2 < |x|


@pytest.mark.fault(
    "twice",
    "Two trainings in one folder.",
    "The second is refused in one sentence.",
)
def test_a_second_process_in_one_folder_is_refused(tmp_path):
    fabric = make_fabric("cpu", "32-true", 1, "auto")
    with Run.open(tmp_path, {"seed": 0}, (), fabric):
        with pytest.raises(ColornbError, match="Another process trains in"):
            with Run.open(tmp_path, {"seed": 0}, (), fabric):
                pass


@pytest.mark.fault(
    "machine",
    "A loss that is infinite or no number in the middle of a training.",
    "One sentence advises a lower learning rate; the epochs before are kept and go on.",
)
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("fit", [fit_gan, fit_koalarization])
def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_epoch(
    fit, value, pictures, tmp_path, monkeypatch
):
    """The third of three epochs fails; what is kept goes on once the fault is gone. Every
    training of the package is that of `fit_gan` or of `fit_koalarization` with other options."""
    log = Run.log

    def log_badly(self, **row):
        if len(self.history) == 2:
            row["monitor_mse_ab"] = torch.tensor(value)
        log(self, **row)

    monkeypatch.setattr(Run, "log", log_badly)
    with pytest.raises(ColornbError, match="mse_ab is not finite in epoch 3: lower the learning"):
        fit(pictures, tmp_path / "bad")
    assert len(pd.read_csv(tmp_path / "bad" / "history.csv")) == 2
    assert not (tmp_path / "bad" / "weights.safetensors").exists()
    monkeypatch.undo()
    fit(pictures, tmp_path / "bad")
    fit(pictures, tmp_path / "whole")
    assert_same(weights(tmp_path / "bad"), weights(tmp_path / "whole"))


@pytest.mark.fault(
    "hostile",
    "A checkpoint that is torn, empty, of something else, or a poisoned pickle.",
    "It is refused in one sentence that names it; nothing of it is executed.",
)
@pytest.mark.parametrize("content", ["torn", "empty", "list", "else", "poison"])
def test_a_damaged_checkpoint_is_told(content, pictures, tmp_path):
    path = tmp_path / "checkpoint.pt"
    if content in ("torn", "empty"):
        path.write_bytes(b"PK\x03\x04 torn" if content == "torn" else b"")
    else:
        saved = {"list": [1], "else": {"weights": torch.ones(1)}, "poison": Poison(tmp_path / "x")}
        torch.save(saved[content], path)
    before = path.read_bytes()
    with pytest.raises(ColornbError, match="checkpoint.pt cannot be read .*remove it") as told:
        fit_gan(pictures, tmp_path)
    assert "\n" not in str(told.value) and path.read_bytes() == before
    assert not (tmp_path / "x").exists()


@pytest.mark.fault(
    "setting",
    "A training for a GPU that is not there, or with an unknown schedule.",
    "One sentence names the choices.",
)
def test_a_missing_gpu_and_an_unknown_schedule_are_told(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ColornbError, match="No GPU was found"):
        choose("cuda")
    with pytest.raises(ColornbError, match="there are: constant, one_cycle"):
        fit_gan(pictures, tmp_path, schedule="cosine")


def test_explaining_the_code_does_not_change_its_hash(tmp_path, monkeypatch):
    from colornb.training import run

    monkeypatch.setattr(run, "PACKAGE", tmp_path)
    module = tmp_path / "model.py"
    hashes = []
    for text in (
        '"""One."""\nx = 1\n"""Of x."""\ndef f():\n    """Of f."""\n    return x\n',
        '"""Two."""\n# why\nx = 1\n"""Other."""\ndef f():\n    """Anew."""\n    return x\n',
        "x = 1\n\n\ndef f():\n    return x\n",
        "x = 2\n\n\ndef f():\n    return x\n",
    ):
        module.write_text(text)
        hashes.append(code_sha256(("model.py",)))
    assert hashes[0] == hashes[1] == hashes[2] != hashes[3]
