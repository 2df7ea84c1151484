"""Watches a turn for answers that lead nowhere: empty ones, announcements without a call, calls that repeat."""

import json
import re
from collections.abc import Callable

from glmcode.events import CacheBroken, Event, GuardRepaired
from glmcode.loop.turn import Ending, ending_of
from glmcode.session.store import Session
from glmcode_engine.base import Repaired
from glmcode_engine.messages import Message, ToolCall
from glmcode_prompts.library import load
from glmcode_sandbox.clean import one_line
from glmcode_tools.base import ToolOutput

WARN_AFTER = 3
"""Steps in a row with the same call and the same result, after which the model is told."""
END_AFTER = 5
THINKING_OFF = frozenset({"degenerate", "thinking_budget", "cut_thinking"})
"""Repairs after which an answer is asked for again without thinking."""
_DETAIL_CHARS = 300
_DURATION = re.compile(r"\d+(?:\.\d+)?(?= ?m?s\b)")
"""How long it took makes a result no other."""


class TurnWatch:
    """What one turn has seen so far of answers that lead nowhere."""

    def __init__(self, session: Session, emit: Callable[[Event], None], *, thinking: bool) -> None:
        self._session = session
        self._emit = emit
        self._thinking = thinking
        self._nudged = self._continued = False
        self._repeats: dict[tuple[str, str, str], int] = {}
        """How many steps in a row each call gave the same result: (name, arguments, result)."""
        self._step: dict[tuple[str, str, str], int] = {}

    def repaired(self, part: Repaired, void: Message | None = None) -> None:
        """Tell what the engine put right; `void` is what had come of an answer that is asked for again."""
        detail = one_line(part.detail, _DETAIL_CHARS)
        kept = void if void and (void.content or void.reasoning_content or void.tool_calls) else None
        self._emit(GuardRepaired(repair=part.repair, detail=detail, restarts=part.restarts, void=kept))
        if part.repair in THINKING_OFF and part.restarts and self._thinking:
            # The chat template marks every user message when thinking is off.
            self._emit(CacheBroken(segment="user messages", cause="asked again with thinking off"))

    def refuses(self, message: Message, stop: str) -> bool:
        """Whether an answer is left out of the conversation and the model nudged instead: the first time in a row."""
        return not self._nudged and _lacks(message, stop) is not None

    def checked(self, call: ToolCall, output: ToolOutput) -> ToolOutput:
        """The result of a call, with a warning inside when it keeps repeating."""
        key = (call.name, _canonical(call.arguments), _DURATION.sub("_", output.text))
        again = key in self._step
        times = self._step[key] = self._repeats.get(key, 0) + 1
        if again or times != WARN_AFTER:
            return output
        self._emit(GuardRepaired(repair="repeated_call", detail=f"{one_line(call.name)}: the model was warned"))
        return output.model_copy(update={"text": f"{output.text}\n\n{load('repeated', times=str(times))}"})

    def ending(self, message: Message, stop: str) -> Ending | None:
        """How the turn ends after an answer and its calls; None while it goes on."""
        if message.tool_calls:
            self._nudged = self._continued = False
            self._repeats, self._step = self._step, {}
            return self._stuck()
        if stop == "length" and message.content.strip() and not self._continued:
            self._continue()
            return None
        if self.refuses(message, stop):
            self._nudge(message, stop)
            return None
        ending = ending_of(message, stop)
        if _lacks(message, stop) == "announced":
            text = "the model announced a step and called no tool, twice; run again, or go on with --resume"
            return Ending("error", "unusable", text)
        return ending

    def _nudge(self, message: Message, stop: str) -> None:
        """Ask for a usable answer in place of the refused one, at the least cost for the server's prefix cache.

        Behind a user message, or where this turn holds no reasoning, a further user message only lengthens the prompt.
        Elsewhere it would make the chat template drop the reasoning of the turn, so the last tool result goes on
        instead: all before its end stays as it was sent.
        """
        self._nudged = True
        lack = _lacks(message, stop)
        said = f": {one_line(message.content.strip(), _DETAIL_CHARS)}" if message.content.strip() else ""
        self._emit(GuardRepaired(repair="nudge", detail=f"{lack} answer refused, asked once more{said}"))
        text = load(f"nudge_{lack}")
        if self._lengthens_only():
            self._session.append_message(Message(role="user", content=text))
            return
        self._session.append_to_last(f"\n\n{text}")
        self._emit(CacheBroken(segment="end of the last tool result", cause=f"nudge after an {lack} answer"))

    def _continue(self) -> None:
        """Let an answer that was cut off at the output limit go on where it stopped."""
        self._continued = True
        self._emit(GuardRepaired(repair="cut_answer", detail="cut off at the output limit, asked to go on"))
        if not self._lengthens_only():
            self._emit(CacheBroken(segment="reasoning of this turn", cause="a cut answer goes on"))
        self._session.append_message(Message(role="user", content=load("nudge_cut")))

    def _stuck(self) -> Ending | None:
        worst = max(self._repeats, key=self._repeats.__getitem__, default=None)
        if worst is None or self._repeats[worst] < END_AFTER:
            return None
        what = f"the model called {one_line(worst[0])} with the same arguments and the same result"
        return Ending(
            "error", "unusable", f"{what} {END_AFTER} times in a row; rephrase the task, or go on with --resume"
        )

    def _lengthens_only(self) -> bool:
        for message in reversed(self._session.messages):
            if message.role == "user":
                return True
            if message.reasoning_content:
                return False
        return True


def _lacks(message: Message, stop: str) -> str | None:
    """Why an answer is neither a step nor an end: `empty` or `announced`; None where it is one."""
    if message.tool_calls:
        return None
    ending = ending_of(message, stop)
    if ending.detail == "unusable":
        return "empty"
    # A server that says `tool_calls` and sends none has lost them.
    from glmcode_engine.repair.announcements import announces  # patterns that no request waits for

    lost = ending.reason == "done" and (stop == "tool_calls" or announces(message.content))
    return "announced" if lost else None


def _canonical(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments
