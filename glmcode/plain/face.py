"""`--ui plain` over a live session: what is typed becomes a turn, a shell command or a change of the session."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from glmcode.config import ConfigError, Settings
from glmcode.events import Event, Failure
from glmcode.live import repacking
from glmcode.live.reviewing import changed_files
from glmcode.live.session import LiveSession, People
from glmcode.plain.asking import NumberedQuestions
from glmcode.plain.conversation import Conversation
from glmcode.plain.lines import Lines
from glmcode.plain.printer import Printer
from glmcode.session.store import SessionError
from glmcode.tui.prompt.completion import sent_text
from glmcode.tui.prompt.private import prompt_folder
from glmcode.tui.status.figures import count
from glmcode.tui.texts import text
from glmcode_engine.base import EngineError
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.workspace import WorkspaceError

if TYPE_CHECKING:
    from glmcode.context.warming import Progress

WORLD = (ConfigError, SessionError, WorkspaceError, SandboxError, EngineError)
"""What may be missing when a session opens; it is told, and the next prompt tries again."""
TOLD_FILES = 2_000
"""An index of fewer files is there before the first prompt is typed."""


async def run_plain(settings: Settings, first: str | None = None) -> int:
    """A whole plain session; gives the exit code. Raises what making a `LiveSession` raises."""
    lines, printer = Lines(), Printer()
    questions = NumberedQuestions(lines, printer)
    people = People(
        say=lambda news: printer.say(one_line(news, 400), "quiet"),
        ask=questions,
        confirm=questions.confirm,
        indexing=_index_told(printer),
    )
    live = LiveSession(settings, people)
    try:
        if live.packing.budget != 0:
            live.indexing.begin()
        conversation = Conversation(
            LiveTurns(live), lines, printer, commands=LiveCommands(live, questions), folder=prompt_folder(live.repo)
        )
        return await conversation.converse(first)
    finally:
        await live.aclose()


def _index_told(printer: Printer) -> "Callable[[Progress | None], None]":
    """Says once that an index is built, where that takes a while: lines that count would be noise."""
    told: list[Progress] = []

    def tell(progress: "Progress | None") -> None:
        if progress is not None and progress.of >= TOLD_FILES and not told:
            told.append(progress)
            printer.say(text("plain.indexing", count=f"{progress.of:,}"), "quiet")

    return tell


class LiveTurns:
    """Plays what is typed: `!` runs a shell command, `/compact` and `/btw` are played, too, all else is a turn."""

    def __init__(self, live: LiveSession) -> None:
        self._live = live

    async def run(self, prompt: str) -> AsyncGenerator[Event, None]:
        """The events; a failure to open the session is one, too."""
        try:
            async with aclosing(self._played(prompt)) as events:
                async for event in events:
                    yield event
        except WORLD as error:
            yield Failure(error="session", message=str(error))

    def cancel(self) -> None:
        self._live.cancel()

    async def _played(self, typed: str) -> AsyncGenerator[Event, None]:
        sent, kind = sent_text(typed)
        word, _, rest = sent.partition(" ")
        source: AsyncGenerator[Event, None]
        if not sent:
            return
        if kind == "shell":
            source = self._live.by_hand("shell", json.dumps({"command": sent}))
        elif kind == "command" and word == "/test":
            source = self._live.by_hand("run_tests", json.dumps({"ids": rest.split()} if rest.strip() else {}))
        elif kind == "command" and word == "/compact":
            await self._live.open("")
            source = repacking.compact(self._live, rest.strip())
        elif kind == "command" and word == "/btw":
            await self._live.open("")
            async for event in self._live.aside(rest.strip()):
                yield event
            return
        else:
            source = self._live.turn(sent)
        async with aclosing(source) as events:
            async for each in events:
                yield each
        await self._tell_what_waits()

    async def _tell_what_waits(self) -> None:
        """Changes of an isolated workspace reach the user's files by a review."""
        live = self._live
        if live.place is None or live.place.workspace.mode != "isolated" or live.settings.apply == "never":
            return
        if files := await changed_files(live):
            live.people.say(text("review.waiting", count=len(files)))


class LiveCommands:
    """Answers commands; None for those that are played as events."""

    def __init__(self, live: LiveSession, questions: NumberedQuestions) -> None:
        self._live = live
        self._questions = questions

    async def __call__(self, command: str) -> str | None:
        word, _, rest = command.partition(" ")
        live, wanted = self._live, rest.strip()
        match word, wanted:
            case "/think", "on" | "off" | "auto":
                live.thinking = wanted
            case "/mode", "plan" | "ask" | "auto" | "deny":
                live.mode = wanted
            case "/think" | "/mode" | "/status", _:
                pass
            case "/context", _:
                return await self._context()
            case "/clear", _:
                await live.change_to(None)
                return text("plain.cleared")
            case "/commit" | "/pack" | "/review" | "/diff", _:
                return await self._answered(word, wanted)
            case "/test", _:
                return None
            case ("/compact", _) if live.id:
                return None
            case ("/btw", question) if live.id and question:
                return None
            case (("/compact" | "/btw"), _):
                return text("plain.not_begun")
            case _:
                return text("plain.unknown", command=one_line(word, 40))
        return text("plain.state", mode=text(f"status.{live.mode}"), thinking=text(f"status.{live.thinking}"))

    async def _answered(self, word: str, wanted: str) -> str:
        from glmcode.plain.committing import commit_by_lines
        from glmcode.plain.packing import pack_by_lines
        from glmcode.plain.reviewing import diff_by_lines, review_by_lines

        try:
            match word:
                case "/commit":
                    return await commit_by_lines(self._live, wanted)
                case "/pack":
                    return await pack_by_lines(self._live, wanted)
                case "/review":
                    return await review_by_lines(self._live, self._questions)
                case _:
                    return await diff_by_lines(self._live)
        except WORLD as error:
            return text("plain.failure", message=one_line(str(error), 500))

    async def _context(self) -> str:
        meter = await self._live.meter()
        if meter is None:
            return text("plain.not_begun")
        parts = [f"{text(f'meter.{name}')} {count(tokens)}" for name, tokens in meter.segments]
        if meter.free is not None:
            parts.append(f"{text('meter.free')} {count(meter.free)}")
        return text("plain.context", parts=", ".join(parts))
