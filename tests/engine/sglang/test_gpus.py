import subprocess
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_engine.sglang.cards import CARDS, GIB, card_of, recognise
from glmcode_engine.sglang.gpus import GpuSpecError, parse_gpus, read_gpus

H100 = ("NVIDIA H100 80GB HBM3", 81559 * 2**20, (9, 0))


class Nvml:
    """pynvml's interface over given cards: no GPU is needed to see what is made of its answers."""

    class NVMLError(Exception):
        pass

    def __init__(
        self, cards: Sequence[tuple[str | bytes, int, tuple[int, int]]], used: int = 0, fails: str = ""
    ) -> None:
        self.cards, self.used, self.fails, self.open = cards, used, fails, 0

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nvml") and name == object.__getattribute__(self, "fails"):
            raise self.NVMLError("Driver/library version mismatch\x1b[31m")
        return object.__getattribute__(self, name)

    def nvmlInit(self) -> None:
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:
        return self.cards[handle][0]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        total = self.cards[handle][1]
        return SimpleNamespace(total=total, free=total - self.used, used=self.used)

    def nvmlDeviceGetCudaComputeCapability(self, handle: int) -> tuple[int, int]:
        return self.cards[handle][2]

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[int]:
        return [1] * bool(self.used)

    def nvmlSystemGetDriverVersion(self) -> str:
        return "580.82.07"


def test_cards_are_read_and_recognised() -> None:
    nvml = Nvml([H100, (b"Some\x1b[31m Card", 10 * GIB, (8, 9))], used=30 * GIB)
    reading = read_gpus(nvml)
    first, second = reading.gpus
    assert (reading.status, reading.driver, nvml.open) == ("found", "580.82.07", 0)
    assert (first.name, first.kind, first.capability, first.processes) == (H100[0], "h100", (9, 0), 1)
    assert (first.memory_bytes, first.free_bytes) == (H100[1], H100[1] - 30 * GIB)
    assert first.busy
    assert (second.name, second.kind) == ("Some Card", None)


def test_a_driver_without_a_gpu_says_so() -> None:
    assert read_gpus(Nvml([])).status == "no_gpu"


@pytest.mark.parametrize(
    ("fails", "status"),
    [("nvmlInit", "no_driver"), ("nvmlDeviceGetCount", "failed"), ("nvmlDeviceGetMemoryInfo", "failed")],
)
def test_a_driver_that_fails_is_told_in_a_clean_line(fails: str, status: str) -> None:
    nvml = Nvml([H100], fails=fails)
    reading = read_gpus(nvml)
    assert (reading.status, reading.gpus, nvml.open) == (status, (), 0)
    assert "version mismatch" in reading.detail
    assert "\x1b" not in reading.detail


def test_a_list_of_processes_that_is_not_told_is_no_failure() -> None:
    (gpu,) = read_gpus(Nvml([H100], fails="nvmlDeviceGetComputeRunningProcesses")).gpus
    assert (gpu.processes, gpu.busy) == (0, False)


def test_the_real_library_without_a_driver_says_what_is_missing() -> None:
    reading = read_gpus()
    assert reading.status in ("no_driver", "no_gpu", "found", "failed")
    assert reading.detail


def test_a_missing_package_is_named_with_its_remedy() -> None:
    code = (
        "import sys; sys.modules['pynvml'] = None\n"
        "from glmcode_engine.sglang.gpus import read_gpus\n"
        "reading = read_gpus(); print(reading.status, reading.detail)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("no_package")
    assert "pip install" in done.stdout


@pytest.mark.parametrize(
    ("name", "mib", "kind"),
    [
        ("NVIDIA H100 80GB HBM3", 81559, "h100"),
        ("NVIDIA H100 PCIe", 81559, "h100"),
        ("NVIDIA H100 NVL", 95830, "h100-nvl"),
        ("NVIDIA H200", 143771, "h200"),
        ("NVIDIA GH200 480GB", 97871, "gh200"),
        ("NVIDIA A100-SXM4-80GB", 81920, "a100-80"),
        ("NVIDIA A100-SXM4-40GB", 40960, "a100-40"),
        ("NVIDIA GeForce RTX 4090", 24564, "rtx4090"),
        ("NVIDIA RTX 6000 Ada Generation", 49140, "rtx6000ada"),
        ("NVIDIA B200", 183359, "b200"),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", 9984, None),
        ("NVIDIA GeForce GTX 970", 4096, None),
    ],
)
def test_names_of_the_driver_lead_to_the_card(name: str, mib: int, kind: str | None) -> None:
    card = recognise(name, mib * 2**20)
    assert (card.kind if card else None) == kind


def counted(spec: str) -> list[tuple[str, int]]:
    names = [gpu.name for gpu in parse_gpus(spec).gpus]
    return [(name, names.count(name)) for name in dict.fromkeys(names)]


@pytest.mark.parametrize(
    ("spec", "cards"),
    [
        ("h100:8", [("h100", 8)]),
        ("H200:4, h100:2", [("h200", 4), ("h100", 2)]),
        ("a100-80:4", [("a100-80", 4)]),
        ("a100", [("a100-80", 1)]),
        ("RTX 4090", [("rtx4090", 1)]),
        ("none", []),
        ("weird-card@48:2", [("weird-card@48", 2)]),
        ("h100@94:4", [("h100@94", 4)]),
    ],
)
def test_cards_can_be_named(spec: str, cards: list[tuple[str, int]]) -> None:
    assert counted(spec) == cards


def test_an_unknown_card_has_the_memory_that_was_said_and_nothing_else_is_known() -> None:
    (gpu,) = parse_gpus("mystery@48").gpus
    assert (gpu.memory_bytes, gpu.capability, gpu.kind, gpu.busy) == (48 * GIB, None, None, False)


@pytest.mark.parametrize(
    "spec", ["", ",", "h100:0", "h100:", "h100:x", "h100:99999", "@80", "x@0", "x@99999", "h100:8,", "h100:-1", "x:2"]
)
def test_what_names_no_cards_is_refused(spec: str) -> None:
    with pytest.raises(GpuSpecError, match="--gpus"):
        parse_gpus(spec)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(GpuSpecError) as caught:
        parse_gpus("voodoo2:4")
    assert all(card.kind in str(caught.value) for card in CARDS)


@given(st.text(max_size=40))
def test_any_spec_gives_cards_or_a_clear_line(spec: str) -> None:
    try:
        reading = parse_gpus(spec)
    except GpuSpecError as error:
        assert str(error).isprintable()
    else:
        assert all(gpu.memory_bytes > 0 for gpu in reading.gpus)


@given(st.lists(st.tuples(st.sampled_from(CARDS), st.integers(1, 64)), min_size=1, max_size=4))
def test_what_was_written_is_what_is_read(items: list[tuple[Any, int]]) -> None:
    reading = parse_gpus(",".join(f"{card.kind}:{count}" for card, count in items))
    assert len(reading.gpus) == sum(count for _, count in items)
    assert [gpu.kind for gpu in reading.gpus] == [card.kind for card, count in items for _ in range(count)]


def test_every_known_card_is_found_by_its_own_name() -> None:
    assert [card_of(card.kind.upper()) for card in CARDS] == list(CARDS)
