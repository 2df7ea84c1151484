"""The likely files of a task: read once, checked against the index, cut into pieces, priced line by line."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from glmcode.context.files import can_be_shown, decode, read_bytes
from glmcode.context.fitting import Offer
from glmcode.context.index.history import Commit
from glmcode.context.index.imports import imports_by_blob
from glmcode.context.index.kinds import MAX_SOURCE_BYTES
from glmcode.context.index.outlines import Outlines
from glmcode.context.index.pieces import Piece
from glmcode.context.index.scan import blob_hash
from glmcode.context.index.snapshot import File, Snapshot
from glmcode.context.index.standing import Standing, standing_by_path
from glmcode.context.index.workers import MIN_FILES
from glmcode.context.line_counts import LineCounts
from glmcode.context.marks import Marks
from glmcode.context.pins import Pins, no_such_file
from glmcode.context.ranking.closer import Close, look_closer
from glmcode.context.ranking.fuse import file_odds, highest_values, piece_rows, piece_worths
from glmcode.context.ranking.gather import Evidence, gather
from glmcode.context.ranking.links import Import
from glmcode.context.ranking.task import Task
from glmcode.context.render import fence, gap_mark

MAX_COUNTED_EARLY = 16
"""Of so many likely files the tokens are counted while they are parsed."""
LOOKED_AT_BYTES = 43
"""So many bytes of the likely files are looked at closely for each token of the budget: twelve times what fits."""
LEAST_LOOKED_AT = 40
MAX_READ_BYTES = 24 * 1024 * 1024
"""The likely files are read up to this together."""


@dataclass(slots=True)
class Candidates:
    """The likely files of one task and what their pieces are worth."""

    root: int
    snapshot: Snapshot
    counts: LineCounts
    pinned: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """The paths that must be in the pack, and the lines wanted of each; none for the whole file."""
    raw: dict[str, bytes] = field(default_factory=dict)
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)
    evidence: Evidence | None = None
    _sums: dict[str, list[int] | None] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)
    _marks: dict[str, Marks] = field(default_factory=dict)

    def text(self, path: str) -> str:
        """The file's text as it is sent."""
        if path not in self._texts:
            self._texts[path] = decode(self.raw[path])
        return self._texts[path]

    def line_tokens(self, path: str) -> Sequence[int] | None:
        """The tokens before each line of the file and in all of it; None where no fence could hold its text."""
        if path not in self._sums:
            text = self.text(path)
            fits = fence(text) is not None and gap_mark(text) is not None
            self._sums[path] = self.counts.sums(self.snapshot.files[path].hash, text) if fits else None
        return self._sums[path]

    def marks(self, path: str) -> Marks:
        """What the marks say that stand for lines of the file."""
        if path not in self._marks:
            sums = self.line_tokens(path)
            assert sums is not None, "a file that no fence holds is never offered"
            lines = self.text(path).removesuffix("\n").split("\n")
            self._marks[path] = Marks(self.pieces[path], lines, sums)
        return self._marks[path]


def find_candidates(
    root: int,
    snapshot: Snapshot,
    history: Callable[[], Sequence[Commit]],
    outlines: Outlines,
    task: Task,
    pins: Pins,
    budget: int,
) -> Candidates:
    """Rank the files of the snapshot, look closely at the likely ones, and offer their pieces for so many tokens.

    Raises ContextError for a pin on what is no text file.
    """
    pinned = pins.wanted(snapshot.files)
    snapshot.leave_out([path for path in snapshot.files if pins.drops(path)])
    for path in pinned.keys() - snapshot.files.keys():
        if not pins.drops(path):
            snapshot.files[path] = _unlisted(root, path)
    found = Candidates(root, snapshot, LineCounts(snapshot.store), pinned)

    def parse(paths: Sequence[str]) -> None:
        outlines.prepare([(path, snapshot.files[path].hash) for path in paths])

    first = len(snapshot.fresh) >= MIN_FILES
    evidence = found.evidence = gather(snapshot, history, task, pins.near, parse if first else None)
    order = [*(path for path in pinned if path in snapshot.files), *(p for p in evidence.order if p not in pinned)]
    _read(found, order[: len(pinned) + looked_at([snapshot.files[path].size for path in evidence.order], budget)])
    likely = [path for path in order if path in found.raw]
    closely = _look(found, likely, outlines, task)
    files = [snapshot.files[path] for path in closely]
    odds = file_odds(evidence.columns, files)
    highest = highest_values({path: one.rows for path, one in closely.items()})
    rows = [piece_rows(one.pieces, one.rows, highest) for one in closely.values()]
    for one, worths in zip(closely.values(), piece_worths(odds, rows), strict=True):
        found.pieces[one.path] = one.pieces
        sizes = [int(row["size"]) for row in one.rows]
        triples = zip(one.pieces, worths, sizes, strict=True)
        found.offers += [Offer(one.path, at, piece, worth, size) for at, (piece, worth, size) in enumerate(triples)]
    return found


def looked_at(sizes: Iterable[int], budget: int) -> int:
    """How many of the likely files, of these sizes in bytes, are looked at closely for so many tokens."""
    most = LOOKED_AT_BYTES * budget
    before = itertools.accumulate(sizes, initial=0)
    return sum(1 for at, (total, _) in enumerate(itertools.pairwise(before)) if at < LEAST_LOOKED_AT or total <= most)


def _look(found: Candidates, likely: Sequence[str], outlines: Outlines, task: Task) -> dict[str, Close]:
    """The pieces of the likely files with what speaks for each; what is not in the index yet is worked out."""
    snapshot, evidence = found.snapshot, found.evidence
    assert evidence is not None
    wanted = [(path, snapshot.files[path].hash) for path in likely]
    waiting = outlines.prepare(wanted) > len(wanted) // 4
    # Beside the parsing, as are the tokens of those that are almost always asked for in the end.
    texts = {path: found.raw[path].decode("utf-8", "replace").replace("\r\n", "\n") for path in likely}
    words = dict(standing_by_path(snapshot.store, dict(wanted), texts))
    for path in likely[:MAX_COUNTED_EARLY] if waiting else ():
        if not outlines.busy:
            break
        found.line_tokens(path)
    by_hash = outlines.of(wanted)

    def read(path: str) -> tuple[str, list[Piece]] | None:
        pieces = by_hash.get(snapshot.files[path].hash)
        return (texts[path], pieces) if pieces else None

    def imports(texts: Mapping[str, str]) -> dict[str, Sequence[Import]]:
        text_of = {snapshot.files[path].hash: text for path, text in texts.items()}
        known = imports_by_blob(snapshot.store, list(text_of), text_of.get)
        return {path: known.get(snapshot.files[path].hash, ()) for path in texts}

    def standing(texts: Iterable[str]) -> Iterator[tuple[str, Standing]]:
        return ((path, words[path]) for path in texts)

    return look_closer(task, evidence, likely, read, imports, standing)


def _unlisted(root: int, path: str) -> File:
    """A pinned file that the index leaves out: ignored by git, a table, a lock file."""
    found = read_bytes(root, path, MAX_SOURCE_BYTES + 1) if can_be_shown(path) else None
    if found is None or len(found[0]) > MAX_SOURCE_BYTES or b"\0" in found[0]:
        raise no_such_file(path)
    return File(path, "source", blob_hash(found[0]), 0, 0, found[1])


def _read(found: Candidates, paths: Sequence[str]) -> None:
    total = 0
    for path in paths:
        file = found.snapshot.files[path]
        total += file.size
        if total > MAX_READ_BYTES:
            continue
        data = read_bytes(found.root, path, MAX_SOURCE_BYTES + 1)
        # What changed since it was indexed has other lines than the index says.
        if data is not None and blob_hash(data[0]) == file.hash:
            found.raw[path] = data[0]
