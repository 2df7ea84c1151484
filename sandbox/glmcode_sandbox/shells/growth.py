"""Watches how much a running command adds to the workspace, in bytes and files, and what it leaves of the disk."""

import asyncio
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from glmcode_sandbox.base import Limits, Mount

WALK_S = 10.0
"""Looking closer ends then; what was not seen by then is not blamed on the command."""
_CLOCK_SLACK_NS = 20_000_000
"""File times come from a clock that lags behind by a few milliseconds."""
_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Room:
    """What a file system has in use and to offer: bytes and inodes."""

    used: int
    free: int
    used_files: int
    free_files: int
    counts_files: bool
    """Some file systems (btrfs) have no fixed number of inodes."""


class Growth:
    """Knows the folders that commands write to. One for a shell; `meter` for each command."""

    def __init__(self, folders: Callable[[], Iterable[Path]], limits: Limits) -> None:
        self._folders = folders
        self._limits = limits

    def meter(self) -> "Meter":
        """Begin to watch a command that starts now."""
        return Meter(tuple(self._folders()), self._limits)


class Meter:
    """One command's growth. Asking costs microseconds; a closer look only follows where the disk shows one."""

    def __init__(self, folders: tuple[Path, ...], limits: Limits) -> None:
        self._limits = limits
        self._folders = folders
        self._began_ns = time.time_ns() - _CLOCK_SLACK_NS
        self._first = {folder: room for folder in folders if (room := _room(folder)) is not None}
        self._base = dict(self._first)

    async def exceeded(self) -> str | None:
        """Why the command must be stopped; None while it may go on."""
        for folder, before in self._base.items():
            now = _room(folder)
            if now is None:
                continue
            if told := self._crowded(self._first[folder], now):
                return told
            if (
                now.used - before.used > self._limits.growth_bytes
                or now.used_files - before.used_files > self._limits.growth_files
            ):
                if told := await asyncio.to_thread(self._blamed):
                    return told
                # Somebody else's doing: the count starts again from here.
                self._base[folder] = now
            elif now.used < before.used or now.used_files < before.used_files:
                # Somebody made room, which must not hide what is added from now on.
                self._base[folder] = replace(
                    now,
                    used=min(now.used, before.used),
                    used_files=min(now.used_files, before.used_files),
                )
        return None

    def _crowded(self, first: Room, now: Room) -> str | None:
        if now.free < min(self._limits.free_bytes, first.free // 2):
            return f"stopped: only {now.free // _MIB:,} MiB are left on the workspace's disk"
        if now.counts_files and now.free_files < min(self._limits.free_files, first.free_files // 2):
            return f"stopped: the workspace's file system has room for only {now.free_files:,} more files"
        return None

    def _blamed(self) -> str | None:
        size = files = 0
        deadline = time.monotonic() + WALK_S
        for status in _changed(self._folders, self._began_ns, deadline):
            size, files = size + status.st_blocks * 512, files + 1
            if size > self._limits.growth_bytes:
                return f"stopped: it added more than {self._limits.growth_bytes // _MIB:,} MiB to the workspace"
            if files > self._limits.growth_files:
                return f"stopped: it added more than {self._limits.growth_files:,} files to the workspace"
        return None


def written_folders(mounts: Iterable[Mount]) -> list[Path]:
    """Where on the host the writes to these mounts land."""
    return [mount.overlay.upper if mount.overlay else mount.source for mount in mounts if not mount.read_only]


def _changed(folders: Iterable[Path], since_ns: int, deadline: float) -> Iterator[os.stat_result]:
    """What is in these folders and was changed since then; each file once, links not followed."""
    waiting: list[str | Path] = [*folders]
    seen: set[tuple[int, int]] = set()
    while waiting and time.monotonic() < deadline:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(status.st_mode):
                        waiting.append(entry.path)
                    elif status.st_nlink > 1:
                        key = (status.st_dev, status.st_ino)
                        if key in seen:
                            continue
                        seen.add(key)
                    if status.st_ctime_ns >= since_ns:
                        yield status


def _room(folder: Path) -> Room | None:
    """None where it cannot be told: a folder of another machine, or gone."""
    try:
        told = os.statvfs(folder)
    except OSError:
        return None
    return Room(
        (told.f_blocks - told.f_bfree) * told.f_frsize,
        told.f_bavail * told.f_frsize,
        told.f_files - told.f_ffree,
        told.f_favail,
        told.f_files > 0,
    )
