"""Reads JSON with comments and trailing commas together with where all of it stands, so that it can be edited.

What VS Code allows in its settings: `//` and `/* */` comments and a comma after the last element. Everything that an
edit does not name stays byte for byte.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

_SPACE = " \t\r\n"
_MAX_DEPTH = 200
_GAP = re.compile(r"(?:[ \t\r\n\ufeff]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_PIECE = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")


class JsoncError(ValueError):
    """The text is no JSON of this kind; the text of the error says where."""


@dataclass(slots=True)
class Item:
    """An element of an array or a member of an object, with the offset of the comma after it."""

    start: int
    node: "Node"
    key: str | None = None
    comma: int | None = None


@dataclass(slots=True)
class Node:
    """A value from offset `start` to `end`."""

    start: int
    end: int
    kind: Literal["object", "array", "value"]
    value: Any
    items: list[Item] = field(default_factory=list)

    def member(self, key: str) -> "Node | None":
        """The member of an object; of several with one name the last counts, as for VS Code."""
        return next((item.node for item in reversed(self.items) if item.key == key), None)


def parse(text: str) -> Node | None:
    """The value of a text; None where there are only comments or nothing. Raises JsoncError."""
    reader = _Reader(text)
    start = reader.skip(0)
    if start == len(text):
        return None
    node = reader.value(start, 0)
    if (rest := reader.skip(node.end)) < len(text):
        reader.fail(rest, "something stands after the end")
    return node


@dataclass(slots=True)
class _Reader:
    text: str

    def skip(self, at: int) -> int:
        found = _GAP.match(self.text, at)
        return found.end() if found else at

    def value(self, at: int, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            self.fail(at, "nested too deeply")
        match self.text[at : at + 1]:
            case "{":
                return self._container(at, "object", "}", depth)
            case "[":
                return self._container(at, "array", "]", depth)
            case '"':
                end, value = self._string(at)
                return Node(at, end, "value", value)
            case _:
                return self._word(at)

    def _container(self, at: int, kind: Literal["object", "array"], close: str, depth: int) -> Node:
        items: list[Item] = []
        here = self.skip(at + 1)
        while self.text[here : here + 1] != close:
            if items and items[-1].comma is None:
                self.fail(here, f"a comma or {close} is missing")
            item = self._item(here, kind, depth)
            items.append(item)
            here = self.skip(item.node.end)
            if self.text[here : here + 1] == ",":
                item.comma = here
                here = self.skip(here + 1)
        value: Any = (
            [item.node.value for item in items] if kind == "array" else {item.key: item.node.value for item in items}
        )
        return Node(at, here + 1, kind, value, items)

    def _item(self, at: int, kind: str, depth: int) -> Item:
        if kind == "array":
            return Item(at, self.value(at, depth + 1))
        if self.text[at : at + 1] != '"':
            self.fail(at, "a name in double quotes is missing")
        end, key = self._string(at)
        colon = self.skip(end)
        if self.text[colon : colon + 1] != ":":
            self.fail(colon, "a colon is missing")
        return Item(at, self.value(self.skip(colon + 1), depth + 1), key)

    def _string(self, at: int) -> tuple[int, str]:
        found = _STRING.match(self.text, at)
        if found is None:
            self.fail(at, "a string does not end")
        try:
            return found.end(), json.loads(found[0])
        except ValueError:
            self.fail(at, "a string holds an unknown escape")

    def _word(self, at: int) -> Node:
        found = _WORD.match(self.text, at)
        if found is None:
            self.fail(at, "a value is missing")
        try:
            return Node(at, found.end(), "value", json.loads(found[0]))
        except ValueError:
            self.fail(at, "this is no number")

    def fail(self, at: int, what: str) -> NoReturn:
        before = self.text[:at]
        line = before.count("\n") + 1
        raise JsoncError(f"line {line}, column {at - (before.rfind(chr(10)) + 1) + 1}: {what}")


def append(text: str, container: Node, rendered: list[str], indent: str) -> str:
    """`text` with further elements, each on a line of its own, at the end of an array or object of it.

    A comma after the last element is there afterwards if it was before.
    """
    eol = line_end(text)
    trailing = bool(container.items) and container.items[-1].comma is not None
    at = _after_content(text, container.end - 1)
    block = ",".join(f"{eol}{indent}{one}" for one in rendered) + ("," if trailing else "")
    edited = text[:at] + block + text[at:]
    if container.items and not trailing:
        comma = container.items[-1].node.end
        edited = edited[:comma] + "," + edited[comma:]
    return edited


def remove(text: str, container: Node, index: int) -> str:
    """`text` without one element: what `append` did to the commas and line ends is undone."""
    item = container.items[index]
    start, end = _after_content(text, item.start), item.node.end
    if item.comma is not None:
        between, rest = text[end : item.comma], text[item.comma + 1 :]
    else:
        between, rest = "", text[end:]
    if _follows_line_comment(text, container, index) and not re.match(r"[ \t]*(?:\r|\n|$)", between + rest):
        start = item.start  # else what follows would become part of the comment
    edited = text[:start] + between + rest
    if item.comma is None and index > 0:
        comma = container.items[index - 1].comma
        assert comma is not None
        edited = edited[:comma] + edited[comma + 1 :]
    return edited


def line_end(text: str) -> str:
    """The line end that a text uses, by its first line."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def indent_at(text: str, at: int) -> str:
    """The white space that the line of this offset begins with."""
    start = text.rfind("\n", 0, at) + 1
    return text[start : start + len(text[start:at]) - len(text[start:at].lstrip(" \t"))]


def _after_content(text: str, at: int) -> int:
    """The end of what stands before an offset, without the white space between."""
    return len(text[:at].rstrip(_SPACE))


def _follows_line_comment(text: str, container: Node, index: int) -> bool:
    """Whether what stands before an element, white space aside, is a `//` comment."""
    begin = container.start + 1 if index == 0 else (container.items[index - 1].comma or 0) + 1
    pieces = [found[0] for found in _PIECE.finditer(text, begin, container.items[index].start)]
    return bool(pieces) and pieces[-1].startswith("//")
