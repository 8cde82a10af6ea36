# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the unittest classes of a program and report in TAP.

    import tap
    if __name__ == "__main__":
        tap.main()

Names on the command line select tests as unittest does.
"""

import signal
import sys
import unittest
from typing import Any


class Result(unittest.TestResult):
    """Prints a line per test, and the reason of a failure as comment."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def line(self, words: str, test: unittest.TestCase, more: str = "") -> None:
        """One result."""
        self.number += 1
        print(f"{words} {self.number} - {test.id().split('.', 1)[-1]}{more}",
              flush=True)

    def comment(self, text: str) -> None:
        """Lines that a TAP reader passes over."""
        for row in text.rstrip().splitlines():
            print(f"# {row}", flush=True)

    # The names of unittest's interface are not ours to choose.
    # pylint: disable=invalid-name
    def addSuccess(self, test: unittest.TestCase) -> None:
        self.line("ok", test)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self.line("not ok", test)
        self.comment(self.errors[-1][1])

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self.line("not ok", test)
        self.comment(self.failures[-1][1])

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self.line("ok", test, f" # SKIP {reason}")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase,
                   err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.line("not ok", subtest)
            self.comment((self.failures + self.errors)[-1][1])


def main() -> None:
    """Run the tests of the calling program."""
    # A shell starts what goes to the background deaf to this; programs that
    # are to be interrupted by a test must not inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)
    loader = unittest.TestLoader()
    module = sys.modules["__main__"]
    if sys.argv[1:]:
        suite = loader.loadTestsFromNames(sys.argv[1:], module)
    else:
        suite = loader.loadTestsFromModule(module)
    print(f"1..{suite.countTestCases()}", flush=True)
    result = Result()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
