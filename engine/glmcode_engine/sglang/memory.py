"""Estimates how a checkpoint spreads over GPUs: weights, KV memory, and the context that is left."""

from collections.abc import Iterator

from glmcode_engine.messages import Value
from glmcode_engine.sglang.models import Checkpoint
from glmcode_engine.sglang.published import REQUESTS

STATIC_FRACTION = 0.85
"""Of a card's memory for weights and KV cache; the rest is for activations and CUDA graphs.

SGLang works it out from the card: 80 GB cards come to 0.83 to 0.88 (arg_groups/memory_hook.py).
"""
STEP = 1024
"""Contexts are rounded down to multiples of so many tokens."""
MAX_GPUS = 64
"""Larger groups are not planned for: nobody published anything about them."""


class Layout(Value):
    """How many GPUs work on one copy of the model, and on how many machines."""

    tp: int
    pp: int = 1
    """Pipeline stages; more than one only where tensor parallelism cannot split the attention heads any further."""
    nodes: int = 1

    @property
    def gpus(self) -> int:
        return self.tp * self.pp


class Estimate(Value):
    """Memory of one layout in bytes for each GPU, and the tokens that its KV cache holds."""

    weight_bytes: int
    kv_bytes_per_token: int
    kv_bytes: int
    """What is left for the KV cache; negative where even the weights do not fit."""
    kv_tokens: int
    context: int
    """Tokens that each of `REQUESTS` requests can have at once, at most the window."""
    context_alone: int
    """Tokens that one request can have while no other runs, at most the window."""


def layouts(checkpoint: Checkpoint, per_node: int, nodes: int) -> Iterator[Layout]:
    """The layouts that so many equal GPUs allow, smallest first: powers of two, on as few machines as possible."""
    share = _power_below(per_node)
    heads = checkpoint.shape.num_attention_heads
    size = 1
    while share and size <= MAX_GPUS:
        tp = size
        while heads % tp:
            tp //= 2
        used = max(1, size // share)
        if used <= nodes and size // tp <= checkpoint.shape.num_hidden_layers:
            yield Layout(tp=tp, pp=size // tp, nodes=used)
        size *= 2


def estimate(checkpoint: Checkpoint, layout: Layout, memory_bytes: int) -> Estimate:
    """What fits on cards of this memory. Weights are spread evenly; what every GPU repeats is small."""
    weights = -(-checkpoint.weight_bytes // layout.gpus)
    per_token = checkpoint.kv_bytes_per_token(layout.tp, layout.pp)
    left = int(memory_bytes * STATIC_FRACTION) - weights
    tokens = max(0, left // per_token)
    return Estimate(
        weight_bytes=weights,
        kv_bytes_per_token=per_token,
        kv_bytes=left,
        kv_tokens=tokens,
        context=rounded(min(checkpoint.window, tokens // REQUESTS), checkpoint.window),
        context_alone=rounded(min(checkpoint.window, tokens), checkpoint.window),
    )


def rounded(tokens: int, window: int) -> int:
    """Down to a multiple of `STEP`, but the window itself stays whole."""
    return tokens if tokens == window else tokens // STEP * STEP


def _power_below(count: int) -> int:
    """The largest power of two that is not above `count`; 0 for 0."""
    return 1 << (count.bit_length() - 1) if count else 0
