"""Fits pieces into a budget: the worth of a piece against its tokens, until nothing fits any more."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from glmcode.context.index.pieces import Piece

FILE_TOKENS = 24
"""What a file's heading and fence cost before any of its lines; the path comes on top."""
GAP_TOKENS = 16
"""What a mark for lines left out may cost; a gap that costs less is filled."""
TOKENS_POWER = 0.5
"""Pieces are taken by worth / tokens^0.5: worth alone would take huge pieces, worth per token only tiny ones."""
_OFFSET = 8


@dataclass(frozen=True, slots=True)
class Offer:
    """One piece that could be sent."""

    path: str
    at: int
    """Its place among the pieces of its file."""
    piece: Piece
    worth: float
    """The probability that the task's change touches it, as far as known."""
    size: int
    """Characters."""


@dataclass(slots=True)
class Fitted:
    """What was chosen of one file, in the order of choosing."""

    path: str
    ranges: list[tuple[int, int]]
    tokens: int
    worth: float


def fit(
    offers: Sequence[Offer],
    budget: int,
    line_tokens: Callable[[str], Sequence[int] | None],
    heading_tokens: Callable[[str], int],
) -> list[Fitted]:
    """Choose pieces within `budget` tokens.

    `line_tokens` gives for a path the sums of tokens before each line (one more than there are lines), or None where
    the file cannot be sent; it is asked only for files of which something may be taken.
    """
    chosen: dict[str, dict[int, Offer]] = {}
    left = budget
    for offer in sorted(offers, key=_order):
        if left < 2 * GAP_TOKENS:
            break
        # The characters say roughly what it costs: no file is counted for what cannot fit.
        if offer.size / 6 > left or (sums := line_tokens(offer.path)) is None:
            continue
        taken = chosen.get(offer.path, {})
        cost = _cost(sums, offer.piece)
        if not taken:
            cost += FILE_TOKENS + GAP_TOKENS + heading_tokens(offer.path)
        if not taken.keys() & {offer.at - 1, offer.at + 1}:
            cost += GAP_TOKENS
        if cost <= left:
            left -= cost
            chosen.setdefault(offer.path, {})[offer.at] = offer
    return [_fitted(path, list(taken.values()), line_tokens, heading_tokens) for path, taken in chosen.items()]


def _fitted(
    path: str,
    taken: Sequence[Offer],
    line_tokens: Callable[[str], Sequence[int] | None],
    heading_tokens: Callable[[str], int],
) -> Fitted:
    sums = line_tokens(path)
    assert sums is not None
    ranges = _ranges([offer.piece for offer in taken], sums)
    lines = sum(sums[last] - sums[first - 1] for first, last in ranges)
    tokens = FILE_TOKENS + heading_tokens(path) + lines + (len(ranges) + 1) * GAP_TOKENS
    return Fitted(path, ranges, tokens, taken[0].worth)


def _order(offer: Offer) -> tuple[float, str, int]:
    ratio = math.log(offer.worth + 1e-12) - TOKENS_POWER * math.log(offer.size / 3.6 + _OFFSET)
    return -ratio, offer.path, offer.at


def _cost(sums: Sequence[int], piece: Piece) -> int:
    return sums[min(piece.last, len(sums) - 1)] - sums[min(piece.first - 1, len(sums) - 1)] + 1


def _ranges(pieces: Sequence[Piece], sums: Sequence[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for piece in sorted(pieces, key=lambda piece: piece.first):
        if ranges and sums[piece.first - 1] - sums[ranges[-1][1]] <= GAP_TOKENS:
            ranges[-1] = (ranges[-1][0], piece.last)
        else:
            ranges.append((piece.first, piece.last))
    return ranges
