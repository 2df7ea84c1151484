"""The agent loop: ask the engine, run the calls it makes, append, ask again, until it calls nothing more."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from glmcode.cost import Prices
from glmcode.events import (
    ApprovalRequested,
    AssistantDelta,
    AssistantMessage,
    EndReason,
    Event,
    Failure,
    ReasoningDelta,
    Retry,
    StepStarted,
    ToolFinished,
    ToolOutputDelta,
    ToolStarted,
    TurnFinished,
    UsageCounted,
)
from glmcode.policy import Ask, Decision, NobodyToAsk, Policy, Question
from glmcode.session.store import INTERRUPTED, Session
from glmcode_engine.assemble import Assembler
from glmcode_engine.base import Engine, EngineError, StreamPart, closing
from glmcode_engine.messages import Message, Request, ToolCall, ToolSpec, Usage
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import one_line
from glmcode_tools.base import ToolContext, ToolOutput
from glmcode_tools.toolbox import Prepared, Toolbox


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """Where a turn stops. None: no limit."""

    steps: int = 200
    tokens: int | None = None
    """Prompt and completion tokens of all requests together."""
    cost_usd: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a turn is over."""

    reason: EndReason
    detail: str = ""


class Agent:
    """One conversation with a model that may use tools.

    Every turn ends with a `TurnFinished` event, every call gets exactly one result, and whatever the next
    request holds is on disk before it goes out.
    """

    def __init__(
        self,
        engine: Engine,
        toolbox: Toolbox,
        tools: ToolContext,
        policy: Policy,
        session: Session,
        *,
        ask: Ask,
        thinking: bool = True,
        limits: TurnLimits = TurnLimits(),
        prices: Prices | None = None,
    ) -> None:
        self._engine = engine
        self._toolbox = toolbox
        self._tools = tools
        self._policy = policy
        self._session = session
        self._ask = ask
        self._thinking = thinking
        self._limits = limits
        self._prices = prices
        self._specs = tuple(
            ToolSpec(name=each.name, description=each.description, parameters=each.parameters)
            for each in toolbox.descriptions
        )
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._turn: asyncio.Task[None] | None = None
        self._call_ids = {call.id for message in session.messages for call in message.tool_calls}
        self._answer: Assembler | None = None
        self._usage = Usage()
        self._steps = self._requests = 0
        self._last_text = ""

    async def run(self, prompt: str) -> AsyncGenerator[Event, None]:
        """One turn: everything that happens from the prompt to `TurnFinished`."""
        self._events = asyncio.Queue()
        self._turn = asyncio.create_task(self._run_turn(prompt))
        self._turn.add_done_callback(lambda _: self._events.put_nowait(None))
        try:
            while (event := await self._events.get()) is not None:
                yield event
            self._turn.result()
        finally:
            if not self._turn.done():
                self._turn.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._turn

    def cancel(self) -> None:
        """End the running turn; it still ends with its `TurnFinished`, and keeps the partial answer."""
        if self._turn is not None:
            # Not at once: a task cancelled before its first step would end without its TurnFinished.
            asyncio.get_running_loop().call_soon(self._turn.cancel)

    def _emit(self, event: Event) -> None:
        self._session.append_event(event)
        self._events.put_nowait(event)

    async def _run_turn(self, prompt: str) -> None:
        started = time.monotonic()
        self._usage, self._steps, self._requests, self._last_text = Usage(), 0, 0, ""
        self._session.append_message(Message(role="user", content=prompt))
        ending = await self._guarded_steps()
        self._keep_partial_answer(ending)
        for call in self._session.settle():
            self._emit(self._finished(call, ToolOutput(text=INTERRUPTED, summary="interrupted", is_error=True), 0.0))
        self._emit(
            TurnFinished(
                reason=ending.reason,
                detail=ending.detail,
                answer=self._last_text,
                steps=self._steps,
                requests=self._requests,
                usage=self._usage,
                cost_usd=self._cost(),
                duration_s=round(time.monotonic() - started, 3),
            )
        )

    async def _guarded_steps(self) -> Ending:
        """All steps, with every failure of the world turned into an ending."""
        deadline = asyncio.timeout(self._limits.seconds)
        try:
            async with deadline:
                while (ending := self._limit_reached()) is None:
                    self._steps += 1
                    if (ending := await self._step(self._steps)) is not None:
                        break
                return ending
        except TimeoutError:
            if not deadline.expired():
                raise
            return Ending("limit", "time")
        except asyncio.CancelledError:
            return Ending("cancelled")
        except EngineError as error:
            return self._failed(error.kind, str(error))
        except SandboxError as error:
            return self._failed("sandbox", str(error))
        except NobodyToAsk as error:
            return self._failed("permission", str(error))

    def _limit_reached(self) -> Ending | None:
        limits, cost = self._limits, self._cost()
        if self._steps >= limits.steps:
            return Ending("limit", "steps")
        if limits.tokens is not None and self._usage.prompt_tokens + self._usage.completion_tokens >= limits.tokens:
            return Ending("limit", "tokens")
        if limits.cost_usd is not None and cost is not None and cost >= limits.cost_usd:
            return Ending("limit", "cost")
        return None

    async def _step(self, step: int) -> Ending | None:
        self._emit(StepStarted(step=step))
        message, stop = await self._ask_engine(step)
        if message.content or message.reasoning_content or message.tool_calls:
            self._session.append_message(message)  # an empty one is refused by servers when the session goes on
        self._call_ids.update(call.id for call in message.tool_calls)
        self._answer = None
        self._last_text = message.content or self._last_text
        self._emit(
            AssistantMessage(
                step=step,
                content=message.content,
                reasoning_content=message.reasoning_content,
                tool_calls=message.tool_calls,
                finish_reason=stop,
            )
        )
        for call in message.tool_calls:
            await self._call(step, call)
        return None if message.tool_calls else self._ending_of(message, stop)

    async def _ask_engine(self, step: int) -> tuple[Message, str]:
        request = Request(messages=tuple(self._session.messages), tools=self._specs, thinking=self._thinking)
        self._answer = answer = Assembler(f"call_{len(self._session.messages)}_", taken=self._call_ids)
        self._requests += 1
        async with closing(self._engine.stream(request)) as parts:
            async for part in parts:
                answer.add(part)
                self._show(step, part)
        usage = answer.usage or Usage()
        self._usage += usage
        self._emit(UsageCounted(step=step, usage=usage, total=self._usage, cost_usd=self._cost()))
        return answer.message(), answer.stop or "stop"

    def _show(self, step: int, part: StreamPart) -> None:
        match part.kind:
            case "reasoning":
                self._emit(ReasoningDelta(step=step, text=part.text))
            case "text":
                self._emit(AssistantDelta(step=step, text=part.text))
            case "retry":
                self._emit(Retry(attempt=part.attempt, delay_s=part.delay_s, reason=part.reason))
            case _:
                pass

    def _ending_of(self, message: Message, stop: str) -> Ending:
        """What an answer without calls means."""
        match stop:
            case "length":
                return self._failed("truncated", "the answer reached the server's output limit before it was complete")
            case "sensitive" | "content_filter":
                return self._failed("filtered", "the server's content filter stopped the answer; rephrase the task")
            case "model_context_window_exceeded":
                return self._failed("overflow", "the conversation no longer fits the model's window; start a new one")
        if not message.content.strip():
            return self._failed("unusable", "the model gave an empty answer; run again, or go on with --resume")
        return Ending("done")

    async def _call(self, step: int, call: ToolCall) -> None:
        """Prepare, judge, run and record one call."""
        started = time.monotonic()
        prepared = self._toolbox.prepare(call.name, call.arguments)
        title = self._toolbox.one_line(prepared) if isinstance(prepared, Prepared) else one_line(call.name)
        self._emit(ToolStarted(step=step, call_id=call.id, name=call.name, title=title, arguments=call.arguments))
        output = prepared if isinstance(prepared, ToolOutput) else await self._allowed_run(call, title, prepared)
        self._session.append_message(Message(role="tool", content=output.text, tool_call_id=call.id))
        self._emit(self._finished(call, output, time.monotonic() - started))

    def _finished(self, call: ToolCall, output: ToolOutput, seconds: float) -> ToolFinished:
        return ToolFinished(
            step=self._steps,
            call_id=call.id,
            name=call.name,
            is_error=output.is_error,
            summary=output.summary,
            text=output.text,
            details=output.details,
            duration_s=round(seconds, 3),
        )

    async def _allowed_run(self, call: ToolCall, title: str, prepared: Prepared) -> ToolOutput:
        decision = self._policy.judge(call.id, title, prepared.tool.effect, prepared.paths)
        if isinstance(decision, Question):
            decision = await self._ask_user(decision)
        if not decision.allowed:
            return ToolOutput(text=f"Refused: {decision.reason}", summary="refused", is_error=True)
        self._tools.on_output = lambda text: self._emit(ToolOutputDelta(call_id=call.id, text=text))
        try:
            return await self._toolbox.run(prepared, self._tools)
        finally:
            self._tools.on_output = None

    async def _ask_user(self, question: Question) -> Decision:
        asked = f"{question.title}: {question.effect}"
        try:
            decision = await self._ask(question)
        except NobodyToAsk:
            self._emit(
                ApprovalRequested(call_id=question.call_id, question=asked, allowed=False, reason="nobody to ask")
            )
            raise
        self._emit(
            ApprovalRequested(
                call_id=question.call_id, question=asked, allowed=decision.allowed, reason=decision.reason
            )
        )
        return decision

    def _keep_partial_answer(self, ending: Ending) -> None:
        """What had arrived of an answer that was cut short stays in the conversation, without its calls."""
        if self._answer is None:
            return
        message = self._answer.message(partial=True).model_copy(update={"tool_calls": ()})
        self._answer = None
        if not message.content and not message.reasoning_content:
            return
        self._session.append_message(message)
        self._last_text = message.content or self._last_text
        self._emit(
            AssistantMessage(
                step=self._steps,
                content=message.content,
                reasoning_content=message.reasoning_content,
                finish_reason=ending.reason,
            )
        )

    def _failed(self, kind: str, message: str) -> Ending:
        self._emit(Failure(error=kind, message=message))
        return Ending("error", kind)

    def _cost(self) -> float | None:
        return self._prices.cost(self._usage) if self._prices else None
