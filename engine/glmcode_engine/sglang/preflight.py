"""Checks before a start that takes minutes: SGLang and its version, the checkpoint, the port, the room."""

import asyncio
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glmcode_engine.untrusted import one_line

INSTALL = "pip install 'glmcode[sglang]', or pass --sglang-python PYTHON of an environment that has sglang"
_ASK = (
    "import importlib.metadata as m, json; d = m.distribution('sglang'); f = d.files; "
    "print(json.dumps([d.version, f is None or any(p.name == 'server_args_config_parser.py' for p in f)]))"
)
_REPO_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
_TRUE = frozenset({"1", "on", "yes", "true"})
_OURS_ALONE = ("--api-key", "--admin-api-key", "--config", "--host", "--port")


class ServeError(Exception):
    """The embedded server cannot be had. The text is one harmless line: what happened, and what to do next."""


@dataclass(frozen=True, slots=True)
class Installed:
    """An SGLang that can be started."""

    python: str
    version: str


async def find_sglang(given: str | None) -> Installed:
    """SGLang in the given interpreter, else in this one; asked by its metadata, which is cheap. Raises ServeError."""
    if given is None and importlib.util.find_spec("sglang") is None:
        raise ServeError(f"SGLang is not installed here: {INSTALL}")
    python = given or sys.executable
    found = shutil.which(Path(python).expanduser())
    if found is None:
        raise ServeError(f"--sglang-python {one_line(python)}: no such program")
    try:
        # Not resolved: the link in a virtual environment is what makes it one.
        asked = await asyncio.to_thread(_run, [str(Path(found).absolute()), "-c", _ASK])
        version, reads_config = json.loads(asked)
    except (OSError, ValueError, subprocess.SubprocessError):
        raise ServeError(f"{one_line(python)} has no sglang: {INSTALL}") from None
    if not reads_config:
        shown = one_line(str(version))
        raise ServeError(f"SGLang {shown} takes its key only where all can read it; install 0.5.4 or later")
    return Installed(str(Path(found).absolute()), str(version))


def check_model(model: str, environ: Mapping[str, str]) -> str:
    """The checkpoint to serve: a whole path, or a name at Hugging Face. Raises ServeError."""
    path = Path(model).expanduser()
    shown = one_line(model)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ServeError(f"--model-path {shown}: this folder has no config.json, so it is no checkpoint")
        return str(path.resolve())
    if path.exists() or not _REPO_ID.fullmatch(model):
        raise ServeError(f"--model-path {shown}: no such folder; pass a checkpoint's folder or its name, OWNER/NAME")
    offline = any(environ.get(name, "").lower() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    if offline and not cached(model, environ):
        raise ServeError(f"{shown} is not in the Hugging Face cache, and HF_HUB_OFFLINE forbids to download it")
    return model


def cached(model: str, environ: Mapping[str, str]) -> bool:
    """Whether a checkpoint of Hugging Face is on this machine (layout: huggingface.co/docs/huggingface_hub)."""
    home = environ.get("HF_HOME") or os.path.join(environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")  # noqa: PTH118
    cache = Path(environ.get("HF_HUB_CACHE") or f"{home}/hub").expanduser()
    return any(cache.glob(f"models--{model.replace('/', '--')}/snapshots/*/config.json"))


def check_flags(extra: Sequence[str]) -> None:
    """Further flags for SGLang may not undo what keeps the server private. Raises ServeError."""
    for word in extra:
        flag = word.partition("=")[0].replace("_", "-")
        if flag in _OURS_ALONE:
            raise ServeError(f"{flag} cannot be passed on: the server listens on loopback with a key of its own")


def free_port(wanted: int) -> int:
    """This port, or any free one for 0. Raises ServeError where it is taken: SGLang finds out only after loading."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
            probe.listen()
        except OSError as error:
            raise ServeError(f"port {wanted} is taken ({error.strerror}); choose another with --port") from None
        return int(probe.getsockname()[1])


def warnings(model: str) -> list[str]:
    """What may go wrong for lack of room; a line each."""
    path = Path(model)
    found = []
    if path.is_dir():
        size = sum(file.stat().st_size for file in path.glob("*.safetensors"))
        memory = _memory_bytes()
        if memory is not None and memory < size:
            found.append(
                f"the weights have {size / 1e9:.0f} GB, this machine's memory {memory / 1e9:.0f}; that may fail"
            )
    elif shutil.disk_usage(Path.home()).free < 50e9:
        found.append("less than 50 GB are free in the home folder, which may be too little for the download")
    shm = Path("/dev/shm")
    if shm.is_dir() and shutil.disk_usage(shm).total < 1e9:
        found.append("/dev/shm is smaller than 1 GB; servers with several GPUs need more (docker: --shm-size 32g)")
    return found


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None


def _run(argv: list[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True, stdin=subprocess.DEVNULL).stdout
