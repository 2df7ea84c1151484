"""Asks a server on this machine how it is: its health, its window, its figures. Nothing here needs a client library."""

import asyncio
import http.client
import json
import re
from collections.abc import Mapping

_LIMIT_BYTES = 4_000_000
_METRIC = re.compile(r"^sglang:(\w+?)(?:\{([^}]*)\})? ([0-9.eE+-]+|NaN)$", re.ASCII | re.MULTILINE)
_RANKED = re.compile(r'(?:tp|pp|moe_ep)_rank="(?!0")')


async def get(port: int, path: str, *, key: str | None = None, timeout_s: float = 10.0) -> tuple[int, str]:
    """Status and text of one answer; (0, "") where nobody answers in time."""
    try:
        return await asyncio.to_thread(_get, port, path, key, timeout_s)
    except (OSError, http.client.HTTPException, ValueError):
        return 0, ""


async def is_healthy(port: int, *, timeout_s: float = 10.0) -> bool:
    """Whether it generates; SGLang says 503 until it is warm, then takes about a second for a token of its own."""
    status, _ = await get(port, "/health", timeout_s=timeout_s)
    return status == 200


async def metrics(port: int) -> dict[str, float]:
    """SGLang's figures by their short names, summed over replicas; empty where it tells none."""
    status, text = await get(port, "/metrics", timeout_s=5.0)
    return parse_metrics(text) if status == 200 else {}


async def window(port: int, key: str | None) -> int | None:
    """Tokens of prompt and answer together."""
    status, text = await get(port, "/v1/models", key=key, timeout_s=5.0)
    if status != 200:
        return None
    try:
        listed = json.loads(text)["data"][0]["max_model_len"]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return listed if isinstance(listed, int) and not isinstance(listed, bool) and 0 < listed < 10**9 else None


def parse_metrics(text: str) -> dict[str, float]:
    """Figures in Prometheus' text form. What further ranks of one replica repeat is left out."""
    found: dict[str, float] = {}
    for name, labels, value in _METRIC.findall(text):
        if value != "NaN" and not _RANKED.search(labels):
            try:
                found[name] = found.get(name, 0.0) + float(value)
            except ValueError:
                continue
    return found


def _get(port: int, path: str, key: str | None, timeout_s: float) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    headers: Mapping[str, str] = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read(_LIMIT_BYTES).decode("utf-8", "replace")
    finally:
        connection.close()
