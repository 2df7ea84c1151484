"""Whose files they are: a plain user's run, and root's run on a repository of somebody else."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli import CommandLine, Ended, environment
from tests.e2e.place import DONE, FIX, FIXED, SOURCE, call, commit_all, left_containers, tool_texts
from tests.simulated import SimulatedEndpoint

pytestmark = pytest.mark.docker

SCRIPT = [
    FIX,
    call("write", path="new/file.txt", content="x\n"),
    call("shell", command="id -u; touch by-shell.txt"),
    DONE,
]
CHANGED = ("calc.py", "new", "new/file.txt", "by-shell.txt")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine and a folder that is theirs."""

    name: str
    uid: int
    gid: int
    folder: Path

    def repository(self) -> Path:
        repo = self.folder / "repo"
        repo.mkdir()
        (repo / "calc.py").write_text(SOURCE)
        commit_all(repo)
        for path in (repo, *repo.rglob("*")):
            os.chown(path, self.uid, self.gid)
        return repo

    def owns(self, path: Path) -> bool:
        status = path.lstat()
        return (status.st_uid, status.st_gid) == (self.uid, self.gid)


@pytest.fixture
def account() -> Iterator[Account]:
    """A user in the group docker, for one test."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a user")
    name = f"glmcode-e2e-{secrets.token_hex(3)}"
    made = subprocess.run(["useradd", "--no-create-home", "--user-group", "-G", "docker", name], capture_output=True)
    if made.returncode != 0:
        pytest.skip(f"no user can be made here: {made.stderr.decode().strip()}")
    folder = Path(tempfile.mkdtemp(prefix="glmcode-e2e-"))  # pytest's own folders are closed to other users
    try:
        uid, gid = (int(subprocess.check_output(["id", flag, name])) for flag in ("-u", "-g"))
        (folder / "home").mkdir()
        for path in (folder, folder / "home"):
            os.chown(path, uid, gid)
        yield Account(name, uid, gid, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["userdel", name], check=True, capture_output=True)


def _program_of(account: Account) -> tuple[tuple[str, ...], dict[str, str]]:
    """How that user can start glmcode: their interpreter may be another one, with the packages of ours."""
    packages = [entry for entry in sys.path if entry and not entry.startswith((sys.base_prefix, sys.base_exec_prefix))]
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for python, variables in (
        (sys.executable, {}),
        (f"/usr/bin/{version}", {"PYTHONPATH": os.pathsep.join(packages)}),
    ):
        user = (f"--reuid={account.uid}", f"--regid={account.gid}", "--init-groups")
        # Through env, since setpriv itself still finds what only root may reach.
        program = ("setpriv", *user, "--", "env", python, "-m", "glmcode")
        tried = subprocess.run(
            [*program, "doctor", "--help"], capture_output=True, cwd="/", env=environment(account.folder, **variables)
        )
        if tried.returncode == 0:
            return program, variables
    pytest.skip("no Python that can be read by other users has the packages of this one")


async def _run(user: CommandLine, repo: Path, image: str) -> tuple[Ended, str]:
    flags = ("--repo", str(repo), "--image", image, "--output", "json", "--out", str(user.home / "out"))
    async with SimulatedEndpoint(SCRIPT) as server:
        ended = await user.run("run", "x", *flags, "--base-url", server.base_url)
    assert ended.code == 0, ended.stderr
    assert ended.result["applied"] and (repo / "calc.py").read_text() == FIXED
    return ended, tool_texts(server.requests[-1].body)[2]


async def test_a_plain_user_of_the_group_docker_gets_files_of_their_own(account: Account, image: str) -> None:
    repo = account.repository()
    program, variables = _program_of(account)
    user = CommandLine(account.folder / "home", {**variables, "NO_PROXY": "*", "USER": account.name}, program)
    if variables:
        refused = await user.run("sandbox", "exec", "--repo", str(repo), "--image", image, "--", "true")
        assert refused.code == 7 and "you may not read" in refused.ending and "sandbox build" in refused.ending
    with _image_of(user, account) as own_image:
        ended, shown = await _run(user, repo, own_image)
    assert shown.startswith(f"{account.uid}\n")
    assert all(account.owns(repo / name) for name in CHANGED)
    assert all(account.owns(path) for path in user.home.rglob("*"))
    assert not left_containers(ended.pid)
    # It was a layer, and nothing of it is left, though the kernel's part of it belongs to root.
    assert set(json.loads((user.home / ".cache/glmcode/layers.json").read_text()).values()) == {""}
    assert not list(user.state.glob("sessions/*/workspace/*"))


@contextmanager
def _image_of(user: CommandLine, account: Account) -> Iterator[str]:
    """An image that this user made; not with `sandbox build`, which would make it everybody's default."""
    tag = f"glmcode-e2e-test:{account.name}"
    make = f"import asyncio, glmcode_sandbox.image as i; asyncio.run(i.build_image('host', tag={tag!r}, on_line=print))"
    python = [*user.program[:-2], "-c", make]
    subprocess.run(python, check=True, cwd=user.home, env=environment(user.home, **user.variables), capture_output=True)
    try:
        yield tag
    finally:
        subprocess.run(["docker", "rmi", "-f", tag], check=True, capture_output=True)


async def test_root_leaves_the_files_of_others_to_their_owner(account: Account, image: str, user: CommandLine) -> None:
    repo = account.repository()
    ended, shown = await _run(user, repo, image)
    assert shown.startswith(f"{account.uid}\n")
    assert all(account.owns(path) for path in (repo, *repo.rglob("*")))
    assert not left_containers(ended.pid)
