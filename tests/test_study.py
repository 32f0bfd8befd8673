"""Which parameters a run has, and in which folder it is."""

import pytest
import yaml

from colornb import study
from colornb.errors import ColornbError

STUDY = {
    "profiles": {
        "smoke": {"sets": {"small": {"dataset": "scenes", "size": 32, "train_n": 5, "test_n": 3}}},
        "full": {"sets": {"small": {"dataset": "scenes", "size": 48}}},
    },
    "chapters": {
        "01_data": {"system": "baseline", "sets": ["small"], "parameters": {}},
        "03_gan": {
            "system": "gan",
            "sets": ["small"],
            "parameters": {"epochs": 100, "width": 1.0, "flip": False, "name": "a", "rate": 1.0},
            "profiles": {"smoke": {"epochs": 2, "width": 0.5, "rate": 0.1}},
            "variants": {"default": {}, "narrow": {"width": 0.25, "rate": 0.2}},
            "runs": {"smoke": {"default": [0, 1], "narrow": [0]}},
        },
    },
}


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """A repository that holds nothing but a small study."""
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    monkeypatch.setattr(study, "ROOT", tmp_path)
    monkeypatch.setattr(study, "RUNS", tmp_path / "runs")
    return tmp_path


def begin(chapter="03_gan", **given):
    """As a notebook does: its parameters are None unless they are given."""
    usual = dict.fromkeys(STUDY["chapters"]["03_gan"]["parameters"])
    common = {"profile": "smoke", "seed": 0, "variant": "default"}
    return study.begin(chapter, usual | common | given)


def test_parameters_come_from_chapter_profile_variant_and_hand_in_this_order():
    run = begin(profile="full")
    assert run.parameters == STUDY["chapters"]["03_gan"]["parameters"]
    assert begin().parameters == run.parameters | {"epochs": 2, "width": 0.5, "rate": 0.1}
    narrow = {"epochs": 2, "width": 0.25, "rate": 0.2}
    assert begin(variant="narrow").parameters == run.parameters | narrow
    by_hand = begin(variant="narrow", rate=0.3, flip=True).parameters
    assert by_hand == run.parameters | narrow | {"rate": 0.3, "flip": True}


def test_the_book_shows_of_a_chapter_the_profile_that_it_names(root):
    more = {"book": "full", "needs": ["03_gan"]}
    chapters = STUDY["chapters"] | {"19_protocol": STUDY["chapters"]["01_data"] | more}
    chapters["03_gan"] = chapters["03_gan"] | {"needs": ["01_data"]}
    (root / "study.yaml").write_text(yaml.safe_dump(STUDY | {"chapters": chapters}))
    assert study.in_book("19_protocol", "smoke") == "full"
    assert study.in_book("03_gan", "smoke") == study.in_book("no chapter", "smoke") == "smoke"
    assert study.needed("19_protocol") == ["01_data", "03_gan"]
    chapters["19_protocol"]["book"] = "huge"
    (root / "study.yaml").write_text(yaml.safe_dump(STUDY | {"chapters": chapters}))
    with pytest.raises(ColornbError, match="19_protocol.book names 'huge'; there are: full"):
        study.read()


def test_a_run_knows_its_chapter_and_its_folder(root):
    run = begin(seed=1, variant="narrow")
    assert (run.chapter, run.system, run.profile, run.seed) == ("03_gan", "gan", "smoke", 1)
    assert run.folder == root / "runs" / "smoke" / "03_gan" / "narrow" / "seed1"
    assert run.folder.is_dir()


@pytest.mark.fault(
    "setting",
    "A parameter whose text would lead out of the folder of runs.",
    "The run's folder stays inside.",
)
def test_a_run_by_hand_has_its_own_folder(root):
    run = begin(epochs=5)
    assert run.variant == "default+epochs=5"
    assert run.folder == root / "runs" / "smoke" / "03_gan" / "default+epochs=5" / "seed0"
    assert begin(epochs=5, flip=True).variant == "default+epochs=5+flip=True"
    assert begin(name="../b c").variant == "default+name=.._b_c", "never leaves its folder"
    assert begin(epochs=2).variant == "default", "as it would be anyway"


def test_whole_numbers_may_stand_for_others_but_not_the_reverse():
    rate = begin(rate=2).parameters["rate"]
    assert rate == 2.0 and isinstance(rate, float)
    with pytest.raises(ColornbError, match="epochs must be int, like 2, not 2.5"):
        begin(epochs=2.5)


@pytest.mark.fault(
    "setting",
    "A profile or a variant that there is not, or a parameter of another type.",
    "One sentence names what there is; no folder is made.",
)
@pytest.mark.parametrize(
    "given, told",
    [
        ({"profile": "big"}, "no profile 'big'; there are: smoke, full"),
        ({"variant": "wide"}, "no variant of 03_gan 'wide'; there are: default, narrow"),
        ({"epochs": "many"}, "epochs must be int, like 2, not 'many'"),
        ({"epochs": True}, "epochs must be int, like 2, not True"),
        ({"flip": 1}, "flip must be bool, like False, not 1"),
        ({"rate": True}, "rate must be float, like 0.1, not True"),
        ({"seed": "0"}, "seed must be int, not '0'"),
        ({"seed": True}, "seed must be int, not True"),
        ({"profile": 3}, "profile must be str, not 3"),
    ],
)
def test_what_is_wrong_is_told_and_leaves_no_folder(root, given, told):
    with pytest.raises(ColornbError, match=told):
        begin(**given)
    assert not (root / "runs").exists()


@pytest.mark.fault(
    "setting",
    "A misspelt parameter, given to papermill.",
    "One sentence names the chapter's parameters, instead of a run that ignores it.",
)
def test_an_unknown_parameter_of_papermill_is_refused():
    cells = ["", "epochs = None", '# Parameters\nprofile = "smoke"\nepoch = 3\n']
    with pytest.raises(ColornbError, match="no parameter 'epoch' in 03_gan; there are: profile, "):
        begin(In=cells, epoch=3)
    assert begin(In=[*cells[:2], "# Parameters\nepochs = 3\n"], epochs=3).parameters["epochs"] == 3
    assert begin(In=["", "helper = 1"], helper=1).variant == "default", "a notebook's own name"


@pytest.mark.fault(
    "setting",
    "A chapter that there is not.",
    "One sentence names those that there are.",
)
def test_an_unknown_chapter_is_refused():
    with pytest.raises(ColornbError, match="no chapter '99_end'; there are: 01_data, 03_gan"):
        begin("99_end")


def test_planned():
    assert study.planned("smoke") == {
        "01_data": [("default", 0)],
        "03_gan": [("default", 0), ("default", 1), ("narrow", 0)],
    }
    assert study.planned("full") == {"01_data": [("default", 0)], "03_gan": []}
    with pytest.raises(ColornbError, match="no profile 'big'"):
        study.planned("big")


def test_load_gives_the_profile_s_pictures():
    train, test = begin().load("train"), begin().load("test", "small")
    assert (len(train), len(test)) == (5, 3) and train.images.shape[-1] == 32
    assert (train.split, test.split) == ("train", "test")


@pytest.mark.fault(
    "setting",
    "A notebook that needs another run which is not finished.",
    "One sentence names the run and the command that makes it.",
)
def test_another_run_has_to_be_finished(root):
    run = begin()
    with pytest.raises(ColornbError, match="no finished run in .*narrow/seed2: run `make study PR"):
        run.of("03_gan", "narrow", 2)
    record = root / "runs" / "smoke" / "01_data" / "default" / "seed0" / "records" / "metrics.json"
    record.parent.mkdir(parents=True)
    record.touch()
    assert run.of("01_data") == record.parent.parent
