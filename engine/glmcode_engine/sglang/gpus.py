"""Which GPUs there are: read from the driver through NVML, or given in words such as `h100:8`."""

import re
from typing import Any, Literal

from glmcode_engine.messages import Value
from glmcode_engine.sglang.cards import CARDS, GIB, Card, card_of, recognise
from glmcode_engine.untrusted import one_line

MAX_COUNT = 4096
MAX_MEMORY_GIB = 4096
BUSY_FRACTION = 0.1
"""A card with more of its memory taken than this belongs to somebody else."""

_ITEM = re.compile(r"(?P<kind>[a-z0-9][a-z0-9 _-]{0,39})(?:@(?P<memory>\d{1,5}))?(?::(?P<count>\d{1,5}))?", re.ASCII)


class Gpu(Value):
    """One card of one machine."""

    name: str
    kind: str | None
    """The known card that it is, None for an unknown one."""
    memory_bytes: int
    free_bytes: int
    capability: tuple[int, int] | None
    interconnect: str = "unknown"
    processes: int = 0
    """Processes that compute on it."""

    @property
    def busy(self) -> bool:
        return self.memory_bytes - self.free_bytes > BUSY_FRACTION * self.memory_bytes


class GpuReading(Value):
    """The GPUs of one machine, or why none could be read."""

    status: Literal["given", "found", "no_gpu", "no_driver", "no_package", "failed"]
    detail: str
    """One line for people."""
    gpus: tuple[Gpu, ...] = ()
    driver: str | None = None


class GpuSpecError(ValueError):
    """A --gpus that names no cards; the text lists the known ones."""


def parse_gpus(spec: str) -> GpuReading:
    """The cards that `h100:8`, `h200:4,h100:2`, `a100-80:4`, `NAME@GIB:COUNT` or `none` stand for.

    Raises GpuSpecError with a text that names what is known.
    """
    if spec.strip().lower() == "none":
        return GpuReading(status="given", detail="no GPU")
    gpus: list[Gpu] = []
    for item in spec.lower().split(","):
        gpus += _parse_item(item.strip())
    if len(gpus) > MAX_COUNT:
        raise GpuSpecError(f"--gpus: {len(gpus)} cards in one machine are too many (at most {MAX_COUNT})")
    return GpuReading(status="given", detail="as given", gpus=tuple(gpus))


def _parse_item(item: str) -> list[Gpu]:
    found = _ITEM.fullmatch(item)
    if not found:
        raise GpuSpecError(
            f"--gpus: {one_line(item, limit=60)!r} is not NAME[@GIB][:COUNT], such as h100:8 or a100-80:4"
        )
    kind, memory, count = found["kind"].strip(), int(found["memory"] or 0), int(found["count"] or 1)
    card = card_of(kind)
    if not 1 <= count <= MAX_COUNT or memory > MAX_MEMORY_GIB or (memory == 0 and found["memory"]):
        raise GpuSpecError(f"--gpus: {item!r}: counts and GiB go from 1 to {MAX_COUNT}")
    if card is None and not memory:
        known = ", ".join(sorted(card.kind for card in CARDS))
        raise GpuSpecError(f"--gpus: {kind!r} is not known; say NAME@GIB:COUNT, or one of: {known}")
    return [_given(kind, card, memory)] * count


def _given(kind: str, card: Card | None, memory_gib: int) -> Gpu:
    plain = card is not None and memory_gib in (0, card.memory_gib)
    size = (memory_gib or (card.memory_gib if card else 0)) * GIB
    return Gpu(
        name=card.kind if card and plain else f"{card.kind if card else kind}@{memory_gib}",
        kind=card.kind if card and plain else None,
        memory_bytes=size,
        free_bytes=size,
        capability=card.capability if card else None,
        interconnect=card.interconnect if card else "unknown",
    )


def read_gpus(nvml: Any = None) -> GpuReading:
    """The GPUs of this machine, through NVML (package nvidia-ml-py; a module with its interface can be given)."""
    if nvml is None:
        nvml = _load()
        if nvml is None:
            detail = "the package nvidia-ml-py is not installed: pip install 'glmcode[gpu]', or say --gpus"
            return GpuReading(status="no_package", detail=detail)
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return GpuReading(status="no_driver", detail=f"no NVIDIA driver answers ({one_line(str(error), limit=80)})")
    try:
        gpus = tuple(_read(nvml, index) for index in range(nvml.nvmlDeviceGetCount()))
        driver = one_line(str(nvml.nvmlSystemGetDriverVersion()), limit=40)
    except nvml.NVMLError as error:
        detail = f"the NVIDIA driver failed to tell about a GPU ({one_line(str(error), limit=80)}): see nvidia-smi"
        return GpuReading(status="failed", detail=detail)
    finally:
        nvml.nvmlShutdown()
    if not gpus:
        return GpuReading(status="no_gpu", detail=f"driver {driver}, but no GPU", driver=driver)
    return GpuReading(status="found", detail=f"driver {driver}", gpus=gpus, driver=driver)


def _load() -> Any:
    try:
        import pynvml
    except ImportError:
        return None
    return pynvml


def _read(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    name = nvml.nvmlDeviceGetName(handle)
    name = one_line(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name), limit=60)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
    card = recognise(name, memory.total)
    return Gpu(
        name=name,
        kind=card.kind if card else None,
        memory_bytes=memory.total,
        free_bytes=memory.free,
        capability=(major, minor),
        interconnect=card.interconnect if card else "unknown",
        processes=_processes(nvml, handle),
    )


def _processes(nvml: Any, handle: Any) -> int:
    """Containers and some drivers keep the list to themselves; the used memory tells enough then."""
    try:
        return len(nvml.nvmlDeviceGetComputeRunningProcesses(handle))
    except nvml.NVMLError:
        return 0
