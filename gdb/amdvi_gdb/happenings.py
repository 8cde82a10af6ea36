# SPDX-License-Identifier: GPL-2.0-or-later
"""After "amdvi break" has stopped the VM: what for, and the walk explained."""

from typing import Any, Dict, List, Tuple

import gdb

from . import library
from .library import Failure, printable
from .session import SESSION

# What the words of a happening are, and the fields that mean write, execute
ENTRIES = {"page-request": ("ppr", "W", "X"), "fault": ("event", "RW", "NX")}
# Members of the event and how they are shown, as in "amdvi break"
SHOWN = (("pasid", "PASID {}"), ("address", "{:#x}"),
         ("prg-index", "PRGIndex {}"), ("reason", "{}"))
# Members by what they have to be, whatever is behind the socket: numbers of
# so many bits, and text
NUMBERS = {"number": 64, "device-id": 16, "pasid": 20, "address": 64,
           "prg-index": 9}
TEXTS = ("kind", "reason")


def fits(value: Any, bits: int) -> bool:
    """Whether it is a number of so many bits."""
    return isinstance(value, int) and 0 <= value < 1 << bits


def understood(told: Dict[str, Any]) -> Dict[str, Any]:
    """What makes sense of a happening, with text that may be shown."""
    found = {name: told[name] for name, bits in NUMBERS.items()
             if fits(told.get(name), bits)}
    found.update((name, printable(told[name])) for name in TEXTS
                 if isinstance(told.get(name), str))
    words = told.get("words")
    if isinstance(words, list) and all(fits(word, 64) for word in words):
        found["words"] = words
    return found


def bdf_of(device_id: int) -> str:
    """A DeviceID as 00:05.0."""
    return f"{device_id >> 8:02x}:{device_id >> 3 & 31:02x}.{device_id & 7}"


def title(found: Dict[str, Any]) -> str:
    """A happening in one line."""
    parts = [f"amdvi breakpoint {found.get('number', '?')}: "
             f"{found.get('kind', '?')}"]
    if "device-id" in found:
        parts.append(bdf_of(found["device-id"]))
    parts += [form.format(found[name]) for name, form in SHOWN
              if name in found]
    return ", ".join(parts)


def read_entry(face: library.Face, entry: str,
               words: List[int]) -> Tuple[str, List[str]]:
    """An entry in one line, and its fields; or why it is none."""
    try:
        found = face.json("explain", entry, *map(hex, words))
    except Failure as failure:
        return str(failure), []
    reading = found["readings"][0]
    return f"{reading['kind']}: {' '.join(reading['set'])}", reading["set"]


def explain(face: library.Face, found: Dict[str, Any]) -> str:
    """The entry, and the walk of the request that it is about."""
    text = f"\n{title(found)}\n"
    entry, write, execute = ENTRIES.get(found.get("kind", ""),
                                       ("command", "", ""))
    fields: List[str] = []
    if "words" in found:
        line, fields = read_entry(face, entry, found["words"])
        text += f"{line}\n"
    if write and "device-id" in found and "address" in found:
        options = (["--write"] if write in fields else []) + (
            ["--exec"] if execute in fields else [])
        text += "\n" + walk(face, found, options)
    return text


def walk(face: library.Face, found: Dict[str, Any],
         options: List[str]) -> str:
    """How the tables are now."""
    words = ["walk", bdf_of(found["device-id"]), hex(found["address"])]
    if "pasid" in found:
        words += ["--pasid", str(found["pasid"])]
    text, problem = face.run(words + options)
    return text or f"{problem}\n"


def remember(found: Dict[str, Any]) -> None:
    """Convenience variables for what comes next."""
    if "device-id" in found:
        gdb.set_convenience_variable("amdvi_device",
                                     bdf_of(found["device-id"]))
    for name in ("pasid", "address"):
        if name in found:
            gdb.set_convenience_variable(f"amdvi_{name}", found[name])


def stopped(_event: Any) -> None:
    """GDB has stopped: say so, if the IOMMU is why."""
    if not SESSION.breaks or not SESSION.qmp:
        return
    try:
        face = SESSION.connect()
        # With the reply come the events that were before it
        SESSION.breaks = bool(face.json("break")["breakpoints"])
        found = face.next_break()
        while found is not None:
            found = understood(found)
            remember(found)
            gdb.write(explain(face, found))
            found = face.next_break()
    except Failure as failure:
        gdb.write(f"amdvi break: {failure}\n", gdb.STDERR)


def define() -> None:
    """Listen."""
    gdb.events.stop.connect(stopped)
