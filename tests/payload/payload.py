# SPDX-License-Identifier: GPL-2.0-or-later
"""Build the programs of this folder and run them on a bare machine.

    with Payload("movdir64b.c") as payload:
        lines = payload.run(["-cpu", "max"])

A program takes the place of the firmware.  It prints lines of a name and a
number, which run() returns as a dictionary, and ends the machine by itself.
"""

import os
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Dict, List, Optional, Type

HERE = Path(__file__).resolve().parent
CFLAGS = [
    "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding",
    "-fno-pic", "-no-pie", "-mno-red-zone", "-mgeneral-regs-only",
    "-fno-asynchronous-unwind-tables", "-fcf-protection=none",
    "-fno-stack-protector", "-nostdlib", "-static",
    "-Wl,--oformat=binary", "-Wl,--build-id=none",
]
TIMEOUT_S = 600                         # spinning, on a busy machine
EXIT_STATUS = 1                         # of a machine that ended itself


class PayloadError(Exception):
    """The program was not built, or did not come to its end."""


def qemu() -> str:
    """The QEMU to test; AMDVI_QEMU names another build of it."""
    build = HERE.parent.parent / os.environ.get("BUILD", "build")
    default = build / "qemu" / "qemu-system-x86_64"
    return os.environ.get("AMDVI_QEMU", str(default))


class Payload:
    """One program, built in a folder that goes away with it."""

    def __init__(self, *sources: str) -> None:
        self.scratch = tempfile.TemporaryDirectory(prefix="amdvi-payload-")
        self.image = Path(self.scratch.name) / "image"
        done = subprocess.run(
            ["gcc", *CFLAGS, f"-Wl,-T,{HERE / 'payload.ld'}",
             str(HERE / "start.S"), *(str(HERE / name) for name in sources),
             "-o", str(self.image)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        if done.returncode:
            raise PayloadError(done.stdout)

    def __enter__(self) -> "Payload":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]],
                 value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.scratch.cleanup()

    def command(self, options: List[str], accel: str = "tcg") -> List[str]:
        """The command line of a machine that runs it."""
        return [qemu(), "-M", "q35", "-accel", accel, "-m", "64M",
                "-nodefaults", "-display", "none", "-bios", str(self.image),
                "-debugcon", f"file:{Path(self.scratch.name) / 'output'}",
                "-device", "isa-debug-exit,iobase=0xf4,iosize=4", *options]

    def run(self, options: List[str], accel: str = "tcg",
            beside: Optional[threading.Thread] = None) -> Dict[str, int]:
        """Boot it and return what it printed.

        @beside: a thread to start meanwhile, which ends QEMU itself.
        """
        output = Path(self.scratch.name) / "output"
        with subprocess.Popen(
                self.command(options, accel), stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True) as process:
            if beside:
                beside.start()
            try:
                said, _ = process.communicate(timeout=TIMEOUT_S)
            finally:
                process.kill()
                if beside:
                    beside.join()
        if process.returncode != EXIT_STATUS:
            raise PayloadError(f"exit status {process.returncode}\n{said}")
        rows = (line.split() for line in output.read_text().splitlines())
        return {name: int(number) for name, number in rows}
