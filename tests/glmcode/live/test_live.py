import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from glmcode import paths
from glmcode.events import Prompted
from glmcode.policy import Decision
from glmcode.session import store
from glmcode.session.replaying import replayed
from glmcode_engine.base import Engine, EngineInfo, StreamPart
from glmcode_engine.messages import Request
from glmcode_sandbox.workspace import WorkspaceError
from tests.glmcode.live.working import EDIT, TASKS, Person, living, make_repo, played, shell
from tests.simulated import SimulatedEndpoint
from tests.simulated.wire import WINDOW


class Closing:
    """An engine that notes when it is closed."""

    def __init__(self, inner: Engine, closed: list[str]) -> None:
        self._inner = inner
        self._closed = closed

    @property
    def info(self) -> EngineInfo:
        return self._inner.info

    def stream(self, request: Request) -> AsyncIterator[StreamPart]:
        return self._inner.stream(request)

    async def aclose(self) -> None:
        self._closed.append("engine")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_repo(tmp_path)


def sessions() -> list[str]:
    return [header.id for header in store.headers(paths.sessions_dir())]


async def test_nothing_is_made_before_the_first_turn(repo: Path) -> None:
    async with living(repo, [{"content": "hello"}]) as live:
        await live.prepare()
        assert sessions() == [] and await live.meter() is None
        events = await played(live.turn("hi"))
        assert [event.kind for event in events][:2] == ["session_started", "step_started"]
        assert sessions() == [live.id]


async def test_turns_share_one_conversation_and_work_on_the_users_files(repo: Path) -> None:
    async with living(repo, [{"tool_calls": [EDIT]}, {"content": "done"}, {"content": "again"}]) as live:
        await played(live.turn("make add add"))
        assert "a + b" in (repo / "calc.py").read_text()
        second = await played(live.turn("and?"))
        assert second[0].kind == "step_started"
        assert live.place and [m.role for m in live.place.session.messages].count("user") == 2
        meter = await live.meter()
        assert meter and meter.used > 0 and dict(meter.segments)["history"] > 0


async def test_the_window_is_known_though_the_turn_was_over_before_the_server_told_it(repo: Path) -> None:
    async with (
        SimulatedEndpoint([{"content": "short"}]) as server,
        living(repo, [], engine="remote", base_url=server.base_url) as live,
    ):
        await played(live.turn("hi"))
        async with asyncio.timeout(30):
            while (meter := await live.meter()) is None or meter.window is None:
                pass
        assert meter.window == WINDOW


async def test_a_changed_mode_judges_the_next_call(repo: Path) -> None:
    person = Person(Decision(False, "not mine"))
    async with living(repo, [{"tool_calls": [TASKS]}, {"content": "ok"}] * 2, person=person) as live:
        await played(live.turn("one"))
        assert len(person.asked) == 1 and person.asked[0].paths == (".vscode/tasks.json",)
        live.mode = "auto"
        await played(live.turn("two"))
        assert len(person.asked) == 1 and (repo / ".vscode/tasks.json").exists()


async def test_always_covers_the_same_files_in_this_session(repo: Path) -> None:
    person = Person(Decision(True, always=True))
    async with living(repo, [{"tool_calls": [TASKS]}, {"content": "ok"}] * 2, person=person) as live:
        await played(live.turn("one"))
        await played(live.turn("two"))
    assert len(person.asked) == 1


async def test_what_runs_by_hand_is_told_with_the_next_message(repo: Path) -> None:
    async with living(repo, [{"content": "I see"}]) as live:
        events = await played(live.by_hand("shell", '{"command": "echo out of hand"}'))
        assert [event.kind for event in events] == ["tool_started", "tool_output", "tool_finished"]
        await played(live.turn("look"))
        assert live.place
        said = live.place.session.messages[1].content
        assert "The user ran `shell: echo out of hand`" in said and "```\nout of hand" in said and said.endswith("look")
        (prompted,) = [
            each for each in replayed(live.place.session.folder / store.FILE_NAME) if each.kind == "prompted"
        ]
        assert prompted == Prompted(text="look")


async def test_an_aside_leaves_the_conversation_as_it_is(repo: Path) -> None:
    async with living(repo, [{"content": "one"}, {"content": "by the way"}, {"content": "two"}]) as live:
        await played(live.turn("first"))
        assert live.place
        before = list(live.place.session.messages)
        events = await played(live.aside("what is this?"))
        assert (events[-1].kind, events[-1].answer) == ("aside", "by the way")
        assert live.place.session.messages == before


async def test_a_cancelled_turn_ends_and_the_next_goes_on(repo: Path) -> None:
    async with living(repo, [{"tool_calls": [shell("sleep 60")]}, {"content": "fine"}]) as live:
        events: list[Any] = []
        async for event in live.turn("wait"):
            events.append(event)
            if event.kind == "tool_started":
                live.cancel()
        assert (events[-1].kind, events[-1].reason) == ("turn_finished", "cancelled")
        assert (await played(live.turn("go on")))[-1].reason == "done"


async def test_leaving_and_coming_back_keeps_an_isolated_change(repo: Path) -> None:
    answers: list[Any] = [
        {"tool_calls": [EDIT]},
        {"content": "done"},
        {"tool_calls": [shell("cat calc.py")]},
        {"content": "ok"},
    ]
    person = Person()
    async with living(repo, answers, person=person, workspace="isolated") as live:
        await played(live.turn("make add add"))
        await live.leave()
        assert "a - b" in (repo / "calc.py").read_text()
        events = await played(live.turn("show"))
        assert events[0].kind == "session_started" and events[0].resumed
        assert "a + b" in next(event.text for event in events if event.kind == "tool_finished")
        assert len(sessions()) == 1


async def test_another_session_begins_anew_and_the_old_one_is_found_again(repo: Path) -> None:
    async with living(repo, [{"content": "one"}, {"content": "two"}, {"content": "three"}]) as live:
        await played(live.turn("first"))
        first = live.id
        await live.change_to(None)
        await played(live.turn("second"))
        assert live.id != first and len(sessions()) == 2
        await live.change_to(first)
        await played(live.turn("third"))
        assert live.place and [m.content for m in live.place.session.messages if m.role == "user"] == ["first", "third"]
        with pytest.raises(store.SessionError):
            await live.change_to("20200101-000000-abcdef")


async def test_a_replay_tells_what_the_turn_told(repo: Path) -> None:
    async with living(repo, [{"tool_calls": [EDIT], "reasoning": "hm"}, {"content": "done"}]) as live:
        events = await played(live.turn("make add add"))
        assert live.place
        again = list(replayed(live.place.session.folder / store.FILE_NAME))
    passing = {"reasoning_delta", "assistant_delta", "tool_output"}
    live_kinds = [event.kind for event in events if event.kind not in passing]
    assert [event.kind for event in again if event.kind != "prompted"] == live_kinds
    told = {event.kind: event for event in events}
    assert next(each for each in again if each.kind == "tool_finished") == told["tool_finished"]
    assert [each.content for each in again if each.kind == "assistant_message"][-1] == "done"


async def test_the_window_is_measured_by_segments_and_the_pack_is_one(repo: Path) -> None:
    async with living(repo, [{"content": "one"}, {"content": "two"}], context=2000) as live:
        events = await played(live.turn("why does add not add? calc.py"))
        meter = await live.meter()
        await live.leave()
        await played(live.turn("thanks"))
        again = await live.meter()
    assert meter and again and events[0].context_tokens > dict(meter.segments)["pack"] > 20
    assert dict(meter.segments)["pack"] == dict(again.segments)["pack"]


async def test_an_id_that_was_told_beforehand_is_the_first_sessions(repo: Path) -> None:
    new_id = store.new_id()
    async with living(repo, [{"content": "one"}, {"content": "two"}], new_id=new_id) as live:
        await played(live.turn("first"))
        assert live.id == new_id and sessions() == [new_id]
        await live.change_to(None)
        await played(live.turn("second"))
        assert live.id != new_id


async def test_what_the_user_changed_in_packed_files_is_told_once_and_what_the_model_changed_is_not(repo: Path) -> None:
    answers: list[Any] = [{"tool_calls": [EDIT]}, *({"content": "ok"} for _ in range(5))]
    async with living(repo, answers, context=2000) as live:
        await played(live.turn("why does add not add? calc.py"))
        await played(live.turn("thanks"))
        (repo / "calc.py").write_text("def add(a, b):\n    return b + a\n")
        await played(live.turn("look"))
        await played(live.turn("again"))
        assert live.place
        said = [message.content for message in live.place.session.messages if message.role == "user"]
        assert said[1] == "thanks" and said[3] == "again"
        assert "-    return a + b\n+    return b + a" in said[2] and said[2].endswith("look")
        await live.leave()
        await played(live.turn("back"))
        assert "return b + a" not in live.place.session.messages[-2].content


async def test_pins_and_budget_hold_until_the_first_message(repo: Path) -> None:
    (repo / "other.py").write_text("UNRELATED = 1\n")
    async with living(repo, [{"content": "one"}], context=2000) as live:
        live.packing.pinned, live.packing.dropped = ("other.py",), ("calc.py",)
        await played(live.turn("calc"))
        assert live.place and live.packing.sent
        assert [file.path for file in live.packing.sent.files] == ["other.py"]
        assert "UNRELATED" in live.place.session.messages[1].content


async def test_two_that_want_the_session_at_once_share_it(repo: Path) -> None:
    async with living(repo, [{"content": "one"}]) as live:
        first, second = await asyncio.gather(live.open("one"), live.open("two"))
        assert first is second and len(sessions()) == 1


async def test_the_engine_is_let_go_when_the_workspace_cannot_be_left(repo: Path) -> None:
    async with living(repo, [{"tool_calls": [EDIT]}, {"content": "one"}], workspace="isolated") as live:
        await played(live.turn("make add add"))
        assert live.place
        shutil.rmtree(live.place.session.folder)
        closed: list[str] = []
        engine = live.engine
        live.engine = Closing(engine, closed)
        with pytest.raises((WorkspaceError, OSError)):
            await live.aclose()
        assert closed == ["engine"]
        live.engine = engine


async def test_what_was_not_told_yet_is_told_by_whoever_resumes_and_to_no_other_session(repo: Path) -> None:
    async with living(repo, [{"content": "one"}, {"content": "another"}]) as live:
        await played(live.turn("first"))
        first = live.id
        await played(live.by_hand("shell", '{"command": "echo by hand"}'))
        await live.change_to(None)
        await played(live.turn("second"))
        assert live.place and live.place.session.messages[1].content == "second"
    for prompt, told in (("third", True), ("fourth", False)):
        async with living(repo, [{"content": "ok"}], resume=first) as live:
            await played(live.turn(prompt))
            assert live.place
            said = [message.content for message in live.place.session.messages if message.role == "user"][-1]
            assert ("The user ran `shell: echo by hand`" in said) is told and said.endswith(prompt)
