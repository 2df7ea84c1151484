"""Where VS Code and its kin keep what belongs to the user rather than to a folder.

Source: https://code.visualstudio.com/docs/configure/settings ("Settings file locations"), `docs/editor/portable` there
for VSCODE_PORTABLE and VSCODE_APPDATA, and code-server's `--user-data-dir`, whose default is below XDG_DATA_HOME.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_PRODUCTS = ("Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf")


def user_folders(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> list[Path]:
    """The `User` folders that are there: of every product that was started once on this machine."""
    if portable := environ.get("VSCODE_PORTABLE"):
        return _present([Path(portable) / "user-data/User"])
    bases = [Path(environ["VSCODE_APPDATA"])] if environ.get("VSCODE_APPDATA") else [_app_data(environ, platform)]
    found = [base / product / "User" for base in bases for product in _PRODUCTS]
    data = environ.get("XDG_DATA_HOME") or str(_home(environ) / ".local/share")
    return _present([*found, Path(data) / "code-server/User"])


def _app_data(environ: Mapping[str, str], platform: str) -> Path:
    if platform == "win32":
        return Path(environ.get("APPDATA") or _home(environ) / "AppData/Roaming")
    if platform == "darwin":
        return _home(environ) / "Library/Application Support"
    return Path(environ.get("XDG_CONFIG_HOME") or _home(environ) / ".config")


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("USERPROFILE") or environ.get("HOME") or Path.home())


def _present(folders: list[Path]) -> list[Path]:
    return [folder for folder in folders if folder.is_dir()]
