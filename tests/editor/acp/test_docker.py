import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import host_image
from tests.e2e.place import DONE, FIX, FIXED, call, containers, left_containers
from tests.editor.acp.editor import editing

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    with host_image("glmcode-acp-test") as tag:
        yield tag


async def test_commands_run_in_the_container_and_it_ends_with_the_editor(home: Path, repo: Path, image: str) -> None:
    answers = [
        FIX,
        call("shell", command="test -e /.dockerenv && cat calc.py"),
        DONE,
        call("shell", command="sleep 300"),
    ]
    async with editing(home, repo, answers, "--image", image, sandbox="docker") as agent:
        pid = agent.process.pid
        session = await agent.begin()
        await agent.prompt(session, "make add add")
        assert "return a + b" in agent.editor.results()[1].content[1].content.text
        waiting = asyncio.create_task(agent.prompt(session, "wait"))
        await agent.editor.until("tool_call", "sleep 300")
        assert len(await asyncio.to_thread(containers, pid)) == 1
    assert await asyncio.to_thread(left_containers, pid) == []
    assert (repo / "calc.py").read_text() == FIXED and "without a sandbox" not in agent.editor.text()
    assert (await waiting).stop_reason == "cancelled"
