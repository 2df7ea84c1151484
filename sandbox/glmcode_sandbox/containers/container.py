"""The place that is a container: made, entered, cleared and removed through docker-py; blocking work in threads."""

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.containers import reaper
from glmcode_sandbox.containers.container_plan import ContainerPlan, describe
from glmcode_sandbox.containers.docker_api import connect, told
from glmcode_sandbox.containers.exec_socket import exec_channel
from glmcode_sandbox.environment import HOME
from glmcode_sandbox.shells.place import Channel

REVIVE_S = 15.0
"""How long a daemon that went away may take to come back: a restart takes a few seconds."""

_RETRY_S = 0.005

# Only shell builtins, so that it works where few processes are left. $1 shell, $2 signal, then pids known from before.
_SIGNAL = r"""
driver=$1 number=$2; shift 2; known="$*" table=' ' tree=" $driver "
for file in /proc/[0-9]*/stat; do
  text=
  { while IFS= read -r line || [ -n "$line" ]; do text=$text$line; done <"$file"; } 2>/dev/null
  pid=${file#/proc/}; pid=${pid%/stat}
  set -f; set -- ${text##*) }; set +f
  case $1 in ''|Z|X) continue;; esac
  [ "$pid" = $$ ] || table="$table$pid:$2:$4 "
done
grown=1
while [ -n "$grown" ]; do
  grown=
  for row in $table; do
    pid=${row%%:*} session=${row##*:} parent=${row#*:}; parent=${parent%:*}
    case $tree in *" $pid "*) continue;; esac
    case $tree in
      *" $parent "*) ;;
      *) [ "$session" != "$driver" ] || continue; case $tree in *" $session "*) ;; *) continue;; esac;;
    esac
    tree="$tree$pid " grown=1
  done
done
for pid in $known; do
  case $table in *" $pid:"*) tree="$tree$pid ";; esac
done
for pid in $tree; do
  [ "$pid" = "$driver" ] || { kill -s "$number" "$pid" 2>/dev/null && printf '%s ' "$pid"; }
done
exit 0
"""


# $@ pids. The state of a listening socket is 0A, proc(5).
_LISTENING = r"""
open=' '
for table in /proc/self/net/tcp /proc/self/net/tcp6; do
  [ -r "$table" ] || continue
  while read -r _ _ _ state _ _ _ _ _ inode _; do [ "$state" != 0A ] || open="${open}socket:[$inode] "; done <"$table"
done
[ "$open" != ' ' ] || exit 0
for pid; do
  for link in $(ls -l "/proc/$pid/fd" 2>/dev/null); do
    case $link in socket:*) case $open in *" $link "*) echo yes; exit 0;; esac;; esac
  done
done
exit 0
"""


class DockerPlace:
    """One container. It lives as long as the connection to the standard input of its first process, a `cat`."""

    def __init__(self, plan: ContainerPlan) -> None:
        self._plan = plan
        # Whatever the threads do, making and removing never overlap, and after the end nothing is made any more.
        self._making = threading.Lock()
        self._ended = False
        self._api: Any = None
        self._name: str | None = None
        self._keep_alive: Any = None
        self._entry: str | None = None
        """A shell that the daemon was asked for and that nobody has entered yet."""

    async def make(self) -> None:
        """Connect and create the container. Raises NoSandboxError or SandboxError."""
        await asyncio.to_thread(self._make)

    async def reap(self) -> None:
        """Remove what dead processes left behind; whatever goes wrong there is not this session's concern."""
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        with contextlib.suppress(DockerException, RequestException):
            await asyncio.to_thread(reaper.reap, self._api)

    async def open(self) -> Channel:
        raw, identifier = await asyncio.to_thread(self._enter)
        return exec_channel(raw, lambda: self._is_running(identifier))

    async def signal(self, driver: int, number: int, known: Collection[int], began_s: float) -> frozenset[int]:
        words = ["sh", "-c", _SIGNAL, "sh", str(driver), str(number), *map(str, sorted(known))]
        output = await asyncio.to_thread(self._side, words)
        return frozenset(int(word) for word in output.split() if word.isdigit())

    async def listening(self, pids: Collection[int]) -> bool:
        words = ["sh", "-c", _LISTENING, "sh", *map(str, sorted(pids))]
        return b"yes" in await asyncio.to_thread(self._side, words)

    async def clear(self) -> str | None:
        return await asyncio.to_thread(self._clear)

    async def end(self) -> None:
        """Remove the container. Never raises."""
        await asyncio.to_thread(self._end)

    def _make(self) -> None:
        with self._making, told(self._plan.image):
            if self._ended:
                raise SandboxError("this sandbox is closed; open a new one")
            if self._api is None:
                self._api = connect()
            # Known before it exists, so that it can be removed whatever happens next.
            self._name = f"glmcode-{secrets.token_hex(6)}"
            self._api.create_container(**describe(self._api, self._plan, self._name))
            self._keep_alive = self._api.attach_socket(self._name, params={"stdin": 1, "stream": 1})
            self._start(self._name)

    def _start(self, name: str) -> None:
        """Start the container and ask for its shell meanwhile: the daemon answers the moment it runs."""
        from docker.errors import APIError

        self._entry = None
        with ThreadPoolExecutor(1) as threads:
            started = threads.submit(self._api.start, name)
            while self._entry is None and not started.done():
                with contextlib.suppress(APIError):
                    self._entry = self._ask_for_shell()
                    break
                wait([started], _RETRY_S)
            started.result()

    def _enter(self) -> tuple[Any, str]:
        with told(self._plan.image):
            entry, self._entry = self._entry or self._ask_for_shell(), None
            return self._api.exec_start(entry, socket=True), entry

    def _ask_for_shell(self) -> str:
        made = self._api.exec_create(self._name, ["sh"], stdin=True, user=self._user, workdir="/")
        return str(made["Id"])

    @property
    def _user(self) -> str:
        return f"{self._plan.owner[0]}:{self._plan.owner[1]}"

    def _is_running(self, identifier: str) -> bool:
        try:
            with told(self._plan.image):
                return bool(self._api.exec_inspect(identifier)["Running"])
        except SandboxError:
            return False

    def _side(self, words: Sequence[str]) -> bytes:
        """Run something beside the shell; raises SandboxError unless it ends with 0."""
        with told(self._plan.image):
            made = self._api.exec_create(self._name, list(words), user=self._user, workdir="/")
            output: bytes = self._api.exec_start(made["Id"])
            code = self._api.exec_inspect(made["Id"])["ExitCode"]
        if code != 0:
            raise SandboxError(f"no command can be run in the container: {one_line(output, 200)}")
        return output

    def _clear(self) -> str | None:
        # The first process runs as another user, so this ends everything but it; one call, so no fork escapes.
        with contextlib.suppress(SandboxError):
            self._side(["sh", "-c", "kill -s KILL -- -1; exit 0"])
            return None
        deadline = time.monotonic() + REVIVE_S
        while True:
            self._remove()
            try:
                self._make()
                return f"the container was made anew, /tmp and {HOME} are empty again"
            except SandboxError:
                if self._ended or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _end(self) -> None:
        self._ended = True
        self._remove()
        if self._api is not None:
            self._api.close()

    def _remove(self) -> None:
        with self._making:
            if self._name is None:
                return
            with contextlib.suppress(SandboxError), told(self._plan.image):
                reaper.remove(self._api, self._name)
            # Where the daemon did not answer just now, the closed connection still ends the container.
            if self._keep_alive is not None:
                with contextlib.suppress(OSError):
                    getattr(self._keep_alive, "_sock", self._keep_alive).close()
                    self._keep_alive.close()
            self._name = self._keep_alive = None
