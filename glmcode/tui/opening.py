"""Opens the live session behind the first frame, and asks the person for what is missing."""

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from textual.app import App

from glmcode.config_error import ConfigError
from glmcode.starting import Start
from glmcode.tui.texts import text

if TYPE_CHECKING:
    from glmcode.config import Settings
    from glmcode.live.people import People
    from glmcode.live.session import LiveSession
    from glmcode.policy import ApprovalMode
    from glmcode_engine.base import EngineError
    from glmcode_sandbox.base import NoSandboxError


class Opening:
    """`live` gives the session as soon as all it needs is there. Call it from a worker: it may show screens."""

    def __init__(self, app: App[Any], start: Start, people: "Callable[[], People]") -> None:
        """`people`: how the person is reached; asked for when the session is made."""
        self.app = app
        self.start = start
        self._people = people
        self.session: LiveSession | None = None
        """What is open; None until `live` came so far."""
        self._known = start.settings
        self.begun = False
        """Whether the settings are there, and what a conversation needs is imported."""
        self._one_at_a_time = asyncio.Lock()

    async def begin(self) -> None:
        """Read the settings, where the start came without them, and import what a conversation needs.

        Both take longer than it takes to show a prompt. Raises ConfigError, SessionError, WorkspaceError.
        """
        if self.begun:
            return
        async with self._one_at_a_time:
            if not self.begun:
                self.start = await asyncio.to_thread(_whole, self.start)
                self._known, self.begun = self.start.settings, True

    @property
    def settings(self) -> "Settings":
        """What holds now; from `begin` on."""
        return self.session.settings if self.session else self._settings

    @property
    def _settings(self) -> "Settings":
        assert self._known is not None, "not begun"
        return self._known

    @_settings.setter
    def _settings(self, settings: "Settings") -> None:
        self._known = settings

    @property
    def mode(self) -> "ApprovalMode":
        """What happens when a call wants to leave the policy."""
        return self.settings.approval or "ask"

    @mode.setter
    def mode(self, mode: "ApprovalMode") -> None:
        if self.session is not None:
            self.session.mode = mode
        self._settings = self._settings.model_copy(update={"approval": mode})

    def set_thinking(self, thinking: str) -> None:
        """From the next turn on: on, off or auto."""
        if self.session is not None:
            self.session.thinking = "on" if thinking == "on" else "off" if thinking == "off" else "auto"
        self._settings = self._settings.model_copy(update={"thinking": thinking})

    async def live(self) -> "LiveSession":
        """The session, ready for a turn. Raises ConfigError, SandboxError, EngineError with what is still missing."""
        from glmcode_engine.base import EngineError
        from glmcode_sandbox.base import NoSandboxError

        async with self._one_at_a_time:
            while True:
                if self.session is None:
                    await self._ask_for_endpoint()
                    self.session = await asyncio.to_thread(self._make, self._people())
                try:
                    await self.session.prepare()
                except NoSandboxError as error:
                    await self._ask_for_sandbox(self.session, error)
                except (ConfigError, EngineError) as error:
                    await self._ask_for_another_engine(error)
                else:
                    return self.session

    async def resumed(self) -> "LiveSession | None":
        """The session with its conversation and files, opened where it was only shown; None where there is none yet.

        Raises what `live` raises, SessionError, WorkspaceError.
        """
        if self.session_id is None:
            return None
        live = await self.live()
        await live.open("")
        return live

    async def trust(self) -> None:
        """Ask whether the repository's own configuration may be obeyed; with a yes it holds from now on.

        Raises ConfigError where it says what cannot be obeyed, or the yes cannot be kept.
        """
        from glmcode.tui.firstrun.trust import TrustScreen

        assert self.start.untrusted is not None
        if not await self.app.push_screen_wait(TrustScreen(self.start.untrusted)):
            return
        from glmcode import paths
        from glmcode.trust import remember

        try:
            await asyncio.to_thread(remember, self.start.repo, paths.state_dir())
        except OSError as error:
            raise ConfigError(f"{paths.state_dir()}: {error.strerror}") from None
        await self.reload()

    async def reload(self, **given: Any) -> None:
        """Read all layers again, `given` on top of them; only while nothing is open. Raises ConfigError."""
        settings = self._settings
        if self.start.reload is not None:
            settings = (await asyncio.to_thread(self.start.reload)).model_copy(update={"resume": settings.resume})
        self._settings = settings.model_copy(update=given)
        if self.session is not None:
            await self.session.aclose()
            self.session = None

    @property
    def session_id(self) -> str | None:
        """Of the session on disk; None while there is none."""
        if self.session is not None:
            return self.session.id
        return self._known.resume if self._known is not None else None

    async def change_to(self, session: str | None) -> None:
        """Leave for another session; None: a new one. Raises SessionError."""
        if self.session is not None:
            await self.session.change_to(session)
        self._settings = self._settings.model_copy(update={"resume": session})

    async def aclose(self) -> None:
        """Close what is open."""
        session, self.session = self.session, None
        if session is not None:
            await session.aclose()
            self._settings = session.settings

    def _make(self, people: "People") -> "LiveSession":
        from glmcode.live.session import LiveSession

        return LiveSession(self._settings.model_copy(update={"repo": self.start.repo}), people)

    async def _ask_for_endpoint(self) -> None:
        """Where the endpoint wants a key and there is none."""
        from glmcode.firstrun.endpoint import lacks_key

        if not await asyncio.to_thread(lacks_key, self._settings):
            return
        from glmcode.tui.firstrun.endpoint import EndpointScreen

        chosen = await self.app.push_screen_wait(EndpointScreen(self._settings))
        if chosen is None:
            raise ConfigError(text("firstrun.no_endpoint"))
        await self.reload(**chosen)

    async def _ask_for_another_engine(self, error: "ConfigError | EngineError") -> None:
        """Where the engine of this machine does not start. Raises the error where there is no other."""
        if self.settings.engine != "sglang":
            raise error
        from glmcode.tui.firstrun.endpoint import EndpointScreen

        chosen = await self.app.push_screen_wait(EndpointScreen(self.settings, str(error)))
        if chosen is None:
            raise error
        await self.reload(**chosen)

    async def _ask_for_sandbox(self, session: "LiveSession", error: "NoSandboxError") -> None:
        from glmcode.tui.firstrun.sandbox import SandboxScreen

        chosen = await self.app.push_screen_wait(SandboxScreen(session.settings, str(error)))
        if chosen is None:
            raise error
        settings = session.settings
        await session.aclose()
        self.session = None
        self._settings = settings.model_copy(update=chosen)


def _whole(start: Start) -> Start:
    """The start with its settings. Blocks."""
    import_module("glmcode.tui.conversation")
    return start.read() if start.settings is None and start.read is not None else start
