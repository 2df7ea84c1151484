"""The small ignored files of a working tree as trees of their own: settings and notes that nothing else keeps."""

import fnmatch
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from glmcode_sandbox.git.gitrun import git_environment, listing, run_git
from glmcode_sandbox.threads import finished

SMALL_BYTES = 256 * 1024
FOLDER_FILES = 200
"""An ignored folder that holds more entries is somebody's build or environment, and left out as a whole."""
MAX_FILES = 2000
MAX_BYTES = 16 * 1024 * 1024

_Mark = tuple[int, ...]


class IgnoredView:
    """Follows the ignored files of one working tree, in an index of its own over a shadow git folder."""

    def __init__(self, shadow: Path, work_tree: Path, index: Path, junk: Iterable[str]) -> None:
        """`junk`: patterns of names, as git ignores them, that are never kept."""
        self._shadow = shadow
        self._work_tree = work_tree
        self._environment = git_environment(shadow, work_tree=work_tree, index=index)
        self._junk = tuple(pattern.rstrip("/") for pattern in junk)
        self._seen: dict[str, _Mark] = {}
        self._last: str | None = None

    async def tree(self, listed: Iterable[str]) -> str:
        """The present state of what is `listed`: ignored paths as git tells them, folders with a slash at their end.

        Costs a look at each file, and git's work where one differs. Raises GitFailed.
        """
        paths = sorted(listed)
        now = await finished(lambda: self._look(paths))
        if self._last is not None and now == self._seen:
            return self._last
        gone = [path for path in self._seen if path not in now]
        fresh = [path for path, mark in now.items() if self._seen.get(path) != mark]
        self._last = None
        if gone:
            await self._git("update-index", "--force-remove", "-z", "--stdin", stdin=listing(gone))
        if fresh:
            await self._git("update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=listing(fresh))
        self._last, self._seen = (await self._git("write-tree")).decode().strip(), now
        return self._last

    async def _git(self, *words: str, stdin: bytes = b"") -> bytes:
        return await run_git(words, self._environment, cwd=self._shadow, stdin=stdin)

    def _look(self, paths: Iterable[str]) -> dict[str, _Mark]:
        found: dict[str, _Mark] = {}
        room = MAX_BYTES
        for name, status in (pair for path in paths for pair in self._files(path)):
            room -= status.st_size
            if room < 0 or len(found) >= MAX_FILES:
                break
            found[name] = (status.st_mode, status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
        return found

    def _files(self, path: str) -> list[tuple[str, os.stat_result]]:
        """What is kept of one listed path."""
        if any(fnmatch.fnmatchcase(part, each) for part in path.rstrip("/").split("/") for each in self._junk):
            return []
        found = []
        for number, (name, status) in enumerate(self._below(path)):
            if number >= FOLDER_FILES or name.rpartition("/")[2].lower() == ".git":
                return []
            if stat.S_ISLNK(status.st_mode) or (stat.S_ISREG(status.st_mode) and self._is_small(name, status)):
                found.append((name, status))
        return found

    def _below(self, path: str) -> Iterator[tuple[str, os.stat_result]]:
        waiting = [path.rstrip("/")]
        while waiting:
            name = waiting.pop()
            with suppress(OSError):
                status = (self._work_tree / name).lstat()
                yield name, status
                if stat.S_ISDIR(status.st_mode):
                    waiting += [f"{name}/{entry}" for entry in os.listdir(self._work_tree / name)]  # noqa: PTH208

    def _is_small(self, name: str, status: os.stat_result) -> bool:
        return status.st_size <= SMALL_BYTES and os.access(self._work_tree / name, os.R_OK)
