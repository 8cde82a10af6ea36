# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of the guest beyond busybox: Debian's tools and our own.

    $BUILD/guest/userland/debian   files of the packages in userland.conf
    $BUILD/guest/userland/own      static programs compiled from this folder
    $BUILD/guest/userland/*.json   from what inputs they were made
"""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Set, Tuple

import fetch
from fetch import HERE, ImageError, apt_root, say

# Our programs: name in the guest to the folder that holds its source.
PROGRAMS = {"sva-torture": HERE / "torture", "iommu-pmu": HERE / "pmu"}
CFLAGS = ["-std=gnu11", "-O2", "-g0", "-static", "-pthread", "-Wall",
          "-Wextra", "-Werror", "-fno-stack-clash-protection"]
LOADER = "ld-linux-x86-64.so.2"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
# Where a program expects its interpreter and the runners theirs.
LINKS = {"lib64": "usr/lib64", "bin/bash": "../usr/bin/bash",
         f"usr/lib64/{LOADER}": f"../../{LIBRARIES}/{LOADER}"}


class Conf(NamedTuple):
    """userland.conf."""

    suites: List[str]
    minimum: Tuple[str, str]
    names: List[str]
    run: List[str]
    copy: List[str]
    packages: Dict[str, str]


def home() -> Path:
    """Where everything of this module is kept."""
    return fetch.build_dir() / "guest" / "userland"


def trees() -> List[Path]:
    """The folders whose contents go into the guest."""
    return [home() / "debian", home() / "own"]


def read_conf() -> Conf:
    """userland.conf."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(HERE / "userland.conf", encoding="utf-8")
    section = parser["programs"]
    package, version = section["minimum"].split()
    return Conf(section["suites"].split(), (package, version),
                section["names"].split(), section["run"].split(),
                section["copy"].split(),
                fetch.known_packages(section["packages"]))


# --- Debian's programs ----------------------------------------------------


def new_enough(suite: str, conf: Conf) -> bool:
    """Whether a suite offers the version the tests rely on."""
    package, wanted = conf.minimum
    offered = "".join(apt_root("version", suite, package))
    good = subprocess.run(["dpkg", "--compare-versions", offered, "ge",
                           wanted], check=False).returncode == 0
    if not good:
        say(f"{suite} has {package} {offered}, older than {wanted}")
    return good


def find_packages(conf: Conf) -> List[Path]:
    """The packages of the first suite that will do, else those last used."""
    for suite in conf.suites:
        try:
            if new_enough(suite, conf):
                return [Path(p)
                        for p in apt_root("path", suite, *conf.names)]
        except ImageError as error:
            say(str(error))
    cached = fetch.from_cache(conf.packages)
    if not cached:
        raise ImageError(f"no suite offers {' '.join(conf.minimum)} or later")
    return cached


def needed(program: Path) -> List[str]:
    """Names of the shared libraries an ELF file asks for."""
    result = subprocess.run(["readelf", "-d", str(program)], text=True,
                            capture_output=True, check=False)
    if result.returncode != 0:
        raise ImageError(f"readelf {program.name}: {result.stderr.strip()}")
    return re.findall(r"\(NEEDED\).*\[(.*)\]", result.stdout)


def libraries(root: Path, programs: List[str]) -> Set[str]:
    """Paths below root of all libraries that programs need in the end."""
    found: Set[str] = {f"{LIBRARIES}/{LOADER}"}
    todo = [name for path in programs for name in needed(root / path)]
    while todo:
        path = f"{LIBRARIES}/{todo.pop()}"
        if path not in found:
            if not (root / path).exists():
                raise ImageError(f"userland.conf names no package with {path}")
            found.add(path)
            todo += needed(root / path)
    return found


def choose(root: Path, into: Path, conf: Conf) -> None:
    """Copy what the guest needs from unpacked packages."""
    for path in [*conf.run, *libraries(root, conf.run)]:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, into / path)
    for path in conf.copy:
        shutil.copytree(root / path, into / path, dirs_exist_ok=True)
    for link, target in LINKS.items():
        (into / link).parent.mkdir(parents=True, exist_ok=True)
        (into / link).symlink_to(target)


def take_debian() -> None:
    """Fetch the packages and replace the tree; the record comes last."""
    conf = read_conf()
    debs = find_packages(conf)
    fetch.verify(conf.packages, debs, "userland.conf")
    tree = home() / "debian"
    shutil.rmtree(tree, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=home()) as scratch:
        for deb in debs:
            subprocess.run(["dpkg", "-x", str(deb), scratch], check=True)
        choose(Path(scratch), tree, conf)
    record("debian", {"inputs": debian_inputs(), "packages": {
        deb.name: fetch.file_sha256(deb) for deb in debs}})


def debian_inputs() -> str:
    """Changes when something that shapes the tree does."""
    return fetch.digest_of([HERE / "userland.py", HERE / "userland.conf"])


# --- Our programs ---------------------------------------------------------


def compiler() -> List[str]:
    """$CC, or gcc."""
    return shlex.split(os.environ.get("CC", "gcc"))


def sources(folder: Path) -> List[Path]:
    """All source files of a program, in a fixed order."""
    return sorted([*folder.glob("*.c"), *folder.glob("*.h"),
                   *folder.glob("*.def")])


def own_inputs() -> str:
    """Changes when a source, a flag or the compiler does."""
    version = subprocess.run([*compiler(), "--version"], text=True,
                             capture_output=True, check=True).stdout
    files = [path for folder in PROGRAMS.values() for path in sources(folder)]
    return " ".join([fetch.digest_of([HERE / "userland.py", *files]),
                     *compiler(), version.splitlines()[0]])


def compile_own() -> None:
    """Compile every program; a warning is an error."""
    for name, folder in PROGRAMS.items():
        target = home() / "own" / "bin" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        files = [str(p) for p in sources(folder) if p.suffix == ".c"]
        result = subprocess.run([*compiler(), *CFLAGS, "-o", str(target),
                                 *files], text=True, capture_output=True,
                                check=False)
        if result.returncode != 0:
            raise ImageError(f"{name} does not compile:\n{result.stderr}")
    record("own", {"inputs": own_inputs()})


# --- Both -----------------------------------------------------------------


def record(name: str, what: Dict[str, Any]) -> None:
    """Say from what a tree was made."""
    fetch.write_whole(home() / f"{name}.json",
                      json.dumps(what, indent=2).encode() + b"\n")


def made_from(name: str) -> str:
    """The inputs a tree was made from; nothing if it is not whole."""
    try:
        text = (home() / f"{name}.json").read_text("utf-8")
        return str(json.loads(text)["inputs"])
    except (OSError, ValueError, KeyError):
        return ""


def digest() -> str:
    """Changes when one of the trees does."""
    return " ".join(fetch.file_sha256(home() / f"{name}.json")
                    for name in ("debian", "own"))


def ensure(refresh: bool = False) -> None:
    """Make both trees when their inputs changed.

    refresh: look for newer packages even if a tree exists.
    """
    home().mkdir(parents=True, exist_ok=True)
    if refresh or made_from("debian") != debian_inputs():
        take_debian()
    if made_from("own") != own_inputs():
        compile_own()
