"""The plan as a record: what was read, what was planned for it, and what one should know about it."""

from collections.abc import Sequence
from typing import Literal

from glmcode_engine.messages import Value
from glmcode_engine.sglang.cards import FP8_NATIVE, GIB
from glmcode_engine.sglang.gpus import Gpu, GpuReading
from glmcode_engine.sglang.models import CHECKPOINTS, Checkpoint
from glmcode_engine.sglang.plan import PINNED_VERSION, Group, Option, best, equal_group, plan
from glmcode_engine.sglang.published import HOST_MEMORY_BYTES
from glmcode_engine.sglang.shortage import label


class GpuGroup(Value):
    """Equal cards of one machine."""

    name: str
    kind: str | None
    count: int
    memory_bytes: int
    """Of one card."""
    capability: str | None
    fp8: bool | None
    """Whether they compute in FP8 natively; null: not known."""
    interconnect: str
    busy: int
    """How many of them other processes use."""


class PlanRecord(Value):
    """What `engine plan --json` prints."""

    kind: Literal["engine_plan"] = "engine_plan"
    v: Literal[1] = 1
    gpus: tuple[GpuGroup, ...]
    """Of one machine."""
    nodes: int
    reading: str
    """How the GPUs became known: given, found, no_gpu, no_driver, no_package or failed."""
    detail: str
    host_memory_bytes: int | None
    """Of this machine; null where the plan is for another."""
    sglang: str
    """The version that the command lines are written for."""
    options: tuple[Option, ...]
    notes: tuple[str, ...]


def make_record(
    reading: GpuReading,
    nodes: int = 1,
    checkpoint: Checkpoint | None = None,
    context_length: int | None = None,
    version: str | None = None,
    host_memory_bytes: int | None = None,
) -> PlanRecord:
    """Plan for these GPUs on each of `nodes` machines; without a checkpoint for the known ones."""
    group = equal_group(reading, nodes)
    options = plan((checkpoint,) if checkpoint else CHECKPOINTS, group, context_length, version)
    return PlanRecord(
        gpus=_groups(reading.gpus),
        nodes=nodes,
        reading=reading.status,
        detail=reading.detail,
        host_memory_bytes=host_memory_bytes,
        sglang=version or PINNED_VERSION,
        options=options,
        notes=tuple(_notes(reading, group, options, host_memory_bytes)),
    )


def _groups(gpus: Sequence[Gpu]) -> tuple[GpuGroup, ...]:
    groups: dict[tuple[str, int], list[Gpu]] = {}
    for gpu in gpus:
        groups.setdefault((gpu.name, gpu.memory_bytes), []).append(gpu)
    return tuple(
        GpuGroup(
            name=name,
            kind=cards[0].kind,
            count=len(cards),
            memory_bytes=memory,
            capability="{}.{}".format(*cards[0].capability) if cards[0].capability else None,
            fp8=cards[0].capability >= FP8_NATIVE if cards[0].capability else None,
            interconnect=cards[0].interconnect,
            busy=sum(card.busy for card in cards),
        )
        for (name, memory), cards in groups.items()
    )


def _notes(reading: GpuReading, group: Group | None, options: Sequence[Option], host_memory: int | None) -> list[str]:
    notes = []
    chosen = best(options)
    busy = [gpu for gpu in reading.gpus if gpu.busy]
    if busy:
        used = sum(gpu.memory_bytes - gpu.free_bytes for gpu in busy) / GIB
        notes.append(f"{len(busy)} GPU(s) are in use ({used:.0f} GiB by other processes) and left out: see nvidia-smi")
    if group and len({(gpu.name, gpu.memory_bytes) for gpu in reading.gpus}) > 1:
        notes.append(
            f"SGLang needs equal cards for tensor parallelism: this plan uses {group.count} x {label(group.gpu)}"
        )
    if group and group.gpu.capability is None:
        notes.append(f"whether {group.gpu.name} computes in FP8 is not known; FP8 checkpoints want cards that do")
    if chosen and chosen.tp > 1 and group and group.gpu.interconnect == "PCIe":
        notes.append("these cards are usually joined by PCIe: tensor parallelism works, slower than over NVLink")
    if chosen and host_memory and host_memory < chosen.host_memory_bytes:
        notes.append(
            f"this machine has {host_memory / 10**9:.0f} GB of memory, less than the weights: loading will be slow"
        )
    elif chosen and host_memory and host_memory < HOST_MEMORY_BYTES and chosen.weight_bytes:
        notes.append("the published table wants more than 1 TB of host memory for normal loading")
    if chosen is None:
        notes += _instead(options)
    return notes


def _instead(options: Sequence[Option]) -> list[str]:
    smallest = min(options, key=lambda option: option.tp * option.pp or 10**6)
    return [
        f"closest: {smallest.name} {smallest.dtype}, which needs {smallest.missing}",
        "without them: a remote endpoint (glmcode run --preset zai), or a smaller model such as GLM-4.7-Flash in a "
        "server of your own (--base-url)",
    ]
