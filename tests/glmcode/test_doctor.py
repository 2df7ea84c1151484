import http.server
import json
import os
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glmcode.docker_checks import check_docker
from glmcode.doctor import examine, render
from glmcode.doctor_record import Check, DoctorInput, Report


class Answers(http.server.BaseHTTPRequestHandler):
    """A server that answers from a table of paths."""

    table: dict[str, tuple[int, object]]
    seen: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Authorization")))
        status, body = self.table.get(self.path, (404, {}))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def address_string(self) -> str:
        return "client"

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def handler(table: dict[str, tuple[int, object]]) -> type[Answers]:
    return type("Handler", (Answers,), {"table": table, "seen": []})


@contextmanager
def daemon(folder: Path, monkeypatch: pytest.MonkeyPatch, table: dict[str, tuple[int, object]]) -> Iterator[None]:
    path = folder / "d.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with serving(socketserver.UnixStreamServer(str(path), handler(table))):
        yield


def settings(folder: Path, **changes: object) -> DoctorInput:
    values: dict[str, object] = {
        "base_url": "http://127.0.0.1:9/v1",
        "model": "glm-4.6",
        "has_key": False,
        "state_dir": folder / "state",
    }
    return DoctorInput.model_validate(values | changes)


def find(report: Report, name: str) -> Check:
    (check,) = [check for check in report.checks if check.name == name]
    return check


HEALTHY: dict[str, tuple[int, object]] = {
    "/images/glmcode-sandbox:default/json": (200, {"Id": "sha256:0123456789abcdef"}),
}


async def test_all_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with daemon(tmp_path, monkeypatch, HEALTHY):
        report = await examine(settings(tmp_path))
    assert report.ok
    assert find(report, "docker").detail.startswith("answers at ")
    assert find(report, "image").detail == "glmcode-sandbox:default"
    assert find(report, "git").status == "ok"
    assert render(report).endswith("\nReady.\n")
    assert not (tmp_path / "state").exists()
    record = json.loads(report.model_dump_json())
    assert (record["kind"], record["v"], record["ok"]) == ("doctor", 1, True)
    assert set(record["checks"][0]) == {"name", "status", "detail", "remedy"}


async def test_a_missing_daemon_and_a_missing_image_name_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    report = await examine(settings(tmp_path))
    assert not report.ok
    assert "start it" in render(report)
    with daemon(tmp_path, monkeypatch, {}):
        daemon_check, image = await check_docker("my/image:1")
    assert daemon_check.status == "ok"
    assert image.status == "missing"
    assert "my/image:1" in image.detail
    assert "glmcode sandbox build" in (image.remedy or "")


async def test_docker_is_optional_where_another_sandbox_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    report = await examine(settings(tmp_path, sandbox="none"))
    assert find(report, "docker").status == "warn"
    assert find(report, "sandbox").status == "warn"
    assert report.ok


@pytest.mark.parametrize("answer", [(500, {}), (500, [1, 2])])
async def test_a_strange_daemon_is_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, object]
) -> None:
    with daemon(tmp_path, monkeypatch, {"/images/glmcode-sandbox:default/json": answer}):
        checks = await check_docker(None)
    assert any(check.status == "missing" for check in checks)


async def test_a_bwrap_that_cannot_work_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin/bwrap"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8 && exit 0\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    check = find(await examine(settings(tmp_path, sandbox="bwrap")), "bwrap")
    assert check.status == "missing"
    assert "namespaces" in check.detail


async def test_missing_programs_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    report = await examine(settings(tmp_path))
    assert find(report, "git").status == "missing"
    assert find(report, "bwrap").status == "warn"


async def test_an_old_git_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\necho git version 2.25.1\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find(await examine(settings(tmp_path)), "git").status == "warn"


@pytest.mark.parametrize(
    ("base_url", "has_key", "status"),
    [
        ("https://api.z.ai/api/paas/v4", False, "missing"),
        ("https://api.z.ai/api/paas/v4", True, "ok"),
        ("http://127.0.0.1:30000/v1", False, "ok"),
    ],
)
async def test_a_key_is_wanted_where_the_endpoint_wants_one(
    tmp_path: Path, base_url: str, has_key: bool, status: str
) -> None:
    report = await examine(settings(tmp_path, base_url=base_url, has_key=has_key))
    assert find(report, "API key").status == status


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [
        ("https://me:hunter2@api.example.org:8443/v1?key=hunter2", "glm-4.6 at https://api.example.org:8443/v1"),
        ("http://[::1]:30000/v1", "glm-4.6 at http://[::1]:30000/v1"),
        ("ftp://me:hunter2@example.org", "not an http address: (unreadable)"),
        ("localhost:30000", "not an http address: localhost:30000"),
        ("http://x:hunter2@[bad", "not an http address: (unreadable)"),
        ("http://host:port@/hunter2", "not an http address: (unreadable)"),
        ("", "not an http address: "),
    ],
)
async def test_secrets_in_the_address_are_never_shown(tmp_path: Path, base_url: str, shown: str) -> None:
    report = await examine(settings(tmp_path, base_url=base_url, connect=False))
    assert find(report, "endpoint").detail == shown
    assert "hunter2" not in render(report) + report.model_dump_json()


@pytest.mark.parametrize("status", [200, 302, 401, 404])
async def test_an_endpoint_that_answers_is_told_without_a_key_sent(tmp_path: Path, status: int) -> None:
    answers = handler({"/v1/models": (status, {})})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers)
    with serving(server):
        url = f"http://me:secret@127.0.0.1:{server.server_port}/v1"
        report = await examine(settings(tmp_path, base_url=url, has_key=True, connect=True))
    assert find(report, "connection").status == "ok"
    assert answers.seen == [("/v1/models", None)]


async def test_the_network_is_not_used_unless_asked(tmp_path: Path) -> None:
    answers = handler({})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers)
    with serving(server):
        report = await examine(settings(tmp_path, base_url=f"http://127.0.0.1:{server.server_port}"))
    assert answers.seen == []
    assert all(check.name != "connection" for check in report.checks)


@pytest.mark.parametrize("broken", [True, False])
async def test_an_endpoint_that_does_not_answer_is_missing(tmp_path: Path, broken: bool) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler({"/models": (503, {})}))
    port = server.server_port
    if broken:
        server.server_close()
        report = await examine(settings(tmp_path, base_url=f"http://127.0.0.1:{port}", connect=True))
    else:
        with serving(server):
            report = await examine(settings(tmp_path, base_url=f"http://127.0.0.1:{port}", connect=True))
    assert find(report, "connection").status == "missing"
    assert not report.ok


async def test_folders_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    report = await examine(settings(tmp_path, state_dir=tmp_path / "file/state"))
    assert find(report, "state folder").status == "missing"
    assert not (tmp_path / "a").exists()


def test_what_others_wrote_does_not_reach_the_terminal_raw() -> None:
    report = Report(ok=False, checks=(Check(name="docker", status="missing", detail="a\x1b[31m\nb", remedy="c\x07d"),))
    assert "\x1b" not in render(report)
    assert "a b" in render(report)
