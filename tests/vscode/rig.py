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
"""The file in the folder that says that all was installed."""
_HOW = hashlib.sha256(
    Path(__file__).with_name("install.py").read_bytes() + f"{CODE_SERVER} {PLAYWRIGHT}".encode()
).hexdigest()[:8]
_NAME = f"vscode-{CODE_SERVER}-py{sys.version_info.major}{sys.version_info.minor}-{_HOW}"
"""Of what is installed, and how: another version of this repository may have a rig of its own beside it."""
FOLDER = Path(os.environ.get("GLMCODE_TEST_VSCODE") or f"~/.cache/glmcode-tests/{_NAME}").expanduser().absolute()
"""Settled on import: tests get a home and an environment of their own."""
EXTENSION = Path(__file__).resolve().parents[2] / "vscode/dist/glmcode.vsix"


@dataclass(frozen=True)
class Rig:
    """What a test starts."""

    server: tuple[str, ...]
    """The command of code-server."""
    chromium: str
    python: Path
    """The folder that playwright is imported from."""
    extension: Path
    """Our own, packaged by `make vscode`."""


def is_installed() -> bool:
    """Whether code-server and Playwright are there whole."""
    return shutil.which("chromium") is not None and (FOLDER / INSTALLED).is_file()


def find_rig() -> Rig | None:
    """The rig, where it was installed whole and the extension was packaged."""
    node, chromium = shutil.which("node"), shutil.which("chromium")
    if node is None or chromium is None or not is_installed() or not EXTENSION.is_file():
        return None
    entry = FOLDER / "node_modules/code-server/out/node/entry.js"
    return Rig((node, str(entry)), chromium, FOLDER / "python", EXTENSION)
