"""Every known failure of servers and their model, played to the real command line: the run mends it, or ends well."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cli import CommandLine, Ended
from tests.e2e.place import DONE, FIX, FIXED, SOURCE, call, commit_all, tool_texts
from tests.simulated import Flavor, SimulatedEndpoint

Json = dict[str, Any]
LEAKED_FIX = (
    "<tool_call>edit\n<arg_key>path</arg_key>\n<arg_value>calc.py</arg_value>\n<arg_key>old</arg_key>\n"
    "<arg_value>a - b</arg_value>\n<arg_key>new</arg_key>\n<arg_value>a + b</arg_value>\n</tool_call>"
)
LOOK = call("read", path="long.txt")
LOOKS = [call("read", path="long.txt", offset=number) for number in range(1, 5)]
TEXT = "".join(f"{number}: a line that only takes room in the window of the model\n" for number in range(150))
WAITED = ["retry", "retry"]
VOID_ONCE = ["guard broken_stream", "retry"]
TRIMMED = ["compacted trimmed", "cache_broken tool results and reasoning"]


@dataclass(frozen=True)
class Scenario:
    """What the server does, and how the run has to end."""

    name: str
    script: list[Json] | Callable[[Json, int], Json]
    events: list[str]
    """The events of repair, in order, as `KIND WORD`."""
    code: int = 0
    words: str = ""
    """In the one line that says what failed."""
    flavor: Flavor = "sglang"
    flags: tuple[str, ...] = ()
    requests: int | None = None
    void: str | None = None
    """The text of an answer that was given up, which stays in the records."""
    told: tuple[str, ...] = field(default=())
    """What the model was shown in the results of its calls."""


def fault(status: int, message: str = "simulated failure", **more: Any) -> Json:
    return {"error": {"status": status, "message": message, **more}}


def after_looks(*answers: Json) -> Callable[[Json, int], Json]:
    """Four long results, then these answers; the last for ever."""
    return lambda _, number: [*LOOKS, *answers][min(number, len(LOOKS) + len(answers) - 1)]


def always(*answers: Json) -> Callable[[Json, int], Json]:
    return lambda _, number: answers[min(number, len(answers) - 1)]


BUSY = fault(429, "Rate limit reached", code="1302", retry_after="1")
OVERLOAD = fault(429, "The service may be temporarily overloaded", code="1305")
ZAI_LONG = fault(400, "Prompt exceeds max length", code="1261")
SGLANG_LONG = fault(400, "The input (13000 tokens) is longer than the model's context length (12000 tokens).")
VLLM_LONG = fault(
    400, "This model's maximum context length is 12000 tokens. However, you requested 13000 tokens (in the messages)."
)
HALF_WRITE = '{"path": "made.txt", "content": "only ha'
CIRCLE = {"reasoning": "!" * 4_000, "content": "never"}
STALL = {"content": "half an answer", "stall_s": 30.0, "stall_at": 3}
WINDOW_FULL = {"content": "half", "finish_reason": "model_context_window_exceeded"}
CUT = {"content": "The cause is ", "finish_reason": "length"}
ONLY_THOUGHTS = {"reasoning": "I think and think", "finish_reason": "length"}
QUICK = ("--idle-timeout", "1")
BRIEFLY = ("--patience", "2")
BROKEN_OFF = {"content": "half", "finish_reason": "network_error"}
COUNT = {"reasoning": " ".join(map(str, range(1_000)))}

SCENARIOS = [
    Scenario("429-twice", [BUSY, BUSY, FIX, DONE], WAITED, flavor="zai"),
    Scenario("500-twice", [fault(500), fault(502), FIX, DONE], WAITED),
    Scenario("1305-once", [OVERLOAD, FIX, DONE], ["retry"], flavor="zai"),
    Scenario("1305-long", always(OVERLOAD), ["retry", "error rate_limited"], 75, "overloaded", "zai", BRIEFLY),
    Scenario("reset", [{"content": "half", "reset": True}, FIX, DONE], VOID_ONCE, void="half"),
    Scenario("reset-in-a-call", [{**FIX, "reset": True}, FIX, DONE], VOID_ONCE),
    Scenario("no-finish", [{"content": "half", "cut": True}, FIX, DONE], VOID_ONCE, void="half"),
    Scenario("network-error", [BROKEN_OFF, FIX, DONE], VOID_ONCE, void="half"),
    Scenario("stall", [{**STALL, "stall_s": 3.0}, FIX, DONE], VOID_ONCE, flags=QUICK, void="half an"),
    Scenario("slow", [{**FIX, "stall_s": 0.6}, DONE], [], flags=("--idle-timeout", "4"), requests=2),
    Scenario(
        "endless-stall", always(STALL), [*VOID_ONCE, "error unreachable"], 69, "sent nothing for 0.5 s",
        flags=("--idle-timeout", "0.5", "--patience", "2"), requests=2,
    ),
    Scenario(
        "cut-arguments", [{"tool_calls": [{"name": "write", "arguments": HALF_WRITE}]}, FIX, DONE], [],
        told=("not JSON",),
    ),
    Scenario(
        "cut-arguments-at-the-limit",
        [{"tool_calls": [{"name": "write", "arguments": HALF_WRITE}], "finish_reason": "length"}, FIX, DONE], [],
        told=("not JSON",),
    ),
    Scenario("unknown-tool", [call("replace", path="calc.py"), FIX, DONE], [], told=("There is no tool replace",)),
    Scenario("empty", [{"content": ""}, FIX, DONE], ["guard nudge"]),
    Scenario("empty-twice", always({"content": ""}), ["guard nudge", "error unusable"], 9, "empty answer", requests=2),
    Scenario("announced", [{"content": "Now I'll fix it."}, FIX, DONE], ["guard nudge"]),
    Scenario(
        "announced-twice", always({"content": "Now I'll fix it."}), ["guard nudge", "error unusable"], 9, "announced",
        requests=2,
    ),
    Scenario("circle", [CIRCLE, FIX, DONE], ["guard degenerate", "cache_broken user messages"]),
    Scenario(
        "circle-for-ever", always(CIRCLE, {"content": "!" * 9_000}),
        ["guard degenerate", "cache_broken user messages", "error unusable"], 9, "circles", requests=2,
    ),
    Scenario(
        "thinking-budget", [COUNT, FIX, DONE],
        ["guard thinking_budget", "cache_broken user messages"], flags=("--thinking-budget", "256"),
    ),
    Scenario("repeated-call", always(LOOK), ["guard repeated_call", "error unusable"], 9, "5 times", requests=5),
    Scenario("leaked-in-content", [{"content": f"I fix it. {LEAKED_FIX}"}, DONE], ["guard leaked_call"]),
    Scenario("leaked-in-reasoning", [{"reasoning": f"I fix it. {LEAKED_FIX}"}, DONE], ["guard leaked_call"]),
    Scenario("overflow-zai", after_looks(ZAI_LONG, FIX, DONE), TRIMMED, flavor="zai"),
    Scenario("overflow-sglang", after_looks(SGLANG_LONG, FIX, DONE), TRIMMED),
    Scenario("overflow-vllm", after_looks(VLLM_LONG, FIX, DONE), TRIMMED, flavor="vllm"),
    Scenario("overflow-413", after_looks(fault(413, "Request Entity Too Large"), FIX, DONE), TRIMMED),
    Scenario("overflow-in-the-answer", after_looks(WINDOW_FULL, FIX, DONE), [*TRIMMED, "guard overflow"], void="half"),
    Scenario("overflow-at-once", always(ZAI_LONG), ["error overflow"], 9, "--context", "zai", requests=1),
    Scenario(
        "overflow-for-ever", after_looks(SGLANG_LONG),
        [*TRIMMED, "guard no_summary", "compacted dropped", "cache_broken earlier steps", "error overflow"],
        9, "--context",
    ),
    Scenario("cut", [CUT, {"content": "a sign."}, FIX, DONE], ["guard cut_answer"], requests=2),
    Scenario("cut-twice", always(CUT), ["guard cut_answer", "error truncated"], 9, "output limit", requests=2),
    Scenario(
        "cut-while-thinking", [ONLY_THOUGHTS, FIX, DONE], ["guard cut_thinking", "cache_broken user messages"], void="",
    ),
    Scenario(
        "sensitive", [{"content": "no", "finish_reason": "sensitive"}], ["error filtered"], 9, "filter", requests=1
    ),
]  # fmt: skip


@pytest.fixture
def place(repo: Path) -> Path:
    (repo / "long.txt").write_text(TEXT)
    commit_all(repo)
    return repo


def _events(ended: Ended) -> list[str]:
    words = {"guard": "repair", "compacted": "how", "cache_broken": "segment", "error": "error"}
    mending = [record for record in ended.records if record["kind"] in ("retry", *words)]
    return [
        " ".join([each["kind"], *([each[words[each["kind"]]]] if each["kind"] in words else [])]) for each in mending
    ]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_the_run_mends_it_or_ends_with_its_own_code_and_line(
    user: CommandLine, place: Path, scenario: Scenario
) -> None:
    flags = ("--sandbox", "none", "--context", "0", "--output", "stream-json", "--repo", str(place), *scenario.flags)
    async with SimulatedEndpoint(scenario.script, flavor=scenario.flavor) as server:
        dialect = ("--dialect", "zai") if scenario.flavor == "zai" else ()
        ended = await user.run("run", "fix add", *flags, *dialect, "--base-url", server.base_url)
    assert (ended.code, _events(ended)) == (scenario.code, scenario.events), ended.stderr
    _check_told(ended, scenario)
    result = ended.records[-1]
    assert (result["exit_code"], result["status"]) == (scenario.code, "error" if scenario.code else "done")
    finished = (scenario.code == 0 and scenario.requests is None) or scenario.name == "slow"
    assert (place / "calc.py").read_text() == (FIXED if finished else SOURCE)
    assert not (place / "made.txt").exists()
    assert scenario.requests in (None, len(server.requests))
    voids = [record["void"]["content"] for record in ended.records if record["kind"] == "guard" and record["void"]]
    assert scenario.void is None or (len(voids) == 1 and voids[0].startswith(scenario.void))
    shown = "\n".join(tool_texts(server.requests[-1].body))
    assert all(words in shown for words in scenario.told)


def _check_told(ended: Ended, scenario: Scenario) -> None:
    lines = ended.stderr.splitlines()
    assert all(line.startswith("glmcode: ") for line in lines), ended.stderr
    assert lines[-1].endswith(f"(exit code {scenario.code})")
    failures = [line for line in lines if line.startswith("glmcode: error: ")]
    assert len(failures) == bool(scenario.code)
    assert all(scenario.words in line for line in failures)
