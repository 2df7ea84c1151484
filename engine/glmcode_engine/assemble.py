"""Folds the parts of a streamed answer into one message."""

import json
from collections.abc import Container
from dataclasses import dataclass, field

from glmcode_engine.base import StreamPart, ToolCallDelta
from glmcode_engine.messages import Message, ToolCall, Usage


@dataclass(slots=True)
class _OpenCall:
    """A tool call whose pieces are still coming."""

    given_id: str | None = None
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    final_id: str | None = None

    def add(self, delta: ToolCallDelta) -> None:
        self.given_id = self.given_id or delta.id
        if delta.name:
            self.name = _joined_name(self.name, delta.name)
        if delta.arguments:
            self.arguments.append(delta.arguments)

    def is_complete(self) -> bool:
        try:
            return bool(self.name) and isinstance(json.loads("".join(self.arguments)), dict)
        except (ValueError, RecursionError):
            return False


class Assembler:
    """Takes the parts of one answer, in order, and gives the message at any time.

    `id_prefix` starts the ids made up where the server sent none or sent one twice; give every answer of a session
    its own, or name the ids of the session so far in `taken`.
    """

    def __init__(self, id_prefix: str = "call_", *, taken: Container[str] = ()) -> None:
        self.usage: Usage | None = None
        """The last count the server sent."""
        self.stop: str | None = None
        """The server's reason for stopping; None while the answer is not complete."""
        self._id_prefix = id_prefix
        self._taken = taken
        self._own_ids: set[str] = set()
        self._reasoning: list[str] = []
        self._text: list[str] = []
        self._calls: dict[int, _OpenCall] = {}

    def add(self, part: StreamPart) -> None:
        """Fold in one part."""
        match part.kind:
            case "reasoning":
                self._reasoning.append(part.text)
            case "text":
                self._text.append(part.text)
            case "tool_call":
                self._calls.setdefault(part.index, _OpenCall()).add(part)
            case "usage":
                self.usage = part.usage
            case "stop":
                self.stop = part.reason
            case "repaired" if part.restarts:
                self._restart()
            case "retry" | "repaired":
                pass

    @property
    def empty(self) -> bool:
        """Whether nothing of an answer came yet."""
        return not (self._reasoning or self._text or self._calls)

    def message(self, *, partial: bool = False) -> Message:
        """The answer so far. `partial` leaves out tool calls whose arguments are not a complete JSON object yet."""
        calls = [call for _, call in sorted(self._calls.items())]
        if partial and self.stop is None:
            calls = [call for call in calls if call.is_complete()]
        return Message(
            role="assistant",
            content=_whole("".join(self._text)),
            reasoning_content=_whole("".join(self._reasoning)) or None,
            tool_calls=tuple(self._tool_call(call) for call in calls),
        )

    def _restart(self) -> None:
        for kept in (self._reasoning, self._text, self._calls, self._own_ids):
            kept.clear()

    def _tool_call(self, call: _OpenCall) -> ToolCall:
        return ToolCall(id=self._id_of(call), name=_whole(call.name), arguments=_whole("".join(call.arguments)))

    def _id_of(self, call: _OpenCall) -> str:
        if call.final_id is None:
            wanted, number = _whole(call.given_id or ""), 0
            while not wanted or wanted in self._own_ids or wanted in self._taken:
                wanted, number = f"{self._id_prefix}{number}", number + 1
            self._own_ids.add(wanted)
            call.final_id = wanted
        return call.final_id


def _joined_name(known: str, piece: str) -> str:
    """Servers send a name once, or again with every piece, or grown, or in pieces."""
    return piece if piece.startswith(known) else known + piece


def _whole(text: str) -> str:
    """Text without lone surrogates: halves that came in different chunks are joined, single ones replaced."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
