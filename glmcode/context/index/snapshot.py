"""Brings the index up to date with a working tree and answers which files hold a term."""

import os
import stat
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from glmcode.context.index.forward import Hits
from glmcode.context.index.intake import Intake, OnProgress
from glmcode.context.index.kinds import READABLE
from glmcode.context.index.scan import Seen
from glmcode.context.index.store import File as File
from glmcode.context.index.store import Store

NOT_YET = "not indexed yet"


def no_progress(done: int, of: int) -> None:
    """For callers who do not want to be told."""


Places = tuple[dict[int, int], dict[int, list[int]]]
"""By blob number the place of the first file of that content, and those of further ones."""


@dataclass(slots=True)
class Snapshot:
    """The working tree as it was indexed."""

    store: Store
    files: dict[str, File]
    left_out: dict[str, str]
    """Path to reason, of files that are not read."""
    scanned: int
    """How many files had to be read for this snapshot."""
    fresh: list[File] = field(default_factory=list)
    """Those of them that are readable."""
    searched: dict[int, Hits] = field(default_factory=dict)
    """What was found of the wanted terms in scans that are not settled yet, by their numbers."""

    def leave_out(self, paths: Iterable[str]) -> None:
        """Forget these files, for this snapshot alone."""
        for path in paths:
            del self.files[path]

    def _places(self) -> Places:
        """By blob the places in `files` of the files of that content."""
        places: dict[int, int] = {}
        copies: dict[int, list[int]] = {}
        for at, file in enumerate(self.files.values()):
            if places.setdefault(file.blob, at) != at:
                copies.setdefault(file.blob, []).append(at)
        return places, copies

    def holders(self, terms: Collection[str]) -> Iterator[tuple[str, list[tuple[int, int]]]]:
        """For each term, in order, the places in `files` of the files that hold it, and how often."""
        places, copies = self._places()
        found = self.store.postings(terms, self.searched)
        for term in sorted(found):
            counts: dict[int, int] = {}
            for entry in found[term]:
                blob = entry >> 8
                if blob in counts:
                    counts[blob] += entry & 255
                elif blob in places:
                    counts[blob] = entry & 255
            own = [(places[blob], times) for blob, times in counts.items()]
            if copies:
                own += [(at, times) for blob, times in counts.items() for at in copies.get(blob, ())]
            yield term, own

    def holding(self, term: str) -> list[tuple[str, int]]:
        """The files that hold a term, and how often."""
        paths = list(self.files)
        return [(paths[at], times) for _, own in self.holders([term]) for at, times in own]


def take_snapshot(
    store: Store,
    repo: Path,
    paths: Sequence[str],
    limit_s: float | None = None,
    on_progress: OnProgress = no_progress,
    before: Mapping[str, File] | None = None,
    terms: Collection[str] = (),
) -> Snapshot:
    """Read what changed since the index last saw this folder, and only that.

    After `limit_s` seconds no more is read: the rest is left out as NOT_YET. What was read stays in the index.
    `before` is what the index knows of the folder, if that was asked for already; `terms` are looked for where much is
    read at once, so that they need not be looked for afterwards.
    """
    root_name = os.path.realpath(repo)
    before = store.files(root_name) if before is None else before
    known, changed = _compare(repo, paths, before)
    intake = Intake(store, repo, limit_s, on_progress, terms)
    if changed:
        intake.read(changed)
    fresh = intake.fresh
    late = {path for path, _, _ in changed if path not in fresh}
    left = [old for path, old in before.items() if path not in known and path not in late]
    if left:
        with store.writing():
            store.set_files(root_name, [], [old.path for old in left if old.path not in fresh])
            store.mark_left([old.hash for old in left if old.hash], int(time.time()))
    snapshot = _snapshot(store, paths, known | fresh, late, fresh)
    snapshot.searched = intake.searched
    return snapshot


def _compare(repo: Path, paths: Sequence[str], before: Mapping[str, File]) -> tuple[dict[str, File], list[Seen]]:
    """The files that are as they were, and those that are to be read."""
    known: dict[str, File] = {}
    changed: list[Seen] = []
    prefix, lstat, regular = f"{repo}{os.sep}", os.lstat, stat.S_ISREG
    for path in paths:
        try:
            status = lstat(prefix + path)
        except (OSError, ValueError):
            continue
        if not regular(status.st_mode):
            continue
        old = before.get(path)
        if old is not None and old.mtime == status.st_mtime_ns and old.size == status.st_size:
            known[path] = old
        else:
            changed.append((path, status.st_mtime_ns, status.st_size))
    return known, changed


def _snapshot(
    store: Store,
    paths: Sequence[str],
    known: Mapping[str, File],
    late: Collection[str],
    fresh: Mapping[str, File],
) -> Snapshot:
    files = {}
    left_out: dict[str, str] = {}
    for path in paths:
        file = known.get(path)
        if file is None:
            left_out[path] = NOT_YET if path in late else "not a regular file"
        elif file.blob and file.kind in READABLE:
            files[path] = file
        else:
            left_out[path] = file.kind
    return Snapshot(store, files, left_out, len(fresh), [files[path] for path in fresh if path in files])


def reasons(left_out: Mapping[str, str]) -> dict[str, int]:
    """How many files each reason keeps out."""
    return dict(sorted(Counter(left_out.values()).items()))
