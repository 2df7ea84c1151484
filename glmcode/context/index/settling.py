"""Turns what scans found into postings, off the path to a pack: in a process of low priority that ends by itself."""

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from glmcode.context.index.forward import Forward
from glmcode.context.index.store import IndexDamaged, Store, open_store

NICENESS = 10
LIMIT_S = 300
"""A process that takes longer is stopped; what it has not done is left for the next one."""


def settle(store: Store) -> None:
    """Do it here. Safe beside other processes, and where it is stopped at any time."""
    for number in store.unsettled():
        if (data := store.read_unsettled(number)) is not None:
            buckets = list(Forward.read(data).buckets())
            with store.writing():
                if store.forget_unsettled(number):
                    store.add_buckets(buckets)
                    store.merge_many()


def settle_later(file: Path) -> None:
    """Do it for the index in `file` in a process that outlives this one, unless one is at work on it already."""
    with suppress(OSError):
        lock = os.open(lock_file(file), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Who holds the file open holds the lock: this process until it has started the other.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", __spec__.name, os.fspath(file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[lock],
            )
        finally:
            os.close(lock)
        threading.Thread(target=process.wait, daemon=True).start()


def lock_file(file: Path) -> Path:
    """Locked for as long as a process is at work on the index in `file`."""
    return Path(f"{file}.settling")


def main() -> None:
    """The process: the index is its argument."""
    file = Path(sys.argv[1])
    signal.alarm(LIMIT_S)
    with suppress(OSError, sqlite3.Error, IndexDamaged, ValueError):
        os.nice(NICENESS)
        if file.exists():
            with open_store(file) as store:
                settle(store)


if __name__ == "__main__":
    main()
