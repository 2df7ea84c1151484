"""Packs what of a repository the model should see for a task into a budget of tokens."""

import hashlib
import time
from pathlib import Path

from glmcode.context.candidates import Candidates, find_candidates
from glmcode.context.files import all_names, can_be_shown, decode, open_root, read_bytes
from glmcode.context.fitting import Fitted, fit
from glmcode.context.index.history import HistoryReader
from glmcode.context.index.outlines import Outlines
from glmcode.context.index.place import with_index
from glmcode.context.index.snapshot import reasons, take_snapshot
from glmcode.context.index.store import Store
from glmcode.context.ranking.task import Task
from glmcode.context.record import ContextPack, PackedFile, Segment, SegmentName
from glmcode.context.render import FILES_HEAD, INSTRUCTIONS_HEAD, MAP_TITLE, block, file_block, file_map
from glmcode.context.why import why
from glmcode_engine.tokens import estimate_tokens

INSTRUCTIONS_FILE = "AGENTS.md"
MAX_INSTRUCTIONS_BYTES = 16 * 1024
MAX_MAP_TOKENS = 1500
MAP_SHARE = 20
"""The map may take one part in so many of the budget."""
MARGIN = 1.015
"""On top of the tokens counted by cl100k_base, so that the budget holds in o200k_base and GLM-4's vocabulary, too."""

_Pieces = list[tuple[SegmentName, str, int]]
"""Name, text and tokens of each segment."""


def pack(repo: Path, task: str, budget: int) -> ContextPack:
    """Choose what of `repo` (a folder in a git repository) goes to the model for `task`, in at most `budget` tokens.

    The text depends on the repository's files and history, the task and the budget alone. What is worked out about
    files is kept in the user's cache folder. Blocking: call it in a thread. Raises ContextError where the folder is
    missing or git cannot list it; ValueError for a negative budget.
    """
    if budget < 0:
        raise ValueError("the budget must not be negative")
    began = time.perf_counter()
    pieces: _Pieces = []
    files: list[PackedFile] = []
    left_out: dict[str, int] = {}
    if budget:
        names = all_names(repo)
        paths = [name for name in names if can_be_shown(name)]
        with open_root(repo) as root:
            pieces = _fixed(root, paths, budget)
            left = budget - sum(tokens for _, _, tokens in pieces)
            if task.strip() and left > 0:
                if pieces and pieces[0][0] == "instructions":
                    paths = [path for path in paths if path != INSTRUCTIONS_FILE]
                segment, files, left_out = with_index(repo, lambda store: _choose(store, repo, root, paths, task, left))
                pieces += segment
        if hidden := sum(not can_be_shown(name) for name in names):
            left_out["a name that cannot be shown"] = hidden
    return ContextPack(
        budget=budget,
        tokens=sum(tokens for _, _, tokens in pieces),
        text="".join(text for _, text, _ in pieces),
        files=tuple(files),
        segments=tuple(
            Segment(name=name, tokens=tokens, sha256=hashlib.sha256(text.encode()).hexdigest())
            for name, text, tokens in pieces
        ),
        left_out=left_out,
        seconds=round(time.perf_counter() - began, 3),
    )


def _fixed(root: int, paths: list[str], budget: int) -> _Pieces:
    """The segments that do not depend on the task."""
    pieces: _Pieces = []
    if instructions := _instructions(root, budget // 2):
        pieces.append(("instructions", instructions, estimate_tokens(instructions)))
    limit = min(MAX_MAP_TOKENS, budget // MAP_SHARE)
    shown = file_map(paths, lambda lines: estimate_tokens(_map(lines)) <= limit)
    if text := _map(shown) if shown else "":
        pieces.append(("map", text, estimate_tokens(text)))
    return pieces


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


def _choose(
    store: Store, repo: Path, root: int, paths: list[str], task: str, budget: int
) -> tuple[_Pieces, list[PackedFile], dict[str, int]]:
    """The segment of the files that matter, best first, their records, and how many files each reason keeps out."""
    history = HistoryReader(store, repo)
    snapshot = take_snapshot(store, repo, paths)
    candidates = find_candidates(root, snapshot, history.commits(), Outlines(store, repo), Task(task))
    head = estimate_tokens(FILES_HEAD)
    room = int((budget - head) / MARGIN)
    chosen = fit(candidates.offers, room, candidates.line_tokens, heading_tokens) if room > 0 else []
    candidates.keep()
    blocks: list[str] = []
    files: list[PackedFile] = []
    tokens = float(head)
    for one in chosen:
        body, record = _render(candidates, one)
        blocks.append(body)
        files.append(record)
        tokens += one.tokens * MARGIN
    left_out = reasons(snapshot.left_out)
    if not blocks:
        return [], [], left_out
    return [("files", FILES_HEAD + "".join(blocks), int(tokens))], files, left_out


def _render(candidates: Candidates, one: Fitted) -> tuple[str, PackedFile]:
    text = candidates.text(one.path)
    total = text.count("\n") + (not text.endswith("\n"))
    whole = one.ranges == [(1, total)]
    body = file_block(one.path, text, None if whole else one.ranges, candidates.names(one.path))
    assert body is not None, "a file that no fence holds is never offered"
    record = PackedFile(
        path=one.path,
        ranges=None if whole else tuple(one.ranges),
        tokens=int(one.tokens * MARGIN),
        score=round(one.worth, 6),
        why=why(candidates, one.path),
    )
    return body, record


def heading_tokens(path: str) -> int:
    """What a file's path costs in its heading."""
    return estimate_tokens(path)
