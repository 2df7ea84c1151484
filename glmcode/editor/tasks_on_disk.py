"""Reads and writes a tasks.json: as bytes, in one move, and through no link of a repository."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from glmcode.config import ConfigError
from glmcode.editor.jsonc import JsoncError
from glmcode.editor.tasks_file import MADE_FILE, MADE_FOLDER, Edited, put_in, take_out

_MAX_BYTES = 8 * 1024 * 1024


def of_repository(repo: Path) -> Path:
    """The file of a repository. Raises ConfigError for one behind a link, which would lead anywhere."""
    folder = repo / ".vscode"
    for path in (folder, folder / "tasks.json"):
        if path.is_symlink():
            raise ConfigError(f"{path} is a symbolic link: edit what it points to, or replace it by the thing itself")
    return folder / "tasks.json"


def read(path: Path) -> str | None:
    """The text, every byte of it kept; None where there is no file. Raises ConfigError."""
    try:
        # Opening a pipe would wait for somebody who writes into it.
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise ConfigError(f"{path} is no file")
            data = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"{path} is larger than {_MAX_BYTES} bytes")
    return data.decode("utf-8", "surrogateescape")


def edited(path: Path, text: str | None, *, remove: bool) -> Edited:
    """The text with our tasks, or without them. Raises ConfigError, which names the file and the place in it."""
    try:
        if remove:
            return take_out(text or "")
        return put_in(text, MADE_FILE if path.parent.is_dir() else MADE_FOLDER)
    except JsoncError as error:
        raise ConfigError(f"{path}: {error}; nothing was changed") from None


def write(path: Path, change: Edited) -> None:
    """Write what an edit came to; a file and a folder that we made and that are empty now go. Raises ConfigError."""
    try:
        if change.made in (MADE_FILE, MADE_FOLDER) and not change.text:
            path.unlink()
            if change.made == MADE_FOLDER:
                with contextlib.suppress(OSError):  # something else is in it by now
                    path.parent.rmdir()
            return
        path.parent.mkdir(exist_ok=True)
        _replace(path.resolve(), change.text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None


def _replace(path: Path, data: bytes) -> None:
    """In one move, with the mode and the owner of what is replaced."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".tasks-")
    made = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        before = path.stat() if path.exists() else None
        made.chmod(stat.S_IMODE(before.st_mode) if before else 0o666 & ~_umask())
        if before and hasattr(os, "chown"):
            with contextlib.suppress(PermissionError):
                os.chown(made, before.st_uid, before.st_gid)
        made.replace(path)
    except OSError:
        made.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
