"""A question beside the conversation and its answer, in a panel that goes with a key."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from glmcode.tui.texts import text
from glmcode_sandbox.clean import clean_text, one_line


class AsidePanel(VerticalScroll):
    """Grows with the answer; leaves the conversation as it is."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__()
        self.display = False
        self._answer = ""

    def compose(self) -> ComposeResult:
        yield Static("", markup=False, classes="question")
        yield Static("", markup=False, classes="answer")
        yield Static(text("aside.keys"), markup=False, classes="keys")

    def say_again(self) -> None:
        self.query_one(".keys", Static).update(text("aside.keys"))

    def ask(self, question: str) -> None:
        """Show a question without an answer yet."""
        self._answer = ""
        self.display = True
        self.query_one(".question", Static).update(one_line(question, 500))
        self.query_one(".answer", Static).update(text("aside.waiting"))

    def grow(self, piece: str) -> None:
        """The answer goes on."""
        self.settle(self._answer + piece)

    def settle(self, answer: str) -> None:
        """What the answer is."""
        self._answer = answer
        self.query_one(".answer", Static).update(clean_text(answer))
        self.scroll_end(animate=False)

    def dismiss(self) -> bool:
        """Put it away; False where it was not there."""
        shown, self.display = self.display, False
        return shown
