# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that run benchmarks, for the programs of this folder.

Each is one iommu-bench (tests/qtest/iommu-bench.c) with a VM.  Several live at
the same time and take turns, so that what else the host does meets all.
"""

import datetime
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

TOP = Path(__file__).resolve().parent.parent.parent
# Random numbers must be the same for all
SEED = 88172645463325252
# What callgrind counts: all that is below this function
LOOP = "testdev_bench_slice"
# How an access comes to the IOMMU: iommu-bench's path=
TLB, OWN, ATS, CORE, REGION = 0, 1, 3, 4, 5


class BenchError(Exception):
    """A failure whose text is what the user sees."""


class Column(NamedTuple):
    """Whom is measured, and how it sends what it sends."""

    title: str
    machine: str
    path: int


COLUMNS = {
    "svm": Column("svm=on, host tables", "svm", CORE),
    "svm-guest": Column("svm=on, guest tables", "svm-guest", CORE),
    "svm-own": Column("the same, own interface", "svm", OWN),
    "svm-pasid": Column("svm=on, PASID", "svm-pasid", OWN),
    "stock": Column("stock amd-iommu", "stock", CORE),
    "intel": Column("intel-iommu", "intel", CORE),
    "none": Column("no IOMMU", "none", CORE),
}
OURS = ("svm", "svm-guest", "svm-own", "svm-pasid")
THEIRS = ("stock", "intel")


def build() -> Path:
    """The folder of outputs."""
    return TOP / os.environ.get("BUILD", "build")


def qemu_binary() -> str:
    """The QEMU to measure."""
    return os.environ.get("QTEST_QEMU_BINARY",
                          str(build() / "qemu" / "qemu-system-x86_64"))


def bench_program(qemu: str) -> Path:
    """iommu-bench, which is built beside QEMU."""
    return Path(qemu).parent / "tests/qtest/amdvi/iommu-bench"


class Machine:
    """A VM that runs benchmarks."""

    def __init__(self, kind: str, under: str = "", **options: Any) -> None:
        """@under: a command before QEMU's; @options are iommu-bench's."""
        self.kind = kind
        qemu = qemu_binary()
        words = [f"{name}={value}" for name, value in options.items()]
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(
            [str(bench_program(qemu)), kind, *words], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ, QTEST_QEMU_BINARY=under + qemu))

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, line: str) -> str:
        """A line of iommu-bench's language, and its answer."""
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        for answer in self.process.stdout:
            if not answer.startswith("#"):
                return answer.strip()
        raise BenchError(f"the machine with {self.kind} is gone")

    def times(self, **words: Any) -> List[int]:
        """Run a benchmark: its time in ns, of each thread."""
        answer = self.ask(" ".join(f"{name}={value}"
                                   for name, value in words.items()))
        if answer.startswith("!"):
            raise BenchError(f"{self.kind} cannot do {words}")
        return [int(word) for word in answer.split()]

    def each(self, count: int, **words: Any) -> float:
        """The same with one thread, in ns per access."""
        return self.times(count=count, **words)[0] / count

    def memory(self, trim: bool) -> int:
        """Memory of the process that is no file's, in KiB.

        @trim: GDB lets it give back what the C library keeps, of which there
        is more or less by chance.
        """
        pid = self.ask("memory").split()[1]
        if trim and shutil.which("gdb"):
            subprocess.run(["gdb", "-nx", "-batch", "-p", pid, "-ex",
                            "call (int)malloc_trim(0)"], check=False,
                           stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        return int(self.ask("memory").split()[0])

    def stop(self) -> None:
        """End of input is the end."""
        self.process.communicate()


class Machines:
    """Several at once, by kind."""

    def __init__(self, kinds: Sequence[str], **options: Any) -> None:
        self.by_kind = {kind: Machine(kind, "", **options)
                        for kind in dict.fromkeys(kinds)}

    def __enter__(self) -> Dict[str, Machine]:
        return self.by_kind

    def __exit__(self, *_: object) -> None:
        for machine in self.by_kind.values():
            machine.stop()


def medians(samples: Dict[str, List[float]]) -> Dict[str, float]:
    """Of each column."""
    return {name: statistics.median(values)
            for name, values in samples.items() if values}


def ratios(samples: Dict[str, List[float]]) -> Dict[str, float]:
    """Median over the turns of ours against theirs: "svm/stock"."""
    return {f"{ours}/{theirs}": statistics.median(
                a / b for a, b in zip(samples[ours], samples[theirs]))
            for ours in OURS for theirs in THEIRS
            if samples.get(ours) and samples.get(theirs)}


def percentile(values: Sequence[float], part: float) -> float:
    """The value that this part of all is not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def callgrind(kind: str, words: Dict[str, Any], count: int
              ) -> Tuple[float, Dict[str, float]]:
    """Instructions of one access, all of them and by function."""
    with tempfile.TemporaryDirectory(prefix="amdvi-bench-") as scratch:
        out = Path(scratch) / "callgrind.out"
        valgrind = (f"valgrind -q --tool=callgrind --collect-atstart=no "
                    f"--toggle-collect={LOOP} --callgrind-out-file={out} ")
        with Machine(kind, valgrind,
                     pages=words.get("pages", 1)) as machine:
            machine.times(**words, count=count)
        if not out.exists():
            raise BenchError("callgrind counted nothing")
        total, parts = parse_callgrind(out.read_text(errors="replace"))
    return total / count, {name: value / count
                           for name, value in parts.items()}


def parse_callgrind(text: str) -> Tuple[int, Dict[str, int]]:
    """A profile: instructions in all, and of each function by itself."""
    names: Dict[str, str] = {}
    parts: Dict[str, int] = {}
    current, total, skip = "", 0, False
    for line in text.splitlines():
        match = re.match(r"fn=\((\d+)\)(?: (.*))?$", line)
        if match:
            names.setdefault(match[1], match[2] or "?")
            current = names[match[1]]
        elif line.startswith("cfn="):
            match = re.match(r"cfn=\((\d+)\)(?: (.*))?$", line)
            if match and match[2]:
                names.setdefault(match[1], match[2])
        elif line.startswith("calls="):
            skip = True
        elif re.match(r"[+*\d-]", line):
            words = line.split()
            if not skip and len(words) == 2:
                parts[current] = parts.get(current, 0) + int(words[1])
                total += int(words[1])
            skip = False
    if not total:
        raise BenchError("callgrind counted nothing")
    return total, parts


def today() -> Dict[str, Any]:
    """When and where, for the head of a result."""
    now = datetime.datetime.now(datetime.timezone.utc)
    load = os.getloadavg()[0]
    model = re.search(r"^model name\s*: (.*)$",
                      Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return {"date": now.strftime("%Y-%m-%d"), "processors": os.cpu_count(),
            "processor": model[1] if model else "unknown",
            "load": round(load, 1)}


def add(path: Path, **parts: Any) -> None:
    """Put parts into a file of results, which is made if need be."""
    result: Dict[str, Any] = {"schema": "amdvi-bench", "version": 2}
    if path.exists():
        result = json.loads(path.read_text("utf-8"))
    result.update(parts)
    path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
