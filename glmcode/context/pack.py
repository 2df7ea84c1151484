"""Packs what of a repository the model should see for a task into a budget of tokens."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from glmcode.context.excerpt import Range, excerpt
from glmcode.context.files import decode, list_files, open_root, read_bytes, source_bytes, worth_reading
from glmcode.context.mentions import named
from glmcode.context.rank import Query, Ranked, make_query, rank
from glmcode.context.record import ContextPack, PackedFile, Segment, SegmentName
from glmcode.context.render import FILES_HEAD, INSTRUCTIONS_HEAD, MAP_TITLE, block, file_block, file_map
from glmcode_engine.tokens import estimate_tokens

INSTRUCTIONS_FILE = "AGENTS.md"
MAX_INSTRUCTIONS_BYTES = 16 * 1024
MAX_READ_BYTES = 96 * 1024 * 1024
"""Reading stops here; what the task names, and what has its words in the path, is read first."""
MAX_PACKED_FILES = 64
MAX_MAP_TOKENS = 1500
MIN_SHARE_TOKENS = 1500
"""So much of the budget any file may take, so that small files come whole."""
_MIN_BLOCK_TOKENS = 40
_LEAST_SCORE = 0.08
"""Files that score less than this part of the best one are noise."""


def pack(repo: Path, task: str, budget: int) -> ContextPack:
    """Choose what of `repo` (a folder in a git repository) goes to the model for `task`, in at most `budget` tokens.

    The text depends on the repository's files, the task and the budget alone. Blocking: call it in a thread.
    Raises ContextError where the folder is missing or git cannot list it; ValueError for a negative budget.
    """
    if budget < 0:
        raise ValueError("the budget must not be negative")
    began = time.perf_counter()
    pieces: list[tuple[SegmentName, str]] = []
    files: list[PackedFile] = []
    if budget:
        paths = list_files(repo)
        with open_root(repo) as root:
            pieces, left = _fixed(root, paths, budget)
            if pieces and pieces[0][0] == "instructions":
                paths = [path for path in paths if path != INSTRUCTIONS_FILE]
            blocks, files = _choose(root, paths, task, left - estimate_tokens(FILES_HEAD))
        # Counting piece by piece may come out a token or two below the count of the whole.
        while files and estimate_tokens(_text(pieces) + FILES_HEAD + "".join(blocks)) > budget:
            del blocks[-1], files[-1]
        if blocks:
            pieces.append(("files", FILES_HEAD + "".join(blocks)))
    text = _text(pieces)
    return ContextPack(
        budget=budget,
        tokens=estimate_tokens(text),
        text=text,
        files=tuple(files),
        segments=tuple(_segment(name, piece) for name, piece in pieces),
        seconds=round(time.perf_counter() - began, 3),
    )


def _text(pieces: list[tuple[SegmentName, str]]) -> str:
    return "".join(text for _, text in pieces)


def _segment(name: SegmentName, text: str) -> Segment:
    return Segment(name=name, tokens=estimate_tokens(text), sha256=hashlib.sha256(text.encode()).hexdigest())


def _fixed(root: int, paths: list[str], budget: int) -> tuple[list[tuple[SegmentName, str]], int]:
    """The segments that do not depend on the task, and the budget left after them."""
    pieces: list[tuple[SegmentName, str]] = []
    if instructions := _instructions(root, budget // 2):
        pieces.append(("instructions", instructions))
    limit = min(MAX_MAP_TOKENS, budget // 8)
    shown = file_map(paths, lambda lines: estimate_tokens(_map(lines)) <= limit)
    if text := _map(shown) if shown else "":
        pieces.append(("map", text))
    return pieces, budget - sum(estimate_tokens(text) for _, text in pieces)


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


def _choose(root: int, paths: list[str], task: str, budget: int) -> tuple[list[str], list[PackedFile]]:
    """The blocks of the files that matter, best first, and their records."""
    search = make_query(task)
    if budget < _MIN_BLOCK_TOKENS or not task.strip():
        return [], []
    ranking = rank(task, paths, _sources(root, paths, task, search), search)
    least = _LEAST_SCORE * max((entry.score for entry in ranking.files), default=0.0)
    blocks: list[str] = []
    files: list[PackedFile] = []
    left = budget
    for entry in ranking.files:
        if left < _MIN_BLOCK_TOKENS or len(files) == MAX_PACKED_FILES:
            break
        if not entry.named and entry.score < least:
            break
        # What the task names may take more of the budget than what merely matches.
        share = min(left, max(budget // (2 if entry.named else 4), MIN_SHARE_TOKENS))
        if fitted := _fit(root, entry, search, ranking.rarity, share):
            text, ranges, cost = fitted
            blocks.append(text)
            files.append(PackedFile(path=entry.path, ranges=ranges, tokens=cost, score=entry.score, why=entry.why))
            left -= cost
    return blocks, files


def _sources(root: int, paths: list[str], task: str, search: Query) -> Iterator[tuple[str, str]]:
    """Path and raw text of every file worth ranking, the likely ones first, up to MAX_READ_BYTES."""
    mentions = named(task, paths)
    read = 0
    for path in sorted(paths, key=lambda path: (path not in mentions, not search.count(path)[0], path)):
        data = source_bytes(root, path) if worth_reading(path) else None
        if data is not None:
            yield path, data.decode("utf-8", "replace")
            read += len(data)
            if read >= MAX_READ_BYTES:
                return


def _fit(
    root: int, entry: Ranked, search: Query, rarity: Mapping[str, float], share: int
) -> tuple[str, tuple[Range, ...] | None, int] | None:
    """A file's block in at most `share` tokens, whole or in ranges, and its tokens; None if neither fits."""
    data = source_bytes(root, entry.path)
    if data is None:
        return None
    text = decode(data)
    whole = file_block(entry.path, text, None)
    if whole is not None and (cost := estimate_tokens(whole)) <= share:
        return whole, None, cost
    # The headings of the ranges cost something, too: what does not fit at first is tried with less.
    for allowance in (share * 7 // 8, share // 2, share // 4):
        ranges = excerpt(text, search, rarity, entry.lines, allowance, estimate_tokens)
        body = file_block(entry.path, text, ranges) if ranges else None
        if body and (cost := estimate_tokens(body)) <= share:
            return body, ranges, cost
    return None
