"""Compacts a session when its conversation no longer fits the model's window."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from glmcode.events import CacheBroken, Compacted, Event, GuardRepaired, Retry
from glmcode.loop.compaction import Split, shortened, split, transcript
from glmcode.loop.prompt_size import messages_tokens, tools_tokens
from glmcode.loop.turn import Tally
from glmcode.loop.window import Window
from glmcode.session.store import Session
from glmcode_engine.assemble import Assembler
from glmcode_engine.base import Engine, EngineError, closing
from glmcode_engine.messages import Message, Request, ToolSpec
from glmcode_prompts.library import fenced, load
from glmcode_sandbox.clean import one_line

MOST_SUMMARY_TOKENS = 2_000
_LEAST_TARGET = 256


class Compacting:
    """Makes views of one session. The window counts what they hold, the engine sums up what they leave out."""

    def __init__(
        self,
        session: Session,
        engine: Engine,
        window: Window,
        tools: tuple[ToolSpec, ...],
        tally: Tally,
        emit: Callable[[Event], None],
        hint: str = "",
    ) -> None:
        """`hint`: the user's words on what a summary must keep."""
        self._hint = hint
        self._session = session
        self._engine = engine
        self._window = window
        self._tools = tools
        self._tally = tally
        self._emit = emit

    async def compact(self, cause: str, target: int) -> bool:
        """Bring the prompt to about `target` tokens: trim it, sum up its middle, or drop that.

        False where nothing could be made shorter; the session is as it was then.
        """
        before = tuple(self._session.messages)
        tokens_before = await self._window.expected(self._request(before))
        fixed = await asyncio.to_thread(tools_tokens, self._tools, self._window.expect)
        room = max(target - fixed, _LEAST_TARGET)
        view, how, summary = await self._shortest(before, room)
        tokens_after = await self._window.expected(self._request(view))
        if tokens_after >= tokens_before:
            return False
        segment = _segment(before, view, how)
        compacted = Compacted(
            cause=cause,
            how=how,
            tokens_before=tokens_before,
            tokens_after=tokens_after,
            dropped_messages=max(0, len(before) - len(view) + (how != "trimmed")),
            summary=summary,
        )
        self._session.append_view(view, compacted)
        self._emit(compacted)
        self._emit(CacheBroken(segment=segment, cause=f"compacted: {cause}"))
        return True

    async def _shortest(
        self, before: Sequence[Message], room: int
    ) -> tuple[list[Message], Literal["trimmed", "summarised", "dropped"], str]:
        """The view, how it came about, and the summary in it."""
        expect = self._window.expect
        view = await asyncio.to_thread(shortened, before, expect, room)
        if await asyncio.to_thread(messages_tokens, view, expect) <= room:
            return view, "trimmed", ""
        parts = await asyncio.to_thread(split, view, expect, room)
        if not parts.middle:
            return view, "trimmed", ""
        if summary := await self._summary(before, parts, room):
            return parts.around(load("compacted", summary=summary)), "summarised", summary
        return parts.around(load("dropped", count=str(len(parts.middle) - len(parts.prompt)))), "dropped", ""

    async def _summary(self, before: Sequence[Message], parts: Split, room: int) -> str:
        """What the model says of the middle as it was before trimming; empty where it gives nothing of use."""
        if self._tally.spent() is not None:
            return ""
        limit = min(MOST_SUMMARY_TOKENS, room // 4)
        middle = before[len(parts.head) : len(parts.head) + len(parts.middle)]
        text = await asyncio.to_thread(transcript, middle, self._window.expect, room - 2 * limit)
        told = f"{load('compact')}\n\n{load('compact_hint', hint=self._hint)}" if self._hint else load("compact")
        system = Message(role="system", content=told)
        request = Request(
            messages=(system, Message(role="user", content=fenced(text))), thinking=False, max_tokens=limit
        )
        answer = Assembler()
        self._tally.requests += 1
        try:
            async with closing(self._engine.stream(request)) as stream:
                async for part in stream:
                    answer.add(part)
                    if part.kind == "retry":
                        self._emit(Retry(attempt=part.attempt, delay_s=part.delay_s, reason=part.reason))
        except EngineError as error:
            self._emit(GuardRepaired(repair="no_summary", detail=one_line(str(error), 300)))
            return ""
        finally:
            if answer.usage is not None:
                self._tally.count(answer.usage)
            if (counted := self._tally.report()) is not None:
                self._emit(counted)
        return answer.message().content.strip()[: 8 * limit]

    def _request(self, messages: Sequence[Message]) -> Request:
        return Request(messages=tuple(messages), tools=self._tools)


def _segment(before: Sequence[Message], view: Sequence[Message], how: str) -> str:
    """Where the prompt changed first."""
    changed = next((old for old, new in zip(before, view, strict=False) if old is not new), None)
    if changed is not None and changed.role == "user" and before.index(changed) <= 1:
        return "repository pack"
    return "tool results and reasoning" if how == "trimmed" else "earlier steps"
