"""The process that `benchmarks.tui` measures: a bare Textual application or one with the conversation view."""

import argparse
import os
import time
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, ComposeResult
from textual.widgets import Input, Static

if TYPE_CHECKING:
    from glmcode.events import Event

READY = "ready-to-type"
"""The first text: the placeholder of the prompt."""


class BareApp(App[None]):
    """As many widgets as the other, and nothing in them."""

    CSS = "Static { height: 1fr; } Input { height: 1; border: none; }"

    def __init__(self, widgets: int) -> None:
        super().__init__()
        self._widgets = widgets

    def compose(self) -> ComposeResult:
        for _ in range(self._widgets - 1):
            yield Static()
        yield Input(placeholder=READY)

    def on_mount(self) -> None:
        self.query_one(Input).focus()


def view_app(messages: int, tokens_per_second: int, report_to: int) -> App[None]:
    from glmcode.tui.styles import first_style_files
    from glmcode.tui.theme import DARK, begin_with
    from glmcode.tui.transcript.fold import Transcript
    from glmcode.tui.transcript.view import TranscriptView

    began = time.perf_counter()
    turns = _turns(messages)
    spent = time.perf_counter() - began

    class ViewApp(App[None]):
        CSS_PATH: ClassVar[list[str | PurePath]] = list(first_style_files())
        CSS = "TranscriptView { height: 1fr; } Input { height: 1; border: none; }"

        def __init__(self) -> None:
            super().__init__()
            begin_with(self, DARK.name)
            self._streamed = 0.0

        def get_theme_variable_defaults(self) -> dict[str, str]:
            return DARK.variables

        def compose(self) -> ComposeResult:
            yield TranscriptView()
            yield Input(placeholder=READY)

        def on_mount(self) -> None:
            # What it took to make up the conversation is none of the view's doing; the parent takes it off.
            os.write(report_to, f"{spent}\n".encode())
            transcript = Transcript()
            for prompt, happened in turns:
                transcript.user(prompt)
                for event in happened:
                    transcript.apply(event)
            self.query_one(TranscriptView).show(transcript)
            self.query_one(Input).focus()
            if tokens_per_second:
                self._begun = time.monotonic()
                self.set_interval(0.01, self.stream)

        def stream(self) -> None:
            from glmcode.events import AssistantDelta  # an empty view needs no events, nor does the start of glmcode

            view = self.query_one(TranscriptView)
            due = (time.monotonic() - self._begun) * tokens_per_second
            while self._streamed < due:
                view.apply(AssistantDelta(step=1, text=_TOKENS[int(self._streamed) % len(_TOKENS)]))
                self._streamed += 1

    return ViewApp()


_PROSE = "The **parser** takes `two` digits where there are four , so that a year such as 2024 becomes 20 .\n"
_CODE = "def parse ( text : str ) -> date :\n    year = int ( text [ : 4 ] )  # all four\n    return date ( year )\n"
_STREAMED = f"## Part\n \n {_PROSE * 4} \n ```python\n {_CODE * 6} ```\n \n - one item\n - another\n \n "
_TOKENS = [word if word.endswith("\n") else f"{word} " for word in _STREAMED.split(" ")]


def _turns(messages: int) -> list[tuple[str, list["Event"]]]:
    if not messages:
        return []
    from tests.tui.transcript.conversations import long_conversation

    return list(long_conversation(messages))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bare", type=int, metavar="WIDGETS")
    parser.add_argument("--messages", type=int, default=0)
    parser.add_argument("--tokens-per-second", type=int, default=0)
    parser.add_argument("--report-to", type=int, default=1)
    options = parser.parse_args()
    app = (
        BareApp(options.bare)
        if options.bare
        else view_app(options.messages, options.tokens_per_second, options.report_to)
    )
    app.run()


if __name__ == "__main__":
    main()
