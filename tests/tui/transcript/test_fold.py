from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.events import (
    ApprovalRequested,
    AssistantDelta,
    AssistantMessage,
    CacheBroken,
    Compacted,
    Event,
    Failure,
    GuardRepaired,
    ReasoningDelta,
    Retry,
    SessionStarted,
    StepStarted,
    ToolFinished,
    ToolOutputDelta,
    ToolStarted,
    UsageCounted,
)
from glmcode.tui.transcript.entries import (
    Answer,
    Call,
    Note,
    Thinking,
    Todo,
    TodoItem,
    TurnEnd,
    UserSaid,
    Void,
)
from glmcode.tui.transcript.fold import Transcript
from glmcode.tui.transcript.growing import HEAD_CHARS, TAIL_CHARS, Growing, HeadAndTail
from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Usage
from tests.tui.transcript.conversations import called, said, turn_end, typical


def fold(events: Iterable[Event], now: float | None = None) -> Transcript:
    transcript = Transcript()
    for event in events:
        transcript.apply(event, now)
    return transcript


def test_a_streamed_answer_becomes_thinking_and_text() -> None:
    transcript = fold(said(1, "The answer.", "Let me think."))
    assert transcript.entries == [
        Thinking(Growing("Let me think."), done=True),
        Answer(Growing("The answer."), done=True),
    ]


def test_a_replayed_answer_comes_to_the_same_without_its_deltas() -> None:
    live = said(1, "The answer.", "Let me think.")
    assert fold(live[-1:]).entries == fold(live).entries


def test_the_message_has_the_last_word_on_what_the_deltas_gave() -> None:
    events: list[Event] = [
        ReasoningDelta(step=1, text="draft"),
        AssistantDelta(step=1, text="one "),
        ReasoningDelta(step=1, text=" more"),
        AssistantDelta(step=1, text="two"),
        AssistantMessage(step=1, content="All anew", finish_reason="stop"),
    ]
    assert fold(events).entries == [Void(), Answer(Growing("All anew"), done=True), Void(), Void()]
    same = AssistantMessage(step=1, content="one two", reasoning_content="draft more", finish_reason="stop")
    assert [type(entry) for entry in fold([*events[:-1], same]).entries] == [Thinking, Answer, Thinking, Answer]


def test_thinking_is_timed_by_the_readers_clock_until_the_answer_begins() -> None:
    transcript = Transcript()
    transcript.apply(ReasoningDelta(step=1, text="hm"), 10.0)
    transcript.apply(ReasoningDelta(step=1, text="m"), 11.0)
    transcript.apply(AssistantDelta(step=1, text="ok"), 12.5)
    transcript.apply(AssistantDelta(step=1, text="ay"), 19.0)
    assert transcript.entries[0] == Thinking(Growing("hmm"), done=True, began=10.0, seconds=2.5)


def test_the_server_counts_the_tokens_of_thinking_afterwards() -> None:
    usage = Usage(completion_tokens=90, reasoning_tokens=57)
    transcript = fold([*said(1, "ok", "hmm"), UsageCounted(step=1, usage=usage, total=usage)])
    assert transcript.entries[0] == Thinking(Growing("hmm"), done=True, tokens=57)


def test_a_restarted_answer_voids_what_came_of_it_and_nothing_before() -> None:
    events = [
        *said(1, "First."),
        StepStarted(step=2),
        ReasoningDelta(step=2, text="bad"),
        AssistantDelta(step=2, text="worse"),
        GuardRepaired(repair="degenerate", detail="the answer repeated itself", restarts=True),
        AssistantDelta(step=2, text="good"),
    ]
    transcript = fold(events)
    assert [type(entry) for entry in transcript.entries] == [Answer, Void, Void, Note, Answer]
    assert transcript.entries[4] == Answer(Growing("good"))


def test_a_repair_that_does_not_restart_leaves_the_answer_going_on() -> None:
    transcript = fold(
        [
            AssistantDelta(step=1, text="a"),
            GuardRepaired(repair="leaked call", detail="taken out"),
            AssistantDelta(step=1, text="b"),
        ]
    )
    assert [type(entry) for entry in transcript.entries] == [Answer, Note]
    assert transcript.entries[0] == Answer(Growing("ab"))


def test_a_call_runs_puts_out_and_ends() -> None:
    started, output, finished = called(1, "shell", "shell: ls", "exit code 0", "a.py\nb.py\n", details={"exit_code": 0})
    transcript = Transcript()
    transcript.apply(started)
    transcript.apply(output)
    live = HeadAndTail()
    live.append("a.py\nb.py\n")
    assert transcript.entries == [Call("call_1_shell", "shell", "shell: ls", live=live)]
    assert transcript.apply(finished) == {0}
    assert transcript.entries == [
        Call("call_1_shell", "shell", "shell: ls", "ok", "exit code 0", None, "a.py\nb.py\n", {"exit_code": 0}, 0.42)
    ]
    assert transcript.apply(output) == set(), "output that comes late changes nothing"


def test_a_call_is_refused_when_the_user_did_not_allow_it() -> None:
    events = called(1, "shell", "shell: curl x", "refused", "Refused: no network", is_error=True)
    asked = ApprovalRequested(call_id="call_1_shell", question="curl x: network", allowed=False, reason="no")
    transcript = fold([events[0], asked, events[-1]])
    assert isinstance(call := transcript.entries[0], Call) and call.state == "refused"
    assert transcript.entries[1] == Note("warning", "refused", (("question", "curl x: network"), ("reason", "no")))


def test_what_still_runs_when_the_turn_ends_did_not_succeed() -> None:
    transcript = fold([called(1, "shell", "shell: sleep", "", "")[0], turn_end(reason="cancelled", cost_usd=None)])
    assert isinstance(call := transcript.entries[0], Call) and call.state == "error"
    assert transcript.entries[1] == TurnEnd("cancelled", "", 3, 12_345, None, 34.2)


def test_only_the_latest_todo_list_of_a_turn_stands() -> None:
    def todo(step: int, status: str) -> list[Event]:
        return called(step, "todo", "todo", "", "", details={"items": [{"content": "Fix", "status": status}]})

    transcript = Transcript()
    transcript.user("go")
    for event in [*todo(1, "pending"), *todo(2, "done")]:
        transcript.apply(event)
    assert transcript.entries == [UserSaid("go"), Void(), Todo((TodoItem("Fix", "done"),))]
    transcript.user("go on")
    for event in todo(1, "in_progress"):
        transcript.apply(event)
    assert transcript.entries[2] == Todo((TodoItem("Fix", "done"),))


@pytest.mark.parametrize(
    "details", [None, {}, {"items": "x"}, {"items": [{"content": 3, "status": "done"}]}, {"items": [1]}]
)
def test_a_todo_call_without_a_list_stays_a_call(details: dict[str, object] | None) -> None:
    assert isinstance(fold(called(1, "todo", "todo", "", "", details=details)).entries[0], Call)


def test_every_remark_says_what_happened_with_its_fields() -> None:
    engine = EngineInfo(kind="scripted", model="m", base_url=None)
    events: list[Event] = [
        SessionStarted(
            session="s", repo="r", engine=engine, sandbox="none", workspace="direct", approval="ask", thinking=True
        ),
        Retry(attempt=2, delay_s=1.25, reason="503"),
        CacheBroken(segment="pack", cause="pinned"),
        Compacted(cause="window", how="trimmed", tokens_before=9, tokens_after=4),
        Failure(error="stall", message="no bytes for 60 s"),
    ]
    notes = fold(events).entries
    assert [(note.level, note.kind) for note in notes if isinstance(note, Note)] == [
        ("warning", "scripted"),
        ("warning", "retry"),
        ("warning", "cache_broken"),
        ("info", "compacted"),
        ("error", "failure"),
    ]


def test_live_output_keeps_head_and_tail_however_it_was_cut() -> None:
    text = "".join(f"{number:07}\n" for number in range(20_000))
    whole, pieces = HeadAndTail(), HeadAndTail()
    whole.append(text)
    for start in range(0, len(text), 777):
        pieces.append(text[start : start + 777])
    assert whole == pieces
    assert (whole.head, whole.tail) == (text[:HEAD_CHARS], text[-TAIL_CHARS:])
    assert whole.left_out == len(text) - HEAD_CHARS - TAIL_CHARS


_TEXT = st.text("ab\n*`", min_size=0, max_size=6)
_ID = st.sampled_from(["c1", "c2"])
_NAME = st.sampled_from(["todo", "shell"])
_DELTA = st.one_of(
    st.builds(ReasoningDelta, step=st.just(1), text=_TEXT),
    st.builds(AssistantDelta, step=st.just(1), text=_TEXT),
    st.builds(ToolOutputDelta, call_id=_ID, text=_TEXT),
)
_OTHER = st.one_of(
    st.builds(StepStarted, step=st.integers(1, 3)),
    st.builds(
        AssistantMessage,
        step=st.just(1),
        content=_TEXT,
        reasoning_content=st.none() | _TEXT,
        finish_reason=st.just("stop"),
    ),
    st.builds(ToolStarted, step=st.just(1), call_id=_ID, name=_NAME, title=_TEXT, arguments=_TEXT),
    st.builds(
        ToolFinished,
        step=st.just(1),
        call_id=_ID,
        name=_NAME,
        is_error=st.booleans(),
        summary=_TEXT,
        text=_TEXT,
        details=st.none() | st.just({"items": [{"content": "x", "status": "done"}]}),
        duration_s=st.just(0.1),
    ),
    st.builds(ApprovalRequested, call_id=_ID, question=_TEXT, allowed=st.booleans()),
    st.builds(GuardRepaired, repair=_TEXT, detail=_TEXT, restarts=st.booleans()),
    st.just(UsageCounted(step=1, usage=Usage(reasoning_tokens=3), total=Usage())),
    st.just(turn_end()),
)


def cut(event: Event, size: int) -> list[Event]:
    if not isinstance(event, ReasoningDelta | AssistantDelta | ToolOutputDelta):
        return [event]
    return [
        event.model_copy(update={"text": event.text[start : start + size]}) for start in range(0, len(event.text), size)
    ]


@given(st.lists(st.one_of(_DELTA, _DELTA, _OTHER), max_size=30), st.integers(1, 5))
def test_any_order_is_taken_and_the_way_that_deltas_are_cut_does_not_matter(events: list[Event], size: int) -> None:
    whole, pieces = Transcript(), Transcript()
    for event in events:
        before = list(map(repr, whole.entries))
        changed = whole.apply(event, 1.0)
        told = {index for index, entry in enumerate(whole.entries) if before[index : index + 1] != [repr(entry)]}
        assert told <= changed
        for piece in cut(event, size):
            pieces.apply(piece, 1.0)
    assert whole.entries == pieces.entries


def test_a_typical_turn_holds_one_entry_of_each_kind() -> None:
    kinds = {type(entry).__name__ for entry in fold(typical()).entries}
    assert {"Thinking", "Answer", "Call", "Todo", "Note", "TurnEnd"} <= kinds
