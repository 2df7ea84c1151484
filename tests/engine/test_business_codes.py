"""Every business code of Z.ai, as the real client meets it at the simulated endpoint."""

from collections.abc import Iterator

import pytest

from glmcode_engine.base import EngineError, ErrorKind, RetryAdvice
from tests.engine.answers import ask, parts_of
from tests.engine.conftest import OpenRemote
from tests.simulated import SimulatedEndpoint


def rows() -> Iterator[tuple[int, ErrorKind, RetryAdvice, str]]:
    """Code, kind, advice, and what the text must say."""
    yield from ((code, "auth", "never", "ZAI_API_KEY") for code in range(1000, 1005))
    yield from ((code, "bad_request", "never", "balance") for code in range(1110, 1122))
    yield from ((code, "bad_request", "never", "parameters") for code in (1210, 1212, 1213, 1214, 1215))
    yield 1211, "bad_request", "never", "--model"
    yield 1234, "unreachable", "patiently", "network error"
    yield 1261, "overflow", "never", "longer than the model's window"
    yield 1301, "filtered", "never", "content filter"
    yield from ((code, "rate_limited", "patiently", "too many requests") for code in (1302, 1303, 1305, 1312))
    yield 1304, "rate_limited", "never", "the day's allowance is used up"
    yield 1308, "rate_limited", "never", "for these hours is used up"
    yield 1310, "rate_limited", "never", "for the week or month is used up"
    yield 1309, "bad_request", "never", "has expired"
    yield 1311, "bad_request", "never", "does not include this model"
    yield 1313, "bad_request", "never", "fair-use"


async def refusal(open_remote: OpenRemote, **fault: object) -> EngineError:
    async with SimulatedEndpoint([{"error": {"message": "said the server", **fault}}], flavor="zai") as server:
        engine = open_remote(server, dialect="zai")
        with pytest.raises(EngineError) as caught:
            await parts_of(engine, ask())
        await engine.aclose()
    return caught.value


@pytest.mark.parametrize(("code", "kind", "retry", "said"), list(rows()))
async def test_a_code_means_what_the_table_says(
    code: int, kind: ErrorKind, retry: RetryAdvice, said: str, open_remote: OpenRemote
) -> None:
    error = await refusal(open_remote, status=429, code=str(code))
    assert (error.kind, error.retry) == (kind, retry)
    assert said in str(error)
    assert "said the server" in str(error)


@pytest.mark.parametrize("code", [1305, 1308, 1313])
async def test_a_code_inside_the_stream_means_the_same(code: int, open_remote: OpenRemote) -> None:
    refused = await refusal(open_remote, status=429, code=str(code))
    broken = await refusal(open_remote, code=str(code), in_stream=True)
    assert (broken.kind, broken.retry) == (refused.kind, refused.retry)


@pytest.mark.parametrize("code", ["1304", "1308", "1310"])
@pytest.mark.parametrize(
    ("message", "retry_after", "shown"),
    [
        ("Your limit will reset at 2026-11-23 22:00:00", None, "comes back at 2026-11-23 22:00:00"),
        ("padded " * 100 + "2026-11-23T22:00+08:00", "60", "comes back at 2026-11-23T22:00+08:00"),
        ("used up", "11999", "comes back in 3 h 20 min"),
        ("used up", "30", "comes back in 1 min"),
        ("used up", None, "try again later"),
    ],
)
async def test_the_time_of_the_reset_is_shown(
    code: str, message: str, retry_after: str | None, shown: str, open_remote: OpenRemote
) -> None:
    error = await refusal(open_remote, status=429, code=code, message=message, retry_after=retry_after)
    assert shown in str(error)
    assert error.retry == "never"
