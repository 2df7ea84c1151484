"""Asks for approval with numbered answers."""

from collections.abc import Sequence

from glmcode.plain.lines import Lines
from glmcode.plain.printer import Printer
from glmcode.policy import Decision, NobodyToAsk, Question
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line

MAX_TRIES = 5
MAX_DIFF_LINES = 60


class NumberedQuestions:
    """An `Ask`: 1 allows, 2 refuses, 3 refuses with a reason that the model is told, 4 allows for the session.

    Nothing else is a yes.
    """

    def __init__(self, lines: Lines, printer: Printer) -> None:
        self._lines = lines
        self._printer = printer

    async def __call__(self, question: Question) -> Decision:
        """Raises NobodyToAsk at the end of the input."""
        say = self._printer.say
        asks, refused = ("plain.asks_done", "") if question.is_done else ("plain.asks", "the user refused")
        say(text(asks, title=one_line(question.title, 200), effect=one_line(question.effect, 400)), "warning")
        if question.diff:
            say(shortened(question.diff), "quiet")
        names = (
            ("keep", "take_back", "take_back_because") if question.is_done else ("allow", "refuse", "refuse_because")
        )
        for number, name in enumerate(names, 1):
            say(f"  {number}. {text(f'plain.{name}')}")
        if question.paths:
            files = ", ".join(one_line(path, 80) for path in question.paths)
            say(f"  4. {text('plain.keep_always' if question.is_done else 'plain.allow_always', files=files)}")
        self._lines.forget_typed()
        for _ in range(MAX_TRIES):
            match (await self._read(text("plain.number"))).strip():
                case "1":
                    return Decision(True)
                case "4" if question.paths:
                    return Decision(True, always=True)
                case "2":
                    return Decision(False, refused)
                case "3":
                    return Decision(False, (await self._read(text("plain.reason"))).strip() or refused)
                case _:
                    say(text("plain.not_a_number"))
        return Decision(False, "the user gave no answer")

    async def confirm(self, question: str) -> bool:
        """A yes or no, as before an image is built. The end of the input is a no."""
        self._printer.say(one_line(question, 400), "warning")
        for number, name in enumerate(("yes", "no"), 1):
            self._printer.say(f"  {number}. {text(f'plain.{name}')}")
        self._lines.forget_typed()
        return (await self._lines.read(text("plain.number")) or "").strip() == "1"

    def show(self, what: str, diff: str) -> None:
        """Say what is asked about; the diff more quietly."""
        self._printer.say(what)
        if diff:
            self._printer.say(diff, "quiet")

    async def choose(self, answers: Sequence[str]) -> int | None:
        """Which of these is taken, from 1; None at the end of the input, or where none is after several tries."""
        for number, answer in enumerate(answers, 1):
            self._printer.say(f"  {number}. {answer}")
        self._lines.forget_typed()
        for _ in range(MAX_TRIES):
            line = await self._lines.read(text("plain.number"))
            if line is None:
                return None
            if (given := line.strip()) in map(str, range(1, len(answers) + 1)):
                return int(given)
            self._printer.say(text("plain.not_a_number"))
        return None

    async def reason(self) -> str:
        """Why, for the model; it may stay empty."""
        return (await self._lines.read(text("plain.reason")) or "").strip()

    async def _read(self, prompt: str) -> str:
        line = await self._lines.read(prompt)
        if line is None:
            raise NobodyToAsk("permission needed, and the input has ended; use --approval auto or deny")
        return line


def shortened(diff: str) -> str:
    """The beginning of a long one, since whoever listens has to hear all of it."""
    lines = diff.rstrip("\n").split("\n")
    left = len(lines) - MAX_DIFF_LINES
    return "\n".join([*lines[:MAX_DIFF_LINES], *([text("plain.more_lines", count=left)] if left > 0 else [])])
