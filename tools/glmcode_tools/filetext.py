"""The text of a file apart from its bytes: encoding, byte order mark and line endings, so that edits keep them."""

import codecs
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from glmcode_sandbox.clean import clean_text

MAX_FILE_BYTES = 10 * 1024 * 1024
"""Larger files are left to the shell."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class FileText:
    """Decoded text, line endings untouched, and what is needed to write it back byte for byte."""

    text: str
    encoding: str = "utf-8"
    bom: bytes = b""

    @property
    def newline(self) -> str:
        """The ending that most lines have: `\\n` or `\\r\\n`."""
        crlf = self.text.count("\r\n")
        return "\r\n" if crlf * 2 > self.text.count("\n") else "\n"

    def encode(self, text: str) -> bytes:
        """`text` as this file's bytes. Raises UnicodeEncodeError for characters that its encoding lacks."""
        return self.bom + text.encode(self.encoding)


def decode_file(data: bytes) -> FileText | None:
    """The text of a file, or None when it is binary. What is not Unicode is taken as Latin-1, which loses no byte."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _try(data[len(bom) :], encoding, bom)
    if b"\0" in data:
        return _bare_utf16(data)
    if (text := _try(data, "utf-8")) is not None:
        return text
    sample = data[:65536]
    return None if len(_CONTROL.findall(sample)) > len(sample) // 100 else _try(data, "latin-1")


def _try(data: bytes, encoding: str, bom: bytes = b"") -> FileText | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return FileText(text, encoding, bom)


def _bare_utf16(data: bytes) -> FileText | None:
    """UTF-16 without a mark: mostly ASCII, so that every other byte is NUL and none of the others is."""
    sample = data[:4096]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(data) % 2 or max(even, odd) < len(sample) * 0.4 or min(even, odd):
        return None
    return _try(data, "utf-16-le" if odd > even else "utf-16-be")


def lines_of(text: str) -> list[str]:
    """The lines of `text` with their endings; only line feeds end a line, as in every line number we show."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def visible(line: str) -> str:
    """One line with control and invisible characters written out as `<U+200B>`, so that nothing in it is hidden."""
    if clean_text(line) == line:
        return line
    return "".join(char if char == "\t" or clean_text(f"a{char}") == f"a{char}" else _code(char) for char in line)


def display_name(name: str | bytes) -> str:
    """A file name for a line of output. Odd ones are written the way bash reads them: `$'a\\nb\\377'`."""
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    if text.isprintable() and clean_text(text) == text:
        return text
    raw = text.encode("utf-8", "surrogateescape")
    return "$'" + "".join(chr(b) if 32 <= b < 127 and b not in b"'\\" else f"\\{b:03o}" for b in raw) + "'"


def unified_diff(old: Sequence[str], new: Sequence[str], path: str, *, context: int = 3) -> tuple[str, int, int]:
    """A unified diff for people, cleaned, with counts of added and removed lines. Lines keep their endings.

    Cheap for small changes in large files: equal beginnings and ends are cut off before anything is compared.
    """
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    offset, tail = max(0, start - context), max(0, end - context)
    a, b = old[offset : len(old) - tail], new[offset : len(new) - tail]
    name = display_name(path)
    lines = [f"--- a/{name}", f"+++ b/{name}"]
    removed = added = 0
    for group in _groups(a, b, context):
        (_, a1, _, b1, _), (_, _, a2, _, b2) = group[0], group[-1]
        lines.append(f"@@ -{_range(offset + a1, a2 - a1)} +{_range(offset + b1, b2 - b1)} @@")
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += _marked(" ", a[i1:i2])
                continue
            removed, added = removed + i2 - i1, added + j2 - j1
            lines += _marked("-", a[i1:i2]) + _marked("+", b[j1:j2])
    return ("\n".join(lines) + "\n" if removed or added else ""), added, removed


def _groups(a: Sequence[str], b: Sequence[str], context: int) -> Iterable[list[tuple[str, int, int, int, int]]]:
    from difflib import SequenceMatcher

    size = len(a) * len(b)
    if size > 400_000_000:
        return [[("replace", 0, len(a), 0, len(b))]]
    return SequenceMatcher(None, a, b, autojunk=size > 1_000_000).get_grouped_opcodes(context)


def _marked(mark: str, lines: Sequence[str]) -> list[str]:
    marked: list[str] = []
    for line in lines:
        marked.append(mark + visible(line.rstrip("\r\n")))
        if not line.endswith("\n"):
            marked.append("\\ No newline at end of file")
    return marked


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _range(start: int, size: int) -> str:
    """Lines count from 1; an empty range names the line before it."""
    return f"{start + 1 if size else start},{size}"


def _code(char: str) -> str:
    return f"<U+{ord(char):04X}>"
