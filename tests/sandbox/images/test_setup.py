"""Setup layers: real containers, real installs, and nothing of this machine's access kept in the image."""

import asyncio
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glmcode_sandbox.image import build_image
from glmcode_sandbox.images.registry_settings import registry_settings
from glmcode_sandbox.images.setup import SetupError, SetupPlan, SetupStep, commands_plan, detect_setup, ensure_setup
from glmcode_sandbox.images.setup_container import SetupContainer
from glmcode_sandbox.open import open_sandbox
from glmcode_sandbox.workspace import open_workspace
from tests.sandbox.repositories import make_repository, write


def daemon() -> Any:
    from glmcode_sandbox.containers.docker_api import connect

    return connect()


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """An image of this host; layers on it are by the path of their repository, so each test has its own."""
    tag = f"glmcode-setup-test:{uuid.uuid4().hex[:12]}"
    image = asyncio.run(build_image("host", tag=tag, on_line=print))
    yield tag
    api = daemon()
    try:
        remove_with_layers(api, image.image_id)
    finally:
        api.close()


def remove_with_layers(api: Any, image: str) -> None:
    from docker.errors import APIError

    layers = [found["Id"] for found in api.images(all=True) if api.inspect_image(found["Id"]).get("Parent") == image]
    for found in [*layers, image]:
        for attempt in range(10):
            try:
                api.remove_image(found, force=True)
                break
            except APIError:
                # A container that removes itself may not be gone yet.
                if attempt == 9:
                    raise
                time.sleep(0.5)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"a.txt": "a\n"})


@pytest.fixture(autouse=True)
def no_container_left() -> Iterator[None]:
    yield
    if Path("/var/run/docker.sock").exists():
        api = daemon()
        mine = {"label": [f"glmcode.pid={os.getpid()}"], "name": "glmcode-setup-"}
        try:
            assert api.containers(all=True, filters=mine) == []
        finally:
            api.close()


def plan_of(*commands: str, files: tuple[str, ...] = ()) -> SetupPlan:
    """Commands alone, without the Python environment, which takes many seconds to make."""
    return SetupPlan(tuple(SetupStep(command, "for the test") for command in commands), files)


async def run_in(image: str, repo: Path, command: str, tmp_path: Path) -> tuple[int, str]:
    async with await open_workspace(repo, "isolated", state_dir=tmp_path / "state") as space:
        sandbox = await open_sandbox("docker", mounts=space.mounts, workdir=space.path, owner=(4321, 4321), image=image)
        try:
            await sandbox.start()
            result = await sandbox.exec(command)
            return result.exit_code, result.output.decode()
        finally:
            await sandbox.close()


@pytest.mark.docker
@pytest.mark.packages
async def test_a_package_and_its_dependency_are_installed_and_point_to_the_workspace(base: str, tmp_path: Path) -> None:
    repo = make_repository(
        tmp_path / "repo",
        {
            "pyproject.toml": '[build-system]\nrequires = ["setuptools>=64"]\nbuild-backend = "setuptools.build_meta"\n'
            '[project]\nname = "tinylib"\nversion = "0.1"\ndependencies = ["xmltodict"]\n'
            '[project.optional-dependencies]\ntest = ["pytest"]\n',
            "src/tinylib/__init__.py": "import xmltodict\nVALUE = xmltodict.parse('<a>1</a>')['a']\n",
            "tests/test_it.py": "import tinylib\n\n\ndef test_it():\n    assert tinylib.VALUE == '1'\n",
        },
    )
    plan = detect_setup(repo)
    lines: list[str] = []
    image = await ensure_setup(plan, repo=repo, base_image=base, on_line=lines.append)
    assert any("Successfully installed" in line for line in lines)
    command = "pytest -q && python -c 'import tinylib; print(tinylib.__file__)'"
    code, output = await run_in(image, repo, command, tmp_path)
    assert code == 0, output
    assert f"{repo}/src/tinylib/__init__.py" in output
    lines.clear()
    assert await ensure_setup(plan, repo=repo, base_image=base, on_line=lines.append) == image
    assert lines == []


@pytest.mark.docker
@pytest.mark.packages
async def test_the_versions_of_a_lock_are_installed(base: str, tmp_path: Path) -> None:
    lock = (
        'version = 1\nrequires-python = ">=3.8"\n[[package]]\nname = "six"\nversion = "1.16.0"\n'
        'source = { registry = "https://pypi.org/simple" }\n'
        '[[package]]\nname = "app"\nversion = "1"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "six" }]\n[package.metadata]\nrequires-dist = [{ name = "six" }]\n'
    )
    project = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = ["six"]\n'
    files: dict[str, str | bytes] = {"pyproject.toml": f"{project}[tool.uv]\npackage = false\n", "uv.lock": lock}
    repo = make_repository(tmp_path / "repo", files)
    image = await ensure_setup(detect_setup(repo), repo=repo, base_image=base, on_line=print)
    code, output = await run_in(image, repo, "python -c 'import six; print(six.__version__)'", tmp_path)
    assert (code, output) == (0, "1.16.0\n")


@pytest.mark.docker
async def test_nothing_of_this_machine_stays_in_the_image(
    base: str, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ftp_proxy", "http://someone:hunter2pass@127.0.0.1:9/")
    monkeypatch.setenv("PIP_INDEX_URL", "https://tokenuser:hunter3pass@127.0.0.1:9/simple")
    for name in ("GLMCODE_API_KEY", "ZAI_API_KEY", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "hunter4pass")
    lines: list[str] = []
    plan = commands_plan(
        [
            "mkdir -p /opt/glmcode/bin && printf '#!/bin/sh\\necho made\\n' > /opt/glmcode/bin/made",
            "chmod 755 /opt/glmcode/bin/made",
            'test -r "$SSL_CERT_FILE" && test "$SSL_CERT_FILE" = "$PIP_CERT" && id -u',
            'echo "$ftp_proxy $PIP_INDEX_URL"',
            "! env | grep -q hunter4pass",
            "pwd && test -w a.txt && echo changed > a.txt && git status --short",
            "echo left > /tmp/left",
        ]
    )
    image = await ensure_setup(plan, repo=repo, base_image=base, on_line=lines.append)
    assert "0" in lines
    assert "http://****@127.0.0.1:9/ https://****@127.0.0.1:9/simple" in lines
    assert str(repo) in lines
    assert (repo / "a.txt").read_text() == "a\n"
    api = daemon()
    try:
        saved = b"".join(api.get_image(image))
        told = repr((api.inspect_image(image), api.history(image))).encode()
        labels = api.inspect_image(image)["Config"]["Labels"]
    finally:
        api.close()
    for secret in (b"hunter2pass", b"hunter3pass", b"hunter4pass"):
        assert secret not in saved
        assert secret not in told
    assert labels["glmcode.path"].startswith("/opt/glmcode/venv/bin:/opt/glmcode/bin")
    assert labels["glmcode"] == ""
    assert "/usr" in labels["glmcode.host_mounts"]
    assert await run_in(
        image, repo, "made; test ! -e /tmp/left; cat a.txt; env | grep -c -i -e proxy -e PIP_", tmp_path
    ) == (
        1,
        "made\na\n0\n",
    )


@pytest.mark.docker
async def test_the_images_own_pytest_sees_what_named_commands_installed(base: str, tmp_path: Path) -> None:
    asked = await asyncio.create_subprocess_exec(f"{sys.base_prefix}/bin/python3", "-c", "import pytest")
    if await asked.wait() != 0:
        pytest.skip("this host's Python has no pytest")
    repo = make_repository(tmp_path / "repo", {"test_it.py": "import made\n\n\ndef test_it():\n    assert made.X\n"})
    command = "echo 'X = 1' > $(python3 -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))')/made.py"
    image = await ensure_setup(commands_plan([command]), repo=repo, base_image=base, on_line=print)
    code, output = await run_in(image, repo, "pytest -q test_it.py -p no:cacheprovider", tmp_path)
    assert code == 0, output


@pytest.mark.docker
async def test_a_failing_command_is_named_with_its_last_lines(base: str, repo: Path) -> None:
    plan = plan_of("true", "seq 1 100; printf '\\033]0;evil\\007\\033[31mred\\n'; exit 3", "touch never")
    with pytest.raises(SetupError, match="failed with exit code 3") as caught:
        await ensure_setup(plan, repo=repo, base_image=base, on_line=print)
    assert caught.value.command.startswith("seq 1 100")
    assert caught.value.lines == (*(str(number) for number in range(62, 101)), "red")
    assert "\x1b" not in str(caught.value)


@pytest.mark.docker
async def test_what_the_commands_made_is_given_to_the_owner_of_the_copy(base: str, repo: Path, tmp_path: Path) -> None:
    api = daemon()
    try:
        async with await open_workspace(repo, "isolated", state_dir=tmp_path / "state") as space:
            image = api.inspect_image(base)
            container = SetupContainer(
                api, image, registry_settings(), space.mounts, space.path, print, owner=(4321, 4322)
            )
            plan = plan_of("mkdir made && touch made/file; (sleep 60; touch late) & exit 3")
            with pytest.raises(SetupError):
                await container.run(plan, "glmcode-setup:never", 60)
            made = [space.host_path / name for name in ("made", "made/file", "a.txt")]
            assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(4321, 4322)}
            assert (space.host_path / ".git/HEAD").stat().st_uid == os.getuid()
    finally:
        api.close()


class SlowApi:
    """The daemon's client, so slow at making a container that a test can cancel in the middle of it."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self.asked, self.made = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def create_container(self, *arguments: Any, **settings: Any) -> Any:
        self.asked.set()
        time.sleep(0.3)
        try:
            return self._api.create_container(*arguments, **settings)
        finally:
            self.made.set()


@pytest.mark.docker
async def test_cancelling_while_the_container_is_made_leaves_none(base: str, repo: Path, tmp_path: Path) -> None:
    api = SlowApi(daemon())
    try:
        async with await open_workspace(repo, "isolated", state_dir=tmp_path / "state") as space:
            image = api.inspect_image(base)
            container = SetupContainer(
                api, image, registry_settings(), space.mounts, space.path, print, owner=space.owner
            )
            task = asyncio.create_task(container.run(plan_of("sleep 60"), "glmcode-setup:never", 60))
            await asyncio.to_thread(api.asked.wait, 30)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(api.made.wait, 30)
    finally:
        api.close()


@pytest.mark.docker
async def test_a_command_that_does_not_end_is_ended(base: str, repo: Path) -> None:
    with pytest.raises(SetupError, match="did not end within 1 s"):
        await ensure_setup(plan_of("sleep 60"), repo=repo, base_image=base, on_line=print, timeout_s=1)


@pytest.mark.docker
async def test_cancelling_leaves_no_container(base: str, repo: Path) -> None:
    started = asyncio.Event()
    plan = plan_of("echo running; sleep 60")
    task = asyncio.create_task(
        ensure_setup(
            plan, repo=repo, base_image=base, on_line=lambda line: started.set() if line == "running" else None
        )
    )
    await asyncio.wait_for(started.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.docker
async def test_a_layer_is_made_anew_when_a_file_it_read_changes(base: str, repo: Path) -> None:
    plan = plan_of("true", files=("a.txt",))
    first = await ensure_setup(plan, repo=repo, base_image=base, on_line=print)
    write(repo, {"other.txt": "x"})
    assert await ensure_setup(plan, repo=repo, base_image=base, on_line=print) == first
    write(repo, {"a.txt": "b\n"})
    assert await ensure_setup(plan, repo=repo, base_image=base, on_line=print) != first


@pytest.mark.docker
async def test_a_step_is_left_out_where_its_program_is_missing(base: str, repo: Path) -> None:
    write(repo, {"go.mod": "module example.org/x\n", "a.txt": "c\n"})
    lines: list[str] = []
    plan = detect_setup(repo)
    assert [step.needs for step in plan.steps] == ["go"]
    if any(Path(folder, "go").exists() for folder in ("/usr/bin", "/usr/local/bin")):
        pytest.skip("this host has go, so the image has it too")
    await ensure_setup(plan, repo=repo, base_image=base, on_line=lines.append)
    assert lines == ["left out: Go module (go.mod): the image has no go"]


async def test_an_empty_plan_is_the_base_image(repo: Path) -> None:
    assert await ensure_setup(detect_setup(repo), repo=repo, base_image="some:image", on_line=print) == "some:image"


def test_no_token_and_no_setting_that_speaks_of_this_machine_is_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {
        "PIP_INDEX_URL": "https://example.org/simple",
        "PIP_TIMEOUT": "30",
        "CARGO_REGISTRIES_OURS_INDEX": "sparse+https://example.org/",
        "GOPROXY": "https://example.org/",
    }
    left = {
        "CARGO_REGISTRY_TOKEN": "hunter2",
        "CARGO_REGISTRIES_OURS_TOKEN": "hunter2",
        "PIP_TARGET": "/somewhere",
        "PIP_USER": "1",
        "PIP_CONSTRAINT": "/somewhere/constraints.txt",
        "PIP_CONFIG_FILE": "/somewhere/pip.conf",
    }
    for name, value in (kept | left).items():
        monkeypatch.setenv(name, value)
    carried = registry_settings().environment
    assert carried | kept == carried
    assert not left.keys() & carried.keys()


def test_settings_of_pip_and_local_indexes_are_carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "index/simple").mkdir(parents=True)
    config = f"[global]\nindex-url = https://u:secretword@example.org/simple\nfind_links =\n  {tmp_path}/wheels\n"
    write(
        Path(os.environ["HOME"]),
        {".config/pip/pip.conf": f"{config}extra-index-url = file://{tmp_path}/index/simple\n"},
    )
    settings = registry_settings()
    shown = {str(mount.source): mount.target for mount in settings.mounts}
    assert settings.environment["PIP_INDEX_URL"] == "https://u:secretword@example.org/simple"
    assert settings.environment["PIP_FIND_LINKS"] == shown[f"{tmp_path}/wheels"]
    assert settings.environment["PIP_EXTRA_INDEX_URL"] == f"file://{shown[f'{tmp_path}/index']}/simple"
    assert (
        settings.hidden("to https://u:secretword@example.org/ or secretword") == "to https://****@example.org/ or ****"
    )
    assert all(mount.read_only for mount in settings.mounts)
