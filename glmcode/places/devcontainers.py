"""The image of a repository's devcontainer.json: taken, pulled or built, and never without a yes to what it runs."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from glmcode import paths
from glmcode.config import Settings
from glmcode.trust import agree, has_agreed
from glmcode_sandbox.base import NoSandboxError, SandboxError
from glmcode_sandbox.containers.daemon import probe_daemon
from glmcode_sandbox.images.devcontainer import Devcontainer, DevcontainerError, find_devcontainer, read_devcontainer
from glmcode_sandbox.images.devcontainer_image import (
    build_devcontainer,
    build_digest,
    built_tag,
    pull,
    with_environment,
)
from glmcode_sandbox.images.setup import SetupPlan, SetupStep, detect_setup, ensure_setup, find_setup

Say = Callable[[str], None]
Ask = Callable[[str], Awaitable[bool]]
"""Puts a question to the person in front; where nobody is, None stands in its place."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The image of a devcontainer."""

    image: str
    file: str
    is_set_up: bool
    """Whether the file's own commands have installed what the repository needs."""


class _Declined(Exception):
    """It was not made; the text says why, and what would make it."""


async def devcontainer_image(
    settings: Settings, repo: Path, say: Say, *, build: bool = True, ask: Ask | None = None
) -> Chosen | None:
    """The image that the repository's devcontainer.json asks for; None where there is none, or it was not to be had.

    Pulling, building and its commands need a yes: --yes, an earlier one to the same content, or `ask`. Without `build`
    only what has been made is taken, and nothing is told. Raises NoSandboxError where no daemon answers.
    """
    file = await asyncio.to_thread(find_devcontainer, repo)
    if file is None:
        return None
    daemon = await asyncio.to_thread(probe_daemon)
    if not daemon.daemon:
        raise NoSandboxError(daemon.problem or "no Docker daemon answers")
    try:
        wanted = await asyncio.to_thread(read_devcontainer, repo, file)
        if build:
            for note in wanted.notes:
                say(note)
        return await _Making(settings, repo, wanted, say, build, ask).made()
    except (_Declined, DevcontainerError, SandboxError) as error:
        if build:
            say(f"{file} is left out: {error}")
        return None


class _Making:
    """One devcontainer on its way to an image."""

    def __init__(
        self, settings: Settings, repo: Path, wanted: Devcontainer, say: Say, build: bool, ask: Ask | None
    ) -> None:
        self._settings, self._repo, self._wanted, self._say = settings, repo, wanted, say
        self._may_build, self._ask = build, ask
        self._said_yes = False

    async def made(self) -> Chosen:
        base = await self._base()
        with_variables = await with_environment(self._repo, base, self._wanted)
        image = await self._set_up(with_variables)
        return Chosen(image, self._wanted.file, bool(self._wanted.commands))

    async def _base(self) -> str:
        wanted = self._wanted
        if wanted.build is None:
            assert wanted.image is not None
            if not await _is_there(wanted.image):
                await self._pull(wanted.image)
            return wanted.image
        digest = await asyncio.to_thread(build_digest, self._repo, wanted.build)
        tag = built_tag(digest)
        if not await _is_there(tag):
            await self._agree("building it")
            self._say(f"building the image of {wanted.file}")
            await build_devcontainer(self._repo, wanted.build, digest, self._say)
        return tag

    async def _pull(self, image: str) -> None:
        missing = f"the image {image} is not here: docker pull {image}"
        if self._settings.offline or not self._may_build:
            raise _Declined(missing)
        if not self._settings.yes and not (self._ask and await self._ask(f"{missing}. Pull it now?")):
            raise _Declined(missing)
        self._say(f"pulling {image}")
        await pull(image, self._say)

    async def _set_up(self, base: str) -> str:
        if not self._wanted.commands:
            return base
        plan = await asyncio.to_thread(_commands, self._repo, self._wanted)
        if found := await asyncio.to_thread(find_setup, plan, repo=self._repo, base_image=base):
            return found
        await self._agree("its postCreateCommand")
        return await ensure_setup(plan, repo=self._repo, base_image=base, on_line=self._say)

    async def _agree(self, what: str) -> None:
        """A yes to running the repository's code, asked once for a content. Raises _Declined."""
        if self._settings.offline:
            raise _Declined(f"{what} uses the network, which --offline refuses; do it once without")
        if not self._may_build:
            raise _Declined("not made yet")
        subject = f"{self._repo} {self._wanted.file}"
        digest = await asyncio.to_thread(_content, self._repo, self._wanted)
        if self._said_yes or has_agreed(subject, digest, paths.state_dir()):
            return
        runs = f"{what} runs the repository's code in a container with this machine's network"
        if not self._settings.yes and not (self._ask and await self._ask(f"{self._wanted.file}: {runs}. Do it?")):
            raise _Declined(f"{runs}; --yes does it")
        self._said_yes = True
        await asyncio.to_thread(agree, subject, digest, paths.state_dir())


async def _is_there(image: str) -> bool:
    return (await asyncio.to_thread(probe_daemon, image)).image


def _commands(repo: Path, wanted: Devcontainer) -> SetupPlan:
    """The commands as a setup; made anew when a file changes that they name, or that says what is to be installed."""
    words = {word.strip("'\"").removeprefix("./") for command in wanted.commands for word in command.split()}
    named = sorted(word for word in words if word and word[0] != "/" and ".." not in word and (repo / word).is_file())
    steps = tuple(SetupStep(command, f"postCreateCommand of {wanted.file}") for command in wanted.commands)
    return SetupPlan(steps, tuple(dict.fromkeys([*named, *detect_setup(repo).files])))


def _content(repo: Path, wanted: Devcontainer) -> str:
    """What one says yes to: the build with all it copies, the commands and the files they name."""
    files = []
    if wanted.commands:
        for name in _commands(repo, wanted).files:
            try:
                files.append((name, hashlib.sha256((repo / name).read_bytes()).hexdigest()))
            except OSError:
                files.append((name, ""))
    built = build_digest(repo, wanted.build) if wanted.build else wanted.image
    parts = [built, wanted.commands, wanted.environment, files]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
