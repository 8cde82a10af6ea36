# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages for the guest, compared with those last used.

Packages come from scripts/apt-root, which checks them against the archive's
signed lists.  On top of that a *.conf file beside this one names the packages
last used with their SHA-256: a package of the same name with another sum is
refused, a newer one is reported and used, and when no suite offers what is
wanted any more the ones last used are taken from the download cache.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Optional

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
APT_ROOT = TOP / "scripts" / "apt-root"


class ImageError(Exception):
    """A failure whose text is the one line the user sees."""


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


def digest_of(paths: List[Path]) -> str:
    """One digest of the names and contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that it is either complete or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-",
                                     delete=False) as part:
        try:
            part.write(data)
            part.flush()
            os.chmod(part.name, mode)
            os.replace(part.name, path)
        except BaseException:
            os.unlink(part.name)
            raise


def apt_root(*args: str) -> List[str]:
    """Lines printed by scripts/apt-root; its own messages pass through."""
    result = subprocess.run([str(APT_ROOT), *args], text=True,
                            stdout=subprocess.PIPE, check=False)
    if result.returncode != 0:
        raise ImageError(f"apt-root {' '.join(args)} failed")
    return result.stdout.split()


def known_packages(lines: str) -> Dict[str, str]:
    """The "packages" of a *.conf section: file name to SHA-256."""
    rows = [line.split() for line in lines.splitlines()]
    return {row[0]: row[1] for row in rows if row}


def verify(known: Dict[str, str], debs: List[Path], conf: str) -> None:
    """Compare packages with the checksums of those last used."""
    for deb in debs:
        wanted = known.get(deb.name)
        if wanted and wanted != file_sha256(deb):
            raise ImageError(f"{deb.name}: SHA-256 differs from {conf}")
        if not wanted:
            say(f"{deb.name} is not the package last used ({conf})")


def from_cache(known: Dict[str, str]) -> Optional[List[Path]]:
    """The packages last used, if all are still in the download cache."""
    xdg = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    cache = Path(os.environ.get("AMDVI_CACHE") or Path(xdg) / "amdvi-svm")
    debs = [cache / "debs" / name for name in known]
    for deb in debs:
        if not deb.exists() or file_sha256(deb) != known[deb.name]:
            return None
    return debs or None
