from pathlib import Path
from typing import Any

import pytest

from glmcode.config import ConfigError
from glmcode.live import repacking
from glmcode.session import store
from glmcode.session.replaying import replayed
from tests.glmcode.live.working import EDIT, Person, living, make_repo, played, shell

TASK = "why does add in calc.py not add? see one.py two.py three.py"
LONG = {"tool_calls": [shell("seq 20000")]}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repo = make_repo(tmp_path)
    for name in ("one", "two", "three"):
        (repo / f"{name}.py").write_text(f"def {name}():\n    return add(1, 2)\n")
    return repo


def first_message(live: Any) -> str:
    return next(str(message.content) for message in live.place.session.messages if message.role == "user")


async def test_the_conversation_begins_with_the_files_as_they_are_now_and_goes_on(repo: Path) -> None:
    async with living(repo, [{"tool_calls": [EDIT]}, *[{"content": "ok"}] * 3], context=3000) as live:
        await played(live.by_hand("shell", '{"command": "echo by hand"}'))
        await played(live.turn(TASK))
        assert live.place and "return a - b" in first_message(live)
        before = list(live.place.session.messages)
        offer = await repacking.offer(live)
        assert offer.kept + offer.fresh == offer.pack.tokens and offer.fresh > 0 and offer.behind > 0
        assert list(live.place.session.messages) == before, "an offer changes nothing"
        events = await played(repacking.take(live, offer))
        assert [(event.kind, getattr(event, "segment", "")) for event in events] == [
            ("compacted", ""),
            ("cache_broken", "repository pack"),
        ]
        first = first_message(live)
        assert "return a + b" in first and "return a - b" not in first
        assert "The user ran `shell: echo by hand`" in first and first.endswith(TASK)
        assert live.place.session.messages[2:] == before[2:]
        await played(live.turn("and now?"))
        assert live.place.session.messages[-2].content == "and now?", "what the pack shows is not told again"
        path, shown = live.place.session.folder / store.FILE_NAME, live.place.session.messages
        assert [event.how for event in replayed(path) if event.kind == "compacted"] == ["repacked"]
        assert store.read(path)[1] == shown, "whoever resumes it sends the same"


async def test_a_pack_that_is_the_same_changes_nothing(repo: Path) -> None:
    async with living(repo, [{"content": "ok"}], context=3000) as live:
        await played(live.turn(TASK))
        before = first_message(live)
        offer = await repacking.offer(live)
        assert (offer.fresh, offer.behind) == (0, 0)
        assert await played(repacking.take(live, offer)) == [] and first_message(live) == before


async def test_a_session_that_began_without_a_pack_gets_one_and_loses_it_again(repo: Path) -> None:
    async with living(repo, [{"content": "ok"}], context=0) as live:
        await played(live.turn(TASK))
        live.packing.budget = 3000
        await played(repacking.take(live, await repacking.offer(live)))
        assert "### calc.py" in first_message(live) and first_message(live).endswith(TASK)
        live.packing.budget = 0
        await played(repacking.take(live, await repacking.offer(live)))
        assert first_message(live) == TASK


async def test_the_pack_of_an_isolated_session_is_not_replaced(repo: Path) -> None:
    async with living(repo, [{"content": "ok"}], context=3000, workspace="isolated") as live:
        await played(live.turn(TASK))
        with pytest.raises(ConfigError, match="isolated"):
            await repacking.offer(live)


@pytest.mark.parametrize("changed", [0, 3])
async def test_after_a_compaction_packing_anew_is_offered_where_much_has_changed(repo: Path, changed: int) -> None:
    person = Person()
    answers: list[dict[str, Any]] = [LONG, {"content": "ok"}, {"content": "ok"}, {"content": "summary"}]
    async with living(repo, answers, person=person, context=3000) as live:
        await played(live.turn(TASK))
        await played(live.turn("go on"))
        for name in ("one", "two", "three")[:changed]:
            (repo / f"{name}.py").write_text(f"def {name}(x):\n    return x\n")
        events = await played(repacking.compact(live))
        assert any(event.kind == "compacted" for event in events)
    offers = [line for line in person.heard if "/pack can pack them anew" in line]
    assert len(offers) == bool(changed) and all("3 packed files changed" in line for line in offers)


async def test_when_many_files_are_told_one_by_one_packing_anew_is_offered_once(repo: Path) -> None:
    names = [f"part{number}.py" for number in range(10)]
    for name in names:
        (repo / name).write_text("def part():\n    return 1\n")
    person = Person()
    async with living(repo, [{"content": "ok"}] * 3, person=person, context=4000, pin=names) as live:
        await played(live.turn(TASK))
        for prompt in ("one", "two"):
            for name in names:
                (repo / name).write_text(f"def part():\n    return '{prompt}'\n")
            await played(live.turn(prompt))
    assert len([line for line in person.heard if "10 packed files changed" in line]) == 1
