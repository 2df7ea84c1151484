"""What the interface tells the terminal beside its picture: title, notification, mouse, clipboard."""

import asyncio
import os
import shutil
from typing import Any

from textual.app import App

from glmcode_sandbox.clean import one_line

_CLIPBOARDS = (
    ("wl-copy", ("WAYLAND_DISPLAY",), ()),
    ("xclip", ("DISPLAY",), ("-selection", "clipboard")),
    ("xsel", ("DISPLAY",), ("--clipboard", "--input")),
    ("pbcopy", (), ()),
    ("clip.exe", (), ()),
)
"""Programs that take standard input to the system's clipboard: name, variables that must be set, arguments."""
_COPY_TIMEOUT_S = 5.0


def set_title(app: App[Any], title: str) -> None:
    """Name the terminal's window or tab (OSC 2)."""
    _write(app, f"\x1b]2;{one_line(title, 120)}\x07")


def notify_desktop(app: App[Any], message: str) -> None:
    """Ring, and ask the terminal for a desktop notification (OSC 9; terminals without it show nothing)."""
    app.bell()
    _write(app, f"\x1b]9;{one_line(message, 200)}\x07")


def has_mouse(app: App[Any]) -> bool:
    """Whether the terminal reports the mouse."""
    return app._driver is not None and app._driver._mouse


def set_mouse(app: App[Any], on: bool) -> None:
    """Let the terminal report the mouse, or leave it to its own selection; also after an editor had the terminal."""
    driver: Any = app._driver
    # Textual's driver switches nothing where it was told to leave the mouse alone, and everything where it was not.
    driver._mouse = True
    if (switch := getattr(driver, f"_{'enable' if on else 'disable'}_mouse_support", None)) is not None:
        switch()
    driver._mouse = on


async def copy_with_program(text: str) -> None:
    """To the system's clipboard, by the first program for it that works here."""
    for name, needed, arguments in _CLIPBOARDS:
        path = shutil.which(name)
        if path is None or not all(os.environ.get(variable) for variable in needed):
            continue
        if await _fed(path, arguments, text.encode()):
            return


async def _fed(path: str, arguments: tuple[str, ...], data: bytes) -> bool:
    nothing = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            path, *arguments, stdin=asyncio.subprocess.PIPE, stdout=nothing, stderr=nothing
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(process.communicate(data), _COPY_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
    return process.returncode == 0


def _write(app: App[Any], sequence: str) -> None:
    if app._driver is not None and not app.is_headless:
        app._driver.write(sequence)
