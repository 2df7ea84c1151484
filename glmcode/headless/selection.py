"""What in an editor a task is about: `--file` and `--selection`, added to the task."""

import os
import re
from pathlib import Path

from glmcode.config import ConfigError, Settings
from glmcode_prompts.library import fenced, load
from glmcode_sandbox.workspace import find_repository
from glmcode_tools.filetext import display_name

_WITH_LINE = re.compile(r"(?P<path>.+?):(?P<line>[0-9]{1,9})")
_SEARCHED_BYTES = 2 * 1024 * 1024
_COMPARED = 2000
_ALIKE = 0.5
"""Above this, text is taken for what is at the cursor, with values in place of variables."""


def with_selection(task: str, settings: Settings) -> str:
    """The task with the file and the selection that it is about, where the settings name them. Raises ConfigError."""
    if settings.file is None:
        if settings.selection is not None:
            raise ConfigError("--selection needs --file PATH[:LINE], the file that the text was selected in")
        return task
    path, line = _place(settings.file)
    repo = find_repository(settings.repo or Path.cwd())
    if not path.is_relative_to(repo):
        raise ConfigError(
            f"--file {settings.file}: not in the repository {repo}; open a file of it, or pass --repo DIR"
        )
    shown = display_name(path.relative_to(repo).as_posix())
    if settings.selection is None:
        return load("editor/about_file", task=task, place=shown + (f", line {line}" if line else ""))
    first, text = _found(settings.selection, path, line, settings.file)
    more = text.rstrip("\n").count("\n")
    where = f"{shown}, lines {first} to {first + more}" if more else f"{shown}, line {first}"
    return load("editor/about_selection", task=task, place=where, selection=fenced(text))


def _place(given: str) -> tuple[Path, int | None]:
    """The file, which is there, and the line. Raises ConfigError."""
    found = _WITH_LINE.fullmatch(given)
    if found and not Path(given).is_file():
        path, line = Path(found["path"]), int(found["line"])
    else:
        path, line = Path(given), None
    path = Path(os.path.normpath(Path.cwd() / path)).resolve()
    if not path.is_file():
        raise ConfigError(f"--file {given}: there is no such file; save it first, or name one that is there")
    return path, line


def _found(selection: str, path: Path, near: int | None, given: str) -> tuple[int, str]:
    """The first line of a selection and its text as the file has it. Raises ConfigError.

    The text that an editor hands over is never passed on: VS Code puts the values of variables in for what looks
    like one (`${file}`, `${env:TOKEN}`), also inside a selection. Where it is not in the file word for word, the
    lines at the cursor that it resembles are taken whole.
    """
    wanted = selection.replace("\r\n", "\n")
    with path.open("rb") as stream:
        text = stream.read(_SEARCHED_BYTES).decode("utf-8", "replace").replace("\r\n", "\n")
    starts: list[int] = []
    at = text.find(wanted)
    while at >= 0 and len(starts) < 1000:
        starts.append(at)
        at = text.find(wanted, at + 1)
    more = wanted.rstrip("\n").count("\n")
    if starts:
        firsts = [text.count("\n", 0, start) + 1 for start in starts]
        return min(firsts, key=lambda first: _distance(near, first, first + more)), wanted
    if near is not None:
        lines = text.split("\n")
        windows = [(first, "\n".join(lines[first - 1 : first + more])) for first in {max(1, near - more), near}]
        alike, first, resembling = max((_likeness(wanted, window), first, window) for first, window in windows)
        if alike >= _ALIKE:
            return first, resembling
    raise ConfigError(f"--selection: the text is not in {given} as it is on disk; save the file and select again")


def _distance(near: int | None, first: int, last: int) -> int:
    return 0 if near is None else min(abs(first - near), abs(last - near))


def _likeness(one: str, other: str) -> float:
    """From 0 to 1, of the first lines and characters."""
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one[:_COMPARED], other[:_COMPARED], autojunk=False).ratio()
