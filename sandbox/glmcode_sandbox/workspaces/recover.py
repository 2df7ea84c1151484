"""What a run that was killed had changed in its isolated workspace, read from what it left on disk."""

import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from glmcode_sandbox.git.gitrun import WorkspaceError
from glmcode_sandbox.git.gitview import GitView
from glmcode_sandbox.git.trees import TreeStore
from glmcode_sandbox.workspaces.layered import LayeredView, Start
from glmcode_sandbox.workspaces.overlay import remove_workspace

_START_FILE = "start.json"


def write_start(folder: Path, start: Start) -> None:
    """Note in a workspace's folder what it started from, once everything is in place."""
    values = {"tree": start.tree, "left_out": sorted(start.left_out)}
    values |= {"submodules": sorted(start.submodules), "absent": sorted(start.absent)}
    temporary = folder / f"{_START_FILE}.new"
    temporary.write_text(json.dumps(values))
    temporary.replace(folder / _START_FILE)


def _read_start(folder: Path) -> Start:
    values = json.loads((folder / _START_FILE).read_text())
    left_out, submodules, absent = (frozenset(values[name]) for name in ("left_out", "submodules", "absent"))
    return Start(values["tree"], folder / "index", left_out, submodules, absent)


def left_behind(state_dir: Path) -> list[Path]:
    """The folders of isolated workspaces that a killed run left below `state_dir`."""
    found = [start.parent for start in state_dir.glob(f"workspace-*/{_START_FILE}")]
    return [folder for folder in found if (folder / "tree").is_dir() or (folder / "upper").is_dir()]


async def recover_patch(state_dir: Path, repo: Path, *, since: str | None = None) -> bytes:
    """The changes of the isolated workspace that was last open below `state_dir`, as a patch on what it started from,
    or on the tree `since`.

    Empty where nothing was left behind. Removes nothing; see `discard`. Raises WorkspaceError.
    """
    left = left_behind(state_dir)
    if not left:
        return b""
    folder = max(left, key=lambda folder: (folder / _START_FILE).stat().st_mtime)
    try:
        start = _read_start(folder)
        return await TreeStore(folder / "git").patch(since or start.tree, await _tree(folder, start, repo))
    except (OSError, ValueError, KeyError) as error:
        raise WorkspaceError(f"what is left in {folder} cannot be read: {error}") from None


async def _tree(folder: Path, start: Start, repo: Path) -> str:
    # What was killed may have been a git at work on an index, whose lock stays: its indexes are not touched.
    with tempfile.TemporaryDirectory(prefix="recovery-", dir=folder) as scratch:
        if (folder / "upper").is_dir():
            return await LayeredView(folder / "git", repo, folder / "upper", Path(scratch)).tree(start)
        index = Path(scratch, "index")
        with suppress(FileNotFoundError):
            shutil.copy2(start.index, index)
        view = GitView(folder / "git", folder / "tree", index, loose_stat=True)
        view.left_out = start.left_out
        return await view.tree()


async def discard(state_dir: Path) -> None:
    """Remove what earlier runs left below `state_dir`."""
    for folder in state_dir.glob("workspace-*"):
        await remove_workspace(folder)
