"""Writes the pack's text: blocks in Markdown fences that the text inside them cannot close."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

Range = tuple[int, int]
"""First and last line, counted from 1, both included."""
Told = Callable[[int, int], Sequence[str]]
"""What to say of a range of lines: a few words, perhaps none, then lines of their own."""

INSTRUCTIONS_HEAD = "## The repository's own instructions\n\n"
MAP_TITLE = "The repository's files"
CORE_HEAD = "## Files that much of the repository leans on\n\n"
FILES_HEAD = (
    "## Files that may matter for the task\n\n"
    "A line like `... lines 12-34: name` stands for lines that are left out here, and names what they define. Lines\n"
    "like `... 15: def name():` after it say how a definition among them begins, and in which line.\n\n"
)

MAX_FENCE = 24
"""Text with a longer run of backticks is not fenced but left out."""
MAX_NAMES = 40
"""Names of one folder that the map shows."""

_GAP = "."
_GAPS = re.compile(r"^\.{3,}", re.MULTILINE)
_TICKS = re.compile(r"`{3,}")
_LANGUAGE = re.compile(r"\.([A-Za-z0-9]{1,10})$")


def nothing_known(first: int, last: int) -> Sequence[str]:
    """For files of which nothing is known."""
    return ("",)


def gaps_of(ranges: Iterable[Range], total: int) -> Iterator[Range]:
    """The lines of a file of `total` lines that lie between these ranges, before and after them."""
    after = 1
    for first, last in [*ranges, (total + 1, total)]:
        if first > after:
            yield after, first - 1
        after = last + 1


def fence(text: str) -> str | None:
    """The shortest run of three or more backticks that is not in `text`; None where it would be absurdly long."""
    longest = max((len(run) for run in _TICKS.findall(text)), default=2)
    return "`" * (longest + 1) if longest < MAX_FENCE else None


def block(title: str, text: str, language: str = "") -> str | None:
    """A heading and the fenced text; None where the text cannot be fenced."""
    mark = fence(text)
    if mark is None:
        return None
    return f"### {title}\n{mark}{language}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{mark}\n\n"


def file_block(path: str, text: str, ranges: Sequence[Range] | None, told: Told = nothing_known) -> str | None:
    """The block of one file, whole or in ranges; None where it cannot be fenced.

    What lies between the ranges is a line with a mark that begins no line of the file, the line numbers, and what
    `told` says of those lines.
    """
    match = _LANGUAGE.search(PurePosixPath(path).name)
    language = match.group(1) if match else ""
    if ranges is None:
        return block(path, text, language)
    lines = text.split("\n")
    total = len(lines) - (not lines[-1])
    mark = gap_mark(text)
    if mark is None:
        return None
    gaps = {first: (first, last) for first, last in gaps_of(ranges, total)}
    written: list[str] = []
    for first, last in sorted([*ranges, *gaps.values()]):
        if first in gaps:
            words, *more = told(first, last)
            written.append(f"{mark} lines {first}-{last}{': ' + words if words else ''}")
            written += [f"{mark} {line}" for line in more]
        else:
            written += lines[first - 1 : last]
    return block(f"{path} (parts of {total} lines)", "\n".join(written) + "\n", language)


def gap_mark(text: str) -> str | None:
    """What stands for lines left out: three dots, or more where lines of the text begin so; None where absurd."""
    longest = max((len(run) for run in _GAPS.findall(text)), default=2)
    return _GAP * (longest + 1) if longest < MAX_FENCE else None


def file_map(paths: Iterable[str], fits: Callable[[str], bool], most: int | None = None) -> str:
    """The files folder by folder, one line each, as deep as it fits; empty where not even the top level does.

    Longer texts than `most` characters do not fit, so they need not be written.
    """
    tree: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        tree.setdefault(folder, []).append(name)
    deepest = max((folder.count("/") + 1 for folder in tree if folder), default=0)
    lines = {folder: _folder_line(folder, names) for folder, names in tree.items()}
    sizes = {folder: len(names) for folder, names in tree.items()}
    # Full depth first, then shallower; a tree of absurd depth is not tried level by level.
    depths = {folder: folder.count("/") + 1 if folder else 0 for folder in tree}
    lengths: Counter[int] = Counter()
    for folder, line in lines.items():
        lengths[depths[folder]] += len(line)
    for depth in [deepest, *range(min(deepest - 1, 12), -1, -1)]:
        if most is not None and sum(length for at, length in lengths.items() if at <= depth) > most:
            continue
        text = _map_lines(lines, sizes, depth)
        if fits(text):
            return text
    return ""


def _folder_line(folder: str, names: Sequence[str]) -> str:
    shown = "  ".join(sorted(names)[:MAX_NAMES])
    more = f"  and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{folder or '.'}/: {shown}{more}"


def _map_lines(lines: Mapping[str, str], sizes: Mapping[str, int], depth: int) -> str:
    hidden: dict[str, int] = {}
    shown: dict[str, str] = {}
    for folder, line in lines.items():
        parts = folder.split("/", depth + 1) if folder else []
        if len(parts) > depth:
            top = "/".join(parts[: depth + 1])
            hidden[top] = hidden.get(top, 0) + sizes[folder]
        else:
            shown[folder] = line
    shown |= {folder: f"{folder}/ ({count} files)" for folder, count in hidden.items()}
    return "\n".join(shown[folder] for folder in sorted(shown)) + "\n" if shown else ""
