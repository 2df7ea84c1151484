"""What the person may choose in the editor: mode, model and thinking, as the protocol offers them."""

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from acp.schema import (
    ConfigOptionUpdate,
    CurrentModeUpdate,
    SessionConfigOptionSelect,
    SessionConfigSelectOption,
    SessionMode,
    SessionModeState,
)

from glmcode.live.session import LiveSession
from glmcode_engine.presets import PRESETS, Preset

Mode = Literal["plan", "ask", "auto", "deny"]
Thinking = Literal["on", "off", "auto"]
_MODES: Sequence[tuple[Mode, str, str]] = (
    ("plan", "Plan", "Reads and describes; changes nothing and runs nothing"),
    ("ask", "Ask", "Works in the sandbox; asks before it writes files that your own tools run or obey"),
    ("auto", "Auto", "Works in the sandbox and writes such files without asking"),
    ("deny", "Deny", "Works in the sandbox; writing such files is refused"),
)
_THINKING: Sequence[tuple[Thinking, str]] = (("auto", "Auto"), ("on", "On"), ("off", "Off"))
CURRENT = "current"
"""The model of an address that is no preset's."""


def modes(live: LiveSession) -> SessionModeState:
    """The modes, and the one that is on."""
    offered = [SessionMode(id=mode, name=name, description=text) for mode, name, text in _MODES if _offered(mode, live)]
    return SessionModeState(current_mode_id=live.mode, available_modes=offered)


def config_options(live: LiveSession) -> list[SessionConfigOptionSelect]:
    """All choices with what is chosen. An editor that knows them shows no modes beside, so the mode is among them."""
    chosen, models = _models(live)
    return [
        _select("mode", "Mode", live.mode, [(m, name, text) for m, name, text in _MODES if _offered(m, live)], "mode"),
        _select("model", "Model", chosen, models, "model"),
        _select("thinking", "Thinking", live.thinking, [(v, name, None) for v, name in _THINKING], "thought_level"),
    ]


def mode_named(name: str, live: LiveSession) -> Mode | None:
    """The offered mode of that name."""
    return next((mode for mode, *_ in _MODES if mode == name and _offered(mode, live)), None)


def thinking_named(name: str) -> Thinking | None:
    """Whether the model is to think, by its name."""
    return next((value for value, _ in _THINKING if value == name), None)


def model_changes(name: str, live: LiveSession) -> dict[str, Any] | None:
    """The settings that `LiveSession.switch` takes for an offered model; empty for the present one, None for others."""
    chosen, models = _models(live)
    if name not in [value for value, *_ in models]:
        return None
    if name == chosen:
        return {}
    preset = next(each for each in PRESETS if each.name == name)
    return {"preset": preset.name, "base_url": preset.base_url, "model": preset.model, "dialect": preset.dialect}


def told(live: LiveSession) -> tuple[CurrentModeUpdate, ConfigOptionUpdate]:
    """What the editor is told when something else than itself changed a choice."""
    return (
        CurrentModeUpdate(session_update="current_mode_update", current_mode_id=live.mode),
        ConfigOptionUpdate(session_update="config_option_update", config_options=[*config_options(live)]),
    )


def _offered(mode: Mode, live: LiveSession) -> bool:
    """`deny` is for where nobody can be asked: only who set it sees it."""
    return mode != "deny" or live.mode == "deny"


def _models(live: LiveSession) -> tuple[str, list[tuple[str, str, str | None]]]:
    """The chosen one, and all: the presets of the same provider, since a key is a provider's."""
    settings, engine = live.settings, live.engine.info
    here = next((each for each in PRESETS if _is(each, settings.base_url, settings.model)), None)
    if engine.kind != "remote" or here is None or not here.needs_key:
        return CURRENT, [(CURRENT, engine.model, engine.base_url)]
    siblings = [each for each in PRESETS if each.domain == here.domain]
    return here.name, [(each.name, f"{each.model} ({each.name})", each.base_url) for each in siblings]


def _is(preset: Preset, base_url: str, model: str) -> bool:
    mine, its = urlsplit(base_url), urlsplit(preset.base_url)
    return (mine.netloc, mine.path.rstrip("/"), model) == (its.netloc, its.path, preset.model)


def _select(
    option_id: str,
    name: str,
    chosen: str,
    values: Sequence[tuple[str, str, str | None]],
    category: Literal["mode", "model", "thought_level"],
) -> SessionConfigOptionSelect:
    return SessionConfigOptionSelect(
        type="select",
        id=option_id,
        name=name,
        category=category,
        current_value=chosen,
        options=[SessionConfigSelectOption(value=v, name=label, description=text) for v, label, text in values],
    )
