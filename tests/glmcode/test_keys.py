import pytest

from glmcode.keys import find_key, needs_key

ALL = {"GLMCODE_API_KEY": "own", "ZAI_API_KEY": "zai", "OPENAI_API_KEY": "openai"}


@pytest.mark.parametrize(
    ("base_url", "without", "key"),
    [
        ("https://api.z.ai/api/paas/v4", [], "own"),
        ("https://api.z.ai/api/paas/v4", ["GLMCODE_API_KEY"], "zai"),
        ("https://open.bigmodel.cn/api", ["GLMCODE_API_KEY"], "zai"),
        ("https://api.z.ai/api/paas/v4", ["GLMCODE_API_KEY", "ZAI_API_KEY"], "openai"),
        ("https://notz.ai/v1", ["GLMCODE_API_KEY"], "openai"),
        ("https://z.ai.evil.example/v1", ["GLMCODE_API_KEY"], "openai"),
        ("https://z.ai@evil.example/v1", ["GLMCODE_API_KEY"], "openai"),
    ],
)
def test_each_host_gets_its_own_key_only(base_url: str, without: list[str], key: str) -> None:
    environ = {name: value for name, value in ALL.items() if name not in without}
    assert find_key(base_url, environ) == key


def test_blank_keys_count_as_missing_and_line_ends_are_cut() -> None:
    assert find_key("http://127.0.0.1:1/v1", {"GLMCODE_API_KEY": " ", "OPENAI_API_KEY": "key\r\n"}) == "key"


def test_own_servers_need_no_key() -> None:
    assert not needs_key("http://127.0.0.1:30000/v1")
    assert needs_key("https://api.z.ai/api/paas/v4")
    assert not needs_key("https://z.ai.evil.example/v1")
