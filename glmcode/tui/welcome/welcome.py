"""The start: name, repository, recent sessions of it, and what to try first."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from glmcode import __version__, paths
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line

if TYPE_CHECKING:
    from glmcode.session.store import Header

MAX_RECENT = 5


class Welcome(Vertical):
    """Shown until the first message. `load` lists the recent sessions."""

    class Chosen(Message):
        """A recent session shall go on."""

        def __init__(self, session: str) -> None:
            super().__init__()
            self.session = session

    class Left(Message):
        """The prompt may have the focus again."""

    def __init__(self, repo: Path) -> None:
        super().__init__()
        self._repo = repo
        self._sessions: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(
                Content.styled(text("app.title"), "bold $primary"),
                Content.styled(f" {__version__}  ", "$thinking"),
                one_line(_short(self._repo), 200),
            ),
            classes="title",
        )
        yield Static(text("welcome.recent"), markup=False, classes="label")
        yield Recent(markup=False, compact=True)
        yield Static(text("welcome.tips"), markup=False, classes="tips")

    def on_mount(self) -> None:
        self._show([])

    def say_again(self) -> None:
        self.query_one(".label", Static).update(text("welcome.recent"))
        self.query_one(".tips", Static).update(text("welcome.tips"))

    @work(exclusive=True)
    async def load(self) -> None:
        """Read which sessions this repository has had."""
        from glmcode.session import store

        known = await asyncio.to_thread(store.headers, paths.sessions_dir(), self._repo)
        self._show(known[:MAX_RECENT])

    def _show(self, recent: "list[Header]") -> None:
        self._sessions = [header.id for header in recent]
        options = self.query_one(Recent)
        options.clear_options()
        options.add_options([Option(session_line(header)) for header in recent])
        options.highlighted = 0 if recent else None
        options.display = self.query_one(".label").display = bool(recent)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self._sessions[event.option_index]))


class Recent(OptionList):
    """The recent sessions; Escape leaves them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def action_leave(self) -> None:
        self.post_message(Welcome.Left())


def _short(folder: Path) -> str:
    """A path as people write it: `~` for the home folder."""
    try:
        return str("~" / folder.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(folder)


def session_line(header: "Header") -> Content:
    """When it began, how it began, and with which model."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(header.created))
    model = Content.styled(f"  {one_line(header.engine.model, 24)}", "$thinking")
    return Content.assemble(Content.styled(f"{when}  ", "$thinking"), one_line(header.title, 80), model)
