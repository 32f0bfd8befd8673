"""The files around the package agree with each other and name no machine."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from colornb import __version__
from colornb.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PYTHONS = ["3.11", "3.12", "3.13"]


def read_yaml(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf8"))


def locked(python):
    """Name -> version that requirements.lock pins for this Python on Linux."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    machine = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
    }
    chosen = [pin for pin in pins if pin.marker is None or pin.marker.evaluate(machine)]
    assert all(re.fullmatch(r"==[^*,]+", str(pin.specifier)) for pin in chosen)
    names = [canonicalize_name(pin.name) for pin in chosen]
    assert len(names) == len(set(names)), "a package is pinned twice"
    return {name: str(pin.specifier)[2:] for name, pin in zip(names, chosen, strict=True)}


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_pins_every_direct_dependency(python):
    pins = locked(python)
    for text in PROJECT["dependencies"] + sum(EXTRAS.values(), []):
        requirement = Requirement(text)
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{text} is locked to {version}"


def brought_by(requirements):
    """Names of the installed packages that these requirements bring, with all that those need."""
    waiting, found = [(Requirement(text), "") for text in requirements], set()
    while waiting:
        requirement, extra = waiting.pop()
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
        name = canonicalize_name(requirement.name)
        if not applies or (name, *requirement.extras) in found:
            continue
        found.add((name, *requirement.extras))
        needed = [Requirement(text) for text in metadata.requires(name) or ()]
        waiting += [(one, extra) for one in needed for extra in ("", *requirement.extras)]
    return {name for name, *_ in found}


def test_tests_import_what_the_extras_study_and_test_bring():
    """`make faults` installs these alone; what a test needs beyond them it imports by itself."""
    brought = brought_by(PROJECT["dependencies"] + EXTRAS["study"] + EXTRAS["test"])
    files = list((ROOT / "tests").glob("*.py"))
    known = {*sys.stdlib_module_names, PROJECT["name"], *(path.stem for path in files)}
    packages = metadata.packages_distributions()
    for path in files:
        for node in ast.parse(path.read_text(encoding="utf8")).body:
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            else:
                names = {node.module} if isinstance(node, ast.ImportFrom) else set()
            for name in {one.split(".")[0] for one in names} - known:
                of = {canonicalize_name(package) for package in packages.get(name, ())}
                assert of & brought, f"{path.name} imports {name}"


def test_environment_follows_pyproject():
    environment = read_yaml("environment.yml")
    python = next(d for d in environment["dependencies"] if str(d).startswith("python="))
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["requires-python"])
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert pip[0] == "-c requirements.lock"
    extras = re.fullmatch(r"-e \.\[(.+)\]", pip[1]).group(1)
    assert set(extras.split(",")) == set(EXTRAS)
    assert len(pip) == 2


def test_versions_agree():
    assert PROJECT["version"] == __version__ == read_yaml("CITATION.cff")["version"]
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf8")


def test_workflows_test_and_publish():
    tests, book = read_yaml(".github/workflows/tests.yml"), read_yaml(".github/workflows/book.yml")
    test = tests["jobs"]["test"]
    assert set(test["strategy"]["matrix"]["python"]) <= set(PYTHONS)
    assert "bash .ci/run" in [step.get("run") for step in test["steps"]]
    assert "make book archive" in [step.get("run") for step in book["jobs"]["build"]["steps"]]
    assert {"release", "deploy"} <= set(book["jobs"])
    assert book[True]["push"]["tags"], "yaml reads the key `on` as True"


def make(*arguments, cwd=ROOT):
    return subprocess.run(["make", *arguments], cwd=cwd, capture_output=True, text=True)


def test_make_lists_its_targets():
    listed = make().stdout
    for target in ("study", "test", "book", "archive", "lab", "clean"):
        assert f"make {target} " in listed


@pytest.mark.fault(
    "setting",
    "`make study DATA=` with a folder that is not there.",
    "One sentence names it.",
)
def test_make_refuses_a_missing_data_folder():
    done = make("-n", "study", "DATA=no/such/folder")
    assert done.returncode and "DATA=no/such/folder is not a folder" in done.stderr


@pytest.mark.fault(
    "setting",
    "A data folder given relative to here, or with a space in its name.",
    "It is passed on whole, as an absolute path.",
)
def test_make_passes_data_as_an_absolute_path(tmp_path):
    data = tmp_path / "my data"
    data.mkdir()
    shutil.copy(ROOT / "Makefile", tmp_path)
    probe = "include Makefile\nprobe:\n\t@echo $$COLORNB_DATA\n"
    (tmp_path / "probe.mk").write_text(probe)
    done = make("--no-print-directory", "-f", "probe.mk", "probe", "DATA=my data", cwd=tmp_path)
    assert done.stdout.strip() == str(data)


@pytest.mark.fault(
    "setting",
    "A Python that is too old, too new, or none.",
    "One sentence names the versions that do; nothing is installed.",
)
def test_make_refuses_another_python(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).touch()
    done = make("study", "PYTHON=false", cwd=tmp_path)
    assert done.returncode and "false is not Python 3.11, 3.12 or 3.13" in done.stdout
    assert not (tmp_path / ".venv").exists()


def test_no_file_names_a_machine():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    places = re.compile(
        r"(?<![\w.~])/(?:work|root|home|Users|tmp)/\w|pypi\.org|pythonhosted|npmjs\.org|deb\.debian"
    )
    pictures = re.compile(r'"image/(?:png|jpeg)": ".*"')
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path != ROOT / "tests" / "test_setup.py":
            text = pictures.sub("", path.read_text(encoding="utf8", errors="ignore"))
            found = places.search(text)
            assert not found, f"{name} names {found.group()}"
