"""The small ignored files of a session's repository: a history of their own beside that of all other files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from glmcode.session.store import SessionError
from glmcode.session.timeline import Timeline, read_timeline
from glmcode_sandbox.git.trees import TreeStore


def ignored_timeline(lines: Iterable[dict[str, Any]]) -> Timeline:
    """What the lines of a session file say about ignored files; without a start where they were never followed.

    Raises SessionError.
    """
    return read_timeline(_ignored_lines(lines))


async def whole_tree(timeline: Timeline, ignored: Timeline, name: str, store: TreeStore, scratch: Path) -> str:
    """All files at a point, the ignored ones as far as they are known there. Raises SessionError."""
    tree = timeline.point(name).tree
    assert tree is not None
    return await store.joined(tree, ignored_at(ignored, name), scratch)


def ignored_at(ignored: Timeline, name: str) -> str | None:
    """The tree of ignored files at a point; None where it is not known."""
    try:
        return ignored.point(name).tree
    except SessionError:
        return None


def _ignored_lines(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The lines of a session whose files are these alone."""
    follows = False
    for line in lines:
        tree = line.get("ignored")
        match line.get("kind"):
            case "workspace":
                follows = tree is not None
                if follows:
                    yield {**line, "start": tree}
            case "snapshot":
                if follows:
                    yield {**line, "tree": tree}
            case "restored":
                yield {**line, "before": line.get("ignored_before"), "tree": tree, "files": tree is not None}
            case "step_started" | "tool_started" | "turn_finished":
                yield line
