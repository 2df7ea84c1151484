"""Installs the rig: SGLang in a venv of its own, and the tiny checkpoint beside it; what is there stays."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sglang_cpu.rig import ENVIRON, HERE, INSTALLED, SGLANG, TORCH, VENV, checkpoint_folder, digest, find_rig

PYTHON = VENV / "bin/python"


def install() -> None:
    """Make what is missing. Raises CalledProcessError, whose command has said on standard error what failed."""
    VENV.parent.mkdir(parents=True, exist_ok=True)
    with locked(VENV.parent / f".{VENV.name}.lock"):
        if find_rig() is not None:
            return
        install_sglang()
        make_checkpoint(checkpoint_folder())
        (VENV / INSTALLED).write_text(digest("requirements.txt"), "utf-8")


def install_sglang() -> None:
    """The venv and what is in it. A venv that was cut short is gone on with."""
    if not (VENV / "bin/pip").exists():
        run(sys.executable, "-m", "venv", VENV)
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # By pip, which takes the CPU wheel where that is what the machine's index offers; uv fetches gigabytes of CUDA.
    run(*pip, f"torch=={TORCH}")
    if uv := shutil.which("uv"):
        pip = [uv, "pip", "install", "--quiet", "--python", PYTHON]
    run(*pip, "-r", HERE / "requirements.txt")
    # Its own list asks for the GPU parts, which are gigabytes and of no use here.
    run(*pip, "--no-deps", f"sglang=={SGLANG}")


def make_checkpoint(folder: Path) -> None:
    """The checkpoint, under its name only when it is whole."""
    if folder.is_dir():
        return
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".tiny-glm-") as making:
        run(PYTHON, HERE / "checkpoint.py", Path(making) / "made")
        (Path(making) / "made").rename(folder)


def run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True, env={**os.environ, **ENVIRON}, stdout=sys.stderr)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the others wait."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    began = time.monotonic()
    try:
        install()
    except subprocess.CalledProcessError as error:
        sys.exit(f"the SGLang rig was not installed: {error.cmd[0]} exited {error.returncode}, see above")
    print(f"the SGLang rig is in {VENV} ({time.monotonic() - began:.0f} s)")
