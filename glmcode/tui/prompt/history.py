"""The prompts of a repository so far: on disk as JSON lines, bounded, newest last, found again by search."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from glmcode.tui.prompt.draft import Draft
from glmcode.tui.prompt.private import read_private, write_private

MAX_ENTRIES = 2000
MAX_BYTES = 2_000_000
"""A longer file is cut to its newer half."""
MAX_ENTRY_BYTES = 200_000
"""A longer prompt is remembered while the interface is open, and not on disk."""


class HistoryFile:
    """The file. Where it cannot be read or written, history lasts as long as the process. Methods block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "history.jsonl"

    def read(self) -> list[Draft]:
        lines = read_private(self._file, MAX_BYTES).splitlines()
        entries = [entry for line in lines if (entry := Draft.from_json(line)) is not None]
        return entries[-MAX_ENTRIES:]

    def append(self, entry: Draft) -> None:
        line = entry.as_json().encode() + b"\n"
        if len(line) > MAX_ENTRY_BYTES:
            return
        with suppress(OSError), self._alone():
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._file, flags, 0o600)
            try:
                os.write(descriptor, line)
                size = os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
            if size > MAX_BYTES:
                _, _, newer = read_private(self._file, MAX_BYTES // 2).partition(b"\n")
                write_private(self._file, newer)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Other interfaces on the same repository append, too; none may lose a line to one that cuts the file."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._folder / "history.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


class History:
    """Walks through past prompts, with the draft that was being written as its newest end."""

    def __init__(self) -> None:
        self._entries: list[Draft] = []
        self._at: int | None = None
        self._unsent = Draft()

    def load(self, entries: list[Draft]) -> None:
        """Put what is on disk before what was sent meanwhile."""
        self._entries = entries + self._entries

    def add(self, entry: Draft) -> bool:
        """Remember what was sent; False where it merely repeats the last one."""
        self.stop()
        if self._entries and self._entries[-1] == entry:
            return False
        self._entries.append(entry)
        del self._entries[:-MAX_ENTRIES]
        return True

    def older(self, current: Draft) -> Draft | None:
        """The prompt before; None at the oldest. `current` is what stands in the box."""
        if self._at is None:
            self._unsent, start = current, len(self._entries)
        else:
            start = self._at
        # Equal to what is shown, it would look as if the key did nothing.
        for at in range(start - 1, -1, -1):
            if self._entries[at] != current:
                self._at = at
                return self._entries[at]
        return None

    def newer(self) -> Draft | None:
        """The prompt after, at the end the unsent draft; None when not walking."""
        if self._at is None:
            return None
        self._at += 1
        if self._at < len(self._entries):
            return self._entries[self._at]
        self._at = None
        return self._unsent

    def stop(self) -> None:
        """What stands in the box is now a draft of its own."""
        self._at = None

    def search(self, query: str, before: int | None = None) -> tuple[int, Draft] | None:
        """The newest prompt that contains `query`, in any case, older than the number `before`."""
        wanted = query.casefold()
        for at in range((len(self._entries) if before is None else before) - 1, -1, -1):
            if wanted in self._entries[at].text.casefold():
                return at, self._entries[at]
        return None
