"""Shares a scan between processes where there is enough to read and more than one core."""

import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from glmcode.context.index.scan import Batch, Seen, scan
from glmcode.context.reading import open_root

MIN_FILES = 600
"""Below that a second process costs more than it saves."""
TOLD_EVERY = 100
"""Files between two words on how many are read."""


class Scanner:
    """Scans files in this process and, for many, every other one in a helping process."""

    def __init__(
        self, root: int, known: set[str], terms: Collection[str], helper: "subprocess.Popen[bytes] | None"
    ) -> None:
        self._root, self._known, self._terms, self._helper = root, known, terms, helper

    def scan(self, paths: Sequence[Seen], number: int, settle: bool, on_read: Callable[[int], None]) -> list[Batch]:
        """What the files hold; their blobs are numbered from `number` on. `on_read` is told how many are read."""
        if self._helper is None or len(paths) < 2:
            return [self._scan(_told(paths, on_read), number, settle)]
        # Every other file, since files of one folder are alike in size.
        mine, theirs = paths[::2], paths[1::2]
        asked = self._ask(theirs, number + len(mine), settle)
        both = _told(mine, lambda count: on_read(2 * count))
        batch = self._scan(both, number, settle)
        other = self._answer() if asked else None
        if other is None:
            other = self._scan(theirs, number + len(mine), settle)
        self._known.update(file.hash for file in other.files if file.hash)
        return [batch, other]

    def _scan(self, paths: Iterable[Seen], number: int, settle: bool) -> Batch:
        return scan(self._root, paths, self._known, number, settle, self._terms)

    def _ask(self, paths: Sequence[Seen], number: int, settle: bool) -> bool:
        assert self._helper is not None and self._helper.stdin is not None
        try:
            pickle.dump((paths, number, settle), self._helper.stdin, protocol=5)
            self._helper.stdin.flush()
        except OSError:
            self._helper = None
        return self._helper is not None

    def _answer(self) -> Batch | None:
        assert self._helper is not None and self._helper.stdout is not None
        try:
            batch: Batch = pickle.load(self._helper.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            self._helper = None  # it died: the rest is done here
            return None
        return batch


def _told(paths: Sequence[Seen], on_read: Callable[[int], None]) -> Iterator[Seen]:
    for count, path in enumerate(paths):
        if count and count % TOLD_EVERY == 0:
            on_read(count)
        yield path


@contextmanager
def scanner(root: int, repo: Path, files: int, known: set[str], terms: Collection[str] = ()) -> Iterator[Scanner]:
    """A scanner for about so many files below `repo`, open as `root`; `known` blobs are not counted again.

    `terms` are looked for at once (see `scan`).
    """
    if files < MIN_FILES or len(os.sched_getaffinity(0)) < 2:
        yield Scanner(root, known, terms, None)
        return
    # A process of its own rather than a fork: the caller may have threads.
    helper = subprocess.Popen(
        [sys.executable, "-P", "-m", __spec__.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert helper.stdin is not None and helper.stdout is not None
    try:
        with suppress(OSError):
            pickle.dump((os.fspath(repo), known, list(terms)), helper.stdin, protocol=5)
        yield Scanner(root, known, terms, helper)
    finally:
        helper.kill()
        with suppress(OSError):
            helper.stdin.close()
        helper.stdout.close()
        helper.wait()


def main() -> None:
    """The helping process: the folder, then what to scan comes on standard input; batches go to standard output."""
    repo, known, terms = pickle.load(sys.stdin.buffer)
    gc.disable()  # nothing here refers to itself, and looking for it takes an eighth of the time
    with open_root(Path(repo)) as root, suppress(EOFError):
        while True:
            paths, number, settle = pickle.load(sys.stdin.buffer)
            pickle.dump(scan(root, paths, known, number, settle, terms), sys.stdout.buffer, protocol=5)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
