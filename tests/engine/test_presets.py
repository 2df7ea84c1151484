from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_engine.dialects import DIALECTS
from glmcode_engine.endpoint import resolve_endpoint
from glmcode_engine.messages import Message, Request
from glmcode_engine.presets import PRESETS, Preset, PresetName, is_own, preset_named, preset_of
from glmcode_engine.wire import request_body


def sent(preset: Preset, model: str | None = None) -> dict[str, object]:
    endpoint = resolve_endpoint(preset.base_url, model or preset.model)
    return request_body(Request(messages=(Message(role="user", content="hi"),)), endpoint)


def test_every_name_has_one_preset_and_every_preset_an_address_of_its_own() -> None:
    assert tuple(each.name for each in PRESETS) == get_args(PresetName)
    assert len({each.base_url for each in PRESETS}) == len(PRESETS)
    assert [preset_named(each.name) for each in PRESETS] == list(PRESETS)


@pytest.mark.parametrize("preset", [each for each in PRESETS if each.domain], ids=lambda preset: preset.name)
def test_a_hosted_preset_is_recognised_by_its_address_and_speaks_its_dialect(preset: Preset) -> None:
    assert preset_of(preset.base_url) == preset
    assert preset_of(f"{preset.base_url}/") == preset
    assert resolve_endpoint(preset.base_url, preset.model).dialect == preset.dialect
    assert preset.needs_key
    assert preset.window is not None


@pytest.mark.parametrize("name", ["sglang", "vllm"])
def test_a_server_of_ones_own_needs_no_key_and_tells_its_window_itself(name: PresetName) -> None:
    preset = preset_named(name)
    assert preset_of(preset.base_url) is None
    assert not preset.needs_key
    assert preset.window is None
    assert DIALECTS[preset.dialect].tells_window


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.z.ai/api/anthropic", "zai"),
        ("https://api.z.ai/api/coding/paas/v4/chat/completions", "zai-coding"),
        ("https://api.z.ai/api/coding/paas/v4?x=1", "zai-coding"),
        ("https://z.ai", "zai"),
        ("https://api.novita.ai/v3/openai", "novita"),
        ("https://api.z.ai.example.org/api/paas/v4", None),
        ("https://z.ai@example.org/api/paas/v4", None),
        ("https://example.org/z.ai", None),
        ("http://[::1", None),
        ("", None),
    ],
)
def test_an_address_belongs_to_the_service_of_its_host(url: str, name: str | None) -> None:
    found = preset_of(url)
    assert (found.name if found else None) == name


@given(st.text(max_size=40))
def test_no_address_whatever_raises(url: str) -> None:
    assert preset_of(f"http://{url}") is None or "." in url


def test_only_servers_that_take_them_are_sent_tool_stream_and_top_k() -> None:
    assert {each.name for each in PRESETS if "tool_stream" in sent(each)} == {
        "zai", "zai-coding", "bigmodel", "bigmodel-coding",
    }  # fmt: skip
    assert {each.name for each in PRESETS if "top_k" in sent(each)} == {"novita", "openrouter", "sglang", "vllm"}


def test_the_sampling_of_glm_is_sent_to_no_other_model() -> None:
    assert sent(preset_named("sglang")).items() >= {"temperature": 1.0, "top_p": 0.95, "top_k": 40}.items()
    assert not sent(preset_named("sglang"), "qwen3").keys() & {"temperature", "top_p", "top_k"}


def test_cached_tokens_cost_less_than_fresh_ones_everywhere() -> None:
    for preset in PRESETS:
        assert preset.prices is None or 0 < preset.prices.cached < preset.prices.prompt < preset.prices.completion


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:30000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://192.168.7.3:8000/v1", True),
        ("http://localhost:8000/v1", True),
        ("http://gpu-host:30000/v1", True),
        ("http://gpu.cluster.internal/v1", True),
        ("https://api.z.ai/api/paas/v4", False),
        ("https://llm.example.org/v1", False),
        ("http://8.8.8.8/v1", False),
        ("http://[::1", False),
    ],
)
def test_only_what_is_near_counts_as_ones_own(url: str, own: bool) -> None:
    assert is_own(url) is own
