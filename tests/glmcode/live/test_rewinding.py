from pathlib import Path
from typing import Any

import pytest

from glmcode.live.rewinding import changes_of, fork_from, preview, rewind, steps_of, undo
from glmcode.session.store import SessionError
from tests.glmcode.live.working import EDIT, living, make_repo, played, shell

BASE = "def add(a, b):\n    return a - b\n"
FIXED = BASE.replace("-", "+")
SCRIPT: list[dict[str, Any]] = [
    {"tool_calls": [EDIT]},
    {"content": "fixed"},
    {"tool_calls": [shell("echo x > new.txt")]},
    {"content": "made"},
    {"content": "after"},
    {"content": "more"},
]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_repo(tmp_path)


def said(live: Any) -> list[str]:
    return [message.content for message in live.place.session.messages if message.role == "user"]


async def test_steps_tell_prompts_calls_and_files(repo: Path) -> None:
    async with living(repo, SCRIPT) as live:
        assert steps_of(live) == []
        with pytest.raises(SessionError, match="nothing to go back to"):
            await preview(live, "start")
        await played(live.turn("fix add"))
        await played(live.turn("make a file"))
        steps = steps_of(live)
        assert [(step.number, step.prompt, step.calls) for step in steps] == [
            (1, "fix add", ["edit calc.py"]),
            (2, "", []),
            (3, "make a file", ["shell: echo x > new.txt"]),
            (4, "", []),
        ]
        touched = [[each.path for each in await changes_of(live, step)] for step in steps]
        assert touched == [["calc.py"], [], ["new.txt"], []]


async def test_a_preview_writes_nothing_and_leaves_the_session_open(repo: Path) -> None:
    async with living(repo, SCRIPT) as live:
        await played(live.turn("fix add"))
        await played(live.turn("make a file"))
        place = live.place
        shown = await preview(live, "start")
        assert {each.path for each in shown.files} == {"calc.py", "new.txt"} and shown.conflicts == ()
        assert "-    return a + b\n+    return a - b\n" in shown.patch
        assert (repo / "calc.py").read_text() == FIXED and live.place is place


@pytest.mark.parametrize("mode", ["direct", "isolated"])
async def test_files_alone_go_back_and_the_model_is_told(repo: Path, mode: str) -> None:
    script = [*SCRIPT[:4], {"tool_calls": [shell("cat calc.py; ls")]}, {"content": "seen"}]
    async with living(repo, script, workspace=mode) as live:
        await played(live.turn("fix add"))
        await played(live.turn("make a file"))
        done = await rewind(live, "start", files=True, conversation=False)
        assert (done.undo, done.conflicts, done.conversation, done.waits) == ("r1", (), False, mode == "isolated")
        assert {each.path for each in done.files} == {"calc.py", "new.txt"}
        assert (repo / "calc.py").read_text() == BASE and not (repo / "new.txt").exists()
        events = await played(live.turn("look"))
        output = next(event.text for event in events if event.kind == "tool_finished")
        assert "a - b" in output and "new.txt" not in output
        told = said(live)
        assert len(told) == 3 and "- calc.py\n- new.txt" in told[2] and told[2].endswith("look")


async def test_the_conversation_alone_goes_back_and_the_model_is_told_what_differs(repo: Path) -> None:
    async with living(repo, SCRIPT) as live:
        await played(live.turn("fix add"))
        await played(live.turn("make a file"))
        done = await rewind(live, "2", files=False, conversation=True)
        assert done.conversation and done.files == () and (repo / "new.txt").exists()
        await played(live.turn("go on"))
        told = said(live)
        assert told[0] == "fix add" and len(told) == 2
        assert "left the files as they are" in told[1] and "- new.txt" in told[1] and "calc.py" not in told[1]
        assert [step.is_current for step in steps_of(live)] == [True, True, False, False, True]


async def test_both_go_back_without_a_word_and_undo_brings_both_again(repo: Path) -> None:
    async with living(repo, SCRIPT) as live:
        await played(live.turn("fix add"))
        await played(live.turn("make a file"))
        await rewind(live, "1", files=True, conversation=True)
        assert (repo / "calc.py").read_text() == FIXED and not (repo / "new.txt").exists()
        await undo(live)
        assert (repo / "new.txt").read_text() == "x\n"
        await played(live.turn("go on"))
        assert said(live) == ["fix add", "make a file", "go on"]


async def test_a_file_that_the_user_changed_is_a_conflict_until_it_may_be_overwritten(repo: Path) -> None:
    async with living(repo, SCRIPT) as live:
        await played(live.turn("fix add"))
        (repo / "calc.py").write_text("mine\n")
        done = await rewind(live, "start", files=True, conversation=True)
        assert (done.undo, done.conflicts) == ("", ("calc.py",))
        assert (repo / "calc.py").read_text() == "mine\n" and len(steps_of(live)) == 2
        await rewind(live, "start", files=True, conversation=True, overwrite=True)
        assert (repo / "calc.py").read_text() == BASE
        await undo(live)
        assert (repo / "calc.py").read_text() == "mine\n"


@pytest.mark.parametrize("files", [True, False])
async def test_a_fork_goes_on_from_a_point_and_leaves_its_origin_alone(repo: Path, files: bool) -> None:
    async with living(repo, SCRIPT) as live:
        await played(live.turn("fix add"))
        await played(live.turn("make a file"))
        first = live.id
        done = await fork_from(live, "2", files=files)
        assert done.conversation and live.id != first
        assert (repo / "new.txt").exists() is not files
        await played(live.turn("go on"))
        told = said(live)
        assert told[0] == "fix add" and len(told) == 2 and ("- new.txt" in told[1]) is not files
        await live.change_to(first)
        assert len(steps_of(live)) == 4


async def test_what_was_restored_is_told_also_by_a_process_that_comes_later(repo: Path) -> None:
    async with living(repo, SCRIPT) as live:
        await played(live.turn("fix add"))
        await rewind(live, "start", files=True, conversation=False)
        session = live.id
    async with living(repo, [{"content": "ok"}], resume=session) as live:
        await played(live.turn("go on"))
        assert "- calc.py" in said(live)[-1] and said(live)[-1].endswith("go on")
