"""Finds the repository around a folder; imports nothing heavy, for commands that do no more than read it."""

import os
from pathlib import Path


class WorkspaceError(Exception):
    """A workspace cannot be made, read or written. The text says what happened and what to do next."""


def find_repository(start: Path) -> Path:
    """The top folder of the repository around `start`, symbolic links resolved.

    Raises WorkspaceError where there is none, or a bare one.
    """
    folder = start.resolve()
    if not folder.is_dir():
        raise WorkspaceError(f"{start} is not a folder: pass --repo DIR with a git repository")
    for candidate in (folder, *folder.parents):
        entry = candidate / ".git"
        if entry.is_symlink():
            raise WorkspaceError(
                f"{entry} is a symbolic link: open the repository it points to, or replace it by `git worktree add`"
            )
        if entry.is_file() or looks_like_git_dir(entry):
            return candidate
        if candidate.name != ".git" and looks_like_git_dir(candidate):
            raise WorkspaceError(f"{candidate} is a bare repository: clone it and pass --repo DIR with the clone")
    raise WorkspaceError(f"no git repository around {folder}: run `git init` there or pass --repo DIR")


def looks_like_git_dir(folder: Path) -> bool:
    """Whether git would take `folder` for a git folder, a linked worktree's included."""
    try:
        has_head = os.path.lexists(folder / "HEAD")
        own = (folder / "objects").is_dir() and (folder / "refs").is_dir()
        return has_head and (own or (folder / "commondir").is_file())
    except OSError:
        return False
