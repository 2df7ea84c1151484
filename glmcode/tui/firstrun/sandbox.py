"""Asks in what commands shall run where the sandbox that was asked for cannot be made, and builds an image."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from glmcode.config import Settings
from glmcode.tui.texts import text
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import one_line

if TYPE_CHECKING:
    from glmcode_sandbox.image import ImageSource

_WAYS = ("registry", "host", "rootfs", "bwrap", "none")


class SandboxScreen(ModalScreen[dict[str, Any] | None]):
    """Gives the settings to go on with; None where it was left."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (26, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", priority=True)]

    def __init__(self, settings: Settings, problem: str) -> None:
        super().__init__()
        self._settings = settings
        self._problem = problem

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=False):
            yield Static(text("firstrun.sandbox_title"), markup=False, classes="title")
            yield Static(text("firstrun.sandbox"), markup=False)
            yield Static(one_line(self._problem, 500), markup=False, classes="problem")
            yield OptionList(*[Option(text(f"firstrun.way_{way}")) for way in _WAYS], markup=False, compact=True)
            yield Input(placeholder=text("firstrun.rootfs"), compact=True)
            yield Static("", markup=False, classes="hint")
            yield Static(text("firstrun.sandbox_keys"), markup=False, classes="keys")

    def on_mount(self) -> None:
        field = self.query_one(Input)
        field.display = field.cursor_blink = False
        self.query_one(OptionList).focus()

    def action_leave(self) -> None:
        """Also ends a build."""
        self.workers.cancel_node(self)
        self.dismiss(None)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        match _WAYS[event.option_index]:
            case "bwrap":
                self._try_bwrap()
            case "none":
                self.dismiss({"sandbox": "none"})
            case "rootfs":
                field = self.query_one(Input)
                field.display = True
                field.focus()
            case "registry":
                self._build("registry", None)
            case "host":
                self._build("host", None)

    @on(Input.Submitted)
    def _rootfs(self, event: Input.Submitted) -> None:
        event.stop()
        path = Path(event.value).expanduser()
        if path.is_file():
            self._build("rootfs", path)
        else:
            self._say(text("firstrun.no_file"))

    @work(exclusive=True)
    async def _try_bwrap(self) -> None:
        from glmcode_sandbox.open import probe

        try:
            await probe("bwrap")
        except SandboxError as error:
            self._say(str(error))
        else:
            self.dismiss({"sandbox": "bwrap"})

    @work(exclusive=True)
    async def _build(self, source: "ImageSource", rootfs: Path | None) -> None:
        from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE
        from glmcode_sandbox.image import build_image

        self.query_one(OptionList).disabled = True
        try:
            self._say(text("firstrun.building"))
            await build_image(source, rootfs=rootfs, tag=DEFAULT_IMAGE, make_default=True, on_line=self._say)
        except SandboxError as error:
            self._say(str(error))
        else:
            self.dismiss({"sandbox": "docker", "image": None})
        finally:
            if self.is_attached:
                self.query_one(OptionList).disabled = False
                self.query_one(OptionList).focus()

    def _say(self, line: str) -> None:
        if self.is_attached:  # a build goes on for a while when it is left
            self.query_one(".hint", Static).update(one_line(line, 400))
