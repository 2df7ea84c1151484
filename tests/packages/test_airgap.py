"""From this machine to one without a network: packed here, installed and proved where there is no interface."""

import asyncio
import json
import shutil
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli import CommandLine, Ended, environment
from tests.sandbox.images.test_image import small_root

pytestmark = [pytest.mark.packages, pytest.mark.timeout(600)]

NO_NETWORK = ("unshare", "--net", "--map-root-user", "--")


def cut_off(*words: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run something where there is not even a loopback interface."""
    env = environment(home, **more)
    return subprocess.run(
        [*NO_NETWORK, *words], env=env, cwd=home, capture_output=True, text=True, timeout=500, check=False
    )


@pytest.fixture
def user(tmp_path: Path) -> CommandLine:
    if not shutil.which("unshare") or subprocess.run([*NO_NETWORK, "true"], check=False).returncode:
        pytest.skip("no network namespace can be made here: unshare, user namespaces")
    (tmp_path / "home").mkdir()
    return CommandLine(tmp_path / "home")


async def pack(user: CommandLine, *flags: str) -> tuple[Path, Ended]:
    ended = await user.run("airgap", "pack", "--out", "a.tar", *flags, timeout_s=500)
    assert ended.code == 0, ended.stderr
    with tarfile.open(user.home / "a.tar") as tar:
        tar.extract("install.py", user.home, filter="data")
    return user.home / "a.tar", ended


async def test_what_is_packed_here_works_where_there_is_no_network(user: CommandLine) -> None:
    archive, packed = await pack(user, "--no-image")
    sha256 = packed.stdout.split("sha256 ")[1].split()[0]
    words = (sys.executable, "install.py", archive.name, "--into", "there", "--sha256", sha256)
    done = await asyncio.to_thread(cut_off, *words, home=user.home)
    assert done.returncode == 0, done.stderr
    glmcode = str(user.home / "there/bin/glmcode")
    checked = await asyncio.to_thread(
        cut_off, glmcode, "airgap", "check", "--json", "--sandbox", "none", "--base-url", "http://127.0.0.1:9/v1",
        home=user.home,
    )  # fmt: skip
    found = {check["name"]: check for check in json.loads(checked.stdout)["checks"]}
    assert {name: found[name]["status"] for name in ("packages", "token ranks", "demo")} == {
        "packages": "ok", "token ranks": "ok", "demo": "ok",
    }, checked.stdout + checked.stderr  # fmt: skip
    assert "connections: none" in found["demo"]["detail"]
    assert checked.returncode == 1 and found["connection"]["status"] == "missing"  # nobody answers on port 9
    # What was installed can be packed again, from its own files.
    again = CommandLine(user.home, program=(glmcode,))
    (user.home / "a.tar").rename(user.home / "first.tar")
    await pack(again, "--no-image")
    assert own_files(user.home / "a.tar") == own_files(user.home / "first.tar")
    (site,) = (user.home / "there/lib").glob("python3.*/site-packages")
    (site / "tiktoken").rename(user.home / "gone")
    checking = (glmcode, "airgap", "check", "--no-demo", "--sandbox", "none")
    broken = await asyncio.to_thread(cut_off, *checking, home=user.home)
    assert broken.returncode == 1 and "missing  packages" in broken.stdout and "Not ready" in broken.stdout


def own_files(archive: Path) -> set[str]:
    import io
    import zipfile

    with tarfile.open(archive) as tar:
        (name,) = [name for name in tar.getnames() if name.startswith("wheels/glmcode-")]
        stream = tar.extractfile(name)
        assert stream is not None
        with zipfile.ZipFile(io.BytesIO(stream.read())) as wheel:
            return set(wheel.namelist())


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    api: Any = connect()
    name, tag = "glmcode-airgap-test", uuid.uuid4().hex[:12]
    api.import_image_from_file(str(small_root(tmp_path / "r.tar", tag.encode())), repository=name, tag=tag)
    try:
        yield f"{name}:{tag}"
    finally:
        if api.images(name=f"{name}:{tag}"):
            api.remove_image(f"{name}:{tag}", force=True)
        api.close()


def connect() -> Any:
    from glmcode_sandbox.containers.docker_api import connect

    return connect()


@pytest.mark.docker
async def test_the_sandbox_image_travels_too(user: CommandLine, image: str) -> None:
    archive, _ = await pack(user, "--image", image)
    api = connect()
    try:
        before = api.inspect_image(image)["Id"]
        api.remove_image(image)
        kept = await user.run("airgap", "install", str(archive), "--into", "one", timeout_s=300)
        assert kept.code == 0 and f"loaded the image {image}" in kept.stderr, kept.stderr
        assert api.inspect_image(image)["Id"] == before
    finally:
        api.close()
    nobody = await CommandLine(user.home, {"DOCKER_HOST": "unix:///nowhere.sock"}).run(
        "airgap", "install", str(archive), "--into", "two", timeout_s=300
    )
    assert nobody.code == 0 and "docker load -i" in nobody.stderr
    assert (user.home / "two/image.tar").is_file()
