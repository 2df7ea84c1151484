"""`--offline`, through the real command line: the engine is reached, nothing else is, and it is all listed."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli import PROJECT, CommandLine, environment
from tests.e2e.place import DONE, FIX
from tests.simulated import SimulatedEndpoint

OFFLINE = ("--offline", "--sandbox", "none", "--output", "json")


@dataclass(slots=True)
class Elsewhere:
    """A server that nobody may connect to."""

    port: int = 0
    connections: list[object] = field(default_factory=list)


@asynccontextmanager
async def elsewhere() -> AsyncIterator[Elsewhere]:
    seen = Elsewhere()

    def arrived(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(arrived, "127.0.0.1", 0)
    seen.port = server.sockets[0].getsockname()[1]
    async with server:
        yield seen


def last_line(stderr: str) -> str:
    return stderr.splitlines()[-1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_the_engine_is_reached_and_listed(user: CommandLine, repo: Path, host: str) -> None:
    async with SimulatedEndpoint([FIX, DONE]) as server:
        url = server.base_url.replace("127.0.0.1", host)
        ended = await user.run("run", "x", *OFFLINE, "--repo", str(repo), "--base-url", url)
        asked = len(server.requests)
    assert ended.code == 0, ended.stderr
    place = url.removeprefix("http://").removesuffix("/v1")
    assert last_line(ended.stderr) == f"glmcode: connections: {place} (engine)"
    (connection,) = ended.result["connections"]
    assert (connection["destination"], connection["purpose"]) == (place, "engine")
    assert connection["count"] >= 1 and asked == 2


async def test_a_script_connects_to_nothing(user: CommandLine, repo: Path) -> None:
    (user.home / "s.yaml").write_text("- content: done\n")
    ended = await user.run("run", "x", *OFFLINE, "--repo", str(repo), "--engine", "scripted:s.yaml")
    assert (ended.code, ended.result["connections"]) == (0, [])
    assert last_line(ended.stderr) == "glmcode: connections: none"


async def test_without_the_flag_nothing_is_listed(user: CommandLine, repo: Path) -> None:
    (user.home / "s.yaml").write_text("- content: done\n")
    ended = await user.run("run", "x", *OFFLINE[1:], "--repo", str(repo), "--engine", "scripted:s.yaml")
    assert (ended.code, ended.result["connections"]) == (0, None)
    assert "connections" not in ended.stderr


async def test_a_proxy_of_the_environment_is_not_used(user: CommandLine, repo: Path) -> None:
    async with SimulatedEndpoint([DONE]) as server, elsewhere() as proxy:
        names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY")
        user.variables.update(dict.fromkeys(names, f"http://127.0.0.1:{proxy.port}"), NO_PROXY="", no_proxy="")
        # Spelled so that the client does not take it for loopback, which never goes through a proxy.
        url = server.base_url.replace("127.0.0.1", "127.1")
        ended = await user.run("run", "x", *OFFLINE, "--repo", str(repo), "--base-url", url)
    assert ended.code == 0, ended.stderr
    assert "not through ALL_PROXY, HTTPS_PROXY, HTTP_PROXY, http_proxy" in ended.stderr
    assert proxy.connections == []


async def test_an_issue_of_github_is_refused_in_one_line(user: CommandLine, repo: Path) -> None:
    program = user.home / "bin/gh"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {user.home}/asked\n")
    program.chmod(0o755)
    user.variables["PATH"] = f"{program.parent}:{environment(user.home)['PATH']}"
    ended = await user.run("fix", "owner/repo#1", *OFFLINE, "--repo", str(repo), "--engine", "scripted:s.yaml")
    assert ended.code == 2 and "save the issue to a file" in last_line(ended.stderr)
    assert not (user.home / "asked").exists()


@pytest.mark.parametrize(
    ("flags", "variables", "words"),
    [
        (("--network", "host"), {}, "--network host"),
        (("--sandbox", "docker"), {"DOCKER_HOST": "tcp://127.0.0.1:{port}"}, "DOCKER_HOST"),
        (("--sandbox", "docker"), {"DOCKER_HOST": "ssh://127.0.0.1:{port}"}, "DOCKER_HOST"),
    ],
)
async def test_what_contradicts_it_is_a_usage_error(
    user: CommandLine, repo: Path, flags: Sequence[str], variables: dict[str, str], words: str
) -> None:
    async with elsewhere() as other:
        user.variables.update({name: value.format(port=other.port) for name, value in variables.items()})
        ended = await user.run("run", "x", *OFFLINE, *flags, "--repo", str(repo), "--engine", "scripted:s.yaml")
    assert ended.code == 2 and words in ended.stderr and other.connections == []
    assert len(ended.stderr.splitlines()) == 1


async def test_a_single_command_obeys_the_setting_too(user: CommandLine, repo: Path) -> None:
    user.variables.update(GLMCODE_OFFLINE="1", GLMCODE_NETWORK="host", GLMCODE_SANDBOX="none")
    ended = await user.run("sandbox", "exec", "--repo", str(repo), "--", "true")
    assert ended.code == 2 and "--network host" in ended.stderr


ATTEMPTS = {
    "http": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}/')",
    "requests": "import requests; requests.get('http://127.0.0.1:{port}/')",
    "async": "import asyncio; asyncio.run(asyncio.open_connection('127.0.0.1', {port}))",
    "connect_ex": "import socket; socket.socket().connect_ex(('127.0.0.1', {port}))",
    "mapped": "import socket; socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', {port}))",
    "another port of the engine's host": "import socket; socket.create_connection(('localhost', {port}))",
    "datagram": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
    "message": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('127.0.0.1', {port}))",
    "a name": "import socket; socket.getaddrinfo('elsewhere.invalid', 80)",
    "an old way to ask for a name": "import socket; socket.gethostbyname('elsewhere.invalid')",
}
_BEGIN = (
    "from glmcode.config import Settings\n"
    "from glmcode.offline import describe_connections, go_offline\n"
    "go_offline(Settings(offline=True, base_url='http://localhost:{engine}/v1'), print)\n"
    "try:\n    {attempt}\nexcept Exception as error:\n    print(type(error).__name__, error)\n"
    "print(describe_connections())\n"
)


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
async def test_a_connection_elsewhere_is_refused_whatever_makes_it(attempt: str, tmp_path: Path) -> None:
    async with elsewhere() as other:
        code = _BEGIN.format(engine=9, attempt=attempt.format(port=other.port))
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", code], env=environment(tmp_path), cwd=PROJECT,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        await asyncio.sleep(0)
    assert done.returncode == 0, done.stderr
    refused, listed = done.stdout.splitlines()[-2:]
    assert "--offline refuses the connection to" in refused
    assert listed.startswith("connections: none; refused: ")
    assert other.connections == []


def test_datagrams_and_connections_to_the_engine_itself_go_out(tmp_path: Path) -> None:
    attempt = "import socket; socket.create_connection(('localhost', 9), 5)"
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN.format(engine=9, attempt=attempt)], env=environment(tmp_path), cwd=PROJECT,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "ConnectionRefusedError" in done.stdout, done.stdout + done.stderr
    assert "connections: localhost:9 (engine)" in done.stdout


def test_the_embedded_engine_has_the_loopback_and_nothing_else(tmp_path: Path) -> None:
    code = (
        "import os, socket\n"
        "from glmcode.config import Settings\n"
        "from glmcode.offline import describe_connections, go_offline\n"
        "go_offline(Settings(offline=True, engine='sglang'), print)\n"
        "for host in ('127.0.0.1', '192.0.2.1'):\n"
        "    try:\n        socket.create_connection((host, 9), 5)\n"
        "    except OSError as error:\n        print(type(error).__name__)\n"
        "print(describe_connections(), os.environ['HF_HUB_OFFLINE'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), cwd=PROJECT,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "ConnectionRefusedError",
        "OfflineError",
        "connections: 127.0.0.1:9 (engine); refused: 192.0.2.1:9 1",
    ], done.stderr
