#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Headers to build modules for the guest's kernel.

    headers.py      unpack them when needed, print the folder for "make -C"

    make -C "$(tests/guest/headers.py)" M="$PWD/docs/examples/loopback" modules

They are Debian's packages of that very kernel, unpacked below
$BUILD/guest/RELEASE/headers and never installed.  The tree is made to work
where it is and with the machine's compiler: absolute paths name the folder,
options that only the kernel's own compiler has are dropped, and helper
programs that want a newer C library than the machine's get it from Debian's
package (spec/linux-guest.md section 5.3).
"""

import configparser
import fcntl
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, NamedTuple

import fetch
import image
import kernel
from fetch import HERE, ImageError, apt_root, say

LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = "ld-linux-x86-64.so.2"


class Conf(NamedTuple):
    """headers.conf."""

    libraries: List[str]
    compiler: List[str]
    steps: List[str]
    packages: str


def read_conf() -> Conf:
    """headers.conf."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(HERE / "headers.conf", encoding="utf-8")
    section = parser["headers"]
    return Conf(section["libraries"].split(), section["compiler"].split(),
                section["steps"].split(), section["packages"])


def packages(suite: str, release: str, conf: Conf) -> List[Path]:
    """The packages of one suite, which may have moved on to another kernel."""
    top = f"linux-headers-{release}"
    names = [top] + [name for name in apt_root("depends", suite, top)
                     if re.match(r"linux-(headers|kbuild)-", name)]
    return [Path(p) for p in apt_root("path", suite, *names,
                                      *conf.libraries)]


def find_packages(guest: image.Image, conf: Conf) -> List[Path]:
    """Those of the first suite that has them, else those last used."""
    known = fetch.known_packages(conf.packages)
    series = kernel.candidates(guest.series)[0]
    for suite in series.suites:
        try:
            debs = packages(suite, guest.release, conf)
        except ImageError as error:
            say(str(error))
            continue
        fetch.verify(known, debs, "headers.conf")
        return debs
    cached = fetch.from_cache(known)
    if cached and any(guest.release in deb.name for deb in cached):
        return cached
    raise ImageError(f"no suite offers the headers of {guest.release}")


def change(path: Path, pattern: str, by: str) -> None:
    """Replace all matches in a file."""
    text = path.read_text("utf-8")
    path.write_text(re.sub(pattern, by, text, flags=re.MULTILINE), "utf-8")


def starts(program: Path) -> bool:
    """Whether the machine has the libraries a program wants."""
    result = subprocess.run(["ldd", str(program)], text=True,
                            capture_output=True, check=False)
    return result.returncode == 0 and \
        "not found" not in result.stdout + result.stderr


def wrap(program: Path, libraries: Path) -> None:
    """Let a program start with libraries of its own."""
    real = program.with_name(program.name + ".elf")
    program.rename(real)
    program.write_text(f"#!/bin/sh\nexec '{libraries / LOADER}' "
                       f"--library-path '{libraries}' '{real}' \"$@\"\n",
                       "utf-8")
    program.chmod(0o755)


def adapt(root: Path, release: str, conf: Conf) -> Path:
    """Make an unpacked tree work where it is; the folder for "make -C"."""
    tree = root / "usr" / "src" / f"linux-headers-{release}"
    change(tree / "Makefile", r"/usr/src/", f"{root}/usr/src/")
    change(tree / ".kernelvariables", r"gcc-\d+$", "gcc")
    for option in conf.compiler + conf.steps:
        change(tree / "include" / "config" / "auto.conf",
               rf"^CONFIG_{option}=.*\n", "")
    for option in conf.compiler:
        change(tree / "include" / "generated" / "autoconf.h",
               rf"^#define CONFIG_{option} .*\n", "")
    for path in sorted((root / "usr" / "lib").glob("linux-kbuild-*/**/*")):
        if path.is_file() and not path.is_symlink() and \
                path.read_bytes()[:4] == b"\x7fELF" and not starts(path):
            wrap(path, root / LIBRARIES)
    return tree


def inputs() -> str:
    """Changes when something that shapes the tree does."""
    return fetch.digest_of([HERE / "headers.py", HERE / "headers.conf"])


def made(record: Path) -> bool:
    """Whether the tree is whole, and from these inputs."""
    try:
        known = json.loads(record.read_text("utf-8"))
        return bool(known["inputs"] == inputs()
                    and known["folder"] == str(record.parent))
    except (OSError, ValueError, KeyError):
        return False


def ensure(guest: image.Image) -> Path:
    """The folder for "make -C" that fits a guest's kernel."""
    conf = read_conf()
    root = (guest.kernel.parent / "headers").absolute()
    root.mkdir(exist_ok=True)
    record = root / "made.json"
    with open(root.with_name("headers.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tree = root / "usr" / "src" / f"linux-headers-{guest.release}"
        if made(record):
            return tree
        debs = find_packages(guest, conf)
        shutil.rmtree(root)
        for deb in debs:
            subprocess.run(["dpkg", "-x", str(deb), str(root)], check=True)
        adapt(root, guest.release, conf)
        fetch.write_whole(record, json.dumps(
            {"inputs": inputs(), "folder": str(root)}).encode())
        say(f"headers of kernel {guest.release}")
        return tree


def main() -> int:
    """Make the tree, print where it is."""
    try:
        print(ensure(image.ensure()))
    except (ImageError, OSError, subprocess.CalledProcessError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
