"""The host's processes as `Shell` needs them: who descends from a shell, and signals to exactly those."""

import contextlib
import os
import subprocess
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks a second."""
_LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp, proc(5)."""


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    group: int
    session: int
    started: int
    """In clock ticks since the host's start; 0 where the host does not tell."""


def running() -> dict[int, Process]:
    """Every process of the host that is not a zombie."""
    found = map(_read, _numbers()) if _PROC.joinpath("self", "stat").exists() else _ask_ps()
    return {process.pid: process for process in found if process is not None}


def ticks_now() -> int:
    """The present on the clock of `Process.started`."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS) if hasattr(time, "CLOCK_BOOTTIME") else 0


def descendants(root: int, table: dict[int, Process], *, spared: Collection[int] = ()) -> set[int]:
    """All that descends from `root` by parent or by session, without `root` itself.

    The parent does not count for those in `spared`. Who started a session of its own and was then orphaned is
    found no more, except below a subreaper.
    """
    tree = {root}
    grown = True
    while grown:
        fresh = {
            process.pid
            for process in table.values()
            if process.pid not in tree
            and (
                (process.parent in tree and process.pid not in spared)
                or (process.session in tree and process.session != root)
            )
        }
        tree |= fresh
        grown = bool(fresh)
    return tree - {root}


def send(pids: Iterable[int], number: int) -> set[int]:
    """Signal each in this order; returns those that were there. Never signals this process, its parents or `init`."""
    reached = set()
    for pid in pids:
        if pid <= 1 or pid in (os.getpid(), os.getppid()):
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
            reached.add(pid)
    return reached


def signal_command(driver: int, number: int, known: Collection[int], began_s: float) -> frozenset[int]:
    """`Place.signal` for a shell whose pid on the host is `driver`."""
    table = running()
    # Computed in one go, not handed over as an age: this thread may have waited for its turn.
    since = ticks_now() - round((time.monotonic() - began_s) * TICKS)
    # Below a subreaper the orphans of earlier commands are children of the shell too: they are older than this command
    # or belong to the session of one that is gone.
    spared = {
        process.pid
        for process in table.values()
        if process.parent == driver and (0 < process.started < since - 1 or process.session != process.pid)
    }
    tree = descendants(driver, table, spared=spared) | {pid for pid in known if pid in table}
    # The oldest first: a shell that outlives its child by a moment reports its death.
    return frozenset(send(sorted(tree, key=lambda pid: (table[pid].started, pid)), number))


def listening(pids: Iterable[int]) -> bool:
    """Whether one of these processes listens on a TCP port; False where the host does not tell."""
    seen: dict[str, frozenset[str]] = {}
    for pid in pids:
        folder = _PROC / str(pid)
        with contextlib.suppress(OSError):
            network = str((folder / "ns" / "net").readlink())
            if network not in seen:
                seen[network] = _listeners(folder)
            if not seen[network]:
                continue
            for entry in os.scandir(folder / "fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(entry.path) in seen[network]:  # noqa: PTH115
                        return True
    return False


def _listeners(folder: Path) -> frozenset[str]:
    """The TCP sockets on which somebody listens in a process's network, as the links of descriptors name them."""
    found = set()
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (folder / "net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN:
                    found.add(f"socket:[{fields[9]}]")
    return frozenset(found)


def pid_in_namespace(pid: int) -> int | None:
    """What a process is called in its own pid namespace; None where the kernel does not tell or it is gone."""
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "status").read_text(errors="replace").splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return None


def marked(mark: bytes) -> set[int]:
    """Processes that were started with `mark` in their environment; those we may not look into are left out."""
    found = set()
    for pid in _numbers():
        with contextlib.suppress(OSError):
            if mark in (_PROC / str(pid) / "environ").read_bytes():
                found.add(pid)
    return found


def _numbers() -> list[int]:
    try:
        return [int(name) for name in os.listdir(_PROC) if name.isdigit()]  # noqa: PTH208
    except FileNotFoundError:
        return []


def _read(pid: int) -> Process | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The name in parentheses may hold anything, spaces and parentheses too.
    state, *numbers = stat[stat.rindex(b")") + 2 :].split()
    if state in (b"Z", b"X"):
        return None
    return Process(pid, int(numbers[0]), int(numbers[1]), int(numbers[2]), int(numbers[18]))


def _ask_ps() -> list[Process]:
    """Where there is no /proc (macOS): sessions are unknown there, process groups stand in for them."""
    listed = subprocess.run(["ps", "-axo", "pid=,ppid=,pgid=,stat="], capture_output=True, check=False).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [Process(int(a), int(b), int(c), int(c), 0) for a, b, c, state in rows if not state.startswith(b"Z")]
