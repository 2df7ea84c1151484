"""Where the VS Code for tests is: code-server, a browser, and what drives the browser."""

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

CODE_SERVER = "4.100.3"
"""The last series that runs with node 20."""
PLAYWRIGHT = "1.55.0"
INSTALLED = "glmcode-rig"
"""The file in the folder that holds the digest of what was installed whole."""
_NAME = f"vscode-{CODE_SERVER}-py{sys.version_info.major}{sys.version_info.minor}"
FOLDER = Path(os.environ.get("GLMCODE_TEST_VSCODE") or f"~/.cache/glmcode-tests/{_NAME}").expanduser().absolute()
"""Settled on import: tests get a home and an environment of their own."""


@dataclass(frozen=True)
class Rig:
    """What a test starts."""

    server: tuple[str, ...]
    """The command of code-server."""
    chromium: str
    python: Path
    """The folder that playwright is imported from."""


def digest() -> str:
    """Of what is installed, and how."""
    return hashlib.sha256(Path(__file__).with_name("install.py").read_bytes() + Path(__file__).read_bytes()).hexdigest()


def find_rig() -> Rig | None:
    """The rig, where it was installed whole."""
    node, chromium = shutil.which("node"), shutil.which("chromium")
    installed = FOLDER / INSTALLED
    if node is None or chromium is None or not installed.is_file() or installed.read_text("utf-8") != digest():
        return None
    entry = FOLDER / "node_modules/code-server/out/node/entry.js"
    return Rig((node, str(entry)), chromium, FOLDER / "python")
