import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest

from glmcode.loop.snapshots import Snapshots
from glmcode.session import store
from glmcode.session.store import Session
from glmcode.session.timeline import read_timeline
from glmcode_sandbox.base import ExecResult
from glmcode_sandbox.git.gitrun import WorkspaceError
from tests.fakes import FakeEngine, FakeSandbox, calls, came_back, says
from tests.glmcode.turns import HangingSandbox, agent_of, kinds, play


class Place:
    """A workspace whose tree is a word that commands set; taking it needs time, and must not see commands run."""

    def __init__(self, *, ready: bool = True, fails: bool = False) -> None:
        self.mode: Literal["direct", "isolated"] = "isolated"
        self.start_tree = self.state = "t0"
        self.start_ignored: str | None = None
        self.commands = 0
        self.taken: list[str] = []
        self.is_ready = asyncio.Event()
        self._fails = fails
        if ready:
            self.is_ready.set()

    async def ready(self) -> None:
        await self.is_ready.wait()

    async def tree(self, *, quick: bool = False) -> str:
        assert self.commands == 0
        before = self.state
        await asyncio.sleep(0.02)
        assert (self.commands, self.state) == (0, before)
        if self._fails:
            raise WorkspaceError("the disk is full")
        self.taken.append(before)
        return before

    async def ignored_tree(self, *, quick: bool = False) -> str | None:
        return None

    def sandbox(self, **more: Any) -> FakeSandbox:
        return Working(self, **more)


class Working(FakeSandbox):
    """`set X` changes the state of its place after a while."""

    def __init__(self, place: Place, **_: Any) -> None:
        super().__init__({"a.py": "x\n"})
        self._place = place

    async def exec(self, command: str, **_: Any) -> ExecResult:
        self._place.commands += 1
        await asyncio.sleep(0.005)
        if command.startswith("set "):
            self._place.state = command.removeprefix("set ")
        self._place.commands -= 1
        return came_back("ok")


def shell(command: str) -> tuple[str, str]:
    return ("shell", f'{{"command": "{command}"}}')


def marks(session: Session) -> list[tuple[Any, ...]]:
    found = store.records(session.folder / store.FILE_NAME)
    return [(line["since"], line["step"], line["tree"]) for line in found if line["kind"] == "snapshot"]


async def test_each_step_that_changed_something_has_its_state(session: Session) -> None:
    place = Place()
    answers = [calls(shell("set t1")), calls(shell("true")), calls(("read", '{"path": "a.py"}')),
               calls(shell("set t2")), says("done")]  # fmt: skip
    agent = agent_of(session, FakeEngine(*answers), sandbox=place.sandbox(), snapshots=Snapshots(session, place))
    events = await play(agent)
    assert marks(session) == [(1, 1, "t1"), (4, 4, "t2")]
    assert "error" not in kinds(events)


async def test_calls_of_one_answer_that_follow_one_another_share_a_state(session: Session) -> None:
    place = Place()
    engine = FakeEngine(calls(shell("set t1"), shell("set t2")), says("done"))
    await play(agent_of(session, engine, sandbox=place.sandbox(), snapshots=Snapshots(session, place)))
    found = [line for line in store.records(session.folder / store.FILE_NAME) if line["kind"] == "snapshot"]
    assert [line["tree"] for line in found] == ["t2"]
    assert len(found[0]["calls"]) == 2


async def test_calls_do_not_wait_for_a_repository_that_is_still_being_read(session: Session) -> None:
    place = Place(ready=False)

    def late(_: Any) -> Any:
        place.is_ready.set()
        return calls(shell("set t3"))

    engine = FakeEngine(calls(shell("set t1")), calls(shell("set t2")), late, says("done"))
    await play(agent_of(session, engine, sandbox=place.sandbox(), snapshots=Snapshots(session, place)))
    timeline = read_timeline(store.records(session.folder / store.FILE_NAME))
    assert marks(session)[-1][1:] == (3, "t3")
    assert timeline.tree_after(1) is None  # commands went on before it could be taken
    assert timeline.tree_after(3) == "t3"


async def test_the_state_is_taken_when_the_turn_is_cancelled_in_a_command(session: Session) -> None:
    place = Place()
    place.state = "half done"
    engine = FakeEngine(calls(shell("sleep")))
    agent = agent_of(session, engine, sandbox=HangingSandbox(), snapshots=Snapshots(session, place))
    await play(agent, until="tool_output")
    assert marks(session) == [(1, 1, "half done")]


async def test_a_state_that_cannot_be_taken_is_told_and_ends_no_turn(session: Session) -> None:
    place = Place(fails=True)
    engine = FakeEngine(calls(shell("set t1")), says("done"))
    events = await play(agent_of(session, engine, sandbox=place.sandbox(), snapshots=Snapshots(session, place)))
    told = [event for event in events if event.kind == "error"]
    assert [(event.error, event.message) for event in told] == [
        ("snapshot", "no snapshot after step 1: the disk is full")
    ]
    assert events[-1].kind == "turn_finished" and events[-1].reason == "done"
    assert marks(session) == [(1, 1, None)]


@pytest.mark.parametrize("carried", [False, True])
async def test_what_the_next_prompt_finds_is_a_state_of_its_own(session: Session, carried: bool) -> None:
    place = Place()
    place.state = "carried" if carried else "t0"
    engine = FakeEngine(says("done"), says("done"))
    agent = agent_of(session, engine, sandbox=place.sandbox(), snapshots=Snapshots(session, place, carried=carried))
    await play(agent)
    place.state = "edited by the user"
    await play(agent)
    first = [(0, 0, "carried")] if carried else []
    assert marks(session) == [*first, (1, 1, "edited by the user")]


def test_without_a_workspace_nothing_is_taken(session: Session, tmp_path: Path) -> None:
    async def run() -> None:
        agent = agent_of(session, FakeEngine(calls(("write", '{"path": "n", "content": "1"}')), says("done")))
        await play(agent)

    asyncio.run(run())
    assert marks(session) == []
