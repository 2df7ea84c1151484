"""Conversations as events, for the tests and the benchmark of the transcript."""

from collections.abc import Iterator

from glmcode.events import (
    AssistantDelta,
    AssistantMessage,
    CacheBroken,
    Event,
    ReasoningDelta,
    Retry,
    StepStarted,
    ToolFinished,
    ToolOutputDelta,
    ToolStarted,
    TurnFinished,
    UsageCounted,
)
from glmcode_engine.messages import Usage

DIFF = """\
--- a/src/dates.py
+++ b/src/dates.py
@@ -9,7 +9,7 @@ def parse(text):
     if not text:
         return None
-    year = int(text[:2])
+    year = int(text[:4])
     month = int(text[5:7])
     return date(year, month, 1)
"""
ANSWER = """\
The year was cut to **two** digits, so `2024-05` became the year 20.

```python
def parse(text: str) -> date:
    year = int(text[:4])  # all four
    return date(year, int(text[5:7]), 1)
```

| case | before | after |
|---|---|---|
| `2024-05` | year 20 | year 2024 |

1. Fixed the slice
2. Ran the tests
   - all 14 pass
"""
ANSWER_ZH = """\
年份只截取了**两位**，因此 `2024-05` 变成了公元 20 年。现在读取全部四位数字，并且重新运行了所有测试，结果全部通过。

- 修正切片
- 运行测试：14 项全部通过 👩‍💻
"""


def said(step: int, content: str, reasoning: str | None = None) -> list[Event]:
    """An answer that came in pieces of some characters."""
    thought = reasoning or ""
    found: list[Event] = [StepStarted(step=step)]
    found += [ReasoningDelta(step=step, text=thought[start : start + 7]) for start in range(0, len(thought), 7)]
    found += [AssistantDelta(step=step, text=content[start : start + 5]) for start in range(0, len(content), 5)]
    return [
        *found,
        AssistantMessage(step=step, content=content, reasoning_content=reasoning, finish_reason="stop"),
    ]


def called(
    step: int,
    name: str,
    title: str,
    summary: str,
    text: str,
    *,
    is_error: bool = False,
    details: dict[str, object] | None = None,
    call_id: str | None = None,
) -> list[Event]:
    call_id = call_id or f"call_{step}_{name}"
    return [
        ToolStarted(step=step, call_id=call_id, name=name, title=title, arguments="{}"),
        ToolOutputDelta(call_id=call_id, text=text[:40]),
        ToolFinished(
            step=step,
            call_id=call_id,
            name=name,
            is_error=is_error,
            summary=summary,
            text=text,
            details=details,
            duration_s=0.42,
        ),
    ]


def turn_end(**changes: object) -> TurnFinished:
    fields = {
        "reason": "done",
        "steps": 3,
        "requests": 3,
        "usage": Usage(prompt_tokens=12_000, completion_tokens=345),
        "duration_s": 34.2,
        "cost_usd": 0.0123,
    }
    return TurnFinished.model_validate(fields | changes)


def typical(
    answer: str = ANSWER, thought: str = "The parser slices two digits. I should look at dates.py."
) -> list[Event]:
    """A turn with everything in it."""
    items = [
        {"content": "Find the slice", "status": "done"},
        {"content": "Fix it", "status": "in_progress"},
        {"content": "Run the tests", "status": "pending"},
    ]
    tests = {"passed": 13, "failed": 1, "skipped": 0, "failing": ["tests/test_dates.py::test_short_year"]}
    usage = Usage(prompt_tokens=4_000, completion_tokens=120, reasoning_tokens=57)
    return [
        *said(1, "I'll look at the parser first.", thought),
        UsageCounted(step=1, usage=usage, total=usage),
        *called(
            1, "read", "read src/dates.py", "12 lines", "def parse(text):\n    if not text:\n        return None\n"
        ),
        *called(1, "todo", "todo (3 items)", "todo: 1 done", "List kept.", details={"items": items}),
        Retry(attempt=2, delay_s=1.5, reason="the server is overloaded (503)"),
        *said(2, ""),
        *called(2, "edit", "edit src/dates.py", "edited src/dates.py (+1 -1)", "Edited.", details={"diff": DIFF}),
        *called(2, "run_tests", "run_tests", "tests: 13 passed, 1 failed", "FAILED test_short_year", details=tests),
        *called(2, "shell", "shell: make lint", "exit code 2", "make: *** no rule\n", is_error=True),
        CacheBroken(segment="pack", cause="a pinned file changed"),
        *said(3, answer),
        turn_end(),
    ]


def long_conversation(messages: int) -> Iterator[tuple[str, list[Event]]]:
    """So many messages: prompts, each with the events of its turn, four messages a turn."""
    for number in range(messages // 4):
        thought = f"I think about the matter number {number}. " * 4
        text = f"Answer {number} with **bold** words and `code`.\n\n" + "Some more of the same prose. " * 8
        output = "".join(f"line {line} of the output of call {number}\n" for line in range(12))
        yield (
            f"Prompt {number}: please do it again, differently this time.",
            [
                AssistantMessage(step=1, content="", reasoning_content=thought, finish_reason="tool_calls"),
                *called(1, "shell", f"shell: make step-{number}", "exit code 0", output, call_id=f"call_{number}"),
                AssistantMessage(step=2, content=text, finish_reason="stop"),
                turn_end(),
            ],
        )
