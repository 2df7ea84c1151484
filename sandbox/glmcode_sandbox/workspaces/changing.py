"""What of a folder changed since a moment, told by change times, for a state that was taken down a little later."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from glmcode_sandbox.git.gitrun import WorkspaceError
from glmcode_sandbox.git.trees import parents

_RECORD = re.compile(rb"(\d+):(\d+)\n  mtime: [^\n]*\n  dev: [^\n]*\n  uid: [^\n]*\n  size: [^\n]*\n(.*)", re.DOTALL)


class Changing:
    """The folders in which something appeared or went away between a moment and the making of this."""

    def __init__(self, top: Path, files: Iterable[str], moment_ns: int) -> None:
        """`files` are the relative paths of all files that count. Blocks."""
        self._there = {""}
        self._changed: set[str] = set()
        for folder in {"", *(parent for path in files for parent in parents(path))}:
            with suppress(OSError):
                status = (top / folder).lstat()
                self._there.add(folder)
                if status.st_mtime_ns >= moment_ns:
                    self._changed.add(folder)

    def holds(self, path: str) -> bool:
        """Whether something may have appeared or gone away at a path where nothing is known to have been."""
        for folder in (*reversed(list(parents(path))), ""):
            if folder in self._there:
                return folder in self._changed
        return False


def changed_since(listing: bytes, moment_ns: int) -> frozenset[str]:
    """The paths of `git ls-files --debug -z` whose change time is not older. Raises WorkspaceError."""
    path, *rest = listing.split(b"\0  ctime: ")
    found = set()
    for record in rest:
        match = _RECORD.fullmatch(record)
        if match is None:
            raise WorkspaceError("git ls-files --debug answers in a form that is not known here: use another git")
        seconds, nanoseconds = int(match[1]), int(match[2])
        # A git that was built without them writes no parts of a second.
        since = moment_ns if nanoseconds else moment_ns - moment_ns % 1_000_000_000
        if seconds * 1_000_000_000 + nanoseconds >= since:
            found.add(os.fsdecode(path))
        path = match[3]
    return frozenset(found)
