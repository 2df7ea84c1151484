"""The methods of the protocol, each a few lines over the sessions of this editor."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from acp.exceptions import RequestError
from acp.interfaces import Client
from acp.meta import PROTOCOL_VERSION
from acp.schema import (
    AcpMcpServer,
    AgentCapabilities,
    AuthenticateResponse,
    AuthMethodAgent,
    ClientCapabilities,
    CloseSessionResponse,
    ForkSessionResponse,
    HttpMcpServer,
    Implementation,
    InitializeResponse,
    ListSessionsResponse,
    LoadSessionResponse,
    McpServerStdio,
    NewSessionResponse,
    PromptCapabilities,
    PromptResponse,
    ResumeSessionResponse,
    SessionCapabilities,
    SessionCloseCapabilities,
    SessionForkCapabilities,
    SessionListCapabilities,
    SessionResumeCapabilities,
    SetSessionConfigOptionResponse,
    SetSessionModeResponse,
    SseMcpServer,
)
from pydantic import ValidationError

from glmcode import __version__, paths
from glmcode.editor.acp import options
from glmcode.editor.acp.conversation import Conversation
from glmcode.editor.acp.errors import FAILURES, busy, invalid, request_error
from glmcode.editor.acp.prompt import Blocks, ReadBuffer
from glmcode.editor.acp.sessions import Sessions, SettingsOf, on_disk
from glmcode.model.engines import open_engine
from glmcode.session.forking import fork

API_KEY = "api-key"
_KEY_HINT = (
    "Set GLMCODE_API_KEY (ZAI_API_KEY for Z.ai, OPENAI_API_KEY) in the environment of this agent in your editor's "
    "settings, or keep the key in the system keyring (service glmcode, user: the endpoint's host)."
)
Server = HttpMcpServer | SseMcpServer | AcpMcpServer | McpServerStdio
P = ParamSpec("P")
R = TypeVar("R")


def _answered(method: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """A failure of the world becomes an error of the protocol."""

    @functools.wraps(method)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await method(*args, **kwargs)
        except FAILURES as error:
            raise request_error(error) from None

    return wrapped


class GlmcodeAgent:
    """What `acp.interfaces.Agent` asks for. Requests of one editor run side by side."""

    def __init__(self, settings_of: SettingsOf) -> None:
        self._settings_of = settings_of
        self._sessions = Sessions(settings_of)
        self._reads_buffers = False
        self._announcing: set[asyncio.Task[None]] = set()

    def on_connect(self, conn: Client) -> None:
        """Take the editor's end."""
        self._client = conn

    async def aclose(self) -> None:
        """End everything."""
        await self._sessions.aclose()

    async def initialize(
        self,
        protocol_version: int,
        client_capabilities: ClientCapabilities | None = None,
        client_info: Implementation | None = None,
        **_: Any,
    ) -> InitializeResponse:
        """Who we are. Whatever version the editor speaks, ours is the one that the package speaks."""
        files = client_capabilities.fs if client_capabilities else None
        self._reads_buffers = bool(files and files.read_text_file)
        return InitializeResponse(
            protocol_version=PROTOCOL_VERSION,
            agent_info=Implementation(name="glmcode", title="glmcode", version=__version__),
            agent_capabilities=AgentCapabilities(
                load_session=True,
                prompt_capabilities=PromptCapabilities(image=False, audio=False, embedded_context=True),
                session_capabilities=SessionCapabilities(
                    list=SessionListCapabilities(),
                    resume=SessionResumeCapabilities(),
                    fork=SessionForkCapabilities(),
                    close=SessionCloseCapabilities(),
                ),
            ),
            auth_methods=[AuthMethodAgent(id=API_KEY, name="API key", description=_KEY_HINT)],
        )

    @_answered
    async def authenticate(self, method_id: str, **_: Any) -> AuthenticateResponse:
        """Look for the key once more: it comes from the environment or the keyring, never over the protocol."""
        if method_id != API_KEY:
            raise invalid(f"there is no way {method_id!r} to authenticate; {API_KEY} is the one")
        engine = await asyncio.to_thread(lambda: open_engine(self._settings_of(Path.cwd())))
        await engine.aclose()
        return AuthenticateResponse()

    @_answered
    async def new_session(
        self,
        cwd: str,
        additional_directories: list[str] | None = None,
        mcp_servers: list[Server] | None = None,
        **_: Any,
    ) -> NewSessionResponse:
        """Begin a session; nothing is on disk before its first prompt."""
        notes = _left_out(additional_directories, mcp_servers)
        opened = await self._sessions.begin(cwd, self._client, self._buffers, notes)
        self._announce(opened)
        live = opened.live
        return NewSessionResponse(
            session_id=opened.id, modes=options.modes(live), config_options=[*options.config_options(live)]
        )

    @_answered
    async def load_session(
        self,
        cwd: str,
        session_id: str,
        mcp_servers: list[Server] | None = None,
        additional_directories: list[str] | None = None,
        **_: Any,
    ) -> LoadSessionResponse:
        """Go on with a session, after the whole of it was told again."""
        opened = await self._opened(session_id, cwd, additional_directories, mcp_servers)
        await opened.replay()
        self._announce(opened)
        live = opened.live
        return LoadSessionResponse(modes=options.modes(live), config_options=[*options.config_options(live)])

    @_answered
    async def resume_session(
        self,
        session_id: str,
        cwd: str,
        additional_directories: list[str] | None = None,
        mcp_servers: list[Server] | None = None,
        **_: Any,
    ) -> ResumeSessionResponse:
        """The same without telling anything again."""
        opened = await self._opened(session_id, cwd, additional_directories, mcp_servers)
        self._announce(opened)
        live = opened.live
        return ResumeSessionResponse(modes=options.modes(live), config_options=[*options.config_options(live)])

    @_answered
    async def fork_session(
        self,
        session_id: str,
        cwd: str,
        additional_directories: list[str] | None = None,
        mcp_servers: list[Server] | None = None,
        **_: Any,
    ) -> ForkSessionResponse:
        """A new session that goes on from where this one is."""
        forked = await fork(paths.sessions_dir(), session_id, "end")
        opened = await self._opened(forked, cwd, additional_directories, mcp_servers)
        self._announce(opened)
        live = opened.live
        return ForkSessionResponse(
            session_id=opened.id, modes=options.modes(live), config_options=[*options.config_options(live)]
        )

    @_answered
    async def list_sessions(self, cwd: str | None = None, cursor: str | None = None, **_: Any) -> ListSessionsResponse:
        """The sessions on disk, those that the terminal began among them."""
        return await asyncio.to_thread(on_disk, cwd, cursor)

    @_answered
    async def close_session(self, session_id: str, **_: Any) -> CloseSessionResponse:
        """End a session here; it stays on disk."""
        await self._sessions.close(session_id)
        return CloseSessionResponse()

    @_answered
    async def set_session_mode(self, session_id: str, mode_id: str, **_: Any) -> SetSessionModeResponse:
        """Judge the next call by another mode."""
        await self._choose(self._sessions.named(session_id), "mode", mode_id)
        return SetSessionModeResponse()

    @_answered
    async def set_config_option(
        self, config_id: str, session_id: str, value: str | bool, **_: Any
    ) -> SetSessionConfigOptionResponse:
        """Mode, model or thinking; answers with all of them."""
        conversation = self._sessions.named(session_id)
        await self._choose(conversation, config_id, str(value))
        return SetSessionConfigOptionResponse(config_options=[*options.config_options(conversation.live)])

    @_answered
    async def prompt(self, session_id: str, prompt: Blocks, **_: Any) -> PromptResponse:
        """Answer a prompt. What goes wrong on the way is an error, what the model said before it stays."""
        return await self._sessions.named(session_id).prompt(prompt)

    async def cancel(self, session_id: str, **_: Any) -> None:
        """End the turn that runs; its prompt is answered with `cancelled`."""
        try:
            self._sessions.named(session_id).cancel()
        except RequestError:
            return  # a notification has no answer that could say so

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """There are no extensions."""
        raise RequestError.method_not_found(f"_{method}")

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """None is known, and none needs an answer."""

    async def _opened(
        self, session_id: str, cwd: str, directories: list[str] | None, servers: list[Server] | None
    ) -> Conversation:
        notes = _left_out(directories, servers)
        return await self._sessions.go_on(session_id, cwd, self._client, self._buffers, notes)

    async def _choose(self, conversation: Conversation, config_id: str, value: str) -> None:
        live = conversation.live
        match config_id:
            case "mode" if mode := options.mode_named(value, live):
                live.mode = mode
            case "thinking" if thinking := options.thinking_named(value):
                live.thinking = thinking
            case "model" if (changes := options.model_changes(value, live)) is not None:
                if changes and conversation.is_busy:
                    raise busy("Another model")
                if changes:
                    await live.switch(**changes)
            case _:
                raise invalid(f"{config_id!r} cannot be {value!r}")
        await conversation.tell_options()

    def _buffers(self, session_id: str) -> ReadBuffer | None:
        """How the editor's own text of a file is read, unsaved changes and all."""
        if not self._reads_buffers:
            return None

        async def read(path: str) -> str | None:
            try:
                return (await self._client.read_text_file(session_id, path)).content
            except (RequestError, ValidationError, ConnectionError):
                return None  # no such file, or none that it would show

        return read

    def _announce(self, conversation: Conversation) -> None:
        """After the answer that is being made: before it, the editor does not know the session."""
        task = asyncio.create_task(conversation.announce())
        self._announcing.add(task)
        task.add_done_callback(self._announcing.discard)


def _left_out(directories: list[str] | None, servers: list[Server] | None) -> list[str]:
    """What the editor offered and this agent does not use, one line each."""
    notes = []
    if servers:
        names = ", ".join(server.name for server in servers)
        notes.append(f"MCP servers are not used by glmcode and are left out: {names}")
    if directories:
        notes.append(f"One session works on one repository; these folders are left out: {', '.join(directories)}")
    return notes
