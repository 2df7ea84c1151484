"""A call that writes files, run without writing any: what people are shown before they allow it."""

from dataclasses import replace
from typing import Unpack

from glmcode_sandbox.base import ExecResult, ExecSettings, Jobs, Sandbox, SandboxKind
from glmcode_tools.base import ToolContext, ToolOutput
from glmcode_tools.toolbox import Prepared, Toolbox


async def rehearse(toolbox: Toolbox, prepared: Prepared, context: ToolContext) -> ToolOutput:
    """What a call whose effect is `writes` would give. SandboxError passes through."""
    assert prepared.tool.effect == "writes", "only a call that names all that it does can be rehearsed"
    return await toolbox.run(prepared, replace(context, sandbox=_Unwritten(context.sandbox), on_output=None))


class _Unwritten:
    """A sandbox whose files can be read."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def kind(self) -> SandboxKind:
        return self._sandbox.kind

    @property
    def workdir(self) -> str:
        return self._sandbox.workdir

    @property
    def description(self) -> str:
        return self._sandbox.description

    async def start(self) -> None:
        await self._sandbox.start()

    async def exec(self, command: str, **settings: Unpack[ExecSettings]) -> ExecResult:
        raise AssertionError("a tool whose effect is to write files ran a command")

    async def jobs(self) -> Jobs:
        raise AssertionError("a tool whose effect is to write files started a job")

    async def read_file(self, path: str, *, max_bytes: int) -> bytes:
        return await self._sandbox.read_file(path, max_bytes=max_bytes)

    async def write_file(self, path: str, data: bytes) -> None:
        """Nothing is written."""

    async def close(self) -> None:
        """The sandbox belongs to whoever made it."""
