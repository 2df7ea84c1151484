"""How this machine reaches package registries: proxies, certificates and pip's settings, for builds in a container."""

import configparser
import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from glmcode_sandbox.base import Mount

_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy")
_CERTIFICATES = (
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    *("GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO"),
)
_PIP_SETTINGS = (
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host"),
    *("proxy", "retries", "timeout"),
)
# Addresses alone: CARGO_REGISTRY_TOKEN publishes, and PIP_TARGET, PIP_USER or PIP_CONSTRAINT speak of this machine.
_PASSED = re.compile(
    r"UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL)|GO(PROXY|SUMDB|NOSUMDB|NOPROXY|PRIVATE|INSECURE)"
    r"|CARGO_REGISTRY_DEFAULT|CARGO_REGISTRIES_[A-Z0-9_]+_INDEX|npm_config_registry"
    r"|PIP_(" + "|".join(name.upper().replace("-", "_") for name in _PIP_SETTINGS) + ")"
)
_PLACE = "/run/glmcode"
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """What a command in a container needs to reach registries as this machine does. Holds credentials: never log it."""

    environment: dict[str, str]
    mounts: tuple[Mount, ...]
    """Read-only files and folders that the environment names."""

    def hidden(self, line: str) -> str:
        """`line` without the user names and passwords of the addresses in the environment."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            line = line.replace(secret, "****")
        return line

    def _secrets(self) -> set[str]:
        found: set[str] = set()
        for value in self.environment.values():
            for match in re.finditer(r"://([^/@\s]+)@", value):
                user, _, password = match[1].partition(":")
                found |= {match[1], *((password, unquote(password)) if password else (user, unquote(user)))}
        return {secret for secret in found if len(secret) > 2}


def proxy_environment() -> dict[str, str]:
    """The proxy variables of this process, as they are spelled."""
    return {name: value for name, value in os.environ.items() if name.lower() in _PROXIES and value}


def registry_settings() -> RegistrySettings:
    """The settings of this machine: proxies, certificates, pip, and the addresses of other registries.

    Nothing else of our environment is in it; model keys never are.
    """
    environment = proxy_environment()
    mounts: list[Mount] = []
    environment |= {f"PIP_{name.upper().replace('-', '_')}": value for name, value in _pip_settings().items()}
    environment |= {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}
    if bundle := certificate_bundle():
        mounts.append(Mount(bundle, f"{_PLACE}/ca.pem", read_only=True))
        environment |= dict.fromkeys(_CERTIFICATES, f"{_PLACE}/ca.pem")
    for name in ("PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        if links := environment.get(name):
            environment[name] = " ".join(_shown(link, mounts) for link in links.split())
    return RegistrySettings(environment, tuple(mounts))


def certificate_bundle() -> Path | None:
    """The file of certificates that this machine trusts."""
    named = [os.environ.get(name) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")]
    for candidate in (*named, ssl.get_default_verify_paths().cafile, *_BUNDLES):
        if candidate and Path(candidate).is_file():
            return Path(candidate).resolve()
    return None


def _pip_settings() -> dict[str, str]:
    home = Path.home()
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/pip.conf"), home / ".pip/pip.conf", config_home / "pip/pip.conf"]
    if named := os.environ.get("PIP_CONFIG_FILE"):
        files.append(Path(named))
    settings: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError, OSError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                items = {key.replace("_", "-"): value for key, value in parser.items(section)}
                settings |= {key: " ".join(items[key].split()) for key in _PIP_SETTINGS if key in items}
    return settings


def _shown(link: str, mounts: list[Mount]) -> str:
    """Where the container finds what pip's settings name; a local folder or file is added to `mounts`."""
    parts = urlsplit(link)
    path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(link)
    if parts.scheme not in ("", "file") or not path.is_absolute() or not path.exists():
        return link
    # An index in files refers to packages beside its folder.
    shown = path.parent if path.name == "simple" and path.parent != Path("/") else path
    target = f"{_PLACE}/links/{len(mounts)}-{shown.name}"
    mounts.append(Mount(shown, target, read_only=True))
    inside = target if shown == path else f"{target}/{path.name}"
    return f"file://{quote(inside)}" if parts.scheme else inside
