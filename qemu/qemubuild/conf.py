# SPDX-License-Identifier: GPL-2.0-or-later
"""What qemu/build knows before it starts, and the few helpers all parts use.

The pinned base comes from qemu/base.conf, places from the environment:
BUILD (outputs, default "build" in the repository), AMDVI_CACHE (downloads),
QEMU_SRC (a tree or tarball to use instead of the pinned release), JOBS.
"""

import configparser
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional

READ_CHUNK = 1 << 20


class Fault(Exception):
    """A failure whose text is what the user sees."""


class WrongChecksum(Fault):
    """Content that is not what base.conf names; no other source is tried."""


class Conf(NamedTuple):
    """The pinned base and the places this run works in."""

    root: Path
    build: Path
    cache: Path
    user_source: str
    version: str
    tree_sha256: str
    debian: Dict[str, str]
    upstream: Dict[str, str]
    overlay: Dict[str, str]
    needs: Dict[str, List[str]]
    excluded: List[str]

    @property
    def patches(self) -> Path:
        """The hooks in stock files, one mail-format patch each."""
        return self.root / "qemu" / "patches"

    def patch_files(self) -> List[Path]:
        """The patches in the order they apply."""
        return sorted(self.patches.glob("[0-9][0-9][0-9][0-9]-*.patch"))


def load() -> Conf:
    """Read qemu/base.conf and the environment."""
    root = Path(__file__).resolve().parent.parent.parent
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment]
    with open(root / "qemu" / "base.conf", encoding="utf-8") as file:
        parser.read_file(file)
    xdg = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    cache = os.environ.get("AMDVI_CACHE") or os.path.join(xdg, "amdvi-svm")
    return Conf(
        root=root,
        build=Path(os.path.abspath(
            root / (os.environ.get("BUILD") or "build"))),
        cache=Path(cache).absolute(),
        user_source=os.environ.get("QEMU_SRC", ""),
        version=parser["base"]["version"],
        tree_sha256=parser["base"]["tree_sha256"],
        debian=dict(parser["debian"]),
        upstream=dict(parser["upstream"]),
        overlay=dict(parser["overlay"]),
        needs={name: words.split() for name, words in parser["needs"].items()},
        excluded=parser["excluded"]["patterns"].split())


def say(text: str) -> None:
    """A line of progress."""
    print(f"qemu: {text}", flush=True)


def run(args: List[str], cwd: Optional[Path] = None, data: bytes = b"",
        env: Optional[Dict[str, str]] = None) -> bytes:
    """Run a tool, return its output; a failure is a Fault with its reason."""
    result = subprocess.run(args, cwd=cwd, input=data, env=env, check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode != 0:
        text = (result.stderr or result.stdout).decode(errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        reason = lines[0] if lines else f"exit status {result.returncode}"
        raise Fault(f"{' '.join(args[:3])}: {reason}")
    return result.stdout


def sha256_file(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    total = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(READ_CHUNK), b""):
            total.update(chunk)
    return total.hexdigest()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One run at a time works on path (need not exist); a second one waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.parent / f".{path.name}.lock", "w",
              encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that works on {path}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder that is gone afterwards, also when the run is interrupted."""
    parent.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def fail(text: str) -> None:
    """The message of a failure, on standard error."""
    print(f"qemu: {text}", file=sys.stderr, flush=True)
