"""Tree objects compared and combined: patches, lists of changes, and trees mixed of two."""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from glmcode_sandbox.git.gitrun import git_environment, names, run_git

ChangeStatus = Literal["added", "modified", "deleted", "type"]

_STATUS: dict[str, ChangeStatus] = {"A": "added", "M": "modified", "D": "deleted", "T": "type"}


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that differs between two trees."""

    path: str
    """Relative, as git writes it; bytes that are no UTF-8 are surrogates. Untrusted."""
    status: ChangeStatus
    """type: a file became a symbolic link or the other way round."""
    added: int | None
    """Lines; None for binary files."""
    removed: int | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One path of two trees: mode and object id on each side, None where it is missing."""

    path: str
    old: tuple[str, str] | None
    new: tuple[str, str] | None
    status: ChangeStatus

    @property
    def is_submodule(self) -> bool:
        return any(side is not None and side[0] == "160000" for side in (self.old, self.new))


_PATCH = (
    *("diff-tree", "-r", "-p", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color"),
    *("--unified=3", "--inter-hunk-context=0", "--diff-algorithm=myers", "--src-prefix=a/", "--dst-prefix=b/"),
    "--submodule=short",
)

TEXT_BYTES = 4 * 1024 * 1024
"""Larger files are not compared line by line for reading."""


class TreeStore:
    """The tree objects of a shadow git folder. No working tree is looked at, so no attribute found there counts."""

    def __init__(self, shadow: Path) -> None:
        self._shadow = shadow

    async def _git(self, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> bytes:
        return await run_git(arguments, git_environment(self._shadow, index=index), cwd=self._shadow, stdin=stdin)

    async def tree_of(self, commit: str) -> str:
        """The tree of a commit."""
        return (await self._git("rev-parse", "--verify", f"{commit}^{{tree}}")).decode().strip()

    async def empty(self) -> str:
        """The tree without files."""
        return (await self._git("mktree", "-z")).decode().strip()

    async def patch(self, old: str, new: str) -> bytes:
        """A patch from `old` to `new` that plain `git apply` takes; empty where they are equal."""
        return await self._git(*_PATCH, "--binary", old, new)

    async def lines(self, old: str, new: str) -> bytes:
        """The differences of text as git prints them: one section for each of `every_difference`, two for a `type`."""
        environment = git_environment(self._shadow, config=(("core.bigFileThreshold", str(TEXT_BYTES)),))
        return await run_git((*_PATCH, old, new), environment, cwd=self._shadow)

    async def differences(self, old: str, new: str) -> tuple[Difference, ...]:
        """The paths that differ, sorted by their bytes; submodules left out."""
        return tuple(item for item in await self.every_difference(old, new) if not item.is_submodule)

    async def every_difference(self, old: str, new: str) -> tuple[Difference, ...]:
        """The paths that differ, sorted by their bytes."""
        fields = names(await self._git("diff-tree", "-r", "--raw", "--no-renames", "--no-abbrev", "-z", old, new))
        found = []
        for meta, path in zip(fields[::2], fields[1::2], strict=True):
            old_mode, new_mode, old_id, new_id, letter = meta.removeprefix(":").split(" ")
            before = None if old_mode == "000000" else (old_mode, old_id)
            after = None if new_mode == "000000" else (new_mode, new_id)
            found.append(Difference(path, before, after, _STATUS[letter[0]]))
        return tuple(found)

    async def changes(self, old: str, new: str) -> tuple[FileChange, ...]:
        """The files that differ, with the lines added and removed."""
        output = await self._git("diff-tree", "-r", "--numstat", "--no-renames", "--no-ext-diff", "-z", old, new)
        counts: dict[str, tuple[int | None, int | None]] = {}
        for record in names(output):
            added, removed, path = record.split("\t", 2)
            counts[path] = (None, None) if added == "-" else (int(added), int(removed))
        differences = await self.differences(old, new)
        return tuple(FileChange(item.path, item.status, *counts.get(item.path, (0, 0))) for item in differences)

    async def mixed(self, base: str, other: str, paths: frozenset[str], scratch: Path) -> str:
        """`base` with `paths` (files, or folders with all below) as they are in `other`; missing there is removed.

        `scratch` is a folder for a temporary index.
        """
        removed = [f"0 {'0' * len(base)}\t{path}" for path, _ in await self._below(base, paths)]
        added = [f"{meta}\t{path}" for path, meta in await self._below(other, paths)]
        return await self._rewritten(base, [*removed, *added], scratch)

    async def joined(self, base: str, other: str | None, scratch: Path) -> str:
        """`base`, and of `other`, where there is one, the files for which `base` has nothing."""
        if other is None:
            return base
        lines = names(await self._git("ls-tree", "-r", "-z", "--full-tree", other))
        present = set(names(await self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", base)))
        return await self._rewritten(base, [line for line in lines if line.split("\t", 1)[1] not in present], scratch)

    async def with_files(self, base: str, files: Mapping[str, tuple[str, str] | None], scratch: Path) -> str:
        """`base` with each path of `files` as given: mode and object id, or None to have it removed.

        No path may lie below another one that is there.
        """
        removed = [f"0 {'0' * len(base)}\t{path}" for path, entry in files.items() if entry is None]
        added = [f"{entry[0]} {entry[1]}\t{path}" for path, entry in files.items() if entry is not None]
        return await self._rewritten(base, [*removed, *added], scratch)

    async def _rewritten(self, base: str, lines: Sequence[str], scratch: Path) -> str:
        """`base` after these lines of `git update-index --index-info`."""
        if not lines:
            return base
        index = scratch / f"index-{secrets.token_hex(4)}"
        records = b"".join(os.fsencode(line) + b"\0" for line in lines)
        try:
            await self._git("read-tree", base, index=index)
            await self._git("update-index", "--replace", "-z", "--index-info", stdin=records, index=index)
            # Contents that no two states differ in may be gone, see `history.py`.
            return (await self._git("write-tree", "--missing-ok", index=index)).decode().strip()
        finally:
            index.unlink(missing_ok=True)

    async def blob(self, oid: str) -> bytes:
        """The content of a file."""
        return await self._git("cat-file", "blob", oid)

    async def new_blob(self, content: bytes) -> str:
        """Keep a file's content as it is; gives its object id."""
        return (
            (await self._git("hash-object", "-w", "-t", "blob", "--no-filters", "--stdin", stdin=content))
            .decode()
            .strip()
        )

    async def patched(self, tree: str, patch: bytes, scratch: Path) -> str:
        """`tree` with a patch applied. Raises GitFailed with git's words where it does not apply."""
        index = scratch / f"index-{secrets.token_hex(4)}"
        try:
            await self._git("read-tree", tree, index=index)
            await self._git("apply", "--cached", "--binary", "--whitespace=nowarn", "-", stdin=patch, index=index)
            return (await self._git("write-tree", index=index)).decode().strip()
        finally:
            index.unlink(missing_ok=True)

    async def _below(self, tree: str, paths: frozenset[str]) -> list[tuple[str, str]]:
        found = []
        for record in names(await self._git("ls-tree", "-r", "-z", "--full-tree", tree)):
            meta, path = record.split("\t", 1)
            parts = path.split("/")
            if any("/".join(parts[:length]) in paths for length in range(1, len(parts) + 1)):
                found.append((path, meta))
        return found

    async def content(self, tree: str, path: str) -> bytes | None:
        """The bytes of a file as `tree` holds it; None where there is none, or a folder or a submodule."""
        for found, meta in await self._below(tree, frozenset({path})):
            _, kind, name = meta.split(" ", 2)
            if found == path and kind == "blob":
                return await self._git("cat-file", "blob", name)
        return None

    async def check_out(self, tree: str, paths: list[str], target: Path, scratch: Path) -> None:
        """Write files of `tree` below the new folder `target`, line ends and encodings as `tree`'s attributes ask."""
        index = scratch / f"index-{secrets.token_hex(4)}"
        empty = scratch / f"empty-{secrets.token_hex(4)}"
        empty.mkdir()
        target.mkdir()
        try:
            environment = git_environment(self._shadow, work_tree=empty, index=index)
            await run_git(("read-tree", tree), environment, cwd=self._shadow)
            listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
            arguments = ("checkout-index", "--force", f"--prefix={target}/", "-z", "--stdin")
            await run_git(arguments, environment, cwd=self._shadow, stdin=listed)
        finally:
            index.unlink(missing_ok=True)
            empty.rmdir()


def parents(path: str) -> Iterator[str]:
    """The folders above a relative path, the top not among them."""
    position = path.find("/")
    while position != -1:
        yield path[:position]
        position = path.find("/", position + 1)
