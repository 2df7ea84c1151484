"""The application on a small repository, with a script in the model's place and no sandbox."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from glmcode.config import Settings
from glmcode.starting import Start
from glmcode.tui.app import GlmcodeApp
from glmcode.tui.conversation import Conversation
from glmcode.tui.prompt.area import PromptArea
from glmcode.tui.texts import speak
from glmcode.tui.transcript.copying import raw_text
from glmcode.tui.transcript.entries import Entry, Note, UserSaid
from tests.glmcode.live.working import make_repo

WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Opened:
    """A running application and what tests look at."""

    app: GlmcodeApp
    pilot: Pilot[None]
    repo: Path

    @property
    def talk(self) -> Conversation:
        return self.app.chat.conversation

    @property
    def entries(self) -> list[Entry]:
        return self.app.chat.view.transcript.entries

    @property
    def prompts(self) -> int:
        """How many there were."""
        return sum(isinstance(each, UserSaid) for each in self.entries)

    @property
    def notes(self) -> str:
        """All lines of the interface itself."""
        return "\n".join(str(dict(each.fields)) for each in self.entries if isinstance(each, Note))

    @property
    def said(self) -> str:
        """The whole conversation as text."""
        return "\n".join(raw_text(each) or "" for each in self.entries)

    @property
    def draft(self) -> str:
        return self.app.chat.query_one(PromptArea).text

    @property
    def hint(self) -> str:
        return str(self.app.chat.query_one(".hint").render())

    async def type(self, line: str) -> None:
        """Put a line into the prompt and send it."""
        self.app.chat.box.put(line)
        await self.pilot.pause()
        await self.pilot.press("enter")

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until it holds."""
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, f"never came: screen {self.app.screen}, notes {self.notes}"
            await self.pilot.pause()
            await asyncio.sleep(0.01)
        await self.pilot.pause()

    async def idle(self) -> None:
        await self.until(lambda: not self.talk.busy)

    async def turn(self, prompt: str) -> None:
        """Send it and wait for the end of the turn."""
        before = self.prompts
        await self.type(prompt)
        await self.until(lambda: self.prompts > before)
        await self.idle()


@asynccontextmanager
async def opened(
    folder: Path,
    answers: Sequence[dict[str, Any]] = ({"content": "ok"},),
    *,
    size: tuple[int, int] = (100, 30),
    start: dict[str, Any] | None = None,
    repo: Path | None = None,
    **settings: Any,
) -> AsyncIterator[Opened]:
    """The application on a new repository in `folder`, or on `repo`; closed at the end."""
    repo = repo or make_repo(folder)
    script = folder / "script.json"
    script.write_text(json.dumps(list(answers)))
    given = {"engine": f"scripted:{script}", "sandbox": "none", "context": 0, "repo": repo} | settings
    app = GlmcodeApp(Start(settings=Settings.model_validate(given), repo=repo, **(start or {})))
    try:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield Opened(app, pilot, repo)
    finally:
        speak("en")
