# SPDX-License-Identifier: GPL-2.0-or-later
"""States of an IOMMU that a healthy guest does not show.

Words are put together from bit positions in the manual, not by the code
under test.
"""

from typing import List

import fakeqmp
from fakeqmp import pci_function

DEVTAB = 0x0100_0000
COMMANDS = 0x0200_0000
EVENTS = 0x0300_0000
PPRS = 0x0400_0000
# 256 entries of 16 bytes
RING_CODE = 8 << 56


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
