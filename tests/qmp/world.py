# SPDX-License-Identifier: GPL-2.0-or-later
"""The machines that tests of QMP ask: no guest, but qtest stores into them.

    class Something(world.Case):
        def test(self) -> None:
            self.vm.bind()
            self.qmp.command("query-amd-iommu-gcr3", device_id=DEVICE)

The addresses and most steps are those of scripts/svm-walkthrough.
"""

import contextlib
import io
import os
import struct
import unittest
from pathlib import Path
from typing import Any, List, Sequence

from amdvi_qmp import ROOT, Monitor, Reply
from steps import STEPS
from qemu.qmp import ExecuteError

BUILD = ROOT / os.environ.get("BUILD", "build")
QEMU = Path(os.environ.get("AMDVI_QEMU",
                           BUILD / "qemu" / "qemu-system-x86_64"))
LINE = ("-machine q35 -m 256M -nodefaults -nic none -display none -accel qtest"
        " -qtest stdio -qtest-log none").split()
IOMMU = "amd-iommu,svm=on,id=iommu0"
TESTDEV = "svm-testdev,addr=05.0"
# Generous, because tests run on machines that have other things to do.
PATIENCE_S = 120.0

DEVICE, PASID = STEPS.DEVICE, STEPS.PASID
ADDRESS, FRAME = STEPS.ADDRESS, STEPS.FRAME
PTE = STEPS.TABLES + 0x3000 + 8
P_RW_US = 0x7
READ_WRITE = 3 << 61
SECOND_NS = 10 ** 9
# Of svm-testdev: an untranslated access, and a page request by itself
UNTRANSLATED = 0x100
PAGE_REQUEST, GROUP_INDEX = 4, 0x48
REQUEST_READ, REQUEST_LAST = 0x2, 0x40


def leaf(address: int, level: int = 0) -> int:
    """An entry of a host table; its NextLevel is 0 for a page."""
    return READ_WRITE | 1 | level << 9 | address


def host_dte(levels: int, table: int, domain: int = 7) -> List[int]:
    """A DTE with a host table."""
    return [READ_WRITE | 3 | levels << 9 | table, domain | 1 << 32, 0, 0]


class World(STEPS.Machine):     # type: ignore[misc]
    """A machine whose steps are not shown.

    more: options of QEMU.
    """

    def __init__(self, *devices: str, more: Sequence[str] = ()) -> None:
        line = [*LINE, *more]
        for device in devices:
            line += ["-device", device]
        super().__init__(STEPS.Option(QEMU, Path()), line)

    def order(self, words: str, why: str) -> None:
        self.tell(words)

    def read(self, address: int, why: str = "", size: str = "q") -> int:
        return int(self.tell(f"read{size} {address:#x}"), 16)

    def inspect(self, *words: str) -> None:
        """Nobody looks."""

    def store(self, address: int, *words: int) -> None:
        """64-bit words."""
        data = struct.pack(f"<{len(words)}Q", *words)
        self.tell(f"write {address:#x} {len(data):#x} 0x{data.hex()}")

    def fill(self, address: int, word: int, count: int = 512) -> None:
        """The same word all over a table."""
        self.store(address, *[word] * count)

    def set_dte(self, words: Sequence[int], device: int = DEVICE) -> None:
        """Change a DTE, and say so."""
        self.store(STEPS.DEVICE_TABLE + 32 * device, *words)
        self.command(0x2 << 60 | device, 0, "")

    def step_clock(self, nanoseconds: int) -> None:
        """Let guest time pass."""
        self.tell(f"clock_step {nanoseconds}")

    def set_up(self) -> None:
        """Function, IOMMU, rings, and PASID without a page."""
        with contextlib.redirect_stdout(io.StringIO()):
            STEPS.enable_function(self)
            STEPS.enable_iommu(self)
            STEPS.bind(self)

    def map_page(self) -> None:
        """Give the PASID its page."""
        tables = STEPS.TABLES
        self.store(PTE, FRAME | P_RW_US)
        self.store(tables + 0x2000, tables + 0x3000 | P_RW_US)
        self.store(tables + 0x1000, tables + 0x2000 | P_RW_US)
        self.store(tables + 8 * 0xfe, tables + 0x1000 | P_RW_US)

    def read_page(self) -> None:
        """Let the function read it, so that it is cached."""
        STEPS.operate(self, 0, 8, STEPS.READ, "")

    def fault(self, address: int, pasid: int = PASID) -> None:
        """An untranslated read that is aborted."""
        for register, value in (
                (STEPS.FLAGS, STEPS.WITH_PASID | UNTRANSLATED),
                (STEPS.PASID_REG, pasid), (STEPS.ADDRESS_REG, address),
                (STEPS.LENGTH, 8), (STEPS.COMMAND, STEPS.READ)):
            self.write("q", STEPS.BAR + register, value, "")

    def request_page(self, address: int, group: int) -> None:
        """A page request group of one page."""
        for register, value in (
                (STEPS.FLAGS, STEPS.WITH_PASID | REQUEST_READ | REQUEST_LAST),
                (STEPS.PASID_REG, PASID), (STEPS.ADDRESS_REG, address),
                (GROUP_INDEX, group), (STEPS.COMMAND, PAGE_REQUEST)):
            self.write("q", STEPS.BAR + register, value, "")

    def respond(self, group: int) -> None:
        """COMPLETE_PPR_REQUEST with success."""
        self.command(0x7 << 60 | DEVICE, group << 32, "")

    def invalidate(self) -> None:
        """What a driver sends when it has changed the entry of the page."""
        self.command(0x3000000700000005, ADDRESS | 0x6, "")
        self.command(0x4005002820000028, ADDRESS | 0x4, "")

    def wait_completion(self) -> None:
        """A COMPLETION_WAIT."""
        self.command(0x1000000000000001 | STEPS.STORE, 1, "")


class Case(unittest.TestCase):
    """Tests with a machine and a connection each."""

    devices: Sequence[str] = (IOMMU, TESTDEV)

    def setUp(self) -> None:
        self.vm = World(*self.devices)
        self.vm.__enter__()
        self.addCleanup(self.vm.__exit__, None, None, None)
        self.vm.tell("clock_step 1")
        self.qmp = self.connect()

    def connect(self, spare: bool = False) -> Monitor:
        """A connection that is closed in the end."""
        monitor = Monitor(self.vm.spare if spare else self.vm.monitor,
                          timeout=PATIENCE_S)
        self.addCleanup(monitor.close)
        return monitor

    def ask(self, name: str, **arguments: Any) -> Reply:
        """A command that has to succeed."""
        reply: Reply = self.qmp.command(name, **arguments)
        return reply

    def refused(self, reason: str, name: str, **arguments: Any) -> None:
        """A command that has to be refused so."""
        with self.assertRaises(ExecuteError) as caught:
            self.qmp.command(name, **arguments)
        self.assertIn(reason, str(caught.exception))
