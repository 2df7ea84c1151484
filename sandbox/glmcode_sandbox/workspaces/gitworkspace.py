"""The workspace over git trees: one implementation for the repository itself and for copies of it."""

import asyncio
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from glmcode_sandbox.base import Mount
from glmcode_sandbox.beneath import give, opened
from glmcode_sandbox.copytree import CopyReport, copy_tree
from glmcode_sandbox.files import RunsCommands
from glmcode_sandbox.git.gitrun import GitFailed, WorkspaceError
from glmcode_sandbox.git.gitview import GitView
from glmcode_sandbox.git.ignoredview import IgnoredView
from glmcode_sandbox.git.privategit import make_private_git
from glmcode_sandbox.git.repository import Repository
from glmcode_sandbox.git.shadow import JUNK_NAMES, make_shadow
from glmcode_sandbox.git.trees import Difference, FileChange, TreeStore
from glmcode_sandbox.git.watchedview import WatchedView
from glmcode_sandbox.threads import finished, remove_folder
from glmcode_sandbox.workspaces.applying import ApplyResult, apply_changes
from glmcode_sandbox.workspaces.layered import Start
from glmcode_sandbox.workspaces.mounts import direct_mounts, guarded_mounts, isolated_mounts, mount_notes
from glmcode_sandbox.workspaces.recover import write_start

WorkspaceMode = Literal["direct", "isolated"]

_SHOWN_NOTES = 20


class GitWorkspace:
    """See `glmcode_sandbox.workspace.Workspace`. Made by `open_workspace` and `derive` only."""

    def __init__(self, mode: WorkspaceMode, repository: Repository, state: Path, shadow: Path, host_path: Path) -> None:
        status = repository.top.stat()
        self.mode: WorkspaceMode = mode
        self.repo = repository.top
        self.path = str(repository.top)
        self.host_path = host_path
        self.mounts: tuple[Mount, ...] = ()
        self.owner = (status.st_uid, status.st_gid)
        self.base_commit = repository.head
        self.dirty = False
        self.start_tree = ""
        self.notes: tuple[str, ...] = ()
        self.hook_paths = repository.hook_paths
        self._repository = repository
        self._state = state
        self._shadow = shadow
        self.trees = TreeStore(shadow)
        self._view: GitView = WatchedView(shadow, host_path, state / "index", loose_stat=mode == "isolated")
        self.agreed_tree = ""
        self.start_ignored: str | None = None
        self._ignored = IgnoredView(shadow, host_path, state / "ignored-index", JUNK_NAMES)
        self._listed: frozenset[str] = frozenset()

    async def start(self) -> None:
        """Copy (isolated), and take down how everything is. Called once, by `open_workspace`."""
        repository = self._repository
        objects = repository.common_dir / "objects"
        await asyncio.to_thread(make_shadow, self._shadow, objects, repository.object_format, repository.excludes)
        skipped = (await self._copy()).skipped if self.mode == "isolated" else []
        await self._take_start()
        self._set_mounts(await self._direct_mounts() if self.mode == "direct" else None)
        self.start_ignored = await self.ignored_tree()
        self._note(skipped)
        write_start(self._state, Start.of(self._view, self.start_tree))

    async def _take_start(self) -> None:
        await self._view.load_index(self._repository.index)
        await self._view.fix_left_out()
        self.start_tree = self.agreed_tree = await self._view.tree()
        base = await self.trees.empty() if self.base_commit is None else await self._base_tree(self.base_commit)
        self.dirty = base != self.start_tree

    async def _base_tree(self, commit: str) -> str:
        try:
            return await self.trees.tree_of(commit)
        except GitFailed as error:
            raise WorkspaceError(f"the commit checked out in {self.repo} cannot be read: {error}") from None

    async def _copy(self) -> CopyReport:
        stop = threading.Event()
        leave_out = frozenset((".git",))
        report = await finished(lambda: copy_tree(self.repo, self.host_path, leave_out=leave_out, stop=stop), stop)
        report.skipped += (await make_private_git(self._repository, self.host_path / ".git", stop=stop)).skipped
        return report

    async def _direct_mounts(self) -> tuple[Mount, ...]:
        guarded = await asyncio.to_thread(guarded_mounts, self._repository, self._view.submodules)
        return (*await direct_mounts(self._repository, self._state), *guarded)

    def _set_mounts(self, mounts: tuple[Mount, ...] | None) -> None:
        self.mounts = mounts if mounts is not None else isolated_mounts(self._repository, self.host_path)

    def _note(self, skipped: list[str]) -> None:
        lines = [f"not copied: {line}" for line in skipped[:_SHOWN_NOTES]]
        if len(skipped) > _SHOWN_NOTES:
            lines.append(f"not copied: {len(skipped) - _SHOWN_NOTES} more")
        self.notes = (*mount_notes(self._repository, self._view.submodules, self._view.large), *lines)

    async def ready(self) -> None:
        """Everything is known from `start` on; layers learn it later."""

    async def tree(self, *, quick: bool = False) -> str:
        return await (self._view.quick_tree() if quick else self._view.tree())

    async def ignored_tree(self, *, quick: bool = False) -> str | None:
        if self.mode != "direct":
            return None
        fresh = self._view.touched_ignored() if quick else None
        try:
            self._listed = self._listed.union(fresh) if fresh is not None else frozenset(await self._view.ignored())
            return await self._ignored.tree(self._listed)
        except GitFailed:
            return None  # all else is more important

    async def patch(self, tree: str | None = None, *, since: str | None = None) -> bytes:
        await self.ready()
        return await self.trees.patch(since or self.start_tree, tree or await self.tree())

    async def changes(self, tree: str | None = None, *, since: str | None = None) -> tuple[FileChange, ...]:
        await self.ready()
        return await self.trees.changes(since or self.start_tree, tree or await self.tree())

    async def mixed_tree(self, base: str, other: str, paths: frozenset[str]) -> str:
        return await self.trees.mixed(base, other, frozenset(paths), self._state)

    async def derive(self, tree: str) -> "GitWorkspace":
        state = self._state / f"derived-{secrets.token_hex(4)}"
        state.mkdir(mode=0o700)
        derived = GitWorkspace("isolated", self._repository, state, self._shadow, state / "tree")
        try:
            await derived._become(tree, self._view)
        except BaseException:
            await remove_folder(state)
            raise
        return derived

    async def _become(self, tree: str, parent: GitView) -> None:
        report = await self._copy()
        await self._view.load_index(parent.index)
        self._view.left_out = parent.left_out
        copied = await self._view.tree()
        await self._view.read_tree(tree)
        await self._view.remove_others()
        changed = [change.path for change in await self.trees.changes(copied, tree) if change.status != "deleted"]
        self._give(changed)
        self.start_tree = self.agreed_tree = tree
        self.dirty = self.base_commit is None or await self._base_tree(self.base_commit) != tree
        self._set_mounts(None)
        self._note(report.skipped)

    def _give(self, paths: list[str]) -> None:
        with opened(self.host_path) as root:
            give(root, paths, self.owner)

    async def new_git_folders(self) -> tuple[str, ...]:
        return tuple(await asyncio.to_thread(self._view.new_git_folders))

    async def apply_patch(self, patch: bytes) -> None:
        if not patch.strip():
            return
        tree = await self.tree()
        target = await self.trees.patched(tree, patch, self._state)
        result = await apply_changes(self._view, self.trees, self.owner, (tree, target), self._state)
        if result.conflicts:
            raise WorkspaceError(f"the patch does not apply: in the way or changing: {', '.join(result.conflicts)}")

    async def apply(
        self, paths: frozenset[str] | None = None, *, tree: str | None = None, aside: str | None = None
    ) -> ApplyResult:
        if self.mode == "direct":
            raise WorkspaceError("nothing to apply: the changes of a direct workspace are in the repository already")
        tree = tree or await self.tree()
        if paths is not None:
            tree = await self.trees.mixed(self.agreed_tree, tree, paths, self._state)
        theirs = GitView(self._shadow, self.repo, self._state / "user-index", loose_stat=False)
        await theirs.load_index(self._repository.index)
        trees = (self.agreed_tree, tree)
        doubts = await self._doubts()
        result = await apply_changes(theirs, self.trees, self.owner, trees, self._state, doubts, aside=aside)
        if result.applied:
            self.agreed_tree = tree
        return result

    async def move(
        self,
        trees: tuple[str, str],
        paths: frozenset[str],
        *,
        dry: bool = False,
        aside: str | None = None,
        through: RunsCommands | None = None,
    ) -> ApplyResult:
        view, store, owner = self._view, self.trees, self.owner
        return await apply_changes(view, store, owner, trees, self._state, only=paths, dry=dry, aside=aside)

    async def _doubts(self) -> Callable[[Difference], bool]:
        """Tells what of the repository may have changed while its state at the start was taken down."""
        return lambda _: False

    async def close(self) -> None:
        self._view.close()
        await remove_folder(self._state)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
