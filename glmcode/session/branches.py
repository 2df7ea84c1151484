"""Which lines of a session file the conversation is made of, after the user went back to earlier steps."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

START = "start"
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Node:
    """A line and those before it. Lines that were left behind by a restore hang on a branch of their own."""

    line: Line
    before: "_Node | None"


class Branches:
    """Takes the lines of a session file one after the other."""

    def __init__(self) -> None:
        self.steps = 0
        """How many steps the session has had, those on other branches among them."""
        self._tip: _Node | None = None
        self._points: dict[str, _Node | None] = {}
        self._current: str | None = START

    def add(self, line: Line) -> None:
        """The next line. Raises LookupError for one that goes back to a point that is not known."""
        kind = line.get("kind")
        if kind == "restored":
            self._points[str(line["id"])] = self._tip
            if line["conversation"] and line["to"] != "end":
                self._tip, self._current = self._points[str(line["to"])], None
            return
        if kind == "step_started":
            self.steps += 1
            self._current = str(self.steps)
        elif kind == "message" and _role(line) == "user":
            self._current = None
        self._tip = _Node(line, self._tip)
        if self._current is not None:
            # Whatever comes before the next step or prompt belongs to the step: results, and how the turn ended.
            self._points[self._current] = self._tip

    def lines(self) -> list[Line]:
        """Those that the conversation is made of now, in order."""
        found, node = [], self._tip
        while node is not None:
            found.append(node.line)
            node = node.before
        return found[::-1]


def _role(line: Line) -> object:
    message = line.get("message")
    return message.get("role") if isinstance(message, dict) else None


def read_branches(lines: Iterable[Line]) -> Branches:
    """All lines of a file. Raises LookupError."""
    branches = Branches()
    for line in lines:
        branches.add(line)
    return branches
