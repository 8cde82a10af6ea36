#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest: Debian's own kernel, an initramfs and disk images.

Everything comes from Debian packages fetched by scripts/apt-root, except our
own test programs and scripts, and stays under $BUILD/guest:

    RELEASE/vmlinuz             the unmodified kernel
    RELEASE/initramfs.cpio.gz   busybox, modules, userland, init, bin/* and
                                tests/*; same inputs, same bytes
    RELEASE/manifest.json       series, packages with checksums, modules
    RELEASE/parts/              what the initramfs is put together from
    userland/                   Debian's programs and ours (userland.py)
    firmware/                   SeaBIOS, if the machine has an old one or none
    disk-ahci.img disk-nvme.img pseudo-random content with a known checksum
    disk-swap.img               empty; the guest may swap to it

kernels.conf says which kernel series may be used and which is preferred,
userland.conf where the programs come from.  An image whose inputs have not
changed is used again without any network.
"""

import argparse
import contextlib
import fcntl
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import kernel
import userland
from fetch import (HERE, ImageError, apt_root, build_dir, digest_of,
                   file_sha256, say, write_whole)

DISK_BYTES = 64 << 20
SWAP_BYTES = 512 << 20
# Older SeaBIOS does not understand how QEMU 8.1 and later report a failed
# AHCI command, and waits half a minute for every disk.
SEABIOS_MIN = "1.16.3"
SEABIOS_SUITES = ("trixie", "forky", "sid")
# SHAKE-256 of this text and the disk's name is the disk's content.
DISK_SEED = b"amdvi-svm guest disk "


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
    swap: Path
    firmware: Path


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


def initramfs(parts: Path, known: Dict[str, Any], disks: List[Disk]) -> bytes:
    """The guest's whole user space; parts holds busybox and *.ko."""
    archive = Cpio()
    modules = f"lib/modules/{known['release']}"
    for name in ("bin", "dev", "etc", "lib", "lib/modules", modules, "proc",
                 "sys", "tests", "tmp"):
        archive.entry(name, 0o040755)
    archive.entry("dev/console", 0o020600, device=(5, 1))
    archive.entry("init", 0o100755, (HERE / "init").read_bytes())
    archive.entry("bin/busybox", 0o100755, (parts / "busybox").read_bytes())
    archive.link("bin/sh", "busybox")
    for script in guest_scripts():
        archive.entry(f"{script.parent.name}/{script.name}", 0o100755,
                      script.read_bytes())
    for tree in userland.trees():
        add_tree(archive, tree)
    lines = [f"{d.device} {d.sha256} {DISK_BYTES}\n" for d in disks]
    archive.entry("etc/disks", 0o100644, "".join(lines).encode())
    archive.entry("etc/modules", 0o100644, boot_modules(known).encode())
    archive.entry(f"{modules}/modules.dep", 0o100644,
                  kernel.modules_dep(known["modules"]).encode())
    for name in known["modules"]:
        archive.entry(f"{modules}/{name}.ko", 0o100644,
                      (parts / f"{name}.ko").read_bytes())
    return archive.finish()


def add_tree(archive: Cpio, root: Path) -> None:
    """Everything below a folder, under the same names."""
    made = {"bin", "etc", "lib"}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            archive.link(name, os.readlink(path))
        elif path.is_file():
            archive.entry(name, 0o100755, path.read_bytes())
        elif name not in made:
            archive.entry(name, 0o040755)


def boot_modules(known: Dict[str, Any]) -> str:
    """What init loads, a module per line; others wait for modprobe."""
    return "".join(f"{m.name}\n" for m in kernel.wanted_modules()
                   if m.at_boot and m.name in known["modules"])


def guest_scripts() -> List[Path]:
    """Scripts of the guest: bin/* are commands, tests/* run by name."""
    return sorted([*(HERE / "bin").iterdir(), *(HERE / "tests").iterdir()])


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


def make_swap() -> Path:
    """An empty disk, large enough for what the tests push out of memory."""
    path = build_dir() / "guest" / "disk-swap.img"
    with open(path, "ab") as handle:
        handle.truncate(SWAP_BYTES)
    return path


# --- The image ------------------------------------------------------------


def kernel_digest() -> str:
    """Changes when something that shapes the kernel's parts does."""
    return digest_of([HERE / name for name in (
        "image.py", "fetch.py", "kernel.py", "kernels.conf", "modules.list")])


def user_digest(disks: List[Disk]) -> str:
    """Changes when something that shapes the guest's user space does."""
    files = [HERE / "image.py", HERE / "init", *guest_scripts()]
    return " ".join([digest_of(files), kernel_digest(), userland.digest(),
                     *(d.sha256 for d in disks)])


def usable(wanted: Optional[str]) -> Optional[Path]:
    """The folder of a kernel taken apart before from the same inputs."""
    names = [s.name for s in kernel.candidates(wanted)]
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
    series, found = kernel.find_kernel(wanted)
    files = kernel.kernel_files(found.debs)
    modules = kernel.load_order(files)
    folder = build_dir() / "guest" / files.release
    (folder / "manifest.json").unlink(missing_ok=True)
    write_whole(folder / "vmlinuz", files.vmlinuz)
    write_whole(folder / "parts" / "busybox", busybox())
    for name, module in modules.items():
        write_whole(folder / "parts" / f"{name}.ko", module.data)
    known = {"release": files.release, "series": series.name,
             "bind": series.bind, "suite": found.suite,
             "kernel_digest": kernel_digest(),
             "modules": {n: m.needs for n, m in modules.items()},
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
        write_whole(ramdisk, initramfs(folder / "parts", known, disks))
        write_whole(stamp, inputs.encode())
    return Image(known["release"], known["series"], known["bind"],
                 folder / "vmlinuz", ramdisk, disks, make_swap(), firmware())


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
        userland.ensure(refresh)
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
