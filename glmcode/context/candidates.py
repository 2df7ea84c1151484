"""The likely files of a task: read once, checked against the index, cut into pieces, priced line by line."""

import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from glmcode.context.files import decode, read_bytes
from glmcode.context.fitting import GAP_TOKENS, Offer
from glmcode.context.index.history import Commit
from glmcode.context.index.kinds import MAX_SOURCE_BYTES
from glmcode.context.index.outlines import Outlines
from glmcode.context.index.pieces import Piece
from glmcode.context.index.scan import blob_hash
from glmcode.context.index.snapshot import Snapshot
from glmcode.context.ranking.closer import look_closer
from glmcode.context.ranking.fuse import file_odds, highest_values, piece_rows, piece_worths
from glmcode.context.ranking.gather import Evidence, gather
from glmcode.context.ranking.task import Task
from glmcode.context.render import Names, fence, gap_mark
from glmcode_engine.tokens import estimate_tokens

MAX_NAMES = 4
"""Names of definitions left out that a mark tells."""
NAME_TOKENS = GAP_TOKENS - 8
"""What these names may cost; the rest is the mark itself and the line numbers."""
MAX_READ_BYTES = 24 * 1024 * 1024
"""The likely files are read up to this together."""


@dataclass(slots=True)
class Candidates:
    """The likely files of one task and what their pieces are worth."""

    root: int
    snapshot: Snapshot
    raw: dict[str, bytes] = field(default_factory=dict)
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)
    evidence: Evidence | None = None
    _sums: dict[str, list[int] | None] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)
    _counted: dict[str, bytes] = field(default_factory=dict)

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
            self._sums[path] = [0, *accumulate(self._count(path, text))] if fits else None
        return self._sums[path]

    def names(self, path: str) -> Names:
        """What is defined in lines of the file, for the mark that stands for them."""
        pieces = self.pieces[path]

        def told(first: int, last: int) -> str:
            inside = [piece for piece in pieces if piece.name and first <= piece.first <= last]
            names = list(dict.fromkeys(f"{one.inside}.{one.name}" if one.inside else one.name for one in inside))
            for shown in range(min(len(names), MAX_NAMES), 0, -1):
                more = f" and {len(names) - shown} more" if len(names) > shown else ""
                text = ", ".join(names[:shown]) + more
                if estimate_tokens(text) <= NAME_TOKENS:
                    return text
            return ""

        return told

    def _count(self, path: str, text: str) -> "array[int]":
        key = f"tokens:{self.snapshot.files[path].hash}"
        counts: array[int] = array("I")
        kept = self.snapshot.store.details([key])
        if kept:
            counts.frombytes(zlib.decompress(kept[key]))
            return counts
        from glmcode_engine.line_tokens import line_tokens

        counts.extend(line_tokens(text))
        self._counted[key] = zlib.compress(counts.tobytes(), 1)
        return counts

    def keep(self) -> None:
        """Write what was counted into the index."""
        if self._counted:
            with self.snapshot.store.writing():
                self.snapshot.store.set_details(self._counted.items())
            self._counted = {}


def find_candidates(
    root: int, snapshot: Snapshot, commits: Sequence[Commit], outlines: Outlines, task: Task
) -> Candidates:
    """Rank the files of the snapshot, look closely at the likely ones, and offer their pieces."""
    found = Candidates(root, snapshot)
    evidence = found.evidence = gather(snapshot, commits, task)
    _read(found, evidence.order)
    likely = [path for path in evidence.order if path in found.raw]
    by_hash = outlines.of([(path, snapshot.files[path].hash) for path in likely])

    def read(path: str) -> tuple[str, list[Piece]] | None:
        pieces = by_hash.get(snapshot.files[path].hash)
        return (found.raw[path].decode("utf-8", "replace").replace("\r\n", "\n"), pieces) if pieces else None

    closely = look_closer(task, evidence, likely, read)
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
