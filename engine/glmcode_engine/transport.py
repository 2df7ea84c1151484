"""Says what a failing connection means: an exception of the HTTP client in, EngineError out."""

import json
import socket
import ssl
import sys
from collections.abc import Iterator
from typing import Any

from glmcode_engine.base import EngineError
from glmcode_engine.endpoint import Endpoint, safe_url

_CHECK = "check that the server runs and that --base-url is right"

_MOST_BYTES = 2**25

UNREADABLE = (ValueError, RecursionError)
"""What reading a chunk raises that is no JSON, no UTF-8, or nested without end."""


def transport_failures() -> tuple[type[Exception], ...]:
    """What a broken connection raises, besides the client's own errors.

    The client wraps most of them, but not all in every version, and its HTTP library has two names.
    """
    libraries = (sys.modules.get(name) for name in ("httpx", "httpx2"))
    errors = (getattr(library, "RequestError", None) for library in libraries)  # also for a body it cannot unpack
    return (OSError, *(error for error in errors if isinstance(error, type)))


def transport_error(error: BaseException, endpoint: Endpoint) -> EngineError:
    """Why nobody answered or the answer broke off. The text comes from us alone, never from the exception."""
    url = safe_url(endpoint.base_url)
    for cause in _chain(error):
        match cause:
            case ConnectionRefusedError():
                return EngineError("unreachable", f"{url} refuses connections; {_CHECK}", retry="briefly")
            case socket.gaierror():
                why = "its name cannot be resolved; check --base-url and the network"
                return EngineError("unreachable", f"{url}: {why}", retry="briefly")
            case ssl.SSLCertVerificationError():
                why = "its certificate is not trusted; check --base-url, or point SSL_CERT_FILE at the right authority"
                return EngineError("unreachable", f"{url}: {why}", retry="never")
            case ssl.SSLError():
                why = "no TLS connection; check whether --base-url wants http:// or https://, and any proxy"
                return EngineError("unreachable", f"{url}: {why}", retry="briefly")
            case ValueError() | RecursionError():
                return EngineError("unreachable", f"{url} sent something that is no event stream; check --base-url")
    names = {type(cause).__name__ for cause in _chain(error)}
    if names & {"ConnectTimeout", "PoolTimeout"}:
        return EngineError("unreachable", f"{url} does not take the connection; {_CHECK}, and any proxy or firewall")
    if names & {"ConnectError", "ProxyError", "UnsupportedProtocol"}:
        return EngineError("unreachable", f"{url} cannot be reached; {_CHECK}, and any proxy", retry="briefly")
    return EngineError("unreachable", f"the connection to {url} broke off; try again, or look into the server's log")


async def whole_body(response: Any) -> Any:
    """The JSON of a response that is no stream, as servers send errors, and answers where they cannot stream.

    Raises ValueError where it is none, and where it is longer than any answer.
    """
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _MOST_BYTES:
            raise ValueError("too long")
    return json.loads(body)


def stalled(endpoint: Endpoint, idle_s: float) -> EngineError:
    """The server went silent for longer than the idle timeout."""
    what = f"{safe_url(endpoint.base_url)} sent nothing for {idle_s:g} s"
    return EngineError("unreachable", f"{what}; try again, or raise --idle-timeout for a slow server")


def unusable_proxy(error: Exception) -> EngineError:
    """The client could not be made: it reads HTTP_PROXY, HTTPS_PROXY and ALL_PROXY at once, for every address.

    The text comes from us alone, since a proxy's address may hold a password.
    """
    if "socks" in str(error).lower():
        return EngineError(
            "bad_request", "the environment names a SOCKS proxy: `pip install socksio`, or unset ALL_PROXY"
        )
    return EngineError(
        "bad_request", "the client cannot be made: check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _chain(inner)
        error = error.__cause__ or error.__context__
