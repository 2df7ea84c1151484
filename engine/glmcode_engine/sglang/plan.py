"""Plans what can run on given GPUs: for each checkpoint the layout, the context that fits, and the command lines."""

import shlex
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from glmcode_engine.messages import Value
from glmcode_engine.sglang.command import ServeSpec, serve_command
from glmcode_engine.sglang.gpus import Gpu, GpuReading
from glmcode_engine.sglang.memory import STEP, Estimate, Layout, estimate, layouts, rounded
from glmcode_engine.sglang.models import Checkpoint
from glmcode_engine.sglang.published import FULL_CONTEXT, LONG_CONTEXT, REQUESTS, Row, Source, row_of
from glmcode_engine.sglang.shortage import lacks_native, missing

PINNED_VERSION = "0.5.23"
"""The SGLang that command lines are written for where none is installed."""
DIST_PORT = 20000
HEAD_NODE = "NODE0"
"""Stands for the address of the first machine, which only the user knows."""
MIN_CONTEXT = 32_768
"""A coding agent cannot work with less, even alone; cards without published counts must hold that much."""


class Option(Value):
    """One checkpoint on the given GPUs."""

    model: str
    name: str
    dtype: str
    tp: int
    """Tensor-parallel size; where nothing fits, the smallest that would (0: none on such cards)."""
    pp: int = 1
    nodes: int
    """Machines that one copy of the model needs."""
    replicas: int = 0
    """Copies that the given GPUs hold."""
    context: int
    """Tokens that each of `requests` requests can have at once; 0 where nothing fits."""
    context_alone: int
    """Tokens that one request can have while no other runs."""
    requests: int = REQUESTS
    window: int
    fits: bool
    source: Source
    missing: str | None
    """What more is needed, in words."""
    command: tuple[str, ...]
    """Command lines, one for each machine."""
    memory_bytes: int = 0
    """Of one GPU."""
    weight_bytes: int = 0
    """On one GPU; `kv_bytes` likewise."""
    kv_bytes: int = 0
    kv_bytes_per_token: int = 0
    host_memory_bytes: int
    """At the least on each machine: the weights. The published table wants more than 1 TB for full speed."""
    spec: ServeSpec | None = Field(default=None, exclude=True)


class Group(Value):
    """Equal GPUs on each of `nodes` machines; SGLang's tensor parallelism needs equal cards."""

    gpu: Gpu
    count: int
    """On one machine."""
    nodes: int

    @property
    def total(self) -> int:
        return self.count * self.nodes


def equal_group(reading: GpuReading, nodes: int = 1) -> Group | None:
    """The equal idle GPUs with the most memory together; None where there are none."""
    idle = [gpu for gpu in reading.gpus if not gpu.busy]
    groups: dict[tuple[str, int], list[Gpu]] = {}
    for gpu in idle:
        groups.setdefault((gpu.name, gpu.memory_bytes), []).append(gpu)
    largest = max(groups.values(), key=lambda group: group[0].memory_bytes * len(group), default=None)
    return Group(gpu=min(largest, key=lambda gpu: gpu.free_bytes), count=len(largest), nodes=nodes) if largest else None


def plan(
    checkpoints: Sequence[Checkpoint],
    group: Group | None,
    context_length: int | None = None,
    version: str | None = None,
) -> tuple[Option, ...]:
    """One option for each checkpoint, in their order. `context_length` is what every request must be able to have."""
    return tuple(_option(checkpoint, group, context_length, version or PINNED_VERSION) for checkpoint in checkpoints)


def best(options: Sequence[Option]) -> Option | None:
    """The option to start: of the first model that fits, the weights that leave most context, then most copies."""
    fitting = [option for option in options if option.fits]
    first = [option for option in fitting if option.name == fitting[0].name]
    return max(first, key=lambda option: (option.context, option.replicas), default=None)


class _Fit(Value):
    """One layout with its context by the published counts, or by the estimate."""

    layout: Layout
    estimate: Estimate
    context: int
    alone: int
    source: Source


def _option(checkpoint: Checkpoint, group: Group | None, wanted: int | None, version: str) -> Option:
    goal = wanted or checkpoint.window
    fits = [fit for fit in _fits(checkpoint, group) if fit.context >= (wanted or 0)]
    fit = next((fit for fit in fits if fit.context >= goal), fits[-1] if fits else None)
    shared: dict[str, Any] = {
        "model": checkpoint.model,
        "name": checkpoint.name,
        "dtype": checkpoint.dtype,
        "window": checkpoint.window,
        "host_memory_bytes": checkpoint.weight_bytes,
    }
    if fit is None or group is None:
        return _unfit(checkpoint, group, wanted, shared)
    spec = _spec(checkpoint, fit, wanted)
    return Option(
        **shared,
        tp=fit.layout.tp,
        pp=fit.layout.pp,
        nodes=fit.layout.nodes,
        replicas=_replicas(group, fit.layout),
        context=fit.context,
        context_alone=fit.alone,
        fits=True,
        source=fit.source,
        missing=None,
        command=command_lines(spec, version),
        memory_bytes=group.gpu.memory_bytes,
        weight_bytes=fit.estimate.weight_bytes,
        kv_bytes=fit.estimate.kv_bytes,
        kv_bytes_per_token=fit.estimate.kv_bytes_per_token,
        spec=spec,
    )


def _unfit(checkpoint: Checkpoint, group: Group | None, wanted: int | None, shared: dict[str, Any]) -> Option:
    """What would fit, and what is missing for it: on the same cards, or on the cards of the published table."""
    like = Group(gpu=group.gpu, count=64, nodes=1) if group else None
    enough = next((fit for fit in _fits(checkpoint, like) if fit.context >= (wanted or 0)), None)
    row = row_of(checkpoint.family, checkpoint.dtype, group.gpu.kind if group else "h100")
    needed = enough.layout if enough else Layout(tp=row.gpus) if row and not group else None
    nodes = max(1, -(-needed.gpus // group.count)) if needed and group else 1
    why = missing(checkpoint, group.gpu if group else None, group.total if group else 0, needed, wanted)
    return Option(
        **shared,
        tp=needed.tp if needed else 0,
        pp=needed.pp if needed else 1,
        nodes=nodes,
        context=0,
        context_alone=0,
        fits=False,
        source=enough.source if enough else row.source if row else "estimate",
        missing=why,
        command=(),
    )


def _fits(checkpoint: Checkpoint, group: Group | None) -> list[_Fit]:
    """The layouts that hold the checkpoint, smallest first."""
    if group is None or lacks_native(checkpoint.dtype, group.gpu):
        return []
    row = row_of(checkpoint.family, checkpoint.dtype, group.gpu.kind)
    memory = min(group.gpu.memory_bytes, group.gpu.free_bytes)
    fits = []
    for layout in layouts(checkpoint, group.count, group.nodes):
        found = estimate(checkpoint, layout, memory)
        context, source = _published(row, layout.gpus, found, checkpoint.window) if row else (found.context, "estimate")
        if row is None and found.context_alone < min(MIN_CONTEXT, checkpoint.window):
            continue
        if context:
            alone = max(context, found.context_alone)
            fits.append(_Fit(layout=layout, estimate=found, context=context, alone=alone, source=source))
    return fits


def _published(row: Row, gpus: int, found: Estimate, window: int) -> tuple[int, Source]:
    """The context by the published counts; below the full one it is what the estimate gives, and less than full."""
    if gpus < row.gpus:
        return 0, row.source
    if gpus >= row.gpus_long and window > FULL_CONTEXT:
        return min(window, LONG_CONTEXT), "estimate"
    if gpus >= row.gpus_full:
        return min(window, FULL_CONTEXT), row.source
    return max(STEP, rounded(min(found.context, FULL_CONTEXT - 1), window)), row.source


def _replicas(group: Group, layout: Layout) -> int:
    share = layout.gpus // layout.nodes
    return group.nodes // layout.nodes * (group.count // share if layout.nodes == 1 else 1)


def _spec(checkpoint: Checkpoint, fit: _Fit, wanted: int | None) -> ServeSpec:
    limit = wanted or (fit.alone if fit.alone < checkpoint.window else None)
    return ServeSpec(
        model=checkpoint.model,
        served_name="glm-4.5-air" if checkpoint.family == "GLM-4.5-Air" else "glm-4.6",
        tp=fit.layout.tp,
        pp=fit.layout.pp,
        nodes=fit.layout.nodes,
        dist_init_addr=f"{HEAD_NODE}:{DIST_PORT}" if fit.layout.nodes > 1 else None,
        context_length=limit,
    )


def command_lines(spec: ServeSpec, version: str | None) -> tuple[str, ...]:
    """The lines to type, one for each machine."""
    ranks = (spec.model_copy(update={"node_rank": rank}) for rank in range(spec.nodes))
    return tuple(shlex.join(serve_command(one, version)) for one in ranks)
