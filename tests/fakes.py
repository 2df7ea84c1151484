"""Fakes for tests of logic: an engine that plays parts, a sandbox that is a dict of files."""

import asyncio
import posixpath
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Unpack

from glmcode_engine.base import (
    EngineError,
    EngineInfo,
    ReasoningDelta,
    Stop,
    StreamPart,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from glmcode_engine.messages import Request, Usage
from glmcode_sandbox.base import (
    ExecResult,
    ExecSettings,
    FileProblem,
    Jobs,
    SandboxKind,
)

Answer = Sequence[StreamPart | EngineError] | Callable[[Request], Sequence[StreamPart | EngineError]]


class FakeEngine:
    """Plays one answer a request and remembers the requests. An EngineError in an answer is raised at its place."""

    def __init__(self, *answers: Answer, pause_s: float = 0.0) -> None:
        self.requests: list[Request] = []
        self._answers = list(answers)
        self._pause_s = pause_s

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(kind="scripted", model="fake")

    async def stream(self, request: Request) -> AsyncIterator[StreamPart]:
        self.requests.append(request)
        if not self._answers:
            raise AssertionError("the fake engine has no answer left")
        answer = self._answers.pop(0)
        for part in answer(request) if callable(answer) else answer:
            await asyncio.sleep(self._pause_s)
            if isinstance(part, EngineError):
                raise part
            yield part

    async def aclose(self) -> None:
        pass


def says(text: str, *, reasoning: str = "", stop: str = "stop", usage: Usage | None = None) -> list[StreamPart]:
    """An answer of text alone."""
    parts: list[StreamPart] = [ReasoningDelta(reasoning)] if reasoning else []
    return [*parts, TextDelta(text), UsageReport(usage or Usage(prompt_tokens=10, completion_tokens=2)), Stop(stop)]


def calls(*named: tuple[str, str], reasoning: str = "", usage: Usage | None = None) -> list[StreamPart]:
    """An answer that calls tools: (name, arguments as JSON text)."""
    parts: list[StreamPart] = [ReasoningDelta(reasoning)] if reasoning else []
    for index, (name, arguments) in enumerate(named):
        parts.append(ToolCallDelta(index, id=f"id_{name}_{index}_{hash(arguments) & 0xFFFF}", name=name))
        parts.append(ToolCallDelta(index, arguments=arguments))
    return [*parts, UsageReport(usage or Usage(prompt_tokens=10, completion_tokens=2)), Stop("tool_calls")]


Exec = ExecResult | Callable[[str], ExecResult]


class FakeSandbox:
    """A dict of files and scripted results of commands, one after the other; remembers the commands.

    A result may be a callable of the command. With `always`, every command left gets that one.
    """

    def __init__(
        self, files: Mapping[str, bytes | str] | None = None, *results: Exec, always: Exec | None = None
    ) -> None:
        self.files = {name: _bytes(data) for name, data in (files or {}).items()}
        self.commands: list[str] = []
        self.environments: list[Mapping[str, str]] = []
        self.started = self.closed = False
        self._results = list(results)
        self._always = always

    @property
    def kind(self) -> SandboxKind:
        return "none"

    @property
    def workdir(self) -> str:
        return "/work/repository"

    @property
    def description(self) -> str:
        return "fake"

    async def start(self) -> None:
        self.started = True

    async def exec(self, command: str, **settings: Unpack[ExecSettings]) -> ExecResult:
        self.commands.append(command)
        self.environments.append(dict(settings.get("env") or {}))
        answer = self._results.pop(0) if self._results else self._always
        if answer is None:
            raise AssertionError(f"the fake sandbox has no result left for {command!r}")
        result = answer(command) if callable(answer) else answer
        await asyncio.sleep(0)
        if (on_output := settings.get("on_output")) and result.output:
            on_output(result.output)
        return result

    async def read_file(self, path: str, *, max_bytes: int) -> bytes:
        name = self._inside(path)
        if name not in self.files:
            if name == "." or any(other.startswith(f"{name}/") for other in self.files):
                raise FileProblem("is_directory", f"{path} is a folder")
            raise FileProblem("missing", f"there is no {path}")
        if len(self.files[name]) > max_bytes:
            raise FileProblem("too_large", f"{path} has {len(self.files[name])} bytes")
        return self.files[name]

    async def write_file(self, path: str, data: bytes) -> None:
        name = self._inside(path)
        if any(other.startswith(f"{name}/") for other in self.files):
            raise FileProblem("is_directory", f"{path} is a folder")
        self.files[name] = data

    async def jobs(self) -> Jobs:
        raise AssertionError("the fake sandbox has no background jobs")

    async def close(self) -> None:
        self.closed = True

    def _inside(self, path: str) -> str:
        name = posixpath.relpath(posixpath.join(self.workdir, path), self.workdir)
        if name.split("/", 1)[0] == "..":
            raise FileProblem("outside", f"{path} lies outside the workspace")
        return name


def came_back(output: bytes | str = b"", exit_code: int = 0, *, timed_out: bool = False) -> ExecResult:
    """What a command that wrote `output` comes back with."""
    data = _bytes(output)
    return ExecResult(exit_code, data, len(data), 0.1, timed_out=timed_out)


def _bytes(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data
