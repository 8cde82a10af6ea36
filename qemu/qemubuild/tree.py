# SPDX-License-Identifier: GPL-2.0-or-later
"""The trees under $BUILD: unpacked base, our commits, our links.

A tree is prepared under a temporary name and renamed when complete.  A stamp
inside its .git folder says what it is made of; what differs from the stamp is
done again, and nothing else.  Work that is saved nowhere is never thrown
away.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from . import patches, source
from .conf import Conf, Fault, WrongChecksum, fail, locked, say, scratch
from .patches import git

# Below $BUILD.  Where each kind has its src/qemu and its build folders: with
# equal relative paths the trees share what ccache has seen.
HOMES = {"plain": "", "stock": "stock", "series": "series-try"}
OTHER_BASE_FUZZ = 2
STAMP = "amdvi-stamp"
STRIPPED_PATCH = "no-binaries.patch"
LEFTOVERS = (".unpack-*", ".apply-*", ".old-*")


class Tree:
    """One tree, named by what is in it.

    "plain" is ours, "stock" has none of our changes, "series" is a work tree
    where each step of the exported series is tried.
    """

    def __init__(self, conf: Conf, kind: str) -> None:
        self.conf = conf
        self.kind = kind
        self.home = conf.build / HOMES[kind]
        self.src = self.home / "src"
        self.path = self.src / "qemu"

    def stamp(self) -> Dict[str, str]:
        """What the tree was made of; empty if there is none."""
        try:
            text = (self.path / ".git" / STAMP).read_text("ascii")
            return dict(json.loads(text))
        except (OSError, ValueError):
            return {}

    def patch_files(self) -> List[Path]:
        """The patches that belong into this tree."""
        return self.conf.patch_files() if self.kind == "plain" else []


def prepare(conf: Conf, kind: str) -> Tree:
    """Make the tree what the current files ask for."""
    tree = Tree(conf, kind)
    with locked(tree.path):
        for pattern in LEFTOVERS:
            for path in tree.src.glob(pattern):
                shutil.rmtree(path)
        stamp = tree.stamp()
        if stamp.get("source") != source.wanted_identity(conf) or \
                stamp.get("recipe") != recipe(conf):
            create(tree)
        elif stamp["patches"] != digest(tree.patch_files()):
            repatch(tree, stamp)
        if kind == "plain":
            prepare_links(tree)
    return tree


def recipe(conf: Conf) -> str:
    """Identity of what we do to a base before our first commit."""
    return digest([conf.root / "qemu" / STRIPPED_PATCH])


def digest(files: List[Path]) -> str:
    """SHA-256 over names and contents."""
    total = hashlib.sha256()
    for path in files:
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def create(tree: Tree) -> None:
    """Unpack, patch and put in place of whatever was there."""
    conf = tree.conf
    refuse_loss(tree)
    origin = source.locate(conf)
    with scratch(tree.src, ".unpack-") as work:
        new = work / "tree"
        new.mkdir()
        source.unpack(origin, new)
        source.strip(new, conf.excluded)
        pinned = check_base(conf, origin, new)
        fuzz = 0 if pinned else OTHER_BASE_FUZZ
        base, fates = commit_base(conf, new, fuzz)
        head, more = patches.commit_series(new, base, tree.patch_files(),
                                           fuzz)
        fates += more
        if not pinned:
            report(conf, new, fates)
        patches.require(fates, version_of(new))
        git(new, "reset", "--hard", "--quiet", head)
        write_stamp(tree, new, origin.identity, base, head)
        if tree.path.exists():
            tree.path.rename(tree.src / f".old-{work.name[8:]}")
        new.rename(tree.path)
    for path in tree.src.glob(".old-*"):
        shutil.rmtree(path)


def version_of(tree: Path) -> str:
    """The release a tree says it is."""
    try:
        return (tree / "VERSION").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise Fault("this is no QEMU source tree: no VERSION in it") from None


def check_base(conf: Conf, origin: source.Source, tree: Path) -> bool:
    """True for the pinned base.  Only the user may name another one."""
    version = version_of(tree)
    found = source.tree_digest(tree)
    if found == conf.tree_sha256:
        return True
    if origin.identity == conf.tree_sha256:
        raise WrongChecksum(
            f"{origin.path}: wrong content: SHA-256 of its files is {found}, "
            f"expected {conf.tree_sha256}; remove the file to fetch it again")
    say(f"this is not the pinned base {conf.version}: the tree says "
        f"{version}, SHA-256 of its files is {found}")
    return False


def commit_base(conf: Conf, tree: Path,
                fuzz: int) -> Tuple[str, List[patches.Hunk]]:
    """The first commits: the base, then told that binaries are absent.

    Without binaries in the tree meson would stop at targets that unpack or
    install them, though nothing here needs these.
    """
    git(tree, "init", "--quiet", "--initial-branch=base")
    for name, value in (("user.name", "qemu/build"), ("gc.auto", "0"),
                        ("user.email", "qemu-build@localhost"),
                        ("core.autocrlf", "false"),
                        ("commit.gpgsign", "false")):
        git(tree, "config", name, value)
    commit(tree, f"QEMU {version_of(tree)}")
    patch = conf.root / "qemu" / STRIPPED_PATCH
    head, fates = patches.commit_series(
        tree, git(tree, "rev-parse", "HEAD").strip(), [patch], fuzz)
    git(tree, "reset", "--hard", "--quiet", head)
    return head, fates


def commit(tree: Path, text: str) -> None:
    """Commit everything; the date is fixed, so equal bases are equal."""
    date = "2000-01-01T00:00:00Z"
    git(tree, "add", "--all", "--force")
    git(tree, "commit", "--quiet", "--no-verify", "-m", text,
        GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)


def write_stamp(tree: Tree, path: Path, identity: str, base: str,
                head: str) -> None:
    """Say what the tree is made of."""
    stamp = {"source": identity, "recipe": recipe(tree.conf), "base": base,
             "head": head, "patches": digest(tree.patch_files())}
    temporary = path / ".git" / f".{STAMP}"
    temporary.write_text(json.dumps(stamp, indent=1) + "\n", "ascii")
    os.replace(temporary, path / ".git" / STAMP)


def current_tree(path: Path) -> str:
    """Tree id of the working files as they are now, without touching any."""
    with scratch(path.parent, ".apply-") as folder:
        index = folder / "index"
        shutil.copy(path / ".git" / "index", index)
        git(path, "add", "--all", GIT_INDEX_FILE=str(index))
        return git(path, "write-tree", GIT_INDEX_FILE=str(index)).strip()


def unsaved(tree: Tree, stamp: Dict[str, str]) -> Optional[str]:
    """A file of the tree whose content no patch has; None if there is none."""
    names = git(tree.path, "diff", "--name-only", stamp["head"],
                current_tree(tree.path)).splitlines()
    return names[0] if names else None


def refuse_loss(tree: Tree) -> None:
    """Stop before edits of stock files would be lost."""
    stamp = tree.stamp()
    if not stamp:
        return
    name = unsaved(tree, stamp)
    if name:
        raise Fault(f"{tree.path}/{name} has changes that are in no patch: "
                    "run 'make qemu-patches' to keep them, or undo them "
                    f"with 'git -C {tree.path} reset --hard {stamp['head']}'")


def repatch(tree: Tree, stamp: Dict[str, str]) -> None:
    """Switch to a changed series, rewriting only files that differ."""
    head, fates = patches.commit_series(tree.path, stamp["base"],
                                        tree.patch_files(), 0)
    patches.require(fates, version_of(tree.path))
    made = git(tree.path, "rev-parse", f"{head}^{{tree}}").strip()
    if made == current_tree(tree.path):
        git(tree.path, "reset", "--quiet", head)
    else:
        refuse_loss(tree)
        say(f"patches changed: {len(tree.patch_files())} now")
        git(tree.path, "reset", "--hard", "--quiet", head)
    write_stamp(tree, tree.path, stamp["source"], stamp["base"], head)


def prepare_links(tree: Tree) -> None:
    """Link our folders into the tree; what does not exist is left out.

    The links are no part of the tree's history, also those that are new.
    """
    exclude = [f"/{path}" for path in tree.conf.overlay.values()]
    (tree.path / ".git" / "info" / "exclude").write_text(
        "\n".join(exclude) + "\n")
    for ours, theirs in tree.conf.overlay.items():
        target, link = tree.conf.root / ours, tree.path / theirs
        text = os.path.relpath(target, link.parent)
        if link.is_symlink():
            if target.exists() and os.readlink(link) == text:
                continue
            link.unlink()
        if not target.exists():
            continue
        if not link.parent.is_dir():
            raise Fault(f"QEMU has no {Path(theirs).parent}: {ours} cannot be "
                        "linked")
        if link.exists():
            raise Fault(f"{theirs} exists in QEMU: {ours} cannot be linked")
        link.symlink_to(text)


def report(conf: Conf, tree: Path, fates: List[patches.Hunk]) -> None:
    """On another base: each hunk's fate, and what the engine would miss."""
    for hunk in fates:
        say(str(hunk))
    missing = []
    for name, words in conf.needs.items():
        path = tree / name
        text = path.read_text("utf-8", "replace") if path.is_file() else ""
        missing += [f"{word} in {name}" for word in words if word not in text]
    for line in missing:
        fail(f"missing: {line}")
    failed = sum(not hunk.applied for hunk in fates)
    if failed or missing:
        raise Fault(
            f"QEMU {version_of(tree)} cannot be used: {failed} of "
            f"{len(fates)} hunks do not apply, {len(missing)} names are "
            f"missing; the base this is made for is {conf.version}")
    say(f"all {len(fates)} hunks apply to {version_of(tree)}; it was never "
        "built or tested with this, so take the result with care")
