"""One question over the lower part of the screen: what a call would do, and the keys that answer."""

import time
from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from glmcode.policy import Decision, Question
from glmcode.tui.lines.patch import patch_lines
from glmcode.tui.lines.view import LinesView
from glmcode.tui.texts import text
from glmcode_sandbox.clean import clean_text, one_line
from glmcode_tools.filetext import display_name

GRACE_S = 0.3
"""So long nothing may have been typed before a key counts as an answer."""
Clock = Callable[[], float]
_REFUSED = "the user refused"
_NAMED = 5
_EFFECT_CHARS = 300


class ApprovalDialog(ModalScreen[Decision | None]):
    """Gives the decision; None where the question was withdrawn. Nothing that was typed ahead answers it."""

    AUTO_FOCUS: ClassVar[str | None] = ""

    def __init__(
        self, question: Question, *, waiting: int = 0, grace_s: float = GRACE_S, clock: Clock = time.monotonic
    ) -> None:
        """`waiting`: how many more questions come after this one. `clock`: in seconds."""
        super().__init__()
        self._question = question
        self._waiting = waiting
        self._grace_s = grace_s
        self._clock = clock
        self._quiet_since = 0.0
        self._armed = False
        self._withdrawn = False

    def compose(self) -> ComposeResult:
        question = self._question
        kind = "changed" if question.is_done else "asks"
        more = f" · {text('approval.more', count=self._waiting)}" if self._waiting else ""
        with Vertical():
            yield Static(f"{text(f'approval.{kind}')}{more}", markup=False, classes="kind")
            yield Static(one_line(question.title, 200), markup=False, classes="title")
            yield Static(one_line(question.effect, _EFFECT_CHARS), markup=False, classes="effect")
            yield LinesView(lambda width: patch_lines(clean_text(question.diff).rstrip("\n"), width))
            if question.paths:
                yield Static(text("approval.always", files=_files(question.paths)), markup=False, classes="always")
            yield Static(self._keys, markup=False, classes="keys")
            yield Input(placeholder=text("approval.reason"), compact=True)

    @property
    def _keys(self) -> str:
        keys = [text("approval.keep" if self._question.is_done else "approval.allow")]
        keys += [text("approval.allow_always")] if self._question.paths else []
        return " · ".join([*keys, text("approval.take_back" if self._question.is_done else "approval.refuse")])

    def on_mount(self) -> None:
        self._quiet_since = self._clock()
        reason = self.query_one(Input)
        reason.display = False
        reason.cursor_blink = False
        self.query_one(LinesView).can_focus = False

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """The dialog takes half of the screen at most; what is left of it is the diff's."""
        view, panel = self.query_one(LinesView), self.query_one(Vertical)
        view.display = bool(self._question.diff)
        if not view.display:
            return
        others = sum(max(1, each.outer_size.height) for each in panel.children if each is not view and each.display)
        room = self.size.height // 2 - others - (panel.outer_size.height - panel.size.height)
        view.styles.height = max(1, min(len(view.lines) or room, room))

    def withdraw(self) -> None:
        """The question needs no answer any more."""
        self._withdrawn = True
        if self.is_current:
            self.dismiss(None)

    def on_screen_resume(self) -> None:
        if self._withdrawn:
            self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        if self.query_one(Input).display:
            if event.key == "escape":
                event.stop()
                self._ask_reason(False)
            return
        event.stop()
        if not self._counts():
            return
        match event.key:
            case "y":
                self.dismiss(Decision(True))
            case "a" if self._question.paths:
                self.dismiss(Decision(True, always=True))
            case "n":
                event.prevent_default()
                self._ask_reason(True)
            case "escape":
                self._refuse("")
            case "up" | "down" | "pageup" | "pagedown" | "home" | "end":
                self._scroll(event.key)

    def _counts(self) -> bool:
        """Whether a key is an answer: once there was a moment without any."""
        now = self._clock()
        self._armed = self._armed or now - self._quiet_since >= self._grace_s
        self._quiet_since = now
        return self._armed

    def _scroll(self, key: str) -> None:
        view = self.query_one(LinesView)
        page = max(1, view.size.height - 1)
        by = {"up": -1, "down": 1, "pageup": -page, "pagedown": page, "home": -len(view.lines)}
        view.scroll_to(y=view.scroll_y + by.get(key, len(view.lines)), animate=False)

    def _ask_reason(self, asked: bool) -> None:
        reason = self.query_one(Input)
        reason.display = asked
        self.query_one(".keys", Static).update(text("approval.reason_keys") if asked else self._keys)
        self.set_focus(reason if asked else None)
        self.call_after_refresh(self._fit)

    @on(Input.Submitted)
    def _reason_given(self, event: Input.Submitted) -> None:
        event.stop()
        self._refuse(event.value.strip())

    def _refuse(self, reason: str) -> None:
        self.dismiss(Decision(False, reason or ("" if self._question.is_done else _REFUSED)))


def _files(paths: tuple[str, ...]) -> str:
    more = f" +{len(paths) - _NAMED}" if len(paths) > _NAMED else ""
    return ", ".join(map(display_name, paths[:_NAMED])) + more
