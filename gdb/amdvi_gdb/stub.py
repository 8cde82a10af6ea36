# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory of a stopped VM, through QEMU's gdbstub.

The stub reads virtual addresses unless its physical mode is on.  The mode
belongs to the stub, not to us: it is what it was again after every read.
Packets go straight to the stub, because GDB's own memory access keeps caches
and hides breakpoint instructions.
"""

import contextlib
from typing import Iterator, List

import gdb

from .library import Failure, NoMemory

MODE = "qemu.PhyMemMode"
# Bytes of one read at most, the first until a stub has refused so many: the
# packet buffer of older QEMUs takes no more hex digits
chunks: List[int] = [4096, 2048]
TOO_LONG = "E22"
# Modes that are on, the innermost last
modes: List[str] = []


def failure(error: Exception, what: str) -> Failure:
    """What to say about an error of GDB's.

    Only the connection knows whether the VM runs: while a breakpoint's
    condition is evaluated, GDB still calls the threads running."""
    if "target is running" in str(error):
        return Failure("the guest is running: interrupt it, or say \"set "
                       "amdvi qmp SOCKET\" to look at it as it runs")
    return Failure(f"{what}: {error}")


def packet(text: str) -> str:
    """Send a packet to the stub; its reply."""
    connection = gdb.selected_inferior().connection
    if not hasattr(connection, "send_packet"):
        raise Failure("not connected to a VM: use \"target remote\" or "
                      "\"set amdvi qmp SOCKET\"")
    try:
        reply = connection.send_packet(text)
    except (gdb.error, RuntimeError) as error:
        raise failure(error, "the stub does not answer") from error
    return (reply or b"").decode("ascii", "replace")


@contextlib.contextmanager
def mode(wanted: str) -> Iterator[None]:
    """Physical mode on ("1") or off ("0"), and back.

    Within another one for the same mode it costs nothing."""
    if modes and modes[-1] == wanted:
        yield
        return
    before = packet("q" + MODE)
    if before not in ("0", "1"):
        raise Failure("the remote is no QEMU that can read physical memory")
    if before != wanted:
        packet(f"Q{MODE}:{wanted}")
    modes.append(wanted)
    try:
        yield
    finally:
        modes.pop()
        if before != wanted:
            packet(f"Q{MODE}:{before}")


def read(address: int, size: int) -> bytes:
    """Physical memory, or one register if that is at the address."""
    with mode("1"):
        return read_pieces(address, size)


def read_virtual(address: int, size: int) -> bytes:
    """Memory as the selected processor sees it."""
    try:
        with mode("0"):
            return read_pieces(address, size)
    except NoMemory:
        raise Failure(f"the processor sees no memory at {address:#x}: stop "
                      "the guest in its kernel") from None


def read_pieces(address: int, size: int) -> bytes:
    """Memory in the mode of the moment, in pieces that fit a packet."""
    data = bytearray()
    while len(data) < size:
        part = min(size - len(data), chunks[0])
        reply = packet(f"m{address + len(data):x},{part:x}")
        if reply == TOO_LONG and part > chunks[-1]:
            chunks.pop(0)
            continue
        if reply.startswith("E"):
            raise NoMemory
        try:
            piece = bytes.fromhex(reply)
        except ValueError:
            raise Failure("the stub's reply is not hexadecimal") from None
        if not 0 < len(piece) <= part:
            raise Failure("the stub's reply has the wrong length")
        data += piece
    return bytes(data)


def monitor(line: str) -> str:
    """Output of a command of QEMU's monitor."""
    try:
        return str(gdb.execute(f"monitor {line}", to_string=True))
    except gdb.error as error:
        raise failure(error, f"the monitor command \"{line}\" "
                      "failed") from error
