"""Reads what past commits said and touched, and keeps it: a new commit costs only itself."""

import json
import re
import subprocess
import threading
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
_NEWEST = re.compile(rb'\[\["([0-9a-f]+)"')
"""The first commit of those that are kept."""
_FORMAT = f"--format={_START}%H{_FIELD}%ct{_FIELD}%s%n%b{_FIELD}"


@dataclass(frozen=True, slots=True)
class Commit:
    """What one commit said, as terms, and the files it touched."""

    hash: str
    time: int
    terms: dict[str, int]
    paths: tuple[str, ...]


class HistoryReader:
    """`git log`, running beside whatever else there is to do until `commits` is called."""

    def __init__(self, store: Store, repo: Path) -> None:
        self._store, self._repo = store, repo
        self._kept = store.history("commits") or b""
        self._head = ""
        self._since: list[str] = []
        self._output: bytes | None = None
        self._found: list[Commit] | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def commits(self) -> list[Commit]:
        """The last commits that lead to HEAD, newest first; none where there is no history."""
        if self._found is None:
            self._thread.join()
            self._found = self._all() if self._head else []
        return self._found

    def _all(self) -> list[Commit]:
        rows = json.loads(self._kept) if self._kept and (self._output is None or self._since) else []
        kept = [Commit(h, t, terms, tuple(paths)) for h, t, terms, paths in rows]
        if self._output is None:
            return kept
        found = [*_parse(self._output), *kept][:MAX_COMMITS]
        rows = [(commit.hash, commit.time, commit.terms, commit.paths) for commit in found]
        with self._store.writing():
            self._store.set_history("commits", json.dumps(rows, ensure_ascii=False).encode())
        return found

    def _read(self) -> None:
        self._head = _answer(self._repo, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        newest = match[1].decode() if (match := _NEWEST.match(self._kept)) else ""
        if not self._head or newest == self._head:
            return
        if newest and _answer(self._repo, "merge-base", newest, "HEAD") == newest:
            self._since = [f"^{newest}"]
        count = f"-n{MAX_COMMITS}"
        what = ["log", "--no-merges", "--no-renames", "--name-only", "--relative", "-z", count, _FORMAT]
        git = subprocess.Popen(
            git_command(*what, self._head, *self._since, "--"),
            cwd=self._repo,
            env=git_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        timer = threading.Timer(LIMIT_S, git.kill)
        timer.start()
        try:
            assert git.stdout is not None
            self._output = git.stdout.read()
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


def _parse(output: bytes) -> list[Commit]:
    counter = TermCounter()
    commits = []
    for record in output.decode("utf-8", "replace").split(_START)[1:]:
        hash, _, rest = record.partition(_FIELD)
        time, _, rest = rest.partition(_FIELD)
        # A message may hold the mark itself: what follows the last one are the names.
        message, _, names = rest.rpartition(_FIELD)
        paths = tuple(name for name in names.replace("\n", "\0").split("\0") if name)
        if not time.isdigit() or not paths or len(paths) > MAX_PATHS:
            continue
        terms, _ = counter.count(message[:MAX_MESSAGE])
        commits.append(Commit(hash, int(time), terms, paths))
    return commits
