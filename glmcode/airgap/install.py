"""Installs glmcode from an air-gap archive. It is in the archive too, and then runs alone: standard library only.

tar xf ARCHIVE install.py && python3 install.py ARCHIVE --into DIR
"""

import argparse
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST, INSTALLER, IMAGE = "manifest.json", "install.py", "image.tar"
VERSION = 1

_MEMBER = re.compile(r"install\.py|image\.tar|wheels/[A-Za-z0-9][A-Za-z0-9._+!-]{0,200}\.whl", re.ASCII)
_IMAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,254}", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,99}", re.ASCII)
_MAX_MEMBERS = 2000
_MAX_MANIFEST_BYTES = 4 * 1024**2
_SOCKET = "/var/run/docker.sock"

Say = Callable[[str], None]


class InstallError(Exception):
    """The archive cannot be used or installed; the text says what to do next."""


@dataclass(frozen=True)
class Member:
    """One file of the archive."""

    name: str
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What the archive holds, and for which machines."""

    glmcode: str
    """Version."""
    python: str
    """`3.11`: the interpreter that the wheels are for."""
    platform: str
    """As of sysconfig.get_platform()."""
    image: str | None
    """The name of the sandbox image; None where none is in it."""
    members: tuple[Member, ...]
    """Every file but the manifest itself."""

    def as_json(self) -> str:
        values = {name: getattr(self, name) for name in ("glmcode", "python", "platform", "image")}
        members = [{"name": m.name, "size": m.size, "sha256": m.sha256} for m in self.members]
        return json.dumps({"kind": "airgap_archive", "v": VERSION, **values, "members": members}, indent=1) + "\n"


def parse_manifest(text: bytes) -> Manifest:
    """Raises InstallError for anything but a manifest of this version."""
    try:
        values = json.loads(text)
        if values["kind"] != "airgap_archive" or values["v"] != VERSION:
            raise ValueError("another kind or version")
        members = tuple(Member(str(m["name"]), int(m["size"]), str(m["sha256"])) for m in values["members"])
        image = values["image"]
        plain = [str(values[name]) for name in ("glmcode", "python", "platform")]
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        raise InstallError(f"the manifest cannot be read ({type(error).__name__}): pack the archive again") from None
    if not all(_PLAIN.fullmatch(word) for word in plain) or not (image is None or _IMAGE_NAME.fullmatch(str(image))):
        raise InstallError("the manifest holds names that cannot be: pack the archive again")
    return Manifest(plain[0], plain[1], plain[2], None if image is None else str(image), members)


@contextmanager
def opened(archive: Path) -> Iterator[tuple[tarfile.TarFile, Manifest]]:
    """The archive with its manifest; its names, kinds and sizes are checked, its contents are not yet.

    Raises InstallError.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            entries = {entry.name: entry for _, entry in zip(range(_MAX_MEMBERS + 1), tar, strict=False)}
            yield tar, _checked(tar, entries)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InstallError(f"{archive} cannot be read: {error}") from None


def _checked(tar: tarfile.TarFile, entries: dict[str, tarfile.TarInfo]) -> Manifest:
    listed = entries.pop(MANIFEST, None)
    if listed is None or not listed.isreg() or listed.size > _MAX_MANIFEST_BYTES:
        raise InstallError(f"the archive holds no {MANIFEST}: it is not one of glmcode airgap pack")
    manifest = parse_manifest(_content(tar, listed))
    names = [member.name for member in manifest.members]
    if len(set(names)) != len(names) or len(tar.getmembers()) != len(names) + 1 or set(names) != set(entries):
        raise InstallError("the archive does not hold exactly what its manifest lists: copy it again")
    for member in manifest.members:
        entry = entries[member.name]
        if not _MEMBER.fullmatch(member.name) or not entry.isreg() or entry.size != member.size:
            raise InstallError(f"the archive holds {member.name!r}, which it must not: do not use it")
    if (manifest.image is not None) != (IMAGE in entries):
        raise InstallError("the manifest and the archive do not agree about an image: copy it again")
    return manifest


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(entry)
    return stream.read() if stream else b""


def unpack(archive: Path, folder: Path) -> Manifest:
    """Write the members below `folder`, each compared with its hash. Raises InstallError and leaves the rest to you."""
    with opened(archive) as (tar, manifest):
        for member in manifest.members:
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            stream, digest = tar.extractfile(member.name), hashlib.sha256()
            assert stream is not None, "checked to be a regular file"
            with target.open("xb") as out:
                while chunk := stream.read(1024**2):
                    digest.update(chunk)
                    out.write(chunk)
            if digest.hexdigest() != member.sha256:
                raise InstallError(f"{member.name} is not what was packed: copy the archive again")
    return manifest


def install(archive: Path, into: Path, say: Say, *, sha256: str | None = None, image: bool = True) -> Manifest:
    """Make a Python environment at `into`, install glmcode in it without a network, and load the sandbox image.

    Everything is compared with its hash before anything is used. Raises InstallError; then nothing is left at `into`.
    """
    if sha256 is not None and digest_of(archive) != sha256.strip().lower():
        raise InstallError(f"{archive} has another sha256 than the one you gave: copy it again")
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise InstallError(f"{into} is there already: name a new or empty folder")
    with opened(archive) as (_, manifest):
        _check_machine(manifest)
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".glmcode-unpack-", dir=into.parent) as scratch:
            manifest = unpack(archive, Path(scratch))
            say(f"{len(manifest.members)} files are what was packed")
            _install_wheels(Path(scratch), into, manifest)
            say(f"installed: {into}/bin/glmcode {manifest.glmcode}")
            if manifest.image is not None and image:
                say(_load_image(Path(scratch) / IMAGE, manifest.image, into))
    except BaseException as error:
        shutil.rmtree(into, ignore_errors=True)
        if isinstance(error, OSError):
            raise InstallError(f"{error.filename or into}: {error.strerror or error}") from None
        raise
    say(f"prove it: {into}/bin/glmcode airgap check")
    return manifest


def digest_of(path: Path) -> str:
    """The sha256 of a file. Raises InstallError."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InstallError(f"{path} cannot be read: {error.strerror}") from None


def _check_machine(manifest: Manifest) -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if manifest.python != here:
        raise InstallError(f"the archive is for Python {manifest.python}, this is {here}: run python{manifest.python}")
    if manifest.platform != sysconfig.get_platform():
        raise InstallError(f"the archive is for {manifest.platform}, this machine is {sysconfig.get_platform()}")


def _install_wheels(folder: Path, into: Path, manifest: Manifest) -> None:
    wheels = folder / "wheels"
    pip = sorted(wheels.glob("pip-*.whl"))
    if not pip:
        raise InstallError("the archive holds no pip: pack it again")
    # pip comes from the archive: distributions leave ensurepip out.
    _run([sys.executable, "-m", "venv", "--without-pip", str(into)])
    install_words = ("install", "--isolated", "--no-index", "--find-links", str(wheels), "--no-cache-dir")
    _run([str(into / "bin/python"), f"{pip[0]}/pip", *install_words, "--quiet", f"glmcode=={manifest.glmcode}"])


def _run(command: list[str]) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_"))}
    done = subprocess.run(
        command, env=kept, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        lines = [_plain(line) for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
        raise InstallError(f"{' '.join(command[1:3])} failed: {' / '.join(lines[-3:])}")


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:300]


def _load_image(tar: Path, name: str, into: Path) -> str:
    """Load it, if that is the one image in it; says what happened. Raises InstallError for an image that may not be."""
    _check_image(tar, name)
    host = os.environ.get("DOCKER_HOST") or f"unix://{_SOCKET}"
    connection = http.client.HTTPConnection("docker", timeout=900)
    try:
        if not host.startswith("unix://"):
            raise OSError("DOCKER_HOST is no unix socket")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(host.removeprefix("unix://"))
        with tar.open("rb") as stream:
            headers = {"Content-Type": "application/x-tar", "Content-Length": str(tar.stat().st_size)}
            connection.request("POST", "/images/load?quiet=1", body=stream, headers=headers)
            answer = connection.getresponse()
            said = answer.read(65536).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        kept = into / IMAGE
        shutil.move(tar, kept)
        return f"the image is not loaded, no Docker daemon answers ({_plain(str(error))}): docker load -i {kept}"
    finally:
        connection.close()
    if answer.status != 200 or '"error"' in said:
        raise InstallError(f"the Docker daemon refused the image: {_plain(said)}")
    return f"loaded the image {name}"


def _check_image(tar: Path, name: str) -> None:
    """An archive must not put another image under a name that is in use."""
    try:
        with tarfile.open(tar, "r:") as saved:
            described: Any = json.loads(_content(saved, saved.getmember("manifest.json")))
            names = [tag for each in described for tag in each.get("RepoTags") or ()]
    except (tarfile.TarError, KeyError, ValueError, TypeError, AttributeError, OSError) as error:
        raise InstallError(f"the image in the archive cannot be read ({type(error).__name__})") from None
    if names != [name]:
        raise InstallError("the image in the archive has other names than the manifest says: do not use it")


def main(arguments: list[str] | None = None) -> int:
    """The command line of the copy in the archive."""
    parser = argparse.ArgumentParser(description="Installs glmcode from an air-gap archive, without a network.")
    parser.add_argument("archive", type=Path)
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="a new folder for it")
    parser.add_argument("--sha256", metavar="HEX", help="of the archive, as it was told when it was packed")
    parser.add_argument("--no-image", action="store_true", help="leave the sandbox image out")
    given = parser.parse_args(arguments)
    try:
        install(given.archive, given.into.absolute(), print, sha256=given.sha256, image=not given.no_image)
    except InstallError as error:
        print(f"glmcode: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
