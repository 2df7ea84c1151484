"""Takes back what commands in a direct workspace did to files that the person's git runs or obeys by itself.

Mounts keep commands from most of that (`mounts.py`), but a folder above a mount can be moved away, and what does not
exist yet cannot be mounted. So the guard looks before and after; nothing of the sandbox may run any more by then.
"""

import asyncio
import os
import stat
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from glmcode_sandbox.git.gitrun import GitFailed, git_environment, names, run_git
from glmcode_sandbox.git.privategit import plain_config
from glmcode_sandbox.git.protected import protected
from glmcode_sandbox.git.walking import Found, walk

ASIDE = ".git.taken-back"
"""What a `.git` becomes that cannot be made harmless."""
_HARMLESS = frozenset(("core.logallrefupdates", "core.precomposeunicode", "init.defaultbranch"))
_CONTROLS = frozenset(("config", "config.worktree", "commondir", "gitdir"))
_HISTORY = frozenset(("objects", "refs", "logs", "lfs"))
_KEPT_BYTES = 1024 * 1024
_PATH_BYTES = 3900
"""What of a path may be had beside the names in a git folder."""
_CLOCK_NS = 20_000_000
"""How far change times may lie behind the clock."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A protected file as it was."""

    mark: tuple[int, int, int, int]
    mode: int
    content: bytes | None = None
    """Of what git runs or obeys: its bytes, or what a link leads to; None where it was no small file or link."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a guard found. Untrusted paths, relative to the repository."""

    back: tuple[str, ...] = ()
    """Undone."""
    kept: tuple[str, ...] = ()
    """Changed and left so: a word to the person is due."""


class Guard:
    """Watches one repository from `begin` to `end`."""

    def __init__(self, top: Path, hook_paths: Sequence[str]) -> None:
        """`hook_paths` as in `Workspace`."""
        self._top = top
        self._hooks = tuple(hook_paths)
        self._before: dict[str, Seen] = {}
        self._links: frozenset[str] = frozenset()
        self._began_ns = 0

    async def begin(self) -> None:
        """Take down how everything is."""
        self._began_ns = time.time_ns() - _CLOCK_NS
        self._before = await asyncio.to_thread(self._look)
        self._links = frozenset(self._links_above())

    async def accept(self, paths: Sequence[str]) -> None:
        """Let files, and the folders they are in, stay as they are now: the person said so."""
        await asyncio.to_thread(self._accept, paths)

    def _accept(self, paths: Sequence[str]) -> None:
        above = {str(folder) for path in paths for folder in PurePosixPath(path).parents} - {"."}
        for path in (*paths, *above):
            self._before.pop(path, None)
            with suppress(OSError):
                self._before[path] = self._see(path)

    async def end(self) -> Taken:
        """Undo what must not stay, and say what changed. Raises OSError."""
        back = await asyncio.to_thread(self._unlink)
        back += await asyncio.to_thread(self._sweep)
        now = await asyncio.to_thread(self._look)
        changed = [path for path, seen in now.items() if not self._same(seen, self._before.get(path))]
        kept: list[str] = []
        fresh: set[str] = set()
        for path in filter(_is_git, changed):
            if (before := self._before.get(path)) is not None and before.content is not None:
                await asyncio.to_thread(self._put_back, path, before)
                back.append(path)
                continue
            fresh.add(path)
            (back if await self._disarm(self._top / path) else kept).append(path)
        armed = []
        for path in sorted({*changed, *(self._before.keys() - now.keys())}):
            if self._is_hook(path) or (_is_control(path) and self._is_old(_git_above(path), fresh)):
                armed.append(path)
            elif path in now and not _is_git(path) and not _is_control(path):
                kept.append(path)
        restored, lost = await asyncio.to_thread(self._restore, armed)
        return Taken(tuple(sorted({*back, *restored})), tuple(sorted({*kept, *lost})))

    def _is_old(self, git: str, fresh: set[str]) -> bool:
        """Whether an inner git folder is there as it was, so that what it held counts."""
        return git in self._before and git not in fresh and (self._top / git).is_dir()

    def _look(self) -> dict[str, Seen]:
        paths = [found.path for found in walk(self._top, enters=_may_matter)]
        found = {}
        for path in protected(paths, self._hooks):
            if self._is_hook(path) or not _git_above(path) or _is_control(path):
                with suppress(OSError):
                    found[path] = self._see(path)
        return found

    def _see(self, path: str) -> Seen:
        status = (self._top / path).lstat()
        # A folder's times change with what is in it, which is looked at by itself.
        folder = stat.S_ISDIR(status.st_mode)
        times = (0, 0) if folder else (status.st_size, status.st_ctime_ns)
        content = None
        if self._is_hook(path) or _is_git(path) or _is_control(path):
            if stat.S_ISLNK(status.st_mode):
                content = os.fsencode((self._top / path).readlink())
            elif stat.S_ISREG(status.st_mode) and status.st_size <= _KEPT_BYTES:
                content = (self._top / path).read_bytes()
        return Seen((status.st_ino, status.st_mode if not folder else 0, *times), status.st_mode, content)

    def _same(self, seen: Seen, before: Seen | None) -> bool:
        if before is None or seen.content is None or before.content is None:
            return before is not None and seen.mark == before.mark
        return (seen.content, seen.mode) == (before.content, before.mode)

    def _is_hook(self, path: str) -> bool:
        return any(path == hook or path.startswith(f"{hook}/") for hook in self._hooks)

    def _links_above(self) -> list[str]:
        """Folders above hooks that are links."""
        above = {"/".join(hook.split("/")[:length]) for hook in self._hooks for length in range(1, hook.count("/") + 1)}
        return sorted(path for path in above if (self._top / path).is_symlink())

    def _unlink(self) -> list[str]:
        fresh = [path for path in self._links_above() if path not in self._links]
        for path in fresh:
            (self._top / path).unlink()
        return fresh

    async def _disarm(self, entry: Path) -> bool:
        """Leave a `.git` that appeared nothing that git would run; False where there was no such thing."""
        if entry.is_symlink() or not entry.is_dir() or os.path.lexists(entry / "commondir"):
            _set_aside(entry)
            return True
        config, hooks = entry / "config", entry / "hooks"
        disarmed = False
        if os.path.lexists(hooks) and (hooks.is_symlink() or not hooks.is_dir() or _armed(hooks)):
            _remove(hooks)
            disarmed = True
        if not os.path.lexists(config):
            return disarmed
        if config.is_symlink() or not config.is_file():
            _remove(config)
            return True
        return await _make_plain(config) or disarmed

    def _restore(self, paths: Sequence[str]) -> tuple[list[str], list[str]]:
        """Bring these back to how they were; those that were, and those whose content nobody kept."""
        done, lost = [], []
        for path in paths:
            target, seen = self._top / path, self._before.get(path)
            if seen is not None and (seen.content is None or not target.parent.resolve().is_relative_to(self._top)):
                lost += [path] if stat.S_ISREG(seen.mode) and os.path.lexists(target) else []
                continue
            if seen is None and stat.S_ISDIR(target.lstat().st_mode):
                continue
            self._put_back(path, seen)
            done.append(path)
        return done, lost

    def _put_back(self, path: str, seen: Seen | None) -> None:
        target = self._top / path
        if _is_git(path) and target.is_dir() and not target.is_symlink():
            _set_aside(target)
        _remove(target)
        if seen is not None:
            _make(target, seen, self._top.stat())

    def _sweep(self) -> list[str]:
        """Open closed folders, set aside repositories that few programs can reach, and take setuid and setgid bits from
        files: another user of this machine could start them."""
        done = []
        room = _PATH_BYTES - len(os.fsencode(self._top))
        for found in walk(self._top, closed_since_ns=self._began_ns):
            with suppress(OSError):
                if _is_git(found.path) and len(os.fsencode(found.path)) > room:
                    os.rename(found.entry.name, ASIDE, src_dir_fd=found.folder, dst_dir_fd=found.folder)
                    done.append(found.path)
                elif self._strip(found):
                    done.append(found.path)
        return done

    def _strip(self, found: Found) -> bool:
        status = found.entry.stat(follow_symlinks=False)
        fresh = status.st_ctime_ns >= self._began_ns
        if not (fresh and stat.S_ISREG(status.st_mode) and status.st_mode & 0o6000):
            return False
        os.chmod(found.entry.name, stat.S_IMODE(status.st_mode) & 0o1777, dir_fd=found.folder)
        return True


def _is_git(path: str) -> bool:
    return path.rpartition("/")[2].lower() == ".git"


def _git_above(path: str) -> str:
    """The first git folder that something lies in; empty where it lies in none."""
    parts = path.split("/")
    at = next((at for at, part in enumerate(parts[:-1]) if part.lower() == ".git"), None)
    return "" if at is None else "/".join(parts[: at + 1])


def _is_control(path: str) -> bool:
    """Whether it is in a git folder, and git runs or obeys it."""
    *folders, name = path.split("/")
    return bool(_git_above(path)) and (name in _CONTROLS or folders[-1] == "hooks")


def _may_matter(folder: str) -> bool:
    """Whether anything below may be protected: of a git folder the most is history."""
    *folders, name = folder.split("/")
    return name not in _HISTORY or folders[-1:] == ["modules"] or not _git_above(folder)


def _armed(hooks: Path) -> bool:
    return any(not path.name.endswith(".sample") for path in hooks.iterdir())


async def _make_plain(config: Path) -> bool:
    """Leave in a configuration only what describes the repository, if there is anything else."""
    fresh = config.with_name("config.plain")
    _remove(fresh)
    try:
        fresh.write_text(await plain_config(config))
        if all(_is_harmless(key) for key in await _keys(config) - await _keys(fresh)):
            fresh.unlink()
            return False
    except GitFailed:
        fresh.write_text("")
    status = config.stat()
    if os.geteuid() == 0:
        os.chown(fresh, status.st_uid, status.st_gid)
    fresh.chmod(stat.S_IMODE(status.st_mode) & 0o666)
    fresh.replace(config)
    return True


async def _keys(config: Path) -> set[str]:
    words = ("config", "--file", str(config), "--no-includes", "--list", "--name-only", "-z")
    return set(names(await run_git(words, git_environment(Path("/nonexistent")), cwd=config.parent)))


def _is_harmless(key: str) -> bool:
    return key in _HARMLESS or (key.startswith("remote.") and key.endswith(".url"))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        # However deep it is nested, which is too deep for Python's own.
        subprocess.run(("rm", "-rf", "--", str(path)), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    else:
        path.unlink(missing_ok=True)


def _set_aside(entry: Path) -> None:
    _remove(entry.with_name(ASIDE))
    entry.rename(entry.with_name(ASIDE))


def _make(target: Path, seen: Seen, like: os.stat_result) -> None:
    """Put a hook back, in folders that may be gone."""
    made = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    assert seen.content is not None
    if stat.S_ISLNK(seen.mode):
        target.symlink_to(os.fsdecode(seen.content))
    else:
        target.write_bytes(seen.content)
        target.chmod(stat.S_IMODE(seen.mode))
    if os.geteuid() == 0:
        for path in (*made, target):
            os.chown(path, like.st_uid, like.st_gid, follow_symlinks=False)
