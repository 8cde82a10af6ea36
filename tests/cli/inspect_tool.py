# SPDX-License-Identifier: GPL-2.0-or-later
"""Run amdvi-inspect and look at what it says.

The program is $AMDVI_INSPECT, or the one in the build folder.
"""

import os
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# Exit codes, as the manual and --help give them
(OK, FAILED, USAGE, CONNECTION, TIMEOUT, UNSUPPORTED, PARTIAL, REPLY,
 NOT_IN_DUMP) = range(9)


class Result(NamedTuple):
    """How a run ended."""

    code: int
    out: str
    err: str


def program() -> Path:
    """The program under test."""
    default = Path(os.environ.get("BUILD", str(ROOT / "build")))
    return Path(os.environ.get(
        "AMDVI_INSPECT", default / "amdvi-inspect" / "amdvi-inspect"))


def environment(extra: Optional[Dict[str, str]] = None) -> Dict[str, str]:
    """Nothing of the user's settings gets through."""
    env = {name: value for name, value in os.environ.items()
           if name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                       "LSAN_OPTIONS")}
    env["LC_ALL"] = "C.UTF-8"
    env.update(extra or {})
    return env


def inspect(*args: str, env: Optional[Dict[str, str]] = None,
            binary: Optional[Path] = None,
            preexec: Optional[Callable[[], Any]] = None,
            stdout: Any = subprocess.PIPE) -> Result:
    """Run the program to its end."""
    command: List[str] = [str(binary or program()), *args]
    # pylint: disable=subprocess-popen-preexec-fn
    done = subprocess.run(command, env=environment(env), stdout=stdout,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          timeout=60, check=False, preexec_fn=preexec)
    return Result(done.returncode,
                  done.stdout.decode("utf-8", "surrogateescape")
                  if done.stdout is not None else "",
                  done.stderr.decode("utf-8", "surrogateescape"))
