"""What a session changed that never reached the user's files, so that a resumed one goes on with it."""

from pathlib import Path
from typing import Any

from glmcode.session.store import FILE_NAME, PATCH_NAME, Session, records
from glmcode.session.timeline import read_timeline
from glmcode_sandbox.workspaces.recover import discard, recover_patch

WORKSPACE_NAME = "workspace"
"""The folder in a session's folder where its workspace lives."""


async def unapplied_patch(session: Session) -> bytes:
    """From the workspace that a killed run left behind, else from the last result; empty where there is none.

    What was left behind is removed, its patch kept in the session's folder. Raises WorkspaceError.
    """
    state = session.folder / WORKSPACE_NAME
    kept = session.folder / PATCH_NAME
    agreed = read_timeline(records(session.folder / FILE_NAME)).agreed
    if patch := await recover_patch(state, Path(session.header.repo), since=agreed):
        kept.write_bytes(patch)
        await discard(state)
        return patch
    await discard(state)
    told = [waits for record in records(session.folder / FILE_NAME) if (waits := _waits(record)) is not None]
    return kept.read_bytes() if told and told[-1] and kept.is_file() else b""


def _waits(record: dict[str, Any]) -> bool | None:
    """Whether the kept patch waits to be applied, of the records that say so."""
    match record.get("kind"):
        case "result" | "left":
            return not record.get("applied")
        case "restored" if record.get("files"):
            return bool(record.get("waits"))
    return None
