"""Tells processes apart from later ones with the same number, and ends what a dead supervisor left behind."""

import contextlib
import os
import signal
import time
from pathlib import Path

from glmcode_engine.messages import Value


class ProcessMark(Value):
    """One process for good: a recycled pid never counts as it."""

    pid: int
    started: str
    """Its start time in clock ticks as /proc/PID/stat tells it, and the boot it belongs to; only for comparing."""

    def is_alive(self) -> bool:
        return _started(self.pid) == self.started

    def send(self, number: int) -> bool:
        """Signal it if it is still there; whether it was."""
        if self.pid <= 1 or not self.is_alive():
            return False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, number)
            return True
        return False


def mark(pid: int) -> ProcessMark:
    """The mark of a running process; of one that is gone, a mark that is never alive."""
    return ProcessMark(pid=pid, started=_started(pid) or "gone")


def session_of(leader: ProcessMark) -> list[ProcessMark]:
    """Running members of the session that this process leads or led; none once the kernel may reuse its number.

    While a member lives the number stays taken, so members that are older than the leader cannot exist.
    """
    if leader.pid <= 1:
        return []  # 0 stands for sessions outside this pid namespace
    members = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _stat(int(path.parent.name))
        if fields is not None and fields[3] == str(leader.pid):
            members.append(mark(int(path.parent.name)))
    first = next((each for each in members if each.pid == leader.pid), leader)
    return members if first == leader else []


def end_session(leader: ProcessMark, grace_s: float) -> bool:
    """End a session whose warden is gone; whether nothing of it is left. Blocks for `grace_s` and a little at most."""
    for number, limit_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 3.0)):
        for member in session_of(leader):
            member.send(number)
        until = time.monotonic() + limit_s
        while session_of(leader):
            if time.monotonic() > until:
                break
            time.sleep(0.05)
        else:
            return True
    return False


def _started(pid: int) -> str | None:
    fields = _stat(pid)
    return f"{fields[19]}.{_boot()}" if fields else None


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the state on; None of one that is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold anything, spaces and parentheses too.
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in ("Z", "X") else fields


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
