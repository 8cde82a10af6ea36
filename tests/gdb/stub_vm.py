# SPDX-License-Identifier: GPL-2.0-or-later
"""A VM for GDB: no guest, an IOMMU and tables of the test's choosing.

Its firmware is an endless loop, so that registers and memory, stored through
the qtest socket, stay as they are, whether it runs or is stopped.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "guest"))

from qmp import Qmp, QmpError  # noqa: E402

EXTENSION = TOP / "gdb" / "amdvi-gdb.py"
SVM = "amd-iommu,svm=on,intremap=on,id=iommu0"
STOCK = "amd-iommu,dma-remap=on,intremap=on,id=iommu0"
MMIO = 0xfed80000
MIB = 1 << 20
DEVTAB, TABLES, DATA = 16 * MIB, 20 * MIB, 24 * MIB
EVENTS, COMMANDS = 17 * MIB, 18 * MIB
# The device with tables, and an address that its host tables map
EDU, EDU_BDF, IOVA = 0x20, "00:04.0", 0x40000000
# What its guest tables map in the other world
PASID, GVA = 1, 0x7f0000001000
START_S = 60
GDB_S = 120


def build_dir() -> Path:
    """Where the programs under test are."""
    return TOP / os.environ.get("BUILD", "build")


def our_qemu() -> Path:
    """QEMU with the engine."""
    return Path(os.environ.get(
        "AMDVI_QEMU", build_dir() / "qemu" / "qemu-system-x86_64"))


def stock_qemu() -> Path:
    """QEMU as it is released."""
    return build_dir() / "qemu-stock" / "qemu-system-x86_64"


class Result(NamedTuple):
    """What GDB printed."""

    out: str
    err: str


def environment(extra: Optional[Dict[str, str]]) -> Dict[str, str]:
    """Nothing of the user's settings gets through."""
    env = {name: value for name, value in os.environ.items()
           if name in ("PATH", "BUILD", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
    return {**env, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent",
            **(extra or {})}


def gdb(*commands: str, load: bool = True,
        env: Optional[Dict[str, str]] = None,
        timeout: float = GDB_S, typed: Sequence[str] = ()) -> Result:
    """Run a GDB with the extension to its end: some commands, then others
    as if they were typed behind its prompt."""
    line = [os.environ.get("AMDVI_GDB", "gdb"), "-nx", "-nh", "-q",
            *([] if typed else ["-batch"]), "-ex", "set width 0"]
    for command in ([f"source {EXTENSION}"] if load else []) + list(commands):
        line += ["-ex", command]
    done = subprocess.run(line, env=environment(env), text=True,
                          input="".join(f"{word}\n" for word in typed),
                          capture_output=True, errors="replace",
                          timeout=timeout, check=False)
    return Result(done.stdout, done.stderr)


class StubVm:
    """A VM with a gdbstub; a context manager."""

    def __init__(self, qemu: Path, iommu: Optional[str] = SVM,
                 devices: Sequence[str] = ("edu,id=edu0,addr=4",)) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="amdvi-gdb-"))
        self.stub = self.dir / "gdb.sock"
        self.qmp = self.dir / "qmp.sock"
        firmware = self.dir / "idle.bin"
        idle = bytearray(1 << 16)
        idle[0xfff0:0xfff2] = b"\xeb\xfe"
        firmware.write_bytes(idle)
        line = [str(qemu), "-M", "q35", "-accel", "tcg", "-m", "64M", "-S",
                "-nodefaults", "-display", "none", "-bios", str(firmware),
                "-L", "/usr/share/seabios", "-L", "/usr/share/qemu"]
        for device in ([iommu] if iommu else []) + list(devices):
            line += ["-device", device]
        for option, path in (("-gdb", self.stub), ("-qmp", self.qmp),
                             ("-qmp", self.dir / "spare.sock"),
                             ("-qtest", self.dir / "qtest.sock")):
            line += [option, f"unix:{path},server=on,wait=off"]
        self.log = self.dir / "qemu.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.qtest: Optional[Any] = None

    def __enter__(self) -> "StubVm":
        try:
            self.wait()
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(START_S)
            connection.connect(str(self.dir / "qtest.sock"))
            self.qtest = connection.makefile("rw", encoding="ascii")
            connection.close()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_reason: object) -> None:
        self.stop()

    def wait(self) -> None:
        """Until all devices exist."""
        limit = time.monotonic() + START_S
        while True:
            try:
                Qmp(self.dir / "spare.sock", timeout=1.0).close()
                return
            except QmpError:
                pass
            if self.process.poll() is not None or time.monotonic() > limit:
                raise AssertionError(self.log.read_text("utf-8", "replace"))
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        if self.qtest:
            self.qtest.close()
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir)

    def store(self, address: int, *words: int) -> None:
        """Store 64-bit words in memory or registers."""
        assert self.qtest
        for index, word in enumerate(words):
            self.qtest.write(f"writeq {address + 8 * index:#x} {word:#x}\n")
            self.qtest.flush()
            reply = self.qtest.readline().strip()
            assert reply == "OK", reply

    def running(self) -> bool:
        """Whether its processors run."""
        qmp = Qmp(self.dir / "spare.sock")
        try:
            return bool(qmp.command("query-status")["running"])
        finally:
            qmp.close()

    def gdb(self, *commands: str, typed: Sequence[str] = ()) -> Result:
        """Run commands in a GDB that is attached to it."""
        return gdb(f"target remote {self.stub}", *commands, typed=typed)


def bits(*numbers: int) -> int:
    """A word with these bits."""
    return sum(1 << n for n in numbers)


READ_WRITE = bits(61, 62)


def host_tables(vm: StubVm) -> None:
    """Three levels that map two pages from IOVA on: DATA + 4 KiB, DATA."""
    leaf = READ_WRITE | bits(0)
    index = IOVA >> 30
    vm.store(TABLES + 8 * index,
             leaf | 2 << 9 | TABLES + 0x1000)
    vm.store(TABLES + 0x1000, leaf | 1 << 9 | TABLES + 0x2000)
    vm.store(TABLES + 0x2000, leaf | DATA + 0x1000, leaf | DATA)


def world(vm: StubVm) -> None:
    """A device table, tables of one device, a command and an event."""
    vm.store(DEVTAB + 32 * EDU, bits(0, 1) | 3 << 9 | READ_WRITE | TABLES, 7,
             bits(0), 0)
    vm.store(DEVTAB + 32 * 0x8, bits(0, 1), 0, 0, 0)
    host_tables(vm)
    vm.store(DATA, 0x1111222233334444, 0x5555666677778888)
    vm.store(DATA + 0x1ff0, 0xaaaabbbbccccdddd, 0xeeeeffff00001111)
    vm.store(MMIO + 0x00, DEVTAB | 1)
    vm.store(MMIO + 0x08, 8 << 56 | COMMANDS)
    vm.store(MMIO + 0x10, 8 << 56 | EVENTS)
    vm.store(MMIO + 0x18, bits(0, 2, 12))


def guest_world(vm: StubVm) -> None:
    """The same device with tables of PASID 1: a page at GVA, a read-only one
    behind it, then none."""
    world(vm)
    directory = bits(0, 1, 2, 5)
    gcr3 = TABLES + 0x10000
    vm.store(gcr3 + 8 * PASID, bits(0) | TABLES + 0x11000)
    for level, table in ((4, 0x11000), (3, 0x12000), (2, 0x13000)):
        index = GVA >> (12 + 9 * (level - 1)) & 0x1ff
        vm.store(TABLES + table + 8 * index,
                 directory | TABLES + table + 0x1000)
    vm.store(TABLES + 0x14008, directory | bits(6) | DATA,
             bits(0, 2, 5) | DATA + 0x1000, 0)
    vm.store(DEVTAB + 32 * EDU,
             bits(0, 1, 55) | READ_WRITE | (gcr3 >> 12 & 7) << 58,
             7 | (gcr3 >> 15 & 0xffff) << 16, bits(0), 0)
    vm.store(MMIO + 0x18, bits(0, 2, 12, 16))


def nest(vm: StubVm) -> None:
    """Let these guest tables be reached through host tables: 1 GiB as it
    is."""
    host = TABLES + 0x20000
    gcr3 = TABLES + 0x10000
    vm.store(host, READ_WRITE | bits(0))
    vm.store(DEVTAB + 32 * EDU,
             bits(0, 1, 55) | READ_WRITE | 3 << 9 | host |
             (gcr3 >> 12 & 7) << 58)


# Lines of "device" that GDB does not have: they need configuration space
ONLY_CONFIG = ("PCI ATS", "PCI PRI", "PCI PASID")


def lines_without(text: str, *starts: str) -> List[str]:
    """Lines that do not start so."""
    return [line for line in text.splitlines()
            if not line.startswith(starts)]
