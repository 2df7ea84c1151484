import subprocess
from pathlib import Path
from typing import Any

import pytest

from glmcode.live.session import LiveSession
from tests.glmcode.live.working import EDIT, living, make_repo, played, shell

READ = {"name": "read", "arguments": {"path": "seen.py"}}
SCRIPT: list[dict[str, Any]] = [{"tool_calls": [EDIT, READ]}, {"content": "done"}]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repo = make_repo(tmp_path)
    (repo / "seen.py").write_text("A = 1\nB = 2\n")
    (repo / "never.py").write_text("N = 1\n")
    git = ["git", "-C", str(repo), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    for arguments in (["add", "."], ["commit", "-qm", "more"]):
        subprocess.run([*git, *arguments], check=True)
    return repo


async def said_after(live: LiveSession, prompt: str) -> str:
    await played(live.turn(prompt))
    assert live.place
    return [message.content for message in live.place.session.messages if message.role == "user"][-1]


@pytest.mark.parametrize("context", [0, 2000])
async def test_whoever_goes_on_is_told_what_others_changed_since(repo: Path, context: int) -> None:
    async with living(repo, SCRIPT, context=context) as live:
        await played(live.turn("make add in calc.py add"))
        session = live.id
    (repo / "calc.py").write_text("def add(a, b):\n    return sum((a, b))\n")
    (repo / "seen.py").write_text("A = 1\nB = 3\n")
    (repo / "never.py").unlink()
    (repo / "new\nline.py").write_text("x\n")
    async with living(repo, [{"content": "ok"}] * 2, context=context, resume=session) as live:
        said = await said_after(live, "and now?")
        assert "-    return a + b\n+    return sum((a, b))" in said, "a file that the model itself wrote last"
        assert "-B = 2\n+B = 3" in said, "a file that it read"
        assert ("never.py, $'new\\012line.py'" if context == 0 else "never.py is gone") in said
        assert "$'new\\012line.py'" in said and "N = 1" not in said
        assert said.endswith("\n\nand now?")
        assert await said_after(live, "again") == "again"


async def test_where_nobody_changed_anything_nothing_is_told(repo: Path) -> None:
    async with living(repo, SCRIPT, context=2000) as live:
        await played(live.turn("make add in calc.py add"))
        session = live.id
    async with living(repo, [{"content": "ok"}], context=2000, resume=session) as live:
        assert await said_after(live, "and now?") == "and now?"


async def test_changes_of_an_isolated_session_that_wait_are_not_told_but_those_below_them_are(repo: Path) -> None:
    script: list[dict[str, Any]] = [{"tool_calls": [EDIT, READ, shell("echo x > mine.txt")]}, {"content": "done"}]
    async with living(repo, script, workspace="isolated") as live:
        await played(live.turn("make add in calc.py add"))
        session = live.id
    (repo / "seen.py").write_text("A = 0\nB = 2\n")
    async with living(repo, [{"content": "ok"}], workspace="isolated", resume=session) as live:
        said = await said_after(live, "and now?")
        assert "-A = 1\n+A = 0" in said and "calc.py" not in said and "mine.txt" not in said


async def test_of_a_file_whose_old_text_is_not_kept_the_name_is_told(repo: Path) -> None:
    (repo / "seen.py").write_text("never committed\n")
    async with living(repo, SCRIPT) as live:
        await played(live.turn("make add in calc.py add"))
        session = live.id
    (repo / "seen.py").write_text("A = 0\n")
    async with living(repo, [{"content": "ok"}], resume=session) as live:
        said = await said_after(live, "and now?")
        assert "read them again before you rely on what you know of them: seen.py]" in said


async def test_a_session_that_was_opened_and_left_without_a_message_tells_it_once(repo: Path) -> None:
    async with living(repo, SCRIPT) as live:
        await played(live.turn("make add in calc.py add"))
        session = live.id
    (repo / "seen.py").write_text("A = 1\nB = 3\n")
    async with living(repo, [{"content": "ok"}], resume=session) as live:
        await live.open("")
    async with living(repo, [{"content": "ok"}], resume=session) as live:
        assert (await said_after(live, "and now?")).count("+B = 3") == 1
