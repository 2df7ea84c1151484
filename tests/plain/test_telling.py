import io
from typing import get_args

import pytest

from glmcode.events import (
    ApprovalRequested,
    AsideAnswered,
    AssistantDelta,
    AssistantMessage,
    CacheBroken,
    Compacted,
    EndReason,
    Event,
    Failure,
    GuardRepaired,
    ReasoningDelta,
    Retry,
    SessionStarted,
    Steered,
    StepStarted,
    ToolFinished,
    ToolOutputDelta,
    ToolStarted,
    TurnFinished,
    UsageCounted,
)
from glmcode.plain.printer import Printer, wants_colour
from glmcode.plain.telling import Teller
from glmcode.tui.texts import LANGUAGES, speak
from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Usage

EVIL = "x\x1b]0;t\x07\x1b[2J\r\u202e[b]y[/b]"
USAGE = Usage(prompt_tokens=41_000, cached_tokens=38_000, completion_tokens=900)


def _told(*events: Event, colour: bool = False) -> str:
    out = io.StringIO()
    teller = Teller(Printer(out, colour=colour))
    for event in events:
        teller.tell(event)
    return out.getvalue()


def _opened(kind: str = "scripted", sandbox: str = "none: commands run as you") -> SessionStarted:
    engine = EngineInfo(kind=kind, model="glm-4.6")  # type: ignore[arg-type]
    return SessionStarted(
        session="s1", repo="/r", engine=engine, sandbox=sandbox, workspace="direct", approval="ask", thinking=True
    )


def _end(reason: EndReason, detail: str = "") -> TurnFinished:
    return TurnFinished(reason=reason, detail=detail, steps=2, requests=2, usage=USAGE, cost_usd=0.012, duration_s=12.3)


def test_a_turn_is_told_in_whole_lines() -> None:
    told = _told(
        _opened("remote", "docker container"),
        StepStarted(step=1),
        ReasoningDelta(step=1, text="hm"),
        ReasoningDelta(step=1, text="hm"),
        AssistantDelta(step=1, text="I look at "),
        AssistantDelta(step=1, text="it.\nThen "),
        AssistantDelta(step=1, text="I fix it."),
        AssistantMessage(step=1, content="I look at it.\nThen I fix it.", finish_reason="tool_calls"),
        ToolStarted(step=1, call_id="1", name="edit", title="edit a.py", arguments="{}"),
        ToolOutputDelta(call_id="1", text="noise\n"),
        ToolFinished(
            step=1, call_id="1", name="edit", is_error=False, summary="1 line changed", text="", duration_s=0.2
        ),
        StepStarted(step=2),
        AssistantMessage(step=2, content="Done.", finish_reason="stop"),
        UsageCounted(step=2, usage=USAGE, total=USAGE),
        _end("done"),
    )
    assert told.splitlines() == [
        "Session s1 with glm-4.6. Commands run in docker container. Workspace: direct. Approval: ask.",
        "The model is thinking.",
        "I look at it.",
        "Then I fix it.",
        "Tool: edit a.py.",
        "Done in 0s: 1 line changed",
        "Done.",
        "Turn done: 2 steps, 12s, 41K tokens in, 93% of them cached, 900 out, $0.01.",
    ]


def test_a_script_and_a_missing_sandbox_are_said() -> None:
    told = _told(_opened())
    assert "no model" in told and "without a sandbox" in told


def test_an_answer_that_begins_anew_is_said_to_be_void() -> None:
    told = _told(
        StepStarted(step=1),
        AssistantDelta(step=1, text="first half"),
        GuardRepaired(repair="circle", detail="it went in circles", restarts=True),
        AssistantDelta(step=1, text="second"),
        AssistantMessage(step=1, content="second", finish_reason="stop"),
    )
    assert "void" in told and told.splitlines()[-1] == "second"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_has_words_in_both_languages_and_none_acts_on_a_terminal(language: str) -> None:
    events: list[Event] = [
        _opened(sandbox=EVIL),
        _opened("replay"),
        AssistantMessage(step=1, content=EVIL, finish_reason="cancelled"),
        ToolStarted(step=1, call_id="1", name=EVIL, title=EVIL, arguments=EVIL),
        ToolFinished(step=1, call_id="1", name=EVIL, is_error=True, summary=EVIL, text=EVIL, duration_s=1),
        ApprovalRequested(call_id="1", question=EVIL, allowed=True),
        ApprovalRequested(call_id="1", question=EVIL, allowed=False, reason=EVIL),
        GuardRepaired(repair="x", detail=EVIL),
        CacheBroken(segment=EVIL, cause=EVIL),
        Compacted(cause=EVIL, how="trimmed", tokens_before=9000, tokens_after=400),
        Retry(attempt=2, delay_s=3.4, reason=EVIL),
        Failure(error="engine", message=EVIL),
        Steered(step=1, text=EVIL),
        AsideAnswered(question=EVIL, answer=EVIL, usage=USAGE),
        *(_end(reason, detail) for reason in get_args(EndReason) for detail in ("", EVIL)),
    ]
    speak(language)  # type: ignore[arg-type]
    try:
        for event in events:
            told = _told(event)
            assert told.strip(), event.kind
            assert not set(told) & set("\x1b\x07\r\u202e"), event.kind
    finally:
        speak("en")


def test_colour_is_for_terminals_that_want_it() -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert wants_colour(Tty(), {"TERM": "xterm"})
    assert not wants_colour(io.StringIO(), {"TERM": "xterm"})
    assert not wants_colour(Tty(), {"TERM": "dumb"}) and not wants_colour(Tty(), {})
    assert not wants_colour(Tty(), {"TERM": "xterm", "NO_COLOR": "1"})
    failure = Failure(error="engine", message="no answer")
    assert "\x1b[1;31m" in _told(failure, colour=True) and "\x1b" not in _told(failure)


def test_a_stream_that_knows_no_chinese_and_a_reader_that_left_end_nothing() -> None:
    raw = io.BytesIO()
    ascii_only = io.TextIOWrapper(raw, encoding="ascii")
    Printer(ascii_only).say("修复 ok")
    assert raw.getvalue() == b"?? ok\n"
    raw.close()

    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    Printer(Gone()).say("anyone?")
