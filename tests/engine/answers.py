"""Asking an engine for one answer and folding it, as the agent does."""

from collections.abc import Iterable

from glmcode_engine.assemble import Assembler
from glmcode_engine.base import Engine, StreamPart, closing
from glmcode_engine.messages import Message, Request, ToolSpec

READ_TOOL = ToolSpec(
    name="read",
    description="Read a file.",
    parameters={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
)


def ask(text: str = "What is in a.py?", *, thinking: bool = True) -> Request:
    messages = (Message(role="system", content="You are glmcode."), Message(role="user", content=text))
    return Request(messages=messages, tools=(READ_TOOL,), thinking=thinking)


async def parts_of(engine: Engine, request: Request) -> list[StreamPart]:
    async with closing(engine.stream(request)) as parts:
        return [part async for part in parts]


async def answer_of(engine: Engine, request: Request) -> Assembler:
    return folded(await parts_of(engine, request))


def folded(parts: Iterable[StreamPart]) -> Assembler:
    answer = Assembler()
    for part in parts:
        answer.add(part)
    return answer
