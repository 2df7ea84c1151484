"""`--offline`: refuses every connection of this process but the engine's, and remembers those that were made."""

import ipaddress
import os
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from glmcode.config import ConfigError, Settings
from glmcode_sandbox.containers.daemon_address import endpoint

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "ws_proxy", "wss_proxy")
_PORTS = {"http": 80, "https": 443}
_LOCAL_NAMES = frozenset({"", "localhost"})


class OfflineError(OSError):
    """A connection that `--offline` refuses; the text names where it would have gone."""


class Connection(BaseModel):
    """One place this process connected to."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    destination: str
    """HOST:PORT, the host as the user named it."""
    purpose: str
    count: int
    """How many connections were begun, those included that nobody took."""


class Guard:
    """Watches the sockets of this process: Python raises an audit event before each look-up, connect and datagram.

    Every client written in Python goes through these, whatever its library. Unix sockets are this machine's own and
    are not connections in this sense. See https://docs.python.org/3/library/audit_events.html, events `socket.*`.
    """

    def __init__(self, base_url: str | None, *, embedded: bool = False) -> None:
        """`base_url` is the engine's, the one place that may be reached; None: nothing may.

        `embedded`: the engine is a server of this machine whose port is not known yet, so all of loopback is its.
        """
        self._embedded = embedded
        parts = urlsplit(base_url or "")
        self._host = _name(parts.hostname)
        self._port = parts.port or _PORTS.get(parts.scheme, 0)
        self._addresses = {_address(self._host)} if _is_address(self._host) else set[str]()
        self._lock = threading.Lock()
        self._made: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    @property
    def made(self) -> tuple[Connection, ...]:
        with self._lock:
            return tuple(Connection(destination=d, purpose="engine", count=n) for d, n in self._made.items())

    @property
    def refused(self) -> tuple[str, ...]:
        """Where this process would have connected to: `HOST:PORT`, or a name that would have been looked up."""
        with self._lock:
            return tuple(self._refused)

    def install(self) -> None:
        """From now on, until the process ends: an audit hook cannot be taken off again."""
        resolve = socket.getaddrinfo

        def resolve_and_note(host: Any, *arguments: Any, **named: Any) -> Any:
            found = resolve(host, *arguments, **named)
            if self._host and _name(host) == self._host:
                self._addresses |= {_address(str(entry[4][0])) for entry in found}
            return found

        # The event comes before the answer is known, and a name may have another answer each time.
        socket.getaddrinfo = resolve_and_note
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not event.startswith("socket."):
            return
        match event:
            case "socket.connect" | "socket.sendto" | "socket.sendmsg":
                self._check_connection(arguments[0], arguments[1])
            case "socket.getaddrinfo" | "socket.gethostbyname" | "socket.gethostbyaddr":
                self._check_name(arguments[0])
            case "socket.getnameinfo":
                self._check_name(arguments[0][0])

    def _check_connection(self, sock: socket.socket, to: Any) -> None:
        if sock.family == socket.AF_UNIX or to is None:  # None: a datagram of a socket that is connected already
            return
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            self._refuse(f"a socket of family {sock.family}")
        host, port = str(to[0]), int(to[1])
        if self._embedded and _is_loopback(host):
            self._count(_shown(host, port))
        elif port != self._port or _address(host) not in self._addresses:
            self._refuse(_shown(host, port))
        else:
            self._count(_shown(self._host, self._port))

    def _count(self, destination: str) -> None:
        with self._lock:
            self._made[destination] += 1

    def _check_name(self, host: Any) -> None:
        name = _name(host)
        if name not in _LOCAL_NAMES and name != self._host and not _is_address(name):
            self._refuse(name)

    def _refuse(self, what: str) -> None:
        with self._lock:
            self._refused[what] += 1
        raise OfflineError(f"--offline refuses the connection to {what}")


_guard: Guard | None = None


def go_offline(settings: Settings, say: Callable[[str], None]) -> None:
    """Refuse every connection but the engine's from now on, if the settings ask for it. Raises ConfigError.

    The proxies of the environment are taken out of it: with one, the engine's connection would be the proxy's.
    """
    global _guard
    if not settings.offline or _guard is not None:
        return
    if settings.network != "none":
        raise ConfigError("--offline and --network host contradict each other: leave one of them out")
    if settings.sandbox == "docker" and not endpoint().startswith("unix://"):
        raise ConfigError(
            "--offline: DOCKER_HOST names a daemon that is reached over the network; use the one of this machine "
            "(unset DOCKER_HOST), or --sandbox bwrap"
        )
    if named := sorted(name for name in os.environ if name.lower() in _PROXIES and os.environ[name]):
        for name in named:
            del os.environ[name]
        say(f"--offline: the engine is asked directly, not through {', '.join(named)}")
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"  # some systems name proxies outside the environment
    if settings.sandbox == "none":
        say("--offline: without a sandbox, the commands that run on this machine may use its network")
    kind = settings.engine.partition(":")[0]
    if kind == "sglang":
        os.environ["HF_HUB_OFFLINE"] = "1"  # its server is a child, which must load from disk
    _guard = Guard(settings.base_url if kind == "remote" else None, embedded=kind == "sglang")
    _guard.install()


def check_offline(settings: Settings) -> None:
    """For processes that open sessions of several repositories: refuse one that asks for what is not in place.

    The engine is never a project's to choose, so a guard that is in place holds for all. Raises ConfigError.
    """
    if settings.offline and _guard is None:
        raise ConfigError(
            "this repository asks for offline, which holds for a whole process: start glmcode with --offline"
        )


def connections() -> tuple[Connection, ...] | None:
    """What was connected to so far; None where nobody watches, since `--offline` was not asked for."""
    return None if _guard is None else _guard.made


def describe_connections() -> str | None:
    """One line for people at the end of a run; None without `--offline`."""
    if _guard is None:
        return None
    made = ", ".join(f"{each.destination} ({each.purpose})" for each in _guard.made) or "none"
    refused = ", ".join(_guard.refused)
    return f"connections: {made}" + (f"; refused: {refused}" if refused else "")


def _name(host: Any) -> str:
    """A host's name as it is compared."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host or "")
    text = text.rstrip(".").lower()
    try:
        return text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError:
        return text


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(_address(host)).is_loopback


def _address(host: str) -> str:
    """An address in one form, whatever way it is written."""
    if not _is_address(host):
        return _name(host)
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
