from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_engine.base import ErrorKind
from glmcode_engine.endpoint import resolve_endpoint
from glmcode_engine.errors import retry_after, server_error
from glmcode_engine.untrusted import one_line

ENDPOINT = resolve_endpoint("https://user:pw@api.z.ai/api/paas/v4?x=1", "glm-4.6")
SGLANG_LONG = "The input (210000 tokens) is longer than the model's context length (202752 tokens)."
VLLM_LONG = "This model's maximum context length is 202752 tokens. However, you requested 210000 tokens"


def zai(code: int, message: str = "m") -> dict[str, Any]:
    return {"error": {"code": str(code), "message": message}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": "Unauthorized"}, "auth"),
        (403, "", "auth"),
        (401, {"code": 401, "msg": "token expired", "success": False}, "auth"),
        (429, zai(1000), "auth"),
        (429, zai(1113, "Insufficient balance"), "bad_request"),
        (429, zai(1302), "rate_limited"),
        (429, zai(1305), "rate_limited"),
        (429, zai(1308), "rate_limited"),
        (429, zai(1309), "bad_request"),
        (429, zai(1313), "bad_request"),
        (400, zai(1210), "bad_request"),
        (400, zai(1211), "bad_request"),
        (500, zai(1234), "unreachable"),
        (400, zai(1261, "Prompt exceeds max length"), "overflow"),
        (400, zai(1301), "filtered"),
        (400, {"object": "error", "message": SGLANG_LONG, "code": 400}, "overflow"),
        (400, {"object": "error", "message": "max_completion_tokens is too large: 9", "code": 400}, "overflow"),
        (400, {"error": {"message": VLLM_LONG, "type": "BadRequestError", "code": 400}}, "overflow"),
        (None, {"message": SGLANG_LONG}, "overflow"),
        (413, "<html>Request Entity Too Large</html>", "overflow"),
        (429, {"error": {"message": "too many tokens per minute, context length"}}, "rate_limited"),
        (400, {"error": {"message": "blocked", "code": "content_filter"}}, "filtered"),
        (400, {"error": {"message": "temperature must be positive"}}, "bad_request"),
        (402, {"error": {"message": "pay"}}, "bad_request"),
        (404, {"error": {"message": "The model `x` does not exist.", "code": 404}}, "bad_request"),
        (404, {"detail": "Not Found"}, "unreachable"),
        (500, "", "unreachable"),
        (502, "<html>", "unreachable"),
        (503, {}, "rate_limited"),
        (529, {}, "rate_limited"),
        (None, {"message": "boom"}, "unreachable"),
        (304, "", "unreachable"),
    ],
)
def test_what_a_refusal_means(status: int | None, body: Any, kind: ErrorKind) -> None:
    assert server_error(status, body, ENDPOINT, api_key="k").kind == kind


@pytest.mark.parametrize(("code", "retry"), [(1302, "patiently"), (1308, "never"), (1310, "never"), (1113, "never")])
def test_only_a_limit_that_passes_is_waited_for(code: int, retry: str) -> None:
    assert server_error(429, zai(code), ENDPOINT).retry == retry


@pytest.mark.parametrize("body", [zai(1113, "Insufficient balance or no resource package. Please recharge.")])
def test_the_servers_own_text_is_shown(body: Any) -> None:
    assert "Please recharge" in str(server_error(429, body, ENDPOINT))


def test_neither_key_nor_user_information_is_shown() -> None:
    key = "sk-abcdefghijklmnop"
    text = f"Incorrect API key provided: {key}, that is sk-abc****mnop"
    shown = str(server_error(401, {"error": {"message": text}}, ENDPOINT, api_key=key))
    assert key not in shown
    assert "sk-abc" not in shown
    assert "pw" not in shown
    assert "https://api.z.ai/api/paas/v4" in shown


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "msg", "detail", "type", "x"]), inner, max_size=4
        )
    ),
)


def test_a_server_that_is_no_model_server_is_not_asked_again_and_its_page_is_told_by_its_title() -> None:
    page = "<!DOCTYPE HTML>\n<html lang='en'><head><title>Error \x1b[1mresponse</title></head><body><h1>Oh</h1></body>"
    error = server_error(501, page, ENDPOINT)
    assert (error.kind, error.retry) == ("unreachable", "never")
    assert "(HTTP 501): a web page, " in str(error) and "response" in str(error)
    assert "<" not in str(error) and "\x1b" not in str(error) and "check --base-url" in str(error)
    assert ": a web page - " in str(server_error(502, "<html>bad gateway</html>", ENDPOINT))


@given(st.none() | st.integers(300, 599), json_values, st.text(max_size=20))
def test_no_body_whatever_raises(status: int | None, body: Any, header: str) -> None:
    error = server_error(status, body, ENDPOINT, headers={"retry-after": header})
    assert str(error).isprintable()


@given(st.text(max_size=200) | st.binary(max_size=50).map(lambda b: b.decode("latin-1")))
def test_one_line_is_printable_and_clipped(text: str) -> None:
    line = one_line(text, limit=40)
    assert line.isprintable()
    assert not any(c in line for c in "\x1b\x9b\u202e\u2066\n")
    assert len(line) <= 40
