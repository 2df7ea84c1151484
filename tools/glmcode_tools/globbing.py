"""Matches paths with a pattern, in a time that grows with their length alone: patterns come from a model."""

import re
from collections.abc import Iterator, Sequence

_TOKEN = re.compile(r"\[[!^]?(?:\]|[^\]/])[^\]/]*\]|.", re.DOTALL)
MAX_ALTERNATIVES = 256
"""So many patterns may come of the braces of one."""

_Parts = Sequence[re.Pattern[str] | None]
"""One for each part of a path; None for any number of parts."""


class PathPattern:
    """`*`, `?`, `[...]`, `**`, `{a,b}`. Without a slash it matches the last part of a path only."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for what is no pattern, with the reason."""
        tokens = _TOKEN.findall(text.removeprefix("./"))
        self._alternatives = [_parts(each) for each in dict.fromkeys(_expanded(tokens))]

    def matches(self, path: str) -> bool:
        """Whether a relative path matches."""
        parts = path.split("/")
        return any(_match(each, parts) for each in self._alternatives)


def _expanded(tokens: Sequence[str]) -> list[str]:
    """The patterns without braces that a pattern stands for."""
    stack: list[list[list[str]]] = [[[""]]]
    """Of each brace that is open, and of the whole, the choices so far; of each choice its patterns so far."""
    for token in tokens:
        if token == "{":
            stack.append([[""]])
        elif token == "," and len(stack) > 1:
            stack[-1].append([""])
        elif token == "}" and len(stack) > 1:
            inner = [text for choice in stack.pop() for text in choice]
            stack[-1][-1] = _bounded([before + text for before in stack[-1][-1] for text in inner])
        else:
            stack[-1][-1] = [text + token for text in stack[-1][-1]]
    if len(stack) > 1:
        raise ValueError("a brace is not closed")
    return _bounded([text for pattern in stack[0][0] for text in _deepened(pattern)])


def _bounded(patterns: list[str]) -> list[str]:
    if len(patterns) > MAX_ALTERNATIVES:
        raise ValueError(f"its braces stand for more than {MAX_ALTERNATIVES} patterns")
    return patterns


def _deepened(pattern: str) -> Iterator[str]:
    """`a**b` is any name and any depth."""
    yield re.sub(r"\*{2,}(?=[^/*])|(?<=[^/*])\*{2,}", "*", pattern)
    if re.search(r"\*\*[^/*]|[^/*]\*\*", pattern):
        yield re.sub(r"\*{2,}(?=[^/*])|(?<=[^/*])\*{2,}", "*/**/*", pattern)


def _parts(pattern: str) -> _Parts:
    names = pattern.split("/")
    found = [None if name == "**" else _name(name) for name in names]
    if len(names) == 1:
        found.insert(0, None)
    if found[-1] is None:
        found.append(_name("*"))
    return found


def _name(text: str) -> re.Pattern[str]:
    """A part as a regex in which no star is tried twice: where the next piece is found first is as good as any."""
    pieces = [""]
    for token in _TOKEN.findall(text):
        if token == "*":
            pieces.append("")
        else:
            pieces[-1] += _piece(token)
    first, *rest = pieces
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1] if piece)
    last = f".*{rest[-1]}" if rest else ""
    try:
        return re.compile(first + middle + last, re.DOTALL)
    except re.error as error:
        raise ValueError(str(error)) from None


def _piece(token: str) -> str:
    if token == "?":
        return "."
    if len(token) == 1:
        return re.escape(token)
    inner = token[1:-1].replace("\\", "\\\\").replace("[", "\\[")
    return f"[^{inner[1:]}]" if inner[0] in "!^" and len(inner) > 1 else f"[{inner}]"


def _match(pattern: _Parts, parts: Sequence[str]) -> bool:
    at = place = mark = 0
    star = -1
    while place < len(parts):
        wanted = pattern[at] if at < len(pattern) else None
        if at < len(pattern) and wanted is None:
            star, mark, at = at, place, at + 1
        elif wanted is not None and wanted.fullmatch(parts[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            mark += 1
            at, place = star + 1, mark
        else:
            return False
    return all(each is None for each in pattern[at:])
