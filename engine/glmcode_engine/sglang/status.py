"""How the embedded server is right now, in one value for people and programs."""

import asyncio
import time
from typing import Literal

from glmcode_engine.messages import Value
from glmcode_engine.sglang import probe
from glmcode_engine.sglang.attach import clean_up
from glmcode_engine.sglang.gpus import read_gpus
from glmcode_engine.sglang.phases import Phase
from glmcode_engine.sglang.record import Place, Record
from glmcode_engine.untrusted import one_line


class GpuMemory(Value):
    """One card."""

    name: str
    used_bytes: int
    total_bytes: int


class EngineStatus(Value):
    """One server; what nobody tells is None."""

    kind: Literal["engine_status"] = "engine_status"
    v: Literal[1] = 1
    name: str
    state: Literal["stopped", "starting", "ready", "failed"]
    phase: str | None = None
    progress: float | None = None
    """Of the phase, 0 to 1."""
    cause: str | None = None
    """Of a failure, or of the last restart while the server starts again."""
    pid: int | None = None
    port: int | None = None
    base_url: str | None = None
    model: str | None = None
    served_name: str | None = None
    version: str | None = None
    uptime_s: float | None = None
    restarts: int | None = None
    while_used: bool | None = None
    """Whether it ends with the last run that uses it."""
    healthy: bool | None = None
    window: int | None = None
    """Tokens of prompt and answer together."""
    running_requests: int | None = None
    queued_requests: int | None = None
    cache_hit_rate: float | None = None
    """Of the last prefill, 0 to 1."""
    tokens_per_second: float | None = None
    gpu_memory: tuple[GpuMemory, ...] | None = None
    """Of this machine's GPUs, where NVML tells it."""
    log: str | None = None


async def status_of(place: Place) -> EngineStatus:
    """Look at the record, and ask the server where one runs; what a dead supervisor left is cleaned up."""
    if not place.folder.is_dir():
        return EngineStatus(name=place.name, state="stopped")
    supervised = place.is_supervised()
    if not supervised:
        await asyncio.to_thread(clean_up, place)
    record = place.read()
    if record is None:
        return EngineStatus(name=place.name, state="starting" if supervised else "stopped")
    phase = record.phase or Phase(name="starting")
    status = EngineStatus(
        name=place.name,
        state=record.state,
        phase=phase.name,
        progress=phase.fraction,
        cause=record.cause,
        port=record.port,
        model=record.model_path,
        served_name=record.served_name,
        version=record.version,
        restarts=record.restarts,
        while_used=record.while_used,
        log=record.log,
    )
    return status if record.state == "failed" else status.model_copy(update=await _live(place, record))


async def _live(place: Place, record: Record) -> dict[str, object]:
    found: dict[str, object] = {
        "pid": record.server.pid if record.server else None,
        "base_url": record.base_url,
        "uptime_s": round(time.time() - record.since, 1),
    }
    if record.state != "ready":
        return found
    healthy, figures, window = await asyncio.gather(
        probe.is_healthy(record.port), probe.metrics(record.port), probe.window(record.port, place.key())
    )
    return found | {
        "healthy": healthy,
        "window": window,
        "running_requests": _count(figures.get("num_running_reqs")),
        "queued_requests": _count(figures.get("num_queue_reqs")),
        "cache_hit_rate": figures.get("cache_hit_rate"),
        "tokens_per_second": figures.get("gen_throughput"),
        "gpu_memory": await asyncio.to_thread(_gpu_memory),
    }


def _gpu_memory() -> tuple[GpuMemory, ...] | None:
    cards = read_gpus().gpus
    return (
        tuple(
            GpuMemory(
                name=one_line(card.name), used_bytes=card.memory_bytes - card.free_bytes, total_bytes=card.memory_bytes
            )
            for card in cards
        )
        or None
    )


def _count(figure: float | None) -> int | None:
    return None if figure is None else int(figure)
