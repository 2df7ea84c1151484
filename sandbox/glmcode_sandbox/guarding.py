"""Takes back what commands in a direct workspace did to files that the person's git runs or obeys by itself.

Mounts keep commands from most of that (`mounts.py`), but a folder above a mount can be moved away, and what does not
exist yet cannot be mounted. So the guard looks before and after; nothing of the sandbox may run any more by then.
"""

import asyncio
import os
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from glmcode_sandbox.gitrun import GitFailed, git_environment, names, run_git
from glmcode_sandbox.privategit import plain_config
from glmcode_sandbox.protected import protected

ASIDE = ".git.taken-back"
"""What a `.git` becomes that cannot be made harmless."""
_HARMLESS = frozenset(("core.logallrefupdates", "core.precomposeunicode", "init.defaultbranch"))
_KEPT_BYTES = 1024 * 1024
_CLOCK_NS = 20_000_000
"""How far change times may lie behind the clock."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A protected file as it was."""

    mark: tuple[int, int, int, int]
    mode: int
    content: bytes | None = None
    """Of a hook: its bytes, or what a link leads to; None where it was no small file or link."""


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
        now = await asyncio.to_thread(self._look)
        changed = [path for path, seen in now.items() if not self._same(seen, self._before.get(path))]
        kept: list[str] = []
        for path in changed:
            if path.rpartition("/")[2].lower() == ".git":
                (back if await self._disarm(self._top / path) else kept).append(path)
            elif not self._is_hook(path):
                kept.append(path)
        hooks = {path for path in (*changed, *(self._before.keys() - now.keys())) if self._is_hook(path)}
        back += await asyncio.to_thread(self._restore, sorted(hooks))
        back += await asyncio.to_thread(self._strip)
        return Taken(tuple(sorted(set(back))), tuple(sorted(kept)))

    def _look(self) -> dict[str, Seen]:
        paths = [entry.path[len(str(self._top)) + 1 :] for entry in _walk(self._top)]
        found = {}
        for path in protected(paths, self._hooks):
            with suppress(OSError):
                found[path] = self._see(path)
        return found

    def _see(self, path: str) -> Seen:
        status = (self._top / path).lstat()
        # A folder's times change with what is in it, which is looked at by itself.
        folder = stat.S_ISDIR(status.st_mode)
        times = (0, 0) if folder else (status.st_size, status.st_ctime_ns)
        content = None
        if self._is_hook(path) and stat.S_ISLNK(status.st_mode):
            content = os.fsencode((self._top / path).readlink())
        elif self._is_hook(path) and stat.S_ISREG(status.st_mode) and status.st_size <= _KEPT_BYTES:
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
            _remove(entry.with_name(ASIDE))
            entry.rename(entry.with_name(ASIDE))
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

    def _restore(self, paths: Sequence[str]) -> list[str]:
        done = []
        for path in paths:
            target, seen = self._top / path, self._before.get(path)
            if seen is not None and (seen.content is None or not target.parent.resolve().is_relative_to(self._top)):
                continue
            if seen is None and stat.S_ISDIR(target.lstat().st_mode):
                continue
            _remove(target)
            if seen is not None:
                _make(target, seen, self._top.stat())
            done.append(path)
        return done

    def _strip(self) -> list[str]:
        """Take setuid and setgid bits from files: another user of this machine could start them."""
        done = []
        for entry in _walk(self._top):
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                fresh = status.st_ctime_ns >= self._began_ns
                if fresh and stat.S_ISREG(status.st_mode) and status.st_mode & 0o6000:
                    os.chmod(entry.path, stat.S_IMODE(status.st_mode) & 0o1777)  # noqa: PTH101
                    done.append(entry.path[len(str(self._top)) + 1 :])
        return done


def _walk(top: Path) -> Iterator[os.DirEntry[str]]:
    """Everything below a repository but what is in git folders; no link is followed."""
    waiting = [str(top)]
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            if entry.name.lower() == ".git" and folder == str(top):
                continue
            yield entry
            if entry.is_dir(follow_symlinks=False) and entry.name.lower() != ".git":
                waiting.append(entry.path)


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
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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
