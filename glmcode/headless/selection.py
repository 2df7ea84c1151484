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
    where = _lines_of(settings.selection, path, line)
    return load("editor/about_selection", task=task, place=f"{shown}{where}", selection=fenced(settings.selection))


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


def _lines_of(selection: str, path: Path, near: int | None) -> str:
    """The lines of a selection, the occurrence nearest to the cursor; only the cursor's where the text is not found."""
    wanted = selection.replace("\r\n", "\n")
    with path.open("rb") as stream:
        text = stream.read(_SEARCHED_BYTES).decode("utf-8", "replace").replace("\r\n", "\n")
    starts: list[int] = []
    at = text.find(wanted)
    while at >= 0 and len(starts) < 1000:
        starts.append(at)
        at = text.find(wanted, at + 1)
    spans = [(text.count("\n", 0, start) + 1, wanted.rstrip("\n").count("\n")) for start in starts]
    if not spans:
        return f", line {near}" if near else ""
    first, more = min(spans, key=lambda span: 0 if near is None else min(abs(span[0] - near), abs(sum(span) - near)))
    return f", lines {first} to {first + more}" if more else f", line {first}"
