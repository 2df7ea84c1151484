"""Shares a scan between processes where there is enough to read and more than one core."""

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from glmcode.context.files import open_root
from glmcode.context.index.scan import Batch, Seen, scan
from glmcode.context.index.words import TermCounter

MIN_FILES = 600
"""Below that a second process costs more than it saves."""
CHUNK_FILES = 4000
"""So many files make one batch, so that memory stays bounded."""


def scan_in_processes(root: int, repo: Path, paths: Sequence[Seen], known: frozenset[str]) -> list[Batch]:
    """Scan the files, half of them in a second process where that pays."""
    if len(paths) < MIN_FILES or len(os.sched_getaffinity(0)) < 2:
        return [scan(root, paths, known, TermCounter())]
    # Every other file, since files of one folder are alike in size.
    with _start(repo, paths[1::2], known) as helper:
        mine = scan(root, paths[::2], known, TermCounter())
        assert helper.stdout is not None
        answer = helper.stdout.read()
    if helper.returncode != 0:
        return [mine, scan(root, paths[1::2], known, TermCounter())]
    theirs: Batch = pickle.loads(answer)
    return [mine, theirs]


def _start(repo: Path, paths: Sequence[Seen], known: frozenset[str]) -> "subprocess.Popen[bytes]":
    # A process of its own rather than a fork: the caller may have threads.
    helper = subprocess.Popen(
        [sys.executable, "-P", "-m", __spec__.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert helper.stdin is not None
    pickle.dump((os.fspath(repo), list(paths), known), helper.stdin, protocol=5)
    helper.stdin.close()
    return helper


def main() -> None:
    """The helping process: what to scan comes on standard input, the batch goes to standard output."""
    repo, paths, known = pickle.load(sys.stdin.buffer)
    with open_root(Path(repo)) as root:
        batch = scan(root, paths, known, TermCounter())
    pickle.dump(batch, sys.stdout.buffer, protocol=5)


if __name__ == "__main__":
    main()
