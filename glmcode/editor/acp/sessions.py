"""The sessions of one editor: those that are open, and those on disk."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from acp.exceptions import RequestError
from acp.interfaces import Client
from acp.schema import ListSessionsResponse, SessionInfo

from glmcode import paths
from glmcode.config import Settings
from glmcode.editor.acp.conversation import Conversation, open_conversation
from glmcode.editor.acp.errors import NOT_FOUND, invalid
from glmcode.editor.acp.prompt import ReadBuffer
from glmcode.editor.acp.texts import harmless
from glmcode.session import store
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.workspace import WorkspaceError, find_repository

SettingsOf = Callable[[Path], Settings]
"""The settings of a session in this folder. Raises ConfigError."""
PAGE = 50
"""Sessions in one answer to a list."""


class Sessions:
    """Several may be open at once, each with an engine and a sandbox of its own."""

    def __init__(self, settings_of: SettingsOf) -> None:
        self._settings_of = settings_of
        self._open: dict[str, Conversation] = {}
        self._opening = asyncio.Lock()

    def named(self, session_id: str) -> Conversation:
        """An open session. Raises RequestError where it is not."""
        if session_id not in self._open:
            raise RequestError(NOT_FOUND, f"session {one_line(session_id, 60)} is not open here; load it first")
        return self._open[session_id]

    async def begin(
        self, cwd: str, client: Client, read_buffer_of: Callable[[str], ReadBuffer | None], notes: list[str]
    ) -> Conversation:
        """A new session. Raises RequestError, ConfigError, WorkspaceError."""
        new_id = store.new_id()
        settings = await self._settings(cwd)
        return await self._opened(
            settings.model_copy(update={"resume": None}), client, new_id, read_buffer_of(new_id), notes
        )

    async def go_on(
        self,
        session_id: str,
        cwd: str,
        client: Client,
        read_buffer_of: Callable[[str], ReadBuffer | None],
        notes: list[str],
    ) -> Conversation:
        """The session of that id, open already or from disk. Raises RequestError, SessionError, ConfigError."""
        async with self._opening:  # two requests for one session must not open it twice
            if session_id in self._open:
                return self._open[session_id]
            settings = await self._settings_of_session(session_id, cwd)
            return await self._opened(settings, client, None, read_buffer_of(session_id), notes)

    async def _settings_of_session(self, session_id: str, cwd: str) -> Settings:
        path = store.session_file(paths.sessions_dir(), session_id)
        settings = await self._settings(cwd)
        header = (await asyncio.to_thread(store.read, path))[0]
        repo = find_repository(Path(cwd))
        if header.repo != str(repo):
            raise invalid(f"session {session_id} belongs to {header.repo}, not to {repo}")
        return settings.model_copy(update={"resume": session_id})

    async def close(self, session_id: str) -> None:
        """End a session and whatever runs in it. Raises RequestError where it is not open."""
        conversation = self.named(session_id)
        del self._open[session_id]
        await conversation.aclose()

    async def aclose(self) -> None:
        """End all of them."""
        conversations, self._open = list(self._open.values()), {}
        closed = await asyncio.gather(*(each.aclose() for each in conversations), return_exceptions=True)
        for error in closed:
            if isinstance(error, Exception):
                logging.error("a session could not be closed in order", exc_info=error)

    async def _settings(self, cwd: str) -> Settings:
        if not Path(cwd).is_absolute():
            raise invalid(f"cwd must be an absolute path, not {cwd!r}")
        try:
            Path(cwd).stat()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            pass  # told of where the repository is looked for
        except (OSError, ValueError):  # too long, or with a NUL
            raise invalid(f"cwd is no path that can be: {one_line(cwd, 60)}") from None
        return await asyncio.to_thread(self._settings_of, Path(cwd))

    async def _opened(
        self,
        settings: Settings,
        client: Client,
        new_id: str | None,
        read_buffer: ReadBuffer | None,
        notes: list[str],
    ) -> Conversation:
        conversation = await open_conversation(settings, client, new_id=new_id, read_buffer=read_buffer, notes=notes)
        self._open[conversation.id] = conversation
        return conversation


def on_disk(cwd: str | None, cursor: str | None) -> ListSessionsResponse:
    """A page of the sessions on disk, newest first; `cursor` is the last one of the page before."""
    try:
        repo = find_repository(Path(cwd)) if cwd else None
    except (WorkspaceError, OSError, ValueError):
        return ListSessionsResponse(sessions=[])
    root = paths.sessions_dir()
    found = store.headers(root, repo)
    begin = next((at + 1 for at, header in enumerate(found) if header.id == cursor), 0) if cursor else 0
    page = found[begin : begin + PAGE]
    more = page[-1].id if begin + PAGE < len(found) else None
    return ListSessionsResponse(sessions=_infos(root, page), next_cursor=more)


def _infos(root: Path, headers: Sequence[store.Header]) -> list[SessionInfo]:
    return [
        SessionInfo(
            session_id=header.id,
            cwd=header.repo,
            title=harmless(header.title) or None,
            updated_at=_changed(root / header.id / store.FILE_NAME, header.created),
        )
        for header in headers
    ]


def _changed(path: Path, created: float) -> str:
    try:
        seconds = path.stat().st_mtime
    except OSError:
        seconds = created
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
