"""What a session changed that never reached the user's files, so that a resumed one goes on with it."""

from pathlib import Path

from glmcode.session.store import FILE_NAME, PATCH_NAME, Session, records
from glmcode_sandbox.recover import discard, recover_patch

WORKSPACE_NAME = "workspace"
"""The folder in a session's folder where its workspace lives."""


async def unapplied_patch(session: Session) -> bytes:
    """From the workspace that a killed run left behind, else from the last result; empty where there is none.

    What was left behind is removed, its patch kept in the session's folder. Raises WorkspaceError.
    """
    state = session.folder / WORKSPACE_NAME
    kept = session.folder / PATCH_NAME
    if patch := await recover_patch(state, Path(session.header.repo)):
        kept.write_bytes(patch)
        await discard(state)
        return patch
    await discard(state)
    last = [record for record in records(session.folder / FILE_NAME) if record.get("kind") == "result"][-1:]
    return kept.read_bytes() if last and not last[0].get("applied") and kept.is_file() else b""
