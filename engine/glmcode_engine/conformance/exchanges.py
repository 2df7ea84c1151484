"""The requests of the conformance test: few and cheap, each serving several checks."""

import json
from typing import Literal

from glmcode_engine.messages import Message, Request, ToolCall, ToolSpec, Value

ExchangeName = Literal[
    "hello", "think", "calls", "results", "log", "left", "limited", "beyond_window", "too_long", "unknown_model"
]
"""hello: thinking off. think: thinking on. calls: three calls at once. results: results, with reasoning sent back.
log: a long tool result. left: a stream that is closed early. limited: the same prompt again, ended by max_tokens.
beyond_window: max_tokens larger than the window. too_long: a prompt larger than the window. unknown_model: hello to a
model that does not exist."""

CODES = {"harbour": "plum-31", "orchard": "teal-86"}
"""What the results of `look_up` say."""
ACCESS_CODE = "mango-4417"
"""What the log names."""
STORED = {
    "count": 3,
    "ratio": 2.5,
    "enabled": True,
    "tags": ["red", "blue"],
    "options": {"depth": 2},
    "text": 'say "hi"\nnaïve ☃',
}
"""The arguments that the model is asked to call `store` with."""
LIMIT = 8
"""max_tokens of the exchange `limited`."""
ENOUGH = 3
"""Parts after which the exchange `left` is closed."""

_LONG_TOKENS = 8_000
_TOKENS_A_LINE = 15
"""Of the log, by cl100k_base."""
_ASSUMED_WINDOW = 1_000_000
_TYPES = {
    "count": {"type": "integer"},
    "ratio": {"type": "number"},
    "enabled": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "options": {"type": "object", "properties": {"depth": {"type": "integer"}}},
    "text": {"type": "string"},
}


class Texts(Value):
    """What the model reads. The engine brings no prompts of its own: whoever tests it does."""

    system: str
    hello: str
    think: str
    calls: str
    reasoning: str
    """Thinking that is sent back as the model's own; some 300 tokens, so that it shows in the count of the prompt."""
    log: str
    count: str
    look_up: str
    """Descriptions of the three tools."""
    store: str
    read_log: str


def requests(texts: Texts, window: int | None) -> dict[ExchangeName, Request]:
    """All requests but `too_long`, in the order to send them. The log takes at most a third of a small window."""
    tools = _tools(texts)
    start = Message(role="system", content=texts.system)
    hello = Request(messages=(start, _user(texts.hello)), thinking=False, max_tokens=100)
    calls = (start, _user(texts.calls))
    log = (start, _user(texts.log), *_log_call(min(_LONG_TOKENS, (window or _ASSUMED_WINDOW) // 3)))
    more = (*log, Message(role="assistant", content=ACCESS_CODE), _user(texts.count))
    small = min(2_000, (window or _ASSUMED_WINDOW) // 4)
    return {
        "hello": hello,
        "think": Request(messages=(start, _user(texts.think)), thinking=True, max_tokens=small),
        "calls": Request(messages=calls, tools=tools, thinking=True, max_tokens=small),
        "results": Request(messages=(*calls, *_called(texts.reasoning)), tools=tools, thinking=True, max_tokens=small),
        "log": Request(messages=log, tools=tools, thinking=False, max_tokens=100),
        "left": Request(messages=more, tools=tools, thinking=False, max_tokens=small),
        "limited": Request(messages=more, tools=tools, thinking=False, max_tokens=LIMIT),
        "beyond_window": hello.model_copy(update={"max_tokens": (window or _ASSUMED_WINDOW) + 1}),
        "unknown_model": hello.model_copy(update={"max_tokens": 1}),
    }


def too_long(texts: Texts, window: int) -> Request:
    """A prompt that no server with this window can take."""
    filler = "\n".join(_line(number) for number in range(3 * window // (2 * _TOKENS_A_LINE)))
    messages = (Message(role="system", content=texts.system), _user(f"{filler}\n{texts.hello}"))
    return Request(messages=messages, thinking=False, max_tokens=LIMIT)


def _user(text: str) -> Message:
    return Message(role="user", content=text)


def _called(reasoning: str) -> tuple[Message, ...]:
    """An answer to `calls` as it should be, and the results of its calls."""
    made: list[tuple[str, object, str]] = [("look_up", {"name": name}, code) for name, code in CODES.items()]
    made.append(("store", STORED, "kept"))
    calls = tuple(
        ToolCall(id=f"call_{number}", name=name, arguments=json.dumps(arguments, ensure_ascii=False))
        for number, (name, arguments, _) in enumerate(made)
    )
    answer = Message(role="assistant", reasoning_content=reasoning, tool_calls=calls)
    results = zip(calls, made, strict=True)
    return (answer, *(Message(role="tool", content=result, tool_call_id=call.id) for call, (_, _, result) in results))


def _log_call(tokens: int) -> tuple[Message, Message]:
    """A call of `read_log`, and its result of about so many tokens."""
    lines = [_line(number) for number in range(max(4, tokens // _TOKENS_A_LINE))]
    lines[len(lines) * 2 // 3] += f", access code {ACCESS_CODE}"
    call = ToolCall(id="call_0", name="read_log", arguments="{}")
    answer = Message(role="assistant", tool_calls=(call,))
    return answer, Message(role="tool", content="\n".join(lines), tool_call_id=call.id)


def _line(number: int) -> str:
    """A line of a log; the numbers only have to look different."""
    return f"{number:06} worker-{number * 7 % 13} finished job {number * 7919 % 99991} in {number * 31 % 977} ms"


def _tools(texts: Texts) -> tuple[ToolSpec, ...]:
    name = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    nothing = {"type": "object", "properties": {}}
    stored = {"type": "object", "properties": _TYPES, "required": list(_TYPES)}
    return (
        ToolSpec(name="look_up", description=texts.look_up, parameters=name),
        ToolSpec(name="store", description=texts.store, parameters=stored),
        ToolSpec(name="read_log", description=texts.read_log, parameters=nothing),
    )
