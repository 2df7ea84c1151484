"""What of a session's trees outlives its runs."""

from pathlib import Path

from glmcode.session.ignored import ignored_timeline
from glmcode.session.store import FILE_NAME, SessionError, records
from glmcode.session.timeline import TREES_NAME, read_timeline


async def keep_trees(folder: Path) -> None:
    """At the end of a run: keep of a session's trees what tells them apart, and no more; `folder` is the session's."""
    from glmcode_sandbox.git.gitrun import WorkspaceError
    from glmcode_sandbox.git.history import keep_history

    try:
        lines = list(records(folder / FILE_NAME))
        await keep_history(folder / TREES_NAME, read_timeline(lines).trees, ignored_timeline(lines).trees)
    except (WorkspaceError, SessionError, OSError):
        return  # everything is still there, only larger than it need be
