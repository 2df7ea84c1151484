"""A run of many steps in a small window, against an engine that counts and refuses as a server does."""

import json
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from glmcode.events import CacheBroken, Compacted
from glmcode.loop.turn import TurnLimits
from glmcode.loop.window import Window
from glmcode.session.store import Session
from glmcode_engine.base import EngineError, EngineInfo, StreamPart
from glmcode_engine.messages import Request, Usage
from glmcode_engine.wire import message_body, tool_body
from tests.fakes import FakeSandbox, calls, says
from tests.glmcode.turns import agent_of, assert_every_call_has_one_result, ending, play

WINDOW = 16_000
STEPS = 300
RESULT = "".join(f"{line:04}: some line of the file, not very long\n" for line in range(45))


class CountingEngine:
    """Reads one file a step; refuses prompts beyond the window by its own count, which is not the client's."""

    info = EngineInfo(kind="remote", model="counting")

    def __init__(self) -> None:
        self.prompts: list[list[str]] = []
        self.tokens: list[int] = []
        self.summaries = 0
        self.step = 0

    async def stream(self, request: Request) -> AsyncIterator[StreamPart]:
        messages = [json.dumps(message_body(message)) for message in request.messages]
        tools = [json.dumps(tool_body(tool)) for tool in request.tools]
        tokens = sum(map(len, [*messages, *tools])) // 3
        if tokens > WINDOW:
            raise EngineError("overflow", f"{tokens} tokens", window=WINDOW)
        for part in self._answer(request, Usage(prompt_tokens=tokens, completion_tokens=50)):
            yield part
        if request.tools:
            self.prompts.append(messages)
            self.tokens.append(tokens)

    def _answer(self, request: Request, usage: Usage) -> list[StreamPart]:
        if not request.tools:
            self.summaries += 1
            return says(f"Asked: read all. Found: {self.step} files so far.", usage=usage)
        self.step += 1
        if self.step > STEPS:
            return says("All read.", usage=usage)
        arguments = json.dumps({"path": f"m{self.step}.py"})
        return calls(("read", arguments), reasoning=f"Next is file {self.step}.", usage=usage)

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize("known", [WINDOW, None])
async def test_three_hundred_steps_in_a_small_window(session: Session, known: int | None) -> None:
    engine = CountingEngine()
    sandbox = FakeSandbox({f"m{number}.py": f"# {number}\n{RESULT}" for number in range(STEPS + 1)})
    limits = TurnLimits(steps=STEPS + 1)
    agent = agent_of(session, engine, sandbox=sandbox, window=Window(known), limits=limits)
    events = await play(agent, "read all files")
    assert ending(events) == ("done", "")
    assert len(engine.prompts) == STEPS + 1 and max(engine.tokens) <= WINDOW
    compactions = [event for event in events if isinstance(event, Compacted)]
    broken = [event for event in events if isinstance(event, CacheBroken)]
    changed = [after for before, after in pairwise(engine.prompts) if after[: len(before)] != before]
    assert len(changed) == len(compactions) == len(broken)
    assert 10 < len(compactions) < STEPS // 5, "between compactions the prompt only grows at its end"
    assert 0 < engine.summaries <= len(compactions)
    assert not [event for event in events if event.kind in ("retry", "error")]
    assert all(json.loads(prompt[1])["content"] == "read all files" for prompt in engine.prompts)
    assert all("read `m" in prompt[-1] or "0044: some" in prompt[-1] for prompt in engine.prompts[1:])
    assert_every_call_has_one_result(session)
