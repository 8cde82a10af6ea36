# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest whose unmodified kernel drives a DSA device through the IOMMU.

    class Something(sva.Case):
        def test(self) -> None:
            with self.guest(append="iommu=pt") as guest:
                guest.setup(8)
                guest.torture("-s", "10")
                guest.clean()

Every failure shows the end of the guest's kernel log.
"""

import contextlib
import dataclasses
import json
import shlex
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set

import vm

# Kernel addresses where sva-torture expects them, queue registers that it may
# read, and a page of 1 GiB.
APPEND = "nokaslr iomem=relaxed hugepagesz=1G hugepages=1"
TESTS = "/usr/libexec/accel-config/test"
RUNNER = f"{TESTS}/dsa_user_test_runner.sh --skip-config"
# Generous, because tests run on machines that have other things to do.
PATIENCE_S = 900.0

OPCODES = {"noop": 0x0, "drain": 0x2, "memmove": 0x3, "fill": 0x4,
           "compare": 0x5, "compare-pattern": 0x6, "dualcast": 0x9,
           "crc": 0x10, "copy-crc": 0x11, "cache-flush": 0x20}


@dataclasses.dataclass
class DsaTest:
    """One call of Debian's dsa_test."""

    opcode: int
    length: int = 65536
    batch: bool = False
    flags: int = 1

    def command(self) -> str:
        """Its command line."""
        what = f"-o 0x1 -b {self.opcode:#x} -c 16" if self.batch \
            else f"-o {self.opcode:#x}"
        return (f"{TESTS}/dsa_test -d dsa0/wq0.0 -l {self.length} {what} "
                f"-f {self.flags:#x} -t 60000")


def dsa_tests() -> List[DsaTest]:
    """Each operation alone and in a batch; each place that may fault."""
    found = []
    for name, opcode in OPCODES.items():
        found.append(DsaTest(opcode))
        if name != "drain":
            found.append(DsaTest(opcode, batch=True, flags=0))
    # Prefaulted buffers; faults on completion record, on batch record, both.
    for flags in (0x8, 0x11, 0x21, 0x31):
        found.append(DsaTest(OPCODES["memmove"], batch=True, flags=flags))
    return found


class Guest:
    """A booted guest and what tests ask of it."""

    def __init__(self, case: unittest.TestCase, machine: vm.Vm) -> None:
        self.case = case
        self.machine = machine

    def run(self, command: str, timeout: float = PATIENCE_S) -> str:
        """A command that must succeed; its output."""
        status, text = self.machine.run(command, timeout=timeout)
        if status != 0:
            self.complain(f"{command!r} ended with status {status}\n{text}")
        return text

    def complain(self, words: str) -> None:
        """Fail, with the end of the kernel's log."""
        log = self.machine.run("dmesg | tail -n 40", timeout=60)[1]
        self.case.fail(f"{words}\n--- dmesg ---\n{log}")

    def setup(self, queues: int) -> None:
        """Swap, huge pages and queues."""
        self.run(f"torture-setup {queues}")

    def address(self) -> str:
        """The device's PCI address, such as 0000:00:03.0."""
        path = self.run("readlink -f /sys/bus/dsa/devices/dsa0").strip()
        return path.split("/")[-2]

    def domain(self, address: str) -> str:
        """The type of the domain a PCI function is in."""
        return self.run(f"cat /sys/bus/pci/devices/{address}/iommu_group/type"
                        ).strip()

    def torture(self, *args: str,
                timeout: float = PATIENCE_S) -> Dict[str, Any]:
        """Run sva-torture; it must find no failure.  Its report."""
        status, text = self.machine.run(
            "sva-torture " + shlex.join(args), timeout=timeout)
        return self.judge(status, text)

    def judge(self, status: int, text: str) -> Dict[str, Any]:
        """sva-torture's report, which must be one without failures."""
        try:
            report: Dict[str, Any] = json.loads(text)
        except ValueError:
            self.complain(f"sva-torture ended with {status}:\n{text}")
        image = self.machine.guest
        if "Operation not supported" in text and image and image.bind != "yes":
            self.case.fail(f"kernel {image.release} does not bind, whatever "
                           "the IOMMU (kernels.conf)")
        idle = [s["name"] for s in report["scenarios"]
                if s["verdict"] != "ok"]
        if status != 0 or report["failures"] or idle:
            self.complain(f"sva-torture -S {report['seed']}: {idle}\n"
                          + "\n".join(report["first-failures"]))
        return report

    def dsa_test(self, what: DsaTest) -> None:
        """Run Debian's dsa_test; it must succeed."""
        status, text = self.machine.run(what.command(), timeout=PATIENCE_S)
        if status != 0:
            self.complain(f"{what.command()} ended with {status}\n{text}")

    def clean(self, allow: str = "") -> None:
        """The kernel's log must be without complaint."""
        status, text = self.machine.run(f"kernel-log '{allow}'")
        self.case.assertEqual((status, text.strip()), (0, ""))


class Case(unittest.TestCase):
    """A test with guests of its own."""

    def options(self, scratch: Path, **changes: Any) -> vm.Options:
        """The reference guest, with changes; append and extra are added."""
        append = " ".join([APPEND, changes.pop("append", "")])
        device = ["-device", changes.pop("device", vm.DSA)]
        extra = device + changes.pop("extra", [])
        defaults: Dict[str, Any] = {"cpu": vm.SVA_CPU, "cpus": 2,
                                    "memory": "4G", "swap": True,
                                    "timeout": 600.0}
        return vm.Options(run_dir=scratch, append=append, extra=extra,
                          **{**defaults, **changes})

    @contextlib.contextmanager
    def guest(self, **changes: Any) -> Iterator[Guest]:
        """A booted guest, gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="amdvi-sva-") as scratch:
            with vm.Vm(self.options(Path(scratch), **changes)) as machine:
                try:
                    machine.start()
                    yield Guest(self, machine)
                except vm.VmError as error:
                    tail = machine.serial_text().splitlines()[-25:]
                    self.fail("\n".join([str(error), *tail]))


def exercised(report: Dict[str, Any]) -> Set[str]:
    """Names of the scenarios that happened."""
    return {s["name"] for s in report["scenarios"] if s["proofs"]}
