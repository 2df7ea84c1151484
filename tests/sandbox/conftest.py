import hashlib
import io
import json
import os
import sys
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from glmcode_sandbox.base import Mount, NoSandboxError, SandboxKind
from glmcode_sandbox.containers.container_plan import MOUNTS_LABEL
from glmcode_sandbox.containers.daemon import probe_daemon
from glmcode_sandbox.open import open_sandbox, probe
from glmcode_sandbox.posix import PosixSandbox
from tests.sandbox.entering import OVERLAY, Shape
from tests.sandbox.opening import CONFINED, KINDS, Opener

_FOLDERS = ("usr", "etc", "tmp", "home", "root", "proc", "sys", "dev", "run", "var")
_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = ("passwd", "group", "ld.so.cache", "alternatives", "nsswitch.conf")


def _skeleton() -> bytes:
    """A root folder that is empty but for what the host's /usr needs to work when it is mounted."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in _FOLDERS:
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(info)
        for path in (Path("/", name) for name in _LINKS):
            if path.exists():
                tar.add(path, path.name, recursive=False)
        for path in (Path("/etc", name) for name in _ETC):
            if path.exists():
                tar.add(path, f"etc/{path.name}")
    return stream.getvalue()


@pytest.fixture(scope="session")
def docker_image() -> str:
    """An image that borrows the host's programs; made once and kept, since making it takes a second."""
    result = probe_daemon("none")
    if not result.daemon:
        pytest.skip(f"no Docker daemon: {result.problem}")
    prefix = [] if Path(sys.base_prefix).is_relative_to("/usr") else [sys.base_prefix]
    folders = [
        "/usr",
        *(f"/{name}" for name in _LINKS if Path("/", name).is_dir() and not Path("/", name).is_symlink()),
    ]
    mounts = json.dumps([*folders, *prefix])
    image = "glmcode-test-sbx:" + hashlib.sha256((Path(__file__).read_text() + mounts).encode()).hexdigest()[:12]
    if not probe_daemon(image).image:
        from glmcode_sandbox.containers.docker_api import connect

        api = connect()
        try:
            name, tag = image.split(":")
            api.import_image_from_data(
                _skeleton(), repository=name, tag=tag, changes=[f"LABEL {MOUNTS_LABEL}={mounts!r}"]
            )
        finally:
            api.close()
    return image


@pytest.fixture
def secret_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A key in our own environment, as the user's would be."""
    secret = "sk-" + os.urandom(12).hex()
    for name in ("ZAI_API_KEY", "GLMCODE_API_KEY", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, secret)
    yield secret


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder with a file and a `.git` folder."""
    folder = tmp_path / "work space"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text("[core]\n")
    (folder / "a.txt").write_text("hello\n")
    return folder


@pytest.fixture(params=["direct", "copy", OVERLAY])
def mode(request: pytest.FixtureRequest) -> Shape:
    """A workspace of each shape."""
    return cast(Shape, request.param)


@pytest.fixture(params=["copy", OVERLAY])
def isolated(request: pytest.FixtureRequest) -> Shape:
    """A workspace of each shape that leaves the repository alone."""
    return cast(Shape, request.param)


@pytest.fixture
async def open_place(request: pytest.FixtureRequest, workspace: Path, tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens started sandboxes around `workspace`, its `.git` read-only where that can be, and closes them."""
    opened: list[PosixSandbox] = []

    async def open_one(kind: str, **settings: Any) -> PosixSandbox:
        mounts = [Mount(workspace, str(workspace)), Mount(workspace / ".git", f"{workspace}/.git", read_only=True)]
        owner = (workspace.stat().st_uid, workspace.stat().st_gid)
        if kind == "docker":
            settings = {"image": request.getfixturevalue("docker_image"), **settings}
        elif kind == "bwrap":
            try:
                await probe("bwrap")
            except NoSandboxError as error:
                pytest.skip(str(error))
        made = await open_sandbox(
            cast(SandboxKind, kind),
            mounts=mounts,
            workdir=str(workspace),
            owner=owner,
            **{"spill_dir": tmp_path / "spill", **settings},
        )
        assert isinstance(made, PosixSandbox)
        opened.append(made)
        await made.start()
        return made

    yield open_one
    for sandbox in opened:
        await sandbox.close()


@pytest.fixture(params=KINDS)
async def sandbox(request: pytest.FixtureRequest, open_place: Opener) -> PosixSandbox:
    """One started sandbox of each kind."""
    return await open_place(request.param)


@pytest.fixture(params=CONFINED)
async def confined(request: pytest.FixtureRequest, secret_environment: str, open_place: Opener) -> PosixSandbox:
    """One started sandbox of each kind that keeps commands away from the host, opened with keys around it."""
    return await open_place(request.param)
