"""What a person says about a pack: files that must be in it, files that must not, and files they have open."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from glmcode.context.files import ContextError, can_be_shown
from glmcode_sandbox.clean import one_line

Range = tuple[int, int]
"""First and last line, counted from 1, both included."""

_LINES = re.compile(r"^(.+):(\d{1,7})(?:-(\d{1,7}))?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pins:
    """A person's word on a pack. All paths are relative to the repository, with `/`."""

    pinned: tuple[str, ...] = ()
    """In the pack whatever their rank, each as a path, `path:line` or `path:first-last`."""
    dropped: tuple[str, ...] = ()
    """Never in it: files, or folders with all that is below."""
    open: tuple[str, ...] = ()
    """Open in an editor or changed just now: evidence, no promise."""

    def __bool__(self) -> bool:
        return bool(self.pinned or self.dropped or self.open)

    def drops(self, path: str) -> bool:
        """Whether the path is dropped, or lies in a folder that is."""
        return any(path == one or path.startswith(f"{one}/") for one in map(_bare, self.dropped))

    def wanted(self, paths: Collection[str]) -> dict[str, tuple[Range, ...]]:
        """The pinned paths with the lines wanted of them; no lines stand for the whole file.

        `paths` are the repository's: a name among them is taken as it stands, also with a colon in it.
        """
        found: dict[str, tuple[Range, ...]] = {}
        for pin in self.pinned:
            path, lines = _parted(_bare(pin), paths)
            whole = path in found and not found[path]
            found[path] = () if lines is None or whole else (*found.get(path, ()), lines)
        return found

    @property
    def near(self) -> tuple[str, ...]:
        """The files whose neighbours matter, too: those open and those pinned, without their lines."""
        pinned = (match[1] if (match := _LINES.match(pin)) else pin for pin in self.pinned)
        return tuple(dict.fromkeys(map(_bare, (*self.open, *pinned))))


NO_PINS = Pins()


def no_such_file(path: str) -> ContextError:
    """For a pin that names no text file."""
    name = one_line(path, 200) if can_be_shown(path) else "a name that cannot be shown"
    return ContextError(f"pinned is {name}, which is no text file of this repository. Take the pin out or correct it.")


def _bare(path: str) -> str:
    return path.removeprefix("./").rstrip("/")


def _parted(pin: str, paths: Collection[str]) -> tuple[str, Range | None]:
    match = _LINES.match(pin)
    if match is None or pin in paths:
        return pin, None
    first = max(1, int(match[2]))
    return match[1], (first, max(first, int(match[3] or first)))
