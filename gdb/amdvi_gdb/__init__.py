# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of amdvi-gdb.py.

library     libamdvi-views through ctypes; knows nothing of GDB
stub        physical memory through QEMU's gdbstub
session     which of the two a command talks to, and what is kept of it
parameters  set amdvi ..., show amdvi ...
commands    amdvi ...
functions   $amdvi_...()
kernel      symbols, structures and memory of a Linux guest
happenings  why a breakpoint of the IOMMU has stopped the VM
btf         the kernel's own description of its structures; knows no GDB
linux       amdvi linux ...
printers    pretty printers for structures of Linux and of QEMU
"""

from typing import List

LOADED: List[bool] = []


def load() -> None:
    """Define everything in the GDB that runs this, the first time."""
    if LOADED:
        return
    LOADED.append(True)
    from . import commands, functions, happenings, linux, parameters, printers
    parameters.define()
    commands.define()
    functions.define()
    happenings.define()
    linux.define()
    printers.define()
