"""Packs everything that a machine without a network needs into one archive."""

import io
import json
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from glmcode import __version__
from glmcode.airgap import install
from glmcode.airgap.install import IMAGE, INSTALLER, MANIFEST, Manifest, Member, digest_of
from glmcode.airgap.wheels import PackError, collect_wheels
from glmcode_sandbox.containers.container_plan import MOUNTS_LABEL
from glmcode_sandbox.containers.docker_api import connect, told

_CHUNK = 1024**2


@dataclass(frozen=True, slots=True)
class Packed:
    """An archive that was written."""

    path: Path
    size: int
    """Bytes."""
    sha256: str
    manifest: Manifest


def pack(out: Path, image: str | None, python: str, say: Callable[[str], None]) -> Packed:
    """Write the archive to `out`, in one step; `image` is the sandbox image in it, None for none.

    Blocks for minutes, and uses the package registry of this machine. Raises PackError, SandboxError.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".glmcode-pack-", dir=out.parent) as scratch:
            folder = Path(scratch)
            if image is not None:
                say(f"saving the image {image}")
                save_image(image, folder / IMAGE)
            collect_wheels(folder / "wheels", python, say)
            (folder / INSTALLER).write_bytes(Path(install.__file__).read_bytes())
            names = [name for name in (INSTALLER, IMAGE) if (folder / name).exists()]
            names += [f"wheels/{path.name}" for path in sorted((folder / "wheels").glob("*.whl"))]
            manifest = write_archive(folder, names, folder / "archive", image=image, python=python)
            (folder / "archive").replace(out)
    except OSError as error:
        raise PackError(f"{error.filename or out}: {error.strerror}; name another file with --out") from None
    return Packed(out, out.stat().st_size, digest_of(out), manifest)


def write_archive(folder: Path, names: list[str], out: Path, *, image: str | None, python: str) -> Manifest:
    """Put the files `names` of `folder` into an archive, behind the manifest that describes them."""
    members = tuple(Member(name, (folder / name).stat().st_size, digest_of(folder / name)) for name in names)
    manifest = Manifest(__version__, python, sysconfig.get_platform(), image, members)
    with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
        text = manifest.as_json().encode()
        tar.addfile(_entry(MANIFEST, len(text)), io.BytesIO(text))
        for member in members:
            with (folder / member.name).open("rb") as stream:
                tar.addfile(_entry(member.name, member.size), stream)
    return manifest


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def save_image(image: str, path: Path) -> None:
    """Write an image of the daemon as a tar. Raises PackError for one that needs this machine, SandboxError."""
    with told(image):
        api = connect()
        api.timeout = 900
        try:
            found = api.inspect_image(image)
            if json.loads((found["Config"].get("Labels") or {}).get(MOUNTS_LABEL) or "[]"):
                raise PackError(
                    f"the image {image} borrows this machine's own programs, so it cannot travel: make one with "
                    "`glmcode sandbox build` or `glmcode sandbox build --from-rootfs TAR`, or pack with --no-image"
                )
            with path.open("wb") as stream:
                for chunk in api.get_image(image, chunk_size=_CHUNK):
                    stream.write(chunk)
        finally:
            api.close()
