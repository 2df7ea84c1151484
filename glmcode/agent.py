"""The agent loop: ask the engine, run the calls it makes, append, ask again, until it calls nothing more."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from glmcode.cost import Prices
from glmcode.events import AssistantMessage, Event, Failure, Prompted, Steered, StepStarted
from glmcode.loop.asking import Asking
from glmcode.loop.calling import Calling
from glmcode.loop.snapshots import Snapshots
from glmcode.loop.turn import Ending, LimitReached, Tally, TurnLimits
from glmcode.loop.watch import TurnWatch
from glmcode.loop.window import Window
from glmcode.policy import Ask, NobodyToAsk, Policy
from glmcode.session.store import Session
from glmcode_engine.base import Engine, EngineError
from glmcode_engine.messages import Message, ToolCall, ToolSpec
from glmcode_sandbox.base import SandboxError
from glmcode_tools.base import ToolContext
from glmcode_tools.toolbox import Toolbox

DEFAULT_LIMITS = TurnLimits()


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
        limits: TurnLimits = DEFAULT_LIMITS,
        prices: Prices | None = None,
        window: Window | None = None,
        snapshots: Snapshots | None = None,
    ) -> None:
        self.engine = engine
        """Who answers from the next turn on."""
        self.thinking = thinking
        """Whether the model thinks from the next turn on."""
        self._session = session
        self._limits = limits
        self.prices = prices
        self.specs = tuple(
            ToolSpec(name=each.name, description=each.description, parameters=each.parameters)
            for each in toolbox.descriptions
        )
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._turn: asyncio.Task[None] | None = None
        self._call_ids = {call.id for message in session.messages for call in message.tool_calls}
        self.window = window or Window()
        self._snapshots = snapshots or Snapshots(session)
        self._snapshots.tell = lambda text: self._emit(Failure(error="snapshot", message=text))
        self._calling = Calling(toolbox, tools, policy, session, self._snapshots, ask=ask, emit=self._emit)
        self._begin_turn()

    @property
    def policy(self) -> Policy:
        """What judges the next call."""
        return self._calling.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._calling.policy = policy

    def run(self, prompt: str, *, typed: str | None = None) -> AsyncGenerator[Event, None]:
        """One turn: everything that happens from the prompt to `TurnFinished`.

        `typed`: what of the prompt the user wrote; None: all of it.
        """
        return self._play(self._run_turn(prompt, prompt if typed is None else typed))

    def compact(self, hint: str = "") -> AsyncGenerator[Event, None]:
        """Shorten the conversation between two turns; nothing comes where it is short. `hint`: what is to be kept."""
        self._begin_turn()
        return self._play(self._asking.compact(hint))

    def by_hand(self, name: str, arguments: str) -> AsyncGenerator[Event, None]:
        """Run a tool for the user between two turns; the model sees nothing of it. `arguments`: JSON text."""
        return self._play(
            self._calling.run_by_hand(ToolCall(id=f"by_hand_{time.time_ns()}", name=name, arguments=arguments))
        )

    def steer(self, text: str) -> None:
        """Say something to the model in the running turn: it reads it with the next tool result."""
        self._calling.steering.say(text)

    def withdraw(self, text: str) -> bool:
        """Take back what was said and not read yet; False where the model has it."""
        return self._calling.steering.withdraw(text)

    async def _play(self, work: Coroutine[Any, Any, None]) -> AsyncGenerator[Event, None]:
        self._events = asyncio.Queue()
        self._turn = asyncio.create_task(work)
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
            await self.window.aclose()

    def cancel(self) -> None:
        """End the running turn; it still ends with its `TurnFinished`, and keeps the partial answer."""
        if self._turn is not None:
            # Not at once: a task cancelled before its first step would end without its TurnFinished.
            asyncio.get_running_loop().call_soon(self._turn.cancel)

    def _emit(self, event: Event) -> None:
        self._session.append_event(event)
        self._events.put_nowait(event)

    def _begin_turn(self) -> None:
        self._tally = tally = Tally(self._limits, self.prices)
        self._watch = watch = TurnWatch(self._session, self._emit, thinking=self.thinking)
        self._asking = Asking(
            self.engine,
            self._session,
            self.window,
            self.specs,
            self._call_ids,
            thinking=self.thinking,
            tally=tally,
            watch=watch,
            emit=self._emit,
        )

    async def _run_turn(self, prompt: str, typed: str) -> None:
        self._begin_turn()
        self._session.append_message(Message(role="user", content=prompt))
        self._session.append_record(Prompted(text=typed))
        self._snapshots.begin_turn()
        ending = await self._guarded_steps()
        if ending.reason == "error":
            self._emit(Failure(error=ending.detail, message=ending.message))
        self._keep_partial_answer(ending)
        for call in self._session.settle():
            self._calling.interrupted(self._tally.steps, call)
        self._report_usage()
        await self._snapshots.settle()
        self._emit(self._tally.finished(ending))

    async def _guarded_steps(self) -> Ending:
        """All steps, with every failure of the world turned into an ending."""
        deadline = asyncio.timeout(self._limits.seconds)
        try:
            async with deadline:
                while (ending := self._tally.limit_reached()) is None:
                    self._tally.steps += 1
                    ending = await self._step(self._tally.steps)
                    self._report_usage()
                    if ending is not None and not self._goes_on(ending):
                        break
                return ending
        except TimeoutError:
            if not deadline.expired():
                raise
            return Ending("limit", "time")
        except asyncio.CancelledError:
            return Ending("cancelled")
        except LimitReached as reached:
            return reached.ending
        except EngineError as error:
            return Ending("error", error.kind, str(error))
        except SandboxError as error:
            return Ending("error", "sandbox", str(error))
        except NobodyToAsk as error:
            return Ending("error", "permission", str(error))

    async def _step(self, step: int) -> Ending | None:
        self._emit(StepStarted(step=step))
        message, stop = await self._asking.answer(step)
        refused = self._watch.refuses(message, stop)
        if not refused and (message.content or message.reasoning_content or message.tool_calls):
            self._session.append_message(message)  # an empty one is refused by servers when the session goes on
        self._tally.said(message.content, cut=stop == "length" and not message.tool_calls)
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
            await self._calling.run(step, call, self._watch, is_last=call is message.tool_calls[-1])
        return self._watch.ending(message, stop)

    def _goes_on(self, ending: Ending) -> bool:
        """Whether the user had something more to say before the turn was done."""
        said = self._calling.steering.take() if ending.reason == "done" else ""
        if said:
            self._session.append_message(Message(role="user", content=said))
            self._emit(Steered(step=self._tally.steps, text=said))
        return bool(said)

    def _keep_partial_answer(self, ending: Ending) -> None:
        """What had arrived of an answer that was cut short stays in the conversation, without its calls."""
        message = self._asking.partial()
        if message is None:
            return
        self._session.append_message(message)
        self._tally.said(message.content)
        self._emit(
            AssistantMessage(
                step=self._tally.steps,
                content=message.content,
                reasoning_content=message.reasoning_content,
                finish_reason=ending.reason,
            )
        )

    def _report_usage(self) -> None:
        if (counted := self._tally.report()) is not None:
            self._emit(counted)
