# SPDX-License-Identifier: GPL-2.0-or-later
"""$amdvi_...(): values for expressions and conditions of breakpoints."""

from typing import Any

import gdb

from . import library
from .library import Failure
from .session import SESSION

SIZES = {1: "unsigned char", 2: "unsigned short", 4: "unsigned int",
         8: "unsigned long long"}


def quad(value: int) -> gdb.Value:
    """A value of 64 bits without sign."""
    return gdb.Value(value.to_bytes(8, "little"),
                     gdb.lookup_type("unsigned long long"))


def pasid_of(value: Any) -> int:
    """A PASID argument; -1 is none."""
    pasid = int(value)
    if pasid == -1:
        return library.NO_PASID
    if not 0 <= pasid <= 0xfffff:
        raise gdb.GdbError(f"not a PASID: {pasid}")
    return pasid


class Function(gdb.Function):
    """A function whose failures are sentences."""

    def invoke(self, *args: Any) -> gdb.Value:
        """Called by GDB."""
        try:
            if len(args) != self.arity:
                raise Failure(f"needs {self.arity} arguments; see \"help "
                              f"function {self.name}\"")
            return self.value(SESSION.connect(), *args)
        except (Failure, gdb.error) as failure:
            raise gdb.GdbError(f"${self.name}: {failure}")

    name = ""
    arity = 0

    def __init__(self) -> None:
        super().__init__(self.name)

    def value(self, face: library.Face, *args: Any) -> gdb.Value:
        """The result."""
        raise NotImplementedError


class Walk(Function):
    """Physical address of what a device sees at an address.

Usage: $amdvi_walk(BDF, PASID, ADDRESS)

BDF is a string, "00:05.0".  PASID -1 is a request without one."""

    name = "amdvi_walk"
    arity = 3

    def value(self, face: library.Face, *args: Any) -> gdb.Value:
        """The walk's result."""
        bdf, pasid, address = args
        return quad(face.walk(bdf.string(), pasid_of(pasid), int(address)))


class Dte(Function):
    """A field of the device table entry of a device.

Usage: $amdvi_dte(BDF, FIELD)

Both are strings: $amdvi_dte("00:05.0", "domain-id")."""

    name = "amdvi_dte"
    arity = 2

    def value(self, face: library.Face, *args: Any) -> gdb.Value:
        """The field."""
        bdf, field = args
        return quad(face.dte(bdf.string(), field.string()))


class Register(Function):
    """Value of a register of the IOMMU.

Usage: $amdvi_reg(NAME), for example $amdvi_reg("control")"""

    name = "amdvi_reg"
    arity = 1

    def value(self, face: library.Face, *args: Any) -> gdb.Value:
        """The register."""
        (name,) = args
        return quad(face.register(name.string()))


class Read(Function):
    """Memory as a device sees it.

Usage: $amdvi_read(BDF, PASID, ADDRESS, SIZE)

SIZE is 1, 2, 4 or 8 bytes.  PASID -1 is a request without one."""

    name = "amdvi_read"
    arity = 4

    def value(self, face: library.Face, *args: Any) -> gdb.Value:
        """The number that is there."""
        bdf, pasid, address, size = args
        if int(size) not in SIZES:
            raise Failure(f"not a size: {size}")
        data = face.read(bdf.string(), pasid_of(pasid), int(address),
                         int(size))
        return gdb.Value(data, gdb.lookup_type(SIZES[int(size)]))


def define() -> None:
    """Define all of them."""
    for function in (Walk, Dte, Register, Read):
        function()
