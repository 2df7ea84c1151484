"""Starting the real command line as a user would: a process of its own, with a home of its own."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import DockerClient

PROJECT = Path(__file__).resolve().parents[1]
"""Where `python -m tests.simulated` finds its package."""
_OURS = ("GLMCODE_", "ZAI_", "OPENAI_", "XDG_", "PYTEST_", "COV_")


def environment(home: Path, **more: str) -> dict[str, str]:
    """The caller's environment (registry, proxy, daemon), but none of its glmcode settings, keys or home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "HOME": str(home), **more}


@dataclass(frozen=True, slots=True)
class Ended:
    """How one call of the command line ended."""

    pid: int
    code: int
    stdout: str
    stderr: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every line of standard output as JSON."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def result(self) -> dict[str, Any]:
        """The one record that `--output json` prints."""
        (record,) = self.records
        return record

    @property
    def ending(self) -> str:
        """What was told last on standard error: up to three lines."""
        return "\n".join(self.stderr.splitlines()[-3:])


@dataclass(slots=True)
class Running:
    """A call of the command line that has not ended yet, in a process group of its own."""

    process: asyncio.subprocess.Process
    seen: list[str] = field(default_factory=list)
    """Lines of standard output that were read already."""

    async def until(self, *words: str) -> str:
        """The next line of standard output that holds all these words."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.seen.append(line.decode())
            if all(word in self.seen[-1] for word in words):
                return self.seen[-1]
        raise AssertionError(f"ended before {words}")

    def signal_group(self, number: signal.Signals) -> None:
        """As a terminal does for Ctrl-C: to the process and all its children."""
        os.killpg(self.process.pid, number)

    async def ended(self, timeout_s: float = 60) -> Ended:
        async with asyncio.timeout(timeout_s):
            stdout, stderr = await self.process.communicate()
        assert self.process.returncode is not None
        told = stderr.decode()
        assert "Traceback" not in told, told
        return Ended(self.process.pid, self.process.returncode, "".join(self.seen) + (stdout or b"").decode(), told)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """`glmcode` for one user: a home, further variables, flags that every call gets, and a folder to start in."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)
    program: Sequence[str] = (sys.executable, "-m", "glmcode")
    cwd: Path | None = None
    """Default: the home folder."""

    @property
    def state(self) -> Path:
        return self.home / ".local/state/glmcode"

    @asynccontextmanager
    async def started(
        self, *arguments: str, stdin: int = asyncio.subprocess.DEVNULL, stdout: int = asyncio.subprocess.PIPE
    ) -> AsyncIterator[Running]:
        """A running call. One that still runs at the end of the block is terminated, so that it can clean up."""
        process = await asyncio.create_subprocess_exec(
            *self.program,
            *arguments,
            cwd=self.cwd or self.home,
            env=environment(self.home, **self.variables),
            stdin=stdin,
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=2**24,
        )
        try:
            yield Running(process)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                await asyncio.wait([asyncio.create_task(process.wait())], timeout=20)

    async def run(self, *arguments: str, given: bytes | None = None, timeout_s: float = 60) -> Ended:
        """Run to the end, standard input empty unless something is given."""
        async with self.started(*arguments, stdin=asyncio.subprocess.PIPE) as running:
            assert running.process.stdin is not None
            running.process.stdin.write(given or b"")
            running.process.stdin.close()
            return await running.ended(timeout_s)


@contextmanager
def host_image(name: str) -> Iterator[str]:
    """A sandbox image made from this host; gone at the end, with the setup layers on top of it."""
    import docker

    from glmcode_sandbox.image import build_image

    tag = f"{name}:{os.getpid()}"
    asyncio.run(build_image("host", tag=tag, on_line=print))
    client = docker.from_env()
    try:
        yield tag
    finally:
        _remove(client, tag)
        client.close()


def _remove(client: "DockerClient", tag: str) -> None:
    from docker.errors import ImageNotFound

    base = client.images.get(tag)
    # Asked through the list alone: another worker may remove an image between the list and a look at it.
    for image in client.api.images(all=True):
        if image["ParentId"] == base.id:
            with contextlib.suppress(ImageNotFound):
                client.images.remove(image["Id"], force=True)
    client.images.remove(tag, force=True)
