"""The workspace: the user's repository as the sandbox sees it, what changed in it, and the way changes come back."""

import os
import stat
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from glmcode_sandbox.base import Mount
from glmcode_sandbox.files import RunsCommands
from glmcode_sandbox.finding import WorkspaceError, find_repository
from glmcode_sandbox.git.protected import protected
from glmcode_sandbox.git.repository import Repository, open_repository
from glmcode_sandbox.git.trees import FileChange, TreeStore
from glmcode_sandbox.threads import remove_folder
from glmcode_sandbox.workspaces.applying import ApplyResult
from glmcode_sandbox.workspaces.gitworkspace import GitWorkspace, WorkspaceMode
from glmcode_sandbox.workspaces.overlayworkspace import OverlayWorkspace

__all__ = [
    "ApplyResult",
    "FileChange",
    "Store",
    "Workspace",
    "WorkspaceError",
    "WorkspaceMode",
    "find_repository",
    "open_workspace",
    "protected",
]


class Workspace(Protocol):
    """A repository to work on: itself (direct) or a copy of it (isolated).

    Trees are ids of git tree objects in a store of the workspace's own; the user's `.git` is never written. What was
    ignored at the start, and what test runs leave behind, enters no tree. All methods raise WorkspaceError.
    Wait for `ready` before you read `dirty`, `start_tree` and all of `notes`; the other methods do so themselves.
    """

    mode: WorkspaceMode
    repo: Path
    """The user's repository: its top folder, links resolved."""
    path: str
    """Where it is in the sandbox: the same path in both modes. Without a sandbox use `host_path`."""
    host_path: Path
    """The files that change: `repo`, or the copy. Of a layer the folder that takes the writes, which is only half."""
    mounts: tuple[Mount, ...]
    """In the order to mount them; later ones lie inside earlier ones."""
    owner: tuple[int, int]
    """uid and gid of the repository folder; commands run as it."""
    base_commit: str | None
    """The commit checked out at the start; None before the first one."""
    dirty: bool
    """Whether the working tree differed from `base_commit` at the start."""
    start_tree: str
    """The tree at the start."""
    start_ignored: str | None
    """The `ignored_tree` at the start."""
    agreed_tree: str
    """What of the changes is settled: the tree at the start, then what `apply` brought to the repository, or what a
    review of a direct workspace ended with; assign that."""
    trees: TreeStore
    """Reads and makes trees."""
    notes: tuple[str, ...]
    """What was left out or does not work, one line for people each. Holds untrusted names."""
    hook_paths: tuple[str, ...]
    """Paths that the repository's configuration takes code from; hand them to `protected`."""

    async def ready(self) -> None:
        """Wait until the start is known. A layer takes it down in the background while the sandbox may work already."""
        ...

    async def tree(self, *, quick: bool = False) -> str:
        """The present state as a tree: tracked files, and untracked ones that are neither ignored nor were large.

        `quick` may miss what a process wrote to a mapped file that it has not closed yet, or through a hard link that
        is gone again, ignored, or outside the repository; the next tree that is not quick has it.
        """
        ...

    async def ignored_tree(self, *, quick: bool = False) -> str | None:
        """The present state of small ignored files, which are in no other tree; of a direct workspace only.

        `quick`: those that were there, and what the last quick `tree` saw to be touched. None where they cannot be had.
        """
        ...

    async def patch(self, tree: str | None = None, *, since: str | None = None) -> bytes:
        """What changed since the start (or `since`), as `git apply` takes it (binary files included); of `tree` if
        given."""
        ...

    async def changes(self, tree: str | None = None, *, since: str | None = None) -> tuple[FileChange, ...]:
        """The files that changed since the start (or `since`); those of `tree` if given."""
        ...

    async def mixed_tree(self, base: str, other: str, paths: frozenset[str]) -> str:
        """The tree `base` with `paths` (files or folders) taken from `other`; what is missing there is removed."""
        ...

    async def derive(self, tree: str) -> "Workspace":
        """A fresh isolated workspace that holds exactly `tree` and the files that were ignored at the start.

        It ends with this workspace, if it is not closed before.
        """
        ...

    async def new_git_folders(self) -> tuple[str, ...]:
        """`.git` entries below the top that appeared since the start: the person's git would obey them.

        They are in no tree and no patch; hand them to `protected` beside the changed paths of a direct workspace.
        """
        ...

    async def apply_patch(self, patch: bytes) -> None:
        """Apply a patch to the files, all of it or nothing. Raises WorkspaceError with git's words.

        To a layer only while no sandbox runs on it.
        """
        ...

    async def apply(
        self, paths: frozenset[str] | None = None, *, tree: str | None = None, aside: str | None = None
    ) -> ApplyResult:
        """Isolated only: bring what changed since `agreed_tree` to the user's repository.

        With `paths`, only those files or folders; with `tree`, what that one holds instead of the present state.
        `aside`: see `move`.
        """
        ...

    async def move(
        self,
        trees: tuple[str, str],
        paths: frozenset[str],
        *,
        dry: bool = False,
        aside: str | None = None,
        through: RunsCommands | None = None,
    ) -> ApplyResult:
        """Bring `paths` from how they are in one tree to how they are in another, all or nothing: in the repository
        (direct), or in what commands see instead (isolated).

        A file that is not as in the first is a conflict. With `dry` nothing is written. A process that is killed
        meanwhile leaves the folder `aside` (from `new_aside`) in the repository, if it is that. Files of a layer that
        a sandbox runs on are written `through` that sandbox.
        """
        ...

    async def close(self) -> None:
        """Remove copies and trees. May be called twice. Leaving `async with` does it."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


Store = Literal["copy", "overlay"]
"""What an isolated workspace is: a copy, or a copy-on-write layer where `overlay_problem` has nothing against it."""


async def open_workspace(
    repo: Path,
    mode: WorkspaceMode,
    *,
    state_dir: Path,
    store: Store = "copy",
    image: str | None = None,
    trees: Path | None = None,
) -> Workspace:
    """Open the repository around `repo`. Copies and trees live in a new folder below `state_dir` until `close`.

    With `trees`, a folder of that one workspace's, the trees are there and outlive it; see `keep_history`. `image` is
    the sandbox's; a layer is cleared away with it.

    Raises WorkspaceError: no repository, a bare or damaged one, no permission to write it (direct), or a
    `state_dir` inside it.
    """
    repository = await open_repository(find_repository(repo))
    top = repository.top
    _check_place(top, mode, state_dir)
    state = _make_state(state_dir)
    try:
        if trees is not None:
            trees.mkdir(mode=0o700, parents=True, exist_ok=True)
            (state / "git").symlink_to(trees.resolve())
        workspace = _chosen(repository, mode, store, state, image)
        await workspace.start()
    except OSError as error:
        await remove_folder(state)
        raise WorkspaceError(
            f"{top} cannot be opened: {error}; free disk space below {state_dir} or fix the permission"
        ) from error
    except BaseException:
        await remove_folder(state)
        raise
    return workspace


def _chosen(repository: Repository, mode: WorkspaceMode, store: Store, state: Path, image: str | None) -> GitWorkspace:
    if mode == "isolated" and store == "overlay":
        return OverlayWorkspace(repository, state, state / "git", image)
    host_path = repository.top if mode == "direct" else state / "tree"
    return GitWorkspace(mode, repository, state, state / "git", host_path)


def _make_state(state_dir: Path) -> Path:
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="workspace-", dir=state_dir.resolve()))
    except OSError as error:
        raise WorkspaceError(
            f"{state_dir} cannot be written: {error.strerror}; set XDG_STATE_HOME elsewhere"
        ) from error


def _check_place(top: Path, mode: WorkspaceMode, state_dir: Path) -> None:
    try:
        str(top).encode()
    except UnicodeEncodeError:
        raise WorkspaceError("the path of the repository is not UTF-8: rename the folder") from None
    if state_dir.resolve().is_relative_to(top):
        raise WorkspaceError(f"{state_dir} lies inside the repository {top}: set XDG_STATE_HOME to a folder outside it")
    if mode == "direct" and not (os.access(top, os.W_OK) and top.stat().st_mode & stat.S_IWUSR):
        raise WorkspaceError(f"{top} cannot be written: use --workspace isolated, or make it writable for its owner")
