"""An editor for tests: the protocol package's own client at the pipes of a real `glmcode acp`."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acp.client.connection import ClientSideConnection
from acp.exceptions import RequestError
from acp.schema import (
    AllowedOutcome,
    ClientCapabilities,
    DeniedOutcome,
    FileSystemCapabilities,
    NewSessionResponse,
    PermissionOption,
    ReadTextFileResponse,
    RequestPermissionResponse,
    TextContentBlock,
    ToolCallUpdate,
)

from tests.cli import environment

WINDOW = 100_000


@dataclass(slots=True)
class Asked:
    """A question of the agent."""

    title: str
    kinds: list[str]
    texts: str
    diffs: list[Any]
    names: list[str]


@dataclass(slots=True)
class Editor:
    """Remembers what it is told and answers what it was set to."""

    option: str | None = "allow_once"
    """None: the question is dismissed."""
    reason: str | None = None
    refuses: Exception | None = None
    """What questions are answered with instead."""
    holds: asyncio.Event | None = None
    """Questions wait for it."""
    buffers: dict[str, str] = field(default_factory=dict)
    """Unsaved text, by absolute path."""
    updates: list[tuple[str, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        self.updates.append((session_id, update))
        self._changed.set()

    async def request_permission(
        self, session_id: str, tool_call: ToolCallUpdate, options: list[PermissionOption], **_: Any
    ) -> RequestPermissionResponse:
        content = tool_call.content or []
        texts = "\n".join(each.content.text for each in content if each.type == "content")
        diffs = [each for each in content if each.type == "diff"]
        names = [option.name for option in options]
        self.asked.append(Asked(tool_call.title or "", [option.kind for option in options], texts, diffs, names))
        self._changed.set()
        if self.holds:
            await self.holds.wait()
        if self.refuses:
            raise self.refuses
        if self.option is None:
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        meta = {"reason": self.reason} if self.reason else None
        outcome = AllowedOutcome(outcome="selected", option_id=self.option, field_meta=meta)
        return RequestPermissionResponse(outcome=outcome)

    async def read_text_file(self, session_id: str, path: str, **_: Any) -> ReadTextFileResponse:
        self.read.append(path)
        if path not in self.buffers:
            raise RequestError.resource_not_found(path)
        return ReadTextFileResponse(content=self.buffers[path])

    def on_connect(self, conn: Any) -> None:
        """Nothing to do."""

    def of(self, kind: str, session_id: str | None = None) -> list[Any]:
        """The updates of a kind, of one session or of all."""
        return [
            update
            for at, update in self.updates
            if update.session_update == kind and (session_id is None or at == session_id)
        ]

    def text(self, kind: str = "agent_message_chunk", session_id: str | None = None) -> str:
        """The chunks of a kind put together."""
        return "".join(update.content.text for update in self.of(kind, session_id))

    def results(self) -> list[Any]:
        """How the calls ended."""
        return [each for each in self.of("tool_call_update") if each.status in ("completed", "failed")]

    async def until(self, kind: str, text: str = "") -> Any:
        """The first update of a kind that holds a text; waits for it."""
        async with asyncio.timeout(60):
            while True:
                self._changed.clear()
                for update in self.of(kind):
                    if text in update.model_dump_json():
                        return update
                await self._changed.wait()

    async def until_asked(self) -> None:
        async with asyncio.timeout(60):
            while not self.asked:
                self._changed.clear()
                await self._changed.wait()


@dataclass(slots=True)
class Agent:
    """A running `glmcode acp` and the connection to it."""

    connection: ClientSideConnection
    process: asyncio.subprocess.Process
    editor: Editor
    repo: Path
    script: Path

    async def begin(self, repo: Path | None = None, answers: Sequence[dict[str, Any]] | None = None) -> str:
        """A new session; gives its id. `answers`: another script than the others'."""
        if answers is not None:
            self.script.write_text(json.dumps(answers))
        return (await self.new(repo)).session_id

    async def new(self, repo: Path | None = None) -> NewSessionResponse:
        return await self.connection.new_session(str(repo or self.repo), mcp_servers=[])

    async def prompt(self, session_id: str, *parts: Any) -> Any:
        """Send a prompt of texts and blocks; gives the answer."""
        blocks = [TextContentBlock(type="text", text=part) if isinstance(part, str) else part for part in parts]
        async with asyncio.timeout(90):
            return await self.connection.prompt(session_id, blocks)


@asynccontextmanager
async def editing(
    home: Path,
    repo: Path,
    answers: Sequence[dict[str, Any]],
    *flags: str,
    editor: Editor | None = None,
    engine: Sequence[str] | None = None,
    variables: dict[str, str] | None = None,
    sandbox: str = "none",
) -> AsyncIterator[Agent]:
    """An agent with a script in the model's place, unless `engine` has flags of another; ended by end of input."""
    script = home / "script.json"
    script.write_text(json.dumps(answers))
    chosen = (
        engine if engine is not None else ["--engine", f"scripted:{script}", "--window", str(WINDOW), "--context", "0"]
    )
    editor = editor or Editor()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "glmcode",
        "acp",
        *chosen,
        "--sandbox",
        sandbox,
        *flags,
        cwd=home,
        env=environment(home, **(variables or {})),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    assert process.stdin is not None and process.stdout is not None
    connection = ClientSideConnection(editor, process.stdin, process.stdout, use_unstable_protocol=True)  # type: ignore[arg-type]
    capabilities = ClientCapabilities(fs=FileSystemCapabilities(read_text_file=True))
    try:
        await connection.initialize(1, client_capabilities=capabilities)
        yield Agent(connection, process, editor, repo, script)
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(30):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
            with contextlib.suppress(ConnectionError):
                await connection.close()
    assert process.stderr is not None
    told = (await process.stderr.read()).decode()
    assert "Traceback" not in told, told
