"""Large pastes stand in the prompt as one short placeholder each, and as themselves in what is sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from glmcode.tui.texts import text
from glmcode_sandbox.clean import clean_text

MAX_SHOWN_LINES = 8
MAX_SHOWN_CHARS = 1500
"""A paste above either is folded into a placeholder."""
MAX_OPEN_CHARS = 200_000
"""A larger one is not opened in the box, which would become slow."""
MAX_PASTE_CHARS = 4_000_000
"""About what no model's window holds; more is refused."""


def cleaned(pasted: str) -> str:
    """A paste as text: line ends are LF (terminals send CR), and nothing in it acts on a terminal."""
    return clean_text(pasted.replace("\r\n", "\n").replace("\r", "\n"))


def is_large(content: str) -> bool:
    return len(content) > MAX_SHOWN_CHARS or content.count("\n") >= MAX_SHOWN_LINES


@dataclass(slots=True)
class Pastes:
    """The folded pastes of one draft, by placeholder. Those that were deleted stay, since that may be undone."""

    contents: dict[str, str] = field(default_factory=dict)

    def fold(self, content: str) -> str:
        """Keep a paste; the placeholder that stands for it."""
        lines = content.rstrip("\n").count("\n") + 1
        number = len(self.contents) + 1
        # A draft from before may hold numbers with gaps.
        while (name := _placeholder(lines, len(content), number)) in self.contents:
            number += 1
        self.contents[name] = content
        return name

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Where placeholders are in a line: first character, and the one after the last."""
        pattern = _any_of(self.contents)
        return [found.span() for found in pattern.finditer(line)] if pattern else []

    def expanded(self, draft: str) -> str:
        """The draft with every paste in its place. What merely looks like a placeholder stays as it is."""
        pattern = _any_of(self.contents)
        return pattern.sub(lambda found: self.contents[found.group()], draft) if pattern else draft

    def folded(self, whole: str) -> str:
        """The reverse, for text that was edited elsewhere: each paste that is still whole in it, once."""
        # Longest first: a short paste may be a part of a long one.
        for name, content in sorted(self.contents.items(), key=lambda pair: -len(pair[1])):
            if content:
                whole = whole.replace(content, name, 1)
        return whole

    def adopted(self, draft: str, contents: Mapping[str, str]) -> str:
        """A draft from elsewhere with its pastes, kept here; placeholders whose names are taken get new ones."""
        pattern = _any_of(contents)
        return (
            pattern.sub(lambda found: self._adopt(found.group(), contents[found.group()]), draft) if pattern else draft
        )

    def _adopt(self, name: str, content: str) -> str:
        return name if self.contents.setdefault(name, content) == content else self.fold(content)

    def used_in(self, draft: str) -> dict[str, str]:
        """The pastes whose placeholders are in the draft."""
        return {name: content for name, content in self.contents.items() if name in draft}


def _placeholder(lines: int, chars: int, number: int) -> str:
    if lines > MAX_SHOWN_LINES:
        return text("prompt.pasted", lines=lines, number=number)
    return text("prompt.pasted_chars", chars=chars, number=number)


def _any_of(contents: Mapping[str, str]) -> re.Pattern[str] | None:
    # Longest first, so that no placeholder hides behind one that it begins with.
    names = sorted(contents, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, names))) if names else None
