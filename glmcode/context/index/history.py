"""Reads what past commits said and touched, and keeps it: a new commit costs only itself."""

import json
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from glmcode.context.files import git_command, git_environment
from glmcode.context.index.store import Store
from glmcode.context.index.words import TermCounter

MAX_COMMITS = 4000
MAX_PATHS = 60
"""Commits that touch more say nothing about any of them."""
MAX_MESSAGE = 4000
LIMIT_S = 8.0
"""What `git log` may take; what came until then is used."""

_START, _FIELD = "\x1e", "\x1f"
_WHAT = ("--no-merges", f"-n{MAX_COMMITS}")
_FORMAT = f"--format={_START}%H{_FIELD}%ct{_FIELD}%s%n%b{_FIELD}"


@dataclass(frozen=True, slots=True)
class Commit:
    """What one commit said, as terms, and the files it touched."""

    hash: str
    time: int
    terms: dict[str, int]
    paths: tuple[str, ...]


class HistoryReader:
    """`git log`, running beside whatever else there is to do until `commits` is called.

    Which commits there are, and in which order, git says anew for every HEAD, since a merge brings commits that are
    older than some that were there; only what they say and touch is kept.
    """

    def __init__(self, store: Store, repo: Path) -> None:
        self._store, self._repo = store, repo
        self._kept = store.history("commits") or b""
        self._commits: list[Commit] = []
        self._head = ""
        self._fresh = ""
        """What to keep the commits under: HEAD, or a word where git had no time for all of them."""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def commits(self) -> list[Commit]:
        """The last commits that lead to HEAD, newest first; none where there is no history."""
        self._thread.join()
        if self._fresh:
            rows = [(commit.hash, commit.time, commit.terms, commit.paths) for commit in self._commits]
            with self._store.writing():
                kept = f"{self._fresh}\n{json.dumps(rows, ensure_ascii=False)}"
                self._store.set_history("commits", kept.encode("utf-8", "surrogatepass"))
            self._fresh = ""
        if not self._commits and self._head and self._kept:
            self._commits = _rows(self._kept)
        return [commit for commit in self._commits if commit.paths]

    def _read(self) -> None:
        self._head = _answer(self._repo, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if not self._head or self._kept.startswith(f"{self._head}\n".encode()):
            return
        known: dict[str, Commit] = {}
        with suppress(ValueError, TypeError):  # what is damaged is read anew
            known = {commit.hash: commit for commit in (_rows(self._kept) if self._kept else ())}
        self._kept = b""
        listed = _answer(self._repo, "rev-list", *_WHAT, self._head).split()
        missing = [hash for hash in listed if hash not in known]
        # For all of them git need not be told which.
        which = [*_WHAT, self._head] if len(missing) == len(listed) else ["--no-walk=unsorted", "--stdin"]
        output, whole = (
            _log(self._repo, which, missing if len(missing) < len(listed) else ()) if missing else (b"", True)
        )
        known |= {commit.hash: commit for commit in _parse(output, whole=whole)}
        self._commits = [known[hash] for hash in listed if hash in known]
        self._fresh = self._head if whole else "not all"


def _rows(kept: bytes) -> list[Commit]:
    rows = json.loads(kept.partition(b"\n")[2].decode("utf-8", "surrogatepass"))
    return [Commit(hash, time, terms, tuple(paths)) for hash, time, terms, paths in rows]


def _log(repo: Path, which: Sequence[str], hashes: Sequence[str]) -> tuple[bytes, bool]:
    """What git says of these commits, and whether it came to the end within LIMIT_S."""
    git = subprocess.Popen(
        git_command("log", "--no-renames", "--name-only", "--relative", "-z", _FORMAT, *which, "--"),
        cwd=repo,
        env=git_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    timer = threading.Timer(LIMIT_S, git.kill)
    timer.start()
    try:
        assert git.stdin is not None and git.stdout is not None
        with suppress(OSError):
            # Git reads all of it before it answers.
            git.stdin.write("".join(f"{hash}\n" for hash in hashes).encode())
            git.stdin.close()
        output = git.stdout.read()
        return output, git.wait() == 0
    finally:
        timer.cancel()
        git.kill()
        git.wait()


def _answer(repo: Path, *what: str) -> str:
    command = git_command(*what)
    try:
        done = subprocess.run(
            command, cwd=repo, env=git_environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("ascii", "replace").strip() if done.returncode == 0 else ""


def _parse(output: bytes, *, whole: bool) -> list[Commit]:
    """The commits; those that touch too much have no paths."""
    counter = TermCounter()
    commits = []
    records = output.decode("utf-8", "replace").split(_START)[1:]
    for record in records if whole else records[:-1]:
        hash, _, rest = record.partition(_FIELD)
        time, _, rest = rest.partition(_FIELD)
        # A message may hold the mark itself: what follows the last one are the names.
        message, _, names = rest.rpartition(_FIELD)
        paths = tuple(name for name in names.replace("\n", "\0").split("\0") if name)
        if not time.isdigit():
            continue
        if len(paths) > MAX_PATHS:
            paths = ()
        terms, _ = counter.count(message[:MAX_MESSAGE] if paths else "")
        commits.append(Commit(hash, int(time), terms, paths))
    return commits
