# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the QEMU source comes from, and the proof that it is the right one.

Order: QEMU_SRC, a cached copy, ../shared/cache beside the repository, the
source package of the distribution, the release tarball.  A repacked tarball
is known by its SHA-256; every tree, whatever it came from, by the SHA-256
over its files (see tree_sha256 in base.conf).
"""

import fnmatch
import hashlib
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Iterator, List, NamedTuple

from .conf import (Conf, Fault, READ_CHUNK, WrongChecksum, run, say,
                   sha256_file)

NETWORK_TIMEOUT_S = 60


class Source(NamedTuple):
    """A tarball or a tree; identity tells two sources apart."""

    path: Path
    identity: str


def wanted_identity(conf: Conf) -> str:
    """Identity of the source this run asks for, without fetching it."""
    if conf.user_source:
        return user_source(conf).identity
    return conf.tree_sha256


def locate(conf: Conf) -> Source:
    """The first source of the documented order that exists, checked."""
    if conf.user_source:
        return user_source(conf)
    store = conf.cache / "sources"
    shared = conf.root.parent / "shared" / "cache"
    for place in (store, conf.cache, shared):
        path = place / conf.debian["file"]
        if path.is_file():
            return checked(conf, path)
        path = place / conf.upstream["file"]
        if path.is_file():
            return Source(path, conf.tree_sha256)
    reasons = []
    for fetch in (from_suite, from_upstream):
        try:
            return fetch(conf)
        except WrongChecksum:
            raise
        except Fault as fault:
            reasons.append(str(fault))
    raise Fault(f"no source of QEMU {conf.version}: {'; '.join(reasons)} "
                "(QEMU_SRC= names a tree or tarball of your own)")


def user_source(conf: Conf) -> Source:
    """What QEMU_SRC names."""
    path = Path(conf.user_source).expanduser().absolute()
    if path.is_dir():
        return Source(path, "tree:" + stat_digest(path))
    if path.is_file():
        digest = sha256_file(path)
        if digest == conf.debian["sha256"]:
            return Source(path, conf.tree_sha256)
        return Source(path, "file:" + digest)
    raise Fault(f"QEMU_SRC: {path}: no such file or folder")


def checked(conf: Conf, path: Path) -> Source:
    """The repacked tarball, by its SHA-256."""
    found = sha256_file(path)
    if found != conf.debian["sha256"]:
        raise WrongChecksum(
            f"{path}: wrong checksum: SHA-256 is {found}, expected "
            f"{conf.debian['sha256']}; remove the file to fetch it again")
    return Source(path, conf.tree_sha256)


def from_suite(conf: Conf) -> Source:
    """The distribution's source package, through the private apt root."""
    say(f"fetching {conf.debian['package']} of {conf.debian['suite']}")
    for line in apt_root(conf, "source", conf.debian["suite"],
                         conf.debian["package"]):
        if Path(line).name == conf.debian["file"]:
            return checked(conf, Path(line))
    raise Fault(f"source package {conf.debian['package']} has no "
                f"{conf.debian['file']}")


def apt_root(conf: Conf, *args: str) -> List[str]:
    """Run scripts/apt-root and pass its progress on; its results.

    The last line it says before it fails is the reason.
    """
    env = dict(os.environ, BUILD=str(conf.build), AMDVI_CACHE=str(conf.cache))
    last = ""
    with tempfile.TemporaryFile("w+") as results:
        with subprocess.Popen(
                [str(conf.root / "scripts" / "apt-root"), *args], env=env,
                stdin=subprocess.DEVNULL, stdout=results, text=True,
                stderr=subprocess.PIPE, errors="replace") as process:
            assert process.stderr
            for line in process.stderr:
                if last:
                    print(last, flush=True)
                last = line.rstrip()
        if process.returncode != 0:
            raise Fault(last or "apt-root failed")
        if last:
            print(last, flush=True)
        results.seek(0)
        return results.read().splitlines()


def from_upstream(conf: Conf) -> Source:
    """The release tarball; its content is checked after unpacking."""
    store = conf.cache / "sources"
    store.mkdir(parents=True, exist_ok=True)
    final = store / conf.upstream["file"]
    part = store / f".part-{os.getpid()}-{final.name}"
    say(f"downloading {conf.upstream['url']}")
    try:
        with urllib.request.urlopen(conf.upstream["url"],
                                    timeout=NETWORK_TIMEOUT_S) as reply, \
                open(part, "wb") as file:
            copy_all(reply, file)
        os.replace(part, final)
    except (OSError, urllib.error.URLError) as error:
        raise Fault(f"cannot download {conf.upstream['url']}: "
                    f"{getattr(error, 'reason', error)}") from error
    finally:
        part.unlink(missing_ok=True)
    return Source(final, conf.tree_sha256)


def copy_all(reply, file) -> None:  # type: ignore[no-untyped-def]
    """Copy a reply; one that ends early is an error, not a short file."""
    size = int(reply.headers.get("Content-Length") or -1)
    shutil.copyfileobj(reply, file, READ_CHUNK)
    if size >= 0 and file.tell() != size:
        raise OSError(f"connection ended after {file.tell()} of {size} bytes")


def files_below(tree: Path) -> Iterator[str]:
    """Paths of all files and links of a tree, except version control."""
    for folder, folders, names in os.walk(tree):
        folders[:] = [name for name in folders if name != ".git"]
        links = [name for name in folders
                 if os.path.islink(os.path.join(folder, name))]
        for name in names + links:
            yield os.path.relpath(os.path.join(folder, name), tree)


def stat_digest(tree: Path) -> str:
    """A cheap identity of a user's tree: paths, sizes and times."""
    total = hashlib.sha256()
    for name in sorted(files_below(tree)):
        info = os.lstat(tree / name)
        total.update(f"{name}\0{info.st_size} {info.st_mtime_ns}\n".encode())
    return total.hexdigest()


def tree_digest(tree: Path) -> str:
    """SHA-256 over the content of a tree, as base.conf defines it."""
    total = hashlib.sha256()
    for name in sorted(os.fsencode(path) for path in files_below(tree)):
        path = tree / os.fsdecode(name)
        if path.is_symlink():
            digest = hashlib.sha256(b"symlink:" + os.fsencode(
                os.readlink(path))).hexdigest()
        else:
            digest = sha256_file(path)
        total.update(name + b"\0" + digest.encode() + b"\n")
    return total.hexdigest()


def strip(tree: Path, patterns: List[str]) -> None:
    """Remove the excluded binaries."""
    for name in list(files_below(tree)):
        parts = name.split("/")
        above = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        if any(fnmatch.fnmatchcase(path, pattern)
               for path in above for pattern in patterns):
            (tree / name).unlink()


def unpack(source: Source, into: Path) -> None:
    """Put a copy of the source below an existing empty folder."""
    say(f"unpacking {source.path.name}")
    if source.path.is_dir():
        shutil.copytree(source.path, into, symlinks=True, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns(".git"))
        return
    try:
        run(["tar", "-xf", str(source.path), "-C", str(into), "--no-same-owner",
             "--strip-components=1"])
    except Fault as fault:
        raise Fault(f"cannot unpack {source.path}: {fault}") from fault
