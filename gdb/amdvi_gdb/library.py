# SPDX-License-Identifier: GPL-2.0-or-later
"""libamdvi-views for Python: the functions of amdvi-inspect/face.h.

Nothing here decodes or walks; what is shown comes from the library as text.
"""

import contextlib
import ctypes
import json
import os
from pathlib import Path
from typing import (Any, Callable, ContextManager, Dict, Iterator, List,
                    NamedTuple, Optional, Tuple)

SONAME = "libamdvi-views.so.0"
NO_PASID = 0xffffffff
# enum amdvi_callback_status
READ_OK, READ_NO_MEMORY, READ_FAILED = 0, 1, 2
MESSAGE_BYTES = 256


class Failure(Exception):
    """What went wrong, in one sentence for people."""


class NoMemory(Exception):
    """A reader's answer: nothing is at this address."""


# Reads so many bytes at a physical address
Reader = Callable[[int, int], bytes]
# What is entered once for many reads
Around = Callable[[], ContextManager[None]]

READ = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint64,
                        ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p)


class Callbacks(ctypes.Structure):
    """struct amdvi_callbacks"""

    _fields_ = [("read", READ), ("opaque", ctypes.c_void_p),
                ("kind", ctypes.c_char_p), ("memory_map", ctypes.c_char_p),
                ("pci", ctypes.c_char_p)]


class View(NamedTuple):
    """One view: a command of amdvi-inspect, and of GDB."""

    name: str
    args: str
    help: str
    needs_vm: bool


def candidates(wanted: str) -> List[str]:
    """Where to look for the library, best first."""
    if wanted:
        return [wanted]
    named = os.environ.get("AMDVI_VIEWS_LIBRARY")
    if named:
        return [named]
    top = Path(__file__).resolve().parent.parent.parent
    build = top / os.environ.get("BUILD", "build")
    return [str(build / "lib" / SONAME), SONAME]


def load(wanted: str = "") -> ctypes.CDLL:
    """Load the library, from the file @wanted or where it usually is."""
    reason = ""
    for name in candidates(wanted):
        # It finds libamdvi beside the file, not beside a link to it.
        file = os.path.realpath(name) if os.sep in name else name
        try:
            return declare(ctypes.CDLL(file))
        except (OSError, AttributeError) as error:
            reason = reason or str(error)
    raise Failure(f"no {SONAME} ({reason}): run \"make tools\", or say "
                  "\"set amdvi library FILE\"")


def declare(lib: ctypes.CDLL) -> ctypes.CDLL:
    """Types of the functions in face.h; AttributeError if one is missing."""
    face, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64
    strings = ctypes.POINTER(text)
    numbers = ctypes.POINTER(number)
    for name, result, arguments in (
            ("new", face, []),
            ("free", None, [face]),
            ("message", text, [face]),
            ("open_qmp", ctypes.c_int, [face, text, text, ctypes.c_int]),
            ("open_callbacks", ctypes.c_int,
             [face, ctypes.POINTER(Callbacks)]),
            ("close", None, [face]),
            ("run", ctypes.c_int,
             [face, ctypes.c_int, strings, ctypes.POINTER(ctypes.c_void_p)]),
            ("free_text", None, [ctypes.c_void_p]),
            ("next_break", ctypes.c_int,
             [face, ctypes.POINTER(ctypes.c_void_p)]),
            ("view", ctypes.c_bool,
             [ctypes.c_size_t, strings, strings, strings,
              ctypes.POINTER(ctypes.c_bool)]),
            ("register_name", text, [ctypes.c_size_t]),
            ("device", ctypes.c_int,
             [face, ctypes.c_size_t, ctypes.POINTER(ctypes.c_uint16),
              ctypes.POINTER(ctypes.c_bool)]),
            ("register", ctypes.c_int, [face, text, numbers]),
            ("dte", ctypes.c_int, [face, text, text, numbers]),
            ("walk", ctypes.c_int,
             [face, text, ctypes.c_uint32, number, numbers, numbers]),
            ("read", ctypes.c_int,
             [face, text, ctypes.c_uint32, number, ctypes.c_void_p,
              number])):
        function = getattr(lib, f"amdvi_face_{name}")
        function.restype = result
        function.argtypes = arguments
    # of libamdvi, which comes along
    lib.amdvi_version.restype = text
    lib.amdvi_version.argtypes = []
    return lib


def text_of(value: Optional[bytes]) -> str:
    """A string of the library."""
    return (value or b"").decode("utf-8", "replace")


def printable(text: str) -> str:
    """A text without what a terminal would take amiss: dots instead."""
    return "".join(c if " " <= c <= "~" else "." for c in text)


def version(lib: ctypes.CDLL) -> str:
    """Version of libamdvi."""
    return text_of(lib.amdvi_version())


def views(lib: ctypes.CDLL) -> Iterator[View]:
    """All views, in the order of help."""
    index = 0
    name, args, about = ctypes.c_char_p(), ctypes.c_char_p(), ctypes.c_char_p()
    needs_vm = ctypes.c_bool()
    while lib.amdvi_face_view(index, ctypes.byref(name), ctypes.byref(args),
                              ctypes.byref(about), ctypes.byref(needs_vm)):
        yield View(text_of(name.value), text_of(args.value),
                   text_of(about.value), needs_vm.value)
        index += 1


def registers(lib: ctypes.CDLL) -> Iterator[str]:
    """Names of all registers."""
    index = 0
    name = lib.amdvi_face_register_name(index)
    while name is not None:
        yield text_of(name)
        index += 1
        name = lib.amdvi_face_register_name(index)


def read_callback(reader: Reader) -> Callable[..., int]:
    """A C callback around a reader: it raises nothing."""
    def read(_opaque: int, address: int, buffer: int, size: int,
             message: int) -> int:
        try:
            data = reader(address, size)
            if len(data) != size:
                raise Failure(f"{len(data)} bytes instead of {size}")
            ctypes.memmove(buffer, data, size)
            return READ_OK
        except NoMemory:
            return READ_NO_MEMORY
        except BaseException as error:  # no exception can pass through C
            told = str(error).encode()[:MESSAGE_BYTES - 1] + b"\0"
            ctypes.memmove(message, told, len(told))
            return READ_FAILED
    return read


class Face:
    """A VM and what can be asked about its IOMMU."""

    def __init__(self, lib: ctypes.CDLL) -> None:
        self.lib = lib
        self.face = lib.amdvi_face_new()
        self.callbacks: Optional[Callbacks] = None
        self.around: Around = contextlib.nullcontext
        if not self.face:
            raise Failure("out of memory")

    def close(self) -> None:
        """Disconnect and free."""
        if self.face:
            self.lib.amdvi_face_free(self.face)
        self.face = None

    def check(self, code: int) -> None:
        """Raise if a call failed."""
        if code:
            raise Failure(text_of(self.lib.amdvi_face_message(self.face)))

    def open_qmp(self, address: str, iommu: str, timeout_ms: int) -> None:
        """Connect to a QMP socket."""
        self.check(self.lib.amdvi_face_open_qmp(
            self.face, address.encode(), iommu.encode() or None, timeout_ms))

    def open_reader(self, reader: Reader, memory_map: str, pci: str,
                    around: Around) -> None:
        """Read memory of a stub by a function, with many calls of it in a
        context; the rest is monitor text."""
        self.around = around
        self.callbacks = Callbacks(
            READ(read_callback(reader)), None, b"gdbstub",
            memory_map.encode(), pci.encode())
        self.check(self.lib.amdvi_face_open_callbacks(
            self.face, ctypes.byref(self.callbacks)))

    def run(self, words: List[str]) -> Tuple[str, str]:
        """Show a view: its text, and what went wrong or ""."""
        argv = (ctypes.c_char_p * len(words))(*(w.encode() for w in words))
        pointer = ctypes.c_void_p()
        with self.around():
            code = self.lib.amdvi_face_run(self.face, len(words), argv,
                                           ctypes.byref(pointer))
        text = self.take_text(pointer)
        message = text_of(self.lib.amdvi_face_message(self.face))
        return text, message if code else ""

    def take_text(self, pointer: ctypes.c_void_p) -> str:
        """A string that the library has made for its caller."""
        text = text_of(ctypes.string_at(pointer.value)
                       if pointer.value else b"")
        self.lib.amdvi_face_free_text(pointer)
        return text

    def next_break(self) -> Optional[Dict[str, Any]]:
        """Why the VM has stopped, in the words of AMD_IOMMU_BREAK."""
        pointer = ctypes.c_void_p()
        code = self.lib.amdvi_face_next_break(self.face,
                                              ctypes.byref(pointer))
        text = self.take_text(pointer)
        self.check(code)
        found: Optional[Dict[str, Any]] = json.loads(text) if text else None
        return found

    def json(self, *words: str) -> Dict[str, Any]:
        """A view's JSON."""
        text, problem = self.run([*words, "--json"])
        try:
            found = json.loads(text)
        except ValueError:
            raise Failure(problem or "no JSON") from None
        if not isinstance(found, dict):
            raise Failure("no JSON object")
        return found

    def devices(self) -> Iterator[str]:
        """Addresses of the PCI functions, "00:04.0"."""
        index, number = 0, ctypes.c_uint16()
        found = ctypes.c_bool()
        while True:
            self.check(self.lib.amdvi_face_device(
                self.face, index, ctypes.byref(number), ctypes.byref(found)))
            if not found.value:
                return
            bdf = number.value
            yield f"{bdf >> 8:02x}:{bdf >> 3 & 31:02x}.{bdf & 7}"
            index += 1

    def register(self, name: str) -> int:
        """Value of a register."""
        value = ctypes.c_uint64()
        with self.around():
            self.check(self.lib.amdvi_face_register(
                self.face, name.encode(), ctypes.byref(value)))
        return value.value

    def dte(self, bdf: str, field: str) -> int:
        """A field of a device table entry."""
        value = ctypes.c_uint64()
        with self.around():
            self.check(self.lib.amdvi_face_dte(
                self.face, bdf.encode(), field.encode(),
                ctypes.byref(value)))
        return value.value

    def walk(self, bdf: str, pasid: int, address: int) -> int:
        """Physical address of what a device sees at an address."""
        output, size = ctypes.c_uint64(), ctypes.c_uint64()
        with self.around():
            self.check(self.lib.amdvi_face_walk(
                self.face, bdf.encode(), pasid, address,
                ctypes.byref(output), ctypes.byref(size)))
        return output.value

    def read(self, bdf: str, pasid: int, address: int, size: int) -> bytes:
        """Memory as a device sees it."""
        buffer = ctypes.create_string_buffer(size)
        with self.around():
            self.check(self.lib.amdvi_face_read(
                self.face, bdf.encode(), pasid, address, buffer, size))
        return buffer.raw
