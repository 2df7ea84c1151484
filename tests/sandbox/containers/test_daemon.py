import http.server
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from glmcode_sandbox.base import NoSandboxError
from glmcode_sandbox.containers.daemon import probe_daemon
from glmcode_sandbox.containers.daemon_address import endpoint
from glmcode_sandbox.open import probe


@pytest.mark.docker
def test_tells_whether_the_image_is_there_at_little_cost(docker_image: str) -> None:
    started = time.thread_time()
    found = probe_daemon(docker_image)
    assert time.thread_time() - started < 0.5
    assert (found.daemon, found.image, found.problem) == (True, True, None)
    missing = probe_daemon("glmcode-test-sbx:not-there")
    assert (missing.daemon, missing.image) == (True, False)
    assert "glmcode sandbox build --from-host" in (missing.problem or "")


def test_asks_without_importing_the_docker_package() -> None:
    code = (
        "import sys; import glmcode_sandbox.open; from glmcode_sandbox.containers.daemon import probe_daemon;"
        "probe_daemon('x');"
        "print(sorted({'docker', 'requests', 'urllib3', 'ctypes'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[tuple[str, list[tuple[int, bytes]]]]:
    """A unix socket that answers with what the test puts into the list."""
    answers: list[tuple[int, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    path = tmp_path / "d.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{path}", answers
        server.shutdown()


def test_a_refusal_is_told_in_the_daemons_own_words(
    answering: tuple[str, list[tuple[int, bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, answers = answering
    monkeypatch.setenv("DOCKER_HOST", address)
    answers.append((500, b'{"message": "out of \\u001b[31mspace"}'))
    found = probe_daemon("x")
    assert found.daemon and not found.image and (found.problem or "").endswith("500: out of space")


@pytest.mark.parametrize("address", ["unix:///nonexistent/d.sock", "tcp://127.0.0.1:1"])
async def test_no_daemon_names_the_remedy(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    assert endpoint() == address
    with pytest.raises(NoSandboxError, match="systemctl start docker"):
        await probe("docker", "any")


async def test_a_folder_in_place_of_the_socket_is_no_daemon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}")
    assert not probe_daemon("x").daemon
    await probe("none")


async def test_a_missing_bubblewrap_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSandboxError, match="apt install bubblewrap"):
        await probe("bwrap")
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'No permissions to create a new namespace' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    with pytest.raises(NoSandboxError, match="No permissions to create a new namespace"):
        await probe("bwrap")
