"""Says in words what a machine lacks to run a checkpoint."""

from glmcode_engine.sglang.cards import BF16_NATIVE, FP8_NATIVE
from glmcode_engine.sglang.gpus import Gpu
from glmcode_engine.sglang.memory import MAX_GPUS, Layout
from glmcode_engine.sglang.models import Checkpoint
from glmcode_engine.sglang.published import REQUESTS, TABLE


def missing(checkpoint: Checkpoint, gpu: Gpu | None, have: int, needed: Layout | None, wanted: int | None) -> str:
    """What is missing, given `have` cards like `gpu` and the layout that would do on such cards, if any does."""
    if wanted and wanted > checkpoint.window:
        return f"its window is {checkpoint.window:,} tokens"
    if gpu is None:
        return _from_nothing(checkpoint)
    name = label(gpu)
    if native := lacks_native(checkpoint.dtype, gpu):
        return f"{checkpoint.dtype}-native cards (compute capability {native} or newer), which {name} is not"
    purpose = f" for {wanted:,} tokens in each of {REQUESTS} requests" if wanted else ""
    if needed is None:
        return f"cards with more memory: {MAX_GPUS} x {name} would not do{purpose}"
    if needed.gpus > have:
        return f"{needed.gpus - have} more {name}{purpose}"
    return f"{needed.gpus} {name} on machines with a power of two each{purpose}"


def lacks_native(dtype: str, gpu: Gpu) -> str | None:
    """The compute capability that this card is too old for, None where it can do (or nothing is known of it)."""
    needed = {"FP8": FP8_NATIVE, "BF16": BF16_NATIVE}.get(dtype)
    if needed is None or gpu.capability is None or gpu.capability >= needed:
        return None
    return "{}.{}".format(*needed)


def _from_nothing(checkpoint: Checkpoint) -> str:
    rows = [row for row in TABLE if (row.family, row.dtype) == (checkpoint.family, checkpoint.dtype)]
    needs = " or ".join(f"{row.gpus} {row.kind.upper()}" + (" (estimate)" * (row.source == "estimate")) for row in rows)
    return needs or f"GPUs with more than {checkpoint.weight_bytes / 10**9:.0f} GB together"


def label(gpu: Gpu) -> str:
    """How a card is called in a sentence."""
    return gpu.kind.upper() if gpu.kind else gpu.name
