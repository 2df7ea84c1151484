import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.events import AssistantDelta, Failure, ToolFinished
from glmcode.session import store
from glmcode.session.store import INTERRUPTED, SessionError
from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Message, ToolCall

ENGINE = EngineInfo(kind="scripted", model="fake")
CONVERSATION = [
    Message(role="system", content="be brief"),
    Message(role="user", content="naïve ☃ \udcff \x00 \u2028 line\nline"),
    Message(
        role="assistant",
        reasoning_content="hm",
        tool_calls=(
            ToolCall(id="a", name="read", arguments='{"path": "x"}'),
            ToolCall(id="b", name="read", arguments="{"),
        ),
    ),
    Message(role="tool", content="1\tx", tool_call_id="a"),
]


def new(root: Path, repo: str = "/r", prompt: str = "\n  fix it \nplease") -> store.Session:
    return store.create(root, repo=Path(repo), version="1", engine=ENGINE, first_prompt=prompt)


def test_a_session_reads_back_as_it_was_written(tmp_path: Path) -> None:
    with new(tmp_path) as session:
        for message in CONVERSATION:
            session.append_message(message)
        header, messages = store.read(session.folder / store.FILE_NAME)
    assert messages == CONVERSATION
    assert (header, header.title, header.repo) == (session.header, "fix it", "/r")
    assert session.folder.stat().st_mode & 0o077 == 0
    assert (session.folder / store.FILE_NAME).stat().st_mode & 0o077 == 0


def test_resuming_answers_the_calls_that_have_no_result(tmp_path: Path) -> None:
    with new(tmp_path) as session:
        for message in CONVERSATION:
            session.append_message(message)
    settled = [*CONVERSATION, Message(role="tool", content=INTERRUPTED, tool_call_id="b")]
    for _ in range(2):
        with store.resume(tmp_path, session.id) as resumed:
            assert resumed.messages == settled


def test_passing_events_stay_out_and_results_are_not_stored_twice(tmp_path: Path) -> None:
    finished = ToolFinished(
        step=1, call_id="a", name="read", is_error=False, summary="s", text="long", details={"n": 1}, duration_s=0.1
    )
    with new(tmp_path) as session:
        session.append_event(AssistantDelta(step=1, text="x"))
        session.append_event(finished)
        session.append_event(Failure(error="auth", message="no"))
        found = list(store.records(session.folder / store.FILE_NAME))
    assert [record["kind"] for record in found] == ["session", "tool_finished", "error"]
    assert "text" not in found[1] and found[1]["details"] == {"n": 1}


@given(place=st.integers(0, 2**16))
def test_a_file_cut_at_any_byte_is_resumed_with_all_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, place: int
) -> None:
    root = tmp_path_factory.mktemp("sessions")
    with new(root) as session:
        for message in CONVERSATION:
            session.append_message(message)
    path = session.folder / store.FILE_NAME
    whole = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    cut = ends[0] + place % (len(whole) + 1 - ends[0])
    path.write_bytes(whole[:cut])
    # A line that lacks nothing but its end is whole.
    kept = CONVERSATION[: sum(end - 1 <= cut for end in ends) - 1]
    added = Message(role="user", content="go on")
    with store.resume(root, session.id) as resumed:
        assert resumed.messages[: len(kept)] == kept
        assert not store.unanswered(resumed.messages)
        resumed.append_message(added)
    with store.resume(root, session.id) as again:
        assert again.messages == [*resumed.messages]
        assert again.messages[-1] == added


def test_a_file_without_a_whole_header_is_refused_and_not_locked_after(tmp_path: Path) -> None:
    with new(tmp_path) as session:
        pass
    path = session.folder / store.FILE_NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    with pytest.raises(SessionError, match="holds no session"):
        store.resume(tmp_path, session.id)
    path.write_bytes(whole)
    store.resume(tmp_path, session.id).close()


def test_an_open_session_is_locked_until_it_is_closed(tmp_path: Path) -> None:
    with new(tmp_path) as session, pytest.raises(SessionError, match="open in another glmcode"):
        store.resume(tmp_path, session.id)
    store.resume(tmp_path, session.id).close()


@pytest.mark.parametrize(
    "session_id", ["", "..", "../x", "latest", "20250101-000000-abcdef/../x", "20250101-000000-abcdef"]
)
def test_ids_never_leave_the_folder_of_sessions(tmp_path: Path, session_id: str) -> None:
    with pytest.raises(SessionError, match="session list"):
        store.session_file(tmp_path, session_id)


def test_sessions_are_listed_by_repository_newest_first(tmp_path: Path) -> None:
    ids = []
    for repo in ("/a", "/b", "/a", "/a"):
        with new(tmp_path, repo) as session:
            ids.append(session.id)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / store.FILE_NAME).write_text("{}\n")
    assert [header.id for header in store.headers(tmp_path)] == ids[::-1]
    assert [header.id for header in store.headers(tmp_path, Path("/a"))] == [ids[3], ids[2], ids[0]]


def test_whatever_was_acknowledged_survives_a_kill_in_the_middle_of_writing(tmp_path: Path) -> None:
    child = textwrap.dedent("""
        import sys
        from pathlib import Path
        from glmcode.session import store
        from glmcode_engine.base import EngineInfo
        from glmcode_engine.messages import Message
        session = store.create(Path(sys.argv[1]), repo=Path("/r"), version="1",
                               engine=EngineInfo(kind="scripted", model="fake"), first_prompt="x")
        print(session.id, flush=True)
        for number in range(10**9):
            session.append_message(Message(role="user", content=f"{number} " + "x" * 20_000))
            print(number, flush=True)
    """)
    with subprocess.Popen([sys.executable, "-c", child, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        session_id = process.stdout.readline().strip()
        acknowledged = [int(process.stdout.readline()) for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    with store.resume(tmp_path, session_id) as session:
        numbers = [int(message.content.split()[0]) for message in session.messages]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= len(acknowledged)
        session.append_message(Message(role="user", content="after"))
    lines = (tmp_path / session_id / store.FILE_NAME).read_bytes().splitlines()
    assert json.loads(lines[-1])["message"]["content"] == "after"
