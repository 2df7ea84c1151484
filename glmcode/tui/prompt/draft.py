"""What stands in the prompt, kept on disk while it is typed, so that a crash takes nothing away."""

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from glmcode.tui.prompt.private import read_private, write_private

MAX_DRAFTS = 8
"""So many interfaces may be open on one repository, each with a draft of its own."""
MAX_DRAFT_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A prompt as it stands in the box: text with placeholders, and the pastes they stand for."""

    text: str = ""
    pastes: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        return json.dumps({"text": self.text, **({"pastes": dict(self.pastes)} if self.pastes else {})})

    @classmethod
    def from_json(cls, line: str | bytes) -> "Draft | None":
        """None for what is no draft: a file of another version, or a line that was cut off."""
        try:
            read = json.loads(line)
        except ValueError:
            return None
        if not isinstance(read, dict) or not isinstance(text := read.get("text"), str):
            return None
        pastes = read.get("pastes")
        kept = pastes.items() if isinstance(pastes, dict) else ()
        return cls(text, {str(name): content for name, content in kept if isinstance(content, str)})


class DraftFile:
    """The draft of one open interface; each takes the first that no other one holds.

    Where the folder cannot be written nothing is kept. All methods block: call them in a thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: int | None = None
        self._file: Path | None = None

    def open(self) -> Draft:
        """Take a file, if possible one with a draft that a crash left; gives that draft, or an empty one."""
        files = [self._folder / f"draft-{number}.json" for number in range(MAX_DRAFTS)]
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for file in sorted(files, key=lambda file: not file.exists()):
                if (lock := self._locked(file.with_suffix(".lock"))) is not None:
                    self._lock, self._file = lock, file
                    return Draft.from_json(read_private(file, MAX_DRAFT_BYTES)) or Draft()
        return Draft()

    def save(self, draft: Draft) -> None:
        """Keep the draft; an empty one removes the file."""
        if self._file is None:
            return
        with suppress(OSError):
            if draft.text.strip():
                write_private(self._file, draft.as_json().encode())
            else:
                self._file.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file; what is in it stays for the next one."""
        if self._lock is not None:
            os.close(self._lock)
        self._lock = self._file = None

    @staticmethod
    def _locked(path: Path) -> int | None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor
