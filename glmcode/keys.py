"""Where the API key comes from: the environment, then the system keyring; never a file of the project."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

_ZAI_HOSTS = ("z.ai", "bigmodel.cn")
_NEEDS_KEY = ("z.ai", "bigmodel.cn", "novita.ai", "openrouter.ai", "openai.com")


def find_key(base_url: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The key for this endpoint, or None."""
    environ = os.environ if environ is None else environ
    names = ["GLMCODE_API_KEY", *(["ZAI_API_KEY"] if _is_host(base_url, _ZAI_HOSTS) else []), "OPENAI_API_KEY"]
    for name in names:
        if key := environ.get(name, "").strip():
            return key
    return _from_keyring(urlsplit(base_url).hostname or "")


def needs_key(base_url: str) -> bool:
    """Whether this is a hosted service that never answers without a key."""
    return _is_host(base_url, _NEEDS_KEY)


def _is_host(base_url: str, domains: tuple[str, ...]) -> bool:
    host = urlsplit(base_url).hostname or ""
    return any(host == domain or host.endswith("." + domain) for domain in domains)


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
