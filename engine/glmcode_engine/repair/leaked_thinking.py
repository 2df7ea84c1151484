"""Parts thinking from the text of an answer where the server runs without a reasoning parser and leaves both in one."""

from typing import Literal

_Place = Literal["start", "thinking", "text"]
_OPENER, _CLOSER = "<think>", "</think>"


class LeakedThinking:
    """Reads the text of one answer. Only one that begins with `<think>` holds thinking; elsewhere the tag is text."""

    def __init__(self) -> None:
        self.found = False
        """Whether there was thinking in the text."""
        self._held = ""
        self._at: _Place = "start"

    def feed(self, text: str) -> tuple[str, str]:
        """Take the next piece; the thinking and the text that may go out for it."""
        self._held += text
        if self._at == "start":
            self._at = self._begun()
        match self._at:
            case "start":
                return "", ""
            case "text":
                return "", self._released(len(self._held))
            case "thinking":
                return self._think()

    def _think(self) -> tuple[str, str]:
        end = self._held.find(_CLOSER)
        if end < 0:
            return self._released(len(self._held) - _closer_begun(self._held)), ""
        self._at = "text"
        thought = self._released(end)
        return thought, self._released(len(self._held)).removeprefix(_CLOSER)

    def rest(self) -> tuple[str, str]:
        """What is held back at the end of the answer."""
        rest = self._released(len(self._held))
        return (rest, "") if self._at == "thinking" else ("", rest)

    def _begun(self) -> _Place:
        """Where the beginning of the text leads to."""
        begun = self._held.lstrip()
        if not begun.startswith(_OPENER):
            return "start" if _OPENER.startswith(begun) else "text"
        self._held = begun.removeprefix(_OPENER)
        self.found = True
        return "thinking"

    def _released(self, end: int) -> str:
        text, self._held = self._held[:end], self._held[end:]
        return text


def _closer_begun(text: str) -> int:
    """How many characters at the end may be the beginning of the closing tag."""
    at = text.rfind("<", max(0, len(text) - len(_CLOSER)))
    return len(text) - at if at >= 0 and _CLOSER.startswith(text[at:]) else 0
