"""Holds one server and all that descends from it, and ends them when whoever asked for the server is gone.

A program of its own, run by its path in an isolated interpreter with the standard library alone:
`warden.py LIFELINE GRACE ARGV...`. LIFELINE is the number of an inherited socket: the server's pid goes out on it, and
its end of file means that the supervisor is gone, however it went. What the server starts is adopted by this process
when it is orphaned, whatever session or group it made, so nothing can slip away.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
"""prctl(2), Linux."""
_ORPHANS_GRACE_S = 2.0
"""For what outlives the server's first process: nobody is left to end it in order."""


def main(argv: list[str]) -> int:
    """Hold the server until it ends or must end; its exit code, 128 + N for signal N."""
    lifeline, grace_s = socket.socket(fileno=int(argv[1])), float(argv[2])
    lifeline.set_inheritable(False)
    _prctl(_SET_CHILD_SUBREAPER, 1)
    wakeup = _signals()
    try:
        server = subprocess.Popen(argv[3:], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_in_server)
    except OSError as error:
        print(f"cannot start {argv[3]}: {error.strerror}", flush=True)
        return 127
    with contextlib.suppress(OSError):
        lifeline.sendall(f"{server.pid}\n".encode())
    while server.poll() is None and not _must_end(lifeline, wakeup):
        pass
    return _end(server, grace_s)


def _in_server() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    # The warden itself may be killed.
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _signals() -> socket.socket:
    """Where the number of every signal that concerns this process can be read."""
    reading, writing = socket.socketpair()
    reading.setblocking(False)
    writing.setblocking(False)
    signal.set_wakeup_fd(writing.detach())
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: None)
    return reading


def _must_end(lifeline: socket.socket, wakeup: socket.socket) -> bool:
    """Wait for something to happen; whether the supervisor is gone or a signal asks for the end."""
    readable, _, _ = select.select([lifeline, wakeup], [], [])
    asked = wakeup in readable and bool(set(wakeup.recv(4096)) - {signal.SIGCHLD})
    if lifeline not in readable:
        return asked
    try:
        return asked or not lifeline.recv(4096)
    except OSError:
        return True


def _end(server: "subprocess.Popen[bytes]", grace_s: float) -> int:
    """End the server in order, then whatever is left of it by force; returns its exit code."""
    if server.poll() is None:
        server.terminate()
        _wait_for_none(server, grace_s)
    elif _descendants():
        _signal_all(signal.SIGTERM)
        _wait_for_none(server, _ORPHANS_GRACE_S)
    for _ in range(100):
        if not _signal_all(signal.SIGKILL):
            break
        _wait_for_none(server, 0.1)
    code = server.poll()
    return 137 if code is None else code if code >= 0 else 128 - code


def _wait_for_none(server: "subprocess.Popen[bytes]", limit_s: float) -> None:
    """Until all are gone, `limit_s` at most; what outlives the server itself has a shorter limit."""
    until = time.monotonic() + limit_s
    server_gone = server.poll() is not None
    while time.monotonic() < until and _descendants():
        if server.poll() is not None and not server_gone:
            server_gone, until = True, min(until, time.monotonic() + _ORPHANS_GRACE_S)
        _reap(server)
        time.sleep(0.05)


def _reap(server: "subprocess.Popen[bytes]") -> None:
    """Take note of adopted children that ended; the server's own end is for `server.poll`."""
    for pid, (parent, _) in _table().items():
        if parent == os.getpid() and pid != server.pid:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _signal_all(number: int) -> int:
    """How many of the descendants were there to be signalled."""
    reached = 0
    for pid in _descendants():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
            reached += 1
    return reached


def _descendants() -> list[int]:
    """Every process below this one that still runs."""
    table = _table()
    tree = {os.getpid()}
    grown = True
    while grown:
        below = {pid for pid, (parent, _) in table.items() if parent in tree} - tree
        tree |= below
        grown = bool(below)
    return [pid for pid in tree - {os.getpid()} if table[pid][1] not in "ZX"]


def _table() -> dict[int, tuple[int, str]]:
    """Parent and state of every process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            stat = path.read_text(errors="replace")
            # The name in parentheses may hold anything, spaces and parentheses too.
            state, parent = stat[stat.rindex(")") + 2 :].split()[:2]
            found[int(path.parent.name)] = (int(parent), state)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv))
