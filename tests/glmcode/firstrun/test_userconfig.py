import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.config import ConfigError, load
from glmcode.firstrun.endpoint import keep_endpoint, lacks_key
from glmcode.firstrun.userconfig import write_settings

KEPT = """\
# mine
max_steps = 5
preset = "zai"
"base-url" = "https://old.example/v1"

[price] # per million
prompt = 1.0
cached = 0.5
completion = 2.0
"""
SPOILT = ("not = [toml", "extra_body = '''\nmodel = 1\n", "model = [\n1,\n2\n]\n", 'n = """\nmodel = 1\n"""\n')


def test_a_new_file_holds_what_was_set(tmp_path: Path) -> None:
    file = tmp_path / "sub/config.toml"
    write_settings(file, {"base_url": "http://127.0.0.1:1/v1", "model": 'a "b"', "dialect": None})
    assert tomllib.loads(file.read_text()) == {"base_url": "http://127.0.0.1:1/v1", "model": 'a "b"'}


def test_everything_else_stays_and_what_was_set_before_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(KEPT)
    write_settings(file, {"base_url": "http://127.0.0.1:1/v1", "model": "m"}, without=["preset"])
    text = file.read_text()
    assert "# mine" in text and "[price] # per million" in text and "preset" not in text and "old.example" not in text
    settings = load({}, environ={}, user_file=file)
    assert (settings.base_url, settings.model, settings.max_steps) == ("http://127.0.0.1:1/v1", "m", 5)
    assert settings.price and settings.price.prompt == 1.0


@pytest.mark.parametrize(
    "text", ["not = [toml", 'extra_body = """\nmodel = 1\n', "model = [\n1,\n2\n]\n", 'n = """\nmodel = 1\n"""\n']
)
def test_a_file_that_could_be_spoiled_is_left_as_it_is(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="nothing was written"):
        write_settings(file, {"model": "m"})
    assert file.read_text() == text and list(tmp_path.iterdir()) == [file]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was(value: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        write_settings(file, {"model": value})
        assert tomllib.loads(file.read_text(encoding="utf-8"))["model"] == value


def test_what_is_kept_is_the_default_from_then_on(own_home: Path) -> None:
    file = keep_endpoint("http://127.0.0.1:30000/v1", "glm-4.6", "sglang")
    assert file.is_relative_to(own_home)
    assert load({}, user_file=file).dialect == "sglang"


def test_a_key_is_missing_only_where_the_endpoint_wants_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lacks_key(load({}, environ={}))
    assert not lacks_key(load({"base_url": "http://127.0.0.1:1/v1"}, environ={}))
    assert not lacks_key(load({"engine": "scripted:x"}, environ={}))
    monkeypatch.setenv("ZAI_API_KEY", "k")
    assert not lacks_key(load({}, environ={}))
