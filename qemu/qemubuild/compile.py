# SPDX-License-Identifier: GPL-2.0-or-later
"""Configure and compile a prepared tree.

Configuration is lean: one target, no defaults but what the machine and the
tests need.  A build folder remembers how it was configured; when that
changes it is made anew.  ccache, if there is one, sees relative paths, which
are the same for all trees, so that these share its results.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Tuple

from .conf import Conf, Fault, fail, locked, run, say
from .tree import Tree

EMULATOR = "qemu-system-x86_64"
FUZZER = "qemu-fuzz-x86_64"
LEAN = ("--target-list=x86_64-softmmu", "--disable-download",
        "--disable-docs", "--disable-install-blobs",
        "--without-default-features", "--enable-tcg", "--enable-kvm",
        "--enable-slirp", "--disable-user", "--disable-tools",
        "--disable-guest-agent", "--enable-fdt=system")
CONFIGURED = ".amdvi-configured"
# Our qtests and benchmarks, and those of the tree that look at every command.
QTEST = re.compile(r"^(tests/qtest/(?:amdvi/[^/:]+-(?:test|bench)|qmp-cmd-test|"
                   r"qmp-test|test-hmp)):")
STEP = re.compile(r"^\[(\d+) of (\d+) built\]")
# The BIOS and option ROMs are packages of the machine, not of the tree.
FIRMWARE = (("/usr/share/seabios", "*.bin"), ("/usr/share/qemu", "*.bin"),
            ("/usr/share/qemu", "*.rom"), ("/usr/lib/ipxe/qemu", "*.rom"))
REPORT_PERCENT = 10
# With fewer steps only the last one is worth a line.
LONG_STEPS = 100
FAILURE_LINES = 40


class Variant(NamedTuple):
    """A build folder: which tree, which compiler, which extra options.

    A suffix asks for a link in $BUILD to a folder of another home.
    """

    folder: str
    kind: str
    compiler: str
    options: Tuple[str, ...]
    suffix: str = ""
    program: str = EMULATOR


VARIANTS: Dict[str, Variant] = {
    "plain": Variant("qemu", "plain", "gcc", ("--enable-werror",)),
    "clang": Variant("qemu-clang", "plain", "clang", ("--enable-werror",)),
    # The sanitizers make gcc see uninitialised variables where none are.
    "asan": Variant("qemu-asan", "plain", "gcc",
                    ("--disable-werror", "--enable-asan", "--enable-ubsan")),
    # libFuzzer's, without qtests: they are no targets of it
    "fuzz": Variant("qemu-fuzz", "plain", "clang",
                    ("--disable-werror", "--enable-asan", "--enable-ubsan",
                     "--enable-fuzzing", "--without-default-devices",
                     "--with-devices-x86_64=amdvi-fuzz"), program=FUZZER),
    "tsan": Variant("qemu-tsan", "plain", "gcc",
                    ("--disable-werror", "--enable-tsan")),
    "stock": Variant("qemu", "stock", "gcc", ("--enable-werror",), "-stock"),
    "series": Variant("qemu", "series", "gcc", ("--enable-werror",)),
}


def build(conf: Conf, tree: Tree, name: str) -> Path:
    """Build emulator and qtests of a variant; returns the emulator."""
    variant = VARIANTS[name]
    folder = tree.home / variant.folder
    env = environment(conf, tree)
    with locked(folder):
        configure(conf, tree.path, folder, variant, env)
        ninja(folder, [variant.program], env)
        if tree.kind != "stock" and variant.program == EMULATOR:
            qtests = list(qtest_targets(folder, env))
            if qtests:
                ninja(folder, qtests, env)
        link_firmware(folder)
    return show(conf, tree, folder, variant) / variant.program


def show(conf: Conf, tree: Tree, folder: Path, variant: Variant) -> Path:
    """Make a folder that is kept elsewhere reachable directly in $BUILD."""
    place = conf.build / f"{variant.folder}{variant.suffix}"
    if place != folder and variant.suffix:
        point(place, folder)
        point(conf.build / "src" / place.name, tree.path)
    return place


def point(place: Path, target: Path) -> None:
    """A relative link that is right, whatever was there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    text = os.path.relpath(target, place.parent)
    if not place.is_symlink() or os.readlink(place) != text:
        place.unlink(missing_ok=True)
        place.symlink_to(text)


def environment(conf: Conf, tree: Tree) -> Dict[str, str]:
    """Environment of configure and ninja."""
    env = dict(os.environ, CCACHE_BASEDIR=str(tree.home),
               CCACHE_NOHASHDIR="1", NINJA_STATUS="[%f of %t built] ")
    run([str(conf.root / "scripts" / "host-meson")], env=dict(
        os.environ, BUILD=str(conf.build), AMDVI_CACHE=str(conf.cache)))
    private = python_path(conf)
    if private.is_dir():
        env["PYTHONPATH"] = str(private)
    return env


def python_path(conf: Conf) -> Path:
    """Where a meson that had to be fetched keeps its modules."""
    return conf.build / "host/meson/usr/lib/python3/dist-packages"


def configure(conf: Conf, tree: Path, folder: Path, variant: Variant,
              env: Dict[str, str]) -> None:
    """Configure unless the folder is configured just so."""
    compiler = variant.compiler
    if shutil.which("ccache"):
        compiler = f"ccache {compiler}"
    python = shutil.which("python3", path="/usr/bin") or sys.executable
    args = [str(tree / "configure"), *LEAN, *variant.options,
            f"--python={python}", f"--cc={compiler}", f"--host-cc={compiler}",
            f"--with-pkgversion=amdvi-svm {variant.kind}"]
    mark = folder / CONFIGURED
    wanted = "\n".join(args) + "\n"
    if mark.is_file() and mark.read_text("utf-8") == wanted and \
            (folder / "build.ninja").is_file():
        return
    say(f"configuring {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log = folder / "configure.log"
    with open(log, "wb") as file:
        status = subprocess.run(args, cwd=folder, env=env, check=False,
                                stdin=subprocess.DEVNULL, stdout=file,
                                stderr=subprocess.STDOUT).returncode
    if status != 0:
        raise Fault(f"configure failed: {configure_reason(log)} "
                    f"(all of it is in {log})")
    keep_meson(conf, folder)
    mark.write_text(wanted, "utf-8")


def configure_reason(log: Path) -> str:
    """The line of the log that says why."""
    lines = [line.strip() for line
             in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line]
    return (errors or lines or ["no output"])[0]


def keep_meson(conf: Conf, folder: Path) -> None:
    """Let a ninja started by hand find the fetched meson, too."""
    private = python_path(conf)
    if not private.is_dir():
        return
    for packages in folder.glob("pyvenv/lib/python3*/site-packages"):
        (packages / "amdvi-meson.pth").write_text(f"{private}\n", "utf-8")


def link_firmware(folder: Path) -> None:
    """Make the emulator find the machine's firmware without options."""
    place = folder / "qemu-bundle/usr/local/share/qemu"
    place.mkdir(parents=True, exist_ok=True)
    for where, pattern in FIRMWARE:
        for file in Path(where).glob(pattern):
            link = place / file.name
            if not link.exists():
                link.unlink(missing_ok=True)
                link.symlink_to(file)


def qtest_targets(folder: Path, env: Dict[str, str]) -> Iterator[str]:
    """Ninja's names of our qtests."""
    listed = run(["ninja", "-t", "targets", "all"], cwd=folder, env=env)
    for line in listed.decode().splitlines():
        match = QTEST.match(line)
        if match:
            yield match[1]


def ninja(folder: Path, targets: List[str], env: Dict[str, str]) -> None:
    """Build targets, with ninja's own progress line on a terminal."""
    jobs = os.environ.get("JOBS") or str(len(os.sched_getaffinity(0)))
    args = ["ninja", "-j", jobs, *targets]
    if sys.stdout.isatty():
        status = subprocess.run(args, cwd=folder, env=env,
                                stdin=subprocess.DEVNULL,
                                check=False).returncode
    else:
        status = ninja_logged(folder, args, env)
    if status != 0:
        raise Fault(f"{folder.name} does not build")


def ninja_logged(folder: Path, args: List[str], env: Dict[str, str]) -> int:
    """The same for a log: a line every tenth; all output is in build.log."""
    tail: List[str] = []
    reported = 0
    with open(folder / "build.log", "w", encoding="utf-8") as log, \
            subprocess.Popen(args, cwd=folder, env=env, text=True,
                             errors="replace", stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT) as process:
        assert process.stdout
        for line in process.stdout:
            log.write(line)
            tail = (tail + [line])[-FAILURE_LINES:]
            match = STEP.match(line)
            if not match:
                continue
            done, total = int(match[1]), int(match[2])
            if done * 100 // total >= reported + REPORT_PERCENT and (
                    total >= LONG_STEPS or done == total):
                reported = done * 100 // total
                say(f"{done} of {total} built ({folder.name})")
    if process.returncode != 0:
        fail("".join(failure_part(tail)).rstrip())
    return process.returncode


def failure_part(tail: List[str]) -> List[str]:
    """The output from the failing step on."""
    for number, line in enumerate(tail):
        if line.startswith("FAILED:"):
            return tail[number:]
    return tail
