# SPDX-License-Identifier: GPL-2.0-or-later
"""BTF, the type information a Linux kernel carries about itself.

It lies in the kernel's memory between __start_BTF and __stop_BTF, and says
where the members of this very kernel's structures are.  Knows nothing of GDB.
The bytes come from a guest: nothing in them is trusted.
"""

import struct
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from .library import Failure

MAGIC = 0xeb9f
HEADER = struct.Struct("<HBBIIIII")
TYPE = struct.Struct("<III")
TRIPLE = struct.Struct("<III")
(INT, POINTER, ARRAY, STRUCT, UNION, ENUM, FORWARD, TYPEDEF, VOLATILE, CONST,
 RESTRICT, FUNCTION, PROTOTYPE, VARIABLE, SECTION, FLOAT, DECL_TAG, TYPE_TAG,
 ENUM64) = range(1, 20)
QUALIFIERS = {TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG}
# Bytes behind the three words of a type: some, and some per member
FIXED = {INT: 4, ARRAY: 12, VARIABLE: 4, DECL_TAG: 4}
EACH = {STRUCT: 12, UNION: 12, ENUM: 8, PROTOTYPE: 8, SECTION: 12, ENUM64: 12}
MAX_TYPES = 1 << 20
MAX_DEPTH = 16
# Members looked at to answer one question
MAX_WORK = 1 << 18
MAX_NAME = 256
INTEGERS = {1: "unsigned char", 2: "unsigned short", 4: "unsigned int",
            8: "unsigned long long", 16: "unsigned __int128"}
POINTER_BYTES = 8


class Type(NamedTuple):
    """One type; size is a type number where the kind has no size."""

    name: int
    kind: int
    count: int      # type: ignore[assignment]
    has_bits: bool
    size: int
    more: int       # place of what follows it


class Member(NamedTuple):
    """A member of a structure or union, in bits from its start."""

    name: str
    type: int
    first: int
    bits: int       # 0: no bit field


class Place(NamedTuple):
    """Where a member is: bytes from the start, and bits within these."""

    offset: int
    size: int
    shift: int = 0
    bits: int = 0   # 0: all


class Btf:
    """All types of a kernel."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.types: List[Type] = [Type(0, 0, 0, False, 0, 0)]
        self.by_name: Dict[bytes, int] = {}
        self.work = 0
        try:
            self.parse()
        except struct.error:
            raise Failure("the kernel's BTF ends too early") from None

    def parse(self) -> None:
        """Find all types, and names of structures."""
        magic, _version, _flags, header, types, size, strings, length = \
            HEADER.unpack_from(self.data)
        if magic != MAGIC:
            raise Failure("there is no BTF at __start_BTF")
        place, end = header + types, header + types + size
        start = header + strings
        self.strings = self.data[start:start + length]
        while place < end and len(self.types) < MAX_TYPES:
            name, info, size = TYPE.unpack_from(self.data, place)
            kind, count = info >> 24 & 0x1f, info & 0xffff
            if not INT <= kind <= ENUM64:
                raise Failure(f"BTF of an unknown kind {kind}")
            place += TYPE.size
            self.types.append(Type(name, kind, count, bool(info >> 31), size,
                                   place))
            if kind in (STRUCT, UNION) and name:
                self.by_name.setdefault(self.raw_name(name),
                                        len(self.types) - 1)
            place += FIXED.get(kind, 0) + EACH.get(kind, 0) * count
        if place > len(self.data):
            raise Failure("the kernel's BTF ends too early")

    def raw_name(self, offset: int) -> bytes:
        """A string."""
        end = self.strings.find(b"\0", offset, offset + MAX_NAME)
        return self.strings[offset:max(end, offset)]

    def text(self, offset: int) -> str:
        """A name that is fit for C and for terminals."""
        name = self.raw_name(offset).decode("ascii", "replace")
        return name if name.isidentifier() else ""

    def type(self, number: int) -> Type:
        """A type by number, without typedefs and qualifiers."""
        for _ in range(MAX_DEPTH):
            if not 0 <= number < len(self.types):
                break
            found = self.types[number]
            if found.kind not in QUALIFIERS:
                return found
            number = found.size
        raise Failure("BTF refers to no type")

    def members(self, of: Type) -> Iterator[Member]:
        """Members of a structure."""
        for index in range(of.count):
            self.work += 1
            if self.work > MAX_WORK:
                raise Failure("the kernel's BTF makes no sense")
            name, number, offset = TRIPLE.unpack_from(
                self.data, of.more + TRIPLE.size * index)
            bits = offset >> 24 if of.has_bits else 0
            yield Member(self.text(name), number,
                         offset & 0xffffff if of.has_bits else offset, bits)

    def array(self, of: Type) -> Tuple[int, int]:
        """Type of an element, and how many there are."""
        element, _index, count = TRIPLE.unpack_from(self.data, of.more)
        return element, count

    def size(self, number: int, depth: int = 0) -> int:
        """Bytes of a value."""
        found = self.type(number)
        if found.kind == ARRAY and depth < MAX_DEPTH:
            element, count = self.array(found)
            return self.size(element, depth + 1) * count
        if found.kind in (POINTER, FUNCTION, PROTOTYPE):
            return POINTER_BYTES
        return found.size if found.kind in (INT, STRUCT, UNION, ENUM, ENUM64,
                                            FLOAT) else 0

    def structure(self, name: str) -> Optional[Type]:
        """A structure or union by name."""
        number = self.by_name.get(name.encode())
        return self.types[number] if number else None

    def find(self, of: Type, name: str, base: int = 0,
             depth: int = 0) -> Optional[Member]:
        """A member, also one of a nameless member; @base in bits."""
        for member in self.members(of):
            if member.name == name:
                return member._replace(first=base + member.first)
            inner = self.type(member.type)
            if (not member.name and inner.kind in (STRUCT, UNION)
                    and depth < MAX_DEPTH):
                found = self.find(inner, name, base + member.first, depth + 1)
                if found:
                    return found
        return None

    def place(self, name: str, path: str) -> Optional[Place]:
        """Where "member.member" of a structure is."""
        self.work = 0
        of, first, member = self.structure(name), 0, None
        for word in path.split("."):
            member = self.find(of, word, first) if of else None
            if member is None:
                return None
            first, of = member.first, self.type(member.type)
        assert member is not None
        return placed(member, self.size(member.type))


def placed(member: Member, size: int) -> Place:
    """The bytes a member, maybe a bit field, is in."""
    if not member.bits:
        return Place(member.first // 8, size)
    return Place(member.first // 8, (member.first % 8 + member.bits + 7) // 8,
                 member.first % 8, member.bits)


class Declarations:
    """C declarations of some structures, each member where BTF has it.

    What is between the members that C can say is padding, so that a compiler
    has nothing to decide.  Only the named structures have members; pointers
    to others are pointers to unknown structures.
    """

    def __init__(self, btf: Btf, names: List[str]) -> None:
        self.btf = btf
        btf.work = 0
        self.lines = ["/* Structures of a Linux kernel, from its BTF */"]
        self.wanted: Set[str] = set(names)
        self.gaps = 0
        self.done: Set[str] = set()
        for name in names:
            self.declare(name)
        for name in sorted(self.done):
            self.lines.append(f"struct {name} *amdvi_pointer_to_{name};")

    def text(self) -> str:
        """A C file."""
        return "\n".join(self.lines) + "\n"

    def declare(self, name: str) -> None:
        """One structure, after those that are in it."""
        of = self.btf.structure(name)
        if of is None or name in self.done:
            return
        self.done.add(name)
        body = self.body(of, 1)
        self.lines += [f"struct {name} {{", *body,
                       "} __attribute__((packed));"]

    def body(self, of: Type, depth: int) -> List[str]:
        """Members and padding."""
        if of.kind == UNION:
            return self.union_body(of, depth)
        lines, place = [], 0
        for member in self.btf.members(of):
            text, bits = self.member(member, depth)
            if text is None or member.first < place:
                continue
            lines += self.padding(place, member.first, depth) + text
            place = member.first + bits
        return lines + self.padding(place, 8 * of.size, depth)

    def union_body(self, of: Type, depth: int) -> List[str]:
        """Members that all begin at the start."""
        lines = self.padding(0, 8 * of.size, depth)
        for member in self.btf.members(of):
            lines += self.member(member, depth)[0] or []
        return lines

    def member(self, member: Member,
               depth: int) -> Tuple[Optional[List[str]], int]:
        """Lines of a member and its bits; None: C cannot say it here."""
        indent = "    " * depth
        if member.bits:
            word = "unsigned int" if member.bits <= 32 else INTEGERS[8]
            return [f"{indent}{word} {member.name}:{member.bits};"], \
                member.bits
        inner, suffix, number = self.btf.type(member.type), "", member.type
        if inner.kind == ARRAY:
            number, count = self.btf.array(inner)
            inner, suffix = self.btf.type(number), f"[{count}]"
        bits = 8 * self.btf.size(member.type)
        if (not member.name and suffix) or depth > MAX_DEPTH or not bits:
            return None, 0
        head = self.head(inner, number, depth)
        if head is None:
            return None, 0
        head[-1] += f" {member.name}".rstrip() + suffix + ";"
        return [indent + head[0], *head[1:]], bits

    def head(self, inner: Type, number: int, depth: int) -> Optional[List[str]]:
        """What stands before the name of a member."""
        name = self.btf.text(inner.name)
        if inner.kind in (STRUCT, UNION):
            if inner.kind == STRUCT and name in self.wanted:
                self.declare(name)
                return [f"struct {name}"]
            if name:
                return None
            word = "struct" if inner.kind == STRUCT else "union"
            return [f"{word} {{", *self.body(inner, depth + 1),
                    "    " * depth + "} __attribute__((packed))"]
        if inner.kind == POINTER:
            return [self.pointer(inner)]
        size = self.btf.size(number)
        return [INTEGERS[size]] if size in INTEGERS else None

    def pointer(self, of: Type) -> str:
        """A pointer's type, with the star."""
        to = self.btf.type(of.size) if of.size else None
        if to and to.kind == STRUCT and self.btf.text(to.name):
            return f"struct {self.btf.text(to.name)} *"
        if to and to.kind == INT and to.size in INTEGERS:
            return f"{INTEGERS[to.size]} *"
        return "void *"

    def padding(self, start: int, end: int, depth: int) -> List[str]:
        """A gap, in bits."""
        lines, indent = [], "    " * depth
        if start % 8 and end > start:
            bits = min(8 - start % 8, end - start)
            lines.append(f"{indent}unsigned int :{bits};")
            start += bits
        if end - start >= 8:
            self.gaps += 1
            lines.append(f"{indent}unsigned char "
                         f"amdvi_gap{self.gaps}[{(end - start) // 8}];")
            start += (end - start) // 8 * 8
        if end > start:
            lines.append(f"{indent}unsigned int :{end - start};")
        return lines
