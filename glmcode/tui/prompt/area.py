"""The text area of the prompt: folded pastes are one character to every key, and pastes come in cleaned."""

import asyncio
from collections.abc import Callable

from textual import events
from textual.document._document import EditResult, Location
from textual.document._edit import Edit
from textual.message import Message
from textual.widgets import TextArea

from glmcode.tui.prompt.draft import Draft
from glmcode.tui.prompt.images import image_path, is_image_data
from glmcode.tui.prompt.pastes import MAX_OPEN_CHARS, MAX_PASTE_CHARS, Pastes, cleaned, is_large
from glmcode.tui.texts import text


class PromptArea(TextArea):
    """What is typed. Keys are offered to `take_key` first; those it takes do nothing here."""

    class Refused(Message):
        """Something was not inserted; `reason` is for people."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, take_key: Callable[[str], bool], *, placeholder: str) -> None:
        super().__init__(compact=True, highlight_cursor_line=False, placeholder=placeholder)
        # A blinking cursor would wake an idle interface twice a second.
        self.cursor_blink = False
        self.match_cursor_bracket = False
        self._take_key = take_key
        self._pastes = Pastes()

    @property
    def draft(self) -> Draft:
        return Draft(self.text, self._pastes.used_in(self.text))

    @property
    def expanded(self) -> str:
        """The text with every paste in its place."""
        return self._pastes.expanded(self.text)

    def unfolded(self, part: str) -> str:
        """The same for a part of the text."""
        return self._pastes.expanded(part)

    def put(self, value: str) -> None:
        """Put a text in place of what stands here, folded where it is large; undo brings that back."""
        self.show(Draft(self._pastes.fold(value) if is_large(value) else value))

    def show(self, draft: Draft, *, at_first_line: bool = False) -> str:
        """Put a draft in place of what stands here, and give it as it then stands; undo brings the other back."""
        shown = self._pastes.adopted(draft.text, draft.pastes)
        self.history.checkpoint()
        self.edit(Edit(shown, (0, 0), self.document.end, False))
        self.history.checkpoint()
        if at_first_line:
            self.move_cursor((0, len(self.document.get_line(0))))
        return shown

    def show_expanded(self, whole: str) -> None:
        """Put a text that was edited elsewhere here, with the pastes that are still in it folded again."""
        self.show(Draft(self._pastes.folded(whole)))

    def empty(self) -> None:
        """Begin anew after sending; there is nothing to undo then."""
        self._pastes = Pastes()
        self.load_text("")

    def break_line(self) -> None:
        self._replace_via_keyboard("\n", *self.selection)

    def take_backslash(self) -> bool:
        """Remove a backslash right before the cursor, where Enter means a line break; whether there was one."""
        row, column = self.cursor_location
        if not self.selection.is_empty or not self.document.get_line(row)[:column].endswith("\\"):
            return False
        self.delete((row, column - 1), (row, column), maintain_selection_offset=False)
        return True

    def open_paste(self) -> None:
        """Unfold the placeholder at the cursor, or the last one, for reading and editing."""
        row, column = self.cursor_location
        spans = [(at, *span) for at in range(self.document.line_count) for span in self._spans(at)]
        if not spans:
            return
        here = [span for span in spans if span[0] == row and span[1] <= column <= span[2]]
        at, first, last = (here or spans)[-1]
        content = self._pastes.expanded(self.document.get_line(at)[first:last])
        if len(content) > MAX_OPEN_CHARS:
            self.post_message(self.Refused(text("prompt.too_large_to_open")))
            return
        self.history.checkpoint()
        self.edit(Edit(content, (at, first), (at, last), False))

    def edit(self, edit: Edit) -> EditResult:
        """As in every text area, but no edit cuts a placeholder: it goes as a whole, or text goes behind it."""
        top, bottom = edit.top, edit.bottom
        if top == bottom:
            top = bottom = self._outside(top, to_end=True)
        else:
            top, bottom = self._outside(top, to_end=False), self._outside(bottom, to_end=True)
        if (top, bottom) != (edit.top, edit.bottom):
            edit = Edit(edit.text, top, bottom, edit.maintain_selection_offset)
        return super().edit(edit)

    def get_cursor_left_location(self) -> Location:
        return self._outside(super().get_cursor_left_location(), to_end=False)

    def get_cursor_right_location(self) -> Location:
        return self._outside(super().get_cursor_right_location(), to_end=True)

    def _outside(self, location: Location, *, to_end: bool) -> Location:
        """The location itself, or the edge of the placeholder that it is inside of."""
        row, column = location
        if row < self.document.line_count:
            for first, last in self._spans(row):
                if first < column < last:
                    return row, last if to_end else first
        return location

    def _spans(self, row: int) -> list[tuple[int, int]]:
        return self._pastes.spans(self.document.get_line(row))

    async def _on_key(self, event: events.Key) -> None:
        if self._take_key(event.key):
            event.stop()
            event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        await self.paste(event.text)

    async def paste(self, pasted: str) -> None:
        """Insert what was pasted, cleaned; a large text folded. Pictures are refused: the model reads text."""
        if is_image_data(pasted) or await asyncio.to_thread(image_path, pasted) is not None:
            self.post_message(self.Refused(text("prompt.no_images")))
            return
        if not pasted:
            # What terminals send where the clipboard holds a picture.
            self.post_message(self.Refused(text("prompt.nothing_to_paste")))
            return
        if len(pasted) > MAX_PASTE_CHARS:
            self.post_message(self.Refused(text("prompt.paste_too_large", size=len(pasted) / 1e6)))
            return
        content = await asyncio.to_thread(cleaned, pasted)
        if content:
            self.history.checkpoint()
            self._replace_via_keyboard(self._pastes.fold(content) if is_large(content) else content, *self.selection)
            self.history.checkpoint()

    def action_paste(self) -> None:
        self.run_worker(self.paste(self.app.clipboard))
