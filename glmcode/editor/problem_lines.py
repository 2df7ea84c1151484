"""`--output vscode`: problems as lines that a problem matcher reads, between the first and the last line of a run."""

import os
from collections.abc import Iterator
from pathlib import Path

from glmcode.headless.problems import Problem
from glmcode.headless.result import Result
from glmcode_tools.filetext import display_name

STARTED = "glmcode: run started"
_FINISHED = "glmcode: run finished ({status})"

PATTERN = r"^(?!\s|glmcode: )(.+?):(\d+):(\d+): (error|warning|info): (.*)$"
"""Matches the lines of problems and nothing else that a run prints: path, line, column, severity, message."""
BEGINS = r"^glmcode: run started$"
ENDS = r"^glmcode: run finished \(.*\)$"


def finished(status: str) -> str:
    """The last line."""
    return _FINISHED.format(status=status)


def status_of(result: Result) -> str:
    """What a run came to, in one word: a proof or a disproof, else what ended it early, else the verdict or `done`."""
    if result.verdict in ("verified", "failed") or (result.verdict != "none" and result.status == "done"):
        return result.verdict
    return "none" if result.status == "done" and result.exit_code else result.status


def lines_of(problems: tuple[Problem, ...], repo: Path, folder: Path) -> Iterator[str]:
    """A line a problem. Paths count from `folder`, where it lies in the repository, as those of compilers do."""
    inside = folder.resolve()
    base = inside if inside.is_relative_to(repo) else repo
    for problem in problems:
        place = problem.place
        path = display_name(os.path.relpath(repo / place.path, base).replace(os.sep, "/"))
        if path.startswith((" ", "glmcode: ")):
            path = f"./{path}"
        yield f"{path}:{place.line}:{place.column}: {problem.severity}: {problem.message}"
