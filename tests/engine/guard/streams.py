"""Plays broken streams through the guard and says what would run of what comes out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from glmcode_engine.assemble import Assembler
from glmcode_engine.base import EngineError, ReasoningDelta, Repaired, Stop, StreamPart, TextDelta, ToolCallDelta
from glmcode_engine.guard import GuardedEngine
from glmcode_engine.messages import Message, Request, ToolSpec
from glmcode_tools.toolbox import Prepared, Toolbox
from tests.fakes import FakeEngine

TOOLBOX = Toolbox()
TOOLS = tuple(ToolSpec(name=d.name, description=d.description, parameters=d.parameters) for d in TOOLBOX.descriptions)
REQUEST = Request(messages=(Message(role="user", content="do it"),), tools=TOOLS)


def entries(name: str) -> list[dict[str, Any]]:
    loaded = yaml.safe_load(Path(__file__).with_name(name).read_text("utf-8"))
    assert isinstance(loaded, list)
    return loaded


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def stream_of(entry: dict[str, Any], size: int) -> list[StreamPart]:
    """The stream of a corpus entry, its text in pieces of `size` characters."""
    parts: list[StreamPart] = [ReasoningDelta(piece) for piece in cut(entry.get("reasoning", ""), size)]
    parts += [TextDelta(piece) for piece in cut(entry.get("content", ""), size)]
    for index, (name, arguments) in enumerate(entry.get("calls", [])):
        parts.append(ToolCallDelta(index, f"id{index}", name))
        parts += [ToolCallDelta(index, arguments=piece) for piece in cut(arguments, size)]
    return [*parts, Stop(entry.get("stop", "tool_calls" if "calls" in entry else "stop"))]


class Played:
    """What came of one answer."""

    def __init__(self, parts: Sequence[StreamPart], error: EngineError | None = None) -> None:
        answer = Assembler()
        for part in parts:
            answer.add(part)
        self.parts = parts
        self.error = error
        self.message = answer.message()
        self.stop = answer.stop
        self.repairs = [part.repair for part in parts if isinstance(part, Repaired)]
        prepared = [(call, TOOLBOX.prepare(call.name, call.arguments)) for call in self.message.tool_calls]
        self.runs = [(call.name, json.loads(call.arguments or "{}")) for call, p in prepared if isinstance(p, Prepared)]
        self.refused = len(prepared) - len(self.runs)


async def play(*answers: Sequence[StreamPart | EngineError], request: Request = REQUEST, **options: Any) -> Played:
    """What the guard makes of the answers; an EngineError is kept."""
    parts: list[StreamPart] = []
    try:
        async for part in GuardedEngine(FakeEngine(*answers), **options).stream(request):
            parts.append(part)  # noqa: PERF401 - what came before an error counts
    except EngineError as error:
        return Played(parts, error)
    return Played(parts)
