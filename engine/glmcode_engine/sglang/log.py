"""Keeps what a server prints: in a private file of limited size, without the key, and its last lines at hand."""

import os
import re
from collections import deque
from pathlib import Path
from typing import IO

FILE_BYTES = 8_000_000
"""What the file may hold; the one before it is kept beside it."""
TAIL_LINES = 400
_LINE_BYTES = 64_000
_BREAK = re.compile(rb"[\r\n]+")
_OWN_POLLS = re.compile(r'"GET /(?:health|metrics)\b')
"""Our own questions, every second while it starts."""


class ServerLog:
    """The log of one server; SGLang itself writes its key there when it lists its settings."""

    def __init__(self, path: Path, *, secret: str, file_bytes: int = FILE_BYTES) -> None:
        """Raises OSError where the file cannot be made."""
        self.path = path
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._secret = secret.encode()
        self._file_bytes = file_bytes
        self._rest = b""
        self._file = self._fresh()

    def feed(self, data: bytes) -> list[str]:
        """Keep what came and return the lines that are whole now; whatever the server printed, less the key."""
        *whole, self._rest = _BREAK.split((self._rest + data).replace(self._secret, b"[key]"))
        if len(self._rest) > _LINE_BYTES:
            # The key may come in two pieces, so its longest possible beginning waits for the rest.
            cut = len(self._rest) - len(self._secret)
            whole, self._rest = [*whole, self._rest[:cut]], self._rest[cut:]
        return self._keep(whole)

    def finish(self) -> list[str]:
        """Close the file; the last line, where it had no end."""
        rest, self._rest = self._rest, b""
        lines = self._keep([rest])
        self._file.close()
        return lines

    def _keep(self, raw: list[bytes]) -> list[str]:
        lines = [line.decode("utf-8", "replace") for line in raw if line]
        lines = [line for line in lines if not _OWN_POLLS.search(line)]
        for line in lines:
            self._file.write(line.encode() + b"\n")
        self._file.flush()
        self.tail.extend(lines)
        if self._file.tell() > self._file_bytes:
            self._file.close()
            self._file = self._fresh()
        return lines

    def _fresh(self) -> IO[bytes]:
        if self.path.exists():
            self.path.replace(self.path.with_name(self.path.name + ".1"))
        return os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")
