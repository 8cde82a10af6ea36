# SPDX-License-Identifier: GPL-2.0-or-later
"""The faults in mutants.ini, and planting one into a tree."""

import configparser
from pathlib import Path
from typing import List, NamedTuple

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
KINDS = ("unit", "qtest", "qmp")


class MutantError(Exception):
    """A row that does not fit, in one sentence."""


class Mutant(NamedTuple):
    """One fault."""

    name: str
    file: str
    before: str
    after: str
    kind: str           # one of KINDS
    test: str           # name of the test that must fail

    def planted(self, text: str) -> str:
        """The text of the file with the fault in it."""
        found = text.count(self.before)
        if found != 1:
            raise MutantError(f"{self.name}: {self.file} has {found} places "
                              f"that read: {self.before}")
        return text.replace(self.before, self.after)

    def source_of_test(self) -> str:
        """Where the test that must fail is written."""
        return {"unit": f"tests/unit/test-{self.test}.c",
                "qtest": f"tests/qtest/{self.test}-test.c",
                "qmp": f"tests/qmp/{self.test}-test"}[self.kind]


def read(path: Path = HERE / "mutants.ini") -> List[Mutant]:
    """All rows, in their order."""
    parser = configparser.RawConfigParser(delimiters=("=",),
                                          comment_prefixes=("#",),
                                          inline_comment_prefixes=None)
    with path.open(encoding="utf-8") as file:
        parser.read_file(file)
    rows = []
    for name in parser.sections():
        row = parser[name]
        kind, _, test = row["test"].partition("/")
        if kind not in KINDS or not test:
            raise MutantError(f"{name}: no such test: {row['test']}")
        rows.append(Mutant(name, row["file"], row["before"], row["after"],
                           kind, test))
    return rows
