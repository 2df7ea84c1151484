"""Building the sandbox image: from a registry, from this host's own programs, or from a root file system in a tar."""

import asyncio
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.containers import reaper
from glmcode_sandbox.containers.container_plan import MOUNTS_LABEL, PATH_LABEL, host_mounts
from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE
from glmcode_sandbox.containers.docker_api import connect, told
from glmcode_sandbox.images.registry_settings import proxy_environment
from glmcode_sandbox.images.skeleton import host_mounts as skeleton_mounts
from glmcode_sandbox.images.skeleton import make_skeleton, program_folder

ImageSource = Literal["registry", "host", "rootfs"]
LineSink = Callable[[str], None]

SOURCE_LABEL = "glmcode.source"
NEEDED = ("sh", "setsid", "base64", "realpath", "git")
"""Programs without which the sandbox or its tools do not work."""
_TRIED = "all-tried"
_WIDTH = 500
_API_TIMEOUT_S = 600
_OTHER_WAYS = "build without a registry: `glmcode sandbox build --from-host`, or `--from-rootfs TAR`"


class ImageError(SandboxError):
    """The image could not be built. The text says why and what to do next."""


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that was built."""

    tag: str
    image_id: str
    source: ImageSource
    size_bytes: int
    seconds: float
    host_mounts: tuple[str, ...]
    """Folders of the host that are mounted into it read-only."""
    missing: tuple[str, ...]
    """Programs of `NEEDED` that do not run in it."""


async def build_image(
    source: ImageSource,
    *,
    rootfs: Path | None = None,
    tag: str = DEFAULT_IMAGE,
    make_default: bool = False,
    on_line: LineSink,
) -> BuiltImage:
    """Build an image, try the programs that are needed in it, and name it `tag`.

    `rootfs` is the tar (plain, gz, xz or bz2) for the source `rootfs`. `make_default` names it `DEFAULT_IMAGE` as
    well. `on_line` receives cleaned lines of progress. Raises ImageError, and NoSandboxError without a daemon.
    """
    loop = asyncio.get_running_loop()

    def say(line: str) -> None:
        if line := one_line(line, _WIDTH):
            loop.call_soon_threadsafe(on_line, line)

    return await asyncio.to_thread(_build, source, rootfs, tag, make_default, say)


def _build(source: ImageSource, rootfs: Path | None, tag: str, make_default: bool, say: LineSink) -> BuiltImage:
    from docker.utils import parse_repository_tag

    started = time.monotonic()
    names = [tag, *([DEFAULT_IMAGE] if make_default and tag != DEFAULT_IMAGE else [])]
    with told(tag):
        api = connect()
        api.timeout = _API_TIMEOUT_S
        try:
            before = [_image_id(api, name) for name in names]
            match source:
                case "host":
                    say("collecting the host's settings; its programs stay where they are, mounted read-only")
                    image = _import(api, make_skeleton(), _host_changes())
                case "rootfs":
                    image = _import(api, _checked_rootfs(rootfs), _changes({SOURCE_LABEL: "rootfs"}))
                case "registry":
                    image = _pull_and_build(api, say)
            found = api.inspect_image(image)
            mounts = host_mounts(found["Config"].get("Labels") or {})
            missing = missing_programs(api, image, mounts)
            if "sh" in missing:
                _remove_unnamed(api, {image})
                raise ImageError("no shell runs in the image: is it a whole root file system for this processor?")
            for name in names:
                repository, version = parse_repository_tag(name)
                api.tag(image, repository, version, force=True)
            _remove_unnamed(api, {old for old in before if old and old != image})
        finally:
            api.close()
    for name in missing:
        say(f"missing in the image: {name}")
    folders = tuple(str(path) for path in mounts)
    return BuiltImage(tag, image, source, int(found["Size"]), time.monotonic() - started, folders, missing)


def _host_changes() -> list[str]:
    labels = {MOUNTS_LABEL: json.dumps(skeleton_mounts()), SOURCE_LABEL: "host"}
    if folder := program_folder():
        labels[PATH_LABEL] = folder
    return _changes(labels)


def _changes(labels: dict[str, str]) -> list[str]:
    return [*(f"LABEL {name}={quoted(value)}" for name, value in labels.items()), 'CMD ["sh"]']


def quoted(value: str) -> str:
    """A value as a Dockerfile instruction takes it, nothing in it expanded."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'


def _import(api: Any, tar: bytes | Path, changes: list[str]) -> str:
    source = tar.open("rb") if isinstance(tar, Path) else io.BytesIO(tar)
    with source:
        answer = api.import_image_from_data(source, changes=changes)
    for line in answer.splitlines():
        record = json.loads(line)
        if "error" in record:
            raise ImageError(f"the tar could not be imported: {one_line(record['error'], _WIDTH)}")
        if str(record.get("status", "")).startswith("sha256:"):
            return str(record["status"])
    raise ImageError("the daemon took the tar but named no image; run the build again")


def _checked_rootfs(rootfs: Path | None) -> Path:
    if rootfs is None or not rootfs.is_file():
        raise ImageError(f"{rootfs} is not a file: --from-rootfs takes the tar of a root file system")
    try:
        with tarfile.open(rootfs, "r|*") as tar:
            if any(entry.name.removeprefix("./") in ("bin/sh", "usr/bin/sh") for entry in tar):
                return rootfs
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ImageError(f"{rootfs} cannot be read as a tar: {one_line(str(error), 200)}") from error
    raise ImageError(f"{rootfs} holds no bin/sh: it must be a whole root file system (mmdebstrap, docker export)")


def _dockerfile() -> bytes:
    package = Path(__file__).resolve().parent
    for folder in (package / "_image", package.parent / "image"):
        if (folder / "Dockerfile").is_file():
            return (folder / "Dockerfile").read_bytes()
    raise ImageError("the Dockerfile is missing from this installation: install glmcode again")


def _pull_and_build(api: Any, say: LineSink) -> str:
    steps = api.build(
        fileobj=io.BytesIO(_dockerfile()),
        rm=True,
        forcerm=True,
        decode=True,
        network_mode="host",
        buildargs=proxy_environment(),
    )
    try:
        return follow_build(steps, say)
    except ImageError as error:
        raise ImageError(f"{error}; {_OTHER_WAYS}") from None


def follow_build(steps: Iterable[dict[str, Any]], say: LineSink) -> str:
    """Tell the lines of a build; the id of the image that came out. Raises ImageError with the builder's words."""
    image = ""
    for record in steps:
        if "error" in record:
            words = one_line(record["error"], _WIDTH)
            raise ImageError(f"the image could not be built: {words}")
        for line in str(record.get("stream", "")).splitlines():
            say(line)
        image = (record.get("aux") or {}).get("ID", image)
    if not image:
        raise ImageError("the build ended without an image")
    return image


def _image_id(api: Any, name: str) -> str | None:
    from docker.errors import ImageNotFound

    try:
        return str(api.inspect_image(name)["Id"])
    except ImageNotFound:
        return None


def _remove_unnamed(api: Any, images: set[str]) -> None:
    from docker.errors import APIError

    for image in images:
        # One that still has a name, a container or setup layers on top stays.
        with suppress(APIError):
            if not api.inspect_image(image)["RepoTags"]:
                api.remove_image(image)


def missing_programs(api: Any, image: str, mounts: list[Path]) -> tuple[str, ...]:
    """Those of `NEEDED` that do not run in the image, tried without a network. Raises what docker-py raises."""
    from docker.types import Mount

    script = (
        "for tool in {}; do command -v $tool >/dev/null || echo $tool; done; git --version >&2 || echo git; echo {}"
    )
    container = api.create_container(
        image,
        entrypoint=["sh", "-c", script.format(" ".join(NEEDED), _TRIED)],
        user="65534:65534",
        labels=reaper.labels(),
        host_config=api.create_host_config(
            mounts=[Mount(str(path), str(path), type="bind", read_only=True) for path in mounts],
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
        ),
    )["Id"]
    try:
        return _tried(api, container)
    finally:
        api.remove_container(container, force=True, v=True)


def _tried(api: Any, container: str) -> tuple[str, ...]:
    from docker.errors import APIError

    try:
        api.start(container)
    except APIError:
        return ("sh",)
    api.wait(container)
    words = api.logs(container, stdout=True, stderr=False).decode(errors="replace").split()
    return tuple(name for name in NEEDED if name in words) if _TRIED in words else ("sh",)
