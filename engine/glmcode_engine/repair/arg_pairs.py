"""Reads `NAME<arg_key>K</arg_key><arg_value>V</arg_value>...</tool_call>`, also with tags glued, doubled or missing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from glmcode_engine.messages import ToolSpec
from glmcode_engine.repair.typed_values import properties

_NAME = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*(?=<(?:/?arg_|tool_call>))")
_GLUED = re.compile(r"\s*([A-Za-z_][\w.-]*)(?:[ \t]+([\w-]+))?\s*</arg_key>\s*<arg_value>")
_WORD = r"([^<>\s](?:[^<>]{0,198}[^<>\s])?)"
_KEY = re.compile(rf"(?:\s*<arg_key>)+\s*{_WORD}\s*(?:</arg_key>\s*)*<arg_value>")
_FIRST_KEY = re.compile(rf"\s*(?:<tool_call>|</?arg_key>)*\s*{_WORD}\s*(?:</arg_key>\s*)+<arg_value>")
_CLOSED = re.compile(r"</arg_value>(?=\s*(?:</?tool_call>|</?arg_key>|</arg_value>|\Z))")
_UNCLOSED_END = re.compile(rf"\s{{0,8}}<arg_key>\s*{_WORD}\s*</arg_key>\s*<arg_value>|</tool_call>|<tool_call>")
_STRAY = re.compile(r"(?:\s*</arg_(?:key|value)>)*")
_END = re.compile(r"\s*(?:</tool_call>|(?=<tool_call>)|\Z)")
_LEFT_OVER = re.compile(
    r"(?:\s*</(?:arg_(?:key|value)|tool_call)>)*\s*[^\s<](?:(?!<tool_call>).)*?</arg_value>", re.DOTALL
)
"""More of a value behind the end of the call: the end was part of the value."""


@dataclass(slots=True)
class ArgPairs:
    """What was read: the tool's name, the raw values by key, and where the call ends in the text."""

    name: str
    values: dict[str, str]
    end: int


def read_arg_pairs(text: str, at: int, tools: Mapping[str, ToolSpec], *, ended: bool) -> ArgPairs | None:
    """The call that begins at `at`, right after its `<tool_call>`; None where it is not whole or not clear.

    `ended`: the text stopped by itself, so its end stands for a closing tag.
    """
    begun = _begin(text, at, tools)
    if begun is None:
        return None
    name, key, at = begun
    pairs, known = ArgPairs(name, {}, at), properties(tools.get(name))
    while True:
        end = _value_end(text, at, known)
        if end is None:
            return None
        value, at, closed = end
        if pairs.values.setdefault(key, value) != value:
            return None
        at = _stray_end(text, at) if closed else at
        if following := _KEY.match(text, at):
            key, at = following[1], following.end()
            continue
        last = _END.match(text, at)
        by_tag = last is not None and last[0].endswith("</tool_call>")
        if last is None or not (by_tag or (closed and (ended or last.end() < len(text)))):
            return None
        pairs.end = last.end()
        return None if _LEFT_OVER.match(text, pairs.end) else pairs


def _begin(text: str, at: int, tools: Mapping[str, ToolSpec]) -> tuple[str, str, int] | None:
    """Name, first key and where its value begins; a name glued to the key is parted where only one way fits."""
    if glued := _GLUED.match(text, at):
        name, key = glued[1], glued[2]
        ways = [(name, key)] if key else [(tool, name[len(tool) :]) for tool in tools if name.startswith(tool)]
        fitting = [(tool, part) for tool, part in ways if part in properties(tools.get(tool))]
        return (*fitting[0], glued.end()) if len(fitting) == 1 else None
    name_match = _NAME.match(text, at)
    if name_match is None:
        return None
    first = _FIRST_KEY.match(text, name_match.end())
    return (name_match[1], first[1], first.end()) if first else _plain_key(text, name_match)


def _plain_key(text: str, name: re.Match[str]) -> tuple[str, str, int] | None:
    key = _KEY.match(text, name.end())
    return (name[1], key[1], key.end()) if key else None


def _value_end(text: str, at: int, known: dict[str, object]) -> tuple[str, int, bool] | None:
    """The value that begins at `at`, where the text goes on, and whether its own tag closed it.

    A value may hold the tags itself (a file about this format), balanced; an opened one that nothing closes means
    that the value's own closing tag is missing.
    """
    start = at
    while (closing := _CLOSED.search(text, at)) is not None:
        value = text[start : closing.start()]
        missing = value.count("<arg_value>") - value.count("</arg_value>")
        if missing == 0:
            return value, closing.end(), True
        if missing > 0 and (unclosed := _unclosed(text, start, closing.start(), known)) is not None:
            return unclosed
        at = closing.end()
    return _unclosed(text, start, len(text), known)


def _unclosed(text: str, start: int, end: int, known: dict[str, object]) -> tuple[str, int, bool] | None:
    """A value without a closing tag: it ends where the next key of this tool begins, or the call."""
    stop = _UNCLOSED_END.search(text, start, end)
    if stop is None or stop[0] == "<tool_call>" or (stop[1] is not None and stop[1] not in known):
        return None
    return text[start : stop.start()], stop.start(), False


def _stray_end(text: str, at: int) -> int:
    match = _STRAY.match(text, at)
    return match.end() if match else at
