# SPDX-License-Identifier: GPL-2.0-or-later
"""amdvi linux: what the guest's AMD IOMMU driver believes, beside the truth.

The driver's lists are followed in the kernel's memory; what the IOMMU and the
devices see comes from libamdvi-views, as everywhere else.
"""

from typing import Iterator, List, NamedTuple, Optional, Set, Tuple

import gdb

from . import library
from .btf import Declarations
from .kernel import Kernel, Object, structure
from .library import Failure
from .session import SESSION

# What is read of the driver; pretty printers know the first ones
STRUCTURES = [
    "dev_table_entry", "iommu_cmd", "gcr3_tbl_info", "iommu_dev_data",
    "protection_domain", "amd_iommu", "amd_iommu_pci_seg",
    "pdom_dev_data", "irq_remap_table", "list_head", "llist_head",
    "llist_node", "iommu_domain", "pt_iommu", "pt_common", "pt_amdv1",
    "pt_x86_64", "pt_iommu_amdv1", "pt_iommu_x86_64", "amd_io_pgtable",
    "iommu_mm_data", "mm_struct", "task_struct"]
# enum protection_domain_mode
V1, V2 = 1, 2
# struct pt_common: the level of the top table is in the low bits of its
# address, counted from 0
TOP_LEVEL = 7
PAGE = ~0xfff
# A register's bits that are an address
BASE = 0x000ffffffffff000
# What the driver's structure has, and the register with the same
RINGS = (("Command buffer", "cmd_buf", "cmd-base"),
         ("Event log", "evt_buf", "event-base"),
         ("PPR log", "ppr_log", "ppr-base"))
# The kernel's list of processes that share their memory
SVA_LIST = "iommu_sva_mms"


class Row(NamedTuple):
    """One comparison; None is unknown."""

    of: str
    what: str
    linux: Optional[int]
    iommu: Optional[int]
    is_address: bool = False

    def verdict(self) -> str:
        """In one word."""
        if self.linux is None or self.iommu is None:
            return "unknown"
        return "same" if self.linux == self.iommu else "DIFFERS"


def shown(value: Optional[int], is_address: bool) -> str:
    """A number for people."""
    if value is None:
        return "-"
    return f"{value:#x}" if is_address else str(value)


def bdf_of(device_id: int) -> str:
    """A DeviceID as 00:05.0."""
    return f"{device_id >> 8:02x}:{device_id >> 3 & 31:02x}.{device_id & 7}"


def devices(kernel: Kernel) -> Iterator[Tuple[Object, Object]]:
    """What the driver knows of devices, with their PCI segments."""
    head = kernel.need("amd_iommu_pci_seg_list")
    for segment in kernel.chain(head, "amd_iommu_pci_seg", "list"):
        found = kernel.single_chain(segment.number("dev_data_list"),
                                    "iommu_dev_data", "dev_data_list")
        for device in sorted(found, key=lambda d: d.number("devid")):
            yield segment, device


class Comparison:
    """All rows, found one part after the other; @bdf: only its, or ""."""

    def __init__(self, kernel: Kernel, face: library.Face,
                 bdf: str) -> None:
        self.kernel = kernel
        self.face = face
        self.bdf = bdf
        self.notes: List[str] = []

    def rows(self) -> Iterator[Row]:
        """Everything that is compared."""
        if not self.bdf:
            yield from self.iommus()
        processes = list(self.processes())
        for segment, device in devices(self.kernel):
            if self.bdf in ("", bdf_of(device.number("devid"))):
                yield from self.device(segment, device)
                yield from self.pasids(device, processes)

    def iommus(self) -> Iterator[Row]:
        """The driver's list of IOMMUs; one of them is looked at."""
        base = self.face.json("status")["iommu"]["mmio-base"]
        head = self.kernel.need("amd_iommu_list")
        for iommu in self.kernel.chain(head, "amd_iommu", "list"):
            if iommu.number("mmio_phys") == int(base, 16):
                yield from self.iommu(iommu)
            else:
                self.notes.append(
                    f"Not looked at: IOMMU {iommu.number('index')} at "
                    f"{iommu.number('mmio_phys'):#x}.")

    def physical(self, pointer: Optional[int]) -> Optional[int]:
        """Physical address of a table; 0 for none."""
        return self.kernel.physical(pointer) if pointer else pointer

    def iommu(self, iommu: Object) -> Iterator[Row]:
        """Tables, rings and features of an IOMMU."""
        of, register = bdf_of(iommu.number("devid")), self.face.register
        segment = self.kernel.object("amd_iommu_pci_seg",
                                     iommu.number("pci_seg"))
        yield Row(of, "Device table",
                  self.physical(segment.get("dev_table")),
                  register("devtab-base") & BASE, True)
        for what, member, name in RINGS:
            yield Row(of, what, self.physical(iommu.get(member)),
                      register(name) & BASE, True)
        yield Row(of, "Command tail", iommu.get("cmd_buf_tail"),
                  register("cmd-tail"), True)
        yield Row(of, "EFR", iommu.get("features"), register("efr"), True)
        yield Row(of, "EFR2", iommu.get("features2"), register("efr2"), True)
        pointer = iommu.number("cmd_sem")
        yield Row(of, "COMPLETION_WAIT store", iommu.get("cmd_sem_val"),
                  self.kernel.unsigned(pointer) if pointer else None)

    def domain(self, device: Object) -> Optional[Object]:
        """The domain a device is in."""
        pointer = device.number("domain")
        return (self.kernel.object("protection_domain", pointer) if pointer
                else None)

    def dte_row(self, of: str, what: str, linux: Optional[int],
                is_address: bool = False) -> Row:
        """A field of a device table entry, by the manual's name."""
        return Row(of, what, linux, self.face.dte(of, what), is_address)

    def device(self, segment: Object, device: Object) -> Iterator[Row]:
        """A device table entry."""
        of, domain = bdf_of(device.number("devid")), self.domain(device)
        if domain is None:
            yield self.dte_row(of, "TV", 0)
            return
        gcr3 = self.physical(device.get("gcr3_info.gcr3_tbl"))
        yield self.dte_row(of, "DomainID", device.get("gcr3_info.domid")
                           if gcr3 else domain.get("id"))
        if gcr3 is not None:
            yield self.dte_row(of, "GV", int(gcr3 != 0))
        if gcr3:
            yield self.dte_row(of, "GCR3TRP", gcr3, True)
            yield self.dte_row(of, "GLX", device.get("gcr3_info.glx"))
        yield from self.host_table(of, domain)
        for what, member in (("I", "ats_enabled"), ("PPR", "ppr")):
            if device.get(member) is not None:
                yield self.dte_row(of, what, device.get(member))
        yield from self.interrupts(of, segment, device)

    def host_table(self, of: str, domain: Object) -> Iterator[Row]:
        """Version 1 tables."""
        if domain.number("pd_mode") != V1:
            return
        top = domain.get("amdv1.amdpt.common.top_of_table")
        if top is not None:
            mode, root = (top & TOP_LEVEL) + 1, top & PAGE
        else:
            mode, root = domain.number("iop.mode"), domain.number("iop.root")
        yield self.dte_row(of, "Mode", mode if root else 0)
        yield self.dte_row(of, "HostPTRoot", self.physical(root), True)

    def interrupts(self, of: str, segment: Object,
                   device: Object) -> Iterator[Row]:
        """The interrupt remapping table."""
        tables = segment.number("irq_lookup_table")
        entry = (self.kernel.unsigned(tables + 8 * device.number("devid"))
                 if tables else 0)
        if entry:
            found = self.kernel.object("irq_remap_table", entry)
            yield self.dte_row(of, "IntTabRoot",
                               self.physical(found.get("table")), True)

    def processes(self) -> Iterator[Tuple[int, int, int, str]]:
        """DeviceID, PASID, page table and name of each bound process."""
        head = self.kernel.address(SVA_LIST)
        if head is None:
            self.notes.append("This kernel has no list of processes with "
                              f"PASIDs ({SVA_LIST}).")
            return
        for bound in self.kernel.chain(head, "iommu_mm_data", "mm_list_elm"):
            space = self.kernel.object("mm_struct", bound.number("mm"))
            table = self.kernel.physical(space.number("pgd"))
            for device_id in self.users(bound):
                yield (device_id, bound.number("pasid"), table,
                       self.owner(space))

    def users(self, bound: Object) -> Iterator[int]:
        """DeviceIDs a process is bound to."""
        place = self.kernel.place("protection_domain", "domain")
        base = place.offset if place else 0
        for domain in self.kernel.chain(bound.where("sva_domains"),
                                        "iommu_domain", "next"):
            head = self.kernel.object("protection_domain",
                                      domain.address - base)
            for user in self.kernel.chain(head.where("dev_data_list"),
                                          "pdom_dev_data", "list"):
                device = self.kernel.object("iommu_dev_data",
                                            user.number("dev_data"))
                yield device.number("devid")

    def owner(self, space: Object) -> str:
        """Name and number of a process."""
        task = space.number("owner")
        if not task:
            return "?"
        owner = self.kernel.object("task_struct", task)
        return f"{owner.text('comm')} {owner.number('pid')}"

    def pasids(self, device: Object,
               processes: List[Tuple[int, int, int, str]]) -> Iterator[Row]:
        """GCR3 entries: those of processes, and all others."""
        if not device.get("gcr3_info.gcr3_tbl"):
            return
        of = bdf_of(device.number("devid"))
        seen = {row["pasid"]: int(row["guest-pt-root"], 16)
                for row in self.face.json("pasids", of)["pasids"]}
        known: Set[int] = set()
        for device_id, pasid, table, name in processes:
            if device_id == device.number("devid"):
                known.add(pasid)
                yield Row(of, f"PASID {pasid} ({name})", table,
                          seen.get(pasid, 0), True)
        for pasid in sorted(set(seen) - known):
            yield Row(of, f"PASID {pasid}", self.v2_table(device, pasid),
                      seen[pasid], True)

    def v2_table(self, device: Object, pasid: int) -> Optional[int]:
        """What PASID 0 should be: the version 2 table of the domain."""
        domain = self.domain(device)
        if pasid != 0 or not domain or domain.number("pd_mode") != V2:
            return 0 if self.kernel.address(SVA_LIST) else None
        top = domain.get("amdv2.x86_64_pt.common.top_of_table")
        if top is None:
            top = domain.number("iop.pgd")
        return self.physical(top & PAGE)


def table(rows: List[Row]) -> str:
    """Columns for people."""
    cells = [("Of", "What", "Linux", "IOMMU", "")]
    cells += [(r.of, r.what, shown(r.linux, r.is_address),
               shown(r.iommu, r.is_address), r.verdict()) for r in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(4)]
    return "".join(
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  "
        f"{d:>{widths[3]}}  {e}".rstrip() + "\n" for a, b, c, d, e in cells)


class Linux(gdb.Command):
    """Compare what the guest's driver believes with what the IOMMU sees.

Usage: amdvi linux [BDF]

Of all IOMMUs and devices, or of the one device BDF.  Follows the lists of
Linux's AMD IOMMU driver: IOMMUs, devices, domains, and processes with PASIDs.
The guest has to be stopped.  Symbols come from GDB (file vmlinux) or from a
symbol map (set amdvi symbol-map); how far KASLR has moved the kernel is found
out.  Structures are those of GDB's debug information, or else of the BTF in
the kernel's memory."""

    def __init__(self) -> None:
        super().__init__("amdvi linux", gdb.COMMAND_DATA,
                         gdb.COMPLETE_NONE, True)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        """Compare, and say what came of it."""
        self.dont_repeat()
        words = gdb.string_to_argv(argument or "")
        if len(words) > 1:
            raise gdb.GdbError("amdvi linux: takes one BDF at most")
        try:
            gdb.write(compare(words[0] if words else ""))
        except Failure as failure:
            raise gdb.GdbError(f"amdvi linux: {failure}")


def compare(bdf: str) -> str:
    """The text of "amdvi linux"."""
    kernel = Kernel(SESSION.symbol_map)
    comparison = Comparison(kernel, SESSION.connect(), bdf)
    rows = list(comparison.rows())
    if not rows:
        raise Failure(f"the driver knows no device {bdf}")
    different = sum(row.verdict() == "DIFFERS" for row in rows)
    summary = [f"Symbols from {kernel.symbols.path}, moved by "
               f"{kernel.offset:#x}; structures from "
               f"{kernel.structures().origin}.",
               f"{different} of {len(rows)} differ." if different
               else f"All {len(rows)} agree."]
    return table(rows) + "\n" + "\n".join(comparison.notes + summary) + "\n"


class Offset(gdb.Command):
    """Print how far KASLR has moved the guest's kernel.

Usage: amdvi linux offset

What "symbol-file -o OFFSET vmlinux" wants to know; 0 if GDB's symbols are
in the right place already."""

    def __init__(self) -> None:
        super().__init__("amdvi linux offset", gdb.COMMAND_DATA)

    def invoke(self, _argument: str, _from_tty: bool) -> None:
        """Print it."""
        self.dont_repeat()
        try:
            gdb.write(f"{Kernel(SESSION.symbol_map).offset:#x}\n")
        except Failure as failure:
            raise gdb.GdbError(f"amdvi linux offset: {failure}")


class Types(gdb.Command):
    """Write the driver's structures as C, from the BTF in the guest's memory.

Usage: amdvi linux types FILE

Compiled with "cc -g -c" and loaded with add-symbol-file they are the debug
information that printing the driver's structures needs."""

    def __init__(self) -> None:
        super().__init__("amdvi linux types", gdb.COMMAND_DATA,
                         gdb.COMPLETE_FILENAME)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        """Write the file."""
        self.dont_repeat()
        words = gdb.string_to_argv(argument or "")
        if len(words) != 1:
            raise gdb.GdbError("amdvi linux types: needs FILE")
        try:
            text = Declarations(Kernel(SESSION.symbol_map).btf(),
                                STRUCTURES).text()
            with open(words[0], "w", encoding="ascii") as handle:
                handle.write(text)
        except Failure as failure:
            raise gdb.GdbError(f"amdvi linux types: {failure}")
        except OSError as error:
            raise gdb.GdbError(f"amdvi linux types: {words[0]}: "
                               f"{error.strerror}")


class DeviceData(gdb.Function):
    """Address of the driver's structure for a device.

Usage: $amdvi_linux_device(BDF)

A struct iommu_dev_data *, if GDB has debug information with that; see "help
amdvi linux types".  Else a number."""

    def __init__(self) -> None:
        super().__init__("amdvi_linux_device")

    def invoke(self, bdf: gdb.Value) -> gdb.Value:
        """Called by GDB."""
        try:
            name = bdf.string()
            for _segment, device in devices(Kernel(SESSION.symbol_map)):
                if bdf_of(device.number("devid")) == name:
                    return pointer(device)
            raise Failure(f"the driver knows no device {name}")
        except (Failure, gdb.error) as failure:
            raise gdb.GdbError(f"$amdvi_linux_device: {failure}")


def pointer(found: Object) -> gdb.Value:
    """The address of a structure, with its type if GDB knows it."""
    kind = structure(found.name)
    return gdb.Value(found.address).cast(
        kind.pointer() if kind else gdb.lookup_type("unsigned long long"))


def define() -> None:
    """Define all of them."""
    for command in (Linux, Offset, Types, DeviceData):
        command()
