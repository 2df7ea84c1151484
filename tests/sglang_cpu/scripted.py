"""Makes random weights say what a test wants: replies written as GLM-4.6 writes them, sent along with every request."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# A pickle that does nothing but import the class; the rig puts its module on the server's path. What SGLang's own
# `to_str` would give for it, without a start of SGLang.
_PROCESSOR = json.dumps({"callable": b"cscripted_weights\nScriptedWeights\n.".hex()})


@dataclass(frozen=True)
class Call:
    """A tool call as the model means it."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """One answer, and the prompts it is the answer to."""

    reasoning: str = ""
    content: str = ""
    tool_calls: Sequence[Call] = ()
    when: str | None = None
    """Text that the prompt holds anywhere; None: any prompt."""
    step: int | None = None
    """How many turns of tool results the prompt holds; None: as many as replies with the same `when` come before."""


def extra_body(replies: Sequence[Reply]) -> dict[str, Any]:
    """What to send with every request (`RemoteEngine(extra_body=...)`, `--extra-body`).

    The first reply that fits the prompt is played; where none fits, one that says so. With thinking off `reasoning`
    stays unsaid.
    """
    return {"custom_logit_processor": _PROCESSOR, "custom_params": {"replies": list(_numbered(replies))}}


def _numbered(replies: Sequence[Reply]) -> Iterator[dict[str, Any]]:
    before: Counter[str | None] = Counter()
    for reply in replies:
        silent = _said(reply)
        step = before[reply.when] if reply.step is None else reply.step
        thinking = f"\n<think>{reply.reasoning}</think>{silent}"
        yield {"when": reply.when, "step": step, "thinking": thinking, "silent": silent}
        before[reply.when] += 1


def _said(reply: Reply) -> str:
    """What follows the thinking, up to the token that the model stops with."""
    parts = [f"\n{reply.content}"] if reply.content else []
    parts += ["\n" + _call(call) for call in reply.tool_calls]
    return "".join(parts) + ("<|observation|>" if reply.tool_calls else "<|user|>")


def _call(call: Call) -> str:
    pairs = "".join(
        f"<arg_key>{key}</arg_key>\n<arg_value>{_value(value)}</arg_value>\n" for key, value in call.arguments.items()
    )
    return f"<tool_call>{call.name}\n{pairs}</tool_call>"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
