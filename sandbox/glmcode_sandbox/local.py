"""The sandbox of kind `none`: commands run on the host itself, with a clean environment and nothing around them."""

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from glmcode_sandbox import processes
from glmcode_sandbox.base import Limits, Mount, NetworkMode, SandboxError, SandboxKind
from glmcode_sandbox.environment import DEFAULT_PATH, standard_environment
from glmcode_sandbox.place import Channel
from glmcode_sandbox.posix import PosixSandbox
from glmcode_sandbox.shell import Shell
from glmcode_sandbox.subprocesses import ProcessChannel, spawn

_PASSED_ON = ("PATH", "TZ", "SHELL", "SSL_CERT_FILE", "SSL_CERT_DIR", "JAVA_HOME", "SDKROOT")
"""All that a command sees of the caller's environment; never a key or a proxy's password."""
_MARK = "GLMCODE_SANDBOX"

# PR_SET_CHILD_SUBREAPER: orphans become children of the shell instead of init's, so that they can be found and ended.
_LAUNCH = """
import os, sys
try:
    import ctypes
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
except (ImportError, OSError, AttributeError):
    pass
uid, gid = int(sys.argv[1]), int(sys.argv[2])
if os.geteuid() == 0 and uid != 0:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
os.execvp("sh", ["sh"])
"""


class LocalPlace:
    """The host. Everything started here carries a random mark in its environment, by which it is found at the end."""

    def __init__(self, workdir: str, owner: tuple[int, int], env: Mapping[str, str] | None) -> None:
        self._workdir = workdir
        self._owner = owner
        self._env = env
        self._mark = secrets.token_hex(16)
        self._channel: ProcessChannel | None = None
        self._folder: Path | None = None

    async def open(self) -> Channel:
        if self._folder is None:
            self._folder = await asyncio.to_thread(self._make_folder)
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        home, temporary = self._folder / "home", self._folder / "tmp"
        env = standard_environment(home=str(home), path=passed.pop("PATH", DEFAULT_PATH), extra=self._env)
        env = passed | {"TMPDIR": str(temporary)} | env | {_MARK: self._mark}
        words = [sys.executable, "-I", "-S", "-c", _LAUNCH, *map(str, self._owner)]
        self._channel = await spawn(words, env=env, cwd=self._workdir)
        return self._channel

    async def signal(self, driver: int, number: int, known: Collection[int], began_s: float) -> frozenset[int]:
        return await asyncio.to_thread(processes.signal_command, driver, number, known, began_s)

    async def clear(self) -> str | None:
        await asyncio.to_thread(self._kill_all)
        return None

    async def end(self) -> None:
        """End all that was started here, and its home and temporary folders with it. Never raises."""
        await self.clear()
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _kill_all(self) -> None:
        mark = f"{_MARK}={self._mark}".encode()
        for _ in range(20):
            table = processes.running()
            found = processes.marked(mark) & table.keys()
            if self._channel is not None and self._channel.pid in table:
                found |= {self._channel.pid} | processes.descendants(self._channel.pid, table)
            if not processes.send(found, 9):
                return
            time.sleep(0.01)

    def _make_folder(self) -> Path:
        if not Path(self._workdir).is_dir():
            raise SandboxError(f"the workspace {self._workdir} is not a folder any more")
        folder = Path(tempfile.mkdtemp(prefix="glmcode-"))
        for path in (folder, folder / "home", folder / "tmp"):
            path.mkdir(mode=0o700, exist_ok=True)
            if os.geteuid() == 0:
                os.chown(path, *self._owner)
        return folder


class LocalSandbox(PosixSandbox):
    """No sandbox: for where the user asked for none by name. The network and the user's files are open to commands."""

    def __init__(
        self,
        mounts: Sequence[Mount],
        workdir: str,
        *,
        owner: tuple[int, int] | None = None,
        network: NetworkMode = "none",
        limits: Limits | None = None,
        spill_dir: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`workdir` is a folder of the host. `mounts` and `network` are taken for the shape's sake; nothing can be
        hidden here. As root, commands run as `owner` (uid, gid)."""
        del mounts, network
        self._place = LocalPlace(workdir, owner or (os.getuid(), os.getgid()), env)
        # No limit of processes: that one counts all of the user's, a whole desktop.
        shell = Shell(self._place, workdir, limits=limits or Limits(), spill_dir=spill_dir, limit_files=True)
        super().__init__(shell, workdir)

    @property
    def kind(self) -> SandboxKind:
        return "none"

    @property
    def description(self) -> str:
        return "none (commands run on this machine, network open)"

    async def _end(self) -> None:
        await self._place.end()
