"""The container in which the steps of a setup run, and which becomes its image."""

import asyncio
import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from glmcode_sandbox.base import Mount, SandboxError
from glmcode_sandbox.clean import StreamCleaner, one_line
from glmcode_sandbox.containers import reaper
from glmcode_sandbox.containers.container_plan import PATH_LABEL, host_mounts
from glmcode_sandbox.containers.docker_api import told
from glmcode_sandbox.environment import DEFAULT_PATH
from glmcode_sandbox.image import quoted
from glmcode_sandbox.images.registry_settings import RegistrySettings
from glmcode_sandbox.images.setup_plan import PLACE, VENV, SetupPlan, SetupStep

LineSink = Callable[[str], None]

REPO_LABEL = "glmcode.setup.repo"
"""On a layer: which repository it is for (`repo_mark`)."""
SHOWN_LINES = 40

_FOLDERS = (f"{VENV}/bin", f"{PLACE}/bin", f"{PLACE}/cargo/bin")
# Goes on when all other processes are killed.
_KEEP_ALIVE = "trap 'exit 0' TERM; while :; do sleep 86400 & wait $!; done"
# What package managers of a distribution need as root; nothing that reaches out of the container.
_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETGID", "SETUID")
_QUIET = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_NO_INPUT": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}
# Root made files in the copy that nobody else could remove. What still runs would go on making them.
_GIVE_BACK = "kill -s KILL -- -1 2>/dev/null; find . -path ./.git -prune -o ! -user {0} -exec chown -h {0}:{1} {{}} +"
_CLEAN_UP = "find /tmp /var/tmp /root/.cache -xdev -mindepth 1 -delete 2>/dev/null || true"


class SetupError(SandboxError):
    """A setup command failed. The text names it and ends with what it printed."""

    def __init__(self, command: str, reason: str, lines: Sequence[str]) -> None:
        told_lines = "".join(f"\n  {line}" for line in lines)
        super().__init__(
            f"the setup command `{one_line(command, 300)}` {reason}; correct it, or set `setup` in the configuration"
            f"{told_lines}"
        )
        self.command = command
        self.lines = tuple(lines)
        """The last lines it printed, cleaned, no credentials in them."""


class SetupContainer:
    """One container in which the steps of a plan run, and which becomes the image."""

    def __init__(
        self,
        api: Any,
        base: dict[str, Any],
        settings: RegistrySettings,
        mounts: Sequence[Mount],
        workdir: str,
        on_line: LineSink,
        *,
        owner: tuple[int, int],
    ) -> None:
        """`owner` (uid, gid) gets what the commands made in the mounts; they run as root."""
        self._api = api
        self._owner = owner
        self._config = base["Config"]
        self._image = str(base["Id"])
        self._settings = settings
        self._labels: dict[str, str] = self._config.get("Labels") or {}
        shown = [Mount(path, str(path), read_only=True) for path in host_mounts(self._labels)]
        self._mounts = [*shown, *settings.mounts, *mounts]
        self._workdir = workdir
        self._on_line = on_line
        self._loop = asyncio.get_running_loop()
        self._name = f"glmcode-setup-{secrets.token_hex(6)}"

    async def run(self, plan: SetupPlan, tag: str, timeout_s: float) -> None:
        """Carry out `plan` and name the result `tag`; `timeout_s` is for one step. Raises SetupError, SandboxError."""
        starting = asyncio.create_task(asyncio.to_thread(self._start))
        try:
            with told(self._image):
                await asyncio.shield(starting)
            for step in plan.steps:
                await self._step(step, timeout_s)
            with told(self._image):
                await asyncio.to_thread(self._commit, tag, plan.environment)
        finally:
            await asyncio.shield(asyncio.create_task(self._leave(starting)))

    async def _leave(self, starting: asyncio.Task[None]) -> None:
        """Remove the container, once the thread of a cancelled start has made it; that of a step ends with it."""
        await asyncio.wait([starting])
        if starting.exception() is None:
            with suppress(SandboxError):
                await asyncio.to_thread(self._exec, _GIVE_BACK.format(*self._owner), False)
        await asyncio.to_thread(self._remove)

    async def _step(self, step: SetupStep, timeout_s: float) -> None:
        if step.needs is not None:
            code, _ = await asyncio.to_thread(self._exec, f"command -v {step.needs} >/dev/null", False)
            if code:
                self._say(f"left out: {step.why}: the image has no {step.needs}")
                return
        self._say(f"setup: {step.command}")
        try:
            code, lines = await asyncio.wait_for(asyncio.to_thread(self._exec, step.command, True), timeout_s)
        except TimeoutError:
            raise SetupError(step.command, f"did not end within {timeout_s:.0f} s", ()) from None
        if code:
            raise SetupError(step.command, f"failed with exit code {code}", lines)

    def _start(self) -> None:
        from docker.types import Mount as DockerMount

        reaper.reap(self._api)
        mounts = [DockerMount(m.target, str(m.source), type="bind", read_only=m.read_only) for m in self._mounts]
        self._api.create_container(
            self._image,
            name=self._name,
            entrypoint=["sh", "-c", _KEEP_ALIVE],
            user="0:0",
            labels=reaper.labels(),
            host_config=self._api.create_host_config(
                mounts=mounts,
                network_mode="host",
                cap_drop=["ALL"],
                cap_add=list(_CAPABILITIES),
                security_opt=["no-new-privileges"],
                pids_limit=4096,
            ),
        )
        self._api.start(self._name)

    def _exec(self, command: str, shown: bool) -> tuple[int, list[str]]:
        """Run one command; its exit code and last lines. Raises SandboxError and NoSandboxError."""
        with told(self._image):
            return self._run(command, shown)

    def _run(self, command: str, shown: bool) -> tuple[int, list[str]]:
        # The environment is this one call's, so that no image keeps it.
        call = self._api.exec_create(
            self._name,
            ["sh", "-c", f"umask 022\nmkdir -p {PLACE}\n{command}"],
            environment=_QUIET | self._settings.environment | {"PATH": self._path()},
            workdir=self._workdir,
            user="0:0",
        )["Id"]
        last: deque[str] = deque(maxlen=SHOWN_LINES)
        cleaner, rest = StreamCleaner(), ""
        for chunk in self._api.exec_start(call, stream=True):
            *lines, rest = (rest + cleaner.feed(chunk)).split("\n")
            self._take(lines, last, shown)
        self._take([rest + cleaner.finish()], last, shown)
        return int(self._api.exec_inspect(call)["ExitCode"] or 0), list(last)

    def _take(self, lines: Sequence[str], last: deque[str], shown: bool) -> None:
        for line in lines:
            if text := self._settings.hidden(line.rstrip()):
                last.append(text)
                if shown:
                    self._say(text)

    def _say(self, line: str) -> None:
        self._loop.call_soon_threadsafe(self._on_line, one_line(self._settings.hidden(line), 500))

    def _path(self) -> str:
        given = next((v[5:] for v in self._config.get("Env") or () if v.startswith("PATH=")), DEFAULT_PATH)
        return ":".join([*_FOLDERS, *([self._labels[PATH_LABEL]] if self._labels.get(PATH_LABEL) else []), given])

    def _commit(self, tag: str, environment: Sequence[tuple[str, str]]) -> None:
        self._exec(_CLEAN_UP, False)
        _, found = self._exec(f'for d in {" ".join(_FOLDERS)}; do [ ! -d "$d" ] || echo "$d"; done', False)
        path = ":".join([*found, *([self._labels[PATH_LABEL]] if self._labels.get(PATH_LABEL) else [])])
        labels = {PATH_LABEL: path, REPO_LABEL: repo_mark(self._workdir)}
        # The marks of this container must not make one of the image look like it.
        labels |= dict.fromkeys(reaper.labels(), "")
        changes = [f"LABEL {name}={quoted(value)}" for name, value in labels.items()]
        changes += [f"ENV {name}={quoted(value)}" for name, value in environment]
        changes += ["ENTRYPOINT []", 'CMD ["sh"]']
        repository, version = tag.split(":")
        self._api.commit(self._name, repository=repository, tag=version, changes="\n".join(changes))

    def _remove(self) -> None:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        with suppress(DockerException, RequestException):
            reaper.remove(self._api, self._name)


def repo_mark(path: str) -> str:
    """A short name for a repository's path."""
    return hashlib.sha256(path.encode()).hexdigest()[:20]
