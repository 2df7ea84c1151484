"""Conversations: as they stream, with everything that may stand in one."""

import time
from dataclasses import replace
from typing import Any

from textual.pilot import Pilot

from glmcode.events import (
    ApprovalRequested,
    AssistantDelta,
    CacheBroken,
    Compacted,
    Event,
    ReasoningDelta,
    StepStarted,
    ToolFinished,
    ToolOutputDelta,
    ToolStarted,
    VerdictReached,
)
from glmcode.tui.prompt.queue import Queued
from glmcode.tui.status.values import Activity
from tests.tui.pictures.scene import STATUS, Place, Scene, chat, show
from tests.tui.transcript.conversations import ANSWER, ANSWER_ZH, called, said, turn_end, typical

SOON = time.monotonic() + 1e6
"""A turn that has not taken a second, however slow the machine is."""
OUTPUT = "".join(f"tests/test_{name}.py .. [{share:3}%]\n" for name, share in (("a", 7), ("b", 40), ("c", 80)))


def prompt(place: Place) -> str:
    return place.said(
        "Fix the date parser: `2024-05` is read as the year 20.", "修复日期解析：`2024-05` 被读成公元 20 年。"
    )


def answer(place: Place) -> str:
    return place.said(ANSWER, ANSWER_ZH)


async def a_turn(pilot: Pilot[Any], place: Place) -> None:
    await show(
        pilot, prompt(place), [*typical(answer(place)), VerdictReached(verdict="verified", fixed=("a",), passed=14)]
    )


async def streaming(pilot: Pilot[Any], place: Place) -> None:
    words = answer(place)
    events: list[Event] = [
        *said(1, place.said("I'll look at the parser first.", "我先看看解析器。"), "The parser slices two digits."),
        *called(1, "read", "read src/dates.py", "12 lines", "def parse(text):\n"),
        StepStarted(step=2),
        AssistantDelta(step=2, text=words[: len(words) * 2 // 5]),
    ]
    app = await show(pilot, prompt(place), events, activity=Activity("answering", SOON, tokens=1234))
    await app.chat.box.show_queue([Queued(1, place.said("then update the changelog", "然后更新变更日志"))])


async def a_call_runs(pilot: Pilot[Any], place: Place) -> None:
    events: list[Event] = [
        *said(1, "", "I run the tests to see what fails now."),
        ToolStarted(step=1, call_id="c", name="shell", title="shell: python -m pytest -q tests", arguments="{}"),
        ToolOutputDelta(call_id="c", text=OUTPUT),
    ]
    await show(pilot, prompt(place), events, activity=Activity("tool", SOON, detail="shell: python -m pytest -q tests"))


async def it_thinks(pilot: Pilot[Any], place: Place) -> None:
    thought = place.said(
        "The slice `text[:2]` takes **two** digits.\n\n- a year has four\n- the tests cover it",
        "切片 `text[:2]` 只取了**两位**数字。\n\n- 年份有四位\n- 测试覆盖了它",
    )
    events: list[Event] = [StepStarted(step=1), ReasoningDelta(step=1, text=thought)]
    app = await show(pilot, prompt(place), events, activity=Activity("thinking", SOON, tokens=38))
    app.chat.view.focus()
    await pilot.press("up", "enter")


async def opened(pilot: Pilot[Any], place: Place) -> None:
    tests = {"passed": 13, "failed": 1, "skipped": 2, "failing": ["tests/test_dates.py::test_short_year"]}
    events = [
        *called(1, "shell", "shell: make lint", "exit code 2", "make: *** no rule to make 'lint'\n", is_error=True),
        *called(1, "run_tests", "run_tests", "tests: 13 passed, 1 failed", "FAILED test_short_year", details=tests),
        *called(1, "read", "read src/dates.py", "3 lines", "def parse(text):\n    if not text:\n        return None\n"),
        turn_end(),
    ]
    app = await show(pilot, prompt(place), events)
    app.chat.view.focus()
    await pilot.press("up", "up", "enter", "up", "enter", "up", "enter")


async def trouble(pilot: Pilot[Any], place: Place) -> None:
    question = "write .envrc: writes .envrc, which tools outside the sandbox run or obey"
    events: list[Event] = [
        *said(1, place.said("Writing the environment now.", "现在写入环境文件。")),
        ToolStarted(step=1, call_id="w", name="write", title="write .envrc", arguments="{}"),
        ApprovalRequested(call_id="w", question=question, allowed=False, reason="not this file"),
        ToolFinished(
            step=1, call_id="w", name="write", is_error=True, summary="refused", text="Refused.", duration_s=2.0
        ),
        CacheBroken(segment="pack", cause="a pinned file changed"),
        Compacted(how="summarised", cause="the window was 92% full", tokens_before=184_000, tokens_after=21_000),
        turn_end(reason="error", detail="the endpoint does not answer: connection refused by 127.0.0.1:8000"),
    ]
    broken = replace(STATUS, broken_segment="pack", sandbox="none", approval="auto")
    reason = "One test that passed before fails now."
    app = await show(
        pilot,
        prompt(place),
        [*events, VerdictReached(verdict="failed", reason=reason, broken=("a",), passed=13)],
        status=broken,
    )
    app.chat.view.note("error", "No endpoint answers at http://127.0.0.1:8000/v1. Start the server, or set base_url.")


async def aside(pilot: Pilot[Any], place: Place) -> None:
    from glmcode.tui.aside.panel import AsidePanel

    app = await show(pilot, prompt(place), typical(answer(place)))
    panel = app.chat.query_one(AsidePanel)
    panel.ask(place.said("Why four digits?", "为什么是四位？"))
    panel.settle(place.said("ISO 8601 wants four.\nTwo are ambiguous.", "ISO 8601 要求四位。\n两位有歧义。"))
    await pilot.pause()


async def find(pilot: Pilot[Any], place: Place) -> None:
    await show(pilot, prompt(place), typical(answer(place)))
    await pilot.press("ctrl+f", *"2024", "enter")


SCENES = {
    "turn": Scene(chat, a_turn),
    "streaming": Scene(chat, streaming),
    "running": Scene(chat, a_call_runs),
    "thinking": Scene(chat, it_thinks),
    "opened": Scene(chat, opened),
    "trouble": Scene(chat, trouble),
    "aside": Scene(chat, aside, is_small=True),
    "find": Scene(chat, find),
}
