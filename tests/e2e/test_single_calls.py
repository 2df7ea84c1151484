import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.cli import CommandLine, Ended
from tests.e2e.place import DONE, FIX, call, left_containers
from tests.simulated import SimulatedEndpoint


@pytest.mark.docker
async def test_one_command_through_the_sandbox_of_the_agent(user: CommandLine, repo: Path, image: str) -> None:
    async def execute(script: str, *flags: str, given: bytes | None = None) -> Ended:
        place = ("--repo", str(repo), "--image", image)
        ended = await user.run("sandbox", "exec", *place, *flags, "--", script, given=given)
        assert not left_containers(ended.pid)
        return ended

    failed, slow, isolated = await asyncio.gather(
        execute(r"printf 'a\033[31mb\033]0;t\007\n'; echo -- --version >&2; cat; pwd > where.txt; exit 7", given=b"in"),
        execute("echo begun; sleep 60", "--timeout", "1"),
        execute("echo x > isolated.txt; cat isolated.txt", "--workspace", "isolated"),
    )
    assert (failed.code, failed.stdout) == (7, "ab\n-- --version\n")
    assert (repo / "where.txt").read_text() == f"{repo}\n"
    assert (slow.code, slow.stdout) == (124, "begun\n") and "timed out" in slow.ending
    assert (isolated.code, isolated.stdout) == (0, "x\n") and not (repo / "isolated.txt").exists()


Tool = Callable[..., Awaitable[tuple[int, str]]]
UNITTEST = ("--test-command", "python3 -m unittest -v")
CASE = """import unittest, calc


class CalcTest(unittest.TestCase):
    def test_add(self):
        self.assertEqual(calc.add(1, 2), 3)
"""


@pytest.fixture
def tool(user: CommandLine, repo: Path, image: str) -> Tool:
    """Runs one tool in a container of its own; gives exit code and output."""
    (repo / "test_calc.py").write_text(CASE)
    (repo / "flags.txt").write_text("one -- two\n")

    async def run(name: str, *words: str, given: bytes | None = None, flags: tuple[str, ...] = ()) -> tuple[int, str]:
        place = ("--repo", str(repo), "--image", image)
        ended = await user.run("tool", name, *place, *flags, "--", *words, given=given)
        assert not left_containers(ended.pid) and not ended.stderr, ended.stderr
        return ended.code, ended.stdout

    return run


@pytest.mark.docker
async def test_tools_that_read_answer_as_to_the_model(tool: Tool) -> None:
    read, missing, globbed, grepped, failing, shell = await asyncio.gather(
        tool("read", "calc.py", "2", "1"),
        tool("read", "none.txt"),
        tool("glob", "*.py"),
        tool("grep", "--", "flags.txt"),
        tool("run_tests", flags=UNITTEST),
        tool("shell", "echo -- --version; exit 3"),
    )
    assert read[0] == 0 and "return a - b" in read[1] and "def add" not in read[1]
    assert missing[0] == 1 and "none.txt" in missing[1]
    assert globbed[0] == 0 and {"calc.py", "test_calc.py"} <= set(globbed[1].split())
    assert grepped[0] == 0 and "one -- two" in grepped[1]
    assert "1 failed" in failing[1] and "test_add" in failing[1]
    assert shell[1].startswith("-- --version\n[exit code 3")


@pytest.mark.docker
async def test_tools_that_write_change_the_repository_and_nothing_else(tool: Tool, repo: Path) -> None:
    edited, absent, written, hook, outside, fixed = await asyncio.gather(
        tool("edit", "flags.txt", "--", "--version"),
        tool("edit", "notes.txt", "not there", "x"),
        tool("write", "--sandbox", given=b"na\xc3\xafve\n"),
        tool("write", ".git/hooks/pre-commit", given=b"#!/bin/sh\n"),
        tool("write", "../out.txt", given=b"x"),
        tool("edit", "calc.py", "a - b", "a + b"),
    )
    assert edited[0] == 0 and (repo / "flags.txt").read_text() == "one --version two\n"
    assert absent[0] == 1 and "not there" not in (repo / "notes.txt").read_text()
    assert written[0] == 0 and (repo / "--sandbox").read_text() == "naïve\n"
    assert hook[0] == 1 and hook[1].startswith("Refused: ") and not (repo / ".git/hooks/pre-commit").exists()
    assert outside[0] == 1 and not (repo.parent / "out.txt").exists()
    assert fixed[0] == 0
    passing = await tool("run_tests", flags=UNITTEST)
    assert passing[0] == 0 and "1 passed" in passing[1]


async def test_the_doctor_and_the_sessions_as_json(user: CommandLine, repo: Path) -> None:
    async with SimulatedEndpoint([FIX, call("read", path="calc.py"), DONE]) as server:
        flags = ("--sandbox", "none", "--output", "json", "--base-url", server.base_url)
        ran = await user.run("run", "Fix add.\nIt subtracts.", "--repo", str(repo), *flags)
        doctor = await user.run("doctor", "--json", "--base-url", server.base_url)
    report = json.loads(doctor.stdout)
    assert (report["kind"], report["v"]) == ("doctor", 1) and report["ok"] is (doctor.code == 0)
    assert all(check["remedy"] for check in report["checks"] if check["status"] == "missing")
    listed = await user.run("session", "list", "--json", "--repo", str(repo))
    ((session),) = json.loads(listed.stdout)["sessions"]
    assert (session["id"], session["title"]) == (ran.result["session"], "Fix add.")
    exported = await user.run("session", "export", session["id"])
    conversation = json.loads(exported.stdout)["messages"]
    sent = server.requests[-1].body["messages"]
    assert [(each["role"], each.get("content", "")) for each in conversation[:-1]] == [
        (each["role"], each["content"]) for each in sent
    ]
    assert conversation[-1] == {"role": "assistant", "content": "All done."}
    unknown = await user.run("session", "export", "../../etc/passwd")
    assert (unknown.code, unknown.stdout) == (2, "") and "session list" in unknown.ending
