"""Questions that come up while something runs, each answered in a list over the screen."""

import asyncio
from typing import Any

from textual.app import App

from glmcode.tui.choices import Choice, Choices
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line


async def confirmed(app: App[Any], question: str) -> bool:
    """A yes or a no, no being the default."""
    choices = [Choice("no", text("asking.no")), Choice("yes", text("asking.yes"))]
    return await _asked(app, one_line(question, 500), choices) == "yes"


async def _asked(app: App[Any], title: str, choices: list[Choice]) -> str | None:
    """Also from a task that is no worker's, which cannot wait for a screen in the usual way."""
    answered: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    def done(chosen: str | None) -> None:
        if not answered.done():
            answered.set_result(chosen)

    screen = Choices(title, choices)
    await app.push_screen(screen, done)
    try:
        return await answered
    except asyncio.CancelledError:
        if screen.is_attached:
            screen.dismiss(None)
        raise
