"""Bytes that act on a terminal, from everywhere they may come: none of them reaches a real one as it was."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from glmcode import paths
from glmcode.session import store
from glmcode_engine.base import EngineInfo
from tests.e2e.place import git
from tests.e2e.terminal import terminal
from tests.e2e.tui_session import EVIL, PROMPT, assert_harmless, flags, leave
from tests.glmcode.live.working import shell
from tests.simulated import SimulatedEndpoint

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here: install it"),
    pytest.mark.timeout(600),
]


async def test_nothing_of_a_repository_or_a_model_reaches_the_terminal_raw(place: tuple[Path, Path]) -> None:
    home, repo = place
    (repo / "evil.txt").write_text(EVIL)
    (repo / "zone").mkdir()
    (repo / "zone/plain.txt").write_text("x")
    (repo / "zone/name\x1b]0;PWNED\x07.txt").write_text("x")
    script: list[dict[str, Any]] = [
        {"reasoning": EVIL, "content": f"Model says {EVIL} end", "tool_calls": [
            {"name": "read", "arguments": {"path": "evil.txt"}}, shell("cat evil.txt; ls zone"),
            {"name": "edit", "arguments": {"path": "calc.py", "old": "a - b", "new": f"a + b  # {EVIL}"}},
            {"name": f"no{EVIL}", "arguments": {"path": EVIL}},
        ]},
        {"tool_calls": [{"name": "write", "arguments": {"path": ".envrc", "content": f"echo {EVIL}\n"}}]},
        {"content": f"# {EVIL}\n\n```\n{EVIL}\n```\n\n[{EVIL}](http://x.example/{EVIL}) finished"},
    ]  # fmt: skip
    async with SimulatedEndpoint(script) as server:
        async with terminal(home, repo, *flags(server)) as it:
            await it.until(PROMPT)
            it.type("look", "Enter")
            await it.until("Permission needed", "y allow")
            await it.press_until("n", "enter refuses")
            it.keys("Enter")
            await it.until("finished", "Done")
            it.type("!cat evil.txt", "Enter")
            await it.until("shell: cat evil.txt · exit code 0")
            it.type("@zone")
            await it.until("plain.txt", "zone/")
            it.keys("Escape")
            it.keys("C-c")
            await it.until(PROMPT)
            for command, title in (
                ("/diff", "Changes of this session"),
                ("/review", "Review ·"),
                ("/rewind", "Go back"),
            ):
                it.type(command, "Enter")
                await it.until(title)
                it.keys("Escape")
                await it.until(PROMPT, gone=[title])
            assert "ENDED 0" in await leave(it)
            raw = it.raw
        async with terminal(home, repo, *flags(server, "--resume")) as it:
            await it.until("finished")
            await leave(it)
            raw += it.raw
    assert_harmless(raw)


async def test_nothing_of_branches_titles_or_servers_reaches_the_terminal_raw(
    place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, repo = place
    git(repo, "checkout", "-q", "-b", "tree\x9b5n\u202eoff")
    monkeypatch.setenv("HOME", str(home))
    engine = EngineInfo(kind="remote", model=f"model{EVIL}")
    title = f"titled {EVIL} so"
    store.create(paths.sessions_dir(), repo=repo, version="0", engine=engine, first_prompt=title).close()
    script: list[dict[str, Any]] = [
        {"error": {"status": 400, "message": f"server says {EVIL} no"}},
        {"content": f"begun {EVIL}", "error": {"status": 500, "message": f"broken {EVIL}", "in_stream": True}},
        {"error": {"status": 400, "code": f"c{EVIL}", "message": f"over {EVIL}"}},
    ]
    async with (
        SimulatedEndpoint(script) as server,
        terminal(home, repo, *flags(server, "--model", f"m{EVIL}"), size=(140, 30)) as it,
    ):
        await it.until("titled", "git tree", PROMPT)
        it.type("/resume", "Enter")
        await it.until("Go on with which session?")
        it.keys("Escape")
        await it.until(PROMPT, gone=["Go on with which session?"])
        it.type("hello", "Enter")
        await it.until("server says", "Ended by an error", PROMPT)
        it.type("/review", "Enter")  # which begins when all of the turn is over
        await it.until("Review ·")
        it.keys("Escape")
        await it.until(PROMPT, gone=["Review ·"])
        it.type("again", "Enter")
        await it.until("over", PROMPT)
        assert "ENDED 0" in await leave(it)
        # The shell that started it echoed the arguments; from the alternate screen on all is ours.
        raw = it.raw[it.raw.index(b"\x1b[?1049h") :]
    assert_harmless(raw)
