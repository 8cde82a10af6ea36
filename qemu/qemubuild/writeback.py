# SPDX-License-Identifier: GPL-2.0-or-later
"""Write qemu/patches from the prepared tree ("make qemu-patches").

An edit of a stock file belongs to the last commit that touches the file;
there it changes the commit itself, so the series stays as ordered.  Edits of
files no commit touches become a commit of their own, named by MSG=.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Dict, List, Tuple

from .conf import Conf, Fault, say, scratch
from .patches import git, tree_with
from .tree import Tree, current_tree, prepare_links, write_stamp

FORMAT = ("--zero-commit", "--no-signature", "--no-numbered", "--no-renames",
          "--abbrev=12", "--no-stat", "--diff-algorithm=myers", "--no-thread")
# A time stamp that says nothing and so never makes a difference.
NEW_DATE = "2000-01-01T00:00:00Z"
# What git writes on top of a mail that is none.
MAIL_START = re.compile(rb"\AFrom [0-9a-f]{40} .*\n")
SIGN_OFF = re.compile(r"(?mi)^signed-off-by:.*\n?")


def write_back(conf: Conf) -> None:
    """Make qemu/patches say what the tree says."""
    tree = Tree(conf, "plain")
    stamp = tree.stamp()
    if not stamp:
        raise Fault("there is no tree yet: run 'make qemu'")
    if stamp["source"] != conf.tree_sha256:
        raise Fault("patches are written from the pinned base only; "
                    f"{tree.path} is another one")
    prepare_links(tree)
    base = stamp["base"]
    wanted = current_tree(tree.path)
    commits = git(tree.path, "rev-list", "--reverse",
                  f"{base}..HEAD").split()
    head = rebuild(tree.path, base, commits, wanted)
    changed = export(conf, tree.path, base, head)
    git(tree.path, "reset", "--quiet", head)
    write_stamp(tree, tree.path, stamp["source"], base, head)
    say(f"qemu/patches: {len(conf.patch_files())} patches, "
        f"{changed} written or removed")


def changed_files(path: Path, old: str, new: str) -> List[str]:
    """Names of files that differ between two trees or commits."""
    return git(path, "diff-tree", "-r", "--name-only", "--no-renames",
               old, new).splitlines()


def entries(path: Path, tree: str) -> Dict[str, Tuple[str, str]]:
    """Mode and blob of every file of a tree."""
    found = {}
    for row in git(path, "ls-tree", "-r", "-z", tree).split("\0"):
        if row:
            about, name = row.split("\t", 1)
            mode, _, blob = about.split()
            found[name] = (mode, blob)
    return found


def rebuild(path: Path, base: str, commits: List[str], wanted: str) -> str:
    """The commits again, with the edits in them; returns the last one."""
    edits = changed_files(path, commits[-1] if commits else base, wanted)
    owners: Dict[str, str] = {}
    for commit in commits:
        for name in changed_files(path, f"{commit}^", commit):
            owners[name] = commit
    final = entries(path, wanted) if edits else {}
    head = base
    applied: List[str] = []
    for commit in commits:
        applied += [name for name in edits if owners.get(name) == commit]
        made = tree_with(path, commit,
                         {name: final.get(name) for name in applied})
        if made == git(path, "rev-parse", f"{head}^{{tree}}").strip():
            continue
        head = copy_commit(path, commit, made, head)
    rest = [name for name in edits if name not in owners]
    return new_commit(path, wanted, head, rest) if rest else head


def copy_commit(path: Path, commit: str, made: str, parent: str) -> str:
    """A commit like another one, but of this tree on this parent.

    Who may sign off on a patch is decided when it is sent, not here.
    """
    name, mail, date, text = git(
        path, "show", "--no-patch", "--format=%an%x00%ae%x00%aI%x00%B",
        commit).split("\0", 3)
    text = SIGN_OFF.sub("", text)
    return git(path, "commit-tree", made, "-p", parent,
               data=text.strip().encode() + b"\n", GIT_AUTHOR_NAME=name,
               GIT_AUTHOR_EMAIL=mail, GIT_AUTHOR_DATE=date,
               GIT_COMMITTER_DATE=date).strip()


def new_commit(path: Path, made: str, parent: str, names: List[str]) -> str:
    """A commit for edits that belong to no earlier one."""
    text = os.environ.get("MSG")
    if not text:
        raise Fault(f"{names[0]} is touched by no patch yet: say what the "
                    "new one is for with MSG='hw/i386: ...'")
    author = identity(Path(__file__).resolve().parent)
    return git(path, "commit-tree", made, "-p", parent,
               data=text.encode() + b"\n", GIT_AUTHOR_NAME=author[0],
               GIT_AUTHOR_EMAIL=author[1], GIT_AUTHOR_DATE=NEW_DATE,
               GIT_COMMITTER_DATE=NEW_DATE).strip()


def identity(repository: Path) -> Tuple[str, str]:
    """Name and address git would put on a commit of the repository."""
    values = []
    for key in ("user.name", "user.email"):
        result = subprocess.run(["git", "config", key], cwd=repository,
                                check=False, stdout=subprocess.PIPE)
        values.append(result.stdout.decode().strip())
    if not all(values):
        raise Fault("set user.name and user.email with 'git config': "
                    "a patch needs an author")
    return values[0], values[1]


def export(conf: Conf, path: Path, base: str, head: str) -> int:
    """Write the patches that changed, remove those that are gone."""
    with scratch(path.parent, ".apply-") as folder:
        git(path, "format-patch", *FORMAT, "-o", str(folder), f"{base}..{head}")
        new = {file.name: MAIL_START.sub(b"", file.read_bytes())
               for file in folder.iterdir()}
    changed = 0
    conf.patches.mkdir(exist_ok=True)
    for old in conf.patch_files():
        if old.name not in new:
            old.unlink()
            changed += 1
    for name, content in new.items():
        target = conf.patches / name
        if not target.exists() or target.read_bytes() != content:
            target.write_bytes(content)
            changed += 1
    return changed
