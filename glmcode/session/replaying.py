"""A session file as the events that it was written from, for whoever shows it again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from glmcode.events import AssistantMessage, Compacted, Event, Prompted, ToolFinished
from glmcode.session.branches import read_branches
from glmcode.session.remarks import verdict_in
from glmcode.session.store import SessionError, records
from glmcode_engine.messages import Message
from glmcode_engine.script import Answer, ScriptedCall

_EVENTS: TypeAdapter[Event] = TypeAdapter(Event)


def replayed(path: Path) -> Iterator[Event | Prompted]:
    """What a session file tells, in order and without what the user went back behind; no deltas.

    What cannot be read is left out. Raises SessionError where the file goes back to a point it does not hold.
    """
    try:
        lines = read_branches(records(path)).lines()
    except LookupError as error:
        raise SessionError(f"{path} goes back to a point that it does not hold: {error}") from None
    # Files of versions that did not keep what was typed have the whole message.
    told = any(line.get("kind") == "prompted" for line in lines)
    replay = _Replay(told)
    for line in lines:
        try:
            yield from replay.read(line)
        except (ValidationError, LookupError, TypeError):
            continue


def recorded_answers(path: Path) -> tuple[Answer, ...]:
    """What the model answered in a session, in order, as a script of it. Raises SessionError as `replayed` does."""
    return tuple(
        Answer(
            reasoning=event.reasoning_content,
            content=event.content,
            tool_calls=tuple(ScriptedCall(name=call.name, arguments=call.arguments) for call in event.tool_calls),
        )
        for event in replayed(path)
        if event.kind == "assistant_message"
    )


class _Replay:
    def __init__(self, told: bool) -> None:
        self._told = told
        self._step = 0
        self._results: dict[str, str] = {}
        """What the model was shown of each call."""

    def read(self, line: dict[str, Any]) -> Iterator[Event | Prompted]:
        match line.get("kind"):
            case "message":
                yield from self._message(Message.model_validate(line["message"]))
            case "prompted":
                yield Prompted.model_validate(_plain(line))
            case "view":
                yield Compacted.model_validate(line["compacted"])
            case "tool_finished":
                text = self._results.get(str(line["call_id"]), "")
                yield ToolFinished.model_validate({**_plain(line), "text": text})
            case "result":
                if verdict := verdict_in(line):
                    yield verdict
            case "session" | "continued":
                return
            case _:
                event = _EVENTS.validate_python(_plain(line))
                if event.kind == "step_started":
                    self._step = event.step
                yield event

    def _message(self, message: Message) -> Iterator[Event | Prompted]:
        match message.role:
            case "user" if not self._told:
                yield Prompted(text=message.content)
            case "assistant":
                yield AssistantMessage(
                    step=self._step,
                    content=message.content,
                    reasoning_content=message.reasoning_content,
                    tool_calls=message.tool_calls,
                    finish_reason="tool_calls" if message.tool_calls else "stop",
                )
            case "tool":
                self._results[message.tool_call_id or ""] = message.content


def _plain(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != "time"}
