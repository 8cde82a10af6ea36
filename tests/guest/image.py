#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest: Debian's own kernel, a busybox initramfs and two disk images.

Everything comes from Debian packages fetched by scripts/apt-root and stays
under $BUILD/guest:

    RELEASE/vmlinuz             the unmodified kernel
    RELEASE/initramfs.cpio.gz   busybox, modules, init, tests/*; same inputs,
                                same bytes
    RELEASE/manifest.json       series, packages with checksums, modules
    RELEASE/parts/              what the initramfs is put together from
    firmware/                   SeaBIOS, if the machine has an old one or none
    disk-ahci.img disk-nvme.img pseudo-random content with a known checksum

kernels.conf says which kernel series may be used and which is preferred.
An image whose inputs have not changed is used again without any network.
"""

import argparse
import configparser
import contextlib
import fcntl
import gzip
import hashlib
import io
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
APT_ROOT = TOP / "scripts" / "apt-root"
DISK_BYTES = 64 << 20
# Older SeaBIOS does not understand how QEMU 8.1 and later report a failed
# AHCI command, and waits half a minute for every disk.
SEABIOS_MIN = "1.16.3"
SEABIOS_SUITES = ("trixie", "forky", "sid")
# SHAKE-256 of this text and the disk's name is the disk's content.
DISK_SEED = b"amdvi-svm guest disk "


class ImageError(Exception):
    """A failure whose text is the one line the user sees."""


class Disk(NamedTuple):
    """A disk image: the guest's device name and what it must read."""

    device: str
    path: Path
    sha256: str


class Image(NamedTuple):
    """Everything a VM boots from."""

    release: str
    series: str
    bind: str
    kernel: Path
    initramfs: Path
    disks: List[Disk]
    firmware: Path


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


def build_dir() -> Path:
    """$BUILD; a relative one is relative to the repository."""
    return TOP / os.environ.get("BUILD", "build")


def say(text: str) -> None:
    """A line of progress on standard error."""
    print(f"guest: {text}", file=sys.stderr, flush=True)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is either complete or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-",
                                     delete=False) as part:
        try:
            part.write(data)
            part.flush()
            os.chmod(part.name, 0o644)
            os.replace(part.name, path)
        except BaseException:
            os.unlink(part.name)
            raise


# --- Which kernel ---------------------------------------------------------


def read_conf() -> List[Series]:
    """kernels.conf, in its order."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(HERE / "kernels.conf", encoding="utf-8")
    found = []
    for name in parser.sections():
        section = parser[name]
        lines = [line.split() for line in section["packages"].splitlines()]
        found.append(Series(name, section["role"], section["bind"],
                            section["suites"].split(),
                            {line[0]: line[1] for line in lines if line}))
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


def apt_root(*args: str) -> List[str]:
    """Lines printed by scripts/apt-root; its own messages pass through."""
    result = subprocess.run([str(APT_ROOT), *args], text=True,
                            stdout=subprocess.PIPE, check=False)
    if result.returncode != 0:
        raise ImageError(f"apt-root {' '.join(args)} failed")
    return result.stdout.split()


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


def verify(series: Series, debs: List[Path]) -> None:
    """Compare packages with the checksums of those last used."""
    for deb in debs:
        known = series.packages.get(deb.name)
        if known and known != file_sha256(deb):
            raise ImageError(f"{deb.name}: SHA-256 differs from kernels.conf")
        if not known:
            say(f"{deb.name} is not the package last used (kernels.conf)")


def from_cache(series: Series) -> Optional[Found]:
    """The packages last used, if all are still in the download cache."""
    xdg = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    cache = Path(os.environ.get("AMDVI_CACHE") or Path(xdg) / "amdvi-svm")
    debs = [cache / "debs" / name for name in series.packages]
    for deb in debs:
        if not deb.exists() or file_sha256(deb) != series.packages[deb.name]:
            return None
    return Found("the cache", debs) if debs else None


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
    return from_cache(series)


def find_kernel(wanted: Optional[str]) -> Tuple[Series, Found]:
    """The kernel to boot, checked against kernels.conf."""
    tried = candidates(wanted)
    for series in tried:
        found = find_series(series, read_conf())
        if found:
            say(f"kernel series {series.name} ({series.role}) from "
                f"{found.suite}")
            verify(series, found.debs)
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


def load_order(files: KernelFiles) -> Dict[str, bytes]:
    """Modules of modules.list with what they depend on, in load order."""
    ordered: Dict[str, bytes] = {}

    def visit(name: str) -> None:
        if name in ordered or name in files.builtin:
            return
        if name not in files.modules:
            raise ImageError(f"kernel {files.release} has no module {name}")
        data = files.module(name)
        match = re.search(rb"\0depends=([^\0]*)\0", data)
        for other in match.group(1).decode().split(",") if match else []:
            if other:
                visit(module_name(other))
        ordered[name] = data

    for line in (HERE / "modules.list").read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            visit(module_name(line.strip()))
    return ordered


# --- The initramfs --------------------------------------------------------


class Cpio:
    """A "newc" archive written with fixed times, owners and inode numbers."""

    def __init__(self) -> None:
        self.out = io.BytesIO()
        self.inode = 0

    def link(self, name: str, target: str) -> None:
        """Append a symbolic link."""
        self.entry(name, 0o120777, target.encode())

    def entry(self, name: str, mode: int, data: bytes = b"",
              device: Tuple[int, int] = (0, 0)) -> None:
        """Append one file; mode includes the file type."""
        self.inode += 1
        raw = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0,
                  device[0], device[1], len(raw), 0)
        self.out.write(b"070701" + b"".join(b"%08x" % f for f in fields))
        self.out.write(raw)
        self.pad()
        self.out.write(data)
        self.pad()

    def pad(self) -> None:
        """Headers and data start at multiples of four bytes."""
        self.out.write(b"\0" * (-self.out.tell() % 4))

    def finish(self) -> bytes:
        """The archive, compressed without a time stamp."""
        self.entry("TRAILER!!!", 0)
        return gzip.compress(self.out.getvalue(), compresslevel=6, mtime=0)


def busybox() -> bytes:
    """The static busybox of the suite this machine runs."""
    suite = apt_root("suite")[0]
    deb = apt_root("path", suite, "busybox-static")[0]
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["dpkg", "-x", deb, scratch], check=True)
        for place in ("bin/busybox", "usr/bin/busybox"):
            if (Path(scratch) / place).exists():
                return (Path(scratch) / place).read_bytes()
    raise ImageError(f"no busybox in {deb}")


def initramfs(parts: Path, modules: List[str], disks: List[Disk]) -> bytes:
    """The guest's whole user space; parts holds busybox and *.ko."""
    archive = Cpio()
    for name in ("bin", "dev", "etc", "lib", "lib/modules", "proc", "sys",
                 "tests", "tmp"):
        archive.entry(name, 0o040755)
    archive.entry("dev/console", 0o020600, device=(5, 1))
    archive.entry("init", 0o100755, (HERE / "init").read_bytes())
    archive.entry("bin/busybox", 0o100755, (parts / "busybox").read_bytes())
    archive.link("bin/sh", "busybox")
    for test in guest_tests():
        archive.entry(f"tests/{test.name}", 0o100755, test.read_bytes())
    lines = [f"{d.device} {d.sha256} {DISK_BYTES}\n" for d in disks]
    archive.entry("etc/disks", 0o100644, "".join(lines).encode())
    archive.entry("etc/modules", 0o100644,
                  "".join(f"{name}\n" for name in modules).encode())
    for name in modules:
        archive.entry(f"lib/modules/{name}.ko", 0o100644,
                      (parts / f"{name}.ko").read_bytes())
    return archive.finish()


def guest_tests() -> List[Path]:
    """Scripts the guest can run by name."""
    return sorted((HERE / "tests").iterdir())


# --- Firmware -------------------------------------------------------------


def firmware() -> Path:
    """The folder of a SeaBIOS that is new enough."""
    command = ["dpkg-query", "-W", "-f", "${Version}", "seabios"]
    result = subprocess.run(command, text=True, capture_output=True,
                            check=False)
    if result.returncode == 0 and result.stdout and subprocess.run(
            ["dpkg", "--compare-versions", result.stdout, "ge", SEABIOS_MIN],
            check=False).returncode == 0:
        return Path("/usr/share/seabios")
    own = build_dir() / "guest" / "firmware"
    folder = own / "usr" / "share" / "seabios"
    if any((own / ".unpacked").glob("seabios_*")):
        return folder
    for suite in SEABIOS_SUITES:
        with contextlib.suppress(ImageError):
            apt_root("unpack", suite, str(own), "seabios")
            return folder
    raise ImageError(f"no suite offers seabios {SEABIOS_MIN} or later")


# --- Disks ----------------------------------------------------------------


def make_disk(name: str, device: str) -> Disk:
    """One disk image; its checksum is that of the content, not of the file."""
    path = build_dir() / "guest" / f"disk-{name}.img"
    record = path.with_suffix(".sha256")
    digest = record.read_text("utf-8").strip() if record.exists() else ""
    whole = path.exists() and path.stat().st_size == DISK_BYTES
    if not digest or not whole:
        data = hashlib.shake_256(DISK_SEED + name.encode()).digest(DISK_BYTES)
        digest = hashlib.sha256(data).hexdigest()
        write_whole(path, data)
        write_whole(record, digest.encode() + b"\n")
    return Disk(device, path, digest)


def make_disks() -> List[Disk]:
    """Both disks, in the order the guest's tests use them."""
    return [make_disk("ahci", "sda"), make_disk("nvme", "nvme0n1")]


# --- The image ------------------------------------------------------------


def digest_of(names: List[str]) -> str:
    """One digest of files of this directory."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\0" + (HERE / name).read_bytes())
    return digest.hexdigest()


def kernel_digest() -> str:
    """Changes when something that shapes the kernel's parts does."""
    return digest_of(["image.py", "kernels.conf", "modules.list"])


def user_digest(disks: List[Disk]) -> str:
    """Changes when something that shapes the guest's user space does."""
    names = ["image.py", "init"] + [f"tests/{t.name}" for t in guest_tests()]
    return digest_of(names) + "".join(d.sha256 for d in disks)


def usable(wanted: Optional[str]) -> Optional[Path]:
    """The folder of a kernel taken apart before from the same inputs."""
    names = [s.name for s in candidates(wanted)]
    for record in sorted((build_dir() / "guest").glob("*/manifest.json")):
        with contextlib.suppress(OSError, ValueError, KeyError):
            known = json.loads(record.read_text("utf-8"))
            if (known["kernel_digest"] == kernel_digest()
                    and known["series"] in names):
                return record.parent
    return None


def take_apart(wanted: Optional[str]) -> Path:
    """Fetch a kernel and keep the parts an image needs in its own folder.

    The manifest is written last: a folder with one is whole.
    """
    series, found = find_kernel(wanted)
    files = kernel_files(found.debs)
    modules = load_order(files)
    folder = build_dir() / "guest" / files.release
    (folder / "manifest.json").unlink(missing_ok=True)
    write_whole(folder / "vmlinuz", files.vmlinuz)
    write_whole(folder / "parts" / "busybox", busybox())
    for name, data in modules.items():
        write_whole(folder / "parts" / f"{name}.ko", data)
    known = {"release": files.release, "series": series.name,
             "bind": series.bind, "suite": found.suite,
             "modules": list(modules), "kernel_digest": kernel_digest(),
             "packages": {d.name: file_sha256(d) for d in found.debs}}
    write_whole(folder / "manifest.json",
                json.dumps(known, indent=2).encode() + b"\n")
    say(f"kernel {files.release}, {len(modules)} modules")
    return folder


def assemble(folder: Path, disks: List[Disk]) -> Image:
    """The image in a kernel's folder; its initramfs is made when outdated."""
    known = json.loads((folder / "manifest.json").read_text("utf-8"))
    ramdisk = folder / "initramfs.cpio.gz"
    stamp = folder / "initramfs.digest"
    inputs = user_digest(disks)
    if not (ramdisk.exists() and stamp.exists()
            and stamp.read_text("utf-8") == inputs):
        stamp.unlink(missing_ok=True)
        write_whole(ramdisk, initramfs(folder / "parts", known["modules"],
                                       disks))
        write_whole(stamp, inputs.encode())
    return Image(known["release"], known["series"], known["bind"],
                 folder / "vmlinuz", ramdisk, disks, firmware())


def ensure(wanted: Optional[str] = None, refresh: bool = False) -> Image:
    """The guest image, made when needed.

    wanted: a series of kernels.conf, or None for the preferred one.
    refresh: look for a newer kernel even if an image exists.
    """
    folder = build_dir() / "guest"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        disks = make_disks()
        made = None if refresh else usable(wanted)
        if not shutil.which("dpkg") and not made:
            raise ImageError("dpkg is missing: this needs a Debian machine")
        return assemble(made or take_apart(wanted), disks)


def main() -> int:
    """Make the image, print where it is."""
    parser = argparse.ArgumentParser(
        description="Build the guest image under $BUILD/guest.")
    parser.add_argument("--kernel", metavar="SERIES",
                        help="a series of kernels.conf (default: the first "
                             "of role main that a suite offers)")
    parser.add_argument("--refresh", action="store_true",
                        help="look for newer packages even if an image exists")
    args = parser.parse_args()
    try:
        image = ensure(args.kernel, args.refresh)
    except (ImageError, OSError) as error:
        say(str(error))
        return 1
    print(image.kernel.parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
