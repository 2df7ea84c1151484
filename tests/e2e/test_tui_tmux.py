import asyncio
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.place import folder_holds
from tests.e2e.terminal import WAIT_S, terminal
from tests.e2e.tui_session import PROMPT, child, flags, leave
from tests.glmcode.live.working import EDIT, TASKS, shell
from tests.simulated import SimulatedEndpoint

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here: install it"),
    pytest.mark.timeout(600),
]


async def test_a_session_from_prompt_to_resume(place: tuple[Path, Path]) -> None:
    home, repo = place
    script: list[dict[str, Any]] = [
        {"reasoning": "It subtracts.", "content": "I look.", "tool_calls": [EDIT]},
        {"tool_calls": [TASKS]},
        {"content": "All **done** here."},
        {"tool_calls": [shell("echo begun; sleep 60")]},
        {"tool_calls": [shell("while [ ! -e told ]; do sleep 0.1; done; echo over")]},
        {"content": "Steered as said."},
        {"content": "Back again."},
    ]
    async with SimulatedEndpoint(script) as server:
        async with terminal(home, repo, *flags(server)) as it:
            await it.until(PROMPT, "ask mode", "NO SANDBOX")
            it.type("make add add", "Enter")
            await it.until("a + b", "tasks.json")
            await it.press_until("n", "enter refuses")
            it.keys("Enter")
            await it.until("All done here.", "Done · 3 steps")
            assert "return a + b" in (repo / "calc.py").read_text() and not (repo / ".vscode").exists()
            it.type("wait", "Enter")
            await it.until("begun", "esc interrupts")
            it.keys("Escape")
            await it.until("Interrupted", gone=["esc interrupts"])
            it.type("again", "Enter")
            await it.until("told", "esc interrupts")
            it.type("use tabs", "C-s")
            await it.until("Told with the next tool result: use tabs")
            (repo / "told").touch()
            await it.until("Steered as said.")
            assert any("use tabs" in message["content"] for message in server.requests[-1].body["messages"])
            screen = await leave(it)
            assert "ENDED 0" in screen and "glmcode --resume 2" in screen
        async with terminal(home, repo, *flags(server, "--resume")) as it:
            await it.until("Steered as said.", PROMPT)
            it.type("go on", "Enter")
            await it.until("Back again.")
            said = [message["content"] for message in server.requests[-1].body["messages"] if message["role"] == "user"]
            assert len(said) == 4 and said[0].endswith("make add add")
            await leave(it)


async def test_a_terminated_program_leaves_the_terminal_and_no_command_behind(place: tuple[Path, Path]) -> None:
    home, repo = place
    script = [{"tool_calls": [shell("echo begun; exec sleep 4711.25")]}]
    async with SimulatedEndpoint(script) as server, terminal(home, repo, *flags(server)) as it:
        await it.until(PROMPT)
        it.type("wait", "Enter")
        await it.until("begun")
        os.kill(child(it.pid), signal.SIGTERM)
        screen = await it.until("ENDED 143")
        assert "Traceback" not in screen
        listed = await asyncio.to_thread(subprocess.run, ["ps", "-eo", "args"], capture_output=True, check=True)
        assert b"4711.25" not in listed.stdout
        it.type("echo still $((1 + 1)) here", "Enter")
        await it.until("still 2 here")


async def test_the_plain_face_speaks_in_lines_and_leaves_the_screen_alone(place: tuple[Path, Path]) -> None:
    home, repo = place
    async with (
        SimulatedEndpoint([{"tool_calls": [EDIT]}, {"content": "All **done** here."}]) as server,
        terminal(home, repo, *flags(server, "--ui", "plain", "make add add")) as it,
    ):
        await it.until("All **done** here.", "Turn done", "\n>")
        it.keys("C-d")
        await it.until("ENDED 0")
        assert b"\x1b[?1049h" not in it.raw and b"\x1b[?1000h" not in it.raw
    assert "return a + b" in (repo / "calc.py").read_text()


async def test_pack_pin_commit_and_pack_anew(place: tuple[Path, Path]) -> None:
    home, repo = place
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = a@example.org\n")
    (repo / "far.py").write_text("UNRELATED = 1\n")
    answers = ("All done here.", "Let add add", "Again.")
    script: list[dict[str, Any]] = [{"tool_calls": [EDIT]}, *({"content": each} for each in answers)]
    async with (
        SimulatedEndpoint(script) as server,
        terminal(home, repo, *flags(server, "--context", "2000"), size=(110, 32)) as it,
    ):
        await it.until(PROMPT)
        it.type("/pack why does add in calc.py not add?", "Enter")
        await it.until("calc.py", "tokens of 2.0K")
        it.keys("a")
        await it.until("Pin which file?")
        it.type("far", "Enter")
        await it.until("packs again", gone=["Pin which file?"])
        it.keys("Escape")
        await it.until("why does add", gone=["Pin which file?", "tokens of 2.0K"])
        it.keys("Enter")
        await it.until("All done here.", "Done · 2 steps")
        first = server.requests[0].body["messages"][1]["content"]
        assert "UNRELATED = 1" in first and first.endswith("why does add in calc.py not add?")
        it.type("/commit", "Enter")
        await it.until("Commit to", "[x] calc.py", "Let add add")
        it.keys("C-s")
        await it.until("Committed to")
        it.type("/pack", "Enter")
        await it.until("Pack, as it was sent")
        it.keys("r")
        await it.until("Pack anew", "are read anew once")
        it.keys("s")
        await it.until("was packed anew", "cache broken: repository pack")
        it.type("again", "Enter")
        await it.until("Again.")
        messages = server.requests[-1].body["messages"]
        assert "return a + b" in messages[1]["content"] and "return a - b" not in messages[1]["content"]
        assert "calc.py]\n\nagain" in messages[-1]["content"], "the commit is told"
        await leave(it)
    log = await asyncio.to_thread(
        subprocess.run, ["git", "log", "-1", "--format=%s"], cwd=repo, capture_output=True, text=True, check=True
    )
    assert log.stdout == "Let add add\n"


async def test_offline_lists_the_connections_at_the_end(place: tuple[Path, Path]) -> None:
    home, repo = place
    async with (
        SimulatedEndpoint([{"content": "All done here."}]) as server,
        terminal(home, repo, *flags(server, "--offline", "hi")) as it,
    ):
        await it.until("All done here.", "Done · 1 steps")
        screen = await leave(it)
        assert f"connections: {server.base_url.split('/')[2]} (engine)" in screen


async def test_a_draft_survives_a_crash(place: tuple[Path, Path]) -> None:
    home, repo = place
    async with SimulatedEndpoint([]) as server:
        async with terminal(home, repo, *flags(server)) as it:
            await it.until(PROMPT)
            it.type("half a thought")
            await kept(home / ".local", "half a thought")
            os.kill(child(it.pid), signal.SIGKILL)
            await it.until("ENDED 137")
        async with terminal(home, repo, *flags(server)) as it:
            await it.until("half a thought", "unsent")


async def test_an_editor_gets_the_terminal_and_gives_it_back_as_it_was(
    place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, repo = place
    editor = home / "editor"
    editor.write_text('#!/bin/sh\necho EDITING\nread -r key\nprintf " and more\\033]0;PWNED\\007" >> "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    async with SimulatedEndpoint([]) as server, terminal(home, repo, *flags(server)) as it:
        await it.until(PROMPT)
        it.type("/mouse off", "Enter")
        await it.until("The mouse is the terminal's now.")
        told = len(it.raw)
        it.type("some words", "C-g")
        await it.until("EDITING")
        it.keys("Enter")
        await it.until("some words and more")
        assert b"\x1b[?1049h" in it.raw[told:], "the screen came back"
        assert b"\x1b[?1000h" not in it.raw[told:] and b"PWNED" not in it.raw
        it.keys("F2")
        await it.until("The mouse works here again.")
        assert b"\x1b[?1000h" in it.raw[told:]


async def test_no_colour_leaves_shades_of_grey(place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    home, repo = place
    monkeypatch.setenv("NO_COLOR", "1")
    script: list[dict[str, Any]] = [{"tool_calls": [EDIT]}, {"content": "```python\nx = [1, 'a']\n```\nDone."}]
    async with SimulatedEndpoint(script) as server, terminal(home, repo, *flags(server)) as it:
        await it.until(PROMPT)
        it.type("make add add", "Enter")
        await it.until("return a + b", "x = [1, 'a']", "Done · 2 steps")
        await leave(it)
        styles = set(re.findall(rb"\x1b\[([\d;]*)m", it.raw))
    colours = {found for style in styles for found in re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", style)}
    assert colours and all(len(set(colour)) == 1 for colour in colours)
    plain = {code for style in styles for code in re.sub(rb"[34]8;2;\d+;\d+;\d+", b"", style).split(b";")}
    assert not plain & {str(code).encode() for code in (*range(30, 38), *range(40, 48), *range(90, 108), 38, 48)}


async def kept(home: Path, words: str) -> None:
    """Wait until a file holds these words."""
    async with asyncio.timeout(WAIT_S):
        while not folder_holds(home, [words]):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
