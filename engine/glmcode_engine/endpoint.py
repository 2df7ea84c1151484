"""Where a remote model is asked: the address, the model's name, and the dialect the server speaks."""

from typing import get_args
from urllib.parse import SplitResult, urlsplit, urlunsplit

from glmcode_engine.dialects import DIALECTS, Dialect, DialectChoice, DialectName
from glmcode_engine.messages import Value
from glmcode_engine.presets import preset_of

__all__ = ["DIALECTS", "Dialect", "DialectChoice", "DialectName", "Endpoint", "resolve_endpoint", "safe_url"]

_EXAMPLES = "pass for instance https://api.z.ai/api/paas/v4 or http://127.0.0.1:30000/v1"


class Endpoint(Value):
    """One OpenAI-compatible server and the model asked there."""

    base_url: str
    """As given, without a trailing slash; may hold user information, so show `safe_url(base_url)` only."""
    model: str
    dialect: DialectName
    window: int | None = None
    """The model's window in tokens as the user set it; None: see `server_tokens.window`."""


def resolve_endpoint(
    base_url: str, model: str, dialect: DialectChoice = "auto", *, window: int | None = None
) -> Endpoint:
    """Check an address and choose its dialect; `auto` goes by the host, and unknown hosts are taken for SGLang.

    Raises ValueError, whose text says what to pass instead.
    """
    parts = _checked(base_url)
    if not model.strip():
        raise ValueError(
            "the model name is empty: pass --model with the name the server knows the model by, for instance glm-4.6"
        )
    if dialect != "auto" and dialect not in get_args(DialectName):
        raise ValueError(f"unknown dialect {dialect!r}: pass one of auto, {', '.join(get_args(DialectName))}")
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    url = urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
    if dialect == "auto":
        service = preset_of(url)
        dialect = service.dialect if service else "sglang"
    return Endpoint(base_url=url, model=model.strip(), dialect=dialect, window=window)


def safe_url(url: str) -> str:
    """The address without user information, query and fragment, fit to be shown; `(invalid address)` if it is none."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return "(invalid address)"
    if not host:
        return "(invalid address)"
    shown = f"[{host}]" if ":" in host else host
    plain = urlunsplit((parts.scheme, shown if port is None else f"{shown}:{port}", parts.path, "", ""))
    return "".join(c for c in plain if c.isprintable())


def _checked(base_url: str) -> SplitResult:
    text = base_url.strip()
    if "://" not in text:
        raise ValueError(f"the address needs a scheme: {_EXAMPLES}")
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ValueError(f"this is not a valid address ({error}): {_EXAMPLES}") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"the address must start with http:// or https://: {_EXAMPLES}")
    if not host or port == 0 or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError(f"the address names no host that can be asked: {_EXAMPLES}")
    return parts
