"""The pieces of files, kept by blob: only what was never seen is parsed, in processes that may crash or stall."""

import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from glmcode.context.index import parsing
from glmcode.context.index.parsing import STARTED, Rows, by_lines
from glmcode.context.index.pieces import Piece
from glmcode.context.index.store import File, Store

FILE_LIMIT_S = 4.0
"""A grammar that takes more CPU over one file is stopped, and the file cut by its lines alone."""
WAIT_S = 20.0
"""So long a file or a start may take besides, on a machine that has other things to do."""
MAX_DEATHS = 4
"""After so many files that end the process, no more is parsed."""
MIN_SHARED_FILES = 80
"""With fewer files to parse a second process does not pay."""


class Outlines:
    """Pieces by blob hash, from the index or freshly parsed. `parsed` counts the files that had to be."""

    def __init__(self, store: Store, repo: Path, limit_s: float = FILE_LIMIT_S) -> None:
        self._store, self._repo, self._limit_s = store, repo, limit_s
        self._begun: list[_Parse] = []
        self.parsed = 0

    def prepare(self, files: Sequence[tuple[str, str]]) -> int:
        """Begin to parse what is not known of these files, as path and blob hash, beside what else there is to do.

        Returns how many those are.
        """
        begun = {hash for share in self._begun for hash in share.hashes}
        missing = self.unknown([(path, hash) for path, hash in files if hash not in begun])
        self.parsed += len(missing)
        several = len(missing) >= MIN_SHARED_FILES and len(os.sched_getaffinity(0)) > 1
        shares = [missing[0::2], missing[1::2]] if several else [missing] if missing else []
        self._begun += [_Parse(self._repo, share, self._limit_s) for share in shares]
        return len(missing)

    def unknown(self, files: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those of these files that were never parsed, one for each content."""
        known = self._store.details([f"pieces:{hash}" for _, hash in files])
        by_hash = {hash: path for path, hash in files if f"pieces:{hash}" not in known}
        return [(path, hash) for hash, path in by_hash.items()]

    def prepare_again(self, files: Iterable[tuple[str, str, File | None]]) -> None:
        """Begin with those of these files, given as path, blob hash and what the index knew before, that were parsed
        before they changed."""
        changed = [(path, hash, f"pieces:{old.hash}") for path, hash, old in files if old is not None]
        known = self._store.details([key for _, _, key in changed])
        self.prepare([(path, hash) for path, hash, key in changed if key in known])

    @property
    def busy(self) -> bool:
        """Whether something is still being parsed."""
        return any(share.running for share in self._begun)

    def of(self, files: Sequence[tuple[str, str]]) -> dict[str, list[Piece]]:
        """The pieces of files, given as path and blob hash, by hash. What cannot be read any more is missing."""
        self.prepare(files)
        known = self._store.details([f"pieces:{hash}" for _, hash in files])
        found: dict[str, Rows] = {key.partition(":")[2]: json.loads(data) for key, data in known.items()}
        wanted = {hash for _, hash in files}
        # What was begun early and is not asked for is not waited for.
        if shares := [share for share in self._begun if share.hashes & wanted]:
            fresh = {hash: rows for share in shares for hash, rows in share.results().items()}
            self._begun = [share for share in self._begun if share not in shares]
            with self._store.writing():
                self._store.set_details((f"pieces:{hash}", json.dumps(rows).encode()) for hash, rows in fresh.items())
            found |= fresh
        return {hash: [Piece(*row) for row in rows] for hash, rows in found.items()}


class _Parse:
    """Helping processes that parse one share of the files, one process after the other where they die."""

    def __init__(self, repo: Path, files: list[tuple[str, str]], limit_s: float) -> None:
        self._repo, self._left, self._limit_s = repo, files, limit_s
        self.hashes = frozenset(hash for _, hash in files)
        self._rows: dict[str, Rows] = {}
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def results(self) -> dict[str, Rows]:
        self._thread.join()
        return self._rows

    def _work(self) -> None:
        deaths = 0
        while self._left and deaths < MAX_DEATHS:
            done = self._helper()
            if done < len(self._left):
                # The helper died over this file, or was stopped over it.
                deaths += 1
                path, hash = self._left[done]
                self._rows[hash] = by_lines(self._repo, path)
            self._left = self._left[done + 1 :]
        self._rows |= {hash: by_lines(self._repo, path) for path, hash in self._left}

    def _helper(self) -> int:
        """How many files one process finished, in order."""
        helper = subprocess.Popen(
            [sys.executable, "-P", "-m", parsing.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert helper.stdin is not None and helper.stdout is not None
        timer = threading.Timer(WAIT_S, helper.kill)
        timer.start()
        done = 0
        try:
            pickle.dump((os.fspath(self._repo), [path for path, _ in self._left], self._limit_s), helper.stdin)
            helper.stdin.close()
            for line in helper.stdout:
                # The first line says that it has started.
                timer.cancel()
                timer = threading.Timer(self._limit_s + WAIT_S, helper.kill)
                timer.start()
                if line == STARTED:
                    continue
                if (rows := json.loads(line)) is not None:
                    self._rows[self._left[done][1]] = rows
                done += 1
        except (OSError, ValueError):
            pass  # it died in the middle: what it finished counts
        finally:
            timer.cancel()
            helper.kill()
            helper.stdout.close()
            helper.wait()
        return done
