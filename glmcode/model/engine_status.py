"""How the server on this machine is, said for people."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glmcode_engine.sglang.status import EngineStatus


def render(status: "EngineStatus") -> str:
    """The status for people; all of it comes from our own record or is a number, but for paths, which are cleaned."""
    from glmcode_sandbox.clean import one_line

    lines = [f"engine {status.name}: {status.state}"]
    if status.state == "starting" and status.phase:
        lines[0] += f" ({status.phase}" + (f", {status.progress:.0%})" if status.progress is not None else ")")
    shown = {
        "address": status.base_url, "model": status.model, "served as": status.served_name, "SGLang": status.version,
        "pid": status.pid, "window": status.window and f"{status.window} tokens",
        "up for": status.uptime_s and f"{status.uptime_s:.0f} s", "requests": status.running_requests,
        "waiting": status.queued_requests,
        "cache hits": None if status.cache_hit_rate is None else f"{status.cache_hit_rate:.0%}",
        "speed": None if status.tokens_per_second is None else f"{status.tokens_per_second:.1f} tokens/s",
        "restarts": status.restarts or None, "healthy": None if status.healthy is None else str(status.healthy).lower(),
        **{
            f"GPU {number}": f"{card.used_bytes / 1e9:.0f} of {card.total_bytes / 1e9:.0f} GB in use ({card.name})"
            for number, card in enumerate(status.gpu_memory or ())
        },
        "cause": status.cause, "log": status.log,
    }  # fmt: skip
    lines += [f"  {name:<11}{one_line(str(value), 400)}" for name, value in shown.items() if value is not None]
    return "\n".join(lines)
