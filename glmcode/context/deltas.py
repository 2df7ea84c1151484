"""Tells the model, at the end of the conversation, what others changed in the files it was shown at its beginning."""

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glmcode.context.cutting import split_pack
from glmcode.context.files import decode, open_root, read_bytes
from glmcode.context.index.kinds import MAX_SOURCE_BYTES
from glmcode.context.render import block
from glmcode.context.shown import shown_of
from glmcode_engine.tokens import estimate_tokens
from glmcode_prompts.library import load

MAX_FILE_TOKENS = 3000
"""A longer diff is not sent: reading the file anew tells more."""
MAX_TOKENS = 12_000
MAX_COMPARED_LINES = 20_000
CONTEXT_LINES = 2

_GONE = "is gone: deleted, renamed or no text file any more."
_LONG = "changed in many places: read it again before you rely on it."


@dataclass(frozen=True, slots=True)
class Known:
    """What the model knows of one file: its lines in order, and before which of them others are left out."""

    lines: tuple[str, ...]
    gaps: frozenset[int] = frozenset()
    """Places in `lines`: what stands in the file between there and the line before is not known."""


KnownFiles = Mapping[str, Known | None]
"""By path; None for a file that is known to be gone."""


@dataclass(frozen=True, slots=True)
class Deltas:
    """What to say before the next message of the user, empty where nothing changed, and what is known after it."""

    text: str
    known: KnownFiles
    paths: tuple[str, ...] = ()
    """The files that changed."""


def known_files(prompt: str) -> dict[str, Known | None]:
    """What a message that begins with a pack shows of files; also that of a session that goes on."""
    found: dict[str, Known | None] = {}
    for title, text in split_pack(prompt)[0]:
        if (shown := shown_of(title, text)) is not None:
            found[shown.path] = Known(shown.lines, shown.gaps)
    return found


def known_text(data: bytes) -> Known | None:
    """A whole file; None for one that is too large or no text."""
    if len(data) > MAX_SOURCE_BYTES or b"\0" in data:
        return None
    return Known(tuple(decode(data).removesuffix("\n").split("\n")))


def after_turn(known: KnownFiles, repo: Path, own: Collection[str]) -> dict[str, Known | None]:
    """What is known when a turn of the agent ends in which it changed the files `own`: those as they are now.

    Blocking: call it in a thread.
    """
    with open_root(repo) as root:
        return {path: _now(root, path) if path in own else shown for path, shown in known.items()}


def deltas(known: KnownFiles, repo: Path) -> Deltas:
    """What differs between the files and what is known of them. Blocking: call it in a thread."""
    told: list[str] = []
    now_known = dict(known)
    left = MAX_TOKENS
    with open_root(repo) as root:
        for path, before in known.items():
            now = _now(root, path)
            change = _change(path, before, now)
            if change is None:
                continue
            if (cost := estimate_tokens(change)) > min(left, MAX_FILE_TOKENS):
                change = f"{path} {_LONG}\n"
                cost = estimate_tokens(change)
            left -= cost
            told.append(change)
            now_known[path] = now
    changed = tuple(path for path in known if now_known[path] is not known[path])
    return Deltas(load("changed_files", changes="\n".join(told).strip()) if told else "", now_known, changed)


def _now(root: int, path: str) -> Known | None:
    found = read_bytes(root, path, MAX_SOURCE_BYTES + 1)
    return None if found is None else known_text(found[0])


def _change(path: str, before: Known | None, now: Known | None) -> str | None:
    """What to say of one file; None where what was known still holds."""
    if now is None:
        return None if before is None else f"{path} {_GONE}\n"
    if before is None:
        return f"{path} is there again: read it before you rely on it.\n"
    if before.lines == now.lines and not before.gaps:
        return None
    if len(before.lines) + len(now.lines) > MAX_COMPARED_LINES:
        return f"{path} {_LONG}\n"
    hunks = list(_hunks(before, now.lines))
    return block(f"{path} (changed)", "\n".join(hunks), "diff") if hunks else None


def _hunks(before: Known, now: Sequence[str]) -> Iterator[str]:
    """The differences as in a unified diff, without those that may have been left out of what was shown."""
    matcher = difflib.SequenceMatcher(None, before.lines, now, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal" or (kind == "insert" and a in before.gaps):
            continue
        if kind == "replace":
            # Of what stands in a gap only the lines next to those that were shown can be theirs.
            c, d = _beside(before, a, b, c, d)
        yield f"@@ line {c + 1} @@"
        yield from (f" {line}" for line in now[max(0, c - CONTEXT_LINES) : c])
        yield from (f"-{line}" for line in before.lines[a:b])
        yield from (f"+{line}" for line in now[c:d])
        yield from (f" {line}" for line in now[d : d + CONTEXT_LINES])


def _beside(before: Known, a: int, b: int, c: int, d: int) -> tuple[int, int]:
    most = b - a + 2 * CONTEXT_LINES
    if a in before.gaps and d - c > most:
        return d - most, d
    return (c, c + most) if b in before.gaps and d - c > most else (c, d)
