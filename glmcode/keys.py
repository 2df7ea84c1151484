"""Where the API key comes from: the environment, then the system keyring; never a file of the project."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from glmcode_engine.presets import preset_of

_OPENAI = "openai.com"


def find_key(base_url: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The key for this endpoint, or None."""
    environ = os.environ if environ is None else environ
    service = preset_of(base_url)
    own = [service.key_variable] if service and service.key_variable else []
    for name in ("GLMCODE_API_KEY", *own, "OPENAI_API_KEY"):
        if key := environ.get(name, "").strip():
            return key
    return _from_keyring(urlsplit(base_url).hostname or "")


def needs_key(base_url: str) -> bool:
    """Whether this is a hosted service that never answers without a key."""
    service = preset_of(base_url)
    host = urlsplit(base_url).hostname or ""
    return service.needs_key if service else host == _OPENAI or host.endswith(f".{_OPENAI}")


def _from_keyring(host: str) -> str | None:
    """Service `glmcode`, user the endpoint's host. Only where the extra `glmcode[keyring]` is installed."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return None
    try:
        return keyring.get_password("glmcode", host) or None
    except keyring.errors.KeyringError:
        return None


def store_key(host: str, key: str) -> bool:
    """Keep the key for this host in the system keyring; False where there is none that works."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return False
    try:
        keyring.set_password("glmcode", host, key)
    except keyring.errors.KeyringError:
        return False
    return True
