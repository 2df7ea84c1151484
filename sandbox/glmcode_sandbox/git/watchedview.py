"""A working tree that is watched, so that most states of it cost what was touched and not what is there."""

import os
import stat
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from glmcode_sandbox.git.gitrun import GitFailed, listing, names, run_git
from glmcode_sandbox.git.gitview import GitView
from glmcode_sandbox.git.watching import Watch, watch
from glmcode_sandbox.threads import finished

T = TypeVar("T", bound=str | None)


class WatchedView(GitView):
    """A `GitView` whose `quick_tree` looks at touched files only. Call `close` at the end."""

    _watch: Watch | None = None
    _can_watch = True
    _last: str | None = None
    """The tree that the index is."""
    _touched_ignored: frozenset[str] | None = None
    """What is ignored and was touched since `ignored` was asked; None where that is not known."""

    async def tree(self) -> str:
        """The present state as a tree object, everything looked at."""
        async with self._lock:
            # What was touched before is seen now; what is touched from now on is told the next time.
            self._touched_ignored = None
            if self._watch is not None and self._watch.touched() is None:
                self.close()
            return await self._surely(self._look_at_everything)

    async def quick_tree(self) -> str:
        """Like `tree`, but for changes that `watching` is not told of. Everything is looked at where that is needed."""
        async with self._lock:
            tree = await self._surely(self._look_at_touched)
            if tree is None:
                await self._watch_anew()
                return await self._surely(self._look_at_everything)
            return tree

    async def entries(self, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
        """See `GitView.entries`."""
        self._last = None
        return await super().entries(paths)

    async def ignored(self) -> list[str]:
        """See `GitView.ignored`."""
        self._touched_ignored = frozenset() if self._watch is not None else None
        return await super().ignored()

    def touched_ignored(self) -> list[str] | None:
        """See `GitView.touched_ignored`; up to the last quick tree."""
        return None if self._touched_ignored is None else sorted(self._touched_ignored)

    def close(self) -> None:
        """End the watch. May be called twice."""
        self._last = self._touched_ignored = None
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    async def _surely(self, look: Callable[[], Awaitable[T]]) -> T:
        """What was told as touched is told once: after a failure nothing is known."""
        try:
            self._last = tree = await look()
        except BaseException:
            self.close()
            raise
        return tree

    async def _watch_anew(self) -> None:
        self.close()
        if self._can_watch:
            self._watch = await finished(lambda: watch(self.work_tree, self._need_not_watch))
            self._can_watch = self._watch is not None

    def _need_not_watch(self, folder: str) -> bool:
        return self._is_left_out(folder) or folder.rstrip("/") in self.submodules

    async def _look_at_touched(self) -> str | None:
        """None where everything must be looked at."""
        touched = self._watch.touched() if self._watch is not None else None
        if touched is None:
            return None
        try:
            return await self._tree_of_touched(*touched)
        except GitFailed:
            return None

    async def _tree_of_touched(self, touched: Iterable[str], folders: Iterable[str]) -> str | None:
        files = {path for path in touched if not self._is_left_out(path)} - {".git"}
        if any(_rules_others(path) or self._has_more_names(path) for path in files) or not files.isdisjoint(
            self.absent
        ):
            return None
        known = set(self._watch.folders.values()) if self._watch is not None and folders else set()
        there = {path for path in folders if path != ".git" and not self._need_not_watch(f"{path}/")}
        there = {path for path in there if os.path.lexists(self.work_tree / path)}
        if any(_rules_others(path) or f"{path}/" in known for path in there) or there - await self._ignored(there):
            return None  # it is not watched, or it was as another
        ignored = await self._ignored(files)
        if self._touched_ignored is not None:
            self._touched_ignored |= {*ignored, *(f"{path}/" for path in there)}
        if not files and self._last is not None:
            return self._last
        files -= ignored
        kept = {path for path in files if self._storable(path)}
        await self._enter(sorted(files - kept), sorted(kept))
        return await self._write_tree()

    def _has_more_names(self, path: str) -> bool:
        """Whether a file is touched under other names, too, of which nothing is told."""
        try:
            status = (self.work_tree / path).lstat()
        except OSError:
            return False
        return status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode)

    async def _ignored(self, paths: Iterable[str]) -> set[str]:
        """Those that are ignored; what is tracked never is."""
        # Named so that none of them looks like a pattern with magic.
        listed = [f"./{path}" for path in paths]
        if not listed:
            return set()
        words = ("check-ignore", "-z", "--stdin")
        output = await run_git(words, self._environment, cwd=self.shadow, stdin=listing(listed), ok=(0, 1))
        return {path.removeprefix("./") for path in names(output)}


def _rules_others(path: str) -> bool:
    """Whether a change of it says something of other files: what is ignored, or whose repository they are in."""
    name = Path(path).name
    return name in (".gitignore", ".gitattributes") or name.lower() == ".git"
