"""The files of a pack as lines of a list, with those that the user pinned or dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from glmcode.tui.status.figures import count
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line
from glmcode_tools.filetext import display_name

if TYPE_CHECKING:
    from glmcode.context.record import PackedFile

_TOKENS = 6
_RANGES = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One line."""

    path: str
    """Untrusted."""
    file: "PackedFile | None" = None
    """None where it is not in the pack."""
    is_pinned: bool = False
    is_dropped: bool = False


def rows_of(files: Sequence["PackedFile"], pinned: Sequence[str], dropped: Sequence[str]) -> list[Row]:
    """The files in the order of the pack, then what is pinned or dropped and not in it."""
    rows = [Row(each.path, each, is_pinned(each.path, pinned), each.path in dropped) for each in files]
    there = {row.path for row in rows}
    rows += [Row(each, None, is_pinned=True) for each in pinned if not any(is_pinned(path, [each]) for path in there)]
    return rows + [Row(each, None, is_dropped=True) for each in dropped if each not in there]


def is_pinned(path: str, pinned: Sequence[str]) -> bool:
    """Whether a pin names the file, or lines of it."""
    return any(pin == path or pin.startswith(f"{path}:") for pin in pinned)


def with_pin(path: str, pinned: Sequence[str]) -> tuple[str, ...]:
    """The pins with the file pinned where it was not, and no longer where it was."""
    if is_pinned(path, pinned):
        return tuple(pin for pin in pinned if not is_pinned(path, [pin]))
    return (*pinned, path)


def with_drop(path: str, dropped: Sequence[str]) -> tuple[str, ...]:
    """The same for what is dropped."""
    return tuple(each for each in dropped if each != path) if path in dropped else (*dropped, path)


def line(row: Row) -> Content:
    """Its mark, tokens, name, line ranges and why it is there."""
    mark, style = ("●", "$primary") if row.is_pinned else ("×", "$error") if row.is_dropped else (" ", "")
    tokens = f"{count(row.file.tokens) if row.file else '':>{_TOKENS}}"
    parts = [Content.styled(f"{mark} {tokens}", style or "$thinking"), Content.styled(display_name(row.path), style)]
    if row.file is not None:
        parts.append(Content.styled(_ranges(row.file.ranges), "$accent"))
        parts.append(Content.styled(one_line(row.file.why, 200), "$thinking"))
    else:
        parts.append(Content.styled(text("pack.dropped" if row.is_dropped else "pack.pinned"), "$thinking"))
    return Content("  ").join(parts)


def _ranges(ranges: Sequence[tuple[int, int]] | None) -> str:
    if ranges is None:
        return text("pack.whole")
    more = f" +{len(ranges) - _RANGES}" if len(ranges) > _RANGES else ""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges[:_RANGES]) + more
