# SPDX-License-Identifier: GPL-2.0-or-later
"""A Linux guest with a gdbstub, and what GDB shows of it."""

import json
import shlex
import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import stub_vm
import vm

NVME = "00:04.0"
VIEWS = ("devices", f"device {NVME}", "regs", "commands", "events",
         f"maps {NVME}", f"irt {NVME}")
NEXT = "-- next --"
# What "amdvi linux" looks up
SYMBOLS = ("asm_exc_divide_error", "__start_BTF", "__stop_BTF", "phys_base",
           "page_offset_base", "amd_iommu_list", "amd_iommu_pci_seg_list",
           "iommu_sva_mms", "amd_iommu_int_thread_pprlog")
# Stops until the guest is caught outside of its driver
TRIES = 20
# Of one command in the guest
PATIENCE_S = 300.0


def boot(cleanup: Callable[..., Any], **changes: Any) -> vm.Vm:
    """A guest with a gdbstub; @cleanup is told how to end it."""
    scratch = tempfile.TemporaryDirectory(prefix="amdvi-gdb-guest-")
    cleanup(scratch.cleanup)
    run = Path(scratch.name)
    extra = changes.pop("extra", [])
    machine = vm.Vm(vm.Options(
        run_dir=run, timeout=600.0,
        extra=["-gdb", f"unix:{run / 'gdb.sock'},server=on,wait=off", *extra],
        **changes))
    cleanup(machine.stop)
    machine.start()
    return machine


def gdb(case: unittest.TestCase, machine: vm.Vm,
        *commands: str) -> List[str]:
    """Output of each command, all of them in one stop of the guest."""
    line = [f"target remote {machine.run_dir / 'gdb.sock'}"]
    for command in commands:
        line += [f"echo {NEXT}\\n", command]
    result = stub_vm.gdb(*line, f"echo {NEXT}\\n", "detach")
    case.assertNotIn("Traceback", result.err)
    parts = result.out.split(NEXT + "\n")
    case.assertEqual(len(parts), len(commands) + 2, result)
    return parts[1:-1]


def settled(case: unittest.TestCase, machine: vm.Vm, *before: str,
            verdict: str = "All ") -> str:
    """What "amdvi linux" shows when the driver is not just busy.

    @verdict: how its last line begins then."""
    text = ""
    for _ in range(TRIES):
        text = gdb(case, machine, *before, "amdvi linux")[-1]
        if f"\n{verdict}" in text:
            return text
    case.fail(text)


def symbol_map(machine: vm.Vm) -> Path:
    """A file with the addresses of the running kernel's symbols."""
    names = "|".join(SYMBOLS)
    status, text = machine.run(f"grep -E ' ({names})$' /proc/kallsyms",
                               timeout=PATIENCE_S)
    assert status == 0, text
    path = machine.run_dir / "kallsyms"
    path.write_text(text + "\n", "ascii")
    return path


def shifted(path: Path, by: int) -> Path:
    """The same symbols as if the kernel had been linked elsewhere."""
    lines = [f"{int(line[:16], 16) - by:016x}{line[16:]}"
             for line in path.read_text("ascii").splitlines() if line]
    other = path.with_name("System.map")
    other.write_text("\n".join(lines) + "\n", "ascii")
    return other


def both(case: unittest.TestCase, machine: vm.Vm,
         *views: str) -> List[Tuple[str, str]]:
    """Each view as GDB and as amdvi-inspect show it in the same stop."""
    program = stub_vm.build_dir() / "amdvi-inspect" / "amdvi-inspect"
    inspect = shlex.join([str(program), "-s",
                          str(machine.run_dir / "qmp-inspect.sock")])
    commands = []
    for view in views:
        commands += [f"amdvi {view}", f"shell {inspect} {view}"]
    shown = gdb(case, machine, *commands)
    return list(zip(shown[::2], shown[1::2]))


def mapping(case: unittest.TestCase, machine: vm.Vm) -> Dict[str, Any]:
    """A page that the tables of the NVMe disk map."""
    text = gdb(case, machine, f"amdvi maps {NVME} --json")[0]
    rows = json.loads(text)["mappings"]
    case.assertTrue(rows)
    row: Dict[str, Any] = rows[0]
    return row


def look_around(case: unittest.TestCase, machine: vm.Vm) -> None:
    """All views, memory through the tables, and life afterwards."""
    for view, (shown, inspect) in zip(VIEWS, both(case, machine, *VIEWS)):
        with case.subTest(view=view):
            case.assertTrue(inspect.strip())
            case.assertEqual(*(
                stub_vm.lines_without(text, *stub_vm.ONLY_CONFIG)
                for text in (shown, inspect)))
    row = mapping(case, machine)
    first, output = int(row["first"], 16), int(row["output"], 16)
    same = gdb(case, machine, f"amdvi x/8xg {NVME} - {first:#x}",
               "maint packet Qqemu.PhyMemMode:1", f"x/8xg {output:#x}",
               "maint packet Qqemu.PhyMemMode:0",
               f'print/x $amdvi_walk("{NVME}", -1, {first:#x})')
    case.assertEqual(words(same[0]), words(same[2]))
    case.assertIn(f"= {output:#x}\n", same[4])
    status, text = machine.run("dd if=/dev/nvme0n1 of=/dev/null bs=64k "
                               "count=16 iflag=direct 2>&1",
                               timeout=PATIENCE_S)
    case.assertEqual(status, 0, text)


def words(text: str) -> List[int]:
    """The values that x printed."""
    return [int(word, 16) for line in text.splitlines()
            for word in line.split("\t")[1:]]
