import json
from pathlib import Path
from typing import Any, get_args

import pytest

from glmcode.cli.choices import DIALECT_NAMES, PRESET_NAMES
from glmcode.config import ConfigError, Settings, load
from glmcode_engine.dialects import DialectName
from glmcode_engine.presets import PresetName


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_nearer_layer_wins(tmp_path: Path) -> None:
    user = write(tmp_path / "user.toml", 'model = "of-user"\nmax-steps = 1\ncontext = 5\nimage = "of-user"\n')
    project = write(tmp_path / "project.toml", 'model = "of-project"\nmax_steps = 2\ncontext = 7\n')
    environ = {"GLMCODE_MODEL": "of-environment", "GLMCODE_MAX_STEPS": "3", "GLMCODE_UNKNOWN": "left out"}
    settings = load({"model": "of-flag", "image": None}, environ=environ, user_file=user, project_file=project)
    assert (settings.model, settings.max_steps, settings.context, settings.image) == ("of-flag", 3, 7, "of-user")


def test_environment_values_get_the_types_of_their_settings() -> None:
    environ = {
        "GLMCODE_CONTEXT": "1200",
        "GLMCODE_EXTRA_BODY": '{"top_k": 3}',
        "GLMCODE_SETUP": "pip install .\n\n make deps ",
        "GLMCODE_MAX_COST": "0.5",
        "GLMCODE_YES": "true",
        "GLMCODE_OUT": "results",
        "GLMCODE_IMAGE": "",
    }
    settings = load({}, environ=environ)
    assert settings == Settings(
        context=1200,
        extra_body={"top_k": 3},
        setup=("pip install .", "make deps"),
        max_cost=0.5,
        yes=True,
        out=Path("results"),
    )


def test_missing_files_are_no_error(tmp_path: Path) -> None:
    assert load({}, environ={}, user_file=tmp_path / "none.toml") == Settings()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"max_steps": 0}, "the command line: --max-steps: "),
        ({"thinking": "maybe"}, "the command line: --thinking: "),
        ({"extra_body": "{"}, "the command line: --extra-body: not JSON"),
        ({"extra_body": "[1]"}, "the command line: --extra-body: "),
        ({"context": "-1"}, "the command line: --context: "),
    ],
)
def test_a_wrong_value_names_its_source_and_its_flag(flags: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(flags, environ={})
    assert str(caught.value).startswith(said)


def test_a_wrong_variable_is_named_as_it_was_set() -> None:
    with pytest.raises(ConfigError) as caught:
        load({}, environ={"GLMCODE_MAX_STEPS": "many"})
    assert str(caught.value).startswith("the environment: GLMCODE_MAX_STEPS: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[price]\nprompt = 1\ncached = 1\ncompletion = 1\nx = 1", "unknown setting 'price.x'"),
        ("[price]\nprompt = 1\ncached = 1", "price.completion is missing"),
        ('mdoel = "x"', "unknown setting 'mdoel'"),
        ("model = ", "not valid TOML"),
        ('api-key = "k-123"', "keys never come from a file"),
        ('github_token = "k-123"', "keys never come from a file"),
        ("model = \udcff", "cannot read"),
    ],
)
def test_a_wrong_file_is_named_and_no_key_is_repeated(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load({}, environ={}, user_file=path)
    assert said in str(caught.value) and str(path) in str(caught.value)
    assert "k-123" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "preset",
        "base_url",
        "base-url",
        "extra_body",
        "dialect",
        "engine",
        "yes",
        "out",
        "predictions",
        "repo",
        "resume",
        "model_path",
        "sglang_python",
        "sglang_args",
        "engine_port",
        "start_timeout",
    ],
)
def test_a_project_cannot_redirect_the_user(tmp_path: Path, name: str) -> None:
    project = write(tmp_path / "config.toml", f"{name} = {json.dumps('x')}\n")
    with pytest.raises(ConfigError, match="cannot be set by a project"):
        load({}, environ={}, project_file=project)


def endpoint_of(settings: Settings) -> tuple[str, str, str]:
    return settings.base_url, settings.model, settings.dialect


NOVITA = ("https://api.novita.ai/openai", "zai-org/glm-4.6", "novita")


def test_a_preset_stands_for_address_model_and_dialect() -> None:
    assert endpoint_of(load({"preset": "novita"}, environ={})) == NOVITA
    assert endpoint_of(load({}, environ={"GLMCODE_PRESET": "novita"})) == NOVITA


@pytest.mark.parametrize(("name", "value"), [("base_url", "http://h/v1"), ("model", "m"), ("dialect", "plain")])
def test_what_is_given_beside_a_preset_wins(name: str, value: str) -> None:
    expected = dict(zip(("base_url", "model", "dialect"), NOVITA, strict=True)) | {name: value}
    assert endpoint_of(load({"preset": "novita", name: value}, environ={})) == tuple(expected.values())


def test_a_nearer_preset_replaces_what_farther_layers_say_of_the_endpoint(tmp_path: Path) -> None:
    user = write(tmp_path / "user.toml", 'base_url = "http://h/v1"\nmodel = "m"\ndialect = "plain"\nmax_steps = 4\n')
    settings = load({"preset": "novita"}, environ={}, user_file=user)
    assert (endpoint_of(settings), settings.max_steps) == (NOVITA, 4)


def test_a_nearer_address_leaves_a_farther_preset_with_its_model_and_dialect(tmp_path: Path) -> None:
    user = write(tmp_path / "user.toml", 'preset = "novita"\n')
    settings = load({"base_url": "http://h/v1"}, environ={}, user_file=user)
    assert endpoint_of(settings) == ("http://h/v1", "glm-4.6", "auto")
    assert endpoint_of(load({"model": "m"}, environ={}, user_file=user)) == (NOVITA[0], "m", NOVITA[2])


def test_an_address_leaves_a_model_that_was_named_elsewhere() -> None:
    settings = load({"base_url": "http://h/v1"}, environ={"GLMCODE_MODEL": "m"})
    assert endpoint_of(settings) == ("http://h/v1", "m", "auto")


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"GLMCODE_PRESET: .*zai-coding"):
        load({}, environ={"GLMCODE_PRESET": "klingon"})


def test_the_command_line_offers_every_preset_and_dialect() -> None:
    assert get_args(PresetName) == PRESET_NAMES
    assert ("auto", *get_args(DialectName)) == DIALECT_NAMES
