"""Known GPU cards: memory, compute capability and how several of them are joined, as data for planning elsewhere."""

import re

from glmcode_engine.messages import Value

GIB = 2**30
FP8_NATIVE = (8, 9)
"""Tensor cores compute in FP8 from this compute capability on (Ada, Hopper, Blackwell)."""
BF16_NATIVE = (8, 0)
"""The same for BF16 (Ampere)."""
SAME_MEMORY = 0.06
"""Drivers report up to so much less or more than the round figure of the data sheet."""


class Card(Value):
    """One kind of card."""

    kind: str
    """As one writes it after --gpus."""
    memory_gib: int
    """GiB as the driver reports them, rounded."""
    capability: tuple[int, int] | None
    """CUDA compute capability; None: not known."""
    interconnect: str = "PCIe"
    """What joins the cards of one machine in the usual build; tensor parallelism over PCIe works, slowly."""

    @property
    def fp8(self) -> bool | None:
        """Whether it computes in FP8 natively; None: not known."""
        return None if self.capability is None else self.capability >= FP8_NATIVE


def _card(kind: str, memory_gib: int, capability: tuple[int, int], interconnect: str = "PCIe") -> Card:
    return Card(kind=kind, memory_gib=memory_gib, capability=capability, interconnect=interconnect)


# Memory: data sheets of the cards. Compute capability: developer.nvidia.com/cuda-gpus.
CARDS = (
    _card("b300", 268, (10, 3), "NVLink"),
    _card("b200", 179, (10, 0), "NVLink"),
    _card("gb200", 185, (10, 0), "NVLink"),
    _card("h200", 140, (9, 0), "NVLink"),
    _card("gh200", 96, (9, 0), "NVLink"),
    _card("h100", 80, (9, 0), "NVLink"),
    _card("h100-nvl", 94, (9, 0), "NVLink"),
    _card("h800", 80, (9, 0), "NVLink"),
    _card("h20", 96, (9, 0), "NVLink"),
    _card("a100-80", 80, (8, 0), "NVLink"),
    _card("a100-40", 40, (8, 0), "NVLink"),
    _card("l40s", 45, (8, 9)),
    _card("l40", 45, (8, 9)),
    _card("l4", 22, (8, 9)),
    _card("rtxpro6000", 96, (12, 0)),
    _card("rtx6000ada", 48, (8, 9)),
    _card("rtx5090", 32, (12, 0)),
    _card("rtx4090", 24, (8, 9)),
    _card("rtx3090", 24, (8, 6)),
    _card("a6000", 48, (8, 6)),
    _card("a40", 45, (8, 6)),
    _card("a10", 22, (8, 6)),
    _card("v100-32", 32, (7, 0), "NVLink"),
    _card("t4", 15, (7, 5)),
)
_ALIASES = {"a100": "a100-80", "h100-80": "h100", "h200-141": "h200", "4090": "rtx4090", "5090": "rtx5090"}


def card_of(kind: str) -> Card | None:
    """The card of this name, however it is cased and spaced."""
    plain = re.sub(r"[ _]", "", kind.lower())
    return next((card for card in CARDS if card.kind == _ALIASES.get(plain, plain)), None)


def recognise(name: str, memory_bytes: int) -> Card | None:
    """The card behind the name that a driver reports ("NVIDIA H100 80GB HBM3") and its memory; None: an unknown one."""
    words = re.sub(r"[^a-z0-9]", "", name.lower())
    near = (card for card in CARDS if abs(memory_bytes / GIB / card.memory_gib - 1) <= SAME_MEMORY)
    # The longest name wins: "GB200" also holds "b200".
    fitting = [card for card in near if re.sub(r"-\d+$|-", "", card.kind) in words]
    return max(fitting, key=lambda card: len(card.kind), default=None)
