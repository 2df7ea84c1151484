"""A plain session over turns that take as long as they are told to, for a test with a real terminal."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

from glmcode.events import AssistantDelta, AssistantMessage, Event, StepStarted, TurnFinished
from glmcode.plain.asking import NumberedQuestions
from glmcode.plain.conversation import Conversation
from glmcode.plain.lines import Lines
from glmcode.plain.printer import Printer
from glmcode.policy import Ask, Question
from glmcode_engine.messages import Usage


class SlowTurns:
    """`wait` runs until it is cancelled, `ask` asks for permission, `ask afterwards` about what is done.

    Everything else is repeated.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._cancelled = asyncio.Event()

    async def run(self, prompt: str) -> AsyncGenerator[Event, None]:
        self._cancelled.clear()
        yield StepStarted(step=1)
        answer = f"You said: {prompt!r}"
        if prompt == "wait":
            yield AssistantDelta(step=1, text="Working.\n")
            await self._cancelled.wait()
        elif prompt == "ask":
            decision = await self._ask(Question("1", "edit .vscode/tasks.json", "writes what editors run"))
            answer = f"{decision.allowed} {decision.reason}"
        elif prompt == "ask afterwards":
            diff = "@@ -0,0 +1,99 @@\n" + "+evil\x1b[2J\n" * 99
            decision = await self._ask(Question("", "commands changed x", "tools obey it", ("x",), diff, is_done=True))
            answer = f"{decision.allowed} {decision.reason}"
        yield AssistantMessage(step=1, content=answer, finish_reason="stop")
        reason = "cancelled" if self._cancelled.is_set() else "done"
        yield TurnFinished(reason=reason, steps=1, requests=1, usage=Usage(), duration_s=1.0)  # type: ignore[arg-type]

    def cancel(self) -> None:
        self._cancelled.set()


async def main() -> int:
    lines, printer = Lines(), Printer()
    turns = SlowTurns(NumberedQuestions(lines, printer))
    return await Conversation(turns, lines, printer, folder=Path(sys.argv[1])).converse()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
