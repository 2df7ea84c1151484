"""A working tree seen through a shadow git folder: its state as tree objects, without a write to the user's `.git`."""

import asyncio
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from glmcode_sandbox.git.gitrun import GitFailed, GitStuck, git_environment, listing, names, run_git

LOOSE_STAT = (("core.checkStat", "minimal"), ("core.trustctime", "false"))
"""For copies: a file counts as unchanged by size and modification time, since inode and change time are new."""

LARGE_BYTES = 64 * 1024 * 1024
"""Untracked files that are larger at the start enter no tree."""

_MAX_PATTERNS = 2000
_IMPATIENT_S = 6.0


class GitView:
    """One working tree with an index of its own over a shadow git folder.

    `left_out` are the relative paths (folders end in a slash) that never enter a tree unless they are tracked: what
    was ignored, a repository of its own, or large, at the start. `absent` are tracked files that are not
    checked out.
    """

    def __init__(
        self,
        shadow: Path,
        work_tree: Path,
        index: Path,
        *,
        loose_stat: bool,
        read_only: bool = False,
        config: Sequence[tuple[str, str]] = (),
    ) -> None:
        """`read_only`: nothing is ever removed from the working tree, though git may be stuck at a pipe then."""
        self.shadow = shadow
        self.work_tree = work_tree
        self.index = index
        self.left_out: frozenset[str] = frozenset()
        self.large: tuple[str, ...] = ()
        self.submodules: tuple[str, ...] = ()
        self.absent: tuple[str, ...] = ()
        self._read_only = read_only
        self._patient = False
        self._lock = asyncio.Lock()
        settings = (*(LOOSE_STAT if loose_stat else ()), *config)
        self._environment = git_environment(shadow, work_tree=work_tree, index=index, config=settings)

    async def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """One git command on this working tree and index."""
        if not self._patient:
            try:
                return await run_git(arguments, self._environment, cwd=self.shadow, stdin=stdin, timeout_s=_IMPATIENT_S)
            except GitStuck:
                # git opens these by name and would wait for a writer for ever.
                self._patient = self._read_only or not await asyncio.to_thread(_remove_pipes, self.work_tree)
        return await run_git(arguments, self._environment, cwd=self.shadow, stdin=stdin)

    async def load_index(self, source: Path) -> None:
        """Start from a copy of an index, for what it knows of unchanged files; from nothing where it does not load."""
        try:
            await asyncio.to_thread(_copy_index, source, self.shadow, self.index)
            output = await self.git("ls-files", "-v", "-s", "-z")
        except (OSError, GitFailed):
            self.index.unlink(missing_ok=True)
            return
        entries = [(record[0], *record[2:].split("\t", 1)) for record in names(output)]
        if any(part.lower() in ("", ".", "..", ".git") for *_, path in entries for part in path.split("/")):
            # Only a forged index holds such names.
            self.index.unlink()
            return
        self.submodules = tuple(path for _, meta, path in entries if meta.startswith("160000"))
        self.absent = tuple(path for tag, _, path in entries if tag in "Ss")
        assumed = [path for tag, _, path in entries if tag.islower()]
        if assumed:
            await self.git("update-index", "--no-assume-unchanged", "-z", "--stdin", stdin=listing(assumed))

    async def fix_left_out(self) -> None:
        """Remember what is ignored, and which untracked folders are repositories, from now on."""
        ignored = await self.ignored()
        # git lists a folder of nothing but ignored files beside those files; only the files are ignored then.
        holders = {f"{parent}/" for path in ignored for parent in _parents(path.rstrip("/"))}
        others = names(await self.git("ls-files", "-o", "--exclude-standard", "-z"))
        nested = [path for path in others if path.endswith("/")]
        self.large = tuple(path for path in others if self._is_large(path))
        self.left_out = frozenset([*(path for path in ignored if path not in holders), *nested, *self.large])
        folders = sorted(path for path in self.left_out if path.endswith("/") and "\n" not in path)
        with (self.shadow / "info" / "exclude").open("ab") as file:
            file.writelines(b"/" + _pattern(path) + b"\n" for path in folders[:_MAX_PATTERNS])

    def _is_large(self, path: str) -> bool:
        try:
            return (self.work_tree / path).lstat().st_size > LARGE_BYTES and not path.endswith("/")
        except OSError:
            return False

    async def tree(self) -> str:
        """The present state of the working tree as a tree object."""
        async with self._lock:
            return await self._look_at_everything()

    async def quick_tree(self) -> str:
        """Like `tree`, for views that know what was touched."""
        return await self.tree()

    def close(self) -> None:
        """End what such views hold."""

    async def _look_at_everything(self) -> str:
        try:
            await self._update()
        except GitFailed:
            # Files may vanish or change their kind between listing and reading; once more, without the unreadable.
            await self._update(readable_only=True)
        return await self._write_tree()

    async def _update(self, *, readable_only: bool = False) -> None:
        if self.absent:
            present = [path for path in self.absent if os.path.lexists(self.work_tree / path)]
            if present:
                await self.git("update-index", "--no-skip-worktree", "-z", "--stdin", stdin=listing(present))
                self.absent = tuple(path for path in self.absent if path not in set(present))
        changes, new = await asyncio.gather(self._changed(), self._untracked(), return_exceptions=True)
        if isinstance(changes, BaseException):
            raise changes
        if isinstance(new, BaseException):
            raise new
        gone, changed = changes
        if readable_only:
            changed, new = ([path for path in paths if self._readable(path)] for paths in (changed, new))
        await self._enter(gone, [*changed, *new])

    async def _enter(self, gone: Sequence[str], there: Sequence[str]) -> None:
        """Note in the index what is not there any more, and what is."""
        if gone:
            await self.git("update-index", "--force-remove", "-z", "--stdin", stdin=listing(gone))
        if there:
            await self.git("update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=listing(there))

    async def _write_tree(self) -> str:
        return (await self.git("write-tree")).decode().strip()

    async def _changed(self) -> tuple[list[str], list[str]]:
        # Never `git add` or `git status`: both run git inside nested repositories, with the settings found there.
        fields = names(await self.git("diff-files", "--name-status", "--ignore-submodules=all", "--no-renames", "-z"))
        gone: list[str] = []
        changed: list[str] = []
        for letter, path in zip(fields[::2], fields[1::2], strict=True):
            keep = letter != "D" and self._storable(path)
            (changed if keep else gone).append(path)
        return gone, changed

    async def _untracked(self) -> list[str]:
        found: list[str] = []
        for path in names(await self.git("ls-files", "-o", "--exclude-standard", "-z")):
            if self._is_left_out(path):
                continue
            if path.endswith("/"):
                found.extend(await asyncio.to_thread(_files_below, self.work_tree, path))
            else:
                found.append(path)
        return found

    def _is_left_out(self, path: str) -> bool:
        return path in self.left_out or any(f"{parent}/" in self.left_out for parent in _parents(path.rstrip("/")))

    def _storable(self, path: str) -> bool:
        try:
            mode = (self.work_tree / path).lstat().st_mode
        except OSError:
            return False
        return stat.S_ISREG(mode) or stat.S_ISLNK(mode)

    def _readable(self, path: str) -> bool:
        with suppress(OSError):
            if stat.S_ISLNK((self.work_tree / path).lstat().st_mode):
                return True
            os.close(os.open(self.work_tree / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))
            return True
        return False

    async def read_tree(self, tree: str) -> None:
        """Make index and working tree hold exactly `tree`, beside what is left out."""
        await self.git("read-tree", "--reset", "-u", "--no-recurse-submodules", tree)

    async def remove_others(self) -> None:
        """Delete from the working tree, a copy of ours, what is neither in the index nor left out."""
        others = names(await self.git("ls-files", "-o", "-z"))
        doomed = [self.work_tree / path for path in others if not path.endswith("/") and not self._is_left_out(path)]
        await asyncio.to_thread(_remove, doomed)
        await asyncio.to_thread(lambda: _remove([self.work_tree / path for path in self.new_git_folders()]))

    def new_git_folders(self) -> list[str]:
        """Relative paths of `.git` entries below the top that were not there at the start. Walks the working tree."""
        found = []
        for folder, folders, files in os.walk(self.work_tree):
            relative = "" if Path(folder) == self.work_tree else f"{Path(folder).relative_to(self.work_tree)}/"
            if relative.rstrip("/") in self.submodules or self._is_left_out(relative):
                folders.clear()
                continue
            if relative and ".git" in [*folders, *files]:
                found.append(f"{relative}.git")
            folders[:] = [name for name in folders if name != ".git"]
        return sorted(found)

    async def entries(self, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
        """`{path: (mode, object id)}` of those of `paths` that are files in the working tree now, ignored or not."""
        async with self._lock:
            files = [path for path in paths if self._storable(path)]
            # Not in the index itself: what is ignored would be in every tree from then on.
            index = self.index.with_name(f"{self.index.name}-{secrets.token_hex(4)}")
            aside = GitView(self.shadow, self.work_tree, index, loose_stat=False)
            aside._environment = {**self._environment, "GIT_INDEX_FILE": str(index)}
            try:
                if self.index.exists():
                    await asyncio.to_thread(shutil.copy2, self.index, index)
                await aside.git("update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=listing(files))
                wanted = set(files)
                records = (record.split("\t", 1) for record in names(await aside.git("ls-files", "-s", "-z")))
                parsed = ((path, meta.split()) for meta, path in records if path in wanted)
                return {path: (mode, oid) for path, (mode, oid, _) in parsed}
            finally:
                index.unlink(missing_ok=True)

    async def ignored(self) -> list[str]:
        """What is ignored, folders with nothing else in them as a whole and with a slash at their end."""
        return names(await self.git("ls-files", "-o", "-i", "--exclude-standard", "--directory", "-z"))

    def touched_ignored(self) -> list[str] | None:
        """What of that may be new since `ignored`; None where it is not known."""
        return None


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _remove_pipes(work_tree: Path) -> bool:
    found = False
    for _, _, files, descriptor in os.fwalk(work_tree):
        for name in {".gitignore", ".gitattributes"}.intersection(files):
            with suppress(OSError):
                if stat.S_ISFIFO(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                    os.unlink(name, dir_fd=descriptor)
                    found = True
    return found


def _parents(path: str) -> Iterator[str]:
    position = path.find("/")
    while position != -1:
        yield path[:position]
        position = path.find("/", position + 1)


def _pattern(path: str) -> bytes:
    return b"".join(b"\\" + bytes([byte]) if byte in b"\\*?[" else bytes([byte]) for byte in os.fsencode(path))


def _files_below(work_tree: Path, path: str) -> list[str]:
    found = []
    for folder, folders, files in os.walk(work_tree / path):
        folders[:] = [name for name in folders if name.lower() != ".git"]
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        relative = Path(folder).relative_to(work_tree)
        for name in [*files, *links]:
            candidate = Path(folder) / name
            with suppress(OSError):
                mode = candidate.lstat().st_mode
                if name.lower() != ".git" and (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                    found.append(str(relative / name))
    return found


def _copy_index(source: Path, shadow: Path, index: Path) -> None:
    # The time of the copy must stay: git tells by it which entries may have changed unnoticed.
    shutil.copy2(source, index, follow_symlinks=False)
    for part in source.parent.glob("sharedindex.*"):
        if not (shadow / part.name).exists():
            shutil.copy2(part, shadow / part.name, follow_symlinks=False)
