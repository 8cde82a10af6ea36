# SPDX-License-Identifier: GPL-2.0-or-later
"""A repository in miniature, for tests of qemu/build.

It holds our build scripts and a base of a few files that stands for QEMU,
with a base.conf whose checksums are those of the small base.  Everything
happens in a temporary folder; nothing is downloaded or compiled.
"""

import configparser
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path
from typing import Dict, List, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "qemu"))
sys.dont_write_bytecode = True

from qemubuild import conf as config  # noqa: E402
from qemubuild import source  # noqa: E402

NUMBERED = "".join(f"line {number}\n" for number in range(1, 61))
BASE = {
    "VERSION": "10.2.2\n",
    "configure": "#!/bin/sh\n",
    "hw/i386/amd_iommu.c": NUMBERED,
    "hw/i386/meson.build": "hw = 1\n",
    "include/hw/pci/pci.h": "pri_request_page\n",
    "tests/qtest/meson.build": "tests = 1\n",
    "stripped": "one\ntwo\nthree\n",
    "scripts/checkpatch.pl":
        "my $bad = grep { /^\\+.*\\t/ } <>;\n"
        "print \"ERROR: code indent should never use tabs\\n#1: x\\n\\n\""
        " if $bad;\nexit($bad ? 1 : 0);\n",
}
BINARIES = {"pc-bios/bios.bin": "\1\2", "roms/seabios/deep/x.c": "int x;\n"}
STRIPPED = ("From: A <a@example.org>\nDate: Sat, 1 Jan 2000 00:00:00 +0000\n"
            "Subject: strip\n\ndiff --git a/stripped b/stripped\n"
            "--- a/stripped\n+++ b/stripped\n"
            "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n")
SERIES = ("[one]\ntitle = hw/i386: new files\nbody = Why.\n"
          "files = hw/i386/amdvi/*\n"
          "[two]\ntitle = hw/i386: hook\nbody = Why again.\n"
          "patches = 0001-*\n"
          "[leave-out]\nfiles = tests/qtest/amdvi/*\n")


def hook(number: int, path: str, line: int, old: str, new: str) -> str:
    """A patch that replaces one line and knows two around it."""
    return (f"From: A <a@example.org>\nDate: Sun, 2 Jan 2000 00:00:00 +0000\n"
            f"Subject: [PATCH] hook {number}\n\nThe reason.\n\n---\n"
            f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
            f"@@ -{line - 1},3 +{line - 1},3 @@\n line {line - 1}\n-{old}\n"
            f"+{new}\n line {line + 1}\n")


def write(folder: Path, files: Dict[str, str]) -> None:
    """Create files with their folders."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def tarball(path: Path, files: Dict[str, str]) -> Path:
    """A .tar.xz with everything below one folder, as releases have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:xz") as archive:
        for name, text in files.items():
            data = text.encode("utf-8")
            entry = tarfile.TarInfo(f"release/{name}")
            entry.size = len(data)
            entry.mode = 0o755 if name == "configure" else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return path


class Sandbox(unittest.TestCase):
    """Base class: a fresh miniature repository per test."""

    def setUp(self) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="amdvi-build-test-"))
        self.addCleanup(shutil.rmtree, self.top)
        self.repo = self.top / "repo"
        self.build = self.repo / "build"
        self.cache = self.top / "cache"
        self.tree = self.build / "src" / "qemu"
        self.shared = self.top / "shared" / "cache"
        self.copy_scripts()
        self.ds = tarball(self.shared / "small+ds.tar.xz", BASE)
        self.write_conf()

    def copy_scripts(self) -> None:
        """Our scripts, and an apt-root that has nothing."""
        (self.repo / "qemu").mkdir(parents=True)
        shutil.copy(ROOT / "qemu" / "build", self.repo / "qemu")
        shutil.copytree(ROOT / "qemu" / "qemubuild",
                        self.repo / "qemu" / "qemubuild",
                        ignore=shutil.ignore_patterns("__pycache__"))
        write(self.repo, {
            "qemu/no-binaries.patch": STRIPPED,
            "qemu/series.conf": SERIES,
            "libamdvi/walk.c": "int walk;\n",
            "tests/qtest/one.c": "int one;\n",
            ".gitignore": "build\n"})
        self.apt_root("echo 'no such suite' >&2; exit 1")
        for args in (["init", "-q"], ["config", "user.name", "Tester"],
                     ["config", "user.email", "tester@example.org"]):
            subprocess.run(["git", *args], cwd=self.repo, check=True)

    def apt_root(self, body: str) -> None:
        """Replace the script that fetches source packages."""
        write(self.repo, {"scripts/apt-root": f"#!/bin/sh\n{body}\n"})
        (self.repo / "scripts/apt-root").chmod(0o755)

    def write_conf(self) -> None:
        """base.conf of the small base."""
        real = config.load()
        plain = self.top / "plain"
        write(plain, BASE)
        parser = configparser.ConfigParser(interpolation=None,
                                           delimiters=("=",))
        parser.optionxform = str  # type: ignore[assignment]
        parser.read_dict({
            "base": {"version": "10.2.2",
                     "tree_sha256": source.tree_digest(plain)},
            "debian": {"package": "small=1", "suite": "sid",
                       "file": self.ds.name,
                       "sha256": config.sha256_file(self.ds)},
            "upstream": {"file": "small.tar.xz",
                         "url": "http://127.0.0.1:1/small.tar.xz"},
            "overlay": {"libamdvi": "hw/i386/amdvi",
                        "tests/qtest": "tests/qtest/amdvi",
                        "qmp-ext/monitor": "hw/i386/amdvi_qmp"},
            "needs": {"include/hw/pci/pci.h": "pri_request_page"},
            "excluded": {"patterns": "\n".join(real.excluded)}})
        with open(self.repo / "qemu/base.conf", "w", encoding="utf-8") as file:
            parser.write(file)

    def set_conf(self, section: str, key: str, value: str) -> None:
        """Change one value of base.conf."""
        path = self.repo / "qemu/base.conf"
        parser = configparser.ConfigParser(interpolation=None,
                                           delimiters=("=",))
        parser.optionxform = str  # type: ignore[assignment]
        parser.read(path)
        parser[section][key] = value
        with open(path, "w", encoding="utf-8") as file:
            parser.write(file)

    def patch(self, number: int, line: int, old: Optional[str] = None) -> Path:
        """Add a patch to qemu/patches."""
        path = self.repo / f"qemu/patches/{number:04}-hook-{number}.patch"
        path.parent.mkdir(exist_ok=True)
        path.write_text(hook(number, "hw/i386/amd_iommu.c", line,
                             old or f"line {line}", f"our line {line}"),
                        "utf-8")
        return path

    def start(self, *args: str, **env: str) -> "subprocess.Popen[str]":
        """Start qemu/build with the sandbox's places."""
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("QEMU_SRC", "BUILD", "MSG")}
        return subprocess.Popen(
            [sys.executable, str(self.repo / "qemu/build"), *args],
            env={**clean, "AMDVI_CACHE": str(self.cache), **env}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def run_build(self, *args: str, **env: str) \
            -> "subprocess.CompletedProcess[str]":
        """Run it to its end."""
        with self.start(*args, **env) as process:
            output, errors = process.communicate()
        return subprocess.CompletedProcess(args, process.returncode, output,
                                           errors)

    def good(self, *args: str, **env: str) -> str:
        """A run that must succeed; its output."""
        result = self.run_build(*args, **env)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def bad(self, *args: str, **env: str) -> str:
        """A run that must fail with a message and no traceback."""
        result = self.run_build(*args, **env)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        self.assertTrue(result.stderr.startswith("qemu: "), result.stderr)
        return result.stderr

    def one_line(self, text: str) -> None:
        """A message is a single line."""
        self.assertEqual(len(text.splitlines()), 1, text)

    def commits(self) -> List[str]:
        """Subjects of the tree's commits, oldest first."""
        return subprocess.run(
            ["git", "log", "--reverse", "--format=%s"], cwd=self.tree,
            check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()

    def stock(self) -> str:
        """The file the hooks are about."""
        return (self.tree / "hw/i386/amd_iommu.c").read_text("utf-8")
