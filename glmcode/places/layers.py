"""Whether an isolated workspace is a copy-on-write layer or a copy: a layer wherever this machine can make one."""

import asyncio
from pathlib import Path

from glmcode import paths
from glmcode.config import Settings
from glmcode_sandbox.workspace import Store, WorkspaceMode
from glmcode_sandbox.workspaces.overlay_daemon import overlay_problem


async def choose_store(
    settings: Settings, repo: Path, mode: WorkspaceMode, state_dir: Path, image: str | None
) -> Store:
    """What to ask `open_workspace` for. Cheap but for the first time with this Docker daemon, when it is tried."""
    if mode == "direct" or settings.sandbox != "docker":
        return "copy"
    problem = await asyncio.to_thread(overlay_problem, repo, state_dir, image=image, answers=paths.layer_answers())
    return "overlay" if problem is None else "copy"
