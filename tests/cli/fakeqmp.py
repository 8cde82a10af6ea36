# SPDX-License-Identifier: GPL-2.0-or-later
"""QMP servers without a QEMU behind them.

Server     accepts connections on a UNIX socket, one after the other like a
           QEMU monitor, and lets a handler talk.
converse() a handler for a well behaved monitor over a Machine.
World      a Machine with memory and registers of the test's choosing; it
           answers as our QEMU and as an unmodified one.
Recording  a Machine that repeats what a real QEMU said.
"""

import base64
import json
import socket
import struct
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

GREETING = {"QMP": {"version": {"qemu": {"micro": 2, "minor": 2, "major": 10},
                                "package": ""}, "capabilities": ["oob"]}}
MMIO_BASE = 0xfed80000
MMIO_SIZE = 0x4000
ECAM = 0xb0000000
# Commands that do something, and their replies
ORDERS: Dict[str, Dict[str, Any]] = {
    "amd-iommu-inject": {"prg-index": 511, "armed": 0},
    "amd-iommu-disarm": {}, "amd-iommu-break": {"number": 7},
    "amd-iommu-break-delete": {}}
MEMORY_READ_MAX = 65536


class Refused(Exception):
    """An error reply: class and description."""

    def __init__(self, kind: str, desc: str) -> None:
        super().__init__(desc)
        self.kind = kind


class Machine:
    """What answers commands."""

    greeting: Dict[str, Any] = GREETING

    def run(self, command: str, arguments: Dict[str, Any]) -> Any:
        """The "return" member of the reply, or Refused."""
        raise NotImplementedError


class Recording(Machine):
    """Repeats the replies in a file that ./record wrote."""

    def __init__(self, path: Path) -> None:
        with path.open() as file:
            self.greeting = json.loads(file.readline())
            lines = [json.loads(line) for line in file]
        self.replies = {self.key(item["execute"], item.get("arguments", {})):
                        item["reply"] for item in lines}

    @staticmethod
    def key(command: str, arguments: Dict[str, Any]) -> str:
        """The same text for the same request."""
        return json.dumps([command, arguments], sort_keys=True)

    def run(self, command: str, arguments: Dict[str, Any]) -> Any:
        reply = self.replies.get(self.key(command, arguments))
        if reply is None:
            raise Refused("GenericError", f"{command} {arguments} "
                          "was not recorded")
        if "error" in reply:
            raise Refused(reply["error"]["class"], reply["error"]["desc"])
        return reply["return"]


def pci_function(bus: int, slot: int, function: int, vendor: int, device: int,
                 class_code: int, name: str = "", desc: str = ""
                 ) -> Dict[str, Any]:
    """An element of query-pci's device lists."""
    class_info: Dict[str, Any] = {"class": class_code}
    if desc:
        class_info["desc"] = desc
    return {"bus": bus, "slot": slot, "function": function, "qdev_id": name,
            "id": {"vendor": vendor, "device": device},
            "class_info": class_info, "irq_pin": 0, "regions": []}


class World(Machine):
    """Memory, registers and PCI functions, all chosen by the test.

    extension: answer as our QEMU, else as an unmodified one.
    """

    def __init__(self, extension: bool) -> None:
        self.extension = extension
        self.running = True
        # lists of the queries for what only the device knows
        self.lists: Dict[str, List[Dict[str, Any]]] = {
            "query-amd-iommu-iotlb": [], "query-amd-iommu-stats": [],
            "query-amd-iommu-page-requests": [], "query-amd-iommu-trace": []}
        # what functions have cached, by their DeviceIDs
        self.device_tlbs: Dict[int, List[Dict[str, Any]]] = {}
        # injected faults that wait, breakpoints, and the orders that came
        self.armed: List[Dict[str, Any]] = []
        self.breaks: List[Dict[str, Any]] = []
        self.orders: List[Tuple[str, Dict[str, Any]]] = []
        self.ram: List[Tuple[int, int]] = [(0, 0x0fffffff)]
        self.memory: Dict[int, int] = {}
        self.registers: Dict[int, int] = {0x1a0: 0}
        # configuration spaces: address, 32-bit word; where they are, if at all
        self.config: Dict[int, int] = {}
        self.ecam: Any = None
        self.functions: List[Dict[str, Any]] = [
            pci_function(0, 0, 0, 0x8086, 0x29c0, 0x600, "", "Host bridge"),
            pci_function(0, 1, 0, 0x1022, 0x1419, 0x806),
        ]
        self.iommus = [{
            "id": "device[0]", "qom-path": "/machine/peripheral-anon/device[0]",
            "engine": "svm", "options": {"xtsup": False, "pasid-bits": 16},
            "mmio-base": MMIO_BASE, "device-id": 8, "member-of-tomorrow": [],
        }]

    def set_running(self, running: bool) -> Any:
        """Pause, or go on."""
        self.running = running
        return {}

    def store(self, address: int, *words: int) -> None:
        """Put 64-bit words into memory."""
        for i, word in enumerate(words):
            self.memory[address + 8 * i] = word

    def word(self, address: int) -> int:
        """The 64-bit word at a multiple of 8."""
        return self.memory.get(address, 0)

    def in_ram(self, address: int) -> bool:
        """Whether there is memory."""
        return any(first <= address <= last for first, last in self.ram)

    def run(self, command: str, arguments: Dict[str, Any]) -> Any:
        handlers = self.handlers()
        if command not in handlers:
            raise Refused("CommandNotFound",
                          f"The command {command} has not been found")
        return handlers[command](arguments)

    def handlers(self) -> Dict[str, Callable[[Dict[str, Any]], Any]]:
        """The commands of this QEMU."""
        common: Dict[str, Callable[[Dict[str, Any]], Any]] = {
            "qmp_capabilities": lambda arguments: {},
            "query-commands": self.query_commands,
            "query-version": lambda arguments: self.greeting["QMP"]["version"],
            "query-status": lambda arguments: {"running": self.running,
                                               "status": "any"},
            "stop": lambda arguments: self.set_running(False),
            "cont": lambda arguments: self.set_running(True),
            "query-pci": lambda arguments: [
                {"bus": 0, "devices": self.functions}],
            "human-monitor-command": self.monitor,
            "qom-list": self.qom_list,
            "qom-get": self.qom_get,
        }
        if self.extension:
            common["query-amd-iommu"] = lambda arguments: self.iommus
            common["query-amd-iommu-registers"] = self.query_registers
            common["guest-memory-read"] = self.memory_read
            common["query-amd-iommu-armed"] = lambda arguments: self.armed
            common["query-amd-iommu-breaks"] = lambda arguments: self.breaks
            for command, reply in ORDERS.items():
                common[command] = (lambda arguments, command=command,
                                   reply=reply:
                                   self.order(command, arguments, reply))
            for command in self.lists:
                common[command] = (lambda arguments, command=command:
                                   self.query_list(command, arguments))
        return common

    def query_commands(self, arguments: Dict[str, Any]) -> Any:
        """Names of all commands."""
        del arguments
        return [{"name": name} for name in self.handlers()]

    def query_registers(self, arguments: Dict[str, Any]) -> Any:
        """Small pages, so that clients have to follow "next"."""
        start = arguments.get("start", 0)
        left = sorted(offset for offset in self.registers if offset >= start)
        reply: Dict[str, Any] = {"registers": [
            {"offset": offset, "name": "any", "size": 8,
             "value": self.registers[offset], "reset": 0}
            for offset in left[:5]]}
        if len(left) > 5:
            reply["next"] = left[5]
        return reply

    def order(self, command: str, arguments: Dict[str, Any],
              reply: Dict[str, Any]) -> Dict[str, Any]:
        """Remember what was asked for."""
        self.orders.append((command, arguments))
        return reply

    def query_list(self, command: str, arguments: Dict[str, Any]) -> Any:
        """Small pages again; a trace goes by the numbers of its records."""
        member = {"query-amd-iommu-iotlb": "entries",
                  "query-amd-iommu-page-requests": "groups",
                  "query-amd-iommu-stats": "sources",
                  "query-amd-iommu-trace": "records"}[command]
        start = arguments.get("start", 0)
        if member == "records":
            left = [item for item in self.lists[command]
                    if item.get("number", start) >= start]
        elif member == "entries" and "device-id" in arguments:
            left = self.device_tlb(arguments["device-id"])[start:]
        elif "device-id" in arguments:
            left = [item for item in self.lists[command]
                    if item["device-id"] == arguments["device-id"]][start:]
        else:
            left = self.lists[command][start:]
        size = min(3, arguments.get("limit", 3))
        reply: Dict[str, Any] = {member: left[:size]}
        if len(left) > size:
            reply["next"] = (left[size]["number"] if member == "records"
                             else start + size)
        if member == "records" and self.lists[command]:
            reply["end"] = self.lists[command][-1].get("number", -2) + 1
        return reply

    def device_tlb(self, device: int) -> List[Dict[str, Any]]:
        """What a function has cached; not every one tells."""
        if device not in self.device_tlbs:
            raise Refused("GenericError",
                          "the device has no TLB that can be looked into")
        return [dict(item) for item in self.device_tlbs[device]]

    def memory_read(self, arguments: Dict[str, Any]) -> Any:
        """Bytes up to the first that is not in RAM."""
        address, size = arguments["address"], arguments["size"]
        if not 1 <= size <= MEMORY_READ_MAX:
            raise Refused("GenericError", "'size' is out of range")
        data = b""
        for at in range(address - address % 8, address + size, 8):
            if not self.in_ram(at):
                break
            data += struct.pack("<Q", self.word(at))
        data = data[address % 8:][:size]
        return {"address": address, "data": base64.b64encode(data).decode()}

    def qom_list(self, arguments: Dict[str, Any]) -> Any:
        """The IOMMU is the only anonymous device."""
        children = [{"name": "type", "type": "string"}]
        if arguments["path"] == "/machine/peripheral-anon" and self.iommus:
            children.append({"name": "device[0]",
                             "type": "child<amd-iommu>"})
        return children

    def qom_get(self, arguments: Dict[str, Any]) -> Any:
        """The property that says where configuration spaces are."""
        if (arguments != {"path": "/machine/q35", "property": "MCFG"} or
                self.ecam is None):
            raise Refused("GenericError", "no such property")
        return self.ecam

    def monitor(self, arguments: Dict[str, Any]) -> str:
        """The text commands that a QEMU is asked."""
        line = arguments["command-line"]
        if line == "info mtree -f":
            return self.mtree()
        name, count, address = line.split()
        if count == "/1xw":
            word = self.config.get(int(address, 16), 0xffffffff)
            return f"{int(address, 16):016x}: 0x{word:08x}\r\n"
        if name != "xp" or count[0] != "/" or count[-2:] != "xg":
            return f"unknown command: '{line}'\r\n"
        return self.examine(int(address, 16), int(count[1:-2]))

    def mtree(self) -> str:
        """The memory map as QEMU prints it."""
        ranges = [f"  {first:016x}-{last:016x} (prio 0, ram): pc.ram"
                  for first, last in self.ram]
        if self.iommus:
            ranges.append(f"  {MMIO_BASE:016x}-"
                          f"{MMIO_BASE + MMIO_SIZE - 1:016x}"
                          " (prio 0, i/o): amdvi-mmio")
        return "\r\n".join(
            ["FlatView #0", ' AS "I/O", root: io', " Root memory region: io",
             "  0000000000000000-0000000000ffffff (prio 0, ram): decoy", "",
             "FlatView #1", ' AS "memory", root: system',
             ' AS "cpu-memory-0", root: system',
             " Root memory region: system"] + ranges +
            ["", "FlatView #2", ' AS "edu", root: bus master container',
             " Root memory region: (none)", "  No rendered FlatView", ""])

    def examine(self, address: int, count: int) -> str:
        """xp: two words a line."""
        text = ""
        for at in range(address, address + 8 * count, 8):
            offset = at - MMIO_BASE
            if 0 <= offset < MMIO_SIZE:
                value = (self.registers.get(offset, 0) |
                         self.registers.get(offset + 4, 0) << 32)
            elif self.in_ram(at):
                value = self.word(at)
            else:
                return text + f"{at:016x}: Cannot access memory\r\n"
            even = (at - address) % 16 == 0
            text += f"{at:016x}:" if even else ""
            text += f" 0x{value:016x}" + ("" if even else "\r\n")
        return text if text.endswith("\r\n") else text + "\r\n"


class Connection:
    """One client of a Server."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.buffer = b""

    def send(self, message: Any) -> None:
        """Send JSON, or bytes as they are."""
        if not isinstance(message, bytes):
            message = json.dumps(message).encode() + b"\r\n"
        self.stream.sendall(message)

    def receive(self) -> Optional[Dict[str, Any]]:
        """The next command; None when the client has gone."""
        while b"\n" not in self.buffer:
            data = self.stream.recv(65536)
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def skip_to(self, machine: Machine, command: str) -> Dict[str, Any]:
        """Behave well until a command comes; return that one unanswered."""
        self.send(machine.greeting)
        while True:
            request = self.receive()
            if request is None:
                raise EOFError
            if request["execute"] == command:
                return request
            self.send(answer(machine, request))


def answer(machine: Machine, request: Dict[str, Any]) -> Dict[str, Any]:
    """The reply to a command."""
    reply: Dict[str, Any] = {}
    try:
        reply["return"] = machine.run(request["execute"],
                                      request.get("arguments", {}))
    except Refused as error:
        reply["error"] = {"class": error.kind, "desc": str(error)}
    if "id" in request:
        reply["id"] = request["id"]
    return reply


EVENT = {"event": "RESUME", "timestamp": {"seconds": 1, "microseconds": 2}}


def converse(machine: Machine) -> Callable[[Connection], None]:
    """A handler that behaves well, with events where they may come."""

    def handler(connection: Connection) -> None:
        connection.send(machine.greeting)
        while True:
            request = connection.receive()
            if request is None:
                return
            connection.send(EVENT)
            connection.send({"return": {}, "id": "somebody else's"})
            connection.send(answer(machine, request))

    return handler


class Server:
    """Listens on a socket in a folder of its own while in a with block.

    handler talks to one client at a time; None: nobody ever accepts.
    """

    def __init__(self, handler: Optional[Callable[[Connection], None]],
                 tcp: bool = False) -> None:
        self.handler = handler
        self.folder = tempfile.TemporaryDirectory(prefix="amdvi-cli-")
        self.path = Path(self.folder.name) / "qmp.sock"
        family = socket.AF_INET if tcp else socket.AF_UNIX
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.bind(("127.0.0.1", 0) if tcp else str(self.path))
        self.address = (f"127.0.0.1:{self.listener.getsockname()[1]}" if tcp
                        else str(self.path))
        self.listener.listen(1)
        self.stream: Optional[socket.socket] = None
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self) -> "Server":
        if self.handler:
            self.thread.start()
        return self

    def __exit__(self, *reason: object) -> None:
        # on Linux this wakes accept(), recv() and sendall()
        for waiting in (self.listener, self.stream):
            try:
                if waiting:
                    waiting.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if self.handler:
            self.thread.join(5)
        self.listener.close()
        self.folder.cleanup()

    def serve(self) -> None:
        """Accept clients until the listener is closed."""
        while self.handler:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            self.stream = stream
            with stream:
                try:
                    self.handler(Connection(stream))
                except (OSError, EOFError, ValueError):
                    pass
