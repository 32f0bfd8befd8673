import json
import math
import shutil
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from colornb import baselines, cifar10_jpeg, painted, publish, realism, records, scenes, study
from colornb.errors import ColornbError
from colornb.figures import gray
from colornb.paths import RESULTS as RESULTS_FOLDER

# What every record has, whatever chapter wrote it.
FIELDS = (
    "system variant profile seed dataset extractor parameters metrics history environment"
    " data_sha256 wall_s peak_memory_mb started finished"
).split()
METRICS = (
    "mse_rgb psnr ssim mae_rgb acc2 acc5 auc auc_rebalanced delta_e2000 colorfulness_ratio"
    " chroma_retention kid c2st"
).split()
RESULTS = (
    "system,variant,profile,dataset,extractor,train_n,sees,seed,metric,value,low,high,n,unit,device"
).split(",")
PAIRS = "a,b,dataset,metric,difference,low,high,n,seeds".split(",")


@pytest.fixture(scope="module")
def sets():
    """Training and test pictures."""
    return scenes.image_set("train", size=32, limit=12), scenes.image_set("test", size=32, limit=12)


@pytest.fixture(scope="module")
def measured(sets):
    train, test = sets
    return records.measure(gray(test.images), test, train)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A repository without runs and without anything published."""
    book, runs = tmp_path / "book", tmp_path / "runs"
    monkeypatch.setattr(study, "RUNS", runs)
    for name, value in {
        "RUNS": runs,
        "RESULTS": book / "results",
        "CHAPTERS": book / "chapters",
        "MANIFEST": book / "results" / "manifest.json",
    }.items():
        monkeypatch.setattr(publish, name, value)
    book.mkdir()
    return tmp_path


def begin(chapter="03_gan", variant="default", **given):
    usual = study.parameters(chapter, "smoke", variant)
    common = {"profile": "smoke", "seed": 0, "variant": variant}
    return study.begin(chapter, dict.fromkeys(usual) | common | given)


@pytest.fixture
def run(root):
    return begin()


def test_every_metric_is_measured(measured, sets):
    assert set(METRICS) <= set(measured.metrics)
    for name, metric in measured.metrics.items():
        assert set(metric) == {"value", "low", "high", "n"}, name
        assert metric["n"] == 12 and metric["low"] <= metric["value"] <= metric["high"], name
    assert measured.metrics["chroma_retention"]["value"] < 0.05, "the pictures are gray"
    assert list(measured.images["id"]) == list(sets[1].ids)
    assert {"mse_rgb", "psnr", "delta_e2000", "chroma"} <= set(measured.images)
    assert measured.features.shape == (12, 1280)


def test_a_perfect_colorization(sets):
    train, test = sets
    found = records.measure(test.images, test, train).metrics
    assert found["mse_rgb"]["value"] == 0 and found["auc"]["value"] == 1
    assert found["chroma_retention"]["value"] == found["colorfulness_ratio"]["value"] == 1
    assert abs(found["kid"]["value"]) < 1e-9 and found["c2st"]["value"] <= 0.5


def test_a_record_is_complete(run, measured, sets):
    train, test = sets
    (run.folder / "history.csv").write_text("epoch,seconds\n1,3.5\n2,4\n")
    record = records.write(run, measured, test, train)
    assert list(record) == FIELDS
    assert records.read(run.folder) == json.loads(json.dumps(record))
    expected = ("gan", "default", "smoke", 0, "scenes", "none", "history.csv")
    keys = ("system", "variant", "profile", "seed", "dataset", "extractor", "history")
    assert tuple(record[key] for key in keys) == expected
    assert record["parameters"].pop("precision") in ("bf16-mixed", "32-true"), "what auto was"
    assert record["parameters"] == {k: v for k, v in run.parameters.items() if k != "precision"} | {
        "train_n": 12,
        "size": 32,
        "sees": "l",
        "kid_network": "tf_efficientnet_lite0, pooled features at 96 pixels",
    }
    assert record["data_sha256"] == {"train": train.sha256, "test": test.sha256}
    names = "python torch device gpu threads commit dirty packages_sha256".split()
    assert list(record["environment"]) == names
    assert record["wall_s"] >= 0 and record["peak_memory_mb"] > 100
    assert datetime.fromisoformat(record["started"]) <= datetime.fromisoformat(record["finished"])
    images = pd.read_csv(run.folder / "images.csv")
    pd.testing.assert_frame_equal(images, measured.images, check_dtype=False, rtol=1e-5)
    np.testing.assert_array_equal(np.load(run.folder / "features.npy"), measured.features)


def test_the_extractor_stands_beside_the_parameters(root, measured, sets):
    record = records.write(begin("02_koalarization"), measured, sets[1], sets[0])
    assert record["extractor"] == "tf_efficientnet_lite0"
    assert "extractor" not in record["parameters"] and record["parameters"]["epochs"] == 2
    assert record["history"] is None


def test_a_network_trained_beside_its_record_tells_its_own_settings(run, measured, sets):
    from colornb.training import gan

    train, test = sets
    folder = records.place(run, test, "gan/short_doubled", 1)
    own = {"epochs": 2, "width": 0.125, "l1_weight": 7.0, "batch_size": 6, "seed": 1}
    gan.fit(train, folder, monitor=test, about={"extractor": "random"}, **own)
    record = records.write(run, measured, test, train, variant="gan/short_doubled", seed=1)
    assert record["extractor"] == "random" and record["seed"] == own.pop("seed")
    assert own.items() <= record["parameters"].items(), "not those of the chapter"
    assert record["parameters"]["train_n"] == 12 and record["parameters"]["device"] == "cpu"
    assert not any(name.endswith("sha256") for name in record["parameters"])


def test_published_variations_are_told_apart_by_their_settings():
    """Each network of the ablations by its extractor, its parameters and its number of pictures."""
    told = {}
    for _, record in records.within(RESULTS_FOLDER / "cpu" / "04_ablations"):
        if (name := record["variant"]).startswith("short") and "batch_statistics" not in name:
            settings = [record["system"], record["extractor"], record["parameters"]]
            settings[2].pop("precision", None)
            told.setdefault(json.dumps([*settings, record["data_sha256"]["train"]]), set()).add(
                name
            )
    assert len(told) > 30 and all(len(names) == 1 for names in told.values())


def test_the_rows_without_a_network_are_made_once_for_a_notebook_run_alone(root, sets):
    train, test = sets
    run = begin()
    found = records.trivial(run, test, train)
    assert list(found) == [f"baseline/{name}" for name in baselines.NAMES]
    (folder,) = found["baseline/class_mean_ab"]
    record = records.read(folder)
    home = study.run_folder("smoke", "01_data", "default", 0)
    assert folder == home / "records" / "scenes-32" / "class_mean_ab" / "seed0"
    assert record["parameters"]["sees"] == "class" and record["parameters"]["train_n"] == 12
    before = (folder / "metrics.json").stat().st_mtime_ns
    assert records.trivial(run, test, train).keys() == found.keys()
    assert (folder / "metrics.json").stat().st_mtime_ns == before


def test_the_rows_without_a_network_learn_from_all_pictures_beside_a_held_out_training(root, sets):
    run = begin(variant="l1_only_heldout")
    whole, test = run.load("train"), run.load("test")
    held_out = whole.subset(range(40))  # as of real pictures; of scenes none are
    ((folder, *_), *_) = records.trivial(run, test, held_out).values()
    assert records.read(folder)["data_sha256"]["train"] == whole.sha256


def test_read_all_has_the_records_of_every_test_set(root, measured, sets):
    train, test = sets
    larger = replace(test, images=test.images.repeat(1, 1, 2, 2))  # of the set "photos"
    former = replace(test, images=test.images.repeat(1, 1, 3, 3))  # in no set any more
    for images in (test, larger, former):
        records.write(begin("01_data"), measured, images, train, variant="gray")
    records.write(begin(variant="l1_only"), measured, test, train)
    records.write(begin(epochs=5), measured, test, train)  # by hand: no part of the study
    found = [
        (r["system"], r["variant"], r["parameters"]["size"]) for _, r in records.read_all("smoke")
    ]
    baseline = ("baseline", "gray")
    assert sorted(found) == [(*baseline, 32), (*baseline, 64), ("gan", "l1_only", 32)]


@pytest.mark.fault(
    "kill",
    "The writing of a record stops half-way.",
    "The former record is whole; the record is the last of its files to appear.",
)
def test_the_record_is_written_last_and_as_a_whole(run, measured, sets, monkeypatch):
    train, test = sets
    order, replaced = [], records.replace_atomically

    def write_and_note(path, write):
        order.append(path.name)
        replaced(path, write)

    monkeypatch.setattr(records, "replace_atomically", write_and_note)
    records.write(run, measured, test, train)
    assert order == ["features.npy", "pictures.npy", "images.csv", "metrics.json"]
    former = (run.folder / "metrics.json").read_bytes()

    def write_half(path, write):
        def torn(partial):
            write(partial)
            partial.write_bytes(partial.read_bytes()[:100])
            raise OSError("No space left on device")

        replaced(path, torn if path.name == "metrics.json" else write)

    monkeypatch.setattr(records, "replace_atomically", write_half)
    with pytest.raises(ColornbError, match="No space left.*what was there before is kept"):
        records.write(run, measured, test, train, gain=2.0)
    assert (run.folder / "metrics.json").read_bytes() == former


@pytest.mark.fault(
    "setting",
    "A parameter that no record can hold.",
    "The former record stays as it was.",
)
def test_a_value_that_is_no_json_leaves_the_former_record(run, measured, sets):
    train, test = sets
    records.write(run, measured, test, train)
    former = (run.folder / "metrics.json").read_bytes()
    with pytest.raises(TypeError):
        records.write(run, measured, test, train, gain=object())
    assert (run.folder / "metrics.json").read_bytes() == former


def test_what_a_limitation_chapter_measured_is_a_record_like_others(root, measured, sets):
    train, test = sets
    trained = begin(seed=1)
    records.write(trained, measured, test, train)
    run = begin("06_sepia")
    counts = {"near": np.arange(12.0), "chroma": np.ones(12), "histogram": np.ones((12, 4))}
    found = {"sepia_index": {"value": 0.1, "low": 0.0, "high": 0.2, "n": 12, "seeds": [0.1]}}
    pictures = gray(test.images)
    write = partial(records.write_limits, run, test=test, train=train)
    record = write("gan/default", 1, pictures, counts, found)
    assert set(record) == set(FIELDS)
    assert record["metrics"] == measured.metrics | {
        "sepia_index": {"value": 0.1, "low": 0.0, "high": 0.2, "n": 12}
    }
    assert (record["system"], record["variant"], record["seed"]) == ("gan", "default", 1)
    assert record["parameters"]["l1_weight"] == 100  # those of the training, not the chapter's
    (row,) = (row for row in records.rows(record) if row["metric"] == "sepia_index")
    assert (row["value"], row["unit"]) == (0.1, "share")
    folder = run.folder / "records" / "scenes-32" / "gan" / "default" / "seed1"
    images = pd.read_csv(folder / "images.csv")
    assert list(images) == [*measured.images, "near", "chroma_counted"]
    np.testing.assert_allclose(images["chroma"], measured.images["chroma"], rtol=1e-5)
    assert (images["chroma_counted"] == 1).all()
    assert records.under(run.folder) == {"gan/default": [folder]}
    control = write("baseline/class_mean_ab", 0, pictures, counts, found)
    assert control["parameters"]["sees"] == "class"
    assert control["metrics"] == record["metrics"], "measured anew, on the same pictures"
    folder = run.folder / "records" / "scenes-32" / "baseline" / "class_mean_ab" / "seed0"
    assert list(pd.read_csv(folder / "images.csv")) == [*measured.images, "near", "chroma_counted"]


@pytest.mark.parametrize("ending", ["refined", "refined_taught", "blurred"])
def test_pictures_that_were_changed_are_those_of_their_training(root, measured, sets, ending):
    train, test = sets
    trained = begin(variant="l1_only", seed=1)
    records.write(trained, measured, test, train)
    run, found = begin("06_sepia"), {"cdr": {"value": 0.1, "low": 0.0, "high": 0.2, "n": 12}}
    write = partial(records.write_limits, run, pictures=gray(test.images), counts={}, found=found)
    record = write(f"gan/l1_only_{ending}", 1, test=test, train=train)
    assert record["parameters"]["adversarial_weight"] == 0, "those of l1_only"
    larger = scenes.image_set("test", size=112, limit=12)
    record = write("gan/l1_only", 1, pictures=gray(larger.images), test=larger, train=train)
    assert record["parameters"]["kid_network"].endswith("pooled features at 112 pixels")
    other = write("gan/l1", 1, test=test, train=train)
    assert "adversarial_weight" not in other["parameters"], "no training of that name"


def test_what_the_notebook_recorded_before_stays_with_more_measures(run, measured, sets):
    train, test = sets
    about = {"variant": "distribution/sampled", "seed": 1, "sees": "caption", "temperature": 0.5}
    first = records.write(run, measured, test, train, **about)
    folder = records.place(run, test, "distribution/sampled", 1)
    images = pd.read_csv(folder / "images.csv")
    limits = {"value": 0.1, "low": 0.0, "high": 0.2, "n": 12}
    for name in ("sepia_index", "cdr"):
        counts, found = {name: np.arange(12.0)}, {name: limits}
        write = partial(records.write_limits, run, "distribution/sampled", 1, gray(test.images))
        record = write(counts, found, test, train)
    assert record["metrics"] == first["metrics"] | {"sepia_index": limits, "cdr": limits}
    assert record["parameters"] == first["parameters"]
    table = pd.read_csv(folder / "images.csv")
    pd.testing.assert_frame_equal(table[list(images)], images)
    assert {"cdr", "sepia_index"} <= set(table) and (folder / "features.npy").exists()
    later = replace(run, started=datetime(2026, 1, 1))  # another execution measures anew
    record = records.write_limits(
        later, "distribution/sampled", 1, gray(test.images), {}, {"cdr": limits}, test, train
    )
    assert "sepia_index" not in record["metrics"] and record["parameters"]["sees"] == "l"


def test_pairs_of_several_systems(run, measured, sets):
    train, test = sets
    folders = {}
    for name in ("distribution/a", "baseline/b"):
        records.write(run, measured, test, train, variant=name)
        folders[name] = [records.place(run, test, name, 0)]
    names = ["mse_rgb", "kid"]
    found = records.pairs(folders, [("distribution/a", "baseline/b")], names, test)
    assert list(found) == PAIRS and found["metric"].tolist() == names
    assert (found["difference"] == 0).all()
    assert list(records.pairs(folders, [], names, test)) == PAIRS, "none is no error"


@pytest.mark.fault(
    "kill",
    "A record that is missing, torn, empty or no text.",
    "One sentence names it and says to run its notebook again.",
)
def test_missing_and_damaged_records_are_told(tmp_path):
    with pytest.raises(ColornbError, match="no record .*metrics.json: the run is not finished"):
        records.read(tmp_path)
    for damaged in (b'{"system": "gan", ', b"\xff\xfe", b""):
        (tmp_path / "metrics.json").write_bytes(damaged)
        with pytest.raises(ColornbError, match="metrics.json is damaged: run its notebook again"):
            records.read(tmp_path)


@pytest.mark.fault(
    "machine",
    "The clock is set back or ahead by a year before a training is recorded.",
    "The record counts the seconds of all epochs once, as without it.",
)
@pytest.mark.parametrize("years", [-1, 0, 1])
def test_time_of_an_interrupted_execution_counts(run, measured, sets, years):
    path = run.folder / "history.csv"
    path.write_text("epoch,seconds\n1,1000\n2,2000\n")
    again = begin()
    path.write_text("epoch,seconds\n1,1000\n2,2000\n3,4000\n")  # the third takes no time here
    then = again.started.timestamp() + years * 365 * 86_400
    records.os.utime(path, (then, then))
    assert 3000 <= records.write(again, measured, sets[1], sets[0])["wall_s"] < 3100
    assert 0 <= records.write(run, measured, sets[1], sets[0])["wall_s"] < 100, "all are its own"


def test_rows_of_a_record(run, measured, sets):
    rows = records.rows(records.write(run, measured, sets[1], sets[0], sees="class"))
    assert records.RESULT_COLUMNS == RESULTS
    assert all(list(row) == RESULTS for row in rows)
    by_metric = {row["metric"]: row for row in rows}
    assert set(METRICS) <= set(by_metric) and len(by_metric) == len(rows)
    psnr = by_metric["psnr"]
    assert psnr["unit"] == "dB" and psnr["value"] == measured.metrics["psnr"]["value"]
    assert (psnr["train_n"], psnr["sees"], psnr["extractor"]) == (12, "class", "none")


def write_system(folder, *, system, variant="default", mse, features, test):
    """A finished run whose images all have the same error."""
    folder.mkdir()
    table = {"id": test.ids, "mse_rgb": mse, "chroma_truth": range(len(test))}
    pd.DataFrame(table).to_csv(folder / "images.csv", index=False)
    np.save(folder / "features.npy", features)
    record = dict.fromkeys(("profile", "dataset", "extractor", "started", "finished"), "")
    record |= {"system": system, "variant": variant, "seed": 0, "metrics": {}, "history": None}
    record |= {"parameters": {"size": 32, "train_n": 12, "sees": "l"}, "wall_s": 1.0}
    record |= {"environment": {"device": ""}, "data_sha256": {"train": "", "test": ""}}
    (folder / "metrics.json").write_text(json.dumps(record | {"peak_memory_mb": 1}))
    return folder


def test_pairs_have_known_differences(tmp_path, sets):
    test = sets[1]
    truth = records.truth_features(test)
    a = [
        write_system(tmp_path / f"a{i}", system="gan", mse=mse, features=truth, test=test)
        for i, mse in enumerate((0.2, 0.4))
    ]
    b = [
        write_system(
            tmp_path / "b", system="x", variant="y", mse=0.1, features=truth + 1, test=test
        )
    ]
    row = records.pair(a, b, "mse_rgb", test)
    assert list(row) == PAIRS == records.PAIR_COLUMNS
    assert (row["a"], row["b"], row["dataset"]) == ("gan/default", "x/y", "scenes")
    assert row["difference"] == pytest.approx(0.2) and (row["n"], row["seeds"]) == (12, 1)
    assert row["low"] == pytest.approx(0.1) and row["high"] == pytest.approx(0.3)

    back = records.pair(b, a, "mse_rgb", test)
    assert back["difference"] == pytest.approx(-0.2)
    same = records.pair(b, b, "mse_rgb", test)
    assert same["difference"] == same["low"] == same["high"] == 0

    row = records.pair(a, b, "kid", test)
    assert set(row) == set(PAIRS) and (row["n"], row["seeds"]) == (12, 1)
    assert row["difference"] < row["high"] < 0, "the truth's own features are closer to it"

    row = records.pair(a, b, "c2st", test)
    assert set(row) == set(PAIRS) and (row["n"], row["seeds"]) == (12, 1)
    equal, moved = (realism.c2st(truth, [x])["value"] for x in (truth, truth + 1))
    assert row["difference"] == pytest.approx(equal - moved)
    assert row["low"] <= row["high"] < 0, "what is the truth's cannot be told from it"


def test_a_ratio_of_painted_pictures_is_that_of_their_records(run, sets):
    train, test = sets
    made = {"gan/a": [gray(test.images)], "gan/b": [test.images.flip(3)]}
    folders = {}
    for name, (pictures,) in made.items():
        records.write(run, records.measure(pictures, test, train), test, train, variant=name)
        folders[name] = [records.place(run, test, name, 0)]
    found = records.kid_ratio_painted(*made.values(), test)
    of_records = records.kid_ratio(*folders.values(), test)
    for key in ("value", "low", "high"):
        assert found[key] == pytest.approx(of_records[key], rel=1e-4)
    smaller = painted.as_jpeg(made)
    assert list(smaller) == list(made)
    assert torch.equal(smaller["gan/b"][0], cifar10_jpeg.compressed(test.images.flip(3)))
    assert records.kid_ratio_painted(*smaller.values(), test)["value"] != found["value"]


def test_each_profile_keeps_its_own_pairs():
    """Profile `full` has measured systems of `cpu` too: the joint file has these of `cpu` alone."""
    same = {"a": "gan/default", "b": "gan/l1_only", "dataset": "cifar10", "metric": "kid"}

    def found(path):
        table = pd.read_csv(RESULTS_FOLDER / path)
        (row,) = table[(table[list(same)] == pd.Series(same)).all(axis=1)]["difference"]
        return row

    of_chapter = found("full/19_protocol/default/seed0/tables/pairs.csv")
    assert found("full/pairs.csv") == of_chapter != found("pairs.csv") == found("cpu/pairs.csv")


@pytest.mark.fault(
    "setting",
    "Two systems are compared that were measured on other pictures.",
    "It is refused in one sentence.",
)
def test_pairs_of_other_images_are_refused(tmp_path, sets):
    test = sets[1]
    features = np.zeros((12, 4))
    a = write_system(tmp_path / "a", system="a", mse=0.2, features=features, test=test)
    fewer = test.subset(range(11))
    b = write_system(tmp_path / "b", system="b", mse=0.1, features=features, test=fewer)
    with pytest.raises(ColornbError, match="not measured on the same images"):
        records.pair([a], [b], "mse_rgb", test)


# Publishing


@pytest.fixture
def published(root, measured, sets, monkeypatch):
    """A published study of one run; gives the folder of the book."""
    train, test = sets
    monkeypatch.setattr(publish, "planned", lambda profile: {"13_comparison": [("default", 0)]})
    monkeypatch.setattr(records, "planned", publish.planned)

    def write_chapters(profile, target, chapters):
        assert list(chapters) == ["13_comparison"]
        target.mkdir(exist_ok=True)
        (target / "13_comparison.ipynb").write_text("{}")

    monkeypatch.setattr(publish, "write_chapters", write_chapters)
    monkeypatch.setattr(publish, "published_profile", lambda: "smoke")
    executed = root / "runs" / "smoke" / "13_comparison" / "default" / "seed0" / "chapter.ipynb"
    monkeypatch.setattr(publish, "executed", lambda *run: executed)
    run = begin("13_comparison")
    executed.touch()
    larger = replace(test, images=test.images.repeat(1, 1, 2, 2))
    for images, variant in ((test, "gray"), (larger, "mean_ab")):
        records.write(run, measured, images, train, variant=variant)
    pair = {"a": "x", "b": "y", "dataset": "scenes", "metric": "kid"}
    pair |= dict.fromkeys(PAIRS[4:], 1) | {"more": 0}
    records.write_table(run, "pairs", pd.DataFrame([pair]))
    said = publish.publish("smoke")
    assert said == "2 records of profile smoke and its chapters are in book/."
    return root / "book"


def test_publish_joins_the_records(published):
    results = pd.read_csv(published / "results" / "results.csv")
    assert list(results) == RESULTS
    assert set(METRICS) <= set(results["metric"])
    assert set(results["variant"]) == {"gray", "mean_ab"}
    assert not results.duplicated([c for c in RESULTS if c not in ("value", "low", "high")]).any()
    assert list(pd.read_csv(published / "results" / "pairs.csv")) == PAIRS
    of_profile = (published / "results" / "smoke" / "pairs.csv").read_text()
    assert of_profile == (published / "results" / "pairs.csv").read_text()
    folder = published / "results" / "smoke" / "13_comparison" / "default" / "seed0" / "records"
    kept = sorted(path.name for path in (folder / "scenes-64" / "mean_ab" / "seed0").iterdir())
    assert kept == ["images.csv", "metrics.json"]
    assert (folder.parent / "tables" / "pairs.csv").exists()


def test_published_results_verify_also_when_published_again(published):
    names = json.loads((published / "results" / "manifest.json").read_text())
    assert publish.verify() == len(names) == 9
    assert "chapters/13_comparison.ipynb" in names and "results/results.csv" in names
    publish.publish("smoke")
    assert json.loads((published / "results" / "manifest.json").read_text()) == names
    assert publish.verify() == 9


def test_a_chapter_alone_takes_the_place_of_what_was_published_of_it(published, root):
    """Neither another chapter nor the same one of another profile goes."""
    results, chapter = published / "results", "13_comparison"
    shutil.rmtree(next((root / "runs" / "smoke" / chapter).rglob("scenes-64")))
    for other, was in (("smoke/02_koalarization", "koalarization"), (f"cpu/{chapter}", "gan")):
        shutil.copytree(results / "smoke" / chapter, results / other)
        for path in (results / other).rglob("metrics.json"):
            path.write_text(path.read_text().replace('"baseline"', f'"{was}"'))
    (published / "chapters" / "02_koalarization.ipynb").write_text("{}")
    said = publish.publish("smoke", [chapter, chapter])
    assert said == f"1 records of profile smoke and {chapter} are in book/."
    found = pd.read_csv(results / "results.csv").groupby("system")["variant"].unique()
    assert {k: sorted(v) for k, v in found.items()} == {
        "baseline": ["gray"],
        "gan": ["gray", "mean_ab"],
        "koalarization": ["gray", "mean_ab"],
    }
    names = json.loads((results / "manifest.json").read_text())
    assert publish.verify() == len(names) and "chapters/02_koalarization.ipynb" in names


def test_a_chapter_that_there_is_not_is_not_published(published):
    with pytest.raises(ColornbError, match="no chapter '99_more'; there are: 13_comparison"):
        publish.publish("smoke", ["99_more"])


@pytest.mark.fault(
    "setting",
    "A single chapter of another profile than the book shows is published.",
    "It is refused in one sentence.",
)
def test_a_chapter_of_another_profile_is_not_published(published, monkeypatch):
    monkeypatch.setattr(publish, "published_profile", lambda: "cpu")
    with pytest.raises(
        ColornbError, match="shows 13_comparison of profile cpu: publish that, or all of"
    ):
        publish.publish("smoke", ["13_comparison"])
    assert publish.verify() == 9


def test_a_chapter_that_the_book_shows_of_another_profile_comes_with_what_it_needs(
    published, root, monkeypatch
):
    """And stays when the book's own profile is published again."""
    pairs = (published / "results" / "pairs.csv").read_text()
    for path in (root / "runs" / "smoke" / "13_comparison").rglob("metrics.json"):
        path.write_text(path.read_text().replace('"profile": "smoke"', '"profile": "full"'))
    shutil.copytree(root / "runs" / "smoke" / "13_comparison", root / "runs" / "full" / "03_gan")
    ours, theirs = {"13_comparison": [("default", 0)]}, {"03_gan": [("default", 0)], "19": []}
    plans = {"smoke": ours | {"19": [("default", 0)]}, "full": theirs | {"19": [("default", 0)]}}
    monkeypatch.setattr(publish, "planned", plans.get)
    monkeypatch.setattr(records, "planned", plans.get)
    monkeypatch.setattr(records, "sets", lambda profile: {("scenes", 32), ("scenes", 64)})
    shown = {"19": "full"}
    monkeypatch.setattr(publish, "in_book", lambda name, usual: shown.get(name, usual))
    monkeypatch.setattr(publish, "needed", lambda name: ["03_gan"] if name == "19" else [])

    def write_chapters(profile, target, chapters):
        for name in chapters:
            (target / f"{name}.ipynb").write_text(f'"{profile}"')

    monkeypatch.setattr(publish, "write_chapters", write_chapters)
    with pytest.raises(
        ColornbError, match="shows 03_gan of profile smoke: publish that, or all of full"
    ):
        publish.publish("full", ["03_gan"])
    assert publish.publish("full", ["19"]) == "2 records of profile full and 19 are in book/."
    assert (published / "chapters" / "19.ipynb").read_text() == '"full"'
    assert not (published / "chapters" / "03_gan.ipynb").exists()
    found = pd.read_csv(published / "results" / "results.csv")
    assert set(found["profile"]) == {"smoke", "full"}
    assert (published / "results" / "pairs.csv").read_text() == pairs
    before = publish.verify()
    publish.publish("smoke")
    assert (published / "chapters" / "19.ipynb").read_text() == '"full"'
    assert publish.verify() == before
    # Of what it needs, records that are not on this machine stay.
    needed = root / "runs" / "full" / "03_gan"
    shutil.rmtree(next(needed.rglob("scenes-64")))
    assert publish.publish("full", ["19"]) == "1 records of profile full and 19 are in book/."
    assert publish.verify() == before
    shutil.rmtree(needed)
    assert publish.publish("full", ["19"]) == "0 records of profile full and 19 are in book/."
    assert publish.verify() == before


def test_a_kill_after_the_last_step_leaves_what_is_new(published, root, monkeypatch):
    """All is in its place, and only what was there before is still to be removed."""

    def killed(folder, **_):
        if folder.name == ".published" and folder.exists():
            raise KeyboardInterrupt

    shutil.rmtree(next((root / "runs" / "smoke").rglob("scenes-64")))
    with monkeypatch.context() as dying:
        dying.setattr(publish.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            publish.publish("smoke")
    assert publish.verify() == 7 and (published / ".published").exists()
    publish.publish("smoke")
    assert publish.verify() == 7 and not (published / ".published").exists()


@pytest.mark.fault(
    "kill",
    "Publishing stops half-way.",
    "What was published before still verifies, and no part of the new stays.",
)
def test_a_failure_leaves_what_was_published(published, monkeypatch):
    def fail(profile, target, chapters):
        raise OSError("No space left on device")

    monkeypatch.setattr(publish, "write_chapters", fail)
    with pytest.raises(ColornbError, match="No space left.*what was published before is kept"):
        publish.publish("smoke")
    with pytest.raises(ColornbError, match="what was published before is kept"):
        publish.publish("smoke", ["13_comparison"])
    assert publish.verify() == 9 and not (published / ".publishing").exists()


def test_a_failure_at_the_end_leaves_the_picture_of_the_first_page(published, monkeypatch):
    picture, write_chapters = published / "_static" / "result.jpg", publish.write_chapters
    picture.parent.mkdir(exist_ok=True)
    picture.write_text("former")
    (published.parent / "README.md").write_text("")

    def with_picture(profile, target, chapters):
        write_chapters(profile, target, chapters)
        (target.parent / "_static" / "result.jpg").write_text("new")

    replace = Path.replace

    def closed(ready, place):
        if place.name == "README.md":
            raise PermissionError("Permission denied")
        return replace(ready, place)

    monkeypatch.setattr(publish, "write_chapters", with_picture)
    monkeypatch.setattr(publish, "with_headline", lambda text, shown: text)
    with monkeypatch.context() as at_the_end:
        at_the_end.setattr(Path, "replace", closed)
        with pytest.raises(ColornbError, match="what was published before is kept"):
            publish.publish("smoke")
    assert picture.read_text() == "former" and publish.verify() == 9
    publish.publish("smoke")
    assert picture.read_text() == "new"


@pytest.mark.fault(
    "hostile",
    "Published files are changed, removed or added.",
    "`colornb results verify` names each in one sentence.",
)
def test_what_is_not_as_published_is_told(published):
    with (published / "results" / "results.csv").open("a") as file:
        file.write("gan,default\n")
    (published / "results" / "pairs.csv").unlink()
    (published / "chapters" / "99_more.ipynb").touch()
    with pytest.raises(ColornbError) as raised:
        publish.verify()
    assert str(raised.value) == (
        "The published results are not as the manifest says: "
        "chapters/99_more.ipynb is not in the manifest; results/pairs.csv is missing; "
        "results/results.csv has changed."
    )


@pytest.mark.fault(
    "kill",
    "The manifest of the published results is torn or missing.",
    "One sentence says so.",
)
def test_a_missing_or_damaged_manifest_is_told(published):
    publish.MANIFEST.write_text('{"results')
    with pytest.raises(ColornbError, match="manifest.json is damaged"):
        publish.verify()
    publish.MANIFEST.unlink()
    with pytest.raises(ColornbError, match="no manifest .*nothing has been published"):
        publish.verify()


@pytest.mark.fault(
    "setting",
    "Results are published before all runs are finished.",
    "It is refused in one sentence that counts them; the book stays as it is.",
)
def test_unfinished_runs_are_not_published(root):
    with pytest.raises(ColornbError, match="30 runs are not finished, .*make study PROFILE=smoke"):
        publish.publish("smoke")
    assert not list((root / "book").iterdir())


def test_committed_results_are_as_their_manifest_says():
    if not publish.MANIFEST.exists():
        pytest.skip("nothing has been published yet: book/results has no manifest")
    assert publish.verify() > 0
    results = pd.read_csv(publish.RESULTS / "results.csv")
    assert list(results) == RESULTS and results[["value", "low", "high"]].notna().all(axis=None)
    assert np.isfinite(results["value"]).all() and not results["n"].map(math.isnan).any()
    assert list(pd.read_csv(publish.RESULTS / "pairs.csv")) == PAIRS
