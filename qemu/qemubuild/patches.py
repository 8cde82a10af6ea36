# SPDX-License-Identifier: GPL-2.0-or-later
"""Our hooks in stock files: apply them to a base, and write them back.

Patches are applied hunk by hunk to copies of the files they touch, and each
becomes a commit that is built in the object database alone.  So a patch that
does not apply leaves the tree as it was, and switching to a changed series
rewrites only files whose content differs.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

from .conf import Fault, run, scratch

# The tree's commits must not depend on how the user has set up git.
GIT_ENV = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
           "GIT_COMMITTER_NAME": "qemu/build",
           "GIT_COMMITTER_EMAIL": "qemu-build@localhost",
           "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
SECTION = re.compile(r"^diff --git a/(\S+) b/(\S+)$")
HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")
RESULT = re.compile(r"^Hunk #\d+ (succeeded|FAILED|ignored) at (\d+)"
                    r"(?: with fuzz (\d+))?(?: \(offset (-?\d+) lines?\))?")


class Hunk(NamedTuple):
    """What became of one hunk."""

    patch: str
    path: str
    number: int
    line: int
    fate: str
    applied: bool

    def __str__(self) -> str:
        return (f"{self.patch}: {self.path}: hunk {self.number} "
                f"(line {self.line}): {self.fate}")


class Section(NamedTuple):
    """The part of a patch that is about one file."""

    path: str
    creates: bool
    mode: str
    lines: List[int]
    text: str


class Message(NamedTuple):
    """Author and text of a patch."""

    text: str
    author: Dict[str, str]


def git(tree: Path, *args: str, data: bytes = b"", **env: str) -> str:
    """Run git in the tree, with nothing of the user's own settings."""
    return run(["git", *args], cwd=tree, data=data,
               env={**os.environ, **GIT_ENV, **env}).decode()


def read_sections(patch: Path) -> List[Section]:
    """Split a patch by the file it changes."""
    sections: List[Section] = []
    chunks = re.split(r"(?m)^(?=diff --git )", patch.read_text("utf-8"))
    for chunk in chunks[1:]:
        rows = chunk.splitlines()
        match = SECTION.match(rows[0])
        if not match or match[1] != match[2]:
            raise Fault(f"{patch.name}: cannot read {rows[0]!r}")
        found = [HUNK.match(row) for row in rows]
        mode = re.search(r"(?m)^new file mode (\d+)$", chunk)
        sections.append(Section(
            match[2], mode is not None, mode[1] if mode else "",
            [int(hit[1]) for hit in found if hit], chunk))
    if not sections:
        raise Fault(f"{patch.name}: no change in it")
    return sections


def apply_section(patch: Path, section: Section, folder: Path,
                  fuzz: int) -> List[Hunk]:
    """Apply one section to the copy below folder."""
    target = folder / section.path

    def hunks(fate: str) -> List[Hunk]:
        return [Hunk(patch.name, section.path, number, line, fate, False)
                for number, line in enumerate(section.lines, 1)]

    if section.creates and target.exists():
        return hunks("FAILED, the file exists already")
    if not section.creates and not target.exists():
        return hunks("FAILED, no such file")
    target.parent.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(
        ["patch", "-p1", "--batch", "--forward", "--verbose", f"--fuzz={fuzz}",
         "--no-backup-if-mismatch", "--reject-file=-"],
        cwd=folder, input=section.text.encode(), check=False,
        env={**os.environ, "LC_ALL": "C"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    fates = [match for line in result.stdout.decode(errors="replace")
             .splitlines() if (match := RESULT.match(line))]
    if len(fates) != len(section.lines):
        return hunks("FAILED, already applied or malformed")
    return [Hunk(patch.name, section.path, number, line, describe(match),
                 match[1] == "succeeded")
            for number, (line, match)
            in enumerate(zip(section.lines, fates), 1)]


def describe(match: "re.Match[str]") -> str:
    """The fate of a hunk in words."""
    if match[1] != "succeeded":
        return "FAILED"
    words = "applies"
    if match[4]:
        words += f", moved by {match[4]} lines"
    if match[3]:
        words += f", with {match[3]} lines of context ignored"
    return words


def read_message(patch: Path, folder: Path) -> Message:
    """Commit message and author of a mail-format patch."""
    body = folder / ".message"
    head = git(folder, "mailinfo", "--encoding=utf-8", str(body),
               str(folder / ".diff"), data=patch.read_bytes())
    fields = dict(line.split(": ", 1) for line in head.splitlines()
                  if ": " in line)
    subject = fields.get("Subject") or patch.stem
    text = body.read_text("utf-8").strip()
    return Message(f"{subject}\n\n{text}\n" if text else f"{subject}\n", {
        "GIT_AUTHOR_NAME": fields.get("Author", "unknown"),
        "GIT_AUTHOR_EMAIL": fields.get("Email", "unknown"),
        "GIT_AUTHOR_DATE": fields.get("Date", "@0 +0000"),
        "GIT_COMMITTER_DATE": fields.get("Date", "@0 +0000")})


def check_out(tree: Path, commit: str, path: str, folder: Path) -> None:
    """Copy one file of a commit below folder, unless it is there."""
    target = folder / path
    if target.exists() or not git(tree, "ls-tree", commit, "--", path):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(run(["git", "cat-file", "blob", f"{commit}:{path}"],
                           cwd=tree))


def entry_mode(tree: Path, commit: str, section: Section) -> str:
    """File mode a section's file has after the patch."""
    listed = git(tree, "ls-tree", commit, "--", section.path).split()
    return section.mode or (listed[0] if listed else "100644")


def commit_series(tree: Path, base: str, patches: List[Path],
                  fuzz: int) -> Tuple[str, List[Hunk]]:
    """Commit the patches on top of base; neither files nor HEAD change.

    Returns the last commit and the fate of every hunk.  The commit means
    something only if all hunks applied.
    """
    fates: List[Hunk] = []
    head = base
    with scratch(tree.parent, ".apply-") as folder:
        index = str(folder / ".index")
        files = folder / "files"
        git(tree, "read-tree", base, GIT_INDEX_FILE=index)
        for patch in patches:
            for section in read_sections(patch):
                check_out(tree, base, section.path, files)
                fates += apply_section(patch, section, files, fuzz)
                add(tree, files, section,
                    entry_mode(tree, head, section), index)
            message = read_message(patch, folder)
            made = git(tree, "write-tree", GIT_INDEX_FILE=index).strip()
            head = git(tree, "commit-tree", made, "-p", head,
                       data=message.text.encode(), **message.author).strip()
    return head, fates


def add(tree: Path, files: Path, section: Section, mode: str,
        index: str) -> None:
    """Put the patched copy of a file into the private index."""
    copy = files / section.path
    if not copy.exists():
        return
    git(tree, "update-index", "--add", "--cacheinfo",
        f"{mode},{store(tree, copy)},{section.path}", GIT_INDEX_FILE=index)


def tree_with(tree: Path, commit: str,
              files: Dict[str, Optional[Tuple[str, str]]]) -> str:
    """Id of a commit's tree with some files replaced or removed.

    Files are mode and blob by path; None takes the file away.
    """
    with scratch(tree.parent, ".apply-") as folder:
        index = str(folder / "index")
        git(tree, "read-tree", commit, GIT_INDEX_FILE=index)
        for name, entry in files.items():
            if entry:
                git(tree, "update-index", "--add", "--cacheinfo",
                    f"{entry[0]},{entry[1]},{name}", GIT_INDEX_FILE=index)
            else:
                git(tree, "update-index", "--force-remove", name,
                    GIT_INDEX_FILE=index)
        return git(tree, "write-tree", GIT_INDEX_FILE=index).strip()


def store(tree: Path, file: Path) -> str:
    """Put a file's content into the tree's object database; its blob."""
    return git(tree, "hash-object", "-w", "--no-filters", str(file)).strip()


def require(fates: List[Hunk], version: str) -> None:
    """Stop if a hunk did not apply, naming patch, file and hunk."""
    failed = [hunk for hunk in fates if not hunk.applied]
    if not failed:
        return
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    raise Fault(f"a patch does not apply to QEMU {version}: "
                f"{failed[0]}{more}")
