"""The keeper of the shells where there is no sandbox: a program of its own, run by its path in an isolated interpreter.

`keep_shells.py FOLDER UID GID`; its words are those of `keeper.py`. All that its shells start is adopted by this
process when it is orphaned, whatever session or group it made, so nothing outlives glmcode, however that ends (Linux;
elsewhere what still descends from a shell).
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

# The standard library and this package alone: the interpreter is started without any site folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from glmcode_sandbox.shells.processes import descendants, running, send

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
"""prctl(2), Linux."""
_ROUNDS = 200


def main(argv: list[str]) -> int:
    """Serve until the end of the input, then end all."""
    folder, owner = argv[1], (int(argv[2]), int(argv[3]))
    _prctl(_SET_CHILD_SUBREAPER, 1)
    # Endings take their time, and this must not end before the others; adopted children are reaped by the kernel.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if line == "clear\n":
            _end_all()
            print("cleared", flush=True)
        else:
            _start(f"{folder}/{line.rstrip()}", owner)
    _end_all()
    return 0


def _start(stem: str, owner: tuple[int, int]) -> None:
    def prepare() -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        # Orphans of a command are found below its shell as long as that lives.
        _prctl(_SET_CHILD_SUBREAPER, 1)
        if os.geteuid() == 0 and owner[0] != 0:
            os.setgroups([])
            os.setgid(owner[1])
            os.setuid(owner[0])
        # After the change of user, which undoes it. This process itself may be killed.
        _prctl(_SET_PDEATHSIG, signal.SIGKILL)

    with contextlib.suppress(OSError), Path(f"{stem}.out").open("wb") as out, Path(f"{stem}.in").open("rb") as source:
        subprocess.Popen(
            ["sh"], stdin=source, stdout=out, stderr=out, start_new_session=True, close_fds=True, preexec_fn=prepare
        )


def _end_all() -> None:
    for _ in range(_ROUNDS):
        found = descendants(os.getpid(), running())
        if not send(sorted(found), signal.SIGKILL):
            return
        time.sleep(0.01)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
