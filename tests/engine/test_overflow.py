import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_engine.endpoint import resolve_endpoint
from glmcode_engine.errors import server_error
from glmcode_engine.overflow import is_overflow, told_window

ENDPOINT = resolve_endpoint("http://127.0.0.1:30000/v1", "glm-4.6")
# As SGLang (tokenizer manager, scheduler, chat serving), vLLM (four versions), xAI and Z.ai word it: sglang issue
# 4048, Qwen3 1321; vllm issues 12165, 19464, 20409, 33418; cline issue 3120; docs.z.ai api-code 1261.
WORDINGS = {
    "The input (61709 tokens) is longer than the model's context length (40960 tokens).": 40960,
    "Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens). Use a shorter input or enable "
    "--allow-auto-truncate.": 59862,
    "Requested token count exceeds the model's maximum context length of 32768 tokens. You requested a total of 33000 "
    "tokens: 32000 tokens from the input messages and 1000 tokens for the completion.": 32768,
    "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens (112946 in the "
    "messages, 10000 in the completion). Please reduce the length of the messages or completion.": 16384,
    "You passed 40961 input tokens and requested 1 output tokens. However, the model's context length is only 40960 "
    "tokens": 40960,
    "The prompt (total length 25938) is too long to fit into the model (context length 4096).": 4096,
    "The decoder prompt (length 9000) is longer than the maximum model length of 8192.": 8192,
    "This model's maximum prompt length is 131072 but the request contains 136973 tokens.": 131072,
    "maximum context length is 131,072 tokens": 131072,
    "Prompt exceeds max length": None,
    "max_completion_tokens is too large: 500000.": None,
}


@pytest.mark.parametrize("text", WORDINGS)
def test_known_wordings_are_overflows_and_tell_their_window(text: str) -> None:
    assert is_overflow(text)
    assert told_window(text) == WORDINGS[text]
    error = server_error(400, {"object": "error", "message": text, "code": 400}, ENDPOINT)
    assert (error.kind, error.window) == ("overflow", WORDINGS[text])


@pytest.mark.parametrize(
    "text",
    [
        "context length: 7 tokens",
        "context length 99999999999999999999 tokens",
        "context length. 40960 tokens were read",
        "context length is 1,2,3,4",
        "the file has 40960 lines",
        "",
    ],
)
def test_numbers_that_name_no_window_are_left_alone(text: str) -> None:
    assert told_window(text) is None


def test_the_reason_of_the_server_behind_openrouter_is_read() -> None:
    raw = '{"error":{"message":"This model\'s maximum context length is 262144 tokens."}}'
    body = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}}
    error = server_error(400, body, ENDPOINT)
    assert (error.kind, error.window) == ("overflow", 262144)


def test_other_refusals_tell_no_window() -> None:
    assert server_error(429, {"error": {"message": "context length is 40960 tokens"}}, ENDPOINT).window is None


pieces = st.sampled_from(
    ["context length", "context window", " is ", "(", "40960", ",", " tokens", "maximum ", "٣٢٧٦٨"]
)


@given(st.lists(pieces | st.text(max_size=5) | st.integers().map(str), max_size=12).map("".join))
def test_no_text_makes_it_raise_or_name_an_absurd_window(text: str) -> None:
    window = told_window(text)
    assert window is None or 512 <= window < 10**8
