# SPDX-License-Identifier: GPL-2.0-or-later
"""Our pages about devices, in the markup and with the paths of QEMU's tree.

Only what docs/specs uses is known: headings, paragraphs, lists, tables,
indented blocks, code, and links, of which the text stays.  What stands
between "<!-- not for QEMU -->" and "<!-- -->" is left out.
"""

import re
import textwrap
from typing import Dict, Iterator, List

WIDTH = 79
UNDERLINES = {1: "=", 2: "-", 3: "~"}
LEFT_OUT = re.compile(r"<!-- not for QEMU -->.*?<!-- -->\n?|<!--.*?-->\n?",
                      re.DOTALL)
CODE = re.compile(r"(`[^`]*`)")
LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
LIST = re.compile(r"[*-] |\d+\. ")
# Characters that mean something to RST where they stand
SPECIAL = re.compile(r"(\\|\||_(?!\w)|\*(?=\w)(?![^*]*\*)|(?<=\s)\*(?=\s))")


def convert(text: str, overlay: Dict[str, str]) -> str:
    """A page; @overlay maps our folders to those of QEMU's tree."""
    lines = LEFT_OUT.sub("", text).splitlines()
    head = [".. SPDX-License-Identifier: GPL-2.0-or-later", ""]
    return "\n".join(head + list(blocks(lines, overlay))).rstrip() + "\n"


def blocks(lines: List[str], overlay: Dict[str, str]) -> Iterator[str]:
    """The page block by block; an empty line ends each."""
    block: List[str] = []
    for line in lines + [""]:
        if line:
            block.append(line)
            continue
        if block:
            yield from one_block(block, overlay)
            yield ""
        block = []


def one_block(block: List[str], overlay: Dict[str, str]) -> Iterator[str]:
    """Lines without an empty one between them."""
    heading = re.match(r"(#+) (.*)", block[0])
    if heading:
        yield from titled(inline(heading[2], overlay), len(heading[1]))
    elif block[0].startswith("    "):
        yield "::"
        yield ""
        yield from block
    elif block[0].startswith("|"):
        yield from table(block, overlay)
    else:
        yield from paragraph(block, overlay)


def paragraph(block: List[str], overlay: Dict[str, str]) -> Iterator[str]:
    """Text, the items of a list, or a list that ends a text."""
    items: List[str] = []
    for line in block:
        if not items or LIST.match(line):
            items.append(line)
        else:
            items[-1] += " " + line.strip()
    for number, item in enumerate(items):
        mark = LIST.match(item)
        indent = " " * len(mark[0]) if mark else ""
        if number == 1 and mark and not LIST.match(items[0]):
            yield ""
        yield from wrapped(inline(item, overlay), indent)


def wrapped(text: str, indent: str, first: str = "") -> List[str]:
    """Lines that are not too long."""
    return textwrap.wrap(text, WIDTH, initial_indent=first,
                         subsequent_indent=indent, break_long_words=False,
                         break_on_hyphens=False)


def titled(text: str, level: int) -> List[str]:
    """A title and the line below it."""
    return [text, UNDERLINES[level] * len(text)]


def cells(row: str, overlay: Dict[str, str]) -> List[str]:
    """The cells of a table's row."""
    return [inline(cell.strip(), overlay)
            for cell in row.strip().strip("|").split("|")]


def table(block: List[str], overlay: Dict[str, str]) -> Iterator[str]:
    """A table as lists; an empty heading is none."""
    rows = [cells(row, overlay) for row in [block[0]] + block[2:]]
    headed = any(rows[0])
    yield ".. list-table::"
    yield f"   :header-rows: {int(headed)}"
    yield ""
    for row in rows[0 if headed else 1:]:
        for number, cell in enumerate(row):
            mark = "     -" if number else "   * -"
            yield from wrapped(cell, " " * 7, mark + " ") or [mark]


def inline(text: str, overlay: Dict[str, str]) -> str:
    """Code, links, and characters to be protected within a line."""
    text = LINK.sub(r"\1", text)
    parts = CODE.split(text)
    for number, part in enumerate(parts):
        if number % 2:
            parts[number] = f"``{in_tree(part[1:-1], overlay)}``"
        else:
            parts[number] = SPECIAL.sub(r"\\\1", part) if not LIST.match(
                part) else part[:2] + SPECIAL.sub(r"\\\1", part[2:])
    return "".join(parts)


def in_tree(code: str, overlay: Dict[str, str]) -> str:
    """A path of ours is another one in QEMU's tree."""
    for ours in sorted(overlay, key=len, reverse=True):
        if code.startswith(ours + "/"):
            return overlay[ours] + code[len(ours):]
    return code
