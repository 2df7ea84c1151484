import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_engine.endpoint import DialectName, resolve_endpoint, safe_url


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("https://api.z.ai/api/paas/v4", "zai"),
        ("https://api.z.ai/api/coding/paas/v4/", "zai"),
        ("https://open.bigmodel.cn/api/paas/v4", "zai"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://api.novita.ai/openai", "novita"),
        ("http://127.0.0.1:30000/v1", "sglang"),
        ("http://[::1]:30000/v1", "sglang"),
        ("https://notz.ai/v1", "sglang"),
        ("https://z.ai.example.org/v1", "sglang"),
    ],
)
def test_the_host_chooses_the_dialect(url: str, dialect: DialectName) -> None:
    assert resolve_endpoint(url, "glm-4.6").dialect == dialect


def test_a_named_dialect_wins() -> None:
    assert resolve_endpoint("https://api.z.ai/v4", "glm-4.6", "plain").dialect == "plain"


@pytest.mark.parametrize("tail", ["", "/", "/chat/completions", "/chat/completions/"])
def test_the_address_is_brought_into_one_form(tail: str) -> None:
    assert resolve_endpoint(f" http://h:1/v1{tail} ", "m").base_url == "http://h:1/v1"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.z.ai",
        "localhost:30000/v1",
        "ftp://h/v1",
        "file:///etc/passwd",
        "http://",
        "http://h:99999/v1",
        "http://h:0/v1",
        "http://a b/v1",
        "http://[::1/v1",
        "http://h/\x1b[31m",
    ],
)
def test_a_bad_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ValueError, match=r"api\.z\.ai") as caught:
        resolve_endpoint(url, "glm-4.6")
    assert str(caught.value).isprintable()


def test_a_bad_address_does_not_show_its_password() -> None:
    with pytest.raises(ValueError, match="http") as caught:
        resolve_endpoint("ftp://me:secret@h/v1", "glm-4.6")
    assert "secret" not in str(caught.value)


def test_an_empty_model_and_an_unknown_dialect_are_refused() -> None:
    with pytest.raises(ValueError, match="--model"):
        resolve_endpoint("http://h/v1", " ")
    with pytest.raises(ValueError, match="vllm"):
        resolve_endpoint("http://h/v1", "m", "klingon")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@h:8/v1?key=k#f", "https://h:8/v1"),
        ("http://[::1]:8/v1", "http://[::1]:8/v1"),
        ("nonsense", "(invalid address)"),
        ("http://h:x/", "(invalid address)"),
    ],
)
def test_safe_url(url: str, shown: str) -> None:
    assert safe_url(url) == shown


@given(st.text(max_size=40))
def test_no_address_whatever_raises_anything_else(url: str) -> None:
    assert safe_url(f"http://{url}").isprintable()
    try:
        endpoint = resolve_endpoint(f"http://{url}", "m")
    except ValueError as error:
        assert str(error).isprintable()
    else:
        assert safe_url(endpoint.base_url) != "(invalid address)"
