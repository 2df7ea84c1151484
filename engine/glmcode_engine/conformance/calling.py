"""Judges how an endpoint calls tools and takes their results."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from glmcode_engine.conformance.evidence import Evidence, Verdict, fail, ok, quoted, skipped, warn
from glmcode_engine.conformance.exchanges import ACCESS_CODE, CODES, STORED
from glmcode_engine.conformance.observation import Observed, fold
from glmcode_engine.dialects import DIALECTS
from glmcode_engine.guard import THINKING_BUDGET
from glmcode_engine.messages import ToolCall
from glmcode_engine.repair.degenerate import Degenerate
from glmcode_engine.repair.guarded_answer import GuardedAnswer
from glmcode_engine.repair.typed_values import typed
from glmcode_engine.untrusted import one_line

_PARSER = "On a server of your own, start it with --tool-call-parser (glm45 or auto)."
_IS: Mapping[str, Callable[[object], bool]] = {
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def tool_call(evidence: Evidence) -> Verdict:
    """Whether a call that is asked for arrives as one."""
    seen = evidence.seen["calls"]
    if not seen.calls:
        found = _guarded(seen)
        if found:
            told = ", ".join(call.name for call in found)
            return warn(f"calls arrive as text; the guard recovers them ({told})", _PARSER)
        return fail(f"no call came (finish reason {seen.stop}): {quoted(seen.text or seen.reasoning)}", _PARSER)
    names = {call.name for call in seen.calls}
    if unknown := names - {tool.name for tool in seen.request.tools}:
        return fail(f"unknown tool {quoted(min(unknown))}", _PARSER)
    if seen.stop != "tool_calls":
        return warn(f"the finish reason is {quoted(seen.stop or '')}, not tool_calls")
    return ok(f"{', '.join(sorted(names))}; finish reason tool_calls")


def call_streamed(evidence: Evidence) -> Verdict:
    """Whether the pieces of a call arrive as they are written, its name first."""
    pieces = evidence.seen["calls"].call_pieces
    if not pieces:
        return skipped("there was no call")
    if not pieces[0].name:
        return warn("the first piece of a call has no name")
    calls = len({piece.index for piece in pieces})
    if len(pieces) == calls:
        remedy = "Raise --idle-timeout, or check --dialect." if DIALECTS[evidence.dialect].tool_stream else None
        return warn("arguments arrive whole: a long file keeps the stream silent until it is written", remedy)
    return ok(f"name first, then the arguments: {len(pieces)} pieces, calls: {calls}")


def parallel_calls(evidence: Evidence) -> Verdict:
    """Whether one answer may hold several calls, each with an id of its own."""
    seen = evidence.seen["calls"]
    if not seen.calls:
        return skipped("there was no call")
    if len(seen.calls) == 1:
        return warn("one call where three were asked for: independent steps will be taken one by one")
    given = {piece.id for piece in seen.call_pieces if piece.id}
    if len(given) < len(seen.calls):
        return warn(f"{len(seen.calls)} calls have {len(given)} ids; the agent makes up the rest")
    return ok(f"{len(seen.calls)} calls in one answer")


def argument_types(evidence: Evidence) -> Verdict:
    """Whether arguments arrive in the types of the schema, before the guard puts any right."""
    seen = evidence.seen["calls"]
    call = next((call for call in seen.calls if call.name == "store"), None)
    if call is None:
        return skipped("the tool with arguments of every type was not called")
    arguments = _object(call)
    if arguments is None:
        repaired = next((_object(each) for each in _guarded(seen) if each.name == "store"), None)
        said = f"the arguments are no JSON object: {quoted(call.arguments)}"
        return warn(f"{said}; the guard repairs them", _PARSER) if repaired else fail(said, _PARSER)
    return _judge_arguments(seen, arguments)


def _judge_arguments(seen: Observed, arguments: dict[str, Any]) -> Verdict:
    spec = next(tool for tool in seen.request.tools if tool.name == "store")
    wanted = {name: each["type"] for name, each in spec.parameters["properties"].items()}
    present = [name for name in wanted if name in arguments]
    wrong = [name for name in present if not _IS[wanted[name]](arguments[name])]
    told = ", ".join(f"{name} ({wanted[name]}) is {_shown(arguments[name])}" for name in wrong)
    lost = [
        name
        for name in wrong
        if not isinstance(arguments[name], str) or not _IS[wanted[name]](typed(arguments[name], spec, name))
    ]
    if lost:
        return fail(f"of the wrong type, with no safe repair: {told}", _PARSER)
    if wrong:
        return warn(f"of the wrong type, the guard repairs it: {told}", _PARSER)
    if len(present) < len(wanted):
        return warn(f"missing: {', '.join(name for name in wanted if name not in arguments)}")
    if changed := [name for name, value in STORED.items() if arguments[name] != value]:
        return warn(f"typed, but not as asked for: {changed[0]} is {_shown(arguments[changed[0]])}")
    return ok(f"{', '.join(wanted.values())} arrive as such")


def tool_results(evidence: Evidence) -> Verdict:
    """Whether the results of several calls reach the model in their order."""
    text = evidence.seen["results"].text
    places = [text.find(code) for code in CODES.values()]
    if -1 in places:
        return warn(f"accepted, but the answer does not name both results: {quoted(text)}")
    if places != sorted(places):
        return fail(f"the results are swapped: {quoted(text)}", "Check how the server's template orders tool messages.")
    return ok("both results, in their order")


def long_result(evidence: Evidence) -> Verdict:
    """Whether a long tool result is taken and read."""
    seen = evidence.seen["log"]
    size = f"{seen.usage.prompt_tokens:,} tokens of prompt" if seen.usage else f"{_characters(seen):,} characters"
    if ACCESS_CODE not in seen.text:
        return warn(f"accepted ({size}), but what it says was not found: {quoted(seen.text)}")
    return ok(f"accepted and read, {size}")


def _shown(value: object) -> str:
    return one_line(json.dumps(value, ensure_ascii=False), limit=60)


def _characters(seen: Observed) -> int:
    return sum(len(message.content) for message in seen.request.messages)


def _object(call: ToolCall) -> dict[str, Any] | None:
    try:
        value = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _guarded(seen: Observed) -> tuple[ToolCall, ...]:
    """The calls that the stream guard makes of the answer."""
    guard = GuardedAnswer(seen.request, THINKING_BUDGET)
    try:
        return fold(out for part in seen.parts for out in guard.take(part)).message().tool_calls
    except Degenerate:
        return ()
