"""The isolated workspace as a copy-on-write layer over the repository: its cost is that of the change."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.files import RunsCommands
from glmcode_sandbox.git.gitrun import GitFailed, WorkspaceError, git_environment, names, run_git
from glmcode_sandbox.git.gitview import GitView
from glmcode_sandbox.git.privategit import make_private_git
from glmcode_sandbox.git.repository import Repository
from glmcode_sandbox.git.shadow import make_shadow
from glmcode_sandbox.git.trees import Difference, parents
from glmcode_sandbox.threads import finished, remove_folder
from glmcode_sandbox.workspaces.applying import ApplyResult
from glmcode_sandbox.workspaces.changing import Changing, changed_since
from glmcode_sandbox.workspaces.gitworkspace import GitWorkspace
from glmcode_sandbox.workspaces.layered import LayeredView, Start
from glmcode_sandbox.workspaces.laying import lay
from glmcode_sandbox.workspaces.mounts import ORIGINALS, mount_notes, overlay_mounts
from glmcode_sandbox.workspaces.overlay import make_overlay, moment, remove_workspace
from glmcode_sandbox.workspaces.overlay_daemon import is_mounted, remove_volume, sweep
from glmcode_sandbox.workspaces.recover import write_start
from glmcode_sandbox.workspaces.through import write_through


class OverlayWorkspace(GitWorkspace):
    """See `glmcode_sandbox.workspace.Workspace`. What the repository held at the start is taken down in the background.

    A file that the person changes meanwhile may be seen in either state by commands and by the start; such files are
    told by their change times, and are conflicts when the sandbox changed them too.
    """

    def __init__(self, repository: Repository, state: Path, shadow: Path, image: str | None) -> None:
        super().__init__("isolated", repository, state, shadow, state / "upper")
        self._image = image
        self._overlay = make_overlay(repository.top, state)
        self._view = GitView(shadow, repository.top, state / "index", loose_stat=False, read_only=True)
        self._layer = LayeredView(shadow, repository.top, self._overlay.upper, state)
        self._start: Start | None = None
        self._scan: asyncio.Task[None] | None = None
        self._opened_ns = 0
        self._changing: Changing | None = None
        self._derived: list[OverlayWorkspace] = []
        self._is_derived = False

    async def start(self) -> None:
        """Make the layer, and begin to take down what it lies upon. Called once, by `open_workspace`."""
        repository = self._repository
        self._opened_ns = await asyncio.to_thread(moment, self._state)
        objects = repository.common_dir / "objects"
        await asyncio.to_thread(make_shadow, self._shadow, objects, repository.object_format, repository.excludes)
        await self._mount()
        self._scan = asyncio.create_task(self._take_down())

    async def _mount(self) -> None:
        private = self._state / "private-git"
        report = await make_private_git(self._repository, private, borrow=ORIGINALS)
        self.mounts = overlay_mounts(self._repository, self._overlay, private)
        self.notes = (*mount_notes(self._repository, (), ()), *(f"not copied: {line}" for line in report.skipped[:20]))

    async def _take_down(self) -> None:
        try:
            await self._take_start()
        except OSError as error:
            raise WorkspaceError(f"{self.repo} cannot be read: {error}") from error
        # git takes no note of a new change time where the content is what the index holds.
        with suppress(GitFailed):
            await self._view.git("update-index", "-q", "--ignore-submodules", "--refresh")
        files = await self._view.git("ls-files", "-z")
        self._changing = await finished(lambda: Changing(self.repo, names(files), self._opened_ns))
        self._start = Start.of(self._view, self.start_tree)
        said = mount_notes(self._repository, self._view.submodules, self._view.large)
        self.notes = (*self.notes, *(note for note in said if note not in self.notes))
        await asyncio.to_thread(write_start, self._state, self._start)

    async def ready(self) -> None:
        if self._scan is not None:
            await asyncio.shield(self._scan)

    async def _started(self) -> Start:
        await self.ready()
        assert self._start is not None
        return self._start

    async def tree(self, *, quick: bool = False) -> str:
        start = await self._started()
        tree = await self._layer.tree(start)
        lost = [f"a large new file is not carried: {path}" for path in self._layer.large[:10]]
        lost += [f"a folder that cannot be read is not carried: {path}" for path in self._layer.unread[:10]]
        self.notes = (*self.notes, *(note for note in lost if note not in self.notes))
        return tree

    async def mixed_tree(self, base: str, other: str, paths: frozenset[str]) -> str:
        await self.ready()
        return await super().mixed_tree(base, other, paths)

    async def new_git_folders(self) -> tuple[str, ...]:
        start = await self._started()
        found = (await self._layer.read(start)).git_entries
        left_out = start.left_out
        return tuple(sorted(path for path in found if not any(f"{above}/" in left_out for above in parents(path))))

    async def derive(self, tree: str) -> "OverlayWorkspace":
        await self.ready()
        state = self._state / f"derived-{secrets.token_hex(4)}"
        state.mkdir(mode=0o700)
        derived = OverlayWorkspace(self._repository, state, self._shadow, self._image)
        try:
            await derived._lie(tree, self._view)
        except BaseException:
            await remove_folder(state)
            raise
        self._derived.append(derived)
        return derived

    async def _lie(self, tree: str, parent: GitView) -> None:
        """Be a layer through which `tree` shows, whatever became of the repository."""
        self._is_derived = True
        await self._mount()
        index = self._state / "lower-index"
        below = GitView(self._shadow, self.repo, index, loose_stat=False, read_only=True)
        await below.load_index(parent.index)
        below.left_out = parent.left_out
        trees = (await below.tree(), tree)
        await lay(self.trees, trees, self.repo, self._overlay.upper, self.owner, self._state)
        index = self._state / "index"
        await run_git(("read-tree", tree), git_environment(self._shadow, index=index), cwd=self._shadow)
        self._start = Start(tree, index, parent.left_out, frozenset(below.submodules), frozenset(below.absent))
        self.start_tree = self.agreed_tree = tree
        self.dirty = self.base_commit is None or await self._base_tree(self.base_commit) != tree

    async def apply_patch(self, patch: bytes) -> None:
        if not patch.strip():
            return
        tree = await self.tree()
        target = await self.trees.patched(tree, patch, self._state)
        if await asyncio.to_thread(is_mounted, self._overlay.volume):
            raise WorkspaceError("the patch cannot be applied while commands may run in the workspace: apply it before")
        await lay(self.trees, (tree, target), self.repo, self._overlay.upper, self.owner, self._state)

    async def move(
        self,
        trees: tuple[str, str],
        paths: frozenset[str],
        *,
        dry: bool = False,
        aside: str | None = None,
        through: RunsCommands | None = None,
    ) -> ApplyResult:
        old, new = trees
        differences = tuple(item for item in await self.trees.differences(old, new) if item.path in paths)
        moved = tuple(item.path for item in differences)
        present = await self.tree()
        conflicts = tuple(item.path for item in await self.trees.differences(old, present) if item.path in moved)
        if conflicts or dry or not moved:
            return ApplyResult(applied=not (conflicts or dry), paths=moved, conflicts=conflicts)
        target = await self.trees.mixed(present, new, frozenset(moved), self._state)
        if not await asyncio.to_thread(is_mounted, self._overlay.volume):
            await lay(self.trees, (present, target), self.repo, self._overlay.upper, self.owner, self._state)
        elif through is None:
            raise WorkspaceError("the files cannot be written while commands may run in the workspace: end them first")
        else:
            await self._write_through(through, present, target)
        return ApplyResult(applied=True, paths=moved)

    async def _write_through(self, sandbox: RunsCommands, present: str, target: str) -> None:
        """All or nothing. Raises WorkspaceError."""
        try:
            await write_through(sandbox, self.trees, (present, target), self.path, self._state)
            left = {item.path for item in await self.trees.differences(await self.tree(), target)}
            written = {item.path for item in await self.trees.differences(present, target)}
            if left & written:
                raise WorkspaceError(f"written over at this moment: {', '.join(sorted(left & written)[:10])}")
        except (WorkspaceError, SandboxError) as error:
            with suppress(WorkspaceError, SandboxError):
                await write_through(sandbox, self.trees, (target, present), self.path, self._state)
            raise WorkspaceError(f"the files of the workspace could not be written: {error}") from error

    async def _doubts(self) -> Callable[[Difference], bool]:
        if self._changing is None:
            return await super()._doubts()
        environment = git_environment(self._shadow, index=self._view.index)
        output = await run_git(("ls-files", "--debug", "-z"), environment, cwd=self._shadow)
        files = await asyncio.to_thread(changed_since, output, self._opened_ns)
        changing = self._changing
        return lambda item: item.path in files if item.old is not None else changing.holds(item.path)

    async def close(self) -> None:
        if self._scan is not None:
            self._scan.cancel()
            await asyncio.wait([self._scan])
            if not self._scan.cancelled():
                self._scan.exception()
        for derived in self._derived:
            await derived.close()
        await asyncio.to_thread(remove_volume, self._overlay.volume)
        if self._is_derived:
            # The kernel's folder belongs to root, and goes with the workspace that this one was derived from.
            await remove_folder(self._state)
        elif not await remove_workspace(self._state):
            await asyncio.to_thread(sweep, self._state.parent, self._image)
