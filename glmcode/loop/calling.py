"""Runs the calls of a model, and the user's own, one at a time: prepare, judge, run, record."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from glmcode.events import ApprovalRequested, Event, Steered, ToolFinished, ToolOutputDelta, ToolStarted
from glmcode.loop.snapshots import Snapshots
from glmcode.loop.steering import Steering, steered, unforged
from glmcode.loop.watch import TurnWatch
from glmcode.policy import Ask, Decision, NobodyToAsk, Policy, Question
from glmcode.session.store import INTERRUPTED, Session
from glmcode_engine.messages import Message, ToolCall
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import one_line
from glmcode_tools.base import ToolContext, ToolOutput, failed
from glmcode_tools.toolbox import Prepared, Toolbox


class Calling:
    """The calls of one conversation."""

    def __init__(
        self,
        toolbox: Toolbox,
        tools: ToolContext,
        policy: Policy,
        session: Session,
        snapshots: Snapshots,
        *,
        ask: Ask,
        emit: Callable[[Event], None],
    ) -> None:
        self.policy = policy
        """What judges the next call."""
        self.steering = Steering()
        self._toolbox = toolbox
        self._tools = tools
        self._session = session
        self._snapshots = snapshots
        self._ask = ask
        self._emit = emit
        self._began: tuple[str, float] = "", 0.0
        """The call that was begun last, and when."""

    async def run(self, step: int, call: ToolCall, watch: TurnWatch, *, is_last: bool) -> None:
        """One call of the model; what the user said meanwhile goes with the result of a step's last one."""
        started = time.monotonic()
        self._began = call.id, started
        prepared = self._started(step, call)
        output = prepared if isinstance(prepared, ToolOutput) else await self._allowed_run(call, prepared)
        output = watch.checked(call, unforged(output))
        if is_last and (said := self.steering.take()):
            output = steered(output, said)
            self._emit(Steered(step=step, text=said))
        self._session.append_message(Message(role="tool", content=output.text, tool_call_id=call.id))
        self._emit(finished(step, call, output, time.monotonic() - started))

    async def run_by_hand(self, call: ToolCall) -> None:
        """One call of the user, between two turns. The conversation does not hold it."""
        started = time.monotonic()
        prepared = self._started(0, call)
        try:
            output = prepared if isinstance(prepared, ToolOutput) else await self._run(call, prepared)
        except SandboxError as error:
            output = failed(str(error))
        except asyncio.CancelledError:
            output = ToolOutput(text=INTERRUPTED, summary="interrupted", is_error=True)
        self._emit(finished(0, call, output, time.monotonic() - started))
        await self._snapshots.settle()

    def interrupted(self, step: int, call: ToolCall) -> None:
        """Tell of a call that got no result of its own."""
        output = ToolOutput(text=INTERRUPTED, summary="interrupted", is_error=True)
        begun, when = self._began
        self._emit(finished(step, call, output, time.monotonic() - when if begun == call.id else 0.0))

    def _started(self, step: int, call: ToolCall) -> Prepared | ToolOutput:
        prepared = self._toolbox.prepare(call.name, call.arguments)
        title = self._title(prepared) if isinstance(prepared, Prepared) else one_line(call.name)
        self._emit(ToolStarted(step=step, call_id=call.id, name=call.name, title=title, arguments=call.arguments))
        return prepared

    def _title(self, prepared: Prepared) -> str:
        return self._toolbox.one_line(prepared)

    async def _allowed_run(self, call: ToolCall, prepared: Prepared) -> ToolOutput:
        decision = self.policy.judge(call.id, self._title(prepared), prepared.tool.effect, prepared.paths)
        if isinstance(decision, Question):
            shown = await self._rehearsed(prepared)
            if shown.is_error:
                return shown  # nobody need be asked about what cannot be done
            diff = str((shown.details or {}).get("diff", ""))
            decision = await self._ask_user(replace(decision, diff=diff))
        if not decision.allowed:
            return ToolOutput(text=f"Refused: {decision.reason}", summary="refused", is_error=True)
        return await self._run(call, prepared)

    async def _run(self, call: ToolCall, prepared: Prepared) -> ToolOutput:
        """Run it, with a snapshot behind what can write."""
        self._tools.on_output = lambda text: self._emit(ToolOutputDelta(call_id=call.id, text=text))
        try:
            if prepared.tool.effect == "reads":
                return await self._toolbox.run(prepared, self._tools)
            async with self._snapshots.writing(call.id):
                return await self._toolbox.run(prepared, self._tools)
        finally:
            self._tools.on_output = None

    async def _rehearsed(self, prepared: Prepared) -> ToolOutput:
        if prepared.tool.effect != "writes":
            return ToolOutput(text="")
        from glmcode_tools.rehearsal import rehearse  # no first request waits for it

        return await rehearse(self._toolbox, prepared, self._tools)

    async def _ask_user(self, question: Question) -> Decision:
        try:
            decision = await self._ask(question)
        except NobodyToAsk:
            self._emit(_answered(question, Decision(False, "nobody to ask")))
            raise
        if decision.allowed and decision.always:
            self.policy.granted.update(question.paths)
        self._emit(_answered(question, decision))
        return decision


def finished(step: int, call: ToolCall, output: ToolOutput, seconds: float) -> ToolFinished:
    """The event at the end of a call."""
    return ToolFinished(
        step=step,
        call_id=call.id,
        name=call.name,
        is_error=output.is_error,
        summary=output.summary,
        text=output.text,
        details=output.details,
        duration_s=round(seconds, 3),
    )


def _answered(question: Question, decision: Decision) -> ApprovalRequested:
    asked = f"{question.title}: {question.effect}"
    return ApprovalRequested(call_id=question.call_id, question=asked, allowed=decision.allowed, reason=decision.reason)
