# SPDX-License-Identifier: GPL-2.0-or-later
"""Ask a running QEMU about its AMD IOMMU; a start for scripts of your own.

    from amdvi_qmp import Monitor, device_id

    with Monitor("build/run/qmp-spare.sock") as vm:
        for entry in vm.rows("query-amd-iommu-gcr3",
                             device_id=device_id("00:06.0")):
            print(entry["pasid"], hex(entry["entry"]))

Commands, their arguments and replies are in amdvi-qmp(7).  What QEMU refuses
raises qemu.qmp.ExecuteError, a lost connection another qemu.qmp.QMPError, and
silence asyncio.TimeoutError.

The package qemu.qmp comes with QEMU's source.  An installed one is preferred
to the one in the build folder.
"""

import asyncio
import base64
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import (Any, Awaitable, Dict, Iterator, List, Optional, Type,
                    TypeVar, Union)

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / os.environ.get("BUILD", "build") / "src" / "qemu" / "python"
sys.path.append(str(SOURCE))

# The path comes first.
# pylint: disable=wrong-import-position
from qemu.qmp import ConnectError, QMPClient  # noqa: E402
from qemu.qmp.qmp_client import GreetingError  # noqa: E402

T = TypeVar("T")
Reply = Dict[str, Any]

# Bytes that guest-memory-read gives at once
READ_MAX = 65536
# Queries whose reply is a part of a list, and the member that is the list
LISTS = {
    "query-amd-iommu-device-table": "entries",
    "query-amd-iommu-gcr3": "entries",
    "query-amd-iommu-iotlb": "entries",
    "query-amd-iommu-log": "entries",
    "query-amd-iommu-mappings": "mappings",
    "query-amd-iommu-page-requests": "groups",
    "query-amd-iommu-registers": "registers",
    "query-amd-iommu-stats": "sources",
    "query-amd-iommu-trace": "records",
}


class OutsideMemory(Exception):
    """There is no RAM or ROM at an address."""


def device_id(bdf: str) -> int:
    """The DeviceID of "bus:device.function", all hexadecimal."""
    bus, _, rest = bdf.partition(":")
    device, _, function = rest.partition(".")
    return int(bus, 16) << 8 | int(device, 16) << 3 | int(function, 16)


def bdf_of(number: int) -> str:
    """The other way."""
    return f"{number >> 8:02x}:{number >> 3 & 0x1f:02x}.{number & 7}"


def rights(row: Reply) -> str:
    """What a mapping, an entry or a step permits, such as "rw-"."""
    return "".join(name[0] if row.get(name) else "-"
                   for name in ("read", "write", "exec")).replace("e", "x")


class Monitor:
    """One connection to a QMP socket; nobody else can use that one meanwhile.

    path: the UNIX socket.  timeout: seconds for each reply.
    """

    def __init__(self, path: Union[str, Path], timeout: float = 30.0) -> None:
        self.timeout = timeout
        self.loop = asyncio.new_event_loop()
        # Python 3.9 ties queues to the loop that is current
        asyncio.set_event_loop(self.loop)
        self.client = QMPClient()
        try:
            self.wait(self.connect(str(path)))
        except BaseException:
            self.loop.close()
            raise

    async def connect(self, path: str) -> None:
        """Again, if QEMU begins with its answer to a client that has left."""
        while True:
            try:
                return await self.client.connect(path)
            except ConnectError as error:
                if not isinstance(error.exc, GreetingError):
                    raise

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]],
                 value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def close(self) -> None:
        """Give the socket back to other clients."""
        if not self.loop.is_closed():
            try:
                self.wait(self.client.disconnect())
            finally:
                self.loop.close()

    def wait(self, what: Awaitable[T], timeout: Optional[float] = None) -> T:
        """Let it happen, for a limited time."""
        limited = asyncio.wait_for(what, timeout or self.timeout)
        return self.loop.run_until_complete(limited)

    def command(self, name: str, **arguments: Any) -> Any:
        """Run a command and return its result.

        An argument a-b is written a_b; one that is None is left out.
        """
        given = {key.replace("_", "-"): value
                 for key, value in arguments.items() if value is not None}
        return self.wait(self.client.execute(name, given))

    def pages(self, query: str, **arguments: Any) -> Iterator[Reply]:
        """All replies of a query that gives a part at a time."""
        while True:
            reply: Reply = self.command(query, **arguments)
            yield reply
            if "next" not in reply:
                return
            arguments["start"] = reply["next"]

    def rows(self, query: str, **arguments: Any) -> Iterator[Reply]:
        """All rows of such a query, each asked for when it is needed."""
        for reply in self.pages(query, **arguments):
            yield from reply[LISTS[query]]

    def registers(self) -> Dict[str, int]:
        """The value of each register, by name."""
        return {row["name"]: row["value"]
                for row in self.rows("query-amd-iommu-registers")}

    def pending(self, log: str) -> List[Reply]:
        """Entries of a ring that were not consumed yet, the oldest first."""
        ring = self.command("query-amd-iommu-log", log=log, limit=1)["ring"]
        entries = {row["offset"]: row
                   for row in self.rows("query-amd-iommu-log", log=log)}
        offsets = range(ring["head"], ring["head"] +
                        (ring["tail"] - ring["head"]) % ring["size"], 16)
        return [entries[offset % ring["size"]] for offset in offsets]

    def read_memory(self, address: int, size: int) -> bytes:
        """Guest-physical memory."""
        data = b""
        while len(data) < size:
            reply = self.command("guest-memory-read",
                                 address=address + len(data),
                                 size=min(size - len(data), READ_MAX))
            part = base64.b64decode(reply["data"])
            if not part:
                raise OutsideMemory(f"{address + len(data):#x}")
            data += part
        return data

    def read_word(self, address: int) -> int:
        """A 64-bit word of guest-physical memory."""
        return int.from_bytes(self.read_memory(address, 8), "little")

    def event(self, *names: str, timeout: Optional[float] = None) -> Reply:
        """The next event of these names; any, if none is given.

        Events before it, and of other names, are dropped.
        """
        async def find() -> Reply:
            while True:
                event = dict(await self.client.events.get())
                if not names or event["event"] in names:
                    return event
        return self.wait(find(), timeout)

    def events(self) -> List[Reply]:
        """Events that have come until now, without waiting."""
        self.command("query-name")
        return [dict(event) for event in self.client.events.clear()]
