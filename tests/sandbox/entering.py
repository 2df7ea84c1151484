"""Workspaces of every kind with their files in one folder of the host, so that tests can work in them like commands."""

import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from glmcode_sandbox.workspace import Store, Workspace, WorkspaceMode, open_workspace
from glmcode_sandbox.workspaces.overlay import volume_options

Shape = Literal["direct", "copy", "overlay"]
"""What a workspace is; the last two are isolated."""

OVERLAY = pytest.param("overlay", marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount"))


async def open_shape(repo: Path, shape: Shape, state_dir: Path) -> Workspace:
    """An open workspace whose start is known."""
    mode: WorkspaceMode = "direct" if shape == "direct" else "isolated"
    store: Store = "overlay" if shape == "overlay" else "copy"
    workspace = await open_workspace(repo, mode, state_dir=state_dir, store=store)
    try:
        await workspace.ready()
    except BaseException:
        await workspace.close()
        raise
    return workspace


@asynccontextmanager
async def entered(repo: Path, shape: Shape, state_dir: Path) -> AsyncIterator[Workspace]:
    """An open workspace whose start is known; `host_path` holds all its files, also where it is a layer."""
    async with await open_shape(repo, shape, state_dir) as workspace, _seen(workspace):
        yield workspace


@asynccontextmanager
async def derived_from(workspace: Workspace, tree: str) -> AsyncIterator[Workspace]:
    """The workspace that `derive` gives, like `entered`."""
    async with await workspace.derive(tree) as derived, _seen(derived):
        yield derived


@asynccontextmanager
async def _seen(workspace: Workspace) -> AsyncIterator[None]:
    """Mounts a layer as the container does."""
    async with AsyncExitStack() as stack:
        for mount in workspace.mounts:
            if mount.overlay is not None:
                workspace.host_path = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                options = volume_options(mount.source, mount.overlay)["o"]
                _mount(stack, workspace.host_path, "-t", "overlay", "-o", options, "overlay")
            elif workspace.mounts[0].overlay is not None:
                place = workspace.host_path / Path(mount.target).relative_to(workspace.path)
                _mount(stack, place, "--bind", str(mount.source))
        yield


def _mount(stack: AsyncExitStack, place: Path, *words: str) -> None:
    subprocess.run(["mount", *words, str(place)], check=True)
    stack.callback(subprocess.run, ["umount", str(place)], check=True)
