# SPDX-License-Identifier: GPL-2.0-or-later
"""The VM that commands talk to.

With "set amdvi qmp" it is reached through QMP, running or not; else through
the stub GDB is attached to.  What is kept of a stub is where RAM and the
registers are, and which PCI functions there are; it is dropped when the VM
moves on, and between commands that are typed, because a monitor command may
change it.  Registers and tables are read anew by each command.
"""

import ctypes
from typing import Any, List, Optional, Tuple

import gdb

from . import library, stub

QMP_TIMEOUT_MS = 10000


class Session:
    """At most one library and one connection."""

    def __init__(self) -> None:
        self.library_file = ""
        self.qmp = ""
        self.iommu = ""
        self.symbol_map = ""
        self.breaks = False     # the IOMMU may stop the VM
        self.loaded: Optional[ctypes.CDLL] = None
        self.face: Optional[library.Face] = None

    def lib(self) -> ctypes.CDLL:
        """The library, loaded when first needed."""
        if self.loaded is None:
            self.loaded = library.load(self.library_file)
        return self.loaded

    def forget_library(self) -> None:
        """Another file was named."""
        self.disconnect()
        self.loaded = None

    def disconnect(self, _event: Any = None) -> None:
        """Forget the VM; an event handler, too."""
        if self.face is not None:
            self.face.close()
        self.face = None

    def left(self, _event: Any = None) -> None:
        """The VM may have moved on: of a stub nothing may be kept."""
        if not self.qmp:
            self.disconnect()

    def connect(self) -> library.Face:
        """The VM; library.Failure if there is none."""
        if self.face is None:
            face = library.Face(self.lib())
            try:
                self.attach(face)
            except BaseException:
                face.close()
                raise
            self.face = face
        return self.face

    def show(self, view: library.View, words: List[str]) -> Tuple[str, str]:
        """Show a view: its text, and what went wrong or ""."""
        if view.name == "break":
            self.breaks = True
        if view.needs_vm:
            return self.connect().run([view.name, *words])
        face = library.Face(self.lib())
        try:
            return face.run([view.name, *words])
        finally:
            face.close()

    def attach(self, face: library.Face) -> None:
        """Connect a face to the VM."""
        if self.qmp:
            face.open_qmp(self.qmp, self.iommu, QMP_TIMEOUT_MS)
            return
        with stub.mode("1"):
            memory_map = stub.monitor("info mtree -f")
            pci = stub.monitor("info pci")
        face.open_reader(stub.read, memory_map, pci, lambda: stub.mode("1"))

    def watch(self) -> None:
        """Notice when the VM moves on or goes away.

        Of a monitor command GDB tells nobody, but a prompt comes next."""
        gdb.events.cont.connect(self.left)
        gdb.events.before_prompt.connect(self.left)
        gdb.events.exited.connect(self.disconnect)
        gdb.events.memory_changed.connect(self.left)


SESSION = Session()
