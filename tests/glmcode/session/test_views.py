"""Sessions whose conversation was compacted: nothing said is lost, and the view is read back as it was sent."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmcode.events import Compacted
from glmcode.session import store
from glmcode.session.store import Session, SessionError
from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Message

ENGINE = EngineInfo(kind="scripted", model="fake")
COMPACTED = Compacted(cause="too long", how="summarised", tokens_before=90, tokens_after=40, summary="all so far")


def new(root: Path) -> Session:
    return store.create(root, repo=Path("/r"), version="1", engine=ENGINE, first_prompt="x")


def user(text: str) -> Message:
    return Message(role="user", content=text)


actions = st.lists(
    st.one_of(
        st.text(max_size=4).map(lambda text: ("say", text)),
        st.text(max_size=4).map(lambda text: ("go on", text)),
        st.sets(st.integers(0, 9)).map(lambda kept: ("compact", kept)),
    ),
    max_size=14,
)


@given(actions)
@settings(max_examples=60, deadline=None)
def test_whatever_happened_the_file_gives_the_same_view_and_all_that_was_said(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, object]]
) -> None:
    root, said = tmp_path_factory.mktemp("sessions"), 0
    with new(root) as session:
        for kind, value in [("say", "first"), *actions]:
            if kind == "say":
                session.append_message(user(str(value)))
                said += 1
            elif kind == "go on":
                session.append_to_last(str(value))
            elif isinstance(value, set):
                kept = [message for at, message in enumerate(session.messages) if at in value]
                session.append_view([*kept, user("a note")], COMPACTED)
        view, whole = list(session.messages), session.said
    header, conversation = store.read_whole(root / session.id / store.FILE_NAME)
    assert (header, conversation.view) == (session.header, view)
    assert len(conversation.said) == whole == said
    with store.resume(root, session.id) as resumed:
        resumed.append_view([*resumed.messages[:1], user("again")], COMPACTED)
        again = list(resumed.messages)
    assert store.read(root / session.id / store.FILE_NAME)[1] == again


def test_kept_messages_are_named_and_not_written_again(tmp_path: Path) -> None:
    with new(tmp_path) as session:
        for number in range(5):
            session.append_message(user(f"{number} " + "x" * 1_000))
        before = (session.folder / store.FILE_NAME).stat().st_size
        session.append_view([session.messages[0], user("a note"), *session.messages[3:]], COMPACTED)
        session.append_message(user("on we go"))
        written = (session.folder / store.FILE_NAME).read_bytes()[before:]
        assert json.loads(written.splitlines()[0])["messages"] == [0, {"role": "user", "content": "a note"}, 3, 4]
    _, conversation = store.read_whole(session.folder / store.FILE_NAME)
    assert [message.content[:2] for message in conversation.said] == ["0 ", "1 ", "2 ", "3 ", "4 ", "on"]
    assert [message.content[:2] for message in conversation.view] == ["0 ", "a ", "3 ", "4 ", "on"]
    assert conversation.compactions == [(5, COMPACTED)]


@pytest.mark.parametrize("parts", [[7], [-1], [True], ["x"], [{"role": "nobody"}], {}, None])
def test_a_view_of_what_is_not_there_is_refused(tmp_path: Path, parts: object) -> None:
    with new(tmp_path) as session:
        session.append_message(user("one"))
        session.append_message(user("two"))
    path = session.folder / store.FILE_NAME
    record = {"kind": "view", "v": 1, "messages": parts, "compacted": COMPACTED.model_dump(mode="json")}
    path.write_text(path.read_text() + json.dumps(record) + "\n")
    with pytest.raises(SessionError, match="not a session of this version"):
        store.read(path)
