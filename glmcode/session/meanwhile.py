"""What others changed in a repository while a session was left, for the model that goes on with it."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from glmcode.session.store import FILE_NAME, Session, SessionError, records
from glmcode.session.timeline import read_timeline
from glmcode_engine.messages import Message
from glmcode_prompts.library import load
from glmcode_sandbox.git.gitrun import WorkspaceError
from glmcode_sandbox.git.trees import Difference, TreeStore
from glmcode_sandbox.workspace import Workspace
from glmcode_tools.filetext import display_name

if TYPE_CHECKING:
    from glmcode.context.deltas import Known

_FILE_TOOLS = frozenset({"read", "edit", "write"})
_COMPARED = 40
"""So many files are compared line by line; of the others the name tells enough."""
_NAMED = 100


async def changed_meanwhile(session: Session, workspace: Workspace) -> str | None:
    """What to tell the model before the first message of a session that goes on; empty where nothing changed.

    Of files that it has seen, how they changed; of the others that they did. None where the session does not know how
    it left the files.
    """
    try:
        left = read_timeline(await asyncio.to_thread(_lines, session)).there
        await workspace.ready()
        if left is None:
            return None
        found = await workspace.trees.differences(left, workspace.start_tree)
    except (WorkspaceError, SessionError):
        return None
    known = dict(await _known(workspace.trees, _seen(found, session.messages, workspace.repo)))
    return await asyncio.to_thread(_told, known, [item.path for item in found], workspace)


def named_paths(messages: Iterable[Message], repo: Path) -> frozenset[str]:
    """The files that calls in these messages read or wrote, relative to the repository where they lie in it."""
    found = set()
    for call in (call for message in messages for call in message.tool_calls if call.name in _FILE_TOOLS):
        try:
            arguments = json.loads(call.arguments)
        except ValueError:
            continue
        path = arguments.get("path") if isinstance(arguments, dict) else None
        if isinstance(path, str):
            found.add(path.removeprefix(f"{repo}/").removeprefix("./"))
    return frozenset(found)


def _lines(session: Session) -> list[dict[str, object]]:
    return list(records(session.folder / FILE_NAME))


def _seen(found: Sequence[Difference], messages: Sequence[Message], repo: Path) -> list[Difference]:
    """Of what changed, what the model has seen: in its pack, or by calls of tools."""
    from glmcode.context.deltas import known_files
    from glmcode.context.files import can_be_shown

    first = next((message.content for message in messages if message.role == "user"), "")
    seen = {*known_files(first), *named_paths(messages, repo)}
    return [item for item in found if item.path in seen and can_be_shown(item.path)][:_COMPARED]


async def _known(trees: TreeStore, seen: Sequence[Difference]) -> "list[tuple[str, Known | None]]":
    """How the model knows these files; without those whose old text is not there any more."""
    from glmcode.context.deltas import known_text

    found: list[tuple[str, Known | None]] = []
    for item in seen:
        if item.old is None:
            found.append((item.path, None))
            continue
        try:
            before = known_text(await trees.blob(item.old[1]))
        except WorkspaceError:
            continue
        if before is not None:
            found.append((item.path, before))
    return found


def _told(known: "dict[str, Known | None]", changed: Sequence[str], workspace: Workspace) -> str:
    from glmcode.context.deltas import deltas

    shown = deltas(known, workspace.repo)
    others = [display_name(path) for path in changed if path not in shown.paths]
    more = [f"and {len(others) - _NAMED} more"] if len(others) > _NAMED else []
    names = load("changed_others", names=", ".join([*others[:_NAMED], *more])) if others else ""
    return "\n\n".join(part for part in (shown.text, names) if part)
