"""Events of a session as updates that an editor shows, live and when a session is loaded again."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from acp.schema import (
    AgentMessageChunk,
    AgentPlanUpdate,
    AgentThoughtChunk,
    ToolCallProgress,
    ToolCallStart,
    UserMessageChunk,
)

from glmcode.editor.acp.calls import Call, Content, kind_of, plan_of
from glmcode.editor.acp.texts import harmless, output, said, thought, typed
from glmcode.events import AssistantMessage, Event, Prompted, ToolFinished, ToolOutputDelta, ToolStarted
from glmcode.session.store import INTERRUPTED
from glmcode_sandbox.clean import one_line

Update = UserMessageChunk | AgentMessageChunk | AgentThoughtChunk | AgentPlanUpdate | ToolCallStart | ToolCallProgress
TAIL_CHARS = 8_000
"""How much of a running command's output is shown; each update says all of it again."""
OUTPUT_EVERY_S = 0.25
NEWS_COLUMNS = 300


@dataclass(slots=True)
class _Running:
    call: Call
    tail: str = ""
    shown_at: float = 0.0


class Updates:
    """Turns events into updates, one after the other. One for each session that is open or replayed."""

    def __init__(self, repo: Path, *, live: bool) -> None:
        """`live`: answers come in pieces, and the whole messages after them say nothing new."""
        self._repo = repo
        self._live = live
        self._turn = time.time_ns()
        self._message = self._asides = 0
        self._running: dict[str, _Running] = {}

    def of(self, event: Event | Prompted) -> Iterator[Update]:
        """What the editor is told of an event; nothing of many."""
        match event.kind:
            case "reasoning_delta":
                yield thought(event.text, self._id("thought"))
            case "assistant_delta" if event.step:  # an aside is told whole: it may come in the middle of a turn
                yield said(event.text, self._id("answer"))
            case "prompted":
                self._message += 1
                yield typed(event.text, self._id("prompt"))
            case "step_started":
                self._message += 1
            case "assistant_message" if not self._live:
                yield from self._whole(event)
            case "tool_started":
                yield from self._started(event)
            case "tool_output":
                yield from self._output(event)
            case "tool_finished":
                yield from self._finished(event)
            case _:
                yield from self._news(event)

    def news(self, text: str) -> Update:
        """One line that is neither of the model nor of the user."""
        self._message += 1
        return thought(f"{one_line(text, NEWS_COLUMNS)}\n", self._id("news"))

    def answer(self, text: str) -> Update:
        """What the program itself answers to a command."""
        self._message += 1
        return said(text, self._id("answer"))

    def cut_off(self) -> Iterator[Update]:
        """Ends the calls that a replayed session never ended."""
        for call_id, running in self._running.items():
            if running.call.name != "todo":
                yield ToolCallProgress(session_update="tool_call_update", tool_call_id=call_id, status="failed")

    def call(self, call_id: str) -> Call | None:
        """A call that runs now."""
        running = self._running.get(call_id)
        return running.call if running else None

    def _id(self, part: str) -> str:
        return f"{self._turn}-{self._message}-{part}"

    def _whole(self, event: AssistantMessage) -> Iterator[Update]:
        self._message += 1
        if event.reasoning_content:
            yield thought(event.reasoning_content, self._id("thought"))
        if event.content:
            yield said(event.content, self._id("answer"))

    def _started(self, event: ToolStarted) -> Iterator[Update]:
        call = Call.parsed(event.name, event.arguments, self._repo)
        self._running[event.call_id] = _Running(call)
        if event.name == "todo":  # shown as the plan
            return
        yield ToolCallStart(
            session_update="tool_call",
            tool_call_id=event.call_id,
            title=harmless(event.title),
            kind=kind_of(event.name),
            status="in_progress",
            content=[*call.preview()],
            locations=call.locations(),
            raw_input=call.raw,
        )

    def _output(self, event: ToolOutputDelta) -> Iterator[Update]:
        running = self._running.get(event.call_id)
        if running is None:
            return
        running.tail = (running.tail + event.text)[-TAIL_CHARS:]
        now = time.monotonic()
        if now - running.shown_at < OUTPUT_EVERY_S:
            return
        running.shown_at = now
        shown: list[Content] = [*running.call.preview(), output(running.tail)]
        yield ToolCallProgress(session_update="tool_call_update", tool_call_id=event.call_id, content=shown)

    def _finished(self, event: ToolFinished) -> Iterator[Update]:
        running = self._running.pop(event.call_id, None)
        call = running.call if running else Call.parsed(event.name, "", self._repo)
        items = (event.details or {}).get("items")
        if event.name == "todo" and not event.is_error and isinstance(items, list):
            yield plan_of([item for item in items if isinstance(item, dict)])
            return
        if event.name == "todo":  # it was not shown when it started
            yield ToolCallStart(
                session_update="tool_call", tool_call_id=event.call_id, title="todo", kind="think", raw_input=call.raw
            )
        before = call.preview() if event.name == "shell" else []
        if running and running.tail and event.text == INTERRUPTED:
            before = [*before, output(running.tail)]  # the result does not have it
        yield ToolCallProgress(
            session_update="tool_call_update",
            tool_call_id=event.call_id,
            status="failed" if event.is_error else "completed",
            content=[*before, *call.results(event)],
            locations=call.locations(event.details),
        )

    def _news(self, event: Event | Prompted) -> Iterator[Update]:
        match event.kind:
            case "guard":
                if event.restarts:
                    yield self.news(f"The answer so far is void and begins anew: {event.detail}")
                self._message += 1
            case "retry":
                yield self.news(f"The endpoint is asked again in {event.delay_s:.0f} s: {event.reason}")
            case "compacted":
                did = "Packed anew" if event.how == "repacked" else "Compacted"
                yield self.news(f"{did}, {event.tokens_before:,} to about {event.tokens_after:,} tokens: {event.cause}")
            case "cache_broken":
                yield self.news(f"The server's prompt cache is lost from the {event.segment} on: {event.cause}")
            case "error" if not self._live or event.error == "snapshot":  # the others are the answer to the prompt
                yield self.news(f"Error: {event.message}")
            case "aside":
                self._asides += 1
                text = f"> {one_line(event.question, NEWS_COLUMNS)}\n\n{event.answer}\n"
                yield said(text, f"{self._turn}-aside-{self._asides}")
            case "steered" if not self._live:
                yield typed(event.text, self._id("steered"))
            case "verdict":
                yield self.news(f"Verdict: {event.verdict}: {event.reason}")
            case "approval_requested" if not event.allowed and event.reason:
                yield self.news(f"Refused: {event.reason}")
            case _:
                pass
