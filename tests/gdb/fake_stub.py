# SPDX-License-Identifier: GPL-2.0-or-later
"""A remote that is no VM of ours: another architecture, or one that lies."""

import socket
import threading
from pathlib import Path
from typing import Dict, Optional

# "info mtree -f" of an x86 VM with an AMD IOMMU, and of one of Arm
AMD_MAP = """FlatView #0
 AS "memory", root: system
 Root memory region: system
  0000000000000000-0000000003ffffff (prio 0, ram): pc.ram
  00000000fed80000-00000000fed83fff (prio 1, i/o): amdvi-mmio
"""
ARM_MAP = """FlatView #0
 AS "memory", root: system
 Root memory region: system
  0000000008000000-0000000008000fff (prio 0, i/o): gic_dist
  0000000040000000-0000000043ffffff (prio 0, ram): mach-virt.ram
"""
REPLIES = {"?": "T05thread:01;", "qSupported": "PacketSize=1000",
           "qfThreadInfo": "m1", "qsThreadInfo": "l", "qC": "QC1",
           "qAttached": "1", "H": "OK", "T": "OK",
           "D": "OK", "vMustReplyEmpty": ""}
# The first of them: the others are unavailable then
REGISTERS = "00" * 64


class FakeStub:
    """Answers one GDB; a context manager.

    @memory: what reading memory gives; None: an error.
    @physical: what the question for the physical mode gives."""

    def __init__(self, path: Path, memory_map: str,
                 memory: Optional[str] = None, physical: str = "0") -> None:
        self.monitor: Dict[str, str] = {"info mtree -f": memory_map,
                                        "info pci": "",
                                        "info registers": "PC=0 X00=0\n"}
        self.memory = memory
        self.physical = physical
        # Bytes that one packet may ask for, of memory that is zero
        self.longest = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self) -> "FakeStub":
        self.thread.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self.listener.close()
        self.thread.join(10)

    def serve(self) -> None:
        """Until GDB leaves."""
        connection, _address = self.listener.accept()
        connection.settimeout(60)
        data = b""
        with connection:
            while True:
                part = connection.recv(4096)
                if not part:
                    return
                data += part
                while b"$" in data and b"#" in data[data.index(b"$"):-2]:
                    start = data.index(b"$") + 1
                    end = data.index(b"#", start)
                    packet, data = data[start:end].decode(), data[end + 3:]
                    self.answer(connection, packet)

    def answer(self, connection: socket.socket, packet: str) -> None:
        """Acknowledge, and reply; a command's output comes first."""
        connection.sendall(b"+")
        if packet.startswith("qRcmd,"):
            line = bytes.fromhex(packet[6:]).decode()
            text = self.monitor.get(line, "unknown command\n")
            for start in range(0, len(text), 500):
                piece = text[start:start + 500].encode().hex()
                self.send(connection, "O" + piece)
            self.send(connection, "OK")
        else:
            self.send(connection, self.reply(packet))

    def reply(self, packet: str) -> str:
        """What a packet gets."""
        if packet.startswith("qqemu.PhyMemMode"):
            return self.physical
        if packet.startswith("Qqemu."):
            return "OK"
        if packet.startswith("m") and self.longest:
            size = int(packet.partition(",")[2], 16)
            return "00" * size if size <= self.longest else "E22"
        if packet.startswith("m"):
            return "E14" if self.memory is None else self.memory
        if packet.startswith("g"):
            return REGISTERS
        return next((reply for name, reply in REPLIES.items()
                     if packet.startswith(name)), "")

    def send(self, connection: socket.socket, text: str) -> None:
        """One packet."""
        data = text.encode()
        connection.sendall(b"$" + data + b"#" + f"{sum(data) & 255:02x}"
                           .encode())
