# SPDX-License-Identifier: GPL-2.0-or-later
"""A clean Debian of the machine's own suite in a folder, to install into.

The base system is fetched once with debootstrap and kept as a tarball in the
build folder; each test unpacks it anew.  What is run in it has mounts of its
own, which end with it.  All this needs root.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.path.abspath(ROOT / os.environ.get("BUILD", "build")))
APT_CONF = Path("/etc/apt/apt.conf.d")
TIMEOUT_S = 900
# What the clean system needs to reach the machine's mirror
NETWORK = ("/etc/resolv.conf", "/etc/hosts")
ENTER = """
root=$1 share=$2
shift 2
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t devpts devpts "$root/dev/pts"
mkdir -p "$root/share"
mount --bind "$share" "$root/share"
exec chroot "$root" "$@"
"""


class Result(NamedTuple):
    """How a program ended."""

    code: int
    out: str


def why_not() -> str:
    """What this machine lacks for a chroot; "" if nothing."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [name for name in ("debootstrap", "unshare", "chroot")
               if not shutil.which(name)]
    return f"needs {', '.join(missing)}" if missing else ""


def output(*command: str) -> str:
    """What a program of the machine says; it must not fail."""
    return subprocess.run(command, check=True, text=True,
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE).stdout.strip()


def mirror(suite: str) -> str:
    """Where the machine's apt gets this suite from."""
    lines = output("apt-get", "indextargets", "--format", "$(REPO_URI)",
                   "Created-By: Packages", f"Codename: {suite}").splitlines()
    return next(line for line in lines if "security" not in line)


def base() -> Path:
    """A tarball of the base system, made when there is none."""
    suite = output(str(ROOT / "scripts" / "apt-root"), "suite")
    final = BUILD / "chroot" / f"{suite}.tar"
    if final.exists():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=final.parent) as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["debootstrap", "--variant=minbase", suite, str(tree),
                        mirror(suite)], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        part = Path(folder) / "tar"
        subprocess.run(["tar", "-C", str(tree), "-cf", str(part), "."],
                       check=True)
        part.rename(final)
    return final


def own_apt_conf() -> List[Path]:
    """Settings of apt that this machine's owner made, not a package."""
    return [path for path in sorted(APT_CONF.iterdir())
            if subprocess.run(["dpkg", "-S", str(path)], check=False,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode]


class Chroot:
    """A clean system with the folder @share as /share in it."""

    def __init__(self, share: Path) -> None:
        self.share = share
        tarball = base()
        self.root = Path(tempfile.mkdtemp(prefix="root-", dir=tarball.parent))
        subprocess.run(["tar", "-C", str(self.root), "-xf", str(tarball)],
                       check=True)
        for name in NETWORK:
            shutil.copyfile(name, self.root / name[1:])
        for path in own_apt_conf():
            shutil.copyfile(path, self.root / str(path)[1:])

    def remove(self) -> None:
        """Delete it; nothing is mounted there outside of run()."""
        shutil.rmtree(self.root)

    def run(self, script: str, text: Optional[str] = None) -> Result:
        """Run a bash script in it."""
        command = ["unshare", "--mount", "--propagation", "private", "--pid",
                   "--fork", "--kill-child", "bash", "-euc", ENTER, "enter",
                   str(self.root), str(self.share), "/usr/bin/env", "-i",
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
                   "TERM=xterm", "LC_ALL=C.UTF-8",
                   "DEBIAN_FRONTEND=noninteractive", "bash", "-c", script]
        done = subprocess.run(
            command, check=False, text=True, errors="replace",
            input=text or "", timeout=TIMEOUT_S, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        return Result(done.returncode, done.stdout)
