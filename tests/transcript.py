# SPDX-License-Identifier: GPL-2.0-or-later
"""Pages of docs/ whose block of text is what a script prints.

    PAGE = Transcript("svm-walkthrough", timeout=60)

    class Walkthrough(unittest.TestCase):
        def test_page(self) -> None:
            PAGE.check(self)

    if __name__ == "__main__":
        PAGE.main()

scripts/NAME prints the first block of docs/NAME.md.  With --update the test
writes the page anew.
"""

import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Callable

import tap

ROOT = Path(__file__).resolve().parent.parent
FENCE = "```\n"


def as_it_is(text: str) -> str:
    """For scripts that always print the same."""
    return text


class Transcript:
    """A script and its page.

    timeout: seconds.  mask: takes away what differs from run to run.
    """

    def __init__(self, name: str, timeout: float,
                 mask: Callable[[str], str] = as_it_is) -> None:
        self.script = ROOT / "scripts" / name
        self.page = ROOT / "docs" / f"{name}.md"
        self.timeout = timeout
        self.mask = mask

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run the script to its end."""
        return subprocess.run(
            [str(self.script), *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=self.timeout, check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8"})

    def check(self, case: unittest.TestCase) -> None:
        """The script succeeds, and prints what the page says."""
        case.maxDiff = None
        done = self.run()
        case.assertEqual((done.returncode, done.stderr), (0, ""))
        case.assertEqual(self.mask(self.page.read_text().split(FENCE)[1]),
                         self.mask(done.stdout))

    def update(self) -> None:
        """Write the page anew."""
        before, _, after = self.page.read_text().split(FENCE)
        done = self.run()
        sys.stderr.write(done.stderr)
        done.check_returncode()
        self.page.write_text(FENCE.join((before, done.stdout, after)))

    def main(self) -> None:
        """The test program."""
        if sys.argv[1:] == ["--update"]:
            self.update()
        else:
            tap.main()
