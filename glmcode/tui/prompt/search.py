"""The bar for searching past prompts, open below the box while one is searched for."""

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from glmcode.tui.prompt.area import PromptArea
from glmcode.tui.prompt.draft import Draft
from glmcode.tui.prompt.history import History
from glmcode.tui.texts import text


class SearchInput(Input):
    """The query. Keys that mean something to the search are passed on."""

    async def _on_key(self, event: events.Key) -> None:
        bar = self.parent
        assert isinstance(bar, HistorySearch)
        if bar.take_key(event.key):
            event.stop()
            event.prevent_default()


class HistorySearch(Horizontal):
    """Shows what it finds in the area; Enter leaves it there, Escape brings back what stood there before."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self.display = False
        self._history = history
        self._area: PromptArea | None = None
        self._before = Draft()
        self._found_at: int | None = None

    def compose(self) -> ComposeResult:
        yield Static(text("search.label"), markup=False, classes="label")
        yield SearchInput(compact=True)
        yield Static("", markup=False, classes="state")

    def say_again(self) -> None:
        self.query_one(".label", Static).update(text("search.label"))
        self._say(text("search.keys"))

    def open(self, area: PromptArea) -> None:
        """Search for a prompt to put in `area`."""
        self._area, self._before, self._found_at = area, area.draft, None
        field = self.query_one(SearchInput)
        field.cursor_blink = False
        field.value = ""
        self.display = True
        self._say(text("search.keys"))
        field.focus()

    def take_key(self, key: str) -> bool:
        """Whether the key means something to the search rather than to the query."""
        match key:
            case "enter" | "tab":
                self._end(accepted=True)
            case "escape" | "ctrl+c" | "ctrl+g":
                self._end(accepted=False)
            case "ctrl+r" | "up":
                self._find(self.query_one(SearchInput).value, before=self._found_at)
            case _:
                return False
        return True

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self._find(event.value)

    def _find(self, query: str, *, before: int | None = None) -> None:
        area = self._area
        if area is None or not query:
            return
        found = self._history.search(query, before)
        if found is None:
            self._say(text("search.nothing_older") if before is not None else text("search.nothing"))
            return
        self._found_at, entry = found
        self._say(text("search.keys"))
        area.show(entry)

    def _end(self, *, accepted: bool) -> None:
        area = self._area
        self.display = False
        if area is not None:
            if not accepted and area.draft != self._before:
                area.show(self._before)
            area.focus()

    def _say(self, state: str) -> None:
        self.query_one(".state", Static).update(state)
