# SPDX-License-Identifier: GPL-2.0-or-later
"""set amdvi ..., show amdvi ..."""

import os
from typing import Callable

import gdb

from .session import SESSION


class Prefix(gdb.Command):
    """Settings of the AMD IOMMU commands."""

    def __init__(self, verb: str) -> None:
        super().__init__(f"{verb} amdvi", gdb.COMMAND_DATA,
                         gdb.COMPLETE_NONE, True)


class Setting(gdb.Parameter):
    """A word that a member of the session follows."""

    def __init__(self, name: str, kind: int, store: Callable[[str], None],
                 about: str, more: str) -> None:
        self.set_doc = f"Set {about}."
        self.show_doc = f"Show {about}."
        self.__doc__ = more
        self.about = about
        self.store = store
        super().__init__(f"amdvi {name}", gdb.COMMAND_DATA, kind)
        self.value = ""

    def get_set_string(self) -> str:
        """Called after "set"."""
        self.store(self.value or "")
        return ""

    def get_show_string(self, value: str) -> str:
        """What "show" prints."""
        return f"The {self.about} is \"{value or ''}\"."


def set_qmp(value: str) -> None:
    """Talk to another VM from now on."""
    SESSION.disconnect()
    SESSION.qmp = os.path.expanduser(value)


def set_iommu(value: str) -> None:
    """Look at another IOMMU from now on."""
    SESSION.disconnect()
    SESSION.iommu = value


def set_library(value: str) -> None:
    """Use another library from now on."""
    from . import commands
    SESSION.forget_library()
    SESSION.library_file = os.path.expanduser(value)
    commands.define_views()


def set_symbol_map(value: str) -> None:
    """Take the kernel's symbols from a file from now on."""
    SESSION.symbol_map = os.path.expanduser(value)


def define() -> None:
    """Define all of them."""
    for verb in ("set", "show"):
        Prefix(verb)
    Setting("qmp", gdb.PARAM_STRING_NOESCAPE, set_qmp,
            "QMP socket of the VM",
            "A path or HOST:PORT.  Through it the VM can be looked at while "
            "it runs.\nEmpty: memory is read through the gdbstub, while the "
            "VM is stopped.")
    Setting("iommu", gdb.PARAM_STRING_NOESCAPE, set_iommu,
            "name of the IOMMU to look at",
            "Only needed with a QMP socket of a VM that has several.")
    Setting("library", gdb.PARAM_STRING_NOESCAPE, set_library,
            "file of libamdvi-views",
            "Empty: $AMDVI_VIEWS_LIBRARY, the build folder beside these "
            "scripts, or\nwhere libraries are installed.")
    Setting("symbol-map", gdb.PARAM_STRING_NOESCAPE, set_symbol_map,
            "file with the addresses of the guest kernel's symbols",
            "System.map, or a copy of /proc/kallsyms that root has made.\n"
            "Empty: the symbols GDB has loaded.")
    SESSION.watch()
