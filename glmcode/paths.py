"""Where glmcode keeps its own files, by the XDG base directory rules."""

import os
from pathlib import Path


def config_file() -> Path:
    """The user's own configuration."""
    return _base("XDG_CONFIG_HOME", ".config") / "config.toml"


def state_dir() -> Path:
    """Sessions and trust decisions; private to the user."""
    return _base("XDG_STATE_HOME", ".local/state")


def sessions_dir() -> Path:
    return state_dir() / "sessions"


def engine_dir() -> Path:
    """Records, keys and logs of embedded servers."""
    return state_dir() / "engine"


def cache_dir() -> Path:
    """What can be worked out again: the indexes of repositories."""
    return _base("XDG_CACHE_HOME", ".cache")


def layer_answers() -> Path:
    """What Docker daemons were seen to do with copy-on-write layers."""
    return cache_dir() / "layers.json"


def _base(variable: str, fallback: str) -> Path:
    configured = os.environ.get(variable, "")
    root = Path(configured) if Path(configured).is_absolute() else Path.home() / fallback
    return root / "glmcode"
