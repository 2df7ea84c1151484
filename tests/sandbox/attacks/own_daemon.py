"""A Docker daemon of a test's own, in a network namespace of its own, that may be restarted or killed."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

# Without a network namespace of its own, a second daemon would delete the bridge of the first.
_START = """exec unshare -n dockerd -H unix://{0}/d.sock --data-root {0}/data --exec-root {0}/exec --pidfile {0}/pid \
--bridge none --iptables=false >>{0}/log 2>&1
"""
_UP_S = 30.0


@contextmanager
def own_daemon(folder: Path) -> Iterator[Path]:
    """A running daemon below `folder`, whose path must be short: `start` starts it anew, `pid` holds its process id."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("a second dockerd needs root")
    folder.mkdir(parents=True)
    (folder / "start").write_text(_START.format(folder))
    subprocess.Popen(["sh", str(folder / "start")], start_new_session=True)
    try:
        _wait(folder)
        yield folder
    finally:
        with suppress(OSError, ValueError):
            os.kill(int((folder / "pid").read_text()), signal.SIGTERM)
        deadline = time.monotonic() + _UP_S
        while (folder / "pid").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        for mount in sorted(_mounts(folder), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def make_image(folder: Path, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image of this host in that daemon."""
    from glmcode_sandbox.image import build_image

    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/d.sock")
    asyncio.run(build_image("host", tag=tag, on_line=print))


def _wait(folder: Path) -> None:
    deadline = time.monotonic() + _UP_S
    command = ["docker", "-H", f"unix://{folder}/d.sock", "version"]
    while subprocess.run(command, capture_output=True, check=False).returncode != 0:
        if time.monotonic() > deadline:
            pytest.fail(f"dockerd did not start: {(folder / 'log').read_text()[-500:]}")
        time.sleep(0.2)


def _mounts(folder: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [words[4] for words in map(str.split, lines) if words[4].startswith(f"{folder}/")]
