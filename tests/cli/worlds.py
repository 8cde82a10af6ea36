# SPDX-License-Identifier: GPL-2.0-or-later
"""States of an IOMMU that a healthy guest does not show.

Words are put together from bit positions in the manual, not by the code
under test.
"""

import re
from typing import Any, Dict, List, Optional

import fakeqmp
from fakeqmp import pci_function

DEVTAB = 0x0100_0000
COMMANDS = 0x0200_0000
EVENTS = 0x0300_0000
PPRS = 0x0400_0000
# 256 entries of 16 bytes
RING_CODE = 8 << 56
# A name that would control a terminal, and what no output may have in it
EVIL = "\x1b[2J\x1b]0;evil\x07\x9b31m\u202e\x7f\r\b"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f"
                    "\u2028-\u202e\u2060-\u206f\ufeff]")


def bit(*numbers: int) -> int:
    """A word with these bits."""
    return sum(1 << n for n in numbers)


def put_dte(world: fakeqmp.World, device_id: int, *words: int) -> None:
    """Store a device table entry."""
    world.store(DEVTAB + 32 * device_id, *words)


def gcr3(root: int) -> List[int]:
    """The first two DTE words of a GCR3 table at root."""
    return [(root >> 12 & 7) << 58,
            (root >> 15 & 0xffff) << 16 | (root >> 31) << 43]


def add_tables(world: fakeqmp.World) -> None:
    """One DTE of each mode."""
    both = bit(61, 62)
    low, high = gcr3(0x0000_0001_2345_6000)
    # IV only; blocked; host with 3 levels
    put_dte(world, 0x00, 0, 0, bit(0), 0)
    put_dte(world, 0x08, bit(0, 1), 0, bit(0), 0)
    put_dte(world, 0x10, bit(0, 1) | 3 << 9 | 0x0500_0000 | both, 5, 0, 0)
    # guest: GV, GIoV, GPRP, PPR, GLX=1; ATS
    guest = bit(0, 1, 52, 53, 54, 55) | 1 << 56 | both | low
    put_dte(world, 0x18, guest, high | 6 | bit(32), bit(0), 0)
    # nested: the same over 4 host levels
    put_dte(world, 0x20, guest | 4 << 9 | 0x0600_0000, high | 7, 0, 0)
    # bypass; illegal: a reserved bit; valid, but there is no such function
    put_dte(world, 0x28, bit(0, 1) | both, 8, 0, 0)
    put_dte(world, 0x30, bit(0, 1, 3) | both, 9, 0, 0)
    put_dte(world, 0x50, bit(0, 1) | both, 10, 0, 0)


def add_rings(world: fakeqmp.World) -> None:
    """Entries of every state, wrap-around, and codes nobody knows."""
    # done: INVALIDATE_IOMMU_PAGES with PASID 3; pending, over the end:
    # COMPLETION_WAIT with store, COMPLETE_PPR_REQUEST, opcode 15
    world.store(COMMANDS + 0xfe0, 3 << 60 | 6 << 32 | 3,
                0x7fff_ffff_ffff_f000 | bit(0, 1, 2))
    world.store(COMMANDS + 0xff0, 1 << 60 | 0x2000_0000 | bit(0), 0x1234)
    world.store(COMMANDS + 0x000, 7 << 60 | 3 << 32 | 0x18,
                bit(2) | 5 << 32 | 1 << 44)
    world.store(COMMANDS + 0x010, 15 << 60 | 0x18, 0)
    # done, then pending: a page fault with PASID 3, a refused command
    world.store(EVENTS + 0x000, 2 << 60 | bit(48, 50, 53) | 3 << 32 | 0x18,
                0x0000_7f00_0000_1000)
    world.store(EVENTS + 0x010, 2 << 60 | bit(48, 52) | 4 << 32 | 0x18,
                0x0000_7f00_0000_2000)
    world.store(EVENTS + 0x020, 5 << 60, COMMANDS + 0x10)
    world.store(EVENTS + 0x030, 15 << 60 | 0x77, 0x88)


def crowd(extension: bool) -> fakeqmp.World:
    """Guest translation in use, everything at once."""
    world = fakeqmp.World(extension)
    world.functions += [
        pci_function(0, 2, 0, 0x8086, 0x2922, 0x106, "sata0",
                     "SATA controller"),
        pci_function(0, 3, 0, 0x1b36, 0x0010, 0x108, "nvme0"),
        pci_function(0, 4, 0, 0x1234, 0x11e8, 0x00ff, "evil\x1b[31m\u202e\n"),
        pci_function(0, 5, 0, 0x8086, 0x10d3, 0x200, "net0",
                     "Ethernet controller"),
        pci_function(0, 6, 0, 0x1234, 0x11e9, 0x00ff, "gr\u00fc\u00df"),
    ]
    bridge = pci_function(0, 7, 0, 0x1b36, 0x000c, 0x604, "port0",
                          "PCI bridge")
    bridge["pci_bridge"] = {"bus": {"number": 0, "secondary": 1}, "devices": [
        pci_function(1, 0, 0, 0x1af4, 0x1041, 0x200, "far0",
                     "Ethernet controller")]}
    world.functions.append(bridge)
    world.registers.update({
        0x0000: DEVTAB,             # 128 entries: bus 1 is beyond
        0x0008: COMMANDS | RING_CODE,
        0x0010: EVENTS | RING_CODE,
        0x0018: 0x0000_2000_0001_f08d,
        0x0030: 0x0005_002f_0000_59df,
        0x0038: PPRS | RING_CODE,
        0x0150: 0x0020_3040,
        0x2000: 0xff0, 0x2008: 0x020,
        0x2010: 0x010, 0x2018: 0x030,
        0x2020: bit(0, 1, 4, 7),
        0x2030: 0, 0x2038: 0,
    })
    add_tables(world)
    add_rings(world)
    return world


def put_table(world: fakeqmp.World, table: int, **entries: int) -> None:
    """Store entries of a table: e254=word is number 254."""
    for name, word in entries.items():
        world.store(table + 8 * int(name[1:]), word)


def add_process(world: fakeqmp.World) -> None:
    """00:03.0: PASID 5 is a process, 6 maps itself, 512 to 1023 are nowhere.

    The process has two pages and one to read only from 0x7f0000001000, 2 MiB
    at 0x7f0000200000, and a kernel part.
    """
    low, high = gcr3(0x0700_0000)
    put_dte(world, 0x18, bit(0, 1, 52, 55, 61, 62) | 1 << 56 | low,
            high | 7 | bit(32), 0, 0)
    put_table(world, 0x0700_0000, e0=0x0700_1001, e1=0x1_0000_0001)
    put_table(world, 0x0700_1000, e5=0x0701_0001, e6=0x0702_0001)
    # P, R/W, U/S, A, D, PS
    pointer, page = bit(0, 1, 2, 5), bit(0, 1, 2, 5, 6)
    put_table(world, 0x0701_0000, e254=0x0701_1000 | pointer,
              e511=0x0701_4000 | bit(0, 1, 5))
    put_table(world, 0x0701_1000, e0=0x0701_2000 | pointer)
    put_table(world, 0x0701_2000, e0=0x0701_3000 | pointer,
              e1=0x0a00_0000 | page | bit(7))
    put_table(world, 0x0701_3000, e1=0x089a_b000 | page | bit(63),
              e2=0x089a_c000 | page | bit(63), e3=0x089a_d000 | bit(0, 2, 63),
              e5=0x089a_d000 | page | bit(8))
    put_table(world, 0x0701_4000, e511=0x4000_0000 | page | bit(7))
    for i in range(512):
        world.store(0x0702_0000 + 8 * i, 0x0702_0000 | pointer)


def add_nested(world: fakeqmp.World) -> None:
    """00:04.0: PASID 1 over a host table that maps 1 GiB, and not 2 MiB."""
    low, high = gcr3(0x0711_0000)
    put_dte(world, 0x20, bit(0, 1, 55, 61, 62) | 3 << 9 | 0x0710_0000 | low,
            high | 0x33, 0, 0)
    both = bit(0, 61, 62)
    put_table(world, 0x0710_0000, e0=0x0710_1000 | both | 2 << 9)
    for i in range(512):
        if i != 80:             # guest-physical 0x0a000000
            world.store(0x0710_1000 + 8 * i, i << 21 | both)
    put_table(world, 0x0711_0000, e1=0x0711_1001)
    put_table(world, 0x0711_1000, e0=0x0711_2007)
    put_table(world, 0x0711_2000, e0=0x0711_3007)
    put_table(world, 0x0711_3000, e0=0x0a00_0087, e1=0x0c00_0087)


def cached(domain: int, address: int, output: int, perm: str,
           pasid: Optional[int] = None, shift: int = 12) -> Dict[str, Any]:
    """An entry of the IOTLB."""
    entry: Dict[str, Any] = {
        "domain-id": domain, "nested": False, "privileged": "p" in perm,
        "address": address, "page-shift": shift, "output": output,
        "read": "r" in perm, "write": "w" in perm, "exec": "x" in perm}
    if pasid is not None:
        entry["pasid"] = pasid
    return entry


def add_device_state(world: fakeqmp.World) -> None:
    """What only the device knows; of the cache some agrees with the tables."""
    world.lists["query-amd-iommu-iotlb"] = [
        cached(7, 0x7f00_0000_1000, 0x089a_b000, "rw", 5),
        cached(7, 0x7f00_0000_3000, 0x089a_d000, "rw", 5),      # too much
        cached(7, 0x7f00_0000_2000, 0x0123_4000, "r", 5),       # elsewhere
        cached(7, 0x7f00_0020_0000, 0x0a00_0000, "rwx", 5, 21),
        cached(7, 0x1000, 0x2000, "r", 9),                      # no PASID 9
        cached(5, 0x1_0000, 0x0808_0000, "rw", None, 16),
        cached(77, 0x1000, 0x1000, "rw")]                       # no domain
    world.device_tlbs[0x18] = [
        cached(7, 0x7f00_0000_1000, 0x089a_b000, "rw", 5),
        cached(7, 0x7f00_0000_2000, 0x089a_c000, "rwx", 5),     # too much
        cached(7, 0x1000, 0x3000, "r", 9),                      # no PASID 9
        cached(7, 0xffff_ffff_c000_0000, 0x4000_0000, "rwp", 5, 30)]
    counters = {"requests": 10, "hits": 7, "misses": 3, "faults": 1,
                "page-requests": 2, "responses": 1, "invalidations": 4,
                "latency-sum": 123456, "latency-max": 123456}
    world.lists["query-amd-iommu-stats"] = [
        {"device-id": device, **counters} for device in range(0x10, 0x38, 8)]
    world.lists["query-amd-iommu-page-requests"] = [
        {"device-id": 0x18, "pasid": 5, "prg-index": 3, "pages": 2,
         "last": True, "age": 91000},
        {"device-id": 0x18, "prg-index": 511, "pages": 1, "last": False,
         "age": 2_500_000_000}]
    world.armed = [
        {"kind": "command-error"},
        {"kind": "invalidation-timeout", "device-id": 0x18, "delivered": True},
        {"kind": "delay-response", "device-id": 0x18, "pasid": 5,
         "nanoseconds": 5_000_000}]
    world.breaks = [
        {"number": 1, "kind": "page-request", "device-id": 0x18, "pasid": 5,
         "count": 1, "sticky": False, "matches": 0, "stops": 0},
        {"number": 4, "kind": "invalidation", "first": 0x7f00_0000_0000,
         "last": 0x7f00_0000_ffff, "count": 10, "sticky": True, "matches": 7,
         "stops": 3}]
    records: List[Dict[str, Any]] = [
        {"kind": "register", "words": [0x2008, 0x20], "detail": 8},
        {"kind": "command", "device-id": 0x18,
         "words": [2 << 60 | 0x18, 0], "detail": 0},
        {"kind": "command", "words": [15 << 60, 0], "detail": 0},
        {"kind": "event", "device-id": 0x18, "pasid": 5,
         "words": [0x2025_0005_0000_0018, 0x7f00_0000_4000], "detail": 0},
        {"kind": "page-request", "device-id": 0x18, "pasid": 5,
         "words": [0x1164_0203_0005_0018, 0x7f00_0000_4000], "detail": 16},
        {"kind": "page-response", "device-id": 0x18, "pasid": 5,
         "words": [3, 123456], "detail": 0},
        {"kind": "fault", "device-id": 0x18, "words": [0x4000, 3],
         "detail": 0, "reason": "guest-not-present"},
        {"kind": "invalidation", "device-id": 0x18, "words": [0, 0],
         "detail": 0},
        {"kind": "overflow", "device-id": 0x18,
         "words": [0x1164_0203_0005_0018, 0x1000], "detail": 2},
        {"kind": "stale-hit", "device-id": 0x18, "pasid": 5,
         "words": [0x7f00_0000_4000, 2_500_000], "detail": 3 | 8},
        {"kind": "of-tomorrow", "words": [1, 2], "detail": 3}]
    world.lists["query-amd-iommu-trace"] = [
        {"number": 100 + i, "time": 1000 * i, **record}
        for i, record in enumerate(records)]


def sva(extension: bool) -> fakeqmp.World:
    """Tables of every kind, all in RAM."""
    world = crowd(extension)
    add_process(world)
    add_nested(world)
    # 00:02.0: pages of 4 KiB, one of 64 KiB, reserved bits, a bad level
    both = bit(0, 61, 62)
    put_dte(world, 0x10, bit(0, 1, 61, 62) | 3 << 9 | 0x0720_0000, 5, 0, 0)
    put_table(world, 0x0720_0000, e0=0x0720_1000 | both | 2 << 9)
    put_table(world, 0x0720_1000, e0=0x0720_2000 | both | 1 << 9,
              e3=0x0720_2000 | both | 2 << 9, e4=0x2_0000_0000 | both | 1 << 9)
    put_table(world, 0x0720_2000, e1=0x0800_0000 | both,
              e2=0x0800_1000 | both, e3=0x0900_0000 | bit(0, 61),
              e5=0x0800_0000 | both | bit(55))
    for i in range(16, 32):
        world.store(0x0720_2000 + 8 * i, 0x0808_7000 | both | 7 << 9)
    # 00:05.0: 16 interrupts, of which three are in use
    put_dte(world, 0x28, bit(0, 1, 61, 62), 8,
            bit(0) | 4 << 1 | 0x0730_0000 | 2 << 60, 0)
    world.store(0x0730_0000, 0x0041_0301 | 0x0042_0245 << 32, 0x2 << 32)
    add_device_state(world)
    # page requests: two of a group, done and pending
    world.registers.update({0x2030: 0x10, 0x2038: 0x20,
                            0x2020: bit(3, 4, 6, 7)})
    world.store(PPRS, 0x1164_0003_0005_0018, 0x7f00_0000_4000)
    world.store(PPRS + 0x10, 0x1144_0203_0005_0018, 0x7f00_0000_6000)
    return world


def disabled(extension: bool) -> fakeqmp.World:
    """As after a reset."""
    world = fakeqmp.World(extension)
    world.registers.update({0x0008: RING_CODE, 0x0010: RING_CODE,
                            0x0018: 0x400, 0x0030: 0x0005_002f_0000_59df})
    return world


def outside(extension: bool) -> fakeqmp.World:
    """Bases and pointers where no memory is, or a device."""
    world = crowd(extension)
    world.registers.update({
        0x0000: fakeqmp.MMIO_BASE,
        0x0008: 0x0fff_f000 | 9 << 56,      # its second page is not RAM
        0x0010: 0x000f_ffff_ffff_f000 | RING_CODE,
        0x0038: PPRS | 7 << 56,
        0x2000: 0x0, 0x2008: 0x7_fff0,
    })
    world.store(0x0fff_f000, 8 << 60, 0)
    return world


def hostile() -> fakeqmp.World:
    """Every text that may be anything."""
    world = sva(True)
    for function in world.functions:
        function["qdev_id"] += EVIL
        function["class_info"]["desc"] = EVIL
    world.iommus[0]["engine"] = "svm" + EVIL
    options: Any = world.iommus[0]["options"]
    options[EVIL] = EVIL
    world.iommus[0]["qom-path"] = EVIL
    trace = world.lists["query-amd-iommu-trace"]
    number = trace[-1]["number"] + 1
    trace += [{**trace[-1], "number": number, "kind": EVIL},
              {**trace[-1], "number": number + 1, "kind": "fault",
               "reason": EVIL}]
    world.armed = [{"kind": EVIL, "device-id": 24}]
    world.breaks = [{"number": 1, "kind": EVIL, "hits": 2}]
    for items in world.lists.values():
        for item in items:
            item[EVIL] = EVIL
    return world
