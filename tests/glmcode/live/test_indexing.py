import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from glmcode.config import Settings
from glmcode.context.index.place import index_file, with_index
from glmcode.context.warming import Progress
from glmcode.live.indexing import Indexing
from glmcode.live.packing import Packing
from glmcode.live.session import People
from tests.glmcode.context.test_warming import children, fill
from tests.glmcode.live.working import Person, living, make_repo, played


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_repo(tmp_path)


class Watcher(Person):
    """Remembers how far the index was."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Progress | None] = []

    @property
    def people(self) -> People:
        return People(say=self.heard.append, ask=self.ask, indexing=self.seen.append)


async def test_the_index_is_built_as_soon_as_a_session_gets_ready_and_its_person_sees_how_far(repo: Path) -> None:
    fill(repo, 350)
    person = Watcher()
    async with living(repo, [{"content": "ok"}], person=person, context=4000) as live:
        await live.prepare()
        assert await live.indexing.complete()
        assert person.seen[0] == Progress(0, 351) and person.seen[-1] is None
        assert with_index(repo, lambda store: len(store.blobs())) == 351


async def test_a_session_that_sends_no_pack_indexes_nothing(repo: Path) -> None:
    async with living(repo, [{"content": "ok"}], context=0) as live:
        await live.prepare()
        assert await live.indexing.complete()
    assert not index_file(repo).exists()


async def test_the_end_of_the_session_ends_the_index(repo: Path) -> None:
    fill(repo, 5000)
    before = children(os.getpid())
    async with living(repo, [{"content": "ok"}], context=4000) as live:
        await live.prepare()
        while children(os.getpid()) == before:  # noqa: ASYNC110 (processes tell of no event)
            await asyncio.sleep(0.01)
    assert children(os.getpid()) == before


async def test_the_first_prompt_waits_for_an_index_that_is_nearly_there(repo: Path) -> None:
    fill(repo, 700)
    async with living(repo, [{"content": "ok"}], context=4000) as live:
        await played(live.turn("refund_77 is wrong"))
        assert live.packing.sent and live.packing.sent.files[0].path == "part_27/module_77.py"
        assert live.packing.sent.note == ""


async def test_a_pack_uses_what_is_there_when_the_index_takes_too_long(repo: Path) -> None:
    fill(repo, 3000)
    indexing = Indexing(repo, patience_s=0)
    indexing.begin()
    heard: list[str] = []
    packing = Packing(Settings(context=4000), repo, indexing)
    packed = await packing.send("refund_77 is wrong", None, None, heard.append)
    await indexing.aclose()
    assert packed.note and [line for line in heard if packed.note in line]


async def test_without_a_repository_to_index_the_pack_does_not_wait(tmp_path: Path) -> None:
    indexing = Indexing(tmp_path / "nothing")
    indexing.begin()
    assert await indexing.complete()
    await indexing.aclose()


def test_the_index_lies_outside_of_the_repository(repo: Path) -> None:
    assert not index_file(repo).is_relative_to(repo)
    assert subprocess.run(["git", "status", "--porcelain"], cwd=repo, capture_output=True, check=True).stdout == b""
