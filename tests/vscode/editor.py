"""Starts VS Code on a folder and does in it what a user does: run a task, read the terminal and the problems."""

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli import environment
from tests.vscode.rig import FOLDER, Rig

LIMIT_S = 60.0
_SETTINGS = {
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.colorTheme": "Default Dark Modern",
    "security.workspace.trust.enabled": False,
    "terminal.integrated.gpuAcceleration": "off",  # so that the terminal's text is in the page
    "extensions.ignoreRecommendations": True,
    "git.openRepositoryInParentFolders": "never",
    "telemetry.telemetryLevel": "off",
}


@dataclass(slots=True)
class Editor:
    """A window of VS Code."""

    page: Any
    data: Path
    """Its user data folder."""

    async def command(self, words: str) -> None:
        """Choose one in the command palette."""

        async def chosen() -> bool:
            """Early in its life the window loses keys. Escape would also take a selection away."""
            if await self.page.locator(".quick-input-widget").first.is_visible():
                await self.page.keyboard.press("Escape")
            await self.page.keyboard.press("F1")
            return await self._seen(".quick-input-widget input", "") and await self._picked(words)

        await self._until(chosen, f"no command {words}")

    async def run_task(self, label: str) -> None:
        await self.choose("Tasks: Run Task", label)

    async def choose(self, command: str, words: str) -> None:
        """A row of the list that a command opens."""

        async def chosen() -> bool:
            await self.command(command)
            return await self._picked(words)

        await self._until(chosen, f"{command} offers no {words}")

    async def pick(self, words: str) -> None:
        """A row of the short list that is open, or about to be."""
        selector = ".quick-input-list .label-name"
        await self.until_seen(selector, words)
        await self.page.locator(selector, has_text=words).first.click()

    async def _picked(self, words: str) -> bool:
        """Choose the row of exactly these words in the list that is open, once it is there."""
        row = self.page.locator(".quick-input-list .label-name", has_text=re.compile(f"^{re.escape(words)}$")).first
        await asyncio.sleep(0.5)
        await self.page.keyboard.type(words)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if await row.is_visible():
                await row.click()
                return True
            await asyncio.sleep(0.1)
        return False

    async def terminal(self) -> str:
        """What the terminal in front shows."""
        rows = await self.page.locator(".terminal-wrapper.active .xterm-rows > div").all_inner_texts()
        return "\n".join(row.replace("\xa0", " ").rstrip() for row in rows)

    async def problems(self) -> list[str]:
        """The rows of the Problems panel, file names and what is wrong in them."""
        await self.command("Problems: Focus on Problems View")
        await asyncio.sleep(0.5)
        rows = await self.page.locator(".markers-panel .monaco-list-row").all_inner_texts()
        return [" ".join(row.split()) for row in rows]

    async def open_file(self, name: str) -> None:
        async def found() -> bool:
            await self.page.keyboard.press("Escape")
            await self.page.keyboard.press("Control+P")
            await self.page.keyboard.type(name)
            return await self._seen(".quick-input-list .monaco-list-row.focused", Path(name).name)

        await self._until(found, f"no file {name}")
        await self.page.keyboard.press("Enter")

    async def status(self) -> str:
        """What of ours the status bar shows."""
        items = await self.page.locator(".statusbar-item", has_text="glmcode").all_inner_texts()
        return " ".join(" ".join(items).split())

    async def until_status(self, words: str) -> str:
        seen = ""

        async def holds() -> bool:
            nonlocal seen
            seen = await self.status()
            return words in seen

        await self._until(holds, f"no {words!r} in the status bar")
        return seen

    async def until_seen(self, selector: str, words: str) -> None:
        async def holds() -> bool:
            return await self._seen(selector, words)

        await self._until(holds, f"no {selector} with {words!r}")

    async def open_problem(self, words: str) -> None:
        """Show its place in the file."""
        await self.page.locator(".markers-panel .monaco-list-row", has_text=words).first.dblclick()
        await self.page.locator(".editor-instance .view-lines .squiggly-error, .squiggly-error").first.wait_for()

    async def until_terminal(self, words: str) -> str:
        seen = ""

        async def holds() -> bool:
            nonlocal seen
            seen = await self.terminal()
            return words in seen

        await self._until(holds, f"no {words!r} in the terminal")
        return seen

    async def until_problems(self, holds: Callable[[list[str]], bool]) -> list[str]:
        seen: list[str] = []

        async def found() -> bool:
            nonlocal seen
            seen = await self.problems()
            return holds(seen)

        await self._until(found, "the problems never were as expected")
        return seen

    async def picture(self, path: Path) -> None:
        await self.page.screenshot(path=str(path))

    async def _seen(self, selector: str, words: str, limit_s: float = 4.0) -> bool:
        """Whether a visible element with these words comes soon."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if await self.page.locator(selector, has_text=words).first.is_visible():
                return True
            await asyncio.sleep(0.1)
        return False

    async def _until(self, holds: Callable[[], Awaitable[bool]], complaint: str) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not await holds():
            if time.monotonic() > deadline:
                await self.picture(self.data / "failed.png")
                raise AssertionError(
                    f"{complaint} (picture: {self.data / 'failed.png'}); terminal: {await self.terminal()}"
                )
            await asyncio.sleep(0.2)


@asynccontextmanager
async def open_editor(
    rig: Rig, folder: Path, home: Path, *, extensions: tuple[Path, ...] = (), **variables: str
) -> AsyncIterator[Editor]:
    """VS Code on a folder, as a user with this home, with our program on its path; all of it gone at the end."""
    data = home / "code"
    (data / "User").mkdir(parents=True)
    (data / "User/settings.json").write_text(json.dumps(_SETTINGS))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    (home / ".profile").write_text(f"export PATH={shlex.quote(path)}\n")  # VS Code asks a login shell
    environ = environment(home, PATH=path, SHELL="/bin/bash", **variables)
    flags = [
        "--user-data-dir",
        str(data),
        "--extensions-dir",
        str(home / "extensions"),
        "--config",
        str(home / "c.yaml"),
    ]
    for extension in extensions:
        await _finished(rig.server, *flags, "--install-extension", str(extension), environ=environ)
    port = _free_port()
    flags += ["--auth", "none", "--bind-addr", f"127.0.0.1:{port}", "--disable-telemetry", "--disable-update-check"]
    log = (home / "code-server.log").open("wb")
    server = await asyncio.create_subprocess_exec(
        *rig.server, *flags, "--disable-workspace-trust", env=environ, cwd=home,
        stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:
        await _listening(port)
        async with _page(rig) as page:
            await page.goto(f"http://127.0.0.1:{port}/?folder={folder}")
            await page.locator(".explorer-folders-view .monaco-list-row").first.wait_for(timeout=LIMIT_S * 1000)
            yield Editor(page, data)
    finally:
        server.terminate()
        await server.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # its children may wait for the window to come back
        log.close()


@asynccontextmanager
async def _page(rig: Rig) -> AsyncIterator[Any]:
    if str(FOLDER / "python") not in sys.path:
        sys.path.append(str(rig.python))
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=rig.chromium, args=["--no-sandbox"])
        try:
            yield await browser.new_page(viewport={"width": 1400, "height": 860})
        finally:
            await browser.close()


async def _finished(command: tuple[str, ...], *arguments: str, environ: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def _listening(port: int) -> None:
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            assert time.monotonic() < deadline, "code-server does not listen"
            await asyncio.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
