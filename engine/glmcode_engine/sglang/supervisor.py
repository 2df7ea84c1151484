"""Runs one server: starts it, follows its start, restarts it within limits, and stops it when it is idle."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from glmcode_engine.sglang import probe, processes
from glmcode_engine.sglang.causes import find_cause
from glmcode_engine.sglang.command import ServeSpec, serve_command
from glmcode_engine.sglang.launch import Child, launch, server_environment
from glmcode_engine.sglang.log import ServerLog
from glmcode_engine.sglang.options import ServeOptions
from glmcode_engine.sglang.phases import Phase, read_phase
from glmcode_engine.sglang.preflight import (
    Installed,
    ServeError,
    check_flags,
    check_model,
    find_sglang,
    free_port,
    warnings,
)
from glmcode_engine.sglang.record import Record

Ending = Literal["stopped", "idle", "unused"]
"""Why a supervisor gave its server up in order."""
Say = Callable[[str], None]

_POLL_S = 1.0
_BACK_OFF_S = (2.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class _Death:
    why: str


class Supervisor:
    """Supervises one server until it is told to stop, or the server fails for good."""

    def __init__(self, options: ServeOptions, *, say: Say, on_record: Callable[[Record], None]) -> None:
        """`say` gets lines for people, `on_record` every new state of the record."""
        self.options = options
        self._place = options.place
        self._say = say
        self._on_record = on_record
        self._stop = asyncio.Event()
        self._record: Record | None = None
        self._claim = ExitStack()
        self._key = ""

    def stop(self) -> None:
        """Ask for the end; `run` returns when nothing of the server is left."""
        self._stop.set()

    async def run(self) -> Ending:
        """Supervise. Raises ServeError where the server cannot be had; the record then says `failed` and why.

        The caller holds `Place.supervised`.
        """
        failed = False
        try:
            return await self._run()
        except ServeError as error:
            failed = True
            if self._record is not None:
                self._note(state="failed", cause=str(error), server=None, warden=None)
            raise
        finally:
            if failed and self._record is not None:
                self._place.key_file.unlink(missing_ok=True)
            else:
                self._place.remove()
            self._claim.close()

    async def _run(self) -> Ending:
        installed, spec = await self._preflight()
        deaths: list[float] = []
        while True:
            ending = await self._one_life(installed, spec)
            if not isinstance(ending, _Death):
                return ending
            now = time.monotonic()
            deaths = [each for each in deaths if now - each < self.options.restart_window_s] + [now]
            if len(deaths) > self.options.max_restarts:
                within = f"within {self.options.restart_window_s / 60:.0f} minutes"
                times = f" {len(deaths)} times {within}" if len(deaths) > 1 else ""
                raise ServeError(f"the server died{times}: {ending.why}; its log: {self._place.log}")
            delay_s = _BACK_OFF_S[min(len(deaths), len(_BACK_OFF_S)) - 1]
            self._say(f"the server died: {ending.why}; starting it again in {delay_s:.0f} s")
            self._note(state="starting", phase=Phase(name="starting"), cause=ending.why, server=None, warden=None)
            if (given_up := await self._is_over_within(delay_s)) is not None:
                return given_up
            self._note(restarts=self._current.restarts + 1)

    async def _preflight(self) -> tuple[Installed, ServeSpec]:
        options = self.options
        check_flags(options.spec.extra)
        model = check_model(options.spec.model, os.environ)
        port = free_port(0 if options.any_port else options.spec.port)
        installed = await find_sglang(options.python)
        for warning in warnings(model):
            self._say(f"warning: {warning}")
        self._place.prepare()
        self._key = self._place.make_key()
        spec = options.spec.model_copy(update={"model": model, "port": port, "host": "127.0.0.1"})
        me = processes.mark(os.getpid())
        self._record = Record(
            name=options.name, state="starting", phase=Phase(name="starting"), supervisor=me, port=port,
            model_path=model, served_name=spec.served_name, version=installed.version, log=str(self._place.log),
            since=time.time(), while_used=options.while_used,
        )  # fmt: skip
        return installed, spec

    async def _one_life(self, installed: Installed, spec: ServeSpec) -> Ending | _Death:
        """From start to end. Raises ServeError for a first start that fails."""
        is_first = self._current.restarts == 0
        log = ServerLog(self._place.log, secret=self._key)
        try:
            async with self._launched(_argv(installed, spec, str(self._place.key_file)), log) as (child, ended):
                self._note(state="starting", since=time.time(), server=child.server, warden=child.warden)
                ready = await self._until_ready(ended)
                if ready is None:
                    ready = await self._until_over(ended)
                if ready is not None:
                    return ready
                code = ended.result()
            why = find_cause(list(log.tail), code)
        finally:
            log.finish()
        if is_first and self._current.state == "starting":
            raise ServeError(f"the server did not start: {why}; its log: {self._place.log}")
        return _Death(why)

    @asynccontextmanager
    async def _launched(self, argv: Sequence[str], log: ServerLog) -> "AsyncIterator[tuple[Child, asyncio.Task[int]]]":
        """The server with its output being read, and the task that ends with it."""
        try:
            async with launch(argv, server_environment(os.environ), grace_s=self.options.grace_s) as child:
                ended = asyncio.create_task(self._follow(child, log))
                try:
                    yield child, ended
                finally:
                    child.stop()
                    await asyncio.wait([ended])
        except OSError as error:
            raise ServeError(f"the server cannot be started: {error.strerror}") from None

    async def _follow(self, child: Child, log: ServerLog) -> int:
        """Read all that the server prints until it ends; returns its exit code."""
        reading = asyncio.create_task(self._read(child, log))
        code = await child.ended()
        # What was printed is there by now; a stray process may hold the pipe open for ever.
        await asyncio.wait([reading], timeout=1.0)
        reading.cancel()
        return code

    async def _read(self, child: Child, log: ServerLog) -> None:
        while data := await child.output.read(65536):
            for line in log.feed(data):
                phase = read_phase(line, self._current.phase) if self._current.state == "starting" else None
                if phase is not None and phase.name != "ready" and phase != self._current.phase:
                    self._note(phase=phase)

    async def _until_ready(self, ended: "asyncio.Task[int]") -> Ending | None:
        """None: it is ready, or it died (`ended` is done). Raises ServeError where it takes too long."""
        until = time.monotonic() + self.options.start_timeout_s
        healthy = asyncio.create_task(_until_healthy(self._current.port))
        try:
            while True:
                ending = await self._given_up(ended, healthy)
                if ending is not None or ended.done():
                    return ending
                if healthy.done():
                    self._note(state="ready", phase=Phase(name="ready"), cause=None)
                    return None
                if time.monotonic() > until:
                    raise ServeError(self._too_slow())
        finally:
            healthy.cancel()

    def _too_slow(self) -> str:
        where = f" (it was {self._current.phase.title})" if self._current.phase else ""
        return (
            f"the server was not ready after {self.options.start_timeout_s:.0f} s{where}; raise --start-timeout, "
            f"or look into its log: {self._place.log}"
        )

    async def _until_over(self, ended: "asyncio.Task[int]") -> Ending | None:
        """Wait while it serves; None: it died."""
        seen, since = -1.0, time.monotonic()
        checked = since
        while not ended.done():
            if (ending := await self._given_up(ended)) is not None:
                return ending
            limit_s, now = self.options.idle_stop_s, time.monotonic()
            if limit_s is None or now - checked < min(15.0, limit_s / 4):
                continue
            checked = now
            figures = await probe.metrics(self._current.port)
            asked = figures.get("prompt_tokens_total", seen)
            if asked != seen or figures.get("num_running_reqs", 0) + figures.get("num_queue_reqs", 0) > 0:
                seen, since = asked, time.monotonic()
            elif now - since > limit_s:
                self._say(f"stopping the server: no request for {limit_s / 60:.0f} minutes")
                return "idle"
        return None

    async def _given_up(self, *others: "asyncio.Task[Any]") -> Ending | None:
        """After a moment, or when one of the others ends: why to give the server up, if so."""
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait([stop, *others], timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if self._stop.is_set():
            return "stopped"
        if self.options.while_used and self._is_unused():
            return "unused"
        return None

    def _is_unused(self) -> bool:
        claim = ExitStack()
        if claim.enter_context(self._place.unused()):
            # Held until the server is gone, or a run could begin to use it while it ends.
            self._claim = claim
            return True
        claim.close()
        return False

    async def _is_over_within(self, delay_s: float) -> Ending | None:
        until = time.monotonic() + delay_s
        while time.monotonic() < until:
            if (ending := await self._given_up()) is not None:
                return ending
        return None

    @property
    def _current(self) -> Record:
        assert self._record is not None, "the preflight is over"
        return self._record

    def _note(self, **changes: Any) -> None:
        self._record = self._current.model_copy(update=changes)
        self._place.write(self._record)
        self._on_record(self._record)


async def _until_healthy(port: int) -> None:
    while not await probe.is_healthy(port, timeout_s=25.0):  # noqa: ASYNC110
        await asyncio.sleep(_POLL_S)


def _argv(installed: Installed, spec: ServeSpec, key_file: str) -> tuple[str, ...]:
    """The command line; the key is in a file that it names. Raises ServeError."""
    private = spec.model_copy(update={"extra": ("--config", key_file, *spec.extra)})
    try:
        return serve_command(private, installed.version, installed.python)
    except ValueError as error:
        raise ServeError(str(error)) from None
