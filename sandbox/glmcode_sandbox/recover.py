"""What a run that was killed had changed in its isolated workspace, read from what it left on disk."""

import json
from collections.abc import Iterable
from pathlib import Path

from glmcode_sandbox.gitrun import WorkspaceError
from glmcode_sandbox.gitview import GitView
from glmcode_sandbox.threads import remove_folder
from glmcode_sandbox.trees import TreeStore

_START_FILE = "start.json"


def write_start(folder: Path, start_tree: str, left_out: Iterable[str]) -> None:
    """Note in a workspace's folder what it started from, once everything is in place."""
    (folder / _START_FILE).write_text(json.dumps({"tree": start_tree, "left_out": sorted(left_out)}))


async def recover_patch(state_dir: Path) -> bytes:
    """The changes of the isolated workspace that was last open below `state_dir`, as a patch on what it started from.

    Empty where nothing was left behind. Removes nothing; see `discard`. Raises WorkspaceError.
    """
    left = [start for start in state_dir.glob(f"workspace-*/{_START_FILE}") if (start.parent / "tree").is_dir()]
    if not left:
        return b""
    folder = max(left, key=lambda start: start.stat().st_mtime).parent
    view = GitView(folder / "git", folder / "tree", folder / "index", loose_stat=True)
    try:
        start = json.loads((folder / _START_FILE).read_text())
        view.left_out = frozenset(start["left_out"])
        return await TreeStore(folder / "git").patch(start["tree"], await view.tree())
    except (OSError, ValueError, KeyError) as error:
        raise WorkspaceError(f"what is left in {folder} cannot be read: {error}") from None


async def discard(state_dir: Path) -> None:
    """Remove what earlier runs left below `state_dir`."""
    for folder in state_dir.glob("workspace-*"):
        await remove_folder(folder)
