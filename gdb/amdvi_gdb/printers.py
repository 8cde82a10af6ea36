# SPDX-License-Identifier: GPL-2.0-or-later
"""Pretty printers: structures of Linux's driver, and of the engine in QEMU.

What the hardware defines is decoded by libamdvi-views; the rest are a few
members that are worth seeing, under the words the manual has for them.
"""

import functools
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, Union

import gdb
import gdb.printing

from . import library
from .kernel import find_field
from .library import Failure
from .session import SESSION

Child = Tuple[str, Union[str, int, gdb.Value]]
NO_DEVICE = NO_PASID = 0xffffffff
# enum protection_domain_mode, and struct iommu_domain's type
DOMAIN_TABLES = {0: "none", 1: "version 1", 2: "version 2"}
DOMAIN_TYPES = {0: "blocked", 1: "unmanaged", 3: "DMA", 4: "identity",
                11: "DMA-FQ", 16: "SVA"}
# AMDVI_GROUPS
GROUPS = 512
MAX_DEVICES = 1024
# AmdviRecordKind to what its words are
RECORD_WORDS = {"AMDVI_RECORD_COMMAND": "command",
                "AMDVI_RECORD_EVENT": "event",
                "AMDVI_RECORD_PAGE_REQUEST": "ppr"}
BITS_64 = 0xffffffffffffffff


def member(value: gdb.Value, path: str) -> Optional[gdb.Value]:
    """A member of a member; None where a kernel has none."""
    for word in path.split("."):
        if find_field(value.type, word) is None:
            return None
        value = value[word]
    return value


def number(value: gdb.Value, path: str) -> int:
    """A member's number, 0 without such a member."""
    if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
        value = value.dereference()
    found = member(value, path)
    return 0 if found is None else int(found)


def quads(value: gdb.Value, path: str, count: int) -> List[int]:
    """Words of an array of 64 bits."""
    words = value[path]
    return [int(words[i]) & BITS_64 for i in range(count)]


def data_quads(value: gdb.Value) -> List[int]:
    """The driver's array "data", of whatever width, as 64-bit words."""
    cells = value["data"]
    first, last = cells.type.range()
    size = cells.type.target().sizeof
    raw = b"".join((int(cells[i]) & BITS_64).to_bytes(8, "little")[:size]
                   for i in range(first, last + 1))
    return [int.from_bytes(raw[i:i + 8], "little")
            for i in range(0, len(raw), 8)]


@functools.lru_cache(maxsize=4096)
def decode(lib: Any, name: str, words: Tuple[int, ...]) -> Tuple[str, ...]:
    """What the library says of some words: name, and fields that are set."""
    face = library.Face(lib)
    try:
        found = face.json("explain", name, *(hex(word) for word in words))
    finally:
        face.close()
    reading = found["readings"][0]
    return (reading["kind"], *reading["set"])


def decoded(name: str, words: List[int]) -> Tuple[str, List[Child]]:
    """Name and fields of an entry; the words, if that is not possible."""
    try:
        kind, *fields = decode(SESSION.lib(), name, tuple(words))
    except Failure:
        return name, [(f"word {i}", f"{word:#018x}")
                      for i, word in enumerate(words)]
    pairs = (field.partition("=") for field in fields)
    return kind, [(field, value or "1") for field, _equal, value in pairs]


def fields_of(name: str, words: List[int]) -> str:
    """The fields that are set, in one line."""
    return " ".join(f"{field}={value}" if value != "1" else str(field)
                    for field, value in decoded(name, words)[1]) or "-"


def line(name: str, words: List[int]) -> str:
    """The same behind the entry's name."""
    return f"{decoded(name, words)[0]} {fields_of(name, words)}"


def bdf_of(device_id: int) -> str:
    """A DeviceID as 00:05.0."""
    if device_id == NO_DEVICE:
        return "-"
    return f"{device_id >> 8:02x}:{device_id >> 3 & 31:02x}.{device_id & 7}"


def pasid_of(pasid: int) -> str:
    """A PASID, if there is one."""
    return "-" if pasid & NO_PASID == NO_PASID else str(pasid)


def words_set(value: gdb.Value, *names: str) -> str:
    """Names of the members that are not 0."""
    return " ".join(name for name in names if number(value, name)) or "-"


class Printer:
    """What GDB wants: a line, and children."""

    def __init__(self, title: str, children: List[Child]) -> None:
        self.title = title
        self.list = children

    def to_string(self) -> str:
        """In front of the children."""
        return self.title

    def children(self) -> Iterator[Child]:
        """The members shown."""
        return iter(self.list)


def entry(name: str) -> Callable[[gdb.Value], Printer]:
    """A structure whose data are an entry of the hardware's."""
    def make(value: gdb.Value) -> Printer:
        return Printer(*decoded(name, data_quads(value)))
    return make


# --- Linux ----------------------------------------------------------------


def gcr3_info(value: gdb.Value) -> Printer:
    """struct gcr3_tbl_info"""
    if not number(value, "gcr3_tbl"):
        return Printer("no GCR3 table", [])
    return Printer("GCR3 table", [
        ("at", f"{number(value, 'gcr3_tbl'):#x}"),
        ("GLX", number(value, "glx")), ("DomainID", number(value, "domid")),
        ("PASIDs", number(value, "pasid_cnt"))])


def device_data(value: gdb.Value) -> Printer:
    """struct iommu_dev_data"""
    children: List[Child] = [
        ("ATS", number(value, "ats_enabled")),
        ("PRI", number(value, "pri_enabled")),
        ("PASID", number(value, "pasid_enabled")),
        ("PPR", number(value, "ppr")),
        ("max_pasids", number(value, "max_pasids"))]
    for name in ("gcr3_info", "domain"):
        found = member(value, name)
        if found is not None:
            children.append((name, found))
    return Printer(f"device {bdf_of(number(value, 'devid'))}", children)


def protection_domain(value: gdb.Value) -> Printer:
    """struct protection_domain"""
    children: List[Child] = [
        ("DomainID", number(value, "id")),
        ("type", DOMAIN_TYPES.get(number(value, "domain.type"), "?")),
        ("tables", DOMAIN_TABLES.get(number(value, "pd_mode"), "?"))]
    top = number(value, "amdv1.amdpt.common.top_of_table")
    if number(value, "pd_mode") == 1 and top:
        children += [("Mode", (top & 7) + 1), ("HostPTRoot at",
                                               f"{top & ~0xfff:#x}")]
    elif number(value, "iop.root"):
        children += [("Mode", number(value, "iop.mode")),
                     ("HostPTRoot at", f"{number(value, 'iop.root'):#x}")]
    return Printer("domain", children)


def linux_iommu(value: gdb.Value) -> Printer:
    """struct amd_iommu"""
    features = number(value, "features")
    return Printer(f"IOMMU {bdf_of(number(value, 'devid'))}", [
        ("registers", f"{number(value, 'mmio_phys'):#x}"),
        ("EFR", fields_of("efr", [features])),
        ("EFR2", fields_of("efr2", [number(value, "features2")])),
        ("command tail", f"{number(value, 'cmd_buf_tail'):#x}"),
        ("COMPLETION_WAIT", number(value, "cmd_sem_val")),
        ("pci_seg", value["pci_seg"])])


# --- The engine in QEMU ---------------------------------------------------


def registers(value: gdb.Value) -> List[Child]:
    """Those that are not 0, decoded."""
    children: List[Child] = []
    for index, name in enumerate(library.registers(SESSION.lib())):
        word = int(value["reg"][index]["value"])
        if word:
            children.append((name, f"{word:#x} {fields_of(name, [word])}"))
    return children


def place_of(device: gdb.Value) -> str:
    """Where an AmdviDevice is; behind a bridge the guest numbers the bus."""
    devfn = number(device, "devfn")
    if number(device, "bridge"):
        return f"??:{devfn >> 3:02x}.{devfn & 7}"
    return bdf_of(number(device, "root_number") << 8 | devfn)


def places(first: gdb.Value) -> str:
    """Where the devices of a list are."""
    found: List[str] = []
    while int(first) and len(found) < MAX_DEVICES:
        found.append(place_of(first))
        first = first["next"]["le_next"]
    return " ".join(found) or "-"


def engine(value: gdb.Value) -> Printer:
    """AmdviEngine"""
    try:
        children = registers(value)
    except Failure:
        children = [("reg", value["reg"])]
    state = words_set(value, "command_error", "executing", "irq_pending",
                      "abort_pending")
    return Printer("amd-iommu,svm=on", [
        ("state", state), *children,
        ("completion_waits", number(value, "completion_waits")),
        ("iotlb", value["iotlb"]),
        ("devices", places(value["devices"]["lh_first"]))])


def engine_device(value: gdb.Value) -> Printer:
    """AmdviDevice"""
    children: List[Child] = [("DTE cache", value["dte_cache"]),
                             ("faults", words_set(value, "fault_reported"))]
    groups = value["groups"]
    if int(groups):
        children += [(f"PRG index {i}", groups[i]) for i in range(GROUPS)
                     if int(groups[i]["open"])]
    return Printer(f"device {place_of(value)}", children)


def dte_cache(value: gdb.Value) -> Printer:
    """AmdviDteCache"""
    if not number(value, "time"):
        return Printer("nothing cached", [])
    name, fields = decoded("dte", quads(value, "dte", 4))
    return Printer(f"{name} as of time {number(value, 'time')}", fields)


def group(value: gdb.Value) -> Printer:
    """AmdviGroup"""
    if not number(value, "open"):
        return Printer("no page request group", [])
    return Printer("open page request group", [
        ("PASID", pasid_of(number(value, "pasid"))),
        ("pages", number(value, "pages")),
        ("state", words_set(value, "last", "answered")),
        ("since (ns)", number(value, "since"))])


def iotlb(value: gdb.Value) -> Printer:
    """AmdviIotlb"""
    return Printer("IOTLB", [
        ("sets", number(value, "sets")), ("time", number(value, "time")),
        ("flushed", number(value, "flushed")), ("count", value["count"])])


def space(value: gdb.Value) -> Printer:
    """AmdviSpace"""
    return Printer("address space", [
        ("DomainID", number(value, "domain_id")),
        ("GN", number(value, "guest")), ("nested", number(value, "nested")),
        ("PASID", number(value, "pasid") if number(value, "guest") else "-"),
        ("privileged", number(value, "priv"))])


def record(value: gdb.Value) -> Printer:
    """AmdviRecord"""
    kind, words = str(value["kind"]), quads(value, "words", 2)
    named = RECORD_WORDS.get(kind)
    what: Child = (("is", line(named, words)) if named else
                   ("words", " ".join(f"{word:#x}" for word in words)))
    return Printer(kind.replace("AMDVI_RECORD_", "").lower(), [
        ("number", number(value, "number")),
        ("time (ns)", number(value, "time")),
        ("DeviceID", bdf_of(number(value, "device_id"))),
        ("PASID", pasid_of(number(value, "pasid"))),
        ("detail", number(value, "detail")), what])


def ring(value: gdb.Value) -> Printer:
    """AmdviRegister"""
    return Printer(f"{number(value, 'value'):#x}", [
        ("reset", f"{number(value, 'reset'):#x}"),
        ("writable", f"{number(value, 'writable'):#x}")])


# --- The walk -------------------------------------------------------------


def request(value: gdb.Value) -> Printer:
    """struct amdvi_request"""
    kind = str(value["kind"]).replace("AMDVI_REQUEST_", "")
    return Printer(f"{kind} request", [
        ("DeviceID", bdf_of(number(value, "device_id"))),
        ("PASID", pasid_of(number(value, "pasid"))),
        ("address", f"{number(value, 'addr'):#x}"),
        ("for", words_set(value, "read", "write", "exec", "priv"))])


def permissions(bits: int) -> str:
    """AMDVI_PERM_* as in a listing."""
    return "".join(letter if bits >> i & 1 else "-"
                   for i, letter in enumerate("rwx"))


def result(value: gdb.Value) -> Printer:
    """struct amdvi_result"""
    outcome = str(value["outcome"]).replace("AMDVI_OUTCOME_", "").lower()
    children: List[Child] = [
        ("reason", str(value["reason"]).replace("AMDVI_REASON_", "")),
        ("address", f"{number(value, 'addr'):#x}"),
        ("page", f"2^{number(value, 'page_shift')}"),
        ("permits", permissions(number(value, "perm"))),
        ("DomainID", number(value, "domain_id")),
        ("tables", words_set(value, "guest", "nested"))]
    if number(value, "has_event"):
        children.append(("event", line("event", quads(value, "event", 2))))
    return Printer(outcome, children)


def step(value: gdb.Value) -> Printer:
    """struct amdvi_step"""
    layout = value["layout"]
    count = 4 if not number(value, "level") else 1
    what = "entry"
    if int(layout):
        what = layout["id"].string(length=64, errors="replace")
    return Printer(str(value["stage"]).replace("AMDVI_STAGE_", ""), [
        ("level", number(value, "level")),
        ("input", f"{number(value, 'input'):#x}"),
        ("at", f"{number(value, 'spa'):#x}"),
        ("is", line(what.split("\0")[0], quads(value, "word", count)))])


PRINTERS: Dict[str, Callable[[gdb.Value], Printer]] = {
    "dev_table_entry": entry("dte"),
    "iommu_cmd": entry("command"),
    "gcr3_tbl_info": gcr3_info,
    "iommu_dev_data": device_data,
    "protection_domain": protection_domain,
    "amd_iommu": linux_iommu,
    "AmdviEngine": engine,
    "AmdviDevice": engine_device,
    "AmdviDteCache": dte_cache,
    "AmdviGroup": group,
    "AmdviIotlb": iotlb,
    "AmdviSpace": space,
    "AmdviRecord": record,
    "AmdviRegister": ring,
    "amdvi_request": request,
    "amdvi_result": result,
    "amdvi_step": step,
}


class Collection(gdb.printing.PrettyPrinter):
    """Finds the printer of a type by the name of its structure."""

    def __init__(self) -> None:
        super().__init__("amdvi")

    def __call__(self, value: gdb.Value) -> Optional[Printer]:
        kind = value.type.strip_typedefs()
        make = (PRINTERS.get(kind.tag)
                if kind.code == gdb.TYPE_CODE_STRUCT and kind.tag else None)
        if make is None or not kind.fields():
            return None
        return make(value)


def define() -> None:
    """Define the printers; "disable pretty-printer global amdvi" undoes it."""
    gdb.printing.register_pretty_printer(None, Collection(), replace=True)
