"""The steps of a session as people choose among them: what each began with, called, and left the files like."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glmcode.session.branches import read_branches
from glmcode.session.ignored import ignored_timeline
from glmcode.session.store import SessionError, records
from glmcode.session.timeline import Timeline, read_timeline
from glmcode_sandbox.git.trees import FileChange, TreeStore

_NUMBER = "number of the step"


@dataclass(slots=True)
class Step:
    """One step. Texts are untrusted."""

    number: int
    """From 1, over the whole session; the name of the point after it."""
    prompt: str = ""
    """What the user typed, where the step is the first of a turn."""
    calls: list[str] = field(default_factory=list)
    """The titles of its calls."""
    before: str | None = None
    """The tree of the files before it; None where it is not known."""
    after: str | None = None
    ignored: tuple[str | None, str | None] = (None, None)
    """The trees of small ignored files before and after it."""
    is_current: bool = True
    """Whether the conversation still holds it: the user did not go back behind it."""


def read_steps(path: Path) -> tuple[Timeline, list[Step]]:
    """All steps of a session file, in order, and its timeline. Raises SessionError."""
    lines = list(_numbered(records(path)))
    timeline, ignored = read_timeline(lines), ignored_timeline(lines)
    try:
        current = {line[_NUMBER] for line in read_branches(lines).lines() if line.get("kind") == "step_started"}
    except LookupError as error:
        raise SessionError(f"{path} goes back to a point that it does not hold: {error}") from None
    steps: list[Step] = []
    prompt = ""
    for line in lines:
        match line.get("kind"):
            case "prompted":
                prompt = str(line.get("text"))
            case "step_started":
                number = line[_NUMBER]
                trees = timeline.tree_before(number), timeline.tree_after(number)
                beside = ignored.tree_before(number), ignored.tree_after(number)
                steps.append(Step(number, prompt, [], *trees, beside, number in current))
                prompt = ""
            case "tool_started" if steps:
                steps[-1].calls.append(str(line.get("title")))
    return timeline, steps


async def changes_in(step: Step, trees: TreeStore) -> tuple[FileChange, ...]:
    """What a step did to files, small ignored ones too; nothing where that is not known. Raises WorkspaceError."""
    found: list[FileChange] = []
    for before, after in ((step.before, step.after), step.ignored):
        if before is not None and after is not None and before != after:
            found += await trees.changes(before, after)
    return tuple(found)


def _numbered(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    number = 0
    for line in lines:
        if line.get("kind") == "step_started":
            number += 1
            line[_NUMBER] = number
        yield line
