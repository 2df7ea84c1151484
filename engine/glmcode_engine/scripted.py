"""The engine that plays answers instead of asking a model: a script's or those of an earlier session."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from typing import Literal

from glmcode_engine.base import (
    EngineError,
    EngineInfo,
    ReasoningDelta,
    Stop,
    StreamPart,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from glmcode_engine.messages import Request, Usage
from glmcode_engine.script import Answer, load_script
from glmcode_engine.wire import message_body, tool_body

_TEXT_PIECE = 24
_ARGUMENT_PIECE = 12
_BYTES_PER_TOKEN = 4


class ScriptedEngine:
    """Plays one answer a request, in pieces like a server's, and counts tokens as about 4 bytes each."""

    def __init__(
        self,
        answers: Sequence[Answer],
        *,
        name: str = "script",
        kind: Literal["scripted", "replay"] = "scripted",
        delay_s: float = 0.0,
    ) -> None:
        """`name` stands where a model's name would; `delay_s` is waited before each piece."""
        self._answers = tuple(answers)
        self._info = EngineInfo(kind=kind, model=name)
        self._delay_s = delay_s
        self._played = 0
        self._previous: tuple[bytes, ...] = ()

    @classmethod
    def from_file(cls, path: Path, *, delay_s: float = 0.0) -> "ScriptedEngine":
        """Play a YAML or JSON file. Raises ScriptError (a ValueError) or OSError."""
        return cls(load_script(path), name=path.name, delay_s=delay_s)

    @property
    def info(self) -> EngineInfo:
        """Says that no model answers, and what plays."""
        return self._info

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Stream the next answer; see `Engine.stream`. Raises EngineError (unusable) after the last."""
        if self._played >= len(self._answers):
            raise EngineError("unusable", self._over())
        answer = self._answers[self._played]
        self._played += 1
        for part in _parts(answer, request):
            await asyncio.sleep(self._delay_s)
            yield part
        yield UsageReport(self._usage(answer, request))
        yield Stop("tool_calls" if answer.tool_calls else "stop")

    async def aclose(self) -> None:
        """Nothing to release."""

    def _over(self) -> str:
        count = len(self._answers)
        held = f"it holds {count} answer{'s' if count != 1 else ''}, and the agent asked for one more"
        if self._info.kind == "replay":
            return f"the recorded session {self._info.model} is over: {held}; a model can go on with --resume"
        return f"the script {self._info.model} is over: {held}; add an answer to it"

    def _usage(self, answer: Answer, request: Request) -> Usage:
        """As a server with a prefix cache counts: the beginning shared with the previous request was cached."""
        blocks = [json.dumps(tool_body(tool), ensure_ascii=False).encode() for tool in request.tools]
        blocks += [json.dumps(message_body(message), ensure_ascii=False).encode() for message in request.messages]
        shared = _shared_bytes(self._previous, blocks)
        self._previous = tuple(blocks)
        calls = sum(len((call.name + call.arguments).encode()) for call in answer.tool_calls)
        reasoning = _tokens(len(_reasoning(answer, request).encode()))
        return Usage(
            prompt_tokens=_tokens(sum(map(len, blocks))),
            cached_tokens=shared // _BYTES_PER_TOKEN,
            completion_tokens=reasoning + _tokens(len((answer.content or "").encode()) + calls),
            reasoning_tokens=reasoning,
        )


def _parts(answer: Answer, request: Request) -> Iterator[StreamPart]:
    for piece in _pieces(_reasoning(answer, request), _TEXT_PIECE):
        yield ReasoningDelta(piece)
    for piece in _pieces(answer.content or "", _TEXT_PIECE):
        yield TextDelta(piece)
    for index, call in enumerate(answer.tool_calls):
        # The number of messages only grows in a session, so the ids stay unique in it, also when it is resumed.
        yield ToolCallDelta(index, f"call_{len(request.messages)}_{index}", call.name)
        for piece in _pieces(call.arguments, _ARGUMENT_PIECE):
            yield ToolCallDelta(index, arguments=piece)


def _reasoning(answer: Answer, request: Request) -> str:
    return (answer.reasoning or "") if request.thinking else ""


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def _shared_bytes(old: Sequence[bytes], new: Sequence[bytes]) -> int:
    shared = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            return shared + next(i for i, (a, b) in enumerate(zip(one + b"\0", other + b"\1", strict=False)) if a != b)
        shared += len(one)
    return shared


def _tokens(length: int) -> int:
    return -(-length // _BYTES_PER_TOKEN)
