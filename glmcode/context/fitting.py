"""Fits pieces into a budget: file by file what covers a change best for its tokens, until nothing fits any more."""

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from glmcode.context.index.pieces import Piece

FILE_TOKENS = 18
"""What a file's heading and fence cost before any of its lines; the path comes on top."""
GAP_TOKENS = 16
"""What a mark for lines left out may cost; a gap that costs less is filled."""
IMPORT_TOKENS = 300
"""The head of a file, with its imports, comes right after its likeliest piece unless it is longer."""
SMALL_FILE, LARGE_FILE = 3_000, 20_000
"""In tokens. The powers below change evenly between the two: all of a large file costs more than it is worth."""
COVER_POWERS = 1.4, 1.1
"""A change often touches several pieces of a file, so half of what is likely there is worth less than half of all."""
EVEN_POWERS = 0.6, 0.9
"""Within a file the odds of the pieces are evened out: they say less than the odds of the files."""
SIZE_POWER = 0.8
"""Within a file a piece of twice the tokens comes before two others only where it is so much likelier."""
_TOKEN_CHARS = 3.6
_LEAST_WORTH = 1e-7


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


Bundle = tuple[float, list[Offer]]
"""Worth for a token, and what is taken together for it."""
LineTokens = Callable[[str], Sequence[int] | None]
"""For a path the sums of tokens before each line (one more than there are lines); None where it cannot be sent."""


def fit(
    offers: Iterable[Offer],
    budget: int,
    line_tokens: LineTokens,
    heading_tokens: Callable[[str], int],
    pinned: Mapping[str, Sequence[tuple[int, int]]] = MappingProxyType({}),
) -> list[Fitted]:
    """Choose pieces within `budget` tokens. `line_tokens` is asked only for files of which something may be taken.

    What is pinned comes first, in its order: the whole file where no lines are given, else the pieces they touch.
    """
    bundles: list[Bundle] = []
    first: dict[str, list[Offer]] = {path: [] for path in pinned}
    last: dict[str, Offer] = {}
    for path, group in itertools.groupby(offers, key=lambda offer: offer.path):
        own = list(group)
        last[path] = own[-1]
        bundles += _bundles(own)
        if path in pinned:
            first[path] = _pinned(own, pinned[path])
    bundles.sort(key=lambda bundle: (-bundle[0], bundle[1][0].path, bundle[1][0].at))
    chosen: dict[str, dict[int, Offer]] = {}
    left = budget
    for offer in itertools.chain(*first.values(), *(bundle for _, bundle in bundles)):
        if left < 2 * GAP_TOKENS:
            break
        # The characters say roughly what it costs: no file is counted for what cannot fit.
        if offer.size / 6 > left or (sums := line_tokens(offer.path)) is None:
            continue
        if offer.at in (taken := chosen.get(offer.path, {})):
            continue
        cost = _cost(sums, offer.piece) + _gaps(offer.at, taken, last[offer.path].at) * GAP_TOKENS
        if not taken:
            cost += FILE_TOKENS + GAP_TOKENS + heading_tokens(offer.path)
        if cost <= left:
            left -= cost
            chosen.setdefault(offer.path, {})[offer.at] = offer
    return [_fitted([*taken.values()], last[path], line_tokens, heading_tokens) for path, taken in chosen.items()]


def spread(offers: Iterable[Offer], share: float) -> int:
    """About how many tokens the likeliest steps have that hold `share` of all worth: how sure the ranking is."""
    steps: list[tuple[float, float]] = []
    for _, group in itertools.groupby(offers, key=lambda offer: offer.path):
        steps += [(worth, sum(offer.size for offer in step) / _TOKEN_CHARS) for worth, step in _bundles(list(group))]
    steps.sort(reverse=True)
    left = share * sum(worth * tokens for worth, tokens in steps)
    total = 0.0
    for worth, tokens in steps:
        if left <= 0:
            break
        left -= worth * tokens
        total += tokens + FILE_TOKENS
    return int(total)


def _pinned(offers: Sequence[Offer], wanted: Sequence[tuple[int, int]]) -> list[Offer]:
    """What a pin asks for; of a whole file the worthiest steps first, in case not all of it fits."""
    if wanted:
        spans = [(offer.piece.first, offer.piece.last) for offer in offers]
        touched = (any(start <= last and first <= end for first, last in wanted) for start, end in spans)
        return list(itertools.compress(offers, touched))
    return [offer for _, bundle in _bundles(offers) for offer in bundle] or list(offers)


def _bundles(offers: Sequence[Offer]) -> list[Bundle]:
    """The pieces of one file in steps, each with the worth that it adds for a token: the best step first.

    The steps are the upper hull of worth over tokens, so what pays only together is taken together.
    """
    total = sum(offer.worth for offer in offers)
    if total < _LEAST_WORTH:
        return []
    costs = [offer.size / _TOKEN_CHARS for offer in offers]
    cover_power, even_power = (_by_size(powers, sum(costs)) for powers in (COVER_POWERS, EVEN_POWERS))
    even = [(offer.worth / total) ** even_power for offer in offers]
    order = sorted(range(len(offers)), key=lambda at: (-even[at] / (costs[at] + 12) ** SIZE_POWER, at))
    if costs[0] <= IMPORT_TOKENS:
        order.remove(0)
        order.insert(1, 0)
    points = [(0.0, 0.0)]
    taken: set[int] = set()
    cost, covered, whole = float(FILE_TOKENS + GAP_TOKENS), 0.0, sum(even)
    for at in order:
        cost += costs[at] + (0 if at - 1 in taken or at + 1 in taken else GAP_TOKENS)
        covered += even[at]
        taken.add(at)
        points.append((cost, total * min(1.0, covered / whole) ** cover_power))
    hull = _upper_hull(points)
    return [
        (_slope(points[start], points[end]), [offers[at] for at in order[start:end]])
        for start, end in itertools.pairwise(hull)
    ]


def _by_size(powers: tuple[float, float], tokens: float) -> float:
    share = min(1.0, max(0.0, (tokens - SMALL_FILE) / (LARGE_FILE - SMALL_FILE)))
    return powers[0] + share * (powers[1] - powers[0])


def _upper_hull(points: Sequence[tuple[float, float]]) -> list[int]:
    hull: list[int] = []
    for at, point in enumerate(points):
        while len(hull) > 1 and _slope(points[hull[-2]], points[hull[-1]]) <= _slope(points[hull[-2]], point):
            hull.pop()
        hull.append(at)
    return hull


def _slope(one: tuple[float, float], other: tuple[float, float]) -> float:
    return (other[1] - one[1]) / (other[0] - one[0])


def _fitted(
    taken: Sequence[Offer], last: Offer, line_tokens: LineTokens, heading_tokens: Callable[[str], int]
) -> Fitted:
    path = taken[0].path
    sums = line_tokens(path)
    assert sums is not None
    ranges = _ranges([offer.piece for offer in taken], sums)
    lines = sum(sums[end] - sums[start - 1] for start, end in ranges)
    gaps = len(ranges) + 1 - (ranges[0][0] == 1) - (ranges[-1][1] == last.piece.last)
    tokens = FILE_TOKENS + heading_tokens(path) + lines + gaps * GAP_TOKENS
    return Fitted(path, ranges, tokens, max(offer.worth for offer in taken))


def _cost(sums: Sequence[int], piece: Piece) -> int:
    return sums[min(piece.last, len(sums) - 1)] - sums[min(piece.first - 1, len(sums) - 1)] + 1


def _gaps(at: int, taken: Collection[int], last: int) -> int:
    """How many gaps more there are once a piece is taken: one on each side that something lacks, in place of one."""
    return (at > 0 and at - 1 not in taken) + (at < last and at + 1 not in taken) - 1


def _ranges(pieces: Sequence[Piece], sums: Sequence[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for piece in sorted(pieces, key=lambda piece: piece.first):
        if ranges and sums[piece.first - 1] - sums[ranges[-1][1]] <= GAP_TOKENS:
            ranges[-1] = (ranges[-1][0], piece.last)
        else:
            ranges.append((piece.first, piece.last))
    return ranges
