"""Source distributions from the package registry: fetched with pip, checked, unpacked, put under git."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

DOWNLOAD_TIMEOUT_S = 180


class NoRegistry(Exception):
    """No package can be fetched here; the text says why."""


def fetch_sdist(name: str, version: str, sha256: str, cache_folder: Path) -> Path:
    """The source distribution, from the cache or the registry. Raises NoRegistry."""
    folder = cache_folder / f"{name}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder / "lock"):
        found = list(folder.glob("*.tar.gz"))
        if not found:
            _download(f"{name}=={version}", name, sha256, folder)
            found = list(folder.glob("*.tar.gz"))
    if len(found) != 1:
        raise NoRegistry(f"pip brought {len(found)} archives of {name} {version} instead of one")
    actual = hashlib.sha256(found[0].read_bytes()).hexdigest()
    assert actual == sha256, f"{found[0].name} has sha256 {actual}, not {sha256}"
    return found[0]


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack and return the one folder inside. The data filter keeps every member below `folder`."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (top,) = folder.iterdir()
    return top


def commit_all(folder: Path) -> str:
    """Make a git repository with one commit of everything that is not ignored; returns the commit."""
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Import the source distribution")
    return git(folder, "rev-parse", "HEAD").strip()


def git(folder: Path, *arguments: str) -> str:
    """Run git without the configuration of whoever runs the tests; returns what it printed."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.org",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.org",
    }
    done = subprocess.run(["git", "-C", str(folder), *arguments], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def _download(requirement: str, name: str, sha256: str, folder: Path) -> None:
    """Let pip fetch it, so that its configuration (index, proxy, certificates) holds. It must match the hash."""
    pip = _pip()
    if pip is None:
        raise NoRegistry("no pip here to fetch source distributions with")
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    command = [*pip, "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", name]
    command += ["--retries", "1", "--require-hashes", "--dest", str(folder), "--requirement", str(wanted)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise NoRegistry(f"pip did not bring {requirement} within {DOWNLOAD_TIMEOUT_S} s") from None
    assert "DO NOT MATCH THE HASHES" not in done.stderr, done.stderr
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NoRegistry(f"pip cannot fetch {requirement}: {last}")


@cache
def _pip() -> tuple[str, ...] | None:
    """A python that has pip: a virtual environment made by uv has none, the interpreter below it usually has."""
    for python in (sys.executable, str(Path(sys.base_prefix) / "bin/python3"), shutil.which("python3")):
        if python and _has_pip(python):
            return python, "-m", "pip"
    return None


def _has_pip(python: str) -> bool:
    try:
        return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One process at a time: workers of one test run share the cache."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
