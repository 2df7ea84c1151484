"""Installs the rig: code-server from npm, Chromium from Debian, Playwright from PyPI, and our extension."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.sglang_cpu.install import locked
from tests.vscode.rig import CODE_SERVER, FOLDER, INSTALLED, PLAYWRIGHT, is_installed

VSCODE = FOLDER / "node_modules/code-server/lib/vscode"
ROOT = Path(__file__).resolve().parents[2]
_NPM = ("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts")


def install() -> None:
    """Make what is missing, our extension with it. Raises CalledProcessError, whose command has said what failed."""
    run("make", "vscode", cwd=ROOT)
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with locked(FOLDER.parent / f".{FOLDER.name}.lock"):
        if is_installed():
            return
        install_chromium()
        if FOLDER.exists():
            shutil.rmtree(FOLDER)
        FOLDER.mkdir()
        install_code_server()
        install_playwright()
        (FOLDER / INSTALLED).touch()


def install_chromium() -> None:
    if shutil.which("chromium") is None:
        if not shutil.which("apt-get") or os.geteuid() != 0:
            sys.exit("chromium is missing: install it, and run this again")
        run("apt-get", "update", "-qq")
        fonts = ("fonts-dejavu-core", "fonts-noto-cjk")
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", *fonts)


def install_code_server() -> None:
    """Without scripts, which download binaries; only what cannot do without is compiled: terminals and passwords."""
    run(*_NPM, "--prefix", FOLDER, f"code-server@{CODE_SERVER}")
    run(*_NPM, "--omit=dev", cwd=VSCODE)
    run(*_NPM, "--omit=dev", cwd=VSCODE / "extensions")
    run("npm", "rebuild", "node-pty", cwd=VSCODE, check=False)  # fails after it has built what we need
    run("npm", "rebuild", "argon2", cwd=FOLDER)
    if not list((VSCODE / "node_modules/node-pty/build/Release").glob("pty.node")):
        sys.exit("node-pty could not be built: install g++, make and python3, and run this again")
    (VSCODE / "node_modules.asar").symlink_to("node_modules")
    (VSCODE / "bin/remote-cli/code-server").symlink_to("code-linux.sh")
    (VSCODE / "bin/helpers/browser.sh").symlink_to("browser-linux.sh")
    if ripgrep := shutil.which("rg"):
        (VSCODE / "node_modules/@vscode/ripgrep/bin").mkdir(exist_ok=True)
        (VSCODE / "node_modules/@vscode/ripgrep/bin/rg").symlink_to(ripgrep)


def install_playwright() -> None:
    pip: list[str | Path] = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if uv := shutil.which("uv"):
        pip = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    run(*pip, "--target", FOLDER / "python", f"playwright=={PLAYWRIGHT}")


def run(*command: str | Path, cwd: Path | None = None, check: bool = True) -> None:
    """Node's headers are taken from where Debian has them, instead of the network."""
    headers = {"npm_config_nodedir": "/usr"} if Path("/usr/include/node").is_dir() else {}
    environ = {**os.environ, **headers, "DEBIAN_FRONTEND": "noninteractive", "npm_config_update_notifier": "false"}
    subprocess.run([str(word) for word in command], check=check, cwd=cwd, env=environ, stdout=sys.stderr)


if __name__ == "__main__":
    began = time.monotonic()
    install()
    print(f"VS Code for tests: {FOLDER} ({time.monotonic() - began:.0f} s)")
