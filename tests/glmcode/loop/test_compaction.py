from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmcode.loop.compaction import shortened, split, transcript
from glmcode.loop.prompt_size import messages_tokens
from glmcode_engine.messages import Message, ToolCall

TASK = Message(role="user", content="fix the parser")
SYSTEM = Message(role="system", content="be brief")


def count(text: str) -> int:
    return (len(text) + 3) // 4


texts = st.sampled_from([0, 3, 90, 700, 5_000]).map(lambda size: ("lorem ipsum\n" * size)[:size])
answers = st.builds(
    lambda content, reasoning, arguments: (content, reasoning, tuple(arguments)),
    texts,
    st.none() | texts,
    st.lists(st.tuples(texts, texts), max_size=4),
)
turns = st.lists(answers | st.just("go on with it") | st.just("[glmcode: earlier steps]"), max_size=12)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    messages, number = [SYSTEM, TASK], 0
    for each in draw(turns):
        if isinstance(each, str):
            messages.append(Message(role="user", content=each))
            continue
        content, reasoning, named = each
        calls = []
        for argument, _ in named:
            calls.append(
                ToolCall(id=f"c{number}", name="read", arguments=f'{{"path": "a{number}", "x": "{argument}"}}')
            )
            number += 1
        if not (content or reasoning or calls):
            continue
        messages.append(
            Message(role="assistant", content=content, reasoning_content=reasoning or None, tool_calls=tuple(calls))
        )
        messages += [
            Message(role="tool", content=result, tool_call_id=call.id)
            for call, (_, result) in zip(calls, named, strict=True)
        ]
    return messages


def assert_sound(view: Sequence[Message]) -> None:
    """What every server takes: each call has its result right behind it, no answer is empty."""
    waiting: list[str] = []
    for message in view:
        if message.role == "tool":
            assert message.tool_call_id == waiting.pop(0)
            continue
        assert waiting == []
        waiting = [call.id for call in message.tool_calls]
        assert message.role != "assistant" or message.content or message.reasoning_content or message.tool_calls
    assert waiting == []


@settings(deadline=None)  # long texts on a busy machine
@given(conversations(), st.integers(1, 9_000))
def test_shortening_keeps_every_message_in_its_place_and_is_done_once(messages: list[Message], target: int) -> None:
    view = shortened(messages, count, target)
    assert_sound(view)
    assert [message.role for message in view] == [message.role for message in messages]
    assert [message.tool_calls for message in view] == [message.tool_calls for message in messages]
    assert view[:2] == [SYSTEM, TASK]
    assert messages_tokens(view, count) <= messages_tokens(messages, count)
    assert shortened(view, count, target) == view
    for old, new in zip(messages, view, strict=True):
        assert (old is new) == (old == new)


@settings(deadline=None)  # long texts on a busy machine
@given(conversations(), st.integers(1, 9_000))
def test_what_fits_stays_as_it_is(messages: list[Message], more: int) -> None:
    view = shortened(messages, count, messages_tokens(messages, count) + more)
    assert all(old is new for old, new in zip(messages, view, strict=True))


@settings(deadline=None)  # long texts on a busy machine
@given(conversations(), st.integers(1, 9_000))
def test_splitting_replaces_whole_steps_and_keeps_task_order_and_newest(messages: list[Message], target: int) -> None:
    parts = split(messages, count, target)
    assert parts.head == (SYSTEM, TASK)
    assert [*parts.head, *parts.middle, *parts.tail] == messages
    view = parts.around("[glmcode: note]")
    assert_sound(view)
    kept = [new for new in view if new.content != "[glmcode: note]"]
    places = [next(at for at, old in enumerate(messages) if old is new) for new in kept]
    assert places == sorted(places)
    prompts = [message for message in messages if message.role == "user" and not message.content.startswith("[glm")]
    assert prompts[-1] in view
    if parts.middle:
        assert messages_tokens(parts.tail, count) <= max(target // 2, 0) + target // 4
        assert len(parts.middle) > len(parts.prompt)


@settings(deadline=None)  # long texts on a busy machine
@given(conversations(), st.integers(0, 9_000))
def test_a_transcript_keeps_within_its_limit_and_loses_no_earlier_note(messages: list[Message], limit: int) -> None:
    note = Message(role="user", content="[glmcode: all that is left]")
    text = transcript([note, *messages], count, limit)
    assert text.startswith(note.content)
    notes = sum(count(m.content) for m in [note, *messages] if m.content.startswith("[glmcode: "))
    assert count(text) <= max(limit, notes) + len(messages) + 1


def called(number: int, lines: int) -> list[Message]:
    call = ToolCall(id=f"c{number}", name="read", arguments=f'{{"path": "src/m{number}.py"}}')
    text = "\n".join(f"{line} value = {number}" for line in range(lines))
    return [
        Message(role="assistant", reasoning_content=f"thought {number}", tool_calls=(call,)),
        Message(role="tool", content=text, tool_call_id=call.id),
    ]


def test_older_results_say_what_was_there_and_how_to_get_it_again() -> None:
    messages = [SYSTEM, TASK, *[each for number in range(9) for each in called(number, 120)]]
    view = shortened(messages, count, 2_500)
    whole = [message.content for message in view if message.role == "tool" and "left out" not in message.content]
    assert view[3].content == "[output of `read src/m0.py` (120 lines) left out to save room; call it again if needed]"
    assert whole == [messages[-1].content]
    assert [message.reasoning_content for message in view if message.role == "assistant"] == [*[None] * 8, "thought 8"]
    assert messages_tokens(view, count) <= 2_500


def test_a_newest_result_that_is_too_large_keeps_its_beginning_and_its_end() -> None:
    messages = [SYSTEM, TASK, *called(1, 40), *called(2, 5_000)]
    view = shortened(messages, count, 4_000)
    text = view[-1].content
    assert text.startswith("0 value = 2\n1 value = 2") and text.endswith("4999 value = 2")
    assert "characters left out here to save room]" in text
    assert 1_500 <= count(text) <= 2_000
    assert "left out" in view[3].content


@pytest.mark.parametrize("arguments", ["{", "[1]", '{"n": 3}', '{"command": "a`b\\u001b[2Jc\\nd"}'])
def test_any_call_gets_a_harmless_line(arguments: str) -> None:
    call = ToolCall(id="x", name="shell", arguments=arguments)
    messages = [
        *(SYSTEM, TASK, Message(role="assistant", tool_calls=(call,))),
        *(Message(role="tool", content="x" * 4_000, tool_call_id="x"), *called(1, 40)),
    ]
    line = shortened(messages, count, 1_000)[3].content
    assert line.startswith("[output of `shell") and line.isprintable() and line.count("`") == 2


def test_the_latest_prompt_of_the_user_stays_behind_the_note() -> None:
    second = Message(role="user", content="now the tests")
    messages = [SYSTEM, TASK, *called(1, 50), second, *[each for number in range(9) for each in called(number + 2, 50)]]
    parts = split(messages, count, 2_000)
    view = parts.around("[glmcode: note]")
    assert view[:2] == [SYSTEM, TASK]
    assert [message.content for message in view[2:4]] == ["[glmcode: note]", "now the tests"]
    assert view[-2:] == messages[-2:]
    assert second in parts.middle
