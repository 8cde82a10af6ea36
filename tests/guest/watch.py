# SPDX-License-Identifier: GPL-2.0-or-later
"""amdvi-inspect and a VM: run it, and let "check" watch a guest at work."""

import json
import subprocess
import threading
import unittest
from types import TracebackType
from typing import Any, Dict, List, Optional, Type

import image
import vm

# Milliseconds for the guest to invalidate what it has changed: Linux with
# lazy invalidation takes 10, on a machine that has nothing else to do.
GRACE_MS = 5000
TIMEOUT_S = 600


def run(machine: vm.Vm, *words: str) -> str:
    """What a command prints; findings are no failure."""
    program = image.build_dir() / "amdvi-inspect" / "amdvi-inspect"
    done = subprocess.run(
        [str(program), "-s", str(machine.run_dir / "qmp-inspect.sock"),
         *words], text=True, capture_output=True, check=False,
        timeout=TIMEOUT_S)
    if done.returncode not in (0, 1):
        raise AssertionError(f"amdvi-inspect {' '.join(words)}: status "
                             f"{done.returncode}: {done.stderr}")
    return done.stdout


def inspect(machine: vm.Vm, *words: str) -> Dict[str, Any]:
    """JSON of a command."""
    root: Dict[str, Any] = json.loads(run(machine, "-j", *words))
    return root


def findings(machine: vm.Vm) -> List[Dict[str, Any]]:
    """What check finds, without what depends on the speed of this machine."""
    root = inspect(machine, "check", "--grace", str(GRACE_MS))
    return [row for row in root["findings"] if row["rule"] != "request-open"]


class Watch:
    """Check again and again while the block runs; nothing may be found."""

    def __init__(self, case: unittest.TestCase, machine: vm.Vm) -> None:
        self.case = case
        self.machine = machine
        self.ended = threading.Event()
        self.found: List[Any] = []
        self.checks = 0
        self.thread = threading.Thread(target=self.watch)

    def watch(self) -> None:
        """At least once; an error is a finding, too."""
        while not self.found and not (self.checks and self.ended.is_set()):
            try:
                self.found += findings(self.machine)
            except (AssertionError, ValueError,
                    subprocess.SubprocessError) as error:
                self.found.append(str(error))
            self.checks += 1

    def __enter__(self) -> "Watch":
        self.thread.start()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]],
                 value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.ended.set()
        self.thread.join()
        if kind is None:
            self.case.assertEqual(self.found, [],
                                  f"in check number {self.checks}")
