"""Whose files they are: a plain user's run, and root's run on a repository of somebody else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accounts import Account, made_account, made_image, program_of
from tests.cli import CommandLine, Ended
from tests.e2e.place import DONE, FIX, FIXED, call, left_containers, tool_texts
from tests.simulated import SimulatedEndpoint

pytestmark = pytest.mark.docker

SCRIPT = [
    FIX,
    call("write", path="new/file.txt", content="x\n"),
    call("shell", command="id -u; touch by-shell.txt"),
    DONE,
]
CHANGED = ("calc.py", "new", "new/file.txt", "by-shell.txt")


@pytest.fixture
def account() -> Iterator[Account]:
    """A user in the group docker, for one test."""
    with made_account() as made:
        yield made


async def _run(user: CommandLine, repo: Path, image: str) -> tuple[Ended, str]:
    flags = ("--repo", str(repo), "--image", image, "--output", "json", "--out", str(user.home / "out"))
    async with SimulatedEndpoint(SCRIPT) as server:
        ended = await user.run("run", "x", *flags, "--base-url", server.base_url)
    assert ended.code == 0, ended.stderr
    assert ended.result["applied"] and (repo / "calc.py").read_text() == FIXED
    return ended, tool_texts(server.requests[-1].body)[2]


async def test_a_plain_user_of_the_group_docker_gets_files_of_their_own(account: Account, image: str) -> None:
    repo = account.repository()
    program, variables = program_of(account)
    user = CommandLine(account.folder / "home", {**variables, "NO_PROXY": "*", "USER": account.name}, program)
    if variables:
        refused = await user.run("sandbox", "exec", "--repo", str(repo), "--image", image, "--", "true")
        assert refused.code == 7 and "you may not read" in refused.ending and "sandbox build" in refused.ending
    with made_image(user, account) as own_image:
        ended, shown = await _run(user, repo, own_image)
    assert shown.startswith(f"{account.uid}\n")
    assert all(account.owns(repo / name) for name in CHANGED)
    assert all(account.owns(path) for path in user.home.rglob("*"))
    assert not left_containers(ended.pid)
    # It was a layer, and nothing of it is left, though the kernel's part of it belongs to root.
    assert set(json.loads((user.home / ".cache/glmcode/layers.json").read_text()).values()) == {""}
    assert not list(user.state.glob("sessions/*/workspace/*"))


async def test_root_leaves_the_files_of_others_to_their_owner(account: Account, image: str, user: CommandLine) -> None:
    repo = account.repository()
    ended, shown = await _run(user, repo, image)
    assert shown.startswith(f"{account.uid}\n")
    assert all(account.owns(path) for path in (repo, *repo.rglob("*")))
    assert not left_containers(ended.pid)
