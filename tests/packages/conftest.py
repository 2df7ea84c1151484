"""What the package tests share: a cache of source distributions and a sandbox image of their own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import host_image


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
    with host_image("glmcode-packages-test") as tag:
        yield tag
