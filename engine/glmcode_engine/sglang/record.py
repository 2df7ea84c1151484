"""What is known on disk of an embedded server: its record, its key, and who may start and who still uses it."""

import contextlib
import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from glmcode_engine.messages import Value
from glmcode_engine.sglang.phases import Phase
from glmcode_engine.sglang.processes import ProcessMark

DEFAULT_NAME = "default"
_GLANCES_S = 0.3
"""For so long others may be seen to look; a supervisor holds its right for good."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)


class Record(Value):
    """One server as its supervisor last described it."""

    v: Literal[1] = 1
    name: str
    state: Literal["starting", "ready", "failed"]
    phase: Phase | None = None
    supervisor: ProcessMark
    warden: ProcessMark | None = None
    server: ProcessMark | None = None
    """The first process of the server, which leads the session of the others; None before it runs."""
    port: int
    model_path: str
    served_name: str
    version: str | None
    log: str
    since: float
    """Seconds since the epoch when this server was started last."""
    while_used: bool
    """Whether it ends with the last run that uses it."""
    restarts: int = 0
    cause: str | None = None
    """Of a failure: one harmless line."""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one server in the state folder. All are private to the user."""

    folder: Path
    name: str = DEFAULT_NAME

    def __post_init__(self) -> None:
        """Raises ValueError for a name that is no plain word."""
        if not _NAME.fullmatch(self.name):
            raise ValueError("--name takes up to 40 letters, digits, - and _")

    def file(self, ending: str) -> Path:
        return self.folder / f"{self.name}.{ending}"

    @property
    def log(self) -> Path:
        return self.file("log")

    @property
    def key_file(self) -> Path:
        """The key as the settings file that SGLang reads (`--config`), since everyone can read its command line."""
        return self.file("key.yaml")

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)

    def read(self) -> Record | None:
        """The record, None where there is none that this version can read."""
        try:
            return Record.model_validate_json(self.file("json").read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, record: Record) -> None:
        self._write_private(self.file("json"), record.model_dump_json(indent=1))

    def remove(self) -> None:
        """Forget the server; its log stays."""
        for path in (self.file("json"), self.key_file):
            path.unlink(missing_ok=True)

    def make_key(self) -> str:
        """A fresh key, written for the server and for whoever asks it."""
        key = secrets.token_hex(24)
        self._write_private(self.key_file, json.dumps({"api-key": key}))
        return key

    def key(self) -> str | None:
        try:
            found = json.loads(self.key_file.read_bytes())
        except (OSError, ValueError):
            return None
        key = found.get("api-key") if isinstance(found, dict) else None
        return key if isinstance(key, str) else None

    def _write_private(self, path: Path, text: str) -> None:
        scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        scratch.replace(path)

    @contextmanager
    def supervised(self) -> Iterator[bool]:
        """Hold the right to supervise; False where another process has it. The kernel takes it from the dead."""
        until = time.monotonic() + _GLANCES_S
        while True:
            with self._locked("lock", fcntl.LOCK_EX | fcntl.LOCK_NB) as held:
                if held or time.monotonic() > until:
                    yield held
                    return
            # Whoever only looks holds it for a moment.
            time.sleep(0.01)

    def is_supervised(self) -> bool:
        """Whether a supervisor lives. Those who look at once do not take each other for one."""
        if not self.file("lock").exists():
            return False
        with self._locked("lock", fcntl.LOCK_SH | fcntl.LOCK_NB) as free:
            return not free

    @contextmanager
    def used(self) -> Iterator[None]:
        """Count as one who uses the server, so that it does not end. Waits where it is ending just now."""
        with self._locked("users", fcntl.LOCK_SH):
            yield

    @contextmanager
    def unused(self) -> Iterator[bool]:
        """Whether nobody uses the server; if so, nobody begins to until the end of the block."""
        with self._locked("users", fcntl.LOCK_EX | fcntl.LOCK_NB) as alone:
            yield alone

    def is_used(self) -> bool:
        """Whether somebody uses the server; the supervisor that is ending it does not count."""
        with self.unused() as alone:
            if alone:
                return False
        with self._locked("users", fcntl.LOCK_SH | fcntl.LOCK_NB) as shared:
            return shared

    @contextmanager
    def _locked(self, ending: str, how: int) -> Iterator[bool]:
        descriptor = os.open(self.file(ending), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        held = False
        try:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, how)
                held = True
            yield held
        finally:
            os.close(descriptor)
