"""A model that does what the conformance test asks, for the simulated server, and whatever goes wrong instead."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from glmcode.cli.engine_check import texts
from glmcode_engine.conformance.exchanges import ACCESS_CODE, CODES, LIMIT, STORED, ExchangeName
from glmcode_engine.script import ScriptedCall
from tests.simulated import Entry, Fault, Flavor
from tests.simulated.wire import WINDOW

TOO_LARGE = {
    "zai": Fault(status=400, code="1210", message="Invalid API parameter"),
    "sglang": Fault(status=400, message="max_completion_tokens is too large: 202753."),
    "vllm": Fault(status=400, message="This model's maximum context length is 202752 tokens."),
}
TOO_LONG = Fault(status=400, code="1261", message="Prompt exceeds max length")
BYTES_A_TOKEN = 4
"""As the simulated server counts."""


def calls(*names: str, **stored: Any) -> tuple[ScriptedCall, ...]:
    """The three calls that are asked for, or some of them; `stored` replaces arguments of `store`."""
    made = [ScriptedCall(name="look_up", arguments=json.dumps({"name": name})) for name in names or CODES]
    return (*made, ScriptedCall(name="store", arguments=json.dumps(STORED | stored, ensure_ascii=False)))


def exchange_of(body: dict[str, Any]) -> ExchangeName:
    """Which exchange of the test a request belongs to; one for an unknown model looks like `hello`."""
    *_, last = messages = body["messages"]
    limit, said = body.get("max_tokens") or 0, last.get("content") or ""
    if last["role"] == "tool":
        return "log" if len(messages) == 4 else "results"
    if said == texts().count:
        return "limited" if limit == LIMIT else "left"
    if said == texts().hello:
        return "beyond_window" if limit > WINDOW else "hello"
    if said.endswith(texts().hello):
        return "too_long"
    return "calls" if said == texts().calls else "think"


@dataclass(frozen=True)
class GoodModel:
    """Answers each exchange as it should; `wrong` holds what is answered to some of them instead."""

    flavor: Flavor
    wrong: Mapping[ExchangeName, Entry | Mapping[str, Any]] = field(default_factory=dict)

    def __call__(self, body: dict[str, Any], number: int) -> Entry | Mapping[str, Any]:
        name = exchange_of(body)
        return self.wrong.get(name) or self._answer(name, body)

    def _answer(self, name: ExchangeName, body: dict[str, Any]) -> Entry:
        match name:
            case "think":
                return Entry(reasoning="\nNine forty-seven and three hours make twelve forty-seven.", content="\n13:25")
            case "calls":
                return Entry(reasoning="Three calls.", tool_calls=calls())
            case "results":
                return Entry(content=" ".join(message["content"] for message in body["messages"][3:5]))
            case "log":
                assert f"access code {ACCESS_CODE}" in body["messages"][-1]["content"]
                return Entry(content=ACCESS_CODE)
            case "left":
                return Entry(content=" ".join(map(str, range(1, 401))))
            case "limited":
                return Entry(
                    content="1 2 3 4 5 6 7 8 9 10 11 12 13"[: LIMIT * BYTES_A_TOKEN - 4], finish_reason="length"
                )
            case "beyond_window":
                return Entry(error=TOO_LARGE[self.flavor])
            case "too_long":
                return Entry(error=TOO_LONG)
            case _:
                return Entry(content="ready")
