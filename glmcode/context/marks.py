"""Says what the lines of a file that are left out define: by names, or by signatures where tokens are set aside."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from glmcode.context.fitting import GAP_TOKENS, Fitted
from glmcode.context.index.pieces import Piece, is_comment
from glmcode.context.render import Range, gaps_of
from glmcode_engine.tokens import estimate_tokens

MAX_NAMES = 4
"""Names of definitions left out that a mark tells."""
NAME_TOKENS = GAP_TOKENS - 8
"""What these names may cost; the rest is the mark itself and the line numbers."""
MAX_SIGNATURES = 30
"""In one gap; of more only those that stand in no other, and no more of them."""
MAX_SIGNATURE_LINES = 6
MAX_SIGNATURE_CHARS = 160
_LINE_TOKENS = 6
"""What the mark and the number before a signature cost."""


@dataclass
class Marks:
    """What the marks of one file say."""

    pieces: Sequence[Piece]
    lines: Sequence[str]
    sums: Sequence[int]
    """The tokens before each line."""
    signed: dict[Range, list[Range]] = field(default_factory=dict)
    """The gaps of which signatures are told instead of names, and the lines of those."""

    def told(self, first: int, last: int) -> list[str]:
        """What to say of these lines: a few words, perhaps none, then lines of their own."""
        if found := self.signed.get((first, last)):
            return ["", *(f"{start}: {self._text(start, end)}" for start, end in found)]
        pieces = self.pieces
        inside = [piece for piece in pieces if piece.name and first <= piece.first <= last]
        around = next((piece.inside for piece in pieces if piece.first == last + 1), "")
        # Whose head is left out, too: without its name the next lines could be anybody's.
        beheaded = around if any(piece.name == around for piece in inside) else ""
        return [next((text for text in _said(inside, beheaded) if estimate_tokens(text) <= NAME_TOKENS), "")]

    def cost(self, signatures: Iterable[Range]) -> int:
        """The tokens that these take on top of what names may."""
        each = (self.sums[end] - self.sums[start - 1] + _LINE_TOKENS for start, end in signatures)
        return max(1, sum(each) - NAME_TOKENS)

    def signatures(self, first: int, last: int) -> list[Range]:
        """The lines of the signatures of what is defined there."""
        places = (bisect_left(self._begun, at, key=lambda piece: piece.first) for at in (first, last + 1))
        found = self._begun[slice(*places)]
        if len(found) > MAX_SIGNATURES:
            names = {piece.name for piece in found}
            found = [piece for piece in found if piece.inside not in names]
        if len(found) > MAX_SIGNATURES:
            return []
        return [lines for piece in found if (lines := signature(self.lines, piece))]

    @cached_property
    def _begun(self) -> list[Piece]:
        return list(_begun(self.pieces))

    def _text(self, first: int, last: int) -> str:
        head = self.lines[first - 1].rstrip()
        text = " ".join([head, *(self.lines[at].strip() for at in range(first, last))])
        return text if len(text) <= MAX_SIGNATURE_CHARS else f"{text[:MAX_SIGNATURE_CHARS]} ..."


def _begun(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Those that define something; of a long definition in several pieces the first."""
    before = ("", "")
    for piece in pieces:
        if piece.name and (piece.name, piece.inside) != before:
            yield piece
        before = (piece.name, piece.inside)


def signature(lines: Sequence[str], piece: Piece) -> Range | None:
    """The first and last line of a piece's signature: from where its name stands until its brackets are closed."""
    end = min(piece.last, len(lines))
    for first in range(piece.first, end + 1):
        if piece.name not in lines[first - 1] or is_comment(lines[first - 1]):
            continue
        depth = 0
        for last in range(first, min(end, first + MAX_SIGNATURE_LINES - 1) + 1):
            depth += lines[last - 1].count("(") - lines[last - 1].count(")")
            if depth <= 0:
                return first, last
        return first, first
    return None


def sign(fitted: Iterable[Fitted], marks_of: Callable[[str], Marks], tokens: int) -> None:
    """Spend tokens on signatures in place of names, gap by gap, the files in their order.

    How many there are to spend must not depend on the files: then a change in one of them leaves those before it.
    """
    for one in fitted:
        marks = marks_of(one.path)
        for gap in gaps_of(one.ranges, len(marks.lines)):
            found = marks.signatures(*gap)
            if found and (cost := marks.cost(found)) <= tokens:
                tokens -= cost
                one.tokens += cost
                marks.signed[gap] = found


def _said(pieces: Sequence[Piece], then: str) -> Iterator[str]:
    """Ways to say what is defined and what comes `then`, the fullest first."""
    end = f"; then in {then}" if then else ""
    count = 0
    for full in (True, False):
        every = [f"{one.inside}.{one.name}" if one.inside and full else one.name for one in pieces]
        names = list(dict.fromkeys(every))
        count = max(count, len(names))
        for shown in range(min(len(names), MAX_NAMES), 0, -1):
            more = f" and {len(names) - shown} more" if len(names) > shown else ""
            yield ", ".join(names[:shown]) + more + end
    yield from (f"then in {then}", f"in {then}") if then else ()
    yield f"{count} definitions" if count > 1 else ""
