"""Users of this machine that tests make: who they are, and how they start glmcode."""

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

from tests.cli import CommandLine, environment
from tests.e2e.place import SOURCE, commit_all


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


@contextmanager
def made_account() -> Iterator[Account]:
    """A user in the group docker, gone at the end. Skips the test where none can be made."""
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


def program_of(account: Account) -> tuple[tuple[str, ...], dict[str, str]]:
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


@contextmanager
def made_image(user: CommandLine, account: Account) -> Iterator[str]:
    """An image that this user made; not with `sandbox build`, which would make it everybody's default."""
    tag = f"glmcode-e2e-test:{account.name}"
    make = f"import asyncio, glmcode_sandbox.image as i; asyncio.run(i.build_image('host', tag={tag!r}, on_line=print))"
    python = [*user.program[:-2], "-c", make]
    subprocess.run(python, check=True, cwd=user.home, env=environment(user.home, **user.variables), capture_output=True)
    try:
        yield tag
    finally:
        subprocess.run(["docker", "rmi", "-f", tag], check=True, capture_output=True)
