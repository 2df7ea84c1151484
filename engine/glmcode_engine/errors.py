"""Says what a server's refusal means: HTTP status and body in, EngineError out."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from glmcode_engine.base import EngineError, ErrorKind, RetryAdvice
from glmcode_engine.endpoint import Endpoint, safe_url
from glmcode_engine.overflow import is_overflow, told_window
from glmcode_engine.untrusted import one_line

_MODEL_UNKNOWN = re.compile(
    r"model.{0,80}(?:not exist|not found|unknown|not a valid)|unknown model|not a valid model|model_not_found",
    re.IGNORECASE | re.DOTALL,
)
_FILTERED = re.compile(
    r"content[ _]?(?:filter|policy)|^sensitive\b|sensitive (?:content|information|words?)|unsafe content", re.IGNORECASE
)

_PAGE = re.compile(r"\s*<(?:!doctype html|html)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title>([^<]{1,200})</title>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one of Z.ai's business codes means here."""

    kind: ErrorKind
    advice: str
    retry: RetryAdvice | None = None


_KEY = Meaning("auth", "check the key (GLMCODE_API_KEY or ZAI_API_KEY)")
_ACCOUNT = Meaning("bad_request", "the account cannot be used for this now; check its balance and status")
_BUSY = Meaning("rate_limited", "too many requests; wait a little and try again")
_GENERAL = "or use the general endpoint (--preset zai)"

# docs.z.ai/api-reference/api-code; HTTP may say 429 for any of them.
_ZAI_CODES: Mapping[int, Meaning] = {
    **dict.fromkeys(range(1000, 1005), _KEY),
    **dict.fromkeys(range(1110, 1122), _ACCOUNT),
    **dict.fromkeys(range(1210, 1216), Meaning("bad_request", "the server does not take these parameters")),
    1211: Meaning("bad_request", "the server does not know this model; check --model"),
    1234: Meaning("unreachable", "the server had a network error; try again"),
    1261: Meaning("overflow", "the prompt is longer than the model's window"),
    1301: Meaning("filtered", "the content filter stopped it; rephrase the task"),
    **dict.fromkeys((1302, 1303, 1305, 1312), _BUSY),
    1304: Meaning("rate_limited", "the day's allowance is used up", "never"),
    1308: Meaning("rate_limited", "the plan's allowance for these hours is used up", "never"),
    1310: Meaning("rate_limited", "the plan's allowance for the week or month is used up", "never"),
    1309: Meaning("bad_request", f"the coding plan has expired; renew it, {_GENERAL}"),
    1311: Meaning("bad_request", f"the coding plan does not include this model; check --model, {_GENERAL}"),
    1313: Meaning("bad_request", f"the provider's fair-use rules stopped this account; ask the provider, {_GENERAL}"),
}
_SPENT = frozenset({1304, 1308, 1310})
"""Codes of an allowance that comes back at a known time, too late to wait for it."""
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:?\d{2})?")


def server_error(
    status: int | None,
    body: object,
    endpoint: Endpoint,
    *,
    headers: Mapping[str, str] | None = None,
    api_key: str | None = None,
) -> EngineError:
    """What a refusal means. `status` is None for an error inside a running stream; `body` is JSON or text."""
    message, code = _read_body(body)
    said = one_line(message, secret=api_key) or (f"HTTP {status}" if status else "no reason given")
    number = int(code) if re.fullmatch(r"1[0-9]{3}", code) else 0
    told = int(code) if status is None and re.fullmatch(r"[45][0-9]{2}", code) else status
    meaning = _ZAI_CODES.get(number) or _by_wording(told, message, code) or _by_status(told, endpoint, api_key)
    wait_s = retry_after(headers or {})
    advice = f"{meaning.advice}; {_reset(message, wait_s)}" if number in _SPENT else meaning.advice
    where = f"{safe_url(endpoint.base_url)} (HTTP {status})" if status else safe_url(endpoint.base_url)
    return EngineError(
        meaning.kind,
        f"{where}: {said} - {advice}",
        retry_after_s=wait_s,
        retry=meaning.retry,
        window=told_window(message) if meaning.kind == "overflow" else None,
        code=one_line(code, secret=api_key, limit=60) if isinstance(body, dict) else None,
    )


def tells_error(chunk: object) -> bool:
    """Whether a chunk is an error in place of a piece of an answer."""
    if not isinstance(chunk, dict):
        return False
    in_place = "choices" not in chunk and any(chunk.get(key) for key in ("message", "msg", "detail"))
    return bool(chunk.get("object") == "error" or chunk.get("error") or in_place)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, from `retry-after-ms` or `retry-after` (seconds or a date)."""
    for key, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(key, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
            return float(value) * scale
    try:
        when = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _reset(message: str, wait_s: float | None) -> str:
    """When an allowance comes back: the time that the server's text names, else the seconds that it asks to wait."""
    if found := _TIME.search(message):
        return f"it comes back at {found[0]} (the provider's time)"
    if wait_s:
        hours, minutes = divmod(math.ceil(wait_s / 60), 60)
        return f"it comes back in {hours} h {minutes} min" if hours else f"it comes back in {minutes} min"
    return "try again later"


def _read_body(body: object) -> tuple[str, str]:
    """The message and the code of an error body: nested under `error` (OpenAI, vLLM, Z.ai), flat (SGLang), or text."""
    if not isinstance(body, dict):
        return (_plain(body), "") if isinstance(body, str) else ("", "")
    fields: dict[str, Any] = body
    inner = fields.get("error")
    if isinstance(inner, dict):
        fields = inner
    message: object = next((fields[k] for k in ("message", "msg", "detail", "error") if fields.get(k)), "")
    metadata = fields.get("metadata")
    if isinstance(metadata, dict) and metadata.get("raw"):
        message = f"{message}: {metadata['raw']}"  # OpenRouter's place for what the server behind it said
    code = fields.get("code") or fields.get("type")
    return str(message), str(code if code is not None else "")


def _plain(text: str) -> str:
    """A text as it is; of a web page, which proxies and other servers send, its title."""
    if not _PAGE.match(text):
        return text
    title = _TITLE.search(text)
    return f"a web page, {title[1].strip()!r}" if title else "a web page"


def _by_wording(status: int | None, message: str, code: str) -> Meaning | None:
    if status in (401, 403, 429):
        return None
    if is_overflow(message) or code == "context_length_exceeded":
        return _ZAI_CODES[1261]
    if status in (400, 404, 422) and _MODEL_UNKNOWN.search(f"{message} {code}"):
        return _ZAI_CODES[1211]
    if _FILTERED.search(f"{code} {message}") and status in (None, 400, 422):
        return _ZAI_CODES[1301]
    return None


def _by_status(status: int | None, endpoint: Endpoint, api_key: str | None) -> Meaning:
    match status:
        case 401 | 403 if api_key is None:
            return Meaning("auth", "no key was sent; set GLMCODE_API_KEY (or ZAI_API_KEY for Z.ai)")
        case 401 | 403:
            return Meaning("auth", "the key was refused; check GLMCODE_API_KEY (or ZAI_API_KEY for Z.ai)")
        case 402:
            return _ACCOUNT
        case 404 | 405 | 501:
            return Meaning("unreachable", "nothing answers chat requests there; check --base-url", "never")
        case 413:
            return _ZAI_CODES[1261]
        case 429 | 503 | 529:
            return Meaning("rate_limited", "the server is busy; try again later")
        case None | 408:
            return Meaning("unreachable", "the answer broke off; try again")
        case _ if status >= 500:
            return Meaning("unreachable", "the server failed; try again, or look into its log")
        case _ if status < 400:
            return Meaning("unreachable", "the server points elsewhere; check --base-url", "never")
        case _:
            return Meaning(
                "bad_request",
                f"the request was refused; check --model ({one_line(endpoint.model, limit=60)}) and --extra-body",
            )
