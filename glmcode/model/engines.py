"""Making the engine that the settings ask for."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from glmcode.config import ConfigError, KeyMissingError, Settings
from glmcode.keys import find_key, needs_key
from glmcode.model.care import with_care
from glmcode.model.loading import Watch
from glmcode_engine.base import Engine, EngineInfo
from glmcode_engine.presets import preset_of

if TYPE_CHECKING:
    from glmcode_engine.remote import RemoteEngine


def open_engine(settings: Settings) -> Engine:
    """The engine, not yet connected. Raises ConfigError."""
    name, _, argument = settings.engine.partition(":")
    match name:
        case "remote" if not argument:
            return with_care(open_remote(settings), settings)
        case "scripted" if argument:
            return _scripted(Path(argument))
        case "sglang" if not argument:
            from glmcode.model.embedded import EmbeddedEngine

            return EmbeddedEngine(settings)
        case "replay" if argument:
            return _replay(argument)
        case _:
            raise ConfigError(f"--engine {settings.engine!r} is none of remote, sglang, scripted:FILE, replay:SESSION")


async def start_engine(engine: Engine, say: Callable[[str], None], watch: Watch | None = None) -> None:
    """Start what has to run on this machine before it can be asked; `say` gets the progress, or `watch` if given.

    Raises EngineError.
    """
    if engine.info.kind != "sglang":
        return
    from glmcode.model.embedded import EmbeddedEngine

    assert isinstance(engine, EmbeddedEngine)
    await engine.start(say, watch)


def window_asker(engine: Engine, settings: Settings) -> Callable[[], Awaitable[int | None]] | None:
    """What finds out the window of this engine's model, None where nobody could tell."""
    match engine.info.kind:
        case "remote":
            return partial(ask_window, settings)
        case "sglang":
            from glmcode.model.embedded import EmbeddedEngine

            assert isinstance(engine, EmbeddedEngine)
            return engine.window
        case _:
            return None


async def ready_window(engine: Engine, settings: Settings) -> int | None:
    """The window as far as it is known before the first request without asking a server elsewhere."""
    if engine.info.kind != "sglang":
        return known_window(settings) if engine.info.kind == "remote" else settings.window
    from glmcode.model.embedded import EmbeddedEngine

    assert isinstance(engine, EmbeddedEngine)
    return await engine.window()


def known_window(settings: Settings) -> int | None:
    """The window of a remote model as the user, else the preset tells it."""
    service = preset_of(settings.base_url)
    return settings.window or (service.window if service is not None else None)


def is_script(info: EngineInfo) -> bool:
    """Whether a script or a recorded session plays instead of a model; every face says so."""
    return info.kind in ("scripted", "replay")


def open_remote(settings: Settings) -> "RemoteEngine":
    """The client of the endpoint that the settings name, not yet connected and without patience. Raises ConfigError."""
    from glmcode_engine.endpoint import resolve_endpoint, safe_url
    from glmcode_engine.remote import RemoteEngine

    try:
        endpoint = resolve_endpoint(settings.base_url, settings.model, settings.dialect, window=settings.window)
    except ValueError as error:
        raise ConfigError(f"--base-url: {error}") from None
    key = find_key(settings.base_url)
    if key is None and needs_key(settings.base_url):
        raise KeyMissingError(
            f"no API key for {safe_url(endpoint.base_url)}: set GLMCODE_API_KEY (or ZAI_API_KEY for Z.ai), "
            "or point --base-url at a server of your own"
        )
    return RemoteEngine(
        endpoint, api_key=key, idle_timeout_s=settings.idle_timeout, extra_body=settings.extra_body or None
    )


async def ask_window(settings: Settings) -> int | None:
    """The model's window in tokens, as the user, else the server, else the preset tells it. Raises ConfigError."""
    from glmcode_engine.server_tokens import ServerTokens

    engine = await asyncio.to_thread(open_remote, settings)  # the key may come from the system keyring
    try:
        return await ServerTokens(engine).window()
    finally:
        await engine.aclose()


def _scripted(path: Path) -> Engine:
    from glmcode_engine.scripted import ScriptedEngine

    try:
        return ScriptedEngine.from_file(path)
    except OSError as error:
        raise ConfigError(f"--engine scripted:{path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"--engine scripted:{path}: {error}") from None


def _replay(session: str) -> Engine:
    from glmcode import paths
    from glmcode.session.replaying import recorded_answers
    from glmcode.session.store import SessionError, session_file
    from glmcode_engine.scripted import ScriptedEngine

    try:
        answers = recorded_answers(session_file(paths.sessions_dir(), session))
    except SessionError as error:
        raise ConfigError(f"--engine replay:{session}: {error}") from None
    if not answers:
        raise ConfigError(f"--engine replay:{session}: the session holds no answer")
    return ScriptedEngine(answers, name=session, kind="replay")
