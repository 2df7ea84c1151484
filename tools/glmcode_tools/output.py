"""Turns raw output of commands and files into text for a model: cleaned, clipped, nothing hidden without a word."""

import re

from glmcode_sandbox.base import ExecResult
from glmcode_sandbox.clean import clean_text

OUTPUT_CHARS = 16_000
"""How much of one command's output the model gets."""
LINE_CHARS = 2_000

_MAGIC = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"\x7fELF", "an ELF program or library"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\xca\xfe\xba\xbe", "a Java class or Mach-O file"),
    (b"\x00asm", "a WebAssembly module"),
    (b"MZ", "a Windows program"),
    (b"wOF", "a web font"),
)
_SAMPLE = 8192
# NUL is left out: `find -print0` and `git ls-files -z` write it between names.
_CONTROL = bytes(c for c in range(1, 32) if c not in b"\t\n\r\b\f\x1b")


def binary_kind(data: bytes) -> str:
    """What binary `data` seems to be, by its first bytes: `a PNG image`, else `binary data`."""
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), "binary data")


def render_output(source: ExecResult | bytes | str, limit_chars: int = OUTPUT_CHARS) -> tuple[str, bool]:
    """`source` as text a model can read, of about `limit_chars` at most, and whether anything was left out.

    Beginning and end are kept; a line in the middle says what is missing and how to get at it. Binary output is
    named instead of shown.
    """
    match source:
        case str():
            return _clip(clean_text(source), limit_chars)
        case bytes():
            data, gap, total = source, None, len(source)
        case _:
            data, gap, total = source.output, source.head_bytes, source.total_bytes
    if _is_binary(data[:_SAMPLE]):
        return f"[{total:,} bytes of output, not text ({binary_kind(data)}): not shown]", True
    if gap is None:
        return _clip(_clean(data), limit_chars)
    head, tail = _narrow(_clean(data[:gap])), _narrow(_clean(data[gap:]))
    head, tail = _head(head, limit_chars // 2), _tail(tail, limit_chars // 2)
    left_out = max(1, total - len(head.encode()) - len(tail.encode()))
    return f"{head}{_gap(f'about {left_out:,} bytes')}{tail}", True


def clip_lines(text: str, limit_chars: int) -> str:
    """Cleaned `text` cut in the middle to about `limit_chars`, for messages and details."""
    return _clip(clean_text(text), limit_chars)[0]


def _clean(data: bytes) -> str:
    return clean_text(data.replace(b"\0", b"\n"))


def _is_binary(sample: bytes) -> bool:
    if not sample:
        return False
    if binary_kind(sample) != "binary data" and b"\0" in sample:
        return True
    invalid = sample.decode("utf-8", "replace").count("\ufffd")
    control = len(sample) - len(sample.translate(None, _CONTROL))
    return invalid + control > len(sample) * 0.1 or sample.count(b"\0") > len(sample) * 0.25


def _clip(text: str, limit: int) -> tuple[str, bool]:
    narrow = _narrow(text)
    if len(narrow) <= limit:
        return narrow, narrow != text
    head, tail = _head(narrow, limit // 2), _tail(narrow, limit // 2)
    middle = narrow[len(head) : len(narrow) - len(tail)]
    return f"{head}{_gap(f'{middle.count(chr(10)):,} lines ({len(middle.encode()):,} bytes)')}{tail}", True


def _narrow(text: str) -> str:
    if len(text) <= LINE_CHARS:
        return text
    return re.sub(rf"(?m)^(.{{{LINE_CHARS}}})(.+)$", _cut_line, text)


def _cut_line(line: re.Match[str]) -> str:
    return f"{line[1]} [... {len(line[2]):,} more characters in this line]"


def _head(text: str, limit: int) -> str:
    """The whole lines within `limit`; a piece of the first where even that is longer."""
    if len(text) <= limit:
        return text if text.endswith("\n") else f"{text}\n"
    return text[: text.rfind("\n", 0, limit) + 1] or f"{text[:limit]}\n"


def _tail(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    start = text.find("\n", len(text) - limit - 1) + 1
    return text[start:] if 0 < start < len(text) else text[-limit:]


def _gap(amount: str) -> str:
    how = "narrow the command (head, tail, grep) or send its output to a file"
    return f"[... {amount} left out; to see them, {how} ...]\n"
