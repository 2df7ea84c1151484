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

from glmcode_sandbox.base import Limits, Mount, NetworkMode, SandboxError, SandboxKind
from glmcode_sandbox.environment import DEFAULT_PATH, standard_environment
from glmcode_sandbox.posix import PosixSandbox
from glmcode_sandbox.shells import keep_shells, processes
from glmcode_sandbox.shells.growth import Growth
from glmcode_sandbox.shells.keeper import Keeper
from glmcode_sandbox.shells.place import Channel
from glmcode_sandbox.shells.shell import Shell

_PASSED_ON = ("PATH", "TZ", "SHELL", "SSL_CERT_FILE", "SSL_CERT_DIR", "JAVA_HOME", "SDKROOT")
"""All that a command sees of the caller's environment; never a key or a proxy's password."""
_MARK = "GLMCODE_SANDBOX"

_KEEPER = Path(keep_shells.__file__)


class LocalPlace:
    """The host. Everything started here carries a random mark in its environment, by which it is found at the end."""

    def __init__(self, workdir: str, owner: tuple[int, int], env: Mapping[str, str] | None) -> None:
        self._workdir = workdir
        self._owner = owner
        self._env = env
        self._mark = secrets.token_hex(16)
        self._keeper: Keeper | None = None
        self._folder: Path | None = None

    @property
    def written(self) -> list[Path]:
        """Where commands are supposed to write."""
        return [Path(self._workdir), *([self._folder] if self._folder else [])]

    async def open(self) -> Channel:
        if self._folder is None:
            self._folder = await asyncio.to_thread(self._make_folder)
        if self._keeper is None or not self._keeper.running:
            self._keeper = await self._keep(self._folder)
        return await self._keeper.open()

    async def _keep(self, folder: Path) -> Keeper:
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        env = standard_environment(home=str(folder / "home"), path=passed.pop("PATH", DEFAULT_PATH), extra=self._env)
        env = passed | {"TMPDIR": str(folder / "tmp")} | env | {_MARK: self._mark}
        words = [sys.executable, "-I", "-S", str(_KEEPER), str(folder), *map(str, self._owner)]
        return await Keeper.start(words, folder, env=env, cwd=self._workdir)

    async def signal(self, driver: int, number: int, known: Collection[int], began_s: float) -> frozenset[int]:
        return await asyncio.to_thread(processes.signal_command, driver, number, known, began_s)

    async def listening(self, pids: Collection[int]) -> bool:
        return await asyncio.to_thread(processes.listening, pids)

    async def clear(self) -> str | None:
        if self._keeper is None or not self._keeper.running or not await self._keeper.clear():
            await self._end_keeper()
        return None

    async def end(self) -> None:
        """End all that was started here, and its home and temporary folders with it. Never raises."""
        await self._end_keeper()
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _end_keeper(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await keeper.clear()
            await keeper.close()
        await asyncio.to_thread(self._kill_marked)

    def _kill_marked(self) -> None:
        """What got away from a keeper that was killed itself."""
        mark = f"{_MARK}={self._mark}".encode()
        for _ in range(20):
            if not processes.send(processes.marked(mark) & processes.running().keys(), 9):
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
        limits = limits or Limits()
        growth = Growth(lambda: self._place.written, limits)
        shell = Shell(self._place, workdir, limits=limits, growth=growth, spill_dir=spill_dir, limit_files=True)
        super().__init__(shell, workdir)

    @property
    def kind(self) -> SandboxKind:
        return "none"

    @property
    def description(self) -> str:
        return "none (commands run on this machine, network open)"

    async def _end(self) -> None:
        await self._place.end()
