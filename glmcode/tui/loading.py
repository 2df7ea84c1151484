"""The bar that shows how far the start of an engine on this machine has come."""

from textual import work
from textual.content import Content
from textual.reactive import var
from textual.widget import Widget

from glmcode.model.loading import Loading
from glmcode.tui.opening import Opening
from glmcode.tui.texts import text

_BAR_CELLS = 24
_LEAST_BAR_CELLS = 6


class EngineLoading(Widget):
    """One line; there only while an engine starts."""

    progress: var[Loading | None] = var(None)

    def __init__(self) -> None:
        super().__init__()
        self.display = False

    def show(self, loading: Loading) -> None:
        """The start has come this far."""
        self.progress = None if loading.done else loading

    def watch_progress(self) -> None:
        self.display = self.progress is not None
        self.refresh()

    def cancel(self, opening: Opening) -> None:
        """End the start, if one goes on."""
        if self.progress is not None:
            self._cancel(opening)

    @work
    async def _cancel(self, opening: Opening) -> None:
        if opening.session is not None:
            await opening.session.stop_preparing()
        self.progress = None

    def render(self) -> Content:
        loading = self.progress
        if loading is None:
            return Content("")
        title = text(f"loading.{loading.step}") if loading.steps == 7 else loading.title
        of_phase = "" if loading.fraction is None else f" {loading.fraction:.0%}"
        engine, cancel = Content(f"{text('loading.engine')} "), Content.styled(text("loading.cancel"), "$thinking")
        step = Content(f" {title}{of_phase} ")
        room = self.size.width - sum(each.cell_length for each in (engine, step, cancel))
        cells = max(_LEAST_BAR_CELLS, min(_BAR_CELLS, room))
        full = round(loading.share * cells)
        bar = Content.styled("━" * full, "$primary"), Content.styled("━" * (cells - full), "$panel")
        return Content.assemble(engine, *bar, step, cancel)
