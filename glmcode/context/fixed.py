"""The part of a pack that no task changes: the repository's instructions, its map, and its core files."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from glmcode.context.core import MIN_CORE_BUDGET, choose_core
from glmcode.context.files import decode, read_bytes
from glmcode.context.index.snapshot import Snapshot
from glmcode.context.record import PackedFile, SegmentName
from glmcode.context.render import CORE_HEAD, INSTRUCTIONS_HEAD, MAP_TITLE, block, file_map
from glmcode_engine.tokens import estimate_tokens

INSTRUCTIONS_FILE = "AGENTS.md"
MAX_INSTRUCTIONS_BYTES = 16 * 1024
MAX_MAP_TOKENS = 1500
MAP_SHARE = 20
"""The map may take one part in so many of the budget."""
_MOST_TOKEN_CHARS = 10

Written = tuple[SegmentName, str, int]
"""Name, text and tokens of a segment."""


@dataclass(slots=True)
class Fixed:
    """The segments in order, and the files that are in them."""

    segments: list[Written] = field(default_factory=list)
    files: list[PackedFile] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    """What is not to be shown again."""

    @property
    def tokens(self) -> int:
        """Of all segments."""
        return sum(tokens for _, _, tokens in self.segments)


def write_fixed(root: int, paths: Sequence[str], snapshot: Snapshot | None, budget: int, margin: float) -> Fixed:
    """The segments for a repository with these paths, in a pack of `budget` tokens.

    `snapshot` gives the core files; `margin` is put on top of the tokens counted for them. No task and no pin has a
    say in it, so every session on a commit begins with the same bytes.
    """
    fixed = Fixed()
    if text := _instructions(root, budget // 2):
        fixed.segments.append(("instructions", text, estimate_tokens(text)))
        fixed.shown.add(INSTRUCTIONS_FILE)
    limit = min(MAX_MAP_TOKENS, budget // MAP_SHARE)

    def fits(lines: str) -> bool:
        # What is far too long is not counted.
        return len(lines) <= limit * _MOST_TOKEN_CHARS and estimate_tokens(_map(lines)) <= limit

    shown = file_map(paths, fits, limit * _MOST_TOKEN_CHARS)
    if text := _map(shown) if shown else "":
        fixed.segments.append(("map", text, estimate_tokens(text)))
    if snapshot is not None and budget > MIN_CORE_BUDGET:
        core = choose_core(root, snapshot, budget, margin, fixed.shown)
        if core:
            tokens = estimate_tokens(CORE_HEAD) + sum(record.tokens for _, record in core)
            fixed.segments.append(("core", CORE_HEAD + "".join(body for body, _ in core), tokens))
            fixed.files += [record for _, record in core]
            fixed.shown |= {record.path for _, record in core}
    return fixed


def _map(lines: str) -> str:
    body = block(MAP_TITLE, lines)
    # A name that no fence can hold would let the map be closed early.
    return body if body is not None else ""


def _instructions(root: int, limit: int) -> str:
    """The segment of the repository's own instructions within `limit` tokens; a cut is told in it."""
    found = read_bytes(root, INSTRUCTIONS_FILE, MAX_INSTRUCTIONS_BYTES)
    if found is None or not found[0].strip():
        return ""
    data, size = found
    if len(data) < size:
        data = _whole_lines(data)
    while data:
        note = f" (the first {len(data)} of {size} bytes; read the file for the rest)" if len(data) < size else ""
        body = block(f"{INSTRUCTIONS_FILE}{note}", decode(data), "md")
        if body is None:
            return ""
        text = f"{INSTRUCTIONS_HEAD}{body}"
        if (cost := estimate_tokens(text)) <= limit:
            return text
        data = _whole_lines(data[: min(len(data) * limit // cost, len(data) - 64)]) if len(data) > 256 else b""
    return ""


def _whole_lines(data: bytes) -> bytes:
    return data[: data.rfind(b"\n") + 1] or data
