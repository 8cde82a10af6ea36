# SPDX-License-Identifier: GPL-2.0-or-later
"""A small QMP client for tests: one command at a time, with a time limit."""

import collections
import json
import socket
from pathlib import Path
from typing import Any, Deque, Dict

REPLY_BYTES_MAX = 64 << 20
EVENTS_MAX = 1000                       # that are kept; older ones are lost


class QmpError(Exception):
    """QEMU refused a command, or the connection failed."""


class Qmp:
    """One connection to a QMP socket.

    path: the UNIX socket.  timeout: seconds for each reply.
    """

    def __init__(self, path: Path, timeout: float = 10.0) -> None:
        self.path = path
        self.buffer = b""
        self.events: Deque[Dict[str, Any]] = collections.deque(
            maxlen=EVENTS_MAX)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(str(path))
            if "QMP" not in self.message():
                raise QmpError(f"{path}: no QMP greeting")
            self.command("qmp_capabilities")
        except socket.timeout as error:
            self.close()
            raise QmpError(f"{path}: silent; another client may hold it"
                           ) from error
        except OSError as error:
            self.close()
            raise QmpError(f"{path}: {error}") from error

    def close(self) -> None:
        """Give the socket back to other clients."""
        self.socket.close()

    def message(self) -> Dict[str, Any]:
        """The next line from QEMU."""
        while b"\n" not in self.buffer:
            data = self.socket.recv(1 << 16)
            if not data:
                raise QmpError(f"{self.path}: QEMU closed the connection")
            self.buffer += data
            if len(self.buffer) > REPLY_BYTES_MAX:
                raise QmpError(f"{self.path}: reply is too long")
        line, self.buffer = self.buffer.split(b"\n", 1)
        parsed = json.loads(line)
        if not isinstance(parsed, dict):
            raise QmpError(f"{self.path}: not a QMP message")
        return parsed

    def event(self) -> Dict[str, Any]:
        """The next event, also one that came during a command."""
        while not self.events:
            message = self.message()
            if "event" in message:
                self.events.append(message)
        return self.events.popleft()

    def command(self, name: str, **arguments: Any) -> Any:
        """Run a command and return its result; events are kept.

        An argument named id_ or a-b is written as in the schema: id, a-b.
        """
        names = {k.rstrip("_").replace("__", "-"): v
                 for k, v in arguments.items()}
        request = {"execute": name, "arguments": names}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            reply = self.message()
            if "error" in reply:
                raise QmpError(f"{name}: {reply['error'].get('desc')}")
            if "return" in reply:
                return reply["return"]
            if "event" in reply:
                self.events.append(reply)
