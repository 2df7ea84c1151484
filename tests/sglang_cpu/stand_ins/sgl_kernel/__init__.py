"""Stands in for SGLang's kernels, whose wheels hold GPU code only; without AMX nearly all of them go unused."""

from collections.abc import Callable
from typing import Any, NoReturn

__version__ = "0.4.10"


def assign_req_to_token_pool_cpu(
    requests: Any, slots_of_request: Any, first: Any, end: Any, slots: Any, _row_length: int
) -> None:
    """Note for each request which of `slots`, given in a row for all, hold its tokens from `first` up to `end`."""
    taken = 0
    for row, start, stop in zip(requests.tolist(), first.tolist(), end.tolist(), strict=True):
        slots_of_request[row, start:stop] = slots[taken : taken + stop - start].to(slots_of_request.dtype)
        taken += stop - start


def __getattr__(name: str) -> Callable[..., NoReturn]:
    """CPU kernels can be imported, and say so when they are called; all else is not there, as in a CPU build."""
    if name.startswith("__") or not name.endswith("_cpu"):
        raise AttributeError(f"no {name} in the stand-in for sgl_kernel")

    def missing(*_args: object, **_options: object) -> NoReturn:
        raise NotImplementedError(f"sgl_kernel.{name} has no stand-in")

    return missing
