"""What of the repository the conversation begins with, file by file, and the user's word on it: free until it is sent,
at a price that is told after that."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from glmcode.config import ConfigError
from glmcode.context.budget import announcement
from glmcode.cost import Prices
from glmcode.live.packing import Packing
from glmcode.tui.choices import Choice, Choices
from glmcode.tui.pack.finder import Find, PathFinder
from glmcode.tui.pack.price import price
from glmcode.tui.pack.rows import Row, line, rows_of, with_drop, with_pin
from glmcode.tui.status.figures import count
from glmcode.tui.texts import text
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.workspace import WorkspaceError

if TYPE_CHECKING:
    from glmcode.context.record import ContextPack
    from glmcode.live.repacking import Offer

BUDGETS = (4_000, 8_000, 16_000, 32_000, 64_000, 128_000)
Pack = Callable[[], Awaitable["ContextPack"]]
"""Packs as it would be sent now. Raises ConfigError, as for a pin on nothing."""


class PackScreen(ModalScreen["Offer | None"]):
    """Changes the pins and the budget of a `Packing`; the pack that is sent follows them.

    Once one was sent, gives the other one that the user wants in its place; the packing is left as it was without.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,ctrl+c", "leave", priority=True),
        Binding("p", "pin"),
        Binding("d", "drop"),
        Binding("b", "budget"),
        Binding("r", "pack"),
        Binding("a", "add"),
        Binding("s", "send"),
    ]

    def __init__(
        self,
        packing: Packing,
        pack: Pack,
        prices: Prices | None,
        *,
        find: Find,
        begun: bool = False,
        anew: "Callable[[], Awaitable[Offer]] | None" = None,
    ) -> None:
        """`begun`: a pack was sent, `packing.sent` where this process knows it. `anew` packs another one to take its
        place (raises as `pack` does, SandboxError and WorkspaceError); without it nothing can be changed any more."""
        super().__init__()
        self._find = find
        self._anew = anew
        self._offer: Offer | None = None
        self._before = (packing.budget, packing.pinned, packing.dropped)
        self._packing = packing
        self._pack = pack
        self._prices = prices
        self._is_sent = begun
        self._packed = packing.sent if begun else None
        self._rows: list[Row] = []

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(text("pack.sent_title" if self._is_sent else "pack.title"), markup=False, classes="title")
            yield Static(markup=False, classes="cost")
            yield OptionList(markup=False, compact=True)
            keys = "keys" if not self._is_sent else "anew_keys" if self._anew else "sent_keys"
            yield Static(text(f"pack.{keys}"), markup=False, classes="keys")

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        if self._is_sent:
            self._show()
        else:
            self.action_pack()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question: whether something can still be changed."""
        if action == "send":
            return self._offer is not None
        return not self._is_sent or self._anew is not None or action not in ("pin", "drop", "budget", "pack", "add")

    def action_leave(self) -> None:
        if self._is_sent:
            self._packing.budget, self._packing.pinned, self._packing.dropped = self._before
        self.dismiss(None)

    def action_send(self) -> None:
        """Let the conversation begin with what was packed anew."""
        self.dismiss(self._offer)

    @work
    async def action_add(self) -> None:
        """Pin a file that was not chosen."""
        if pin := await self.app.push_screen_wait(PathFinder(self._find)):
            path = pin.rpartition(":")[0] if pin.rpartition(":")[2].replace("-", "").isdigit() else pin
            self._packing.pinned = (*(each for each in self._packing.pinned if each != pin), pin)
            self._packing.dropped = tuple(each for each in self._packing.dropped if each not in (pin, path))
            self._changed()

    def action_pin(self) -> None:
        if row := self._row:
            self._packing.pinned = with_pin(row.path, self._packing.pinned)
            self._packing.dropped = tuple(each for each in self._packing.dropped if each != row.path)
            self._changed()

    def action_drop(self) -> None:
        if row := self._row:
            self._packing.dropped = with_drop(row.path, self._packing.dropped)
            if row.is_pinned:
                self._packing.pinned = with_pin(row.path, self._packing.pinned)
            self._changed()

    @work
    async def action_budget(self) -> None:
        """Choose another one, and see at once what it gives."""
        choices = [Choice("auto", text("pack.auto")), Choice("0", text("pack.off"))]
        choices += [Choice(str(each), text("pack.limit", tokens=count(each))) for each in BUDGETS]
        now = str(self._packing.budget)
        chosen = await self.app.push_screen_wait(Choices(text("pack.budget"), choices, chosen=now))
        if chosen is not None and chosen != now:
            self._packing.budget = "auto" if chosen == "auto" else int(chosen)
            self.action_pack()

    @work(group="pack", exclusive=True)
    async def action_pack(self) -> None:
        """Pack again with what holds now."""
        if self._packing.budget == 0 and not self._is_sent:
            self._packed = None
            self._show()
            return
        self._say(text("pack.packing"), "$thinking")
        problem = ""
        try:
            if self._is_sent and self._anew is not None:
                self._offer = await self._anew()
                self._packed = self._offer.pack
            else:
                self._packed = await self._pack()
        except (ConfigError, SandboxError, WorkspaceError) as error:
            problem = one_line(str(error), 300)
        if not self.is_attached:
            return  # left meanwhile
        self._show()
        if problem:
            self._say(problem, "$error")

    @property
    def _row(self) -> Row | None:
        at = self.query_one(OptionList).highlighted
        return self._rows[at] if at is not None else None

    def _changed(self) -> None:
        self._offer = None
        self._show()
        self._say(text("pack.stale_sent" if self._is_sent else "pack.stale"), "$warning")

    def _show(self) -> None:
        files = self._packed.files if self._packed is not None else ()
        self._rows = rows_of(files, self._packing.pinned, self._packing.dropped)
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        options.clear_options()
        options.add_options([line(row) for row in self._rows])
        options.highlighted = min(at, len(self._rows) - 1) if self._rows else None
        self.query_one(".cost", Static).update(self._cost(self._packed))
        if self._offer is not None:
            self.query_one(".title", Static).update(text("pack.anew_title"))

    def _cost(self, packed: "ContextPack | None") -> str:
        if packed is None:
            return text("pack.unknown" if self._is_sent and self._packing.budget != 0 else "pack.none")
        summary = text(
            "pack.summary", count=len(packed.files), tokens=count(packed.tokens), budget=count(packed.budget)
        )
        told = announcement(packed.tokens, packed.budget_why, self._prices)
        told = told if self._offer is None else price(self._offer)
        lines = [summary, told, *([packed.note] if packed.note else [])]
        return "\n".join(one_line(each, 300) for each in (lines if packed.files else [text("pack.empty"), *lines]))

    def _say(self, told: str, style: str) -> None:
        self.query_one(".cost", Static).update(Content.styled(told, style))
