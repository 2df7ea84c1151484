"""Asks where GLM-4.6 answers: a known endpoint or an address, the model's name there, and the key."""

import asyncio
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from glmcode.config import ConfigError, Settings
from glmcode.firstrun.endpoint import answers, keep_endpoint, keep_key
from glmcode.keys import needs_key
from glmcode.tui.texts import text
from glmcode_engine.presets import PRESETS, Preset
from glmcode_sandbox.clean import one_line


class EndpointScreen(ModalScreen[dict[str, Any] | None]):
    """Gives the settings that were chosen, already kept for later starts; None where it was left."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (26, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", priority=True),
        Binding("enter", "go_on", priority=True),
        Binding("down", "field(1)", priority=True),
        Binding("up", "field(-1)", priority=True),
    ]

    def __init__(self, settings: Settings, no_engine: str = "") -> None:
        """`no_engine`: why the engine of this machine does not answer, where that is what is missing. Untrusted."""
        super().__init__()
        self._no_engine = no_engine
        self._settings = settings
        self._preset: Preset | None = None

    def compose(self) -> ComposeResult:
        names = [f"{each.name:<16} {each.base_url}" for each in PRESETS]
        with VerticalScroll(can_focus=False):
            yield Static(text("firstrun.endpoint_title"), markup=False, classes="title")
            yield Static(self._missing, markup=False)
            yield OptionList(*[Option(name) for name in names], markup=False, compact=True)
            yield Static(text("firstrun.url"), markup=False, classes="label")
            yield Input(self._settings.base_url, id="url", compact=True)
            yield Static(text("firstrun.model"), markup=False, classes="label")
            yield Input(self._settings.model, id="model", compact=True)
            yield Static(text("firstrun.key"), markup=False, classes="label")
            yield Input(id="key", password=True, compact=True)
            yield Static("", markup=False, classes="problem")
            yield Static(text("firstrun.endpoint_keys"), markup=False, classes="keys")

    @property
    def _missing(self) -> str:
        if self._no_engine:
            return text("firstrun.no_engine", problem=one_line(self._no_engine, 160))
        return text("firstrun.endpoint")

    def on_mount(self) -> None:
        for field in self.query(Input):
            field.cursor_blink = False
        options = self.query_one(OptionList)
        at = next((at for at, each in enumerate(PRESETS) if each.base_url == self._settings.base_url), 0)
        options.highlighted = at
        options.focus()

    @on(OptionList.OptionHighlighted)
    def _preset_shown(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._preset = PRESETS[event.option_index]
        self.query_one("#url", Input).value = self._preset.base_url
        self.query_one("#model", Input).value = self._preset.model

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_field(self, way: int) -> None:
        """The arrows choose in the list, and move between the fields."""
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        inside = 0 <= at + way < len(PRESETS)
        if options.has_focus and inside:
            options.highlighted = at + way
        elif way > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def action_go_on(self) -> None:
        """From field to field, and from the last one to the test of what was entered."""
        if isinstance(self.focused, OptionList):
            self.query_one("#key", Input).focus()
        elif self.focused is not None and self.focused.id in ("url", "model"):
            self.focus_next()
        else:
            self._finish()

    @work(exclusive=True)
    async def _finish(self) -> None:
        url, model, key = (self.query_one(f"#{name}", Input).value.strip() for name in ("url", "model", "key"))
        if needs_key(url) and not key:
            self._say(text("firstrun.key_missing"))
            return
        self._say(text("firstrun.asking"))
        check = await answers(url, model)
        if check is None or check.status != "ok":
            self._say(text("firstrun.no_answer", problem=one_line(check.detail if check else url, 200)))
            return
        dialect = self._preset.dialect if self._preset and self._preset.base_url == url else None
        try:
            await asyncio.to_thread(keep_endpoint, url, model, dialect, bool(self._no_engine))
        except (ConfigError, OSError) as error:
            self._say(one_line(str(error), 300))
            return
        if key and not await asyncio.to_thread(keep_key, url, key):
            self.app.notify(text("firstrun.key_for_now"), markup=False, timeout=15)
        self.dismiss({"engine": "remote", "base_url": url, "model": model, "dialect": dialect or "auto"})

    def _say(self, problem: str) -> None:
        self.query_one(".problem", Static).update(problem)
