import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import Terminal, terminal
from tests.glmcode.live.working import EDIT, TASKS, make_repo, shell
from tests.simulated import SimulatedEndpoint

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here: install it"),
    pytest.mark.timeout(300),
]

PROMPT = "What shall be done?"
EVIL = "\x1b]0;PWNED\x07\x1b]52;c;UFdORUQ=\x07\x1b[2J\x1b[31mred\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x9b5n\u202eoff"


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, Path]:
    """A home and a repository."""
    home = tmp_path / "home"
    home.mkdir()
    return home, make_repo(tmp_path)


def flags(server: SimulatedEndpoint, *more: str) -> list[str]:
    return ["--base-url", server.base_url, "--sandbox", "none", "--context", "0", *more]


async def leave(it: Terminal) -> str:
    it.type("/quit", "Enter")
    return await it.until("ENDED")


async def test_a_session_from_prompt_to_resume(place: tuple[Path, Path]) -> None:
    home, repo = place
    script: list[dict[str, Any]] = [
        {"reasoning": "It subtracts.", "content": "I look.", "tool_calls": [EDIT]},
        {"tool_calls": [TASKS]},
        {"content": "All **done** here."},
        {"tool_calls": [shell("echo begun; sleep 60")]},
        {"tool_calls": [shell("sleep 3; echo over")]},
        {"content": "Steered as said."},
        {"content": "Back again."},
    ]
    async with SimulatedEndpoint(script) as server:
        async with terminal(home, repo, *flags(server)) as it:
            await it.until(PROMPT, "ask mode", "NO SANDBOX")
            it.type("make add add", "Enter")
            await it.until("a + b", "tasks.json")
            await asyncio.sleep(1)  # the dialog takes no keys that were typed before it came
            it.keys("n", "Enter")
            await it.until("All done here.", "Done · 3 steps")
            assert "return a + b" in (repo / "calc.py").read_text() and not (repo / ".vscode").exists()
            it.type("wait", "Enter")
            await it.until("begun", "esc interrupts")
            it.keys("Escape")
            await it.until("Interrupted", gone=["esc interrupts"])
            it.type("again", "Enter")
            await it.until("sleep 3", "esc interrupts")
            it.type("use tabs", "C-s")
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


async def test_nothing_of_a_repository_or_a_model_reaches_the_terminal_raw(place: tuple[Path, Path]) -> None:
    home, repo = place
    (repo / "evil.txt").write_text(EVIL)
    (repo / "name\x1b]0;PWNED\x07.txt").write_text("x")
    script: list[dict[str, Any]] = [
        {"reasoning": EVIL, "content": f"Model says {EVIL} end", "tool_calls": [
            {"name": "read", "arguments": {"path": "evil.txt"}}, shell("cat evil.txt; ls"),
            {"name": "edit", "arguments": {"path": "calc.py", "old": "a - b", "new": f"a + b  # {EVIL}"}},
        ]},
        {"content": f"# {EVIL}\n\n```\n{EVIL}\n```\n\n[{EVIL}](http://x.example/{EVIL}) finished"},
    ]  # fmt: skip
    async with SimulatedEndpoint(script) as server:
        async with terminal(home, repo, *flags(server)) as it:
            await it.until(PROMPT)
            it.type("look", "Enter")
            await it.until("finished")
            it.type("!cat evil.txt", "Enter")
            await it.until("shell: cat evil.txt · exit code 0")
            it.type("@name")
            await asyncio.sleep(2)
            it.keys("Escape")
            await asyncio.sleep(1)
            it.keys("C-c")
            it.type("/diff", "Enter")
            await it.until("Changes of this session")
            it.keys("Escape")
            await it.until(PROMPT, gone=["Changes of this session"])
            assert "ENDED 0" in await leave(it)
            raw = it.raw
        async with terminal(home, repo, *flags(server, "--resume")) as it:
            await it.until("finished")
            await leave(it)
            raw += it.raw
    for attack in (
        b"PWNED\x07",
        b"\x1b]52;c;UFdORUQ",
        b"\x1b]0;",
        b"\x1b]8;;http://evil",
        b"x.example/\x1b",
        b"\x9b5n",
    ):
        assert attack not in raw.replace(b"\xc2\x9b", b"\x9b"), attack
    assert "\u202e".encode() not in raw and b"\x1b[31mred" not in raw


async def test_a_terminated_program_leaves_the_terminal_and_no_command_behind(place: tuple[Path, Path]) -> None:
    home, repo = place
    script = [{"tool_calls": [shell("echo begun; exec sleep 4711.25")]}]
    async with SimulatedEndpoint(script) as server, terminal(home, repo, *flags(server)) as it:
        await it.until(PROMPT)
        it.type("wait", "Enter")
        await it.until("begun")
        os.kill(_child(it.pid), signal.SIGTERM)
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
            await asyncio.sleep(2)
            os.kill(_child(it.pid), signal.SIGKILL)
            await it.until("ENDED 137")
        async with terminal(home, repo, *flags(server)) as it:
            await it.until("half a thought", "unsent")


def _child(pid: int) -> int:
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])
