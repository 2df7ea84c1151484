"""What a repository's devcontainer.json asks for, as far as it may have it: read as untrusted text, nothing executed.

The file's form: https://containers.dev/implementors/json_reference/
"""

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmcode_sandbox.beneath import opened, parts_of, read_beneath
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.images.jsonc import loads

MAX_BYTES = 256 * 1024

_HONOURED = frozenset({"image", "build", "dockerFile", "context", "containerEnv", "postCreateCommand", "remoteUser"})
_HARMLESS = frozenset({"name", "$schema", "customizations", "extensions", "settings", "workspaceFolder", "remoteEnv"})
"""What concerns editors alone, or where the answer is always ours: the workspace is at the repository's own path."""
_OF_BUILD = frozenset({"dockerfile", "context", "args", "target"})
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?", re.ASCII)
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class DevcontainerError(ValueError):
    """The file asks for what cannot be had; the text says what, and names the file."""


@dataclass(frozen=True, slots=True)
class Build:
    """An image to build. Paths are relative to the repository, with `/` between their parts."""

    dockerfile: str
    context: str
    """The folder that COPY and ADD read; empty for the repository itself."""
    args: tuple[tuple[str, str], ...] = ()
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Devcontainer:
    """One devcontainer.json. All strings are untrusted."""

    file: str
    """Relative to the repository."""
    image: str | None = None
    build: Build | None = None
    """Exactly one of `image` and `build` is set."""
    environment: tuple[tuple[str, str], ...] = ()
    """`${containerEnv:NAME}` in a value stands for the image's own variable."""
    commands: tuple[str, ...] = ()
    """postCreateCommand, as shell commands to run one after the other."""
    notes: tuple[str, ...] = ()
    """What is ignored, one line for people each."""


def find_devcontainer(repo: Path) -> str | None:
    """The file that counts, relative to `repo`: of several named configurations none is chosen for anybody."""
    for name in (".devcontainer/devcontainer.json", ".devcontainer.json"):
        if _read(repo, name) is not None:
            return name
    try:
        folders = sorted(path.name for path in (repo / ".devcontainer").iterdir())
    except OSError:
        return None
    found = [name for each in folders if _read(repo, name := f".devcontainer/{each}/devcontainer.json") is not None]
    return found[0] if len(found) == 1 else None


def read_devcontainer(repo: Path, file: str) -> Devcontainer:
    """What the file asks for. Variables of this machine are never put in. Raises DevcontainerError."""
    text = _read(repo, file)
    try:
        content = loads((text or b"").decode("utf-8"))
    except ValueError as error:
        raise DevcontainerError(f"{file} cannot be read: {one_line(str(error), 200)}") from None
    if not isinstance(content, dict):
        raise DevcontainerError(f"{file} holds no object")
    return _Reader(repo, file).read(content)


class _Reader:
    """Takes one file apart, and notes what is left out."""

    def __init__(self, repo: Path, file: str) -> None:
        self._repo, self._file = repo, file
        self._notes: dict[str, None] = {}

    def read(self, content: dict[str, Any]) -> Devcontainer:
        if "dockerComposeFile" in content:
            raise DevcontainerError(f"{self._file} asks for Docker Compose, which is not supported")
        for key in content:
            if key not in _HONOURED | _HARMLESS:
                self._note(f"{key} is ignored")
        build = self._build(content)
        image = None if build else self._image(content.get("image"))
        environment = tuple(self._pairs(content.get("containerEnv"), "containerEnv"))
        commands = tuple(self._commands(content.get("postCreateCommand")))
        if user := content.get("remoteUser"):
            self._note(f"remoteUser {user} is not honoured: commands run as the repository's owner, setup as root")
        return Devcontainer(self._file, image, build, environment, commands, tuple(self._notes))

    def _note(self, text: str) -> None:
        self._notes[one_line(f"{self._file}: {text}", 300)] = None

    def _image(self, value: object) -> str:
        text = self._text(value, "image")
        if len(text) > 255 or not _IMAGE.fullmatch(text):
            raise DevcontainerError(f"{self._file} names neither an image nor a Dockerfile that can be used")
        return text

    def _build(self, content: dict[str, Any]) -> Build | None:
        build = content.get("build")
        table: dict[str, Any] = build if isinstance(build, dict) else {}
        dockerfile = table.get("dockerfile", content.get("dockerFile"))
        if dockerfile is None:
            return None
        for key in table:
            if key not in _OF_BUILD:
                self._note(f"build.{key} is ignored")
        context = table.get("context", content.get("context", "."))
        target = table.get("target")
        return Build(
            self._path(self._text(dockerfile, "build.dockerfile")),
            self._path(self._text(context, "build.context"), folder=True),
            tuple(self._pairs(table.get("args"), "build.args")),
            None if target is None else self._text(target, "build.target"),
        )

    def _path(self, value: str, *, folder: bool = False) -> str:
        """A path beside the file, made relative to the repository. Links are refused where the file is opened."""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self._file), value))
        if folder and path == ".":
            return ""
        try:
            return "/".join(parts_of(path))
        except ValueError:
            raise DevcontainerError(f"{self._file} points outside the repository: {one_line(value, 200)}") from None

    def _pairs(self, value: object, key: str) -> Iterator[tuple[str, str]]:
        for name, text in value.items() if isinstance(value, dict) else ():
            if _NAME.fullmatch(name) and isinstance(text, str | int | float) and "\n" not in str(text):
                yield name, self._text(str(text), key, inside=key == "containerEnv")
            elif text is not None:
                self._note(f"{key}.{name} is ignored: no plain name, or a value that is no single line")

    def _commands(self, value: object) -> Iterator[str]:
        """The string form goes through a shell, the array form does not, and an object has one of them by each name."""
        match value:
            case None | "" | []:
                return
            case str():
                yield self._text(value, "postCreateCommand")
            case list() if all(isinstance(word, str) for word in value):
                yield shlex.join(self._text(word, "postCreateCommand") for word in value)
            case dict():
                for each in value.values():
                    if not isinstance(each, dict):
                        yield from self._commands(each)
            case _:
                self._note("postCreateCommand is ignored: it is no string, array of strings or object of these")

    def _text(self, value: object, key: str, *, inside: bool = False) -> str:
        """A string with its variables: those of this machine stay empty, since a repository must not read them."""
        if not isinstance(value, str) or "\0" in value:
            raise DevcontainerError(f"{self._file}: {key} is no text")
        return _VARIABLE.sub(self._variable(key, inside), value)

    def _variable(self, key: str, inside: bool) -> Callable[["re.Match[str]"], str]:
        def stands_for(found: "re.Match[str]") -> str:
            kind, _, rest = found[1].partition(":")
            match kind:
                case "containerWorkspaceFolder" | "localWorkspaceFolder":
                    return str(self._repo.resolve())
                case "containerWorkspaceFolderBasename" | "localWorkspaceFolderBasename":
                    return self._repo.resolve().name
                case "localEnv" | "env":
                    name, _, default = rest.partition(":")
                    self._note(f"{key}: the variable {name} of this machine is not given to a repository")
                    return default
                case "containerEnv" if inside and _NAME.fullmatch(rest):
                    return found[0]
            return found[0] if key == "postCreateCommand" else ""

        return stands_for


def _read(repo: Path, name: str) -> bytes | None:
    """The bytes of a regular file in the repository, reached without following a link."""
    try:
        with opened(repo) as root:
            return read_beneath(root, parts_of(name), MAX_BYTES)
    except (OSError, ValueError):
        return None
