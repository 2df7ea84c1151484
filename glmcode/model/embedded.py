"""The engine on this machine: the SGLang server that runs here already, or one that lives as long as its runs."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from glmcode import paths
from glmcode.config import Settings
from glmcode.model.care import with_care
from glmcode.model.loading import Loading, Watch
from glmcode_engine.base import Engine, EngineError, EngineInfo, StreamPart
from glmcode_engine.messages import Request

if TYPE_CHECKING:
    from glmcode_engine.sglang.phases import Phase, PhaseName
    from glmcode_engine.sglang.record import Record

SAY_EVERY_S = 5.0
"""Least time between two lines about the same phase."""


class PhaseTeller:
    """Tells people how far a start has come, a line at a time."""

    def __init__(self, say: Callable[[str], None], watch: Watch | None = None) -> None:
        """With `watch` only that gets the progress, and at once."""
        self._say = say
        self._watch = watch
        self._told: tuple[PhaseName, float | None] | None = None
        self._at = 0.0

    def __call__(self, record: "Record") -> None:
        phase = record.phase
        if phase is None or (phase.name, phase.fraction) == self._told:
            return
        if self._watch is not None:
            self._told = (phase.name, phase.fraction)
            self._watch(_loading(phase))
            return
        is_new = self._told is None or self._told[0] != phase.name
        if is_new or time.monotonic() - self._at >= SAY_EVERY_S:
            self._told, self._at = (phase.name, phase.fraction), time.monotonic()
            self._say(f"engine: {phase.title}" + (f" at {record.base_url}" if phase.name == "ready" else ""))


def _loading(phase: "Phase") -> Loading:
    from glmcode_engine.sglang.phases import PHASES, TITLES

    return Loading(TITLES[phase.name], PHASES.index(phase.name), len(PHASES), phase.fraction)


class EmbeddedEngine:
    """An engine that must be started before the first request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._info = EngineInfo(kind="sglang", model=settings.model)
        self._inner: Engine | None = None
        self._server: tuple[int, str | None] | None = None
        """Its port and key."""
        self._stack = AsyncExitStack()

    @property
    def info(self) -> EngineInfo:
        """Who answers; without an address before `start`."""
        return self._info

    async def start(self, say: Callable[[str], None], watch: Watch | None = None) -> None:
        """Use the server that runs, or start one; `watch` gets the progress in place of `say`.

        Raises EngineError with the cause where there is none to be had.
        """
        from glmcode.model.engine_options import NoModelPath, serve_options
        from glmcode_engine.sglang.attach import attached
        from glmcode_engine.sglang.preflight import ServeError

        try:
            options = serve_options(self._settings, paths.engine_dir())
            runs = options.place.is_supervised()
            record = await self._stack.enter_async_context(attached(options, PhaseTeller(say, watch)))
        except (ServeError, NoModelPath) as error:
            raise EngineError("unreachable", str(error), retry="never") from None
        if runs:
            say(f"engine: using the server at {record.base_url}, {record.served_name} from {record.model_path}")
        self._info = EngineInfo(kind="sglang", model=record.served_name, base_url=record.base_url)
        self._server = (record.port, options.place.key())
        self._inner = self._client(record, options.place.key())

    def stream(self, request: Request) -> AsyncIterator[StreamPart]:
        """Stream one answer; see `Engine.stream`."""
        assert self._inner is not None, "the engine was not started"
        return self._inner.stream(request)

    async def window(self) -> int | None:
        """Tokens of prompt and answer together, as the user set them, else as the server tells; None before `start`."""
        from glmcode_engine.sglang import probe

        if self._settings.window is not None or self._server is None:
            return self._settings.window
        port, key = self._server
        return await probe.window(port, key)

    async def aclose(self) -> None:
        """Leave the server; it ends when it was started for runs and this was the last."""
        inner, self._inner = self._inner, None
        if inner is not None:
            await inner.aclose()
        await self._stack.aclose()

    def _client(self, record: "Record", key: str | None) -> Engine:
        from glmcode_engine.endpoint import Endpoint
        from glmcode_engine.remote import RemoteEngine

        settings = self._settings
        endpoint = Endpoint(
            base_url=record.base_url, model=record.served_name, dialect="sglang", window=settings.window
        )
        remote = RemoteEngine(
            endpoint, api_key=key, idle_timeout_s=settings.idle_timeout, extra_body=settings.extra_body or None
        )
        return with_care(remote, settings)
