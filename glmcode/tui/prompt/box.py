"""The prompt box: what people type, and everything around the typing; it decides nothing about what is sent."""

from collections.abc import Sequence
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import var
from textual.widgets import Static, TextArea

from glmcode.tui.prompt.area import PromptArea
from glmcode.tui.prompt.completion import CommandSource, Kind, MentionSource, Trigger, kind_of, sent_text, trigger_at
from glmcode.tui.prompt.draft import Draft
from glmcode.tui.prompt.external import EditorFailed, edited_in_terminal
from glmcode.tui.prompt.queue import Queued, QueueStrip
from glmcode.tui.prompt.records import PromptRecords
from glmcode.tui.prompt.search import HistorySearch
from glmcode.tui.prompt.suggestions import Suggestions
from glmcode.tui.terminal_input import NEW_LINE
from glmcode.tui.texts import text

KEEP_AFTER_S = 0.5
"""So much of the typing a crash may take."""


class PromptBox(Vertical):
    """Posts what people want; the application answers with `put`, `show_queue` and `running`."""

    class Submitted(Message):
        """Enter: a prompt, a command with its slash, or a shell command without its `!`."""

        def __init__(self, text: str, kind: Kind) -> None:
            super().__init__()
            self.text = text
            self.kind = kind

    class Steered(Message):
        """Ctrl-S while a turn runs: to be told to the model in this turn."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Interrupted(Message):
        """Escape, when there was nothing to close."""

    class ModeCycled(Message):
        """Shift-Tab: the next approval mode."""

    running: var[bool] = var(False)
    """Whether a turn runs. Set by the application."""

    def __init__(
        self, folder: Path | None = None, *, commands: CommandSource = tuple, mentions: MentionSource | None = None
    ) -> None:
        """`folder` (see `private.prompt_folder`) keeps history and drafts; None keeps nothing.

        `commands` gives what can be completed, in the language that holds when it is asked.
        """
        super().__init__()
        self._completable = commands, mentions
        self._records = PromptRecords(folder)
        self._shown: str | None = None
        self._keep_pending = False

    def compose(self) -> ComposeResult:
        yield QueueStrip()
        yield Suggestions(*self._completable)
        with Horizontal(classes="entry"):
            yield Static("❯", markup=False, classes="glyph")
            yield PromptArea(self._take_key, placeholder=text("prompt.placeholder"))
        yield HistorySearch(self._records.history)
        yield Static("", markup=False, classes="hint")

    def on_mount(self) -> None:
        self._area = self.query_one(PromptArea)
        self._list = self.query_one(Suggestions)
        self._search = self.query_one(HistorySearch)
        self._strip = self.query_one(QueueStrip)
        self._hint = self.query_one(".hint", Static)
        self._glyph = self.query_one(".glyph", Static)
        self.say("")
        self._area.focus()
        self._load()

    async def on_unmount(self) -> None:
        await self._records.close(self._area.draft)

    @property
    def value(self) -> str:
        """The text as it would be sent, pastes and all."""
        return self._area.expanded

    def say_again(self) -> None:
        self._area.placeholder = text("prompt.placeholder")
        self.say(text("prompt.shell") if kind_of(self._area.text) == "shell" else "")

    def put(self, value: str) -> None:
        """Place a text in the box, as when a queued message is taken back; undo brings back what stood there."""
        self._area.put(value)
        self._area.focus()

    def say(self, hint: str) -> None:
        """One line below the box, until the next key that changes the text."""
        self._hint.update(hint)
        self._hint.display = bool(hint)

    async def show_queue(self, queue: Sequence[Queued]) -> None:
        """What waits for the turn to end, first to be sent first."""
        await self._strip.show(queue)

    def focus(self, scroll_visible: bool = True) -> "PromptBox":
        self._area.focus(scroll_visible)
        return self

    @work
    async def _load(self) -> None:
        draft = await self._records.load()
        if not draft.text:
            return
        if self._area.text:
            self._records.history.load([draft])
        else:
            self._show(draft)
            self.say(text("prompt.restored"))

    # Keys: the area asks before it does anything.

    def _take_key(self, key: str) -> bool:
        """Whether the key means something to the box; then it does nothing in the text."""
        if self._list.display and self._list_is_current() and self._list_key(key):
            return True
        area = self._area
        match key:
            case "enter":
                self._enter()
            case "ctrl+s":
                self._send(steer=self.running)
            case "up" if not area.text and (last := self._strip.last) is not None:
                self._strip.post_message(QueueStrip.TakeBack(last.id))
            case "up" if area.navigator.is_first_wrapped_line(area.cursor_location):
                self._show(self._records.history.older(area.draft), at_first_line=True)
            case "down" if area.navigator.is_last_wrapped_line(area.cursor_location):
                self._show(self._records.history.newer())
            case "ctrl+c" if area.selection.is_empty and area.text:
                self._records.history.stop()
                self._show(Draft())
                self.say(text("prompt.cleared"))
            case "ctrl+r":
                self._search.open(area)
            case "ctrl+o":
                area.open_paste()
            case "ctrl+g":
                self._edit_externally()
            case "escape":
                self.post_message(self.Interrupted())
            case "shift+tab":
                self.post_message(self.ModeCycled())
            case "ctrl+d" if not area.text and not self.running:
                self.post_message(self.Submitted("/quit", "command"))
            case "question_mark" if not area.text:
                self.post_message(self.Submitted("/help", "command"))
            case _ if key in NEW_LINE:
                area.break_line()
            case _:
                return False
        return True

    def _list_is_current(self) -> bool:
        """Whether the list is about what stands here now: keys may come faster than the news of what they changed."""
        if (trigger := self._trigger()) != self._list.trigger:
            self._list.complete(trigger)
        return self._list.display and self._list.trigger == trigger

    def _list_key(self, key: str) -> bool:
        match key:
            case "up" | "ctrl+p":
                self._list.step(-1)
            case "down" | "ctrl+n":
                self._list.step(1)
            case "tab":
                self._accept()
            case "enter":
                completion, trigger = self._list.chosen, self._list.trigger
                self._accept()
                if completion is not None and trigger is not None and completion.is_whole(trigger):
                    self._send()
            case "escape":
                self._list.close()
            case _:
                return False
        return True

    def _enter(self) -> None:
        if self._area.take_backslash():
            self._area.break_line()
        else:
            self._send()

    def _send(self, *, steer: bool = False) -> None:
        draft = self._area.draft
        # What it is, is decided by what was typed: no paste becomes a command by how it begins.
        kind = kind_of(draft.text)
        sent, _ = sent_text(draft.text)
        sent = self._area.unfolded(sent)
        if not sent.strip():
            return
        self._area.empty()
        self.say("")
        self.run_worker(self._records.remember(draft))
        message = self.Steered(sent) if steer and kind == "prompt" else self.Submitted(sent, kind)
        self.post_message(message)

    def _show(self, draft: Draft | None, *, at_first_line: bool = False) -> None:
        """Show what was not typed: nothing is completed in it, and walking through the history goes on."""
        if draft is not None:
            self._shown = self._area.show(draft, at_first_line=at_first_line)

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        typed = self._area.text != self._shown
        if typed:
            self._shown = None
            self._records.history.stop()
            self.say("")
        is_shell = kind_of(self._area.text) == "shell"
        self.set_class(is_shell, "-shell")
        self._glyph.update("$" if is_shell else "❯")
        if is_shell and not self._hint.display:
            self.say(text("prompt.shell"))
        self._list.complete(self._trigger() if typed and not self._search.display else None)
        if not self._keep_pending:
            self._keep_pending = True
            self.set_timer(KEEP_AFTER_S, self._keep)

    @on(TextArea.SelectionChanged)
    def _moved(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        if self._list.display and self._trigger() != self._list.trigger:
            self._list.close()

    async def _keep(self) -> None:
        self._keep_pending = False
        await self._records.keep(self._area.draft)

    def _trigger(self) -> Trigger | None:
        row, column = self._area.cursor_location
        return trigger_at(self._area.document.get_line(row), column, is_first=row == 0)

    @on(Suggestions.Clicked)
    def _accept(self) -> None:
        completion, trigger = self._list.chosen, self._list.trigger
        self._list.close()
        if completion is not None and trigger is not None:
            row, _ = self._area.cursor_location
            start, end = (row, trigger.start), (row, trigger.end)
            self._area.replace(completion.insert, start, end, maintain_selection_offset=False)
            self._area.focus()

    @on(PromptArea.Refused)
    def _refused(self, event: PromptArea.Refused) -> None:
        event.stop()
        self.say(event.reason)

    @work(exclusive=True, group="editor")
    async def _edit_externally(self) -> None:
        before = self._area.expanded
        try:
            after = await edited_in_terminal(self.app, before)
        except EditorFailed as error:
            self.say(str(error))
        else:
            if after != before:
                self._area.show_expanded(after)
