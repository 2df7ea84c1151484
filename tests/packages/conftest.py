"""What the package tests share: a cache of source distributions and a sandbox image of their own."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from docker import DockerClient


@pytest.fixture(scope="session")
def sdist_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of a run; set GLMCODE_TEST_SDISTS to keep it between runs."""
    kept = os.environ.get("GLMCODE_TEST_SDISTS")
    if kept:
        return Path(kept)
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return shared / "sdists"


@pytest.fixture(scope="session")
def sandbox_image() -> Iterator[str]:
    """An image built from this host, one a worker, gone at the end with the setup layers on top of it."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        pytest.skip(f"no Docker daemon answers: {error}")
    tag = f"glmcode-packages-test:{os.getpid()}"
    asyncio.run(_build(tag))
    try:
        yield tag
    finally:
        _remove(client, tag)
        client.close()


async def _build(tag: str) -> None:
    from glmcode_sandbox.image import build_image

    await build_image("host", tag=tag, on_line=print)


def _remove(client: "DockerClient", tag: str) -> None:
    base = client.images.get(tag)
    for image in client.images.list(all=True):
        if image.attrs.get("Parent") == base.id:
            client.images.remove(str(image.id), force=True)
    client.images.remove(tag, force=True)
