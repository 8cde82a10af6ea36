# SPDX-License-Identifier: GPL-2.0-or-later
"""Which kernel the guest boots, and the parts of its packages it needs.

kernels.conf says which series may be used and which is preferred,
modules.list which modules the image holds.
"""

import configparser
import lzma
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

import fetch
from fetch import HERE, ImageError, apt_root, say


class Series(NamedTuple):
    """One section of kernels.conf."""

    name: str
    role: str
    bind: str
    suites: List[str]
    packages: Dict[str, str]


class Found(NamedTuple):
    """A kernel a suite offers, as the packages that make it up."""

    suite: str
    debs: List[Path]


def read_conf() -> List[Series]:
    """kernels.conf, in its order."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(HERE / "kernels.conf", encoding="utf-8")
    found = []
    for name in parser.sections():
        section = parser[name]
        found.append(Series(name, section["role"], section["bind"],
                            section["suites"].split(),
                            fetch.known_packages(section["packages"])))
    return found


def candidates(wanted: Optional[str]) -> List[Series]:
    """The series to try: the one named, or those of role main."""
    known = read_conf()
    chosen = [s for s in known
              if s.name == wanted or (not wanted and s.role == "main")]
    if not chosen:
        names = ", ".join(s.name for s in known)
        raise ImageError(f"no kernel series {wanted} in kernels.conf "
                         f"(it has {names})")
    return chosen


def series_key(name: str) -> Tuple[int, ...]:
    """7.2 as (7, 2), for comparing."""
    return tuple(int(part) for part in name.split("."))


def offered_series(suite: str) -> str:
    """The series, such as 7.2, of linux-image-amd64 in a suite."""
    version = " ".join(apt_root("version", suite, "linux-image-amd64"))
    match = re.match(r"(\d+\.\d+)", version)
    if not match:
        raise ImageError(f"{suite}: linux-image-amd64 has version {version}")
    return match.group(1)


def kernel_packages(suite: str) -> List[str]:
    """The packages linux-image-amd64 leads to that hold the kernel.

    How a kernel is split over packages changed with 7.2, so the names are
    found by following dependencies (spec/linux-guest.md section 5.8).
    """
    pattern = re.compile(r"linux-(image|binary|modules|base)-")
    todo, seen = ["linux-image-amd64"], {"linux-image-amd64"}
    while todo:
        for name in apt_root("depends", suite, todo.pop()):
            if pattern.match(name) and name not in seen:
                seen.add(name)
                todo.append(name)
    return sorted(n for n in seen if re.search(r"-\d+\.\d+", n))


def find_series(series: Series, known: List[Series]) -> Optional[Found]:
    """The first suite that offers a series; else the packages last used."""
    newest = max(series_key(s.name) for s in known)
    for suite in series.suites:
        try:
            offered = offered_series(suite)
            if offered == series.name:
                return Found(suite, [Path(p) for p in apt_root(
                    "path", suite, *kernel_packages(suite))])
        except ImageError as error:
            say(str(error))
            continue
        if series_key(offered) > newest:
            say(f"{suite} offers kernel {offered}, which is not in "
                "kernels.conf and is not used")
    cached = fetch.from_cache(series.packages)
    return Found("the cache", cached) if cached else None


def find_kernel(wanted: Optional[str]) -> Tuple[Series, Found]:
    """The kernel to boot, checked against kernels.conf."""
    tried = candidates(wanted)
    for series in tried:
        found = find_series(series, read_conf())
        if found:
            say(f"kernel series {series.name} ({series.role}) from "
                f"{found.suite}")
            fetch.verify(series.packages, found.debs, "kernels.conf")
            return series, found
    raise ImageError("no suite offers a kernel of series "
                     + ", ".join(s.name for s in tried))


# --- What is in the packages ----------------------------------------------


class KernelFiles:
    """The parts of a kernel's packages that an image is made of."""

    def __init__(self) -> None:
        self.release = ""
        self.vmlinuz = b""
        self.builtin: Set[str] = set()
        self.modules: Dict[str, bytes] = {}

    def add(self, path: str, data: bytes) -> None:
        """File one member of a package."""
        release = re.search(r"lib/modules/([^/]+)/", path)
        if release and release.group(1) != "":
            self.release = release.group(1)
        name = path.rsplit("/", 1)[-1]
        if name.startswith("vmlinuz"):
            self.vmlinuz = data
        elif name == "modules.builtin":
            self.builtin = {module_name(n) for n in data.decode().split()}
        elif re.search(r"\.ko(\.\w+)?$", name):
            self.modules[module_name(name)] = data

    def module(self, name: str) -> bytes:
        """A module, decompressed: busybox cannot do that."""
        data = self.modules[name]
        if data[:6] == b"\xfd7zXZ\0":
            return lzma.decompress(data)
        if data[:4] == b"\x7fELF":
            return data
        raise ImageError(f"module {name} has an unknown compression")


def module_name(path: str) -> str:
    """virtio-rng.ko.xz and kernel/../virtio_rng.ko are both virtio_rng."""
    name = re.sub(r"\.ko(\.\w+)?$", "", path.rsplit("/", 1)[-1])
    return name.replace("-", "_")


def package_members(deb: Path) -> Iterator[Tuple[str, bytes]]:
    """Kernel files of a .deb, without unpacking it to disk."""
    wanted = re.compile(r"vmlinuz|/modules\.builtin$|\.ko(\.\w+)?$")
    with subprocess.Popen(["dpkg", "--fsys-tarfile", str(deb)],
                          stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                if member.isfile() and wanted.search(member.name):
                    handle = archive.extractfile(member)
                    yield member.name, handle.read() if handle else b""
    if process.returncode != 0:
        raise ImageError(f"{deb.name} cannot be read")


def kernel_files(debs: List[Path]) -> KernelFiles:
    """Gather the kernel and its modules from all packages."""
    files = KernelFiles()
    for deb in debs:
        for path, data in package_members(deb):
            files.add(path, data)
    if not files.vmlinuz or not files.release:
        raise ImageError("no kernel in " + ", ".join(d.name for d in debs))
    return files


class Wanted(NamedTuple):
    """One line of modules.list."""

    name: str
    at_boot: bool


def wanted_modules() -> List[Wanted]:
    """The modules the image holds, in load order."""
    rows = [line.split() for line in
            (HERE / "modules.list").read_text("utf-8").splitlines()
            if not line.startswith("#")]
    return [Wanted(module_name(row[0]), row[1:] != ["later"])
            for row in rows if row]


class Module(NamedTuple):
    """A module's bytes and the names of the modules it needs directly."""

    data: bytes
    needs: List[str]


def load_order(files: KernelFiles) -> Dict[str, Module]:
    """Modules of modules.list with what they depend on, in load order."""
    ordered: Dict[str, Module] = {}

    def visit(name: str) -> None:
        if name in ordered or name in files.builtin:
            return
        if name not in files.modules:
            raise ImageError(f"kernel {files.release} has no module {name}")
        data = files.module(name)
        match = re.search(rb"\0depends=([^\0]*)\0", data)
        needs = [module_name(other) for other in
                 (match.group(1).decode().split(",") if match else [])
                 if other]
        for other in needs:
            visit(other)
        ordered[name] = Module(data, [n for n in needs if n in ordered])

    for wanted in wanted_modules():
        visit(wanted.name)
    return ordered


def modules_dep(needs: Dict[str, List[str]]) -> str:
    """The file modprobe reads: a module, and all it needs in unload order.

    needs: module to the modules it needs directly, in load order.
    """
    order = list(needs)
    whole: Dict[str, Set[str]] = {}
    for name, direct in needs.items():
        whole[name] = set(direct).union(*(whole[near] for near in direct))
    lines = []
    for name, others in whole.items():
        last_first = sorted(others, key=order.index, reverse=True)
        lines.append(f"{name}.ko:" + "".join(f" {n}.ko" for n in last_first))
    return "".join(line + "\n" for line in lines)
