"""Settings and where they come from: flags, environment, the project's file, the user's file, defaults."""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from glmcode.config_error import ConfigError as ConfigError
from glmcode.cost import Prices
from glmcode_engine.endpoint import DialectChoice
from glmcode_engine.presets import PRESETS, PresetName, preset_named

PROJECT_FILE = ".glmcode/config.toml"
_NEVER_FROM_PROJECT = frozenset(
    {"preset", "base_url", "extra_body", "dialect", "engine", "resume", "yes", "out", "predictions", "repo"}
    | {"file", "selection"}
    | {"sandbox", "runtime", "network", "approval", "apply", "workspace", "verify"}
    | {"model_path", "sglang_python", "sglang_args", "engine_port", "start_timeout"}
)
"""A project file must not redirect the user's key, answer their questions, name programs or widen what a run may do."""
_OF_PRESET = ("base_url", "model", "dialect")
"""What a preset stands for."""
_SECRET_WORDS = ("api_key", "token", "password", "secret")


class KeyMissingError(ConfigError):
    """A hosted endpoint needs a key and none is set."""


class Settings(BaseModel):
    """Everything a user can set. Names are the long flags with underscores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str = "remote"
    """remote, sglang, scripted:FILE or replay:SESSION."""
    preset: PresetName | None = None
    """Stands for a base URL, a model and a dialect; what is given of these in the same or a nearer layer wins."""
    base_url: str = preset_named("zai").base_url
    model: str = preset_named("zai").model
    dialect: DialectChoice = "auto"
    """How the endpoint is told to think."""
    window: Annotated[int, Field(ge=1024)] | None = None
    """Tokens of prompt and answer together; None: what the server tells or the preset knows."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Sent with every request."""
    thinking: Literal["on", "off", "auto"] = "auto"
    thinking_budget: Annotated[int, Field(ge=256)] = 32_768
    """Tokens that one answer may think before it is asked for anew without thinking."""
    context: Annotated[int, Field(ge=0, le=200_000)] | Literal["auto"] = "auto"
    """Token budget of the repository pack."""
    pin: tuple[str, ...] = ()
    """Files that are in the pack whatever their rank: PATH, PATH:LINE or PATH:FIRST-LAST."""
    drop: tuple[str, ...] = ()
    """Files and folders that never are."""
    sandbox: Literal["docker", "bwrap", "none"] = "docker"
    image: str | None = None
    runtime: str | None = None
    """A container runtime that the Docker daemon knows by this name: `runsc`."""
    workspace: Literal["direct", "isolated"] | None = None
    apply: Literal["ask", "auto", "never"] | None = None
    approval: Literal["plan", "ask", "auto", "deny"] | None = None
    network: Literal["none", "host"] = "none"
    test_command: str | None = None
    setup: tuple[str, ...] | None = None
    """Commands that install the repository's dependencies into a layer of the image."""
    max_steps: Annotated[int, Field(ge=1)] = 200
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_cost: Annotated[float, Field(gt=0)] | None = None
    timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds for the whole run."""
    command_timeout: Annotated[float, Field(gt=0)] = 120.0
    test_timeout: Annotated[float, Field(gt=0)] = 1800.0
    """Seconds for one run of the test suite."""
    idle_timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds without a sign of life from the endpoint."""
    patience: Annotated[float, Field(ge=0)] = 300.0
    """Seconds to wait in all for an endpoint that is overloaded or breaks its answers off."""
    price: Prices | None = None
    model_path: str | None = None
    """Of the embedded server: a folder with a checkpoint, or its name at Hugging Face."""
    sglang_python: str | None = None
    """An interpreter that has sglang; None: this one."""
    sglang_args: tuple[str, ...] = ()
    """Further flags for SGLang."""
    engine_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """0: any that is free."""
    start_timeout: Annotated[float, Field(gt=0)] = 1800.0
    """Seconds until the embedded server must be ready."""
    offline: bool = False
    verify: Literal["auto", "off"] = "auto"
    output: Literal["text", "json", "stream-json", "vscode"] = "text"
    out: Path | None = None
    predictions: Path | None = None
    instance_id: str | None = None
    repo: Path | None = None
    file: str | None = None
    """PATH[:LINE] of the file that the task is about."""
    selection: str | None = None
    """The text of it that is selected in an editor."""
    resume: str | None = None
    yes: bool = False

    @field_validator("extra_body", mode="before")
    @classmethod
    def _parse_json(cls, value: object) -> object:
        """Flags and environment give JSON text, files give a table."""
        if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError as error:
                raise ValueError(f"not JSON: {error}") from None
        return value


def load(
    flags: Mapping[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
    user_file: Path | None = None,
    project_file: Path | None = None,
) -> Settings:
    """Merge the layers, the nearer wins. Raises ConfigError.

    `flags` holds what was given on the command line (None: not given); `project_file` only that of a trusted
    repository.
    """
    environ = os.environ if environ is None else environ
    layers: list[tuple[str, Mapping[str, Any]]] = []
    if user_file is not None:
        layers.append((str(user_file), _read_toml(user_file)))
    if project_file is not None:
        layers.append((str(project_file), _project_layer(project_file)))
    layers.append(("the environment", _environment_layer(environ)))
    layers.append(("the command line", {name: value for name, value in flags.items() if value is not None}))
    merged: dict[str, Any] = {}
    source: dict[str, str] = {}
    for where, layer in layers:
        # A preset replaces what farther layers say of the endpoint; an address of its own leaves a farther preset.
        replaced = ("preset", *_OF_PRESET) if "preset" in layer else ("preset",) if "base_url" in layer else ()
        for name in replaced:
            merged.pop(name, None)
        for name, value in layer.items():
            merged[name], source[name] = value, where
    try:
        return Settings.model_validate({**_of_preset(merged.get("preset")), **merged})
    except ValidationError as error:
        raise ConfigError(_explain(error, source)) from None


def _of_preset(name: object) -> dict[str, Any]:
    chosen = next((each for each in PRESETS if each.name == name), None)
    return {field: getattr(chosen, field) for field in _OF_PRESET} if chosen else {}


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    values = {name.replace("-", "_"): value for name, value in values.items()}
    for name in values:
        if any(word in name for word in _SECRET_WORDS) and name not in Settings.model_fields:
            raise ConfigError(
                f"{path} holds {name}: keys never come from a file; set GLMCODE_API_KEY or use the system keyring"
            )
    return values


def _project_layer(path: Path) -> dict[str, Any]:
    values = _read_toml(path)
    for name in values:
        if name in _NEVER_FROM_PROJECT:
            flag = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{path}: {name} cannot be set by a project; use {flag} or GLMCODE_{name.upper()}")
    return values


def _environment_layer(environ: Mapping[str, str]) -> dict[str, Any]:
    layer: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        value = environ.get(f"GLMCODE_{name.upper()}")
        if value:
            layer[name] = _split(value) if "tuple" in str(field.annotation) else value
    return layer


def _split(value: str) -> list[str]:
    return [line.strip() for line in value.splitlines() if line.strip()]


def _explain(error: ValidationError, source: Mapping[str, str]) -> str:
    """One line a problem: where it was set, its name, what is wrong."""
    lines = []
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else "settings"
        where = source.get(name, "settings")
        whole = ".".join(str(part) for part in problem["loc"])
        match where:
            case "the command line":
                shown = f"--{name.replace('_', '-')}"
            case "the environment":
                shown = f"GLMCODE_{name.upper()}"
            case _:
                shown = whole
        if problem["type"] == "extra_forbidden":
            lines.append(f"{where}: unknown setting {whole!r}")
        elif problem["type"] == "missing":
            lines.append(f"{where}: {shown} is missing")
        else:
            said = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{where}: {shown}: {said} (got {str(problem['input'])[:80]!r})")
    return "\n".join(dict.fromkeys(lines))
