# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's Linux kernel: its symbols, its structures, its memory.

Addresses come from GDB's symbols or from a symbol map (System.map, or a copy
of /proc/kallsyms), shifted by however far KASLR moved the kernel.  Where
members are comes from GDB's debug information, or else from the BTF that the
kernel carries about itself.  All that is read is the guest's: lists end.
"""

import re
from typing import Dict, Iterator, Optional, Set, Tuple, Union

import gdb

from . import stub
from .btf import Btf, Place
from .library import Failure, printable

# Where the kernel's image is linked to, and memory without KASLR
IMAGE = 0xffffffff80000000
DIRECT = 0xffff888000000000
# Bytes of BTF at most: distributions have 5 to 8 MiB
MAX_BTF = 64 << 20
MAX_OBJECT = 1 << 16
MAX_LIST = 1 << 16
MAX_MAP = 1 << 28
# What gate 0 of the IDT leads to, newest name first
DIVIDE_ERROR = ("asm_exc_divide_error", "divide_error")
SYMBOL = re.compile(r"([0-9a-f]{16}) \w ([^\s]+)$", re.M)


class SymbolMap:
    """Addresses from a file like System.map."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            with open(path, encoding="ascii", errors="replace") as handle:
                text = handle.read(MAX_MAP)
        except OSError as error:
            raise Failure(f"{path}: {error.strerror}") from None
        self.found: Dict[str, int] = {}
        for address, name in SYMBOL.findall(text):
            self.found.setdefault(name, int(address, 16))
        if not self.found:
            raise Failure(f"{path} is no symbol map: no line is ADDRESS TYPE "
                          "NAME")
        if not any(self.found.values()):
            raise Failure(f"{path} has no addresses: /proc/kallsyms shows "
                          "them to root only")

    def address(self, name: str) -> Optional[int]:
        """Where a symbol is, or None."""
        return self.found.get(name)


class LoadedSymbols:
    """Addresses from the files GDB has loaded."""

    path = "GDB's symbols"

    def address(self, name: str) -> Optional[int]:
        """Where a symbol is, or None."""
        try:
            return int(gdb.parse_and_eval(f"(unsigned long long)&{name}"))
        except gdb.error:
            return None


class DebugInformation:
    """Structures of the files GDB has loaded."""

    origin = "debug information"

    def size(self, name: str) -> Optional[int]:
        """Bytes of a structure, or None."""
        found = structure(name)
        return found.sizeof if found else None

    def place(self, name: str, path: str) -> Optional[Place]:
        """Where "member.member" is, or None."""
        kind, first, bits = structure(name), 0, 0
        for word in path.split("."):
            found = find_field(kind, word) if kind else None
            if found is None:
                return None
            kind, first, bits = found[0], first + found[1], found[2]
        assert kind is not None
        if bits:
            return Place(first // 8, (first % 8 + bits + 7) // 8, first % 8,
                         bits)
        return Place(first // 8, kind.sizeof)


def structure(name: str) -> Optional[gdb.Type]:
    """A structure with members, or None."""
    try:
        found = gdb.lookup_type(f"struct {name}")
    except gdb.error:
        return None
    return found if found.fields() else None


def find_field(kind: gdb.Type,
               name: str) -> Optional[Tuple[gdb.Type, int, int]]:
    """Type, first bit and bits of a bit field (or 0) of a member."""
    kind = kind.strip_typedefs()
    if kind.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return None
    for field in kind.fields():
        if field.name == name:
            return field.type.strip_typedefs(), field.bitpos, field.bitsize
        found = None if field.name else find_field(field.type, name)
        if found:
            return found[0], found[1] + field.bitpos, found[2]
    return None


class BtfStructures:
    """Structures as the kernel itself describes them."""

    origin = "the kernel's BTF"

    def __init__(self, btf: Btf) -> None:
        self.btf = btf

    def size(self, name: str) -> Optional[int]:
        """Bytes of a structure, or None."""
        found = self.btf.structure(name)
        return found.size if found else None

    def place(self, name: str, path: str) -> Optional[Place]:
        """Where "member.member" is, or None."""
        return self.btf.place(name, path)


Symbols = Union[SymbolMap, LoadedSymbols]
Structures = Union[DebugInformation, BtfStructures]
# Places in the guest, and the BTF that was there
known_btf: Dict[Tuple[int, bytes], Btf] = {}


class Kernel:
    """The kernel of the VM that GDB has stopped."""

    def __init__(self, symbol_map: str) -> None:
        self.symbols: Symbols = (SymbolMap(symbol_map) if symbol_map
                                 else LoadedSymbols())
        self.offset = 0
        self.offset = self.find_offset()
        self.cached_structures: Optional[Structures] = None
        self.places: Dict[Tuple[str, str], Optional[Place]] = {}

    def find_offset(self) -> int:
        """How far KASLR moved the kernel away from what the symbols say."""
        text = stub.monitor("info registers")
        match = re.search(r"^IDT=\s*([0-9a-f]{16}) ", text, re.M)
        if not match:
            raise Failure("this is no x86-64 processor in 64-bit mode")
        told = next((a for a in map(self.symbols.address, DIVIDE_ERROR) if a),
                    None)
        if told is None:
            raise Failure(f"{self.symbols.path} has no {DIVIDE_ERROR[0]}: "
                          "load the kernel's symbols, or say \"set amdvi "
                          "symbol-map FILE\"")
        gate = self.read(int(match.group(1), 16), 16)
        handler = gate[0:2] + gate[6:12]
        return int.from_bytes(handler, "little") - told

    def address(self, name: str) -> Optional[int]:
        """Where a symbol is in the guest, or None."""
        told = self.symbols.address(name)
        return told + self.offset if told else None

    def need(self, name: str) -> int:
        """Where a symbol is; there must be one."""
        found = self.address(name)
        if found is None:
            raise Failure(f"{self.symbols.path} has no {name}")
        return found

    def read(self, address: int, size: int) -> bytes:
        """Memory of the kernel."""
        return stub.read_virtual(address, size)

    def unsigned(self, address: int, size: int = 8) -> int:
        """A number in the kernel's memory."""
        return int.from_bytes(self.read(address, size), "little")

    def btf(self) -> Btf:
        """The kernel's type information; kept, it never changes."""
        start, stop = self.need("__start_BTF"), self.need("__stop_BTF")
        if not 0 < stop - start <= MAX_BTF:
            raise Failure("the symbols of the kernel's BTF make no sense")
        key = (stop - start, self.read(start, stub.chunks[-1]))
        if key not in known_btf:
            known_btf.clear()
            known_btf[key] = Btf(self.read(start, stop - start))
        return known_btf[key]

    def structures(self) -> Structures:
        """Debug information that knows the driver, or BTF."""
        if self.cached_structures is None:
            debug = DebugInformation()
            self.cached_structures = (
                debug if debug.size("iommu_dev_data") is not None
                else BtfStructures(self.btf()))
        return self.cached_structures

    def place(self, name: str, path: str) -> Optional[Place]:
        """Where a member is, or None; asked for again and again."""
        if (name, path) not in self.places:
            self.places[name, path] = self.structures().place(name, path)
        return self.places[name, path]

    def object(self, name: str, address: int) -> "Object":
        """A structure at an address."""
        size = self.structures().size(name)
        if size is None or not 0 < size <= MAX_OBJECT:
            raise Failure(f"{self.structures().origin} has no struct {name}")
        return Object(self, name, address, self.read(address, size))

    def physical(self, address: int) -> int:
        """Physical address of a kernel address of image or direct map."""
        if address >= IMAGE:
            base = self.address("phys_base")
            return address - IMAGE + (self.unsigned(base) if base else 0)
        base = self.address("page_offset_base")
        return address - (self.unsigned(base) if base else DIRECT)

    def chain(self, head: int, name: str, member: str) -> Iterator["Object"]:
        """Structures on a list_head, by the member that links them."""
        return self.linked(self.unsigned(head), head, name, member)

    def single_chain(self, node: int, name: str,
                     member: str) -> Iterator["Object"]:
        """Structures on an llist, from its first node on."""
        return self.linked(node, 0, name, member)

    def linked(self, node: int, end: int, name: str,
               member: str) -> Iterator["Object"]:
        """Structures from a node up to, and without, an end."""
        place = self.place(name, member)
        if place is None:
            raise Failure(f"struct {name} has no {member}")
        seen: Set[int] = set()
        while node != end:
            if node in seen or len(seen) == MAX_LIST:
                raise Failure(f"the list of struct {name} does not end")
            seen.add(node)
            found = self.object(name, node - place.offset)
            yield found
            node = found.pointer_at(place.offset)


class Object:
    """A structure that was read as a whole."""

    def __init__(self, kernel: Kernel, name: str, address: int,
                 data: bytes) -> None:
        self.kernel = kernel
        self.name = name
        self.address = address
        self.data = data

    def pointer_at(self, offset: int) -> int:
        """A pointer inside it."""
        return int.from_bytes(self.data[offset:offset + 8], "little")

    def get(self, path: str) -> Optional[int]:
        """A member's value; None if this kernel has no such member."""
        place = self.kernel.place(self.name, path)
        if place is None or place.offset + place.size > len(self.data):
            return None
        value = int.from_bytes(
            self.data[place.offset:place.offset + place.size], "little")
        return (value >> place.shift & ((1 << place.bits) - 1)
                if place.bits else value)

    def number(self, path: str) -> int:
        """A member's value, 0 without such a member."""
        return self.get(path) or 0

    def where(self, path: str) -> int:
        """Address of a member."""
        place = self.kernel.place(self.name, path)
        if place is None:
            raise Failure(f"struct {self.name} has no {path}")
        return self.address + place.offset

    def text(self, path: str) -> str:
        """A string; what a terminal would take amiss is a dot."""
        place = self.kernel.place(self.name, path)
        if place is None:
            return ""
        raw = self.data[place.offset:place.offset + place.size]
        return printable(raw.split(b"\0")[0].decode("latin-1"))
