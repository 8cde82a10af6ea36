# SPDX-License-Identifier: GPL-2.0-or-later
"""After "amdvi break" has stopped the VM: what for, and the walk explained."""

from typing import Any, Dict, List

import gdb

from . import library
from .library import Failure
from .session import SESSION

# What the words of a happening are, and the fields that mean write, execute
ENTRIES = {"page-request": ("ppr", "W", "X"), "fault": ("event", "RW", "NX")}
# Members of the event and how they are shown, as in "amdvi break"
SHOWN = (("pasid", "PASID {}"), ("address", "{:#x}"),
         ("prg-index", "PRGIndex {}"), ("reason", "{}"))


def bdf_of(device_id: int) -> str:
    """A DeviceID as 00:05.0."""
    return f"{device_id >> 8:02x}:{device_id >> 3 & 31:02x}.{device_id & 7}"


def title(found: Dict[str, Any]) -> str:
    """A happening in one line."""
    parts = [f"amdvi breakpoint {found['number']}: {found['kind']}"]
    if "device-id" in found:
        parts.append(bdf_of(found["device-id"]))
    parts += [form.format(found[name]) for name, form in SHOWN
              if name in found]
    return ", ".join(parts)


def explain(face: library.Face, found: Dict[str, Any]) -> str:
    """The entry, and the walk of the request that it is about."""
    text = f"\n{title(found)}\n"
    entry, write, execute = ENTRIES.get(found["kind"], ("command", "", ""))
    fields: List[str] = []
    if "words" in found:
        words = [hex(word) for word in found["words"]]
        reading = face.json("explain", entry, *words)["readings"][0]
        fields = reading["set"]
        text += f"{reading['kind']}: {' '.join(fields)}\n"
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
        while found:
            remember(found)
            gdb.write(explain(face, found))
            found = face.next_break()
    except Failure as failure:
        gdb.write(f"amdvi break: {failure}\n", gdb.STDERR)


def define() -> None:
    """Listen."""
    gdb.events.stop.connect(stopped)
