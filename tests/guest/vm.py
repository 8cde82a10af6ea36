# SPDX-License-Identifier: GPL-2.0-or-later
"""Start, watch, command and stop a VM whose devices sit behind our IOMMU.

Used by scripts/vm and by every test that needs a running guest:

    with Vm(Options(run_dir=Path(scratch))) as vm:
        vm.start()
        status, text = vm.run("cat /proc/interrupts")
        vm.qmp("query-status")

A run directory holds one VM: three QMP sockets (for tests, for the inspector
and a spare one), the console (serial.log, serial.sock), the port of the
guest's command helper (guest.sock), QEMU's own messages and its pid.
"""

import dataclasses
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Optional, Tuple, Type

import image
from qmp import Qmp, QmpError

SVM_IOMMU = "amd-iommu,svm=on,intremap=on"
STOCK_IOMMU = "amd-iommu,dma-remap=on,intremap=on"
# The idxd driver needs MOVDIR64B (spec/dsa-device.md section 1).
SVA_CPU = "EPYC,+movdir64b"
DSA = "dsa,id=dsa0,queues=8,addr=6"
QMP_SOCKETS = ("qmp-test.sock", "qmp-inspect.sock", "qmp-spare.sock")
QEMU_DATA = "/usr/share/qemu"
OWN_INITRAMFS = "initramfs.cpio.gz"
SOCKET_PATH_MAX = 107
READY = r"^AMDVI-GUEST ready (\S+)$"
PANIC = re.compile(r"Kernel panic - .*|end Kernel panic.*")
POLL_S = 0.05
# For QEMU to end by itself, and for a sanitizer to look for leaks then
QUIT_S = 120.0

# While it boots, Linux waits some 60 ms of real time for five ticks of the
# timer and panics if it sees fewer ("timer doesn't work through
# Interrupt-remapped IO-APIC").  On a busy host QEMU may not run that long,
# whatever the IOMMU: a QEMU that is frozen for 60 ms of every 68 panics as
# often unmodified.  Linux itself leaves this out on the hypervisors it knows.
# That the ticks do arrive is tested without a deadline (tests/boot).
NO_TIMER_CHECK = "no_timer_check"


class VmError(Exception):
    """A failure whose text is the one line the user sees."""


def our_qemu() -> Path:
    """The QEMU with the SVM engine; AMDVI_QEMU names another build of it."""
    if os.environ.get("AMDVI_QEMU"):
        return Path(os.environ["AMDVI_QEMU"])
    return image.build_dir() / "qemu" / "qemu-system-x86_64"


def stock_qemu() -> Path:
    """The same QEMU release without any change of ours."""
    return image.build_dir() / "qemu-stock" / "qemu-system-x86_64"


def default_run_dir() -> Path:
    """Where "make vm" keeps its sockets; AMDVI_RUN names another place."""
    return Path(os.environ.get("AMDVI_RUN") or image.build_dir() / "run")


@dataclasses.dataclass
class Options:
    """What to boot; every member has the default of "make vm"."""

    run_dir: Path = dataclasses.field(default_factory=default_run_dir)
    qemu: Path = dataclasses.field(default_factory=our_qemu)
    iommu: str = SVM_IOMMU
    kernel: Optional[str] = None
    append: str = ""
    test: str = ""
    allow: str = ""
    memory: str = "1G"
    cpu: str = "EPYC"
    cpus: int = 1
    swap: bool = False
    reboot: bool = False
    own_disks: bool = False
    nvme: bool = True
    timeout: float = 180.0
    # Files that the guest finds in /own
    add: List[Path] = dataclasses.field(default_factory=list)
    extra: List[str] = dataclasses.field(default_factory=list)


def escaped(path: Path) -> str:
    """A path as part of a QEMU option: a comma is doubled."""
    return str(path).replace(",", ",,")


def disk_file(options: Options, path: Path) -> str:
    """Where a disk's content is: shared and thrown away, or the VM's own."""
    if options.own_disks:
        return f"file={escaped(options.run_dir / path.name)}"
    return f"snapshot=on,file={escaped(path)}"


def copy_disks(options: Options, guest: image.Image) -> None:
    """The VM's own disks; the one for swap is empty."""
    for disk in guest.disks:
        shutil.copyfile(disk.path, options.run_dir / disk.path.name)
    with open(options.run_dir / guest.swap.name, "wb") as handle:
        handle.truncate(guest.swap.stat().st_size)


def initramfs(options: Options, guest: image.Image) -> Path:
    """What the guest boots from: the image's, or one of its own."""
    return options.run_dir / OWN_INITRAMFS if options.add else guest.initramfs


def add_files(options: Options, guest: image.Image) -> None:
    """The image's initramfs with more files.  Linux unpacks one by one."""
    archive = image.Cpio()
    archive.entry("own", 0o040755)
    for path in options.add:
        archive.entry(f"own/{path.name}", 0o100755, path.read_bytes())
    (options.run_dir / OWN_INITRAMFS).write_bytes(
        guest.initramfs.read_bytes() + archive.finish())


def command_line(options: Options, guest: image.Image) -> List[str]:
    """QEMU's command line; the IOMMU comes first, as its devices need."""
    run = options.run_dir
    line = [str(options.qemu), "-M", "q35", "-cpu", options.cpu, "-accel",
            "tcg", "-m", options.memory, "-smp", str(options.cpus),
            "-nodefaults", "-display", "none"]
    line += [] if options.reboot else ["-no-reboot"]
    line += ["-L", str(guest.firmware), "-L", QEMU_DATA]
    line += ["-device", f"{options.iommu},id=iommu0"]
    for disk, drive in zip(guest.disks, ("ahci", "nvme")):
        line += ["-drive", f"if=none,id={drive},format=raw,"
                 + disk_file(options, disk.path)]
    if options.nvme:
        line += ["-device", "nvme,id=nvme0,drive=nvme,serial=amdvi-nvme,"
                 "addr=4"]
    line += ["-device", "ide-hd,id=disk0,bus=ide.0,drive=ahci",
             "-device", "pcie-root-port,id=port1,chassis=1,slot=1,addr=5",
             "-device", "virtio-rng-pci,id=rng0,bus=port1,iommu_platform=on,"
             "disable-legacy=on"]
    if options.swap:
        line += ["-drive", "if=none,id=swap,format=raw,"
                 + disk_file(options, guest.swap),
                 "-device", "virtio-blk-pci,id=swap0,drive=swap,"
                 "iommu_platform=on,disable-legacy=on"]
    for name in QMP_SOCKETS:
        line += ["-qmp", f"unix:{escaped(run / name)},server=on,wait=off"]
    line += ["-chardev", f"socket,id=console,server=on,wait=off,"
             f"path={escaped(run / 'serial.sock')},"
             f"logfile={escaped(run / 'serial.log')}",
             "-serial", "chardev:console",
             "-chardev", f"socket,id=helper,server=on,wait=off,"
             f"path={escaped(run / 'guest.sock')}",
             "-serial", "chardev:helper",
             "-pidfile", str(run / "qemu.pid"),
             "-kernel", str(guest.kernel),
             "-initrd", str(initramfs(options, guest)),
             "-append", kernel_arguments(options)]
    return line + options.extra


def kernel_arguments(options: Options) -> str:
    """The guest kernel's command line."""
    words = ["console=ttyS0", "panic=-1", NO_TIMER_CHECK, options.append]
    if not options.nvme:
        words.append("amdvi.without=nvme0n1")
    if options.test:
        words.append(f"amdvi.test={options.test}")
    if options.allow:
        words.append(f"amdvi.allow={options.allow}")
    return " ".join(word for word in words if word)


class Vm:
    """One VM in one run directory, started here or by another process."""

    def __init__(self, options: Optional[Options] = None) -> None:
        self.options = options or Options()
        self.run_dir = self.options.run_dir.absolute()
        self.options.run_dir = self.run_dir
        self.log = self.run_dir / "serial.log"
        self.process: Optional["subprocess.Popen[bytes]"] = None
        self.guest: Optional[image.Image] = None
        self.monitor: Optional[Qmp] = None
        self.helper: Optional[socket.socket] = None
        self.commands = 0

    def __enter__(self) -> "Vm":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]],
                 value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.stop()

    # --- Life -------------------------------------------------------------

    def start(self, wait: bool = True) -> None:
        """Start QEMU; wait until the guest's drivers are loaded."""
        if self.pid() is not None:
            raise VmError(f"a VM is already running in {self.run_dir} "
                          f"(pid {self.pid()})")
        if not os.access(self.options.qemu, os.X_OK):
            raise VmError(f"no QEMU at {self.options.qemu}")
        self.guest = image.ensure(self.options.kernel)
        self.run_dir.mkdir(parents=True, exist_ok=True)
        longest = max(len(str(self.run_dir / n)) for n in QMP_SOCKETS)
        if longest > SOCKET_PATH_MAX:
            raise VmError(f"{self.run_dir} is too long for a UNIX socket")
        self.clean()
        if self.options.own_disks:
            copy_disks(self.options, self.guest)
        if self.options.add:
            add_files(self.options, self.guest)
        try:
            self.launch(command_line(self.options, self.guest))
            if wait:
                self.wait_for(READY)
        except BaseException:
            self.stop()
            raise

    def launch(self, line: List[str]) -> None:
        """Run QEMU in its own session: it outlives this program."""
        env = dict(os.environ, TMPDIR=str(self.run_dir))
        with open(self.run_dir / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=env, start_new_session=True)
        limit = time.monotonic() + self.options.timeout
        while not self.answers():
            if not self.running() or time.monotonic() > limit:
                raise VmError(f"QEMU did not start: {self.last_words()}")
            time.sleep(POLL_S)

    def move(self) -> None:
        """Migrate into a file, end QEMU, and go on in a new one from there.

        Only a VM with disks of its own finds them as it left them.
        """
        assert self.guest is not None
        state = self.run_dir / "state"
        self.qmp("migrate", uri=f"file:{state}")
        self.until("query-migrate", "completed")
        self.stop()
        self.launch([*command_line(self.options, self.guest),
                     "-incoming", f"file:{state}"])
        self.until("query-status", "running")
        state.unlink()

    def move_live(self) -> None:
        """Migrate into a new QEMU while the guest runs, and go on there.

        Only a VM with disks of its own: both QEMUs have the same files open.
        The run directory of the new one is a folder in that of the old one.
        """
        assert self.guest is not None
        run_dir = self.run_dir / "next"
        run_dir.mkdir()
        for disk in (*(d.path for d in self.guest.disks), self.guest.swap):
            (run_dir / disk.name).symlink_to(self.run_dir / disk.name)
        target = Vm(dataclasses.replace(self.options, run_dir=run_dir))
        link = f"unix:{run_dir / 'migration.sock'}"
        try:
            target.launch([*command_line(target.options, self.guest),
                           "-incoming", link])
            # Memory that is in use may change faster than a link's default
            self.qmp("migrate-set-parameters", max__bandwidth=1 << 32,
                     downtime__limit=2000)
            self.qmp("migrate", uri=link)
            self.until("query-migrate", "completed")
            target.until("query-status", "running")
        except BaseException:
            target.stop()
            raise
        self.stop()
        self.become(target)

    def become(self, other: "Vm") -> None:
        """Go on with the VM that another object has started."""
        self.options, self.run_dir = other.options, other.run_dir
        self.log, self.process = other.log, other.process
        self.monitor, other.monitor = other.monitor, None

    def until(self, query: str, wanted: str) -> None:
        """Repeat a query until its status is the wanted one."""
        limit = time.monotonic() + self.options.timeout
        while True:
            reply = self.qmp(query)
            if reply.get("status") == wanted:
                return
            if reply.get("status") == "failed" or time.monotonic() > limit:
                raise VmError(f"{query}: {reply}")
            if not self.running():
                raise VmError(f"QEMU ended: {self.last_words()}")
            time.sleep(POLL_S)

    def answers(self) -> bool:
        """Whether QEMU's main loop runs: all devices exist by then."""
        try:
            Qmp(self.run_dir / QMP_SOCKETS[-1], timeout=1.0).close()
        except QmpError:
            return False
        return True

    def pid(self) -> Optional[int]:
        """The pid of the VM in this run directory, if it runs.

        A stale pid file is recognised: the process must be one whose command
        line names this very file.
        """
        name = self.run_dir / "qemu.pid"
        try:
            pid = int(name.read_text("ascii"))
            line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(name) in line else None

    def running(self) -> bool:
        """Whether QEMU runs."""
        if self.process is not None:
            return self.process.poll() is None
        return self.pid() is not None

    def stop(self) -> bool:
        """End the VM: ask QEMU to quit, then kill it.  True if it ran."""
        pid = self.process.pid if self.process else self.pid()
        ran = self.running()
        if pid is not None and ran:
            patience = QUIT_S if self.ask_to_quit() else 0.0
            for number in (signal.SIGTERM, signal.SIGKILL):
                if self.gone(patience):
                    break
                os.kill(pid, number)
                patience = 5.0
            self.gone(5.0)
        self.disconnect()
        self.clean(keep_logs=True)
        if ran:
            self.check_status()
        return ran

    def check_status(self) -> None:
        """A crash at the end, or what a sanitizer found then, is an error."""
        status = self.process.poll() if self.process else None
        if status not in (None, 0, -signal.SIGTERM, -signal.SIGKILL):
            raise VmError(f"QEMU ended with status {status}: "
                          f"{self.last_words()}")

    def ask_to_quit(self) -> bool:
        """QMP quit, through the first socket that answers, if one does."""
        self.disconnect()
        for name in reversed(QMP_SOCKETS):
            try:
                Qmp(self.run_dir / name, timeout=2.0).command("quit")
                return True
            except (QmpError, OSError):
                continue
        return False

    def gone(self, seconds: float) -> bool:
        """Wait for QEMU to end."""
        limit = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > limit:
                return False
            time.sleep(POLL_S)
        return True

    def disconnect(self) -> None:
        """Close this object's own connections."""
        if self.monitor:
            self.monitor.close()
        if self.helper:
            self.helper.close()
        self.monitor, self.helper = None, None

    def clean(self, keep_logs: bool = False) -> None:
        """Remove what an earlier VM left; logs are kept when it stopped."""
        names = [*QMP_SOCKETS, "serial.sock", "guest.sock", "qemu.pid",
                 OWN_INITRAMFS]
        if not keep_logs:
            names += ["serial.log", "qemu.log"]
        for name in names:
            (self.run_dir / name).unlink(missing_ok=True)

    # --- Console ----------------------------------------------------------

    def serial_text(self) -> str:
        """Everything the guest printed on its console so far."""
        try:
            data = self.log.read_bytes()
        except OSError:
            return ""
        return data.decode("utf-8", "replace").replace("\r", "")

    def wait_for(self, pattern: str,
                 timeout: Optional[float] = None) -> "re.Match[str]":
        """Wait until a line of the console matches a regular expression."""
        wanted = re.compile(pattern, re.M)
        seconds = timeout or self.options.timeout
        limit = time.monotonic() + seconds
        while True:
            running = self.running()
            text = self.serial_text()
            match = wanted.search(text)
            if match:
                return match
            panic = PANIC.search(text)
            if panic:
                raise VmError(f"the guest died: {panic.group(0)}; see "
                              f"{self.log}")
            if not running:
                raise VmError(f"QEMU ended: {self.last_words()}; see "
                              f"{self.log}")
            if time.monotonic() > limit:
                raise VmError(f"nothing like {pattern!r} from the guest in "
                              f"{seconds:.0f} s; see {self.log}")
            time.sleep(POLL_S)

    def last_words(self) -> str:
        """The last line QEMU itself printed."""
        try:
            text = (self.run_dir / "qemu.log").read_text("utf-8", "replace")
        except OSError:
            text = ""
        lines = [line for line in text.splitlines() if line.strip()]
        if lines:
            return lines[-1]
        status = self.process.poll() if self.process else None
        return f"exit status {status}, no message"

    # --- Commands ---------------------------------------------------------

    def qmp(self, name: str, **arguments: Any) -> Any:
        """A QMP command on the socket reserved for tests."""
        if self.monitor is None:
            self.monitor = Qmp(self.run_dir / "qmp-test.sock")
        return self.monitor.command(name, **arguments)

    def hmp(self, line: str) -> str:
        """A human monitor command's output."""
        text = self.qmp("human-monitor-command", command__line=line)
        return str(text).replace("\r", "")

    def run(self, command: str, timeout: float = 60.0) -> Tuple[int, str]:
        """Run a shell command in the guest: its exit status and output."""
        if self.helper is None:
            self.helper = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.helper.connect(str(self.run_dir / "guest.sock"))
        self.commands += 1
        tag = f"{os.getpid()}-{time.monotonic_ns()}-{self.commands}"
        script = (f"printf '\\n@B %s\\n' {tag}\n( {command}\n) < /dev/null\n"
                  f"printf '\\n@E %s %d\\n' {tag} $?\n")
        self.helper.sendall(script.encode())
        pattern = re.compile(rf"\n@B {tag}\n(.*)\n@E {tag} (\d+)\n", re.S)
        match = self.helper_output(pattern, command, timeout)
        return int(match.group(2)), match.group(1)

    def helper_output(self, pattern: "re.Pattern[str]", command: str,
                      timeout: float) -> "re.Match[str]":
        """Read the helper's port until a command's output is complete."""
        assert self.helper is not None
        data, limit = b"", time.monotonic() + timeout
        while True:
            match = pattern.search(data.decode("utf-8", "replace")
                                   .replace("\r", ""))
            if match:
                return match
            self.helper.settimeout(max(limit - time.monotonic(), 0.01))
            try:
                part = self.helper.recv(1 << 16)
            except socket.timeout as error:
                raise VmError(f"no end of {command!r} in the guest within "
                              f"{timeout:.0f} s") from error
            if not part:
                raise VmError(f"QEMU ended during {command!r}: "
                              f"{self.last_words()}")
            data += part

    def results(self) -> Dict[str, Tuple[bool, str]]:
        """The TEST lines printed so far: name to (ok, detail)."""
        found = re.findall(r"^TEST (\S+) (ok|fail) ?(.*)$",
                           self.serial_text(), re.M)
        return {name: (verdict == "ok", detail)
                for name, verdict, detail in found}
