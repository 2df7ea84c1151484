"""The present state of a copy-on-write layer as a tree object: the tree at the start and what the layer changed."""

import asyncio
import os
import shutil
import stat
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from glmcode_sandbox.beneath import opened, parts_of
from glmcode_sandbox.beneath import status as status_of
from glmcode_sandbox.git.gitrun import GitFailed, git_environment, listing, names, run_git
from glmcode_sandbox.git.gitview import LARGE_BYTES, GitView
from glmcode_sandbox.git.trees import parents
from glmcode_sandbox.threads import finished
from glmcode_sandbox.workspaces.mirror import Mirror
from glmcode_sandbox.workspaces.upper import Outline, Upper, read_upper

_MAX_IGNORE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Start:
    """What a layer starts from."""

    tree: str
    index: Path
    """An index of that tree; it is only read."""
    left_out: frozenset[str]
    """See `GitView.left_out`."""
    submodules: frozenset[str]
    """The layer changes nothing about them."""
    absent: frozenset[str]
    """Files that are tracked but not checked out: deleting their folder does not delete them."""

    @classmethod
    def of(cls, view: GitView, tree: str) -> Self:
        """What `view` just gave as a tree."""
        return cls(tree, view.index, view.left_out, frozenset(view.submodules), frozenset(view.absent))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The difference to the start."""

    removed: frozenset[str]
    added: frozenset[str]


class LayeredView:
    """The layer with the folder `upper` over the repository `lower`, seen through a shadow git folder."""

    def __init__(self, shadow: Path, lower: Path, upper: Path, scratch: Path) -> None:
        """`scratch` is a folder for an index and for copies of what changed."""
        self.large: tuple[str, ...] = ()
        """New files that are too large to be carried, as of the last tree."""
        self.unread: tuple[str, ...] = ()
        """Folders closed to us or nested too deeply, as of the last tree."""
        self._shadow = shadow
        self._lower = lower
        self._upper = upper
        self._mirror = Mirror(scratch / "mirror")
        self._index = scratch / "layer-index"
        self._environment = git_environment(shadow, work_tree=self._mirror.place, index=self._index)
        self._tracked: list[str] | None = None
        self._in_index: _Wanted | None = None
        self._last: tuple[Outline, str] | None = None
        self._lock = asyncio.Lock()

    async def read(self, start: Start) -> Upper:
        """What the layer holds now."""
        return await finished(lambda: read_upper(self._upper, leave_out=start.submodules))

    async def tree(self, start: Start) -> str:
        """The present state as a tree object; costs what changed, not what is there."""
        async with self._lock:
            began, upper = time.time_ns(), await self.read(start)
            if not (upper.files or upper.folders or upper.hidden):
                return start.tree
            if self._last is not None and self._last[0] == upper.outline():
                return self._last[1]
            if self._tracked is None:
                self._tracked = await self._read_tracked(start.index)
            try:
                tree = await self._tree(start, upper, self._tracked)
            except (GitFailed, OSError):
                # Files may vanish or change their kind between listing and reading; once more, from the start.
                self._in_index = None
                tree = await self._tree(start, await self.read(start), self._tracked)
            self._last = (upper.outline(), tree) if upper.is_settled(began) else None
            return tree

    async def _git(self, *arguments: str, stdin: bytes = b"", ok: Sequence[int] = (0,)) -> bytes:
        return await run_git(arguments, self._environment, cwd=self._shadow, stdin=stdin, ok=ok)

    async def _read_tracked(self, index: Path) -> list[str]:
        output = await run_git(("ls-files", "-z"), git_environment(self._shadow, index=index), cwd=self._shadow)
        return await asyncio.to_thread(lambda: sorted(names(output)))

    async def _tree(self, start: Start, upper: Upper, tracked: list[str]) -> str:
        files = {path: status for path, status in upper.files.items() if _holds(tracked, path)}
        new = {path: status for path, status in upper.files.items() if path not in files}
        new = {path: status for path, status in new.items() if not _is_left_out(path, start.left_out)}
        self.large = tuple(sorted(path for path, status in new.items() if status.st_size > LARGE_BYTES))
        self.unread = tuple(upper.unread)
        rules, lower_rules = await finished(lambda: self._rules(upper, new))
        candidates = {path: status for path, status in new.items() if path not in self.large}
        wanted = {**lower_rules, **rules, **files, **candidates}
        await finished(lambda: self._mirror.keep_only(wanted))
        await finished(lambda: self._mirror.take(self._lower, lower_rules))
        taken, _ = await finished(lambda: self._mirror.take(self._upper, rules))
        ignored = await self._ignored(candidates)
        kept = {**files, **{path: status for path, status in candidates.items() if path not in ignored}}
        more, refused = await finished(lambda: self._mirror.take(self._upper, kept))
        added = frozenset(kept) - frozenset(refused)
        removed = frozenset(_removed(upper, tracked, start)) - frozenset(kept)
        return await self._write(start, _Wanted(removed, added), {*taken, *more})

    def _rules(self, upper: Upper, new: Iterable[str]) -> tuple[dict[str, os.stat_result], dict[str, os.stat_result]]:
        """The ignore files that count for new paths: those in the layer, and those that show through it."""
        folders = {""} | {parent for path in new for parent in parents(path)}
        rules, lower_rules = {}, {}
        with opened(self._lower) as root:
            for folder in folders:
                path = f"{folder}/.gitignore" if folder else ".gitignore"
                status = upper.files.get(path)
                if status is None and not upper.hides(path):
                    status = _rule_below(root, path)
                    if status is not None:
                        lower_rules[path] = status
                elif status is not None and _is_rule(status):
                    rules[path] = status
        return rules, lower_rules

    async def _ignored(self, paths: Iterable[str]) -> set[str]:
        # Named so that none of them looks like a pattern with magic.
        listed = [f"./{path}" for path in paths]
        if not listed:
            return set()
        output = await self._git("check-ignore", "--no-index", "-z", "--stdin", stdin=listing(listed), ok=(0, 1))
        return {path.removeprefix("./") for path in names(output)}

    async def _write(self, start: Start, wanted: _Wanted, changed: set[str]) -> str:
        """Bring the index from what it holds to what is wanted, and make it a tree."""
        held = self._in_index
        if held is None or not _leads_to(held, wanted, self._tracked or []):
            await asyncio.to_thread(shutil.copy2, start.index, self._index)
            held, changed = _Wanted(frozenset(), frozenset()), set(wanted.added)
        self._in_index = None
        # What is tracked but not checked out is marked in the index as not to be looked at.
        gone = (
            (wanted.removed - held.removed) | (held.added - wanted.added) | (wanted.added - held.added) & start.absent
        )
        fresh = (wanted.added - held.added) | (wanted.added & changed)
        if gone:
            await self._git("update-index", "--force-remove", "-z", "--stdin", stdin=listing(sorted(gone)))
        if fresh:
            words = ("update-index", "--add", "--replace", "-z", "--stdin")
            await self._git(*words, stdin=listing(sorted(fresh)))
        tree = (await self._git("write-tree")).decode().strip()
        self._in_index = wanted
        return tree


def _leads_to(held: _Wanted, wanted: _Wanted, tracked: list[str]) -> bool:
    """Whether the index that holds one state can be changed into the other without what the start held."""
    if held.removed - wanted.removed - wanted.added:
        return False
    return not any(_holds(tracked, path) for path in held.added - wanted.added - wanted.removed)


def _removed(upper: Upper, tracked: list[str], start: Start) -> Iterator[str]:
    for path in upper.hidden | upper.folders:
        if _holds(tracked, path) and path not in start.submodules:
            yield path
    for path in upper.hidden:
        for below in _below(tracked, path):
            # A file in the place of its folder ends even what is not checked out.
            if path in upper.files or not (below in start.absent or below in start.submodules):
                yield below


def _holds(tracked: list[str], path: str) -> bool:
    at = bisect_left(tracked, path)
    return at < len(tracked) and tracked[at] == path


def _below(tracked: list[str], folder: str) -> list[str]:
    # The character after the slash, in the order of strings, comes right after everything in the folder.
    return tracked[bisect_left(tracked, f"{folder}/") : bisect_left(tracked, f"{folder}0")]


def _is_left_out(path: str, left_out: frozenset[str]) -> bool:
    return path in left_out or any(f"{parent}/" in left_out for parent in parents(path))


def _is_rule(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_size <= _MAX_IGNORE_BYTES


def _rule_below(root: int, path: str) -> os.stat_result | None:
    try:
        status = status_of(root, parts_of(path))
    except OSError:
        return None
    return status if status is not None and _is_rule(status) else None
