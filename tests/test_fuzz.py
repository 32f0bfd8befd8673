"""Whatever a file or a command line says, it is read right or refused in one sentence."""

import hashlib
import json
import shutil
from copy import deepcopy

import hostile
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from test_study import STUDY

from colornb import datasets, models, paths, publish, records, study
from colornb.errors import ColornbError
from colornb.images import read_image

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")  # as the package does

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
"""Whatever JSON can say."""


@st.composite
def changed(draw, whole):
    """The same but for one place, which is gone, has another name, or is anything."""
    whole = deepcopy(whole)
    part, places = whole, []
    while isinstance(part, dict | list) and part:
        key = draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
        places.append((part, key))
        part = part[key]
    part, key = draw(st.sampled_from(places))
    former = part.pop(key)
    match draw(st.sampled_from(["gone", "renamed", "other"])), part:
        case "renamed", dict():
            part[draw(st.text(max_size=9))] = former
        case "other", dict():
            part[key] = draw(ANYTHING)
        case "other", list():
            part.insert(key, draw(ANYTHING))
    return whole


@st.composite
def misspelt(draw, text):
    """A text of which a few characters are gone, others, or there twice."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 4))
        text = text[:start] + draw(st.text(max_size=3) | st.just(text[start:end] * 2)) + text[end:]
    return text


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """Everything happens in this folder: no run, result or data set of the study is touched."""
    folder = tmp_path_factory.mktemp("anything")
    book = folder / "book"
    (book / "results").mkdir(parents=True)
    (book / "results" / "results.csv").write_text("system\n")
    (folder / "empty").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for module, names in {
            study: {"RUNS": folder / "runs"},
            publish: {
                "RUNS": folder / "runs",
                "RESULTS": book / "results",
                "CHAPTERS": book / "chapters",
                "MANIFEST": book / "results" / "manifest.json",
            },
            datasets: {"RECORDS_USED": 3, "CIFAR10_URL": "http://127.0.0.1:9/cifar-10.tar.gz"},
        }.items():
            for name, value in names.items():
                patch.setattr(module, name, value)
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("COLORNB_DATA", str(folder / "empty"))
        yield folder


def refused(error, name):
    """Its sentence is one line and names the file."""
    assert name in str(error) and str(error).isprintable() and str(error).endswith(".")


# Pictures and data sets


@pytest.mark.fault(
    "anything",
    "Any bytes behind the first ones of each format of pictures.",
    "A picture, or one sentence that names the file.",
)
@settings(max_examples=200)
@given(
    start=st.sampled_from([data[:size] for data in hostile.WHOLE.values() for size in (0, 4, 30)]),
    rest=st.binary(max_size=200),
)
def test_any_bytes_as_a_picture(folder, start, rest):
    path = folder / "picture"
    path.write_bytes(start + rest)
    try:
        image = read_image(path)
    except ColornbError as error:
        refused(error, "picture")
    else:
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3


@st.composite
def batches(draw):
    """Bytes of a batch file of CIFAR-10, nearly."""
    labels = draw(st.lists(st.integers(0, 10), max_size=5))
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    file = dice.integers(0, 256, (len(labels), datasets.RECORD), np.uint8)
    file[:, 0] = labels
    cut = draw(st.sampled_from([0, 0, 1, datasets.RECORD - 1]))
    return file.tobytes()[cut:] + draw(st.just(b"") | st.binary(max_size=9))


@pytest.mark.fault(
    "anything",
    "Any bytes in a batch file of CIFAR-10.",
    "Its first records as they stand there, or one sentence that names the file and the remedy.",
)
@given(data=batches() | st.binary(max_size=99))
def test_any_bytes_as_cifar10(folder, data):
    path = folder / "data" / "cifar-10-batches-bin" / "test_batch.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    whole = len(data) % datasets.RECORD == 0 and len(data) >= 3 * datasets.RECORD
    labels = data[: 3 * datasets.RECORD : datasets.RECORD]
    try:
        found = datasets.load("cifar10", "test", root=folder / "data")
    except ColornbError as error:
        refused(error, "test_batch.bin")
        assert "colornb data fetch cifar10" in str(error)
        assert not whole or max(labels) > 9
    else:
        assert whole and bytes(found.labels.tolist()) == labels
        for record, image in enumerate(found.images.numpy()):
            place = record * datasets.RECORD + 1
            assert image.tobytes() == data[place : place + datasets.RECORD - 1]


# Records and the manifest

RECORD = json.loads(min(paths.RESULTS.rglob("metrics.json")).read_text(encoding="utf8"))


def read_record(folder, data):
    """What is read can be used; what cannot be used is not read."""
    (folder / "metrics.json").write_bytes(data)
    try:
        record = records.read(folder)
    except ColornbError as error:
        refused(error, "metrics.json")
        return False
    frame = pd.DataFrame(records.rows(record), columns=records.RESULT_COLUMNS)
    assert len(frame) == len(record["metrics"])
    frame[["value", "low", "high"]].astype(float)
    assert records.under(folder) == {f"{record['system']}/{record['variant']}": [folder]}
    return True


def test_a_published_record_is_read(folder):
    (folder / "record").mkdir()
    assert read_record(folder / "record", json.dumps(RECORD).encode())


@pytest.mark.fault(
    "anything",
    "Any bytes or any JSON in a run's record.",
    "One sentence names the file and says to run the notebook again.",
)
@given(data=st.binary(max_size=99) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_any_record(folder, data):
    (folder / "record").mkdir(exist_ok=True)
    assert not read_record(folder / "record", data)


@pytest.mark.fault(
    "anything",
    "A record of which one place is gone, has another name, or is anything.",
    "It is read if that place does not matter; else one sentence names the file and the place.",
)
@settings(max_examples=200)
@given(record=changed(RECORD))
def test_a_record_changed_in_one_place(folder, record):
    (folder / "record").mkdir(exist_ok=True)
    read_record(folder / "record", json.dumps(record).encode())


@pytest.mark.fault(
    "anything",
    "Any bytes or any JSON in the manifest of the published results.",
    "One sentence says to publish again, or which files are not as the manifest says.",
)
@given(
    data=st.binary(max_size=99)
    | ANYTHING.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.just("results/results.csv"), ANYTHING, min_size=1).map(
        lambda sums: json.dumps(sums).encode()
    )
)
def test_any_manifest(folder, data):
    publish.MANIFEST.write_bytes(data)
    with pytest.raises(ColornbError, match="damaged: publish again|are not as the manifest says"):
        publish.verify()


def test_the_right_manifest_is_accepted(folder):
    digest = hashlib.sha256(b"system\n").hexdigest()
    publish.MANIFEST.write_text(json.dumps({"results/results.csv": digest}))
    assert publish.verify() == 1


# The study


def read_study(folder, text, monkeypatch):
    """Everything that a study plans can be looked up; what cannot is refused at once."""
    (folder / "study.yaml").write_text(text, encoding="utf8", errors="surrogatepass")
    monkeypatch.setattr(study, "ROOT", folder)
    try:
        found = study.read()
    except ColornbError as error:
        refused(error, "study.yaml")
        return False
    for profile in found["profiles"]:
        assert study.sets(profile) is not None
        assert study.planned(profile).keys() == found["chapters"].keys()
        for chapter, options in found["chapters"].items():
            for variant in options.get("variants", ["default"]):
                given = study.parameters(chapter, profile, variant)
                assert given.keys() == options["parameters"].keys()
            assert set(options["sets"]) <= set(found["profiles"][profile]["sets"])
    return True


def test_the_study_itself_is_read(folder, monkeypatch):
    text = (paths.ROOT / "study.yaml").read_text(encoding="utf8")
    monkeypatch.setattr(study, "ROOT", paths.ROOT)
    assert study.read() == yaml.safe_load(text)


@pytest.mark.fault(
    "anything",
    "Any text as study.yaml.",
    "One sentence names the file and the place.",
)
@given(text=st.text() | ANYTHING.map(yaml.safe_dump))
def test_any_text_as_the_study(folder, text):
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert not read_study(folder, text, monkeypatch)


@pytest.mark.fault(
    "anything",
    "A study.yaml of which a few characters are gone, others, or there twice.",
    "It is read if it still makes sense; else one sentence names the file and the place.",
)
@given(text=misspelt(yaml.safe_dump(STUDY, sort_keys=False)))
def test_a_misspelt_study(folder, text):
    with pytest.MonkeyPatch.context() as monkeypatch:
        read_study(folder, text, monkeypatch)


@pytest.mark.fault(
    "anything",
    "A study.yaml of which one entry is gone, has another name, or is anything.",
    "It is read if it still makes sense; else one sentence names the file and the entry.",
)
@settings(max_examples=200)
@given(whole=changed(STUDY))
def test_a_study_changed_in_one_place(folder, whole):
    with pytest.MonkeyPatch.context() as monkeypatch:
        read_study(folder, yaml.safe_dump(whole), monkeypatch)


@pytest.mark.fault(
    "setting",
    "A wrong entry of study.yaml: misspelt, missing, of another type, or naming what there is not.",
    "One sentence names the entry.",
)
@pytest.mark.parametrize(
    "place, value, told",
    [
        ("chapters", None, "it lacks 'chapters'"),
        ("profiles", [], "profiles must be a mapping, not list"),
        ("profiles.smoke.sets.small.size", "32", "profiles.smoke.sets.small.size must be a whole"),
        ("profiles.smoke.sets.small.sise", 32, "profiles.smoke.sets.small has 'sise', but may"),
        ("chapters.03_gan.system", 3, "chapters.03_gan.system must be text, not int"),
        ("chapters.03_gan.sets", ["large"], "chapters.03_gan.sets names 'large'; there are: small"),
        ("chapters.03_gan.sets", [], "chapters.03_gan.sets is empty"),
        ("chapters.03_gan.needs", ["02"], "chapters.03_gan.needs names '02'; there are: 01_data"),
        ("chapters.03_gan.runs.big", {}, "03_gan.runs names 'big'; there are: smoke, full"),
        ("chapters.03_gan.runs.full", {"wide": [0]}, "03_gan.runs.full names 'wide'; there are"),
        ("chapters.03_gan.runs.smoke.narrow", [-1], "runs.smoke.narrow must be a whole number"),
        ("chapters.03_gan.variants.narrow.widht", 1.0, "variants.narrow names 'widht'; there"),
        ("chapters.03_gan.variants.narrow.width", "1e-3", "narrow.width must be float, not str"),
        ("chapters.03_gan.variants", {"../x": {}}, "03_gan.variants has a name that is not of let"),
    ],
)
def test_a_wrong_entry_of_the_study(place, value, told, folder, monkeypatch):
    whole = part = deepcopy(STUDY)
    *names, last = place.split(".")
    for name in names:
        part = part[name]
    part[last] = value
    if value is None:
        del part[last]
    (folder / "study.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
    monkeypatch.setattr(study, "ROOT", folder)
    with pytest.raises(ColornbError) as error:
        study.planned("smoke")
    refused(error.value, "study.yaml")
    assert told in str(error.value)


# The command line

COMMANDS = [
    [], ["colorize"], ["data"], ["data", "fetch"], ["data", "check"],
    ["results"], ["results", "verify"], ["results", "publish"], ["results", "ship"],
]  # fmt: skip
WORDS = (
    "colorize data results fetch check verify publish cifar10 cats_dogs smoke sample cpu "
    "--model --output -o --samples --temperature --caption --reference --help -- - -x .. "
    "weights.safetensors bins.safetensors good.png bad.png out none 0 1 2 -1 0.5 nan inf 1e-9 red"
).split()
TEXT = st.text(st.characters(exclude_characters="/\0", exclude_categories=[]), max_size=300)
PHOTOS = st.lists(st.sampled_from(["good.png", "bad.png", "none.png", "out", "."]), max_size=3)
SENSIBLE = {"--samples": "2", "--temperature": "0.5", "--caption": "", "--reference": "good.png"}
WISHES = st.lists(
    st.sampled_from([*SENSIBLE.items()])
    | st.tuples(st.sampled_from([*SENSIBLE]), st.sampled_from(WORDS) | TEXT),
    max_size=2,
)
MODELS = st.sampled_from(["weights.safetensors", "bins.safetensors", "bad.png", "none"])
OUTPUTS = st.sampled_from(["out", "bad.png"]) | TEXT


@pytest.fixture(scope="module")
def desk(folder):
    """A folder, deep in another, with what the command line may name."""
    desk = folder / "desk" / "drawer" / "box"
    desk.mkdir(parents=True)
    torch.manual_seed(0)
    for name, options in (("weights", {}), ("bins", {"head": "bins"})):
        model = models.create_model("unet", width=0.125, **options)
        models.save_weights(model, desk / f"{name}.safetensors")
    (desk / "good.png").write_bytes(hostile.WHOLE["png"])
    (desk / "bad.png").write_bytes(hostile.WHOLE["png"][:90])
    return desk


def survives(desk, arguments):
    """It ends with 0, 1 or 2, says why, and writes nothing outside the folder."""
    outside = {path: path.stat().st_mtime_ns for path in desk.parent.parent.parent.iterdir()}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(desk)
        code, said, errors = hostile.command(*arguments)
    assert code in (0, 1, 2) and "Traceback" not in said + errors
    assert not code or said + errors, "a failure says why"
    now = {path: path.stat().st_mtime_ns for path in desk.parent.parent.parent.iterdir()}
    assert now == outside


@pytest.mark.fault(
    "anything",
    "Any words on the command line, known and unknown, in any order.",
    "The exit code is 0, 1 or 2, and there is no traceback.",
)
@settings(max_examples=200)
@given(
    command=st.sampled_from(COMMANDS),
    words=st.lists(st.sampled_from(WORDS) | TEXT, max_size=5),
)
def test_any_command_line(desk, command, words):
    survives(desk, [*command, *words])


@pytest.mark.fault(
    "anything",
    "`colornb colorize` with any files, any weights and any wishes.",
    "Whole pictures or sentences; the exit code is 0, 1 or 2, and there is no traceback.",
)
@settings(max_examples=150)
@given(photos=PHOTOS, model=MODELS, wishes=WISHES, output=OUTPUTS)
def test_any_wishes(desk, photos, model, wishes, output):
    wished = [word for wish in wishes for word in wish]
    survives(desk, ["colorize", *photos, "-o", output, "--model", model, *wished])
    for path in desk.parent.rglob("*-colorized*"):
        assert path.suffix == ".png" and read_image(path).shape == hostile.PICTURE.shape
    shutil.rmtree(desk / "out", ignore_errors=True)
