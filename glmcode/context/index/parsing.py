"""The process that parses files, which may crash or stall. Imports little: a single edit starts it."""

import json
import pickle
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from glmcode.context.index.pieces import Piece, pieces_of, plain
from glmcode.context.reading import open_root, read_bytes

MAX_PARSED_BYTES = 1024 * 1024
"""Larger files are cut by their lines alone."""
STARTED = b"started\n"
"""The first line that comes from the process."""
Rows = list[tuple[int, int, str, str]]
"""Pieces as they are kept."""


def by_lines(repo: Path, path: str) -> Rows:
    """The pieces of a file that no grammar is used for."""
    data = _read(repo, path)
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n") if data else []
    return _rows(plain(lines[:-1] if lines and not lines[-1] else lines))


def _read(repo: Path, path: str) -> bytes | None:
    with open_root(repo) as root:
        found = read_bytes(root, path, 4 * MAX_PARSED_BYTES)
    return found[0] if found else None


def _rows(pieces: Sequence[Piece]) -> Rows:
    return [(piece.first, piece.last, piece.name, piece.inside) for piece in pieces]


def main() -> None:
    """The helping process: the folder, paths and the limit in seconds of CPU come on standard input.

    For each path a line of pieces goes out; over one that takes longer the process ends by SIGPROF.
    """
    repo, paths, limit_s = pickle.load(sys.stdin.buffer)
    sys.stdout.write(STARTED.decode())
    sys.stdout.flush()
    for path in paths:
        # CPU time, so that what is found does not depend on what else the machine does.
        signal.setitimer(signal.ITIMER_PROF, max(limit_s, 1e-6))
        data = _read(Path(repo), path)
        if data is None:
            rows = None
        elif len(data) > MAX_PARSED_BYTES:
            rows = by_lines(Path(repo), path)
        else:
            rows = _rows(pieces_of(path, data))
        sys.stdout.write(json.dumps(rows) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
