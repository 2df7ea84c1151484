"""Which git branch is checked out, read from HEAD without running git."""

from pathlib import Path

_MAX_BYTES = 4096
_SHOWN_DIGITS = 8


def branch_of(repo: Path) -> str:
    """The branch's name, the beginning of the commit's id where none is checked out, empty where it is not known.

    Blocks. The name is untrusted.
    """
    try:
        head = _read(_git_folder(repo) / "HEAD")
    except (OSError, UnicodeDecodeError):
        return ""
    if head.startswith("ref: "):
        return head.removeprefix("ref: ").removeprefix("refs/heads/")
    return head[:_SHOWN_DIGITS]


def _git_folder(repo: Path) -> Path:
    """`.git`, or where the file of that name in a linked worktree points."""
    entry = repo / ".git"
    if entry.is_dir():
        return entry
    return repo / _read(entry).removeprefix("gitdir: ")


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES).decode("utf-8").strip()
