# SPDX-License-Identifier: GPL-2.0-or-later
"""Export the whole work as an ordered patch series ("make qemu-series").

qemu/series.conf says which files and hooks make up each patch.  Our folders
are links in the tree that is built; here they become real files, pages about
devices are translated to QEMU's markup, and the header that knows several
releases gives way to what it stands for in this one.  Every file and every
patch must be in exactly one place of the list.
"""

import configparser
import fnmatch
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

from . import compile as compiling
from . import rst
from .conf import Conf, Fault, fail, run, say
from .patches import commit_series, git, require, store, tree_with
from .tree import Tree, version_of
from .writeback import FORMAT, NEW_DATE, identity

PROVENANCE = (
    "This code falls under QEMU's code-provenance policy "
    "(docs/devel/code-provenance.rst) and must not be posted before the "
    "project has granted an exception. No Signed-off-by is added.")
LEFT_OUT = "leave-out"
ACCEPTED = "accepted"
DOCUMENTS = "documents"
GROWING = "growing"
RESOLVED = "resolved"
# What is no patch
PARTS = (ACCEPTED, DOCUMENTS, GROWING, RESOLVED)
QTESTS = "tests/qtest/amdvi"
# In meson.build: a row 'NAME': files(...), an executable('NAME', ...), or
# what a custom_target(...) makes, and the comment before it
PROGRAM = re.compile(
    r"(?:^ *#.*\n)*^(?:(?:  '([\w-]+)': |executable\().*\n"
    r"(?:^ {4,}.*\n)*|\w+ = custom_target\(.*\n(?:^ +.*\n)*^\)\n)",
    re.MULTILINE)
# A source, or a program that makes one, in the same folder
SOURCE = re.compile(r"(?<!/ )'([\w-]+\.c|make-[\w-]+)'")


class Group(NamedTuple):
    """One patch of the series: its text, overlay files and hook patches."""

    name: str
    title: str
    body: str
    files: List[str]
    rest: List[str]
    patches: List[str]


def read_conf(conf: Conf) -> configparser.ConfigParser:
    """qemu/series.conf as it is."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment]
    with open(conf.root / "qemu" / "series.conf", encoding="utf-8") as file:
        parser.read_file(file)
    return parser


def accepted_findings(conf: Conf) -> List[str]:
    """Findings of checkpatch that series.conf gives a reason for."""
    text = read_conf(conf).get(ACCEPTED, "findings", fallback="")
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_groups(conf: Conf) -> List[Group]:
    """The groups of series.conf in order, what is left out first."""
    parser = read_conf(conf)
    groups = [Group(name, part.get("title", ""), part.get("body", "").strip(),
                    part.get("files", "").split(),
                    part.get("rest", "").split(),
                    part.get("patches", "").split())
              for name, part in parser.items()
              if name not in (parser.default_section, *PARTS)]
    return sorted(groups, key=lambda group: group.name != LEFT_OUT)


def overlay_files(conf: Conf) -> Dict[str, Path]:
    """Overlay files by their path in the tree; what git ignores is left out."""
    found: Dict[str, Path] = {}
    for ours, theirs in conf.overlay.items():
        if not (conf.root / ours).exists():
            continue
        listed = run(["git", "ls-files", "-z", "--cached", "--others",
                      "--exclude-standard", "--", ours], cwd=conf.root)
        for name in filter(None, listed.decode().split("\0")):
            path = conf.root / name
            if path.is_file():
                found[theirs + name[len(ours):]] = path
    return found


def translated(conf: Conf) -> Dict[str, Path]:
    """Pages about devices by their path in the tree, in its markup."""
    found: Dict[str, Path] = {}
    parser = read_conf(conf)
    if not parser.has_section(DOCUMENTS):
        return found
    for ours, theirs in parser[DOCUMENTS].items():
        text = (conf.root / ours).read_text("utf-8")
        found[theirs] = made_file(conf, theirs,
                                  rst.convert(text, conf.overlay))
    return found


def made_file(conf: Conf, name: str, text: str) -> Path:
    """A file of the tree as it is in the series and nowhere else."""
    path = conf.build / "series-made" / name.replace("/", "-")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def resolved(conf: Conf, files: Dict[str, Path]) -> Dict[str, Path]:
    """Files that include a header of ours which stands for one of QEMU's."""
    parser = read_conf(conf)
    headers = dict(parser[RESOLVED]) if parser.has_section(RESOLVED) else {}
    made: Dict[str, Path] = {}
    for ours, theirs in headers.items():
        for name, path in files.items():
            text = path.read_bytes().decode("utf-8", "replace")
            line = f'#include "{ours}"\n'
            if line in text:
                made[name] = made_file(conf, name, text.replace(
                    line, f'#include "{theirs}"\n'))
    return made


def growing(conf: Conf) -> List[str]:
    """Files that list programs, each of which comes with its sources."""
    return read_conf(conf).get(GROWING, "files", fallback="").split()


def grown(text: str, folder: str, present: Set[str]) -> str:
    """A meson.build with only the programs whose sources are there."""
    def keep(match: "re.Match[str]") -> str:
        sources = SOURCE.findall(match[0])
        if match[1]:
            sources.append(f"{match[1]}.c")
        return match[0] if all(f"{folder}/{source}" in present
                               for source in sources) else ""
    return PROGRAM.sub(keep, text)


def select(patterns: List[str], names: Set[str], taken: Set[str],
           group: str) -> List[str]:
    """Names that match; nothing twice, and no pattern without a match."""
    chosen: List[str] = []
    for pattern in patterns:
        hits = [name for name in sorted(names - set(chosen))
                if fnmatch.fnmatchcase(name, pattern)]
        if not hits:
            raise Fault(f"series.conf: {group}: nothing matches {pattern}")
        twice = [name for name in hits if name in taken]
        if twice:
            raise Fault(f"series.conf: {group}: {twice[0]} is in an earlier "
                        "group already")
        chosen += hits
    taken.update(chosen)
    return chosen


def export(conf: Conf, compile_each: bool) -> None:
    """Write the series, check its style, and build each step if asked."""
    say(PROVENANCE)
    tree = Tree(conf, "plain")
    stamp = tree.stamp()
    if not stamp:
        raise Fault("there is no tree yet: run 'make qemu'")
    commits = commit_groups(conf, tree, stamp["base"])
    out = conf.build / "series"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    git(tree.path, "format-patch", *[f for f in FORMAT if f != "--no-numbered"],
        "--numbered", "-o", str(out), f"{stamp['base']}..{commits[-1]}")
    bad = check_style(tree.path, out, accepted_findings(conf))
    say(f"{len(commits)} patches on QEMU {version_of(tree.path)} in {out}")
    if compile_each:
        build_each(conf, tree, commits)
    if bad:
        raise Fault(f"{bad} of {len(commits)} patches have style findings")


def commit_groups(conf: Conf, tree: Tree, base: str) -> List[str]:
    """A commit per group, in the tree's object database only."""
    files = {**overlay_files(conf), **translated(conf)}
    files.update(resolved(conf, files))
    hooks = {path.name: path for path in conf.patch_files()}
    taken: Set[str] = set()
    head, commits = base, []
    for group in read_groups(conf):
        if group.name == LEFT_OUT:
            for name in select(group.files, set(files), set(), LEFT_OUT):
                del files[name]
            continue
        names = select(group.files, set(files), taken, group.name)
        names += select(group.rest, set(files) - taken, taken, group.name)
        chosen = {name: files[name] for name in names}
        chosen.update(grown_files(conf, files, taken))
        patches = [hooks[name] for name in select(
            group.patches, set(hooks), taken, group.name)]
        head = commit_group(tree.path, head, group, identity(conf.root),
                            chosen, patches)
        commits.append(head)
    rest = sorted((set(files) | set(hooks)) - taken)
    if rest:
        raise Fault(f"series.conf: {rest[0]} is in no group"
                    + (f" (and {len(rest) - 1} more)" if rest[1:] else ""))
    if not commits:
        raise Fault("series.conf has no group")
    return commits


def grown_files(conf: Conf, files: Dict[str, Path],
                taken: Set[str]) -> Dict[str, Path]:
    """Lists of programs as they are once the taken files are there."""
    made: Dict[str, Path] = {}
    for name in taken.intersection(growing(conf)):
        made[name] = made_file(conf, name, grown(
            files[name].read_text("utf-8"), str(Path(name).parent), taken))
    return made


def commit_group(path: Path, parent: str, group: Group,
                 author: Tuple[str, str], files: Dict[str, Path],
                 hooks: List[Path]) -> str:
    """One commit: the hooks applied, the files added as real files."""
    patched, fates = commit_series(path, parent, hooks, 0)
    require(fates, f"{version_of(path)} in group {group.name}")
    made = tree_with(path, patched, {
        name: ("100755" if os.access(file, os.X_OK) else "100644",
               store(path, file)) for name, file in files.items()})
    if made == git(path, "rev-parse", f"{parent}^{{tree}}").strip():
        raise Fault(f"series.conf: {group.name} changes nothing")
    text = f"{group.title}\n\n{group.body}\n"
    return git(path, "commit-tree", made, "-p", parent, data=text.encode(),
               GIT_AUTHOR_NAME=author[0], GIT_AUTHOR_EMAIL=author[1],
               GIT_AUTHOR_DATE=NEW_DATE, GIT_COMMITTER_DATE=NEW_DATE).strip()


def check_style(tree: Path, out: Path, accepted: List[str]) -> int:
    """Run the tree's checkpatch; number of patches with findings."""
    bad = 0
    for patch in sorted(out.glob("*.patch")):
        result = subprocess.run(
            ["perl", "scripts/checkpatch.pl", "--no-signoff", "-q",
             str(patch)], cwd=tree, check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = result.stdout.decode(errors="replace")
        findings = list(relevant(output, accepted))
        if result.returncode not in (0, 1):
            findings = [output]
        if findings:
            bad += 1
            fail(f"{patch.name}:\n" + "\n".join(findings))
    return bad


def relevant(output: str, accepted: List[str]) -> Iterator[str]:
    """Findings of checkpatch that are not accepted; that files are new is."""
    for block in re.split(r"(?m)^(?=ERROR:|WARNING:|total:)", output):
        if block.startswith(("ERROR:", "WARNING:")) and \
                "Does MAINTAINERS need updating" not in block and \
                not any(all(words in block for words in line.split(" | "))
                        for line in accepted):
            yield block.rstrip()


def build_each(conf: Conf, tree: Tree, commits: List[str]) -> None:
    """Check out, compile and test each step, in a work tree of its own."""
    steps = Tree(conf, "series")
    shutil.rmtree(steps.home, ignore_errors=True)
    steps.src.mkdir(parents=True)
    git(tree.path, "worktree", "prune")
    # forced twice: an interrupted run leaves a locked one without a folder
    git(tree.path, "worktree", "add", "--force", "--force", "--quiet",
        "--detach", str(steps.path), f"{commits[0]}^")
    for number, commit in enumerate(commits, 1):
        git(steps.path, "checkout", "--quiet", "--detach", commit)
        say(f"building step {number} of {len(commits)}")
        compiling.build(conf, steps, "series")
        since = f"{commits[0]}^" if commit == commits[-1] else f"{commit}^"
        run_tests(conf, steps.home / compiling.VARIANTS["series"].folder,
                  new_tests(steps.path, since))
    check_manual(steps.path)
    shutil.rmtree(steps.home)
    git(tree.path, "worktree", "prune")
    say(f"all {len(commits)} steps compile and pass their tests")


def new_tests(tree: Path, since: str) -> List[str]:
    """Names of the qtests that the checked out commit has and @since not."""
    added = git(tree, "diff", "--name-only", "--diff-filter=A", since, "HEAD",
                "--", f"{QTESTS}/*-test.c")
    return [Path(name).stem for name in added.split()]


def check_manual(tree: Path) -> None:
    """Make QEMU's manual, in which a warning is an error."""
    sphinx = shutil.which("sphinx-build")
    if not sphinx or not (tree / "docs" / "conf.py").is_file():
        say("the manual is not checked: there is no sphinx-build")
        return
    run([sphinx, "-q", "-W", "-b", "html", str(tree / "docs"),
         str(tree.parent / "manual")])
    say("the manual has no warnings")


def run_tests(conf: Conf, folder: Path, names: List[str]) -> None:
    """Run qtests of a build folder; all have to pass."""
    if not names:
        return
    programs = [str(folder / QTESTS / name) for name in names]
    emulator = folder / compiling.EMULATOR
    stock = conf.build / "qemu-stock" / compiling.EMULATOR
    status = subprocess.run(
        [str(conf.root / "scripts" / "tap-summary"), "--args=--tap -k",
         *programs], check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "QTEST_QEMU_BINARY": str(emulator),
             "AMDVI_STOCK_QEMU": str(stock)}).returncode
    if status != 0:
        raise Fault("tests of this step fail")
