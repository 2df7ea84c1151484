"""A private copy of some of the files of a folder that others write in, kept up to date by copying what changed."""

import os
import shutil
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from glmcode_sandbox.beneath import opened, parent_of, parts_of
from glmcode_sandbox.copytree import copy_file, copy_link
from glmcode_sandbox.git.trees import parents
from glmcode_sandbox.workspaces.upper import Fingerprint, fingerprint, is_settled


class Mirror:
    """The folder `place`, where git may look at files without anybody changing them or their folders meanwhile."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._held: dict[str, Fingerprint] = {}
        if place.exists():
            # What an earlier process held here is not known, and would be in the way of every copy.
            shutil.rmtree(place)
        place.mkdir(mode=0o700)

    def keep_only(self, wanted: Mapping[str, os.stat_result]) -> None:
        """Drop what is not wanted, or not what it was. Blocks."""
        stale = [path for path in self._held if path not in wanted or self._differs(path, wanted[path])]
        with opened(self.place) as root:
            for path in stale:
                self._drop(root, path)

    def take(self, source: Path, wanted: Mapping[str, os.stat_result]) -> tuple[list[str], list[str]]:
        """Copy those of `wanted` that are not held; gives their paths, and those that cannot be read. Blocks.

        Call `keep_only` before: nothing that is held may be in the way.
        """
        now = time.time_ns()
        taken: list[str] = []
        refused: list[str] = []
        with opened(source) as origin, opened(self.place) as root:
            for path, status in wanted.items():
                if path in self._held:
                    continue
                try:
                    self._copy(origin, root, path, status)
                except OSError:
                    refused.append(path)
                    with suppress(OSError), parent_of(root, parts_of(path)) as folder:
                        os.unlink(path.rpartition("/")[2], dir_fd=folder)
                    continue
                taken.append(path)
                # Nothing equals the empty fingerprint: such a file is copied again the next time.
                self._held[path] = fingerprint(status) if is_settled(status, now) else ()
        return taken, refused

    def _differs(self, path: str, status: os.stat_result) -> bool:
        return self._held[path] != fingerprint(status)

    def _drop(self, root: int, path: str) -> None:
        del self._held[path]
        with suppress(FileNotFoundError), parent_of(root, parts_of(path)) as folder:
            os.unlink(path.rpartition("/")[2], dir_fd=folder)
        for parent in reversed(list(parents(path))):
            try:
                with parent_of(root, parts_of(parent)) as folder:
                    os.rmdir(parent.rpartition("/")[2], dir_fd=folder)
            except OSError:
                return

    def _copy(self, origin: int, root: int, path: str, status: os.stat_result) -> None:
        parts = parts_of(path)
        for length in range(1, len(parts)):
            with suppress(FileExistsError), parent_of(root, parts[:length]) as folder:
                os.mkdir(parts[length - 1], 0o700, dir_fd=folder)
        with parent_of(origin, parts) as source, parent_of(root, parts) as target:
            if stat.S_ISLNK(status.st_mode):
                copy_link(source, target, parts[-1], status)
            else:
                copy_file(source, target, parts[-1])
