"""Makes the image that a devcontainer.json asks for: pulled, built, with its variables; each named by its content."""

import asyncio
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from glmcode_sandbox.clean import one_line
from glmcode_sandbox.containers.container_plan import host_mounts
from glmcode_sandbox.containers.docker_api import connect, told
from glmcode_sandbox.image import ImageError, LineSink, follow_build, missing_programs, quoted
from glmcode_sandbox.images.build_context import DOCKERFILE, pack_context
from glmcode_sandbox.images.devcontainer import Build, Devcontainer, DevcontainerError
from glmcode_sandbox.images.registry_settings import proxy_environment
from glmcode_sandbox.images.setup_container import repo_mark

REPO_LABEL = "glmcode.devcontainer.repo"
"""On an image: which repository it was built for (`repo_mark`)."""

T = TypeVar("T")

_REPOSITORY = "glmcode-devcontainer"
_LAYOUT = 1
_KEPT = 3
_API_TIMEOUT_S = 1800
_VARIABLE = re.compile(r"\$\{containerEnv:(\w+)\}")


class _Digest(io.RawIOBase):
    """A file of which only the hash is kept."""

    def __init__(self) -> None:
        super().__init__()
        self._hash, self._size = hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        self._hash.update(data)
        self._size += len(data)
        return len(data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def build_digest(repo: Path, build: Build) -> str:
    """What an image is built from, as a hash: the Dockerfile, what it copies, arguments, target. Blocks, reads files.

    Raises DevcontainerError.
    """
    digest = _Digest()
    pack_context(repo, build, cast("IO[bytes]", digest))
    return _digest(digest.hexdigest(), build)


def _digest(context: str, build: Build) -> str:
    parts = [_LAYOUT, context, build.args, build.target]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def built_tag(digest: str) -> str:
    """The name of the image with this `build_digest`."""
    return f"{_REPOSITORY}:{digest[:20]}"


async def build_devcontainer(repo: Path, build: Build, digest: str, on_line: LineSink) -> str:
    """Build it with this machine's network and name it `built_tag(digest)`.

    The repository's code runs, so ask before. Raises ImageError, DevcontainerError, SandboxError; also where the files
    are no longer those of `digest`.
    """

    def work(say: LineSink) -> str:
        with tempfile.TemporaryFile(prefix="glmcode-context-") as context:
            pack_context(repo, build, context)
            context.seek(0)
            if _digest(hashlib.file_digest(context, "sha256").hexdigest(), build) != digest:
                raise DevcontainerError("the files of the build changed meanwhile; start again")
            context.seek(0)
            return _build(repo, context, build, built_tag(digest), say)

    return await _in_thread(work, on_line)


async def pull(image: str, on_line: LineSink) -> None:
    """Fetch an image from its registry. Raises ImageError, SandboxError."""

    def work(say: LineSink) -> None:
        with told(image):
            api = _connect()
            try:
                name, _, tag = image.partition("@") if "@" in image else _cut(image)
                for record in api.pull(name, tag=tag or "latest", stream=True, decode=True):
                    if "error" in record:
                        raise ImageError(f"{image} could not be pulled: {one_line(record['error'], 300)}")
                    if "progress" not in record:
                        say(" ".join(str(record[key]) for key in ("id", "status") if record.get(key)))
                _try(api, image, say)
            finally:
                api.close()

    await _in_thread(work, on_line)


async def with_environment(repo: Path, base: str, wanted: Devcontainer) -> str:
    """`base` with the variables of the file; made by the daemon without running anything. Raises SandboxError."""
    if not wanted.environment:
        return base

    def work(say: LineSink) -> str:
        with told(base):
            api = _connect()
            try:
                lines = [f"ENV {name}={_value(value)}" for name, value in wanted.environment]
                text = "\n".join([f"FROM {base}", *lines, ""])
                parts = [_LAYOUT, str(api.inspect_image(base)["Id"]), text]
                tag = built_tag(hashlib.sha256(json.dumps(parts).encode()).hexdigest())
                if not api.images(name=tag, quiet=True):
                    steps = api.build(
                        fileobj=io.BytesIO(text.encode()),
                        tag=tag,
                        rm=True,
                        forcerm=True,
                        decode=True,
                        network_mode="none",
                        labels={REPO_LABEL: repo_mark(str(repo))},
                    )
                    follow_build(steps, say)
                return tag
            finally:
                api.close()

    return await _in_thread(work, lambda line: None)


async def _in_thread(work: Callable[[LineSink], T], on_line: LineSink) -> T:
    loop = asyncio.get_running_loop()

    def say(line: str) -> None:
        if line := one_line(line, 500):
            loop.call_soon_threadsafe(on_line, line)

    return await asyncio.to_thread(work, say)


def _value(value: str) -> str:
    """A variable's value as an instruction: the image's own variables are put in, nothing else."""
    pieces = _VARIABLE.split(value)
    shown = [f"${{{piece}}}" if at % 2 else quoted(piece)[1:-1] for at, piece in enumerate(pieces)]
    return f'"{"".join(shown)}"'


def _cut(image: str) -> tuple[str, str, str]:
    from docker.utils import parse_repository_tag

    name, tag = parse_repository_tag(image)
    return name, ":", tag or ""


def _connect() -> Any:
    api = connect()
    api.timeout = _API_TIMEOUT_S
    return api


def _build(repo: Path, context: IO[bytes], build: Build, tag: str, say: LineSink) -> str:
    with told(tag):
        api = _connect()
        try:
            steps = api.build(
                fileobj=context,
                custom_context=True,
                dockerfile=DOCKERFILE,
                tag=tag,
                target=build.target,
                buildargs=proxy_environment() | dict(build.args),
                rm=True,
                forcerm=True,
                decode=True,
                network_mode="host",
                labels={REPO_LABEL: repo_mark(str(repo))},
            )
            follow_build(steps, say)
            _try(api, tag, say)
            _forget_older(api, repo, tag)
        finally:
            api.close()
    return tag


def _try(api: Any, image: str, say: LineSink) -> None:
    labels = api.inspect_image(image)["Config"].get("Labels") or {}
    missing = missing_programs(api, image, host_mounts(labels))
    if "sh" in missing:
        raise ImageError(f"no shell runs in the image {image}: is it made for this processor?")
    for name in missing:
        say(f"missing in the image: {name}")


def _forget_older(api: Any, repo: Path, tag: str) -> None:
    """Remove the older builds for the same repository but the newest few; one that is in use stays."""
    from docker.errors import APIError

    found = api.images(filters={"label": f"{REPO_LABEL}={repo_mark(str(repo))}"})
    names = [(int(each["Created"]), name) for each in found for name in each["RepoTags"] or () if name != tag]
    ours = sorted((each for each in names if each[1].startswith(f"{_REPOSITORY}:")), reverse=True)
    for _, name in ours[_KEPT - 1 :]:
        with suppress(APIError):
            api.remove_image(name)
