"""A running SGLang server for tests: started once, gone with the process that started it."""

import ctypes
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.cli import environment
from tests.sglang_cpu.rig import Rig

KEY = "sk-of-the-rig-0123456789"
START_S = 600
"""Half a minute of work for two idle cores, ten times that on very busy ones."""
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Served:
    """Where a started server answers."""

    origin: str
    """As `http://127.0.0.1:PORT`; health and metrics lie here."""
    log: Path
    key: str = KEY
    model: str = "glm-4.6"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"


@contextmanager
def serving(rig: Rig, folder: Path) -> Iterator[Served]:
    """Start the server with a home in `folder`, and yield when it answers. Raises RuntimeError with its last words."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = Served(f"http://127.0.0.1:{port}", folder / "server.log")
    with served.log.open("wb") as log:
        process = subprocess.Popen(
            [*_command(rig, served), "--host", "127.0.0.1", "--port", str(port)],
            env={**environment(folder), **rig.environ},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    try:
        _wait_until_healthy(process, served)
        yield served
    finally:
        _stop(process)


def _command(rig: Rig, served: Served) -> list[str]:
    parsers = ["--tool-call-parser", "auto", "--reasoning-parser", "auto"]
    reports = ["--enable-cache-report", "--enable-metrics"]
    names = ["--model-path", str(rig.checkpoint), "--served-model-name", served.model, "--api-key", served.key]
    return [str(rig.sglang), "serve", *names, *parsers, *reports, *rig.flags]


def _wait_until_healthy(process: "subprocess.Popen[bytes]", served: Served) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with opener.open(f"{served.origin}/health", timeout=10):
                return
        except OSError:
            time.sleep(0.3)
    how = "is not up in time" if process.poll() is None else f"exited {process.returncode}"
    raise RuntimeError(f"the SGLang server {how}:\n{served.log.read_text('utf-8', 'replace')[-3000:]}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End the whole group: the scheduler and the detokenizer are processes of their own."""
    shared = _shared_memory(process.pid) if process.poll() is None else set()
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for path in shared:
        path.unlink(missing_ok=True)


def _shared_memory(pid: int) -> set[Path]:
    """What SGLang 0.5.23 leaves behind in /dev/shm, however it ends."""
    lines = Path(f"/proc/{pid}/maps").read_text("utf-8").splitlines()
    return {Path("/dev/shm", line.split("/dev/shm/")[1]) for line in lines if "/dev/shm/sglang" in line}


def _end_with_parent() -> None:
    # A worker that is killed cannot stop its server; the server's children follow it by themselves.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
