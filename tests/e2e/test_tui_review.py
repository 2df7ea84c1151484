"""Review and rewind in a real terminal: what they do to the files, and what the model is told of it."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.place import commit_all
from tests.e2e.terminal import terminal
from tests.e2e.tui_session import PROMPT, flags, leave, numbered
from tests.glmcode.live.working import EDIT
from tests.simulated import SimulatedEndpoint

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here: install it"),
    pytest.mark.timeout(600),
]


def edit(path: str, old: str, new: str) -> dict[str, Any]:
    return {"name": "edit", "arguments": {"path": path, "old": old, "new": new}}


def contents(server: SimulatedEndpoint) -> list[str]:
    """What the last request holds, message by message."""
    return [str(message["content"]) for message in server.requests[-1].body["messages"]]


@pytest.mark.parametrize("workspace", ["direct", "isolated"])
async def test_of_two_hunks_one_is_refused(place: tuple[Path, Path], workspace: str) -> None:
    home, repo = place
    before = numbered(repo / "long.py")
    commit_all(repo)
    script: list[dict[str, Any]] = [
        {"tool_calls": [edit("long.py", "line_3 = 3\n", "third = 3\n"), edit("long.py", "line_25 = 25", "late = 25")]},
        {"content": "Both are renamed."},
        {"content": "Understood."},
    ]
    async with (
        SimulatedEndpoint(script) as server,
        terminal(home, repo, *flags(server, "--workspace", workspace)) as it,
    ):
        await it.until(PROMPT)
        it.type("rename both", "Enter")
        await it.until("Both are renamed.", "Done · 2 steps", PROMPT)
        both = before.replace("line_3 = 3\n", "third = 3\n").replace("line_25 = 25", "late = 25")
        assert (repo / "long.py").read_text() == (both if workspace == "direct" else before)
        it.type("/review", "Enter")
        await it.until("0/2 decided", "third = 3")
        it.keys("y")
        await it.until("1/2 decided")
        it.keys("n")
        await it.until("enter refuses")
        it.type("keep that name", "Enter")
        await it.until("2/2 decided", "keep that name")
        it.keys("Enter")
        await it.until("The review is done", PROMPT)
        assert (repo / "long.py").read_text() == before.replace("line_3 = 3\n", "third = 3\n")
        it.type("go on", "Enter")
        await it.until("Understood.")
        told = contents(server)[-1]
        assert told.endswith("go on") and "- long.py, line 3: accepted" in told
        (refused,) = [line for line in told.splitlines() if "line 25: refused" in line]
        assert refused.endswith(": keep that name")
        assert "ENDED 0" in await leave(it)


async def test_going_back_takes_files_and_conversation_and_lasts(place: tuple[Path, Path]) -> None:
    home, repo = place
    script: list[dict[str, Any]] = [
        {"tool_calls": [EDIT]},
        {"content": "First answer."},
        {"tool_calls": [edit("calc.py", "a + b", "a + b + 0")]},
        {"content": "Second answer."},
        {"content": "Third answer."},
    ]
    async with SimulatedEndpoint(script) as server:
        async with terminal(home, repo, *flags(server)) as it:
            await it.until(PROMPT)
            it.type("make add add", "Enter")
            await it.until("First answer.", "Done · 2 steps", PROMPT)
            it.type("make it odd", "Enter")
            await it.until("Second answer.", PROMPT)
            assert "a + b + 0" in (repo / "calc.py").read_text()
            it.type("/rewind", "Enter")
            await it.until("Go back", "before everything", "step 4")
            it.keys("Home", "Down", "Down")
            await it.until("Files would change: calc.py", "a + b + 0")
            it.keys("b")
            await it.until("Back at step 2", "First answer.", gone=["Go back", "Second answer."])
            assert (repo / "calc.py").read_text() == "def add(a, b):\n    return a + b\n"
            await it.until("❯ make it odd")
            it.keys("C-c")
            await it.until(PROMPT)
            assert "ENDED 0" in await leave(it)
        async with terminal(home, repo, *flags(server, "--resume")) as it:
            await it.until("First answer.", PROMPT, gone=["Second answer."])
            it.type("go on", "Enter")
            await it.until("Third answer.")
            said = "\n".join(contents(server))
            assert "First answer." in said and "Second answer." not in said and "make it odd" not in said
            await leave(it)
