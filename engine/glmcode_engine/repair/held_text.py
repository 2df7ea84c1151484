"""Lets streamed text through, and holds back what may be a tool call that leaked into it."""

import re

from glmcode_engine.repair.quoting import Quoting

OPENERS = ("<tool_call>", '<invoke name="', "<function=")
_OPENER = re.compile("|".join(map(re.escape, OPENERS)))
_MAY_FOLLOW = {
    "<tool_call>": re.compile(
        r"\s{0,64}(?:$|[{\[<]|`|[A-Za-z_][\w.-]{0,80}(?:[ \t]+[\w-]{1,40})?\s{0,64}(?:$|<|\{|\(\s*(?:$|\{|\))))"
    ),
    '<invoke name="': re.compile(r'[\w.-]{0,80}(?:$|"\s*(?:$|>))'),
    "<function=": re.compile(r"[\w.-]{0,80}\s*(?:$|>)"),
}
"""What can stand after an opener if a call is meant; anything else is prose about tags."""


class HeldText:
    """One channel (content or reasoning) of one answer.

    Text goes through until an opener that may begin a call; from there on all is held to the end of the answer,
    where it can be read as a whole. Openers of examples go through as well.
    """

    def __init__(self) -> None:
        self._held = ""
        self.before = Quoting()
        """What stands before the text that is held."""

    def feed(self, text: str) -> str:
        """Take the next piece; what of the text so far may go out."""
        self._held += text
        released: list[str] = []
        while (end := self._releasable()) > 0:
            released.append(self._release(end))
        return "".join(released)

    def rest(self) -> str:
        """What is held back; the channel is empty then."""
        rest, self._held = self._held, ""
        return rest

    def _releasable(self) -> int:
        """How many characters are no part of a call."""
        match = _OPENER.search(self._held)
        if match is None:
            return len(self._held) - _opener_begun(self._held)
        if match.start() > 0:
            return match.start()
        if self.before.is_example() or not _MAY_FOLLOW[match[0]].match(self._held, match.end()):
            return match.end()
        return 0

    def _release(self, end: int) -> str:
        text, self._held = self._held[:end], self._held[end:]
        self.before.read(text)
        return text


def _opener_begun(text: str) -> int:
    """How many characters at the end may be the beginning of an opener."""
    at = text.rfind("<", max(0, len(text) - max(map(len, OPENERS))))
    return len(text) - at if at >= 0 and any(opener.startswith(text[at:]) for opener in OPENERS) else 0
