"""One answer on its way through the stream guard."""

import json
import re
from collections.abc import Container, Iterator
from dataclasses import replace
from itertools import zip_longest

from glmcode_engine.assemble import Assembler
from glmcode_engine.base import ReasoningDelta, Repaired, Stop, StreamPart, TextDelta, ToolCallDelta
from glmcode_engine.messages import Request, ToolCall
from glmcode_engine.repair.call_repair import repair_call
from glmcode_engine.repair.degenerate import AnswerWatch
from glmcode_engine.repair.held_text import HeldText
from glmcode_engine.repair.leaked_calls import Leaked, Plain, Tools, read_leaked_calls
from glmcode_engine.repair.leaked_thinking import LeakedThinking
from glmcode_engine.repair.quoting import Quoting

_CLOSERS = ("</tool_call>", "</arg_value>", "</arg_key>", "</think>")
_LAST_FENCE = re.compile(r"(?:^|\n)[ \t]*(`{3,}|~{3,})[^\n]*\n(?P<inside>.*?)\s*(?:\1\s*)?\Z", re.DOTALL)
_FILTERED = frozenset({"sensitive", "content_filter"})
_CUT = frozenset({"length", "model_context_window_exceeded"}) | _FILTERED
"""Finish reasons of an answer that the model did not end itself."""


class GuardedAnswer:
    """Takes the parts of one stream and gives the parts of the repaired one."""

    def __init__(self, request: Request, thinking_budget: int) -> None:
        self._tools = {tool.name: tool for tool in request.tools}
        self._watch = AnswerWatch(thinking_budget)
        self._both = LeakedThinking()
        self._text, self._reasoning = HeldText(), HeldText()
        self._said: list[str] = []
        self._structured = Assembler()
        self._calls: list[ToolCall] = []
        self._lost = False
        """Whether a call was meant that cannot be made out."""

    def take(self, part: StreamPart) -> Iterator[StreamPart]:
        """One part of the engine's in, the parts that go out for it. Raises Degenerate."""
        match part.kind:
            case "text":
                yield from self._take_text(*self._both.feed(part.text))
            case "reasoning":
                yield from self._take_thinking(part.text)
            case "tool_call":
                self._watch.call(f"{part.name or ''}{part.arguments}")
                self._structured.add(part)
            case "stop":
                yield from self._finish(part)
            case _:
                yield part

    def _take_text(self, thought: str, said: str) -> Iterator[StreamPart]:
        yield from self._take_thinking(thought)
        self._watch.say(said)
        yield from self._say(self._text.feed(said) if self._tools else said)

    def _take_thinking(self, thought: str) -> Iterator[StreamPart]:
        self._watch.think(thought)
        yield from _think(self._reasoning.feed(thought) if self._tools else thought)

    def give_up(self) -> Iterator[StreamPart]:
        """The stream broke off: what was held back goes out as the text it is; calls were not whole."""
        yield from self._take_text(*self._both.rest())
        yield from _think(self._reasoning.rest())
        yield from self._say(self._text.rest())

    def _finish(self, stop: Stop) -> Iterator[StreamPart]:
        ended = stop.reason not in _CUT
        yield from self._take_text(*self._both.rest())
        if self._both.found:
            yield Repaired("leaked_thinking", "the thinking came as text; check the server's --reasoning-parser")
        yield from self._structured_calls(ended)
        yield from self._calls_in_text(ended)
        yield from self._calls_in_reasoning(ended)
        self._lost |= not self._calls and _only_shows_a_call("".join(self._said), self._tools)
        if self._calls and stop.reason in _FILTERED:
            yield Repaired("filtered_call", "the content filter stopped the answer; its calls are not run")
            self._calls.clear()
        for index, call in enumerate(self._calls):
            yield ToolCallDelta(index, call.id or None, call.name, call.arguments)
        # A call was meant, so this is no final answer, whatever the server took it for.
        unfinished = self._lost and not self._calls and ended
        yield replace(stop, reason="tool_calls") if unfinished else stop

    def _structured_calls(self, ended: bool) -> Iterator[StreamPart]:
        calls = self._structured.message().tool_calls
        for position, call in enumerate(calls, start=1):
            if position == len(calls) and not ended and not call.arguments.strip():
                yield Repaired("truncated_call", f"{call.name} was cut off before its arguments")
                continue
            for each in repair_call(call, self._tools):
                if isinstance(each, ToolCall):
                    self._calls.append(each)
                else:
                    self._lost |= each.repair == "empty_name"
                    yield each

    def _calls_in_text(self, ended: bool) -> Iterator[StreamPart]:
        pieces = read_leaked_calls(self._text.rest(), self._tools, ended=ended)
        for piece in _without_examples(pieces, self._text.before):
            match piece:
                case Plain(text):
                    yield from self._say(text)
                case Leaked():
                    yield self._recovered(piece, "text")

    def _calls_in_reasoning(self, ended: bool) -> Iterator[StreamPart]:
        """Calls at the end of the thinking of an answer that says and calls nothing else; others are only thoughts."""
        from glmcode_engine.repair.announcements import announces  # patterns that no request waits for

        pieces = read_leaked_calls(self._reasoning.rest(), self._tools, ended=ended)
        thoughts = len(pieces)
        said = "".join(self._said).strip()
        if not self._calls and (not said or announces(said)):
            while thoughts and _is_call(pieces[thoughts - 1], self._tools):
                thoughts -= 1
        for piece in pieces[:thoughts]:
            yield from _think(piece.text if isinstance(piece, Plain) else piece.raw)
            self._lost |= isinstance(piece, Leaked) and not said
        for piece in pieces[thoughts:]:
            if isinstance(piece, Leaked):
                yield self._recovered(piece, "thinking")

    def _recovered(self, leaked: Leaked, where: str) -> Repaired:
        """Make a call of it; one that is not whole gets its raw text as arguments, which the toolbox refuses."""
        if not leaked.name:
            self._lost = True
            return Repaired("empty_name", f"a call without a name in the {where} was dropped: {leaked.raw[:100]}")
        call = ToolCall(id="", name=leaked.name, arguments=leaked.arguments or leaked.raw)
        if leaked.arguments is None:
            self._calls.append(call)
            return Repaired("broken_call", f"{leaked.name} in the {where} is not whole and is refused")
        if any(_same(call, other) for other in self._calls):
            return Repaired("leaked_twice", f"{leaked.name} in the {where} repeats a call and was dropped")
        self._calls.append(call)
        return Repaired("leaked_call", f"{leaked.name} was recovered from the {where}")

    def _say(self, text: str) -> Iterator[StreamPart]:
        if text:
            self._said.append(text)
            yield TextDelta(text)


def _think(text: str) -> Iterator[StreamPart]:
    if text:
        yield ReasoningDelta(text)


def _without_examples(pieces: list[Plain | Leaked], before: Quoting) -> Iterator[Plain | Leaked]:
    """The pieces of a text: calls that it only shows are plain, and behind a real one no closing tags are left."""
    leaked = False
    for piece, following in zip_longest(pieces, pieces[1:]):
        match piece:
            case Plain(text):
                yield Plain(_without_closers(text) if leaked else text)
            case Leaked(raw=text):
                after = following.text if isinstance(following, Plain) else ""
                shown = before.is_example() or before.is_mentioned(after)
                leaked |= not shown
                yield Plain(text) if shown else piece
        before.read(text)


def _only_shows_a_call(said: str, tools: Tools) -> bool:
    """Whether an answer is, at most behind an announcement, a fence with whole calls: the model meant to make them.

    They may be an example all the same, so they never run; the model is asked to call the tool.
    """
    from glmcode_engine.repair.announcements import announces

    fence = _LAST_FENCE.search(said)
    if fence is None or not tools:
        return False
    inside = read_leaked_calls(fence["inside"].strip(), tools, ended=True)
    before = said[: fence.start()].strip()
    return bool(inside) and all(_is_call(piece, tools) for piece in inside) and (not before or announces(before))


def _is_call(piece: Plain | Leaked, tools: Container[str]) -> bool:
    match piece:
        case Plain(text):
            return not _without_closers(text).strip()
        case Leaked(name, arguments):
            return arguments is not None and name in tools


def _without_closers(text: str) -> str:
    for closer in _CLOSERS:
        text = text.replace(closer, "")
    return text if text.strip() else ""


def _same(one: ToolCall, other: ToolCall) -> bool:
    return one.name == other.name and _canonical(one.arguments) == _canonical(other.arguments)


def _canonical(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments
