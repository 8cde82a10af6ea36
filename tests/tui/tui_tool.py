# SPDX-License-Identifier: GPL-2.0-or-later
"""Run amdvi-inspect on a terminal of a certain size.

Terminal    a program on a pseudo terminal, with keys and what it sent
run_script  the inspector with keys from a script, to its end
"""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "cli")]

import inspect_tool  # noqa: E402

EXAMPLE = inspect_tool.ROOT / "examples" / "sva-torture.json.gz"
# Nothing takes so long but a machine that is busy with something else
PATIENCE = 300


class Terminal:
    """A program on a pseudo terminal; what it sends is in output."""

    def __init__(self, *args: str, size: Tuple[int, int] = (80, 24),
                 env: Optional[Dict[str, str]] = None,
                 cwd: Optional[str] = None) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(size)
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        variables = inspect_tool.environment({"TERM": "xterm-256color",
                                              **(env or {})})
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [str(inspect_tool.program().resolve()), *args],
            stdin=self.slave, stdout=self.slave, stderr=subprocess.PIPE,
            env=variables, cwd=cwd, start_new_session=True,
            preexec_fn=self.take_terminal)

    def take_terminal(self) -> None:
        """In the child: the terminal is its own, and sends it signals."""
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: Any) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stderr
        self.process.stderr.close()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, size: Tuple[int, int]) -> None:
        """Columns and lines; the program is told."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", size[1], size[0], 0, 0))

    def send(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def read(self, seconds: float) -> bytes:
        """What comes within a time; empty if nothing does."""
        if not select.select([self.master], [], [], seconds)[0]:
            return b""
        data = os.read(self.master, 65536)
        self.output += data
        return data

    def wait_for(self, text: bytes, start: int = 0) -> None:
        """Read until the program has sent a text behind byte start."""
        end = time.monotonic() + PATIENCE
        while text not in self.output[start:]:
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"{text!r} does not come: "
                                     f"{self.output[-2000:]!r}")
            self.read(0.2)

    def shows(self, text: bytes) -> None:
        """Have the whole screen sent until a text is on it.

        Otherwise only what differs is sent, in pieces.
        """
        end = time.monotonic() + PATIENCE
        seen = len(self.output)
        while True:
            self.send(b"\x0c")
            again = time.monotonic() + 0.5
            # A live screen never falls silent
            while time.monotonic() < again:
                self.read(0.1)
                if text in self.output[seen:]:
                    return
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"{text!r} is not shown: "
                                     f"{self.output[seen:]!r}")

    def finish(self) -> Tuple[int, str]:
        """Read until it ends; exit status and what is on stderr."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            if time.monotonic() > end:
                self.process.send_signal(signal.SIGABRT)
                raise AssertionError(f"it does not end: "
                                     f"{self.output[-2000:]!r}")
            self.read(0.05)
        while self.read(0):
            pass
        assert self.process.stderr
        return (self.process.returncode,
                self.process.stderr.read().decode("utf-8", "replace"))


class Run(NamedTuple):
    """How a scripted run ended."""

    code: int
    err: str
    output: bytes
    saved: Dict[str, str]


def run_script(script: List[str], *args: str,
               size: Tuple[int, int] = (80, 24),
               env: Optional[Dict[str, str]] = None) -> Run:
    """Run the inspector with a script.

    "SAVE name" in the script saves the screen under that name; "DIR" stands
    for a folder whose other files are returned, too.  What is written without
    a folder's name is not kept.
    """
    with tempfile.TemporaryDirectory() as folder, \
            tempfile.TemporaryDirectory() as cwd:
        lines = [line.replace("SAVE ", f":save-screen {folder}/")
                 .replace("DIR", folder) for line in script]
        path = Path(folder) / "script"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        with Terminal(*args, "tui", "--script", str(path), size=size,
                      env=env, cwd=cwd) as terminal:
            code, err = terminal.finish()
            output = terminal.output
        saved = {file.name: file.read_text("utf-8")
                 for file in Path(folder).iterdir() if file != path}
    return Run(code, err, output, saved)


def on_example(script: List[str], *args: str,
               size: Tuple[int, int] = (80, 24),
               env: Optional[Dict[str, str]] = None) -> Run:
    """The same on the example dump."""
    return run_script(script, "-d", str(EXAMPLE), *args, size=size, env=env)
