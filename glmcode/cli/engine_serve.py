"""`glmcode engine serve`, `status` and `stop`: the embedded server, in the foreground or in the background."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from pydantic import ValidationError

from glmcode import paths
from glmcode.cli.settings import say, settings_of
from glmcode.config import ConfigError
from glmcode.exit_codes import ExitCode
from glmcode.interrupts import Interrupts, interruptible
from glmcode.model.embedded import PhaseTeller
from glmcode.model.engine_status import render
from glmcode_engine.sglang.attach import follow, start_detached, stop
from glmcode_engine.sglang.options import ServeOptions
from glmcode_engine.sglang.preflight import ServeError, check_model
from glmcode_engine.sglang.record import Place, Record
from glmcode_engine.sglang.supervisor import Supervisor

_SPEC = {
    "tp": "tp", "context_length": "context_length", "served_model_name": "served_name", "mtp": "mtp",
    "hicache": "hierarchical_cache_gb", "nodes": "nodes", "node_rank": "node_rank", "dist_init_addr": "dist_init_addr",
}  # fmt: skip
"""Flags and the fields of ServeSpec that they set."""
_BAR_WIDTH = 24


def engine_serve(options: argparse.Namespace, extra: Sequence[str] | None) -> int:
    """Supervise a server until Ctrl-C, or leave it running in the background; 69 where it cannot be had."""
    wanted = _options(options, extra or ())
    if options.detach:
        return asyncio.run(interruptible(_telling(_detached(wanted))))
    return asyncio.run(_telling(_attended(wanted)))


def engine_status(options: argparse.Namespace) -> int:
    """Print how the server is; 0 either way."""
    from glmcode_engine.sglang.status import status_of

    status = asyncio.run(status_of(_place(options)))
    print(status.model_dump_json() if options.json else render(status))
    return ExitCode.DONE


def engine_stop(options: argparse.Namespace) -> int:
    """End the server and all its processes."""
    return asyncio.run(_telling(_stop(_place(options))))


async def _telling(work: Coroutine[Any, Any, int]) -> int:
    try:
        return await work
    except ServeError as error:
        say(str(error))
        return ExitCode.NO_ENGINE


async def _detached(options: ServeOptions) -> int:
    place = options.place
    place.prepare()
    if (code := await _adopted(place, options)) is not None:
        return code
    record = await _in_background(options)
    say(f"engine {place.name} runs in the background: {record.base_url}; end it with glmcode engine stop")
    return ExitCode.DONE


async def _attended(options: ServeOptions) -> int:
    place = options.place
    place.prepare()
    with place.supervised() as alone:
        if alone:
            return await _in_foreground(options)
    code = await _adopted(place, options)
    if code is None:
        raise ServeError(f"the engine {place.name!r} was just ending; try again")
    return code


async def _adopted(place: Place, options: ServeOptions) -> int | None:
    """Done, where a server of this name runs or starts already; None: there is none."""
    if not place.is_supervised():
        return None
    record = await follow(place, progress(), model=check_model(options.spec.model, os.environ))
    until = "; it ends with the run that started it" if record.while_used else ""
    say(f"engine {place.name} runs already: {record.base_url}, {record.model_path}{until}")
    return ExitCode.DONE


async def _in_foreground(options: ServeOptions) -> int:
    from glmcode_engine.sglang import processes

    place = options.place
    left = place.read()
    if left is not None and left.server is not None:
        await asyncio.to_thread(processes.end_session, left.server, 2.0)
    place.remove()  # or it would pass for ours until we have a record
    supervisor = Supervisor(options, say=say, on_record=progress())
    interrupts = Interrupts(supervisor.stop)
    ending = await supervisor.run()
    say(f"engine {place.name} stopped" + {"idle": ", it was idle", "unused": "", "stopped": ""}[ending])
    return interrupts.code or ExitCode.DONE


async def _in_background(options: ServeOptions) -> Record:
    """Start it and wait until it is ready; who interrupts the wait does not want it any more."""
    await start_detached(options)
    try:
        return await follow(options.place, progress())
    except asyncio.CancelledError:
        await stop(options.place, grace_s=options.grace_s)
        raise


async def _stop(place: Place) -> int:
    if not place.folder.is_dir():
        say(f"no engine {place.name} runs")
        return ExitCode.DONE
    record = await stop(place, grace_s=10.0)
    say(f"engine {place.name} stopped ({record.base_url})" if record else f"no engine {place.name} runs")
    return ExitCode.DONE


def _options(options: argparse.Namespace, extra: Sequence[str]) -> ServeOptions:
    """Raises ConfigError."""
    from glmcode.model.engine_options import NoModelPath, serve_options

    try:
        return serve_options(
            settings_of(options),
            paths.engine_dir(),
            name=options.name,
            extra=extra,
            spec={field: getattr(options, flag) for flag, field in _SPEC.items()},
            idle_stop_s=options.idle_stop and options.idle_stop * 60,
            max_restarts=options.max_restarts,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"engine serve: {first['loc'][-1] if first['loc'] else ''}: {first['msg']}") from None
    except (NoModelPath, ValueError) as error:
        raise ConfigError(str(error)) from None


def _place(options: argparse.Namespace) -> Place:
    """Raises ConfigError."""
    try:
        return Place(paths.engine_dir(), options.name)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def progress() -> Callable[[Record], None]:
    """Shows a start: a bar on a terminal, else lines."""
    return _Bar() if sys.stderr.isatty() else PhaseTeller(say)


class _Bar:
    """One line on standard error that is written over, and one that stays for each phase that is over."""

    def __init__(self) -> None:
        self._phase: str | None = None
        self._since = time.monotonic()

    def __call__(self, record: Record) -> None:
        phase = record.phase
        if phase is None:
            return
        if self._phase is not None and self._phase != phase.name:
            sys.stderr.write("\n")
            self._since = time.monotonic()
        self._phase = phase.name
        filled = round((phase.fraction or 0.0) * _BAR_WIDTH)
        bar = f" [{'=' * filled}{' ' * (_BAR_WIDTH - filled)}]" if phase.fraction is not None else ""
        where = f" at {record.base_url} (Ctrl-C stops it)" if phase.name == "ready" else ""
        sys.stderr.write(f"\r\x1b[Kglmcode: engine: {phase.title}{bar}{where}" + ("\n" if where else ""))
        sys.stderr.flush()
        if where:
            self._phase = None
