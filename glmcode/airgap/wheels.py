"""The wheels of an air-gap archive: glmcode's own, made from what is installed, and those it depends on."""

import base64
import csv
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from glmcode_sandbox.clean import one_line
from glmcode_sandbox.images.registry_settings import registry_settings

_TIMEOUT_S = 1200
_OF_INSTALLER = frozenset({"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_build.json", "uv_cache.json"})
_FIRST_TIME = (1980, 1, 1, 0, 0, 0)


class PackError(Exception):
    """The archive could not be packed; the text says what to do next."""


def collect_wheels(folder: Path, python: str, say: Callable[[str], None]) -> None:
    """Put the wheels of glmcode, of its dependencies and of pip into `folder`, for Python `python` on this platform.

    Uses this machine's package registry, with the settings that pip has. Raises PackError.
    """
    folder.mkdir()
    pip = _pip(folder.parent)
    own = _own_wheel(folder.parent, pip)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    version = () if python == here else ("--python-version", python)
    say(f"fetching the wheels for Python {python}")
    _run([*pip, "download", "--quiet", "--only-binary=:all:", *version, "--dest", str(folder), str(own), "pip"])


def _pip(folder: Path) -> list[str]:
    """The command of a pip: this interpreter's, or that of an environment made for it in `folder`."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    made = folder / "pip"
    try:
        _run([sys.executable, "-m", "venv", str(made)])
    except PackError as error:
        raise PackError(f"there is no pip here, and none could be made; install it (python3-pip): {error}") from None
    return [str(made / "bin/python"), "-m", "pip"]


def _own_wheel(folder: Path, pip: Sequence[str]) -> Path:
    distribution = importlib.metadata.distribution("glmcode")
    target = folder / "own"
    target.mkdir()
    if source := _editable_source(distribution):
        _run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(target), str(source)])
        (made,) = target.glob("glmcode-*.whl")
        return made
    return repack(distribution, target)


def _editable_source(distribution: importlib.metadata.Distribution) -> Path | None:
    """Where the sources are, if what is installed is only a pointer to them."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(str(origin["url"])).path))


def repack(distribution: importlib.metadata.Distribution, folder: Path) -> Path:
    """The wheel that a distribution was installed from, made again from its files.

    The form: https://packaging.python.org/specifications/binary-distribution-format/. Raises PackError.
    """
    tags = [line[5:] for line in (distribution.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: ")]
    if not tags or distribution.files is None:
        raise PackError("this installation does not say what belongs to it: install glmcode again, from a wheel")
    name, version = distribution.metadata["Name"].replace("-", "_"), distribution.version
    path = folder / f"{name}-{version}-{tags[0]}.whl"
    lines: list[tuple[str, str, int | str]] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in sorted(distribution.files):
            if ".." in file.parts or "__pycache__" in file.parts or file.name in _OF_INSTALLER:
                continue
            data = file.read_binary()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.append((str(file), f"sha256={digest}", len(data)))
            wheel.writestr(_entry(str(file)), data)
        record = f"{name}-{version}.dist-info/RECORD"
        table = io.StringIO()
        csv.writer(table, lineterminator="\n").writerows([*lines, (record, "", "")])
        wheel.writestr(_entry(record), table.getvalue())
    return path


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _FIRST_TIME)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return entry


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise PackError(f"pip did not end within {_TIMEOUT_S} s; is the registry reachable?") from None
    if done.returncode:
        # An address of a registry may hold a password.
        hidden = registry_settings().hidden
        lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        raise PackError(f"pip failed: {one_line(' / '.join(map(hidden, lines[-3:])), 600)}")
