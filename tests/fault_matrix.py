"""The list of faults: each test function with the marker `fault` is a row.

    @pytest.mark.fault("picture", "A truncated file.", "One sentence names it; the batch goes on.")

`python tests/fault_matrix.py` writes the rows as a page of the book, `book/faults.md`. As a plugin
of pytest (`-p fault_matrix`, as `make faults` uses it) this module counts them: a row survives if
all of its cases passed, and is lost if one failed or was skipped.
"""

import ast
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parent / "book" / "faults.md"
SECTIONS = {
    "kill": "Killed at any moment",
    "twice": "Two at once",
    "machine": "The machine: disk, memory, clock, numbers",
    "picture": "Pictures of all kinds",
    "hostile": "Archives, downloads and weights that are not what they should be",
    "setting": "Wrong settings",
    "anything": "Anything at all, from a generator of inputs",
}
HEAD = """\
(faults)=
# What can go wrong

What happens when something goes wrong, each line with the test that shows it.
`make faults` provokes all of it and ends with how many faults there are and how many
were survived. The tests marked *long* are left to it; the others are part of
`make test` as well.
"""
TABLE = """
## {title}

| What goes wrong | What happens | Test |
|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """A fault, what happens, and the test that shows it, `file.py::function`."""

    section: str
    what: str
    happens: str
    test: str
    long: bool


def rows() -> list[Row]:
    """The rows of all test files, in the order of files and lines."""
    return [row for path in sorted(TESTS.rglob("test_*.py")) for row in _rows_of(path)]


def _rows_of(path: Path) -> list[Row]:
    found = []
    for node in ast.parse(path.read_text(encoding="utf8")).body:
        decorators = [ast.unparse(one) for one in getattr(node, "decorator_list", [])]
        for one in getattr(node, "decorator_list", []):
            if isinstance(one, ast.Call) and ast.unparse(one.func) == "pytest.mark.fault":
                words = map(ast.literal_eval, one.args)
                test = f"{path.relative_to(TESTS).as_posix()}::{node.name}"
                found.append(Row(*words, test, "pytest.mark.long" in decorators))
    return found


def page() -> str:
    """The page of the book, Markdown."""
    text, found = HEAD, rows()
    for section, title in SECTIONS.items():
        text += TABLE.format(title=title)
        for row in found:
            if row.section == section:
                test = f"`{row.test}`" + " *(long)*" * row.long
                text += f"| {row.what} | {row.happens} | {test} |\n"
    return text


def pytest_configure(config) -> None:
    """Counts the rows in this run of pytest."""
    config.pluginmanager.register(_Count())


class _Count:
    def __init__(self):
        self.outcomes = defaultdict(set)

    def pytest_runtest_logreport(self, report) -> None:
        """Notes how a case went; a set-up or an end that fails is a failure too."""
        if "fault" in report.keywords and (report.when == "call" or not report.passed):
            self.outcomes[report.nodeid.partition("[")[0]].add(report.outcome)

    def pytest_unconfigure(self) -> None:
        """Prints the last line of all."""
        survived = sum(outcomes == {"passed"} for outcomes in self.outcomes.values())
        total = len(self.outcomes)
        print(f"{total} faults, {survived} survived, {total - survived} lost")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf8")
