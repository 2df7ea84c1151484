"""Files of the prompt that nobody else may read, one folder a repository in the user's state folder."""

import hashlib
import os
import tempfile
from pathlib import Path

from glmcode.paths import state_dir


def prompt_folder(repo: Path) -> Path:
    """Where the history and the drafts of a repository are. It need not exist yet."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(repo))).hexdigest()[:32]
    return state_dir() / "prompts" / name


def read_private(path: Path, limit: int) -> bytes:
    """The last `limit` bytes of a file; none where there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        size = os.fstat(descriptor).st_size
        file.seek(max(0, size - limit))
        return file.read(limit)


def write_private(path: Path, data: bytes) -> None:
    """Replace a file whole, readable by its owner alone. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise
