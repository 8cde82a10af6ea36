# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages of the documentation: links, anchors, blocks of commands.

A comment before a block of code says what becomes of its commands:

    <!-- run: tools -->     tests/docs/commands-test runs them, with the tools
                            alone; "vm": beside the demonstration VM; "qemu":
                            they start VMs of their own.  Numbers behind it
                            are exit statuses, beside 0, that are as they
                            should be
    <!-- tested: PATH -->   that test runs them, or compares the output
    <!-- shown: WORDS -->   nobody runs them, and why

Blocks without one are text, not commands: see COMMAND.
"""

import re
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent.parent
SCENARIOS = ("tools", "vm", "qemu")
# A line of a block that somebody might type into a shell
COMMAND = re.compile(
    r"(make|cd|export|alias|ex|git|sudo|man|gdb|python3|zcat|cat|echo|mkdir|"
    r"gcc|cc|perf|virsh|qemu-system-\S+|amdvi-inspect|"
    r"\.?(build|scripts|tests|qemu)/\S+|"
    r"\w+=\S+ (make|build|tests)\S*|QTEST_\S+)( |$)")
MARKER = re.compile(r"<!-- (run|tested|shown): (.*?) -->")
FENCE = "```"
LINK = re.compile(r"(?<!\!)\[[^][]*\]\(([^()\s]+)\)|!\[[^][]*\]\(([^()\s]+)\)")


class Marker(NamedTuple):
    """What a comment says of the next block."""

    kind: str
    words: str


class Block(NamedTuple):
    """A block of code: its first line's number, its text, its marker."""

    page: "Page"
    line: int
    lines: List[str]
    marker: Optional[Marker]

    def place(self) -> str:
        """For messages."""
        return f"{self.page.name}:{self.line}"

    def scenario(self) -> str:
        """Where its commands are run; nothing if they are not."""
        runs = self.marker is not None and self.marker.kind == "run"
        return self.marker.words.split()[0] if self.marker and runs else ""

    def statuses(self) -> List[str]:
        """Exit statuses that its commands may have."""
        return ["0"] + (self.marker.words.split()[1:] if self.marker else [])

    def looks_like_commands(self) -> bool:
        """Whether somebody may want to type it."""
        return any(COMMAND.match(line) for line in self.lines)


class Page:
    """A file in Markdown."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(ROOT))
        self.lines = path.read_text("utf-8").splitlines()
        self.blocks: List[Block] = []
        # Lines that are no code, with their numbers
        self.text: List[Tuple[int, str]] = []
        self.take_apart()

    def take_apart(self) -> None:
        """Find blocks: between fences, or indented after an empty line."""
        marker: Optional[Marker] = None
        at = 0
        while at < len(self.lines):
            end, body = self.block_at(at)
            if body is not None:
                self.blocks.append(Block(self, at + 1, body, marker))
                marker, at = None, end
                continue
            line = self.lines[at]
            found = MARKER.fullmatch(line.strip())
            if found:
                marker = Marker(found[1], found[2])
            elif line.strip():
                marker = None
            self.text.append((at + 1, line))
            at += 1

    def block_at(self, at: int) -> Tuple[int, Optional[List[str]]]:
        """The block that begins at a line, and the line after it."""
        if self.lines[at].startswith(FENCE):
            end = self.lines.index(FENCE, at + 1)
            return end + 1, self.lines[at + 1:end]
        if not self.lines[at].startswith("    ") or not self.is_apart(at):
            return at, None
        end = at
        while end < len(self.lines) and (
                self.lines[end].startswith("    ") or
                (not self.lines[end] and any(self.lines[end + 1:end + 2])
                 and self.lines[end + 1].startswith("    "))):
            end += 1
        return end, [line[4:] for line in self.lines[at:end]]

    def is_apart(self, at: int) -> bool:
        """Whether indented text is code and not a part of a list."""
        before = [line for line in self.lines[:at] if line.strip()]
        return at > 0 and not self.lines[at - 1].strip() and \
            not re.match(r"\s*([*-]|\d+\.) ", before[-1] if before else "")

    def links(self) -> Iterator[Tuple[int, str]]:
        """Targets of links, with line numbers; those over two lines, too."""
        numbers = [number for number, line in self.text
                   for _ in range(len(line) + 1)]
        text = "\n".join(line for _, line in self.text)
        for match in LINK.finditer(re.sub(r"`[^`\n]*`", lambda m: "x" * len(
                m[0]), text)):
            yield numbers[match.start()], match[1] or match[2]

    def anchors(self) -> List[str]:
        """Of the headings, as the usual renderers make them."""
        titles = [line.lstrip("#").strip() for _, line in self.text
                  if re.match(r"#+ ", line)]
        return [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
                for title in titles]


def pages() -> List[Page]:
    """All of them."""
    return [Page(path) for path in
            sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])]


def manuals() -> List[Path]:
    """Manual pages that are written by hand."""
    return sorted(path for path in (ROOT / "man").iterdir()
                  if re.search(r"\.[1-9](\.in)?$", path.name))
