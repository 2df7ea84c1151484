from pathlib import Path

import pytest

from glmcode.events import StepStarted
from glmcode.session import store
from glmcode.session.marks import Restored
from glmcode.session.store import SessionError
from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Message

ENGINE = EngineInfo(kind="scripted", model="fake")


def said(session: store.Session) -> list[str]:
    """What the session would be resumed with."""
    return [message.content for message in store.read(session.folder / store.FILE_NAME)[1]]


def turn(session: store.Session, prompt: str, *answers: str) -> None:
    session.append_message(Message(role="user", content=prompt))
    for number, answer in enumerate(answers, 1):
        session.append_event(StepStarted(step=number))
        session.append_message(Message(role="assistant", content=answer))


def go_back(session: store.Session, made: str, to: str, *, conversation: bool = True) -> None:
    session.append_record(Restored(id=made, to=to, conversation=conversation, files=False))


@pytest.fixture
def session(tmp_path: Path) -> store.Session:
    opened = store.create(tmp_path, repo=tmp_path, version="1", engine=ENGINE, first_prompt="p")
    opened.append_message(Message(role="system", content="system"))
    turn(opened, "one", "1", "2")
    turn(opened, "two", "3")
    return opened


def test_the_conversation_goes_on_from_the_step_that_was_gone_back_to(session: store.Session) -> None:
    go_back(session, "r1", "1")
    assert said(session) == ["system", "one", "1"]
    turn(session, "three", "4")
    assert said(session) == ["system", "one", "1", "three", "4"]


def test_steps_keep_their_numbers_and_left_ones_can_be_gone_back_to(session: store.Session, tmp_path: Path) -> None:
    go_back(session, "r1", "1")
    turn(session, "three", "4")
    go_back(session, "r2", "3")
    assert said(session) == ["system", "one", "1", "2", "two", "3"]
    session.close()
    with store.resume(tmp_path, session.id) as resumed:
        assert (resumed.steps, len(resumed.messages)) == (4, 6)


def test_a_restore_can_be_taken_back_and_that_again(session: store.Session) -> None:
    whole = said(session)
    go_back(session, "r1", "start")
    assert said(session) == ["system"]
    go_back(session, "r2", "r1")
    assert said(session) == whole
    go_back(session, "r3", "r2")
    assert said(session) == ["system"]


def test_restored_files_alone_leave_the_conversation(session: store.Session) -> None:
    whole = said(session)
    go_back(session, "r1", "1", conversation=False)
    go_back(session, "r2", "end")
    assert said(session) == whole


def test_a_prompt_without_an_answer_is_behind_the_last_step(session: store.Session) -> None:
    turn(session, "never answered")
    go_back(session, "r1", "3")
    assert said(session)[-1] == "3"


def test_a_point_that_the_file_does_not_hold_is_told(session: store.Session) -> None:
    go_back(session, "r1", "99")
    with pytest.raises(SessionError, match="goes back to a point that it does not hold"):
        said(session)
