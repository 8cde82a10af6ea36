# SPDX-License-Identifier: GPL-2.0-or-later
"""amdvi ...: every view of libamdvi-views, and "amdvi x"."""

import re
from typing import List, Optional, Set, Tuple

import gdb

from . import library
from .library import Failure
from .session import SESSION

EVALUATED = "$&*("
TYPES = {"b": "unsigned char", "h": "unsigned short", "w": "unsigned int",
         "g": "unsigned long long"}
FLOATS = {"w": "float", "g": "double"}
SIZES = {"b": 1, "h": 2, "w": 4, "g": 8}
FORMATS = "xduotcfaz"
PER_LINE_BYTES = 16
EXAMINE_MAX_BYTES = 1 << 20

defined: Set[str] = set()


def words_of(argument: str) -> List[str]:
    """The words of a line; GDB expressions, also those behind "NAME=", are
    evaluated to numbers."""
    return [evaluated(word) for word in gdb.string_to_argv(argument or "")]


def evaluated(word: str) -> str:
    """A word with its expression replaced."""
    name, equal, value = word.partition("=")
    if equal and name.isidentifier() and value[:1] in EVALUATED:
        return f"{name}={hex(number(value))}"
    return hex(number(word)) if word[:1] in EVALUATED else word


def number(expression: str) -> int:
    """Value of a GDB expression, not negative."""
    try:
        value = int(gdb.parse_and_eval(expression))
    except gdb.error as error:
        raise Failure(f"{expression}: {error}") from error
    return value & 0xffffffffffffffff


class Prefix(gdb.Command):
    """Decode the AMD IOMMU of the VM.

Usage: amdvi COMMAND [ARGUMENT...]

The VM is the one GDB is attached to, while it is stopped, or the one whose
QMP socket "set amdvi qmp" names, running or not.  The commands print what
amdvi-inspect prints; see its manual."""

    def __init__(self) -> None:
        super().__init__("amdvi", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        """Without a command, or with one that is not defined."""
        try:
            SESSION.lib()
        except Failure as failure:
            raise gdb.GdbError(f"amdvi: {failure}")
        define_views()
        word = (argument or "").split(" ")[0]
        if word in defined:
            gdb.execute(f"amdvi {argument}")
        elif word:
            raise gdb.GdbError(f"amdvi: no command is called {word}; "
                               "see \"help amdvi\"")
        else:
            gdb.execute("help amdvi")


class Show(gdb.Command):
    """A view."""

    def __init__(self, view: library.View) -> None:
        self.view = view
        self.__doc__ = (f"Show {view.help}.\n\nUsage: amdvi {view.name} "
                        f"[OPTION...] {view.args}".rstrip() + "\n\n"
                        "Options are those of amdvi-inspect, for example "
                        "--json and --verbose.")
        super().__init__(f"amdvi {view.name}", gdb.COMMAND_DATA)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        """Run it; what could be shown is shown before an error."""
        self.dont_repeat()
        try:
            words = words_of(argument)
            text, problem = SESSION.show(self.view, words)
        except Failure as failure:
            raise gdb.GdbError(f"amdvi {self.view.name}: {failure}")
        gdb.write(text)
        if problem:
            raise gdb.GdbError(f"amdvi {self.view.name}: {problem}")

    def complete(self, text: str, word: Optional[str]) -> List[str]:
        """Register names or device addresses.

        For GDB the colon of an address ends a word.  Without a word it only
        wants to know where words end."""
        if word is None:
            return []
        whole = text.split(" ")[-1]
        done = len(whole) - len(word)
        return [name[done:] for name in self.names()
                if name.startswith(whole)]

    def names(self) -> List[str]:
        """What may stand as an argument."""
        try:
            if self.view.name == "regs":
                return list(library.registers(SESSION.lib()))
            if "KEY=" in self.view.args:
                return [f"device={bdf}" for bdf in SESSION.connect().devices()]
            if "BDF" in self.view.args:
                return list(SESSION.connect().devices())
        except Failure:
            pass
        return []


class Version(gdb.Command):
    """Print which version of libamdvi decodes, and its file.

Usage: amdvi version"""

    def __init__(self) -> None:
        super().__init__("amdvi version", gdb.COMMAND_SUPPORT)

    def invoke(self, _argument: str, _from_tty: bool) -> None:
        """Print a line."""
        self.dont_repeat()
        try:
            lib = SESSION.lib()
        except Failure as failure:
            raise gdb.GdbError(f"amdvi version: {failure}")
        gdb.write(f"amdvi {library.version(lib)} "
                  f"({lib._name})\n")  # pylint: disable=protected-access


class Dump(gdb.Command):
    """Write the state of the IOMMU to a file.

Usage: amdvi dump [OPTION...] FILE

What amdvi-inspect writes, and opens with -d.  Options are --tables N,
--reason TEXT and, with a QMP socket, --live."""

    def __init__(self) -> None:
        super().__init__("amdvi dump", gdb.COMMAND_DATA,
                         gdb.COMPLETE_FILENAME)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        """Write it."""
        self.dont_repeat()
        words = gdb.string_to_argv(argument or "")
        try:
            text, problem = SESSION.connect().run(["dump", *words])
        except Failure as failure:
            raise gdb.GdbError(f"amdvi dump: {failure}")
        gdb.write(text)
        if problem:
            raise gdb.GdbError(f"amdvi dump: {problem}")


class Examine(gdb.Command):
    """Examine memory as a device sees it.

Usage: amdvi x/FMT BDF PASID ADDRESS

BDF is the device, as 00:05.0; PASID a number, or "-" for requests without
one.  ADDRESS is an expression.  FMT is that of GDB's own command x: a count,
one of the letters xduotcfaz, and a size b, h, w or g.

Example: amdvi x/8xg 00:05.0 1 0x7f0000001000"""

    def __init__(self) -> None:
        super().__init__("amdvi x", gdb.COMMAND_DATA)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        """Read, then print as x does."""
        self.dont_repeat()
        try:
            self.examine(argument or "")
        except Failure as failure:
            raise gdb.GdbError(f"amdvi x: {failure}")

    def examine(self, argument: str) -> None:
        """Print memory."""
        count, form, size = 1, "x", "w"
        match = re.match(r"/(\S+)\s+(.*)", argument)
        if match:
            count, form, size = parse_format(match.group(1))
            argument = match.group(2)
        words = gdb.string_to_argv(argument)
        if len(words) != 3:
            raise Failure("needs BDF PASID ADDRESS")
        pasid = library.NO_PASID if words[1] == "-" else number(words[1])
        address = number(words[2])
        if pasid > 0xfffff and words[1] != "-":
            raise Failure(f"not a PASID: {words[1]}")
        data = SESSION.connect().read(words[0], pasid, address,
                                      count * SIZES[size])
        gdb.write(dump(data, address, form, size))


def parse_format(text: str) -> Tuple[int, str, str]:
    """Count, format letter and size letter of "4xg"."""
    match = re.fullmatch(r"(\d*)([a-z]*)", text)
    letters = match.group(2) if match else "?"
    form, size = "x", "w"
    for letter in letters:
        if letter in SIZES:
            size = letter
        elif letter in FORMATS:
            form = letter
        else:
            raise Failure(f"not a format: {text}")
    count = int(match.group(1) or 1) if match else 0
    if not 0 < count * SIZES[size] <= EXAMINE_MAX_BYTES:
        raise Failure(f"not a count: {text}")
    return count, form, size


def dump(data: bytes, address: int, form: str, size: str) -> str:
    """Lines of "ADDRESS: VALUE..."."""
    kinds = FLOATS if form == "f" and size in FLOATS else TYPES
    kind = gdb.lookup_type(kinds[size])
    step, lines = SIZES[size], []
    for start in range(0, len(data), PER_LINE_BYTES):
        part = data[start:start + PER_LINE_BYTES]
        values = [gdb.Value(part[i:i + step], kind).format_string(format=form)
                  for i in range(0, len(part), step)]
        lines.append(f"{address + start:#x}:\t" + "\t".join(values) + "\n")
    return "".join(lines)


def define_views() -> None:
    """A command for each view, as far as the library is there."""
    try:
        lib = SESSION.lib()
    except Failure:
        return
    for view in library.views(lib):
        if view.name not in defined:
            Show(view)
            defined.add(view.name)


def define() -> None:
    """Define all commands."""
    Prefix()
    Version()
    Dump()
    Examine()
    define_views()
