"""Reads the chunks of a chat-completions stream into StreamParts, whichever server wrote them."""

import json
from collections.abc import Iterator
from typing import Any

from glmcode_engine.base import ReasoningDelta, StreamPart, TextDelta, ToolCallDelta, UsageReport
from glmcode_engine.messages import Usage


class ChunkReader:
    """Reads one stream. Nothing in a chunk is relied on: fields may be missing, null or of another type."""

    def __init__(self) -> None:
        self.chunks = 0
        """How many chunks came."""
        self.finish_reason: str | None = None
        """The server's word for why it stopped; None until it came."""
        self.signs = 0
        """How many pieces of the answer came until it was finished; chunks that hold none are no sign of life."""
        self._calls = _CallPlaces()
        self._usage: Usage | None = None

    def read(self, chunk: object) -> Iterator[StreamPart]:
        """Yield the parts of one decoded chunk."""
        if not isinstance(chunk, dict):
            return
        self.chunks += 1
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict) and not choice.get("index"):
                for part in self._read_choice(choice):
                    self.signs += self.finish_reason is None
                    yield part
        usage = read_usage(chunk.get("usage"))
        if usage is not None and usage != self._usage:
            self._usage = usage
            yield UsageReport(usage)

    def _read_choice(self, choice: dict[str, Any]) -> Iterator[StreamPart]:
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            if reasoning := read_reasoning(delta):
                yield ReasoningDelta(reasoning)
            if text := _joined(delta.get("content")):
                yield TextDelta(text)
            calls = delta.get("tool_calls")
            for call in calls if isinstance(calls, list) else []:
                if isinstance(call, dict):
                    yield self._read_call(call)
        if reason := _text(choice.get("finish_reason")):
            self.signs += self.finish_reason is None
            self.finish_reason = reason

    def _read_call(self, call: dict[str, Any]) -> ToolCallDelta:
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        call_id, name = _text(call.get("id")) or None, _text(function.get("name")) or None
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments, ensure_ascii=False)
        place = self._calls.place(call.get("index"), call_id, name)
        return ToolCallDelta(place, call_id, name, _text(arguments))


class _CallPlaces:
    """Says which call a piece belongs to, also where a server leaves the index out or gives each call the same."""

    def __init__(self) -> None:
        self._ids: list[str | None] = []
        self._latest: dict[int, int] = {}

    def place(self, index: object, call_id: str | None, name: str | None) -> int:
        if not isinstance(index, int):
            return self._place_without_index(call_id, name)
        place = self._latest.get(index)
        if place is None or (name and call_id and self._ids[place] not in (None, call_id)):
            place = self._latest[index] = self._new(call_id)
        elif self._ids[place] is None:
            self._ids[place] = call_id
        return place

    def _place_without_index(self, call_id: str | None, name: str | None) -> int:
        if call_id is not None and call_id in self._ids:
            return self._ids.index(call_id)
        if call_id is None and name is None and self._ids:
            return len(self._ids) - 1
        return self._new(call_id)

    def _new(self, call_id: str | None) -> int:
        self._ids.append(call_id)
        return len(self._ids) - 1


def read_reasoning(delta: dict[str, Any]) -> str:
    """The reasoning of a delta. Servers repeat one text under several names, so the first that holds any wins."""
    for key in ("reasoning_content", "reasoning"):
        if text := _joined(delta.get(key)):
            return text
    details = delta.get("reasoning_details")
    entries = [entry for entry in details if isinstance(entry, dict)] if isinstance(details, list) else []
    return "".join(_text(entry.get("text")) or _text(entry.get("summary")) for entry in entries)


def read_usage(usage: object) -> Usage | None:
    """Token counts as OpenAI, SGLang, vLLM and Z.ai report them; None when there are none."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    cached = _nested(usage, "prompt_tokens_details", "cached_tokens") or _count(usage.get("cached_tokens"))
    reasoning = _nested(usage, "completion_tokens_details", "reasoning_tokens")
    reasoning = reasoning or _count(usage.get("reasoning_tokens"))
    return Usage(
        prompt_tokens=prompt,
        cached_tokens=min(cached, prompt),
        completion_tokens=completion,
        reasoning_tokens=min(reasoning, completion),
    )


def _nested(usage: dict[str, Any], group: str, key: str) -> int:
    inner = usage.get(group)
    return _count(inner.get(key)) if isinstance(inner, dict) else 0


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _joined(value: object) -> str:
    """A text, or the texts of a list of content parts."""
    if isinstance(value, list):
        return "".join(_text(part.get("text")) for part in value if isinstance(part, dict))
    return _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
