"""What a picture is taken of: an application, and what happens in it before."""

import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from glmcode.config import Settings
from glmcode.events import Event
from glmcode.starting import Start
from glmcode.tui.app import GlmcodeApp
from glmcode.tui.prompt.area import PromptArea
from glmcode.tui.status.values import Activity, Segment, Status
from glmcode.tui.texts import Language
from glmcode.tui.transcript.fold import Transcript
from tests.tui.dialogs.app import DialogApp

STATUS = Status(
    engine="remote",
    model="glm-4.6",
    approval="ask",
    segments=(Segment("system", 900), Segment("tools", 2100), Segment("pack", 24_000), Segment("history", 41_000)),
    window=200_000,
    cached_request=0.93,
    cached_session=0.88,
    tokens_in=310_000,
    tokens_out=12_400,
    cost_usd=0.214,
    sandbox="docker",
    workspace="isolated",
    branch="main",
    elapsed_s=75,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture is taken."""

    home: Path
    language: Language

    @property
    def repo(self) -> Path:
        """A repository that looks the same on every machine: `~/duebook`."""
        repo = self.home / "duebook"
        if not repo.exists():
            subprocess.run(["git", "init", "-q", "-b", "main", str(repo)], check=True)
        return repo

    def said(self, english: str, chinese: str) -> str:
        return chinese if self.language == "zh" else english


Happen = Callable[[Pilot[Any], Place], Awaitable[None]]
Make = Callable[[Place], App[Any]]


@dataclass(frozen=True, slots=True)
class Scene:
    """`make` gives the application, `happen` plays in it."""

    make: Make
    happen: Happen
    is_small: bool = False
    """Whether it is a line or two, or a list, of which larger screens show nothing new."""


def chat(place: Place, **start: Any) -> GlmcodeApp:
    """The application with a script in the model's place."""
    script = place.home / "script.json"
    script.write_text('[{"content": "ok"}]')
    settings = Settings.model_validate({"engine": f"scripted:{script}", "sandbox": "none", "context": 0})
    app = GlmcodeApp(Start(settings=settings.model_copy(update={"repo": place.repo}), repo=place.repo, **start))
    app.animation_level = "none"
    return app


def over(dialog: Callable[[Place], Screen[Any]]) -> Make:
    """An application that shows a dialog over some lines."""
    return lambda place: DialogApp(dialog(place))


async def ready(pilot: Pilot[Any]) -> GlmcodeApp:
    """The application when its session is open and nothing goes on behind the first frame any more."""
    app = pilot.app
    assert isinstance(app, GlmcodeApp)
    while app.opening.session is None:
        await pilot.pause()
    await app.workers.wait_for_complete()
    return app


async def show(
    pilot: Pilot[Any],
    prompt: str,
    events: list[Event],
    *,
    activity: Activity | None = None,
    status: Status = STATUS,
) -> GlmcodeApp:
    """A conversation that came this far, all of it at one moment."""
    app = await ready(pilot)
    talk = app.chat.conversation
    talk.begin()
    transcript = Transcript()
    transcript.user(prompt)
    for event in events:
        transcript.apply(event, 1.0)
    talk.stage.view.show(transcript)
    talk.stage.activity.activity = activity
    talk.stage.status.status = status if activity is None else replace(status, elapsed_s=12.0)
    await pilot.pause()
    return app


def type_in(pilot: Pilot[Any], line: str) -> None:
    """Type all of it at once."""
    pilot.app.screen.query_one(PromptArea).insert(line)


async def still(_: Pilot[Any], __: Place) -> None:
    """Nothing happens."""
