"""Direct workspaces: what the person's git would run is taken back at the end, and other protected files are named."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from glmcode_sandbox.git.guarding import Guard
from glmcode_sandbox.workspace import Workspace
from glmcode_tools.filetext import display_name


@asynccontextmanager
async def guarded(workspace: Workspace, say: Callable[[str], None]) -> AsyncIterator[Guard | None]:
    """Around everything that may change a direct workspace; enter it before the sandbox, so that that is closed first.

    Nothing is done around an isolated one, which has no guard.
    """
    if workspace.mode != "direct":
        yield None
        return
    guard = Guard(workspace.repo, workspace.hook_paths)
    await guard.begin()
    try:
        yield guard
    finally:
        taken = await guard.end()
        for path in taken.back:
            say(f"taken back, since git or another user could run it outside the sandbox: {display_name(path)}")
        for path in taken.kept:
            say(f"warning: protected git, hook or task file changed: {display_name(path)}")
