"""Starts a server under its warden: environment without keys, output to us, and no way to outlive us."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from glmcode_engine.sglang import processes
from glmcode_engine.sglang.processes import ProcessMark

GRACE_S = 10.0
"""From SIGTERM to SIGKILL; an idle server takes up to 8 s."""
_WARDEN = Path(__file__).with_name("warden.py")
_SECRET = re.compile(r"(?:^|_)(?:API_?KEY|TOKEN|SECRET|SECRET_KEY|PASSWORD|PAT)$")
_FOR_CHECKPOINTS = frozenset({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "AWS_SESSION_TOKEN", "MODELSCOPE_API_TOKEN"})
"""What a download of the checkpoint may need."""


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's variables for the server (devices, caches, SGLANG_*, PYTHONPATH), without anyone's keys."""
    kept = {
        name: value
        for name, value in environ.items()
        if name in _FOR_CHECKPOINTS or not (name.startswith("GLMCODE_") or _SECRET.search(name.upper()))
    }
    return {**kept, "PYTHONUNBUFFERED": "1"}


@dataclass(slots=True)
class Child:
    """A server that runs under its warden."""

    warden: ProcessMark
    server: ProcessMark
    output: asyncio.StreamReader
    """What the server and its children print."""
    _process: asyncio.subprocess.Process
    _lifeline: socket.socket
    _stopping: bool = field(default=False)

    async def ended(self) -> int:
        """Wait for the end of all its processes; the server's exit code, 128 + N for signal N."""
        code = await self._process.wait()
        if code < 0 or session_left(self.server):
            # The warden itself was killed, so the rest is ours to end.
            await asyncio.to_thread(processes.end_session, self.server, 2.0)
        return code if code >= 0 else 128 - code

    def stop(self) -> None:
        """Ask for the end of all its processes; `ended` tells when."""
        if not self._stopping:
            self._stopping = True
            self._lifeline.close()


def session_left(server: ProcessMark) -> bool:
    return bool(processes.session_of(server))


@asynccontextmanager
async def launch(argv: Sequence[str], environ: Mapping[str, str], *, grace_s: float = GRACE_S) -> AsyncIterator[Child]:
    """Start a server; at the end of the block nothing of it is left. Raises OSError where it cannot be started."""
    lifeline, theirs = socket.socketpair()
    # A pipe of our own: with one of asyncio's, waiting for the process would also wait for whoever else holds it.
    reading, writing = os.pipe()
    try:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_WARDEN), str(theirs.fileno()), str(grace_s), *argv),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                env=dict(environ),
                start_new_session=True,
                pass_fds=(theirs.fileno(),),
            )
    except BaseException:
        lifeline.close()
        os.close(reading)
        raise
    finally:
        os.close(writing)
    output = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(reading, "rb", buffering=0)
    )
    try:
        pid = await _first_line(lifeline)
        server = processes.mark(int(pid)) if pid.isdigit() else ProcessMark(pid=0, started="gone")
        yield Child(processes.mark(process.pid), server, output, process, lifeline)
    finally:
        lifeline.close()
        await _gone(process, grace_s)
        pipe.close()


async def _first_line(lifeline: socket.socket) -> str:
    lifeline.setblocking(False)
    data = b""
    while not data.endswith(b"\n"):
        piece = await asyncio.get_running_loop().sock_recv(lifeline, 64)
        if not piece:
            break
        data += piece
    return data.decode().strip()


async def _gone(process: asyncio.subprocess.Process, grace_s: float) -> None:
    """Wait for the warden, which ends the server; whoever cancels meanwhile must not leave a server behind."""
    waiting = asyncio.ensure_future(process.wait())
    cancelled = False
    while not waiting.done():
        try:
            await asyncio.wait_for(asyncio.shield(waiting), grace_s + 20)
        except asyncio.CancelledError:
            cancelled = True
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    if cancelled:
        raise asyncio.CancelledError
