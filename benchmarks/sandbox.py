"""Latencies of sandbox and workspaces against their floors: bare docker-py, a bare open shell, a small repository."""

import asyncio
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from glmcode_sandbox.base import Mount, Sandbox
from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE
from glmcode_sandbox.containers.docker_api import connect
from glmcode_sandbox.open import open_sandbox
from glmcode_sandbox.workspace import Store, open_workspace
from glmcode_sandbox.workspaces.overlay_daemon import overlay_problem

ROUNDS = 7
COMMANDS = 100
SMALL, MIDDLE, LARGE = 100, 5_000, 100_000


def _repository(top: Path, files: int) -> Path:
    """A repository of equal files: quick to make, and as slow to look at as any."""
    for number in range(files):
        folder = top / f"d{number // 1000}"
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / f"f{number}.py").write_text("x = 1\n")
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    for words in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", "start")):
        subprocess.run(["git", *words], cwd=top, check=True)
    return top


async def _ms(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


def _bare_container(api: Any, repo: Path) -> str:
    host = api.create_host_config(binds=[f"{repo}:{repo}", "/usr:/usr:ro"], network_mode="none")
    words = ["sh", "-c", "sleep 100"]
    made = api.create_container(DEFAULT_IMAGE, words, host_config=host, labels={"glmcode.benchmark": "1"})
    api.start(made["Id"])
    return str(made["Id"])


async def _container(repo: Path) -> list[tuple[float, float]]:
    """Ours until the first command could run, and bare docker-py's create and start, in turn."""
    api = connect()
    found = []
    try:
        for _ in range(ROUNDS):
            sandbox = await _sandbox(repo)
            ours = await _ms(sandbox.start)
            await sandbox.close()
            began = time.perf_counter()
            bare = await asyncio.to_thread(_bare_container, api, repo)
            found.append((ours, (time.perf_counter() - began) * 1000))
            await asyncio.to_thread(api.remove_container, bare, force=True)
    finally:
        api.close()
    return found


async def _sandbox(repo: Path) -> Sandbox:
    return await open_sandbox("docker", mounts=[Mount(repo, str(repo))], workdir=str(repo), owner=(0, 0))


async def _command(repo: Path) -> list[tuple[float, float]]:
    """A program in our shell, and the same in a bare shell in a container, in turn."""
    sandbox = await _sandbox(repo)
    words = ["docker", "run", "-i", "--rm", "--network", "none", "-v", "/usr:/usr:ro", DEFAULT_IMAGE, "sh"]
    shell = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    assert shell.stdin is not None and shell.stdout is not None
    stdin, stdout = shell.stdin, shell.stdout

    async def bare() -> None:
        stdin.write(b"/usr/bin/true; echo END\n")
        await stdout.readuntil(b"END\n")

    try:
        await sandbox.start()
        return [(await _ms(lambda: sandbox.exec("/usr/bin/true")), await _ms(bare)) for _ in range(COMMANDS)]
    finally:
        stdin.close()
        await shell.wait()
        await sandbox.close()


async def _isolated_start(repo: Path, state: Path, store: Store) -> float:
    """Until the first command has run in an isolated workspace."""
    began = time.perf_counter()
    async with await open_workspace(repo, "isolated", state_dir=state, store=store) as space:
        sandbox = await open_sandbox("docker", mounts=space.mounts, workdir=space.path, owner=space.owner)
        try:
            await sandbox.start()
            await sandbox.exec("true")
            return (time.perf_counter() - began) * 1000
        finally:
            await sandbox.close()


async def _starts(large: Path, small: Path, state: Path) -> list[tuple[float, float]]:
    problem = await asyncio.to_thread(overlay_problem, large, state, answers=state / "answers.json")
    if problem:
        print(f"isolated workspaces are copies here: {problem}")
    store: Store = "copy" if problem else "overlay"
    await _isolated_start(large, state, store)
    return [
        (await _isolated_start(large, state, store), await _isolated_start(small, state, store)) for _ in range(ROUNDS)
    ]


async def _trees(repo: Path, state: Path, *, quick: bool) -> list[float]:
    """Snapshots of a direct workspace, each after one edit; the first is not counted.

    The quick ones are those between steps; of the others there is one a turn.
    """
    async with await open_workspace(repo, "direct", state_dir=state) as space:
        found = []
        for number in range(ROUNDS + 1):
            (repo / "d0/f1.py").write_text(f"x = {number}\n")
            found.append(await _ms(lambda: space.tree(quick=quick)))
        return found[1:]


def _report(name: str, pairs: list[tuple[float, float]], at_most: float) -> None:
    ours, floor = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    middle = statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)
    figures = f"best {ours:.1f} ms against {floor:.1f} ms, median {middle[0]:.1f} against {middle[1]:.1f}"
    print(f"{name}: {ours / floor:.2f} times (goal: at most {at_most}); {figures}")


async def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        small, middle, large = (_repository(folder / f"r{count}", count) for count in (SMALL, MIDDLE, LARGE))
        _report("container ready, to bare docker-py", await _container(small), 1.2)
        _report("a command, to a bare open shell", await _command(small), 2)
        starts = await _starts(large, small, folder / "state")
        _report(f"isolated start on {LARGE:,} files, to {SMALL}", starts, 1.5)
        for repo, count, goal in ((middle, MIDDLE, 60), (large, LARGE, 300)):
            found = await _trees(repo, folder / "state", quick=True)
            whole = await _trees(repo, folder / "state", quick=False)
            print(
                f"direct snapshot, {count:,} files: median {statistics.median(found):.0f} ms (goal: {goal}); "
                f"with everything looked at {statistics.median(whole):.0f} ms"
            )


if __name__ == "__main__":
    asyncio.run(main())
