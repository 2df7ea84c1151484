"""Images from the host, from a tar and from a registry, with a real daemon."""

import asyncio
import io
import os
import re
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glmcode_sandbox.base import NoSandboxError
from glmcode_sandbox.image import BuiltImage, ImageError, build_image, quoted
from glmcode_sandbox.images.skeleton import make_skeleton
from glmcode_sandbox.open import open_sandbox


@pytest.fixture
def tag() -> Iterator[str]:
    name = f"glmcode-image-test:{uuid.uuid4().hex[:12]}"
    yield name
    from docker.errors import ImageNotFound

    api = daemon()
    try:
        api.remove_image(name, force=True)
    except ImageNotFound:
        pass
    finally:
        api.close()


def daemon() -> Any:
    from glmcode_sandbox.containers.docker_api import connect

    return connect()


def root_of(image: BuiltImage) -> dict[str, tarfile.TarInfo]:
    api = daemon()
    try:
        container = api.create_container(image.tag, ["sh"])["Id"]
        try:
            stream = io.BytesIO(b"".join(api.export(container)))
        finally:
            api.remove_container(container)
    finally:
        api.close()
    with tarfile.open(fileobj=stream) as tar:
        return {entry.name: entry for entry in tar}


@pytest.mark.docker
async def test_an_image_from_the_host_runs_its_programs_and_holds_no_secret(tag: str, tmp_path: Path) -> None:
    lines: list[str] = []
    image = await build_image("host", tag=tag, on_line=lines.append)
    assert image.missing == ()
    assert image.size_bytes < 10_000_000
    assert "/usr" in image.host_mounts
    await asyncio.sleep(0)
    assert lines
    names = root_of(image)
    assert not {name for name in names if "shadow" in name or "private" in name or name.startswith("etc/ssh")}
    (tmp_path / "w").mkdir()
    (tmp_path / "w").chmod(0o777)
    sandbox = await open_sandbox("docker", mounts=(), workdir="/tmp", owner=(4321, 4321), image=tag)
    try:
        await sandbox.start()
        result = await sandbox.exec("set -e; id -u; git --version; python3 -c 'import ssl, json'; getent passwd root")
    finally:
        await sandbox.close()
    assert result.exit_code == 0, result.output
    assert result.output.startswith(b"4321\ngit version")
    assert b"root:x:0:0:" in result.output


def test_the_skeleton_shows_no_hash_and_no_real_name() -> None:
    with tarfile.open(fileobj=io.BytesIO(make_skeleton())) as tar:
        passwd = tar.extractfile("etc/passwd")
        assert passwd is not None
        for line in passwd.read().decode().splitlines():
            assert re.fullmatch(r"[^:]*:x:\d+:\d+::[^:]*:[^:]*", line)
        modes = {entry.name: entry.mode for entry in tar if entry.isdir()}
    assert modes["tmp"] == 0o1777
    assert modes["root"] == 0o755


@pytest.mark.docker
async def test_the_image_built_last_takes_the_name_and_the_one_before_goes(tag: str, tmp_path: Path) -> None:
    first = await build_image("rootfs", rootfs=small_root(tmp_path / "a.tar", b"one"), tag=tag, on_line=print)
    second = await build_image("rootfs", rootfs=small_root(tmp_path / "b.tar", b"two"), tag=tag, on_line=print)
    api = daemon()
    try:
        assert first.image_id != second.image_id == api.inspect_image(tag)["Id"]
        assert not [image for image in api.images(all=True) if image["Id"] == first.image_id]
    finally:
        api.close()


@pytest.mark.docker
@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tar.xz"])
async def test_a_root_file_system_in_a_tar_is_taken_and_what_is_missing_is_told(
    tag: str, tmp_path: Path, ending: str
) -> None:
    lines: list[str] = []
    tar = small_root(tmp_path / f"root.{ending}", b"x")
    image = await build_image("rootfs", rootfs=tar, tag=tag, on_line=lines.append)
    await asyncio.sleep(0)
    assert image.missing == ("git",)
    assert image.host_mounts == ()
    assert lines == ["missing in the image: git"]


@pytest.mark.docker
@pytest.mark.parametrize("content", [b"", b"not a tar at all", None])
async def test_a_tar_that_is_none_is_refused(tag: str, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "root.tar"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError, match=r"not a file|cannot be read as a tar|no bin/sh"):
        await build_image("rootfs", rootfs=path, tag=tag, on_line=print)


@pytest.mark.docker
async def test_a_root_of_another_processor_is_told(tag: str, tmp_path: Path) -> None:
    path = tmp_path / "root.tar"
    with tarfile.open(path, "w") as tar:
        add(tar, "bin/sh", b"\x7fELF\2\1\1" + b"\0" * 60)
    with pytest.raises(ImageError, match="no shell runs"):
        await build_image("rootfs", rootfs=path, tag=tag, on_line=print)


@pytest.mark.docker
async def test_without_a_registry_the_other_ways_are_named(
    tag: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    api = daemon()
    known = api.images(name="debian:bookworm-slim", quiet=True)
    api.close()
    if known:
        pytest.skip("the base image is here, so no registry is asked")
    try:
        built = await build_image("registry", tag=tag, on_line=print)
    except ImageError as error:
        assert "--from-host" in str(error)
        assert "--from-rootfs" in str(error)
    else:
        assert built.missing == ()


async def test_without_a_daemon_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(NoSandboxError, match="no Docker daemon answers"):
        await build_image("host", tag="glmcode-image-test:none", on_line=print)


@pytest.mark.parametrize("value", ['["/usr", "/a b"]', '$HOME \\ "x"', "'single'"])
@pytest.mark.docker
async def test_labels_arrive_as_they_are(tag: str, tmp_path: Path, value: str) -> None:
    api = daemon()
    try:
        stream = small_root(tmp_path / "r.tar", value.encode()).read_bytes()
        answer = api.import_image_from_data(stream, changes=[f"LABEL glmcode.x={quoted(value)}"])
        image = re.findall(r"sha256:[0-9a-f]{64}", answer)[-1]
        try:
            assert api.inspect_image(image)["Config"]["Labels"]["glmcode.x"] == value
        finally:
            api.remove_image(image)
    finally:
        api.close()


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o755
    tar.addfile(info, io.BytesIO(content))


def small_root(path: Path, salt: bytes, *more: str) -> Path:
    """A root file system of the host's shell and a few more programs with their libraries; without git."""
    files: set[str] = set()
    for tool in ("sh", "setsid", "base64", "realpath", *more):
        program = f"/usr/bin/{tool}" if Path(f"/usr/bin/{tool}").exists() else f"/bin/{tool}"
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        files |= {program, *re.findall(r"(/\S+) \(0x", listed)}
    compression = path.suffix.removeprefix(".")
    with tarfile.open(path, f"w:{compression if compression in ('gz', 'xz') else ''}") as tar:  # type: ignore[call-overload]
        for name in sorted(files):
            target = name if not name.startswith("/usr/bin/") else f"/bin/{os.path.basename(name)}"  # noqa: PTH119
            add(tar, f".{target}", Path(name).read_bytes())
        add(tar, "./salt", salt)
    return path
