"""Finds the server that runs, or has one started in the background, and waits until it is ready."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from glmcode_engine.sglang import processes
from glmcode_engine.sglang.options import ServeOptions
from glmcode_engine.sglang.preflight import ServeError, check_model
from glmcode_engine.sglang.record import Place, Record
from glmcode_engine.untrusted import one_line

OnRecord = Callable[[Record], None]

_POLL_S = 0.3
_APPEAR_S = 90.0
"""How long a supervisor may take to write its first record: it asks the interpreter for its version before."""


def clean_up(place: Place, *, keep_failure: bool = True) -> None:
    """Forget what a dead supervisor left, and end what may be left of its server. Blocks."""
    with place.supervised() as alone:
        if not alone:
            return  # what is there is another's by now
        record = place.read()
        if record is not None and record.server is not None:
            processes.end_session(record.server, grace_s=2.0)
        if record is None or record.state != "failed" or not keep_failure:
            place.remove()


async def follow(place: Place, on_record: OnRecord, *, model: str | None = None) -> Record:
    """Wait until the supervised server is ready. Raises ServeError where it fails or serves another model."""
    waited, last = 0.0, None
    while True:
        alive = place.is_supervised()
        record = place.read()
        if record is not None and record != last and processes.mark(record.supervisor.pid) == record.supervisor:
            last, waited = record, 0.0
            if model is not None and record.model_path != model:
                raise ServeError(
                    f"the engine {place.name!r} serves {record.model_path}; stop it with `glmcode engine stop`, "
                    "or give this one another --name"
                )
            on_record(record)
            if record.state == "ready":
                return record
        if not alive:
            if record is not None and record.state == "failed" and record.cause:
                raise ServeError(record.cause)
            raise ServeError(_why_nothing(place))
        if last is None and waited > _APPEAR_S:
            raise ServeError("the engine's supervisor does not answer; stop it with `glmcode engine stop`")
        await asyncio.sleep(_POLL_S)
        waited += _POLL_S


async def start_detached(options: ServeOptions) -> None:
    """Start a supervisor in the background and wait until it has begun. Raises ServeError where it gives up at once."""
    place = options.place
    place.prepare()
    await asyncio.to_thread(clean_up, place, keep_failure=False)
    await asyncio.to_thread(_begin, options)
    if not place.is_supervised():
        record = place.read()
        raise ServeError(record.cause if record and record.cause else _why_nothing(place))


def _begin(options: ServeOptions) -> None:
    """Start the supervisor and wait until it has begun or given up."""
    place = options.place
    said = os.open(place.file("supervisor.log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        # Not asyncio's: its transports kill the process, which must outlive this one.
        process = subprocess.Popen(
            (sys.executable, "-P", "-m", "glmcode_engine.sglang.supervise"),
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            start_new_session=True,
            cwd="/",
        )
    finally:
        os.close(said)
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as told:
        told.write(options.model_dump_json().encode())
    while process.poll() is None and not place.is_supervised():
        time.sleep(0.05)


@asynccontextmanager
async def attached(options: ServeOptions, on_record: OnRecord) -> AsyncIterator[Record]:
    """A ready server: the one that runs, or one that ends with the last of its users. Raises ServeError.

    Whoever leaves last waits until it has ended, a moment longer than its grace at most.
    """
    place = options.place
    place.prepare()
    model = check_model(options.spec.model, os.environ)
    using = place.used()
    # It may have to wait for a server that is ending just now.
    await asyncio.to_thread(using.__enter__)
    try:
        if not place.is_supervised():
            await start_detached(options.model_copy(update={"while_used": True}))
        yield await follow(place, on_record, model=model)
    finally:
        using.__exit__(None, None, None)
        record = place.read()
        if record is not None and record.while_used:
            await gone(place, options.grace_s + 5.0, unless_used=True)


async def stop(place: Place, *, grace_s: float) -> Record | None:
    """End what runs; what ran, None for nothing. Raises ServeError where it does not end."""
    record = place.read()
    if not place.is_supervised():
        await asyncio.to_thread(clean_up, place, keep_failure=False)
        was_alive = record is not None and record.state != "failed" and record.server is not None
        return record if was_alive else None
    told = None
    for _ in range(round((grace_s + 20.0) / _POLL_S)):
        # While it does its checks a supervisor has no record yet.
        record = place.read() or record
        if record is not None and record.supervisor != told:
            told = record.supervisor
            told.send(signal.SIGTERM)
        if await gone(place, _POLL_S):
            return record
    pid = record.supervisor.pid if record else "unknown"
    raise ServeError(f"the engine {place.name!r} does not end; its supervisor is process {pid}")


async def gone(place: Place, limit_s: float, *, unless_used: bool = False) -> bool:
    """Wait until no supervisor is left; False after `limit_s`, or once somebody uses the server where that matters."""
    for _ in range(int(limit_s / 0.1)):
        if not place.is_supervised():
            return True
        if unless_used and place.is_used():
            return False
        await asyncio.sleep(0.1)
    return False


def _why_nothing(place: Place) -> str:
    """What a supervisor said before it had a record: its checks failed, or it has a bug."""
    try:
        lines = place.file("supervisor.log").read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return one_line(lines[-1]) if lines else "the engine ended"
