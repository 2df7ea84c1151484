"""The slash commands that editors offer, each a line of a table."""

import json
import shlex
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from acp.schema import AvailableCommand, AvailableCommandInput, AvailableCommandsUpdate, UnstructuredCommandInput

from glmcode.editor.acp import options
from glmcode.editor.acp.errors import invalid
from glmcode.editor.acp.packing import packed
from glmcode.events import Event
from glmcode.live import repacking
from glmcode.live.committing import commit, propose
from glmcode.live.session import LiveSession
from glmcode.loop.asides import AsideEvent
from glmcode.markdown import fenced
from glmcode_tools.filetext import display_name


class Host(Protocol):
    """The conversation that a command acts on."""

    live: LiveSession

    async def show(self, events: AsyncGenerator[Event, None] | AsyncGenerator[AsideEvent, None]) -> int:
        """Show events in the editor; gives how many there were."""
        ...

    async def say(self, text: str) -> None:
        """Answer the user."""
        ...

    async def tell_options(self) -> None:
        """Tell the editor what is chosen now."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """`name` without the slash. `hint` is shown where its text is missing; None: it takes none."""

    name: str
    description: str
    run: Callable[[Host, str], Awaitable[None]]
    hint: str | None = None
    while_running: bool = False
    """Whether it may be given while a turn runs."""


def command_in(prompt: str) -> tuple[Command, str] | None:
    """The command of a prompt and the text behind it; None where it is not one, such as a path."""
    word, _, rest = prompt.strip().partition(" ")
    found = next((each for each in COMMANDS if word == f"/{each.name}"), None)
    return (found, rest.strip()) if found else None


def available() -> AvailableCommandsUpdate:
    """All of them, for the editor's completion."""
    offered = [
        AvailableCommand(
            name=each.name,
            description=each.description,
            input=AvailableCommandInput(UnstructuredCommandInput(hint=each.hint)) if each.hint else None,
        )
        for each in COMMANDS
    ]
    return AvailableCommandsUpdate(session_update="available_commands_update", available_commands=offered)


async def _compact(host: Host, hint: str) -> None:
    if host.live.id and host.live.place is None:
        await host.live.open("")  # a session that was loaded and not gone on with yet
    if not await host.show(repacking.compact(host.live, hint)):
        await host.say("There is nothing to compact yet.")


async def _think(host: Host, value: str) -> None:
    if (thinking := options.thinking_named(value)) is None:
        raise invalid(f"/think takes on, off or auto, not {value!r}")
    host.live.thinking = thinking
    await host.tell_options()
    await host.say(f"Thinking is {thinking} from the next prompt on.")


async def _mode(host: Host, value: str) -> None:
    if (mode := options.mode_named(value, host.live)) is None:
        raise invalid(f"/mode takes plan, ask or auto, not {value!r}")
    host.live.mode = mode
    await host.tell_options()
    await host.say(f"The mode is {mode}.")


async def _btw(host: Host, question: str) -> None:
    if not question:
        raise invalid("/btw takes a question")
    if host.live.place is None:
        await host.live.open(question)
    await host.show(host.live.aside(question))


async def _test(host: Host, ids: str) -> None:
    try:
        words = shlex.split(ids)
    except ValueError as error:
        raise invalid(f"/test takes ids of tests: {error}") from None
    await host.show(host.live.by_hand("run_tests", json.dumps({"ids": words} if words else {})))


async def _run(host: Host, command: str) -> None:
    if not command:
        raise invalid("/run takes a shell command")
    await host.show(host.live.by_hand("shell", json.dumps({"command": command})))


async def _pack(host: Host, words: str) -> None:
    await host.say(await packed(host.live, words))


async def _commit(host: Host, message: str) -> None:
    proposal = await propose(host.live, message)
    preview = proposal.preview
    files = [
        f"{display_name(each.path)}{' (holds changes of yours, too)' if each.path in proposal.mixed else ''}"
        for each in preview.changes
    ]
    await host.say(f"{fenced(proposal.message)}\n\n{fenced(chr(10).join(files))}")
    question = f"Commit these {len(files)} files to {preview.branch} with this message?"
    if host.live.people.confirm is None or not await host.live.people.confirm(question):
        await host.say("Nothing was committed.")
        return
    made = await commit(host.live, proposal, proposal.message)
    unsigned = " It is not signed." if made.unsigned else ""
    await host.say(f"Committed to {made.branch} as {made.id[:12]}.{unsigned}")


async def _context(host: Host, _: str) -> None:
    meter = await host.live.meter()
    if meter is None:
        await host.say("Nothing is in the model's window yet.")
        return
    rows = [f"| {name} | {tokens:,} |" for name, tokens in meter.segments]
    total = f"| all | {meter.used:,} of {f'{meter.window:,}' if meter.window else 'an unknown window'} |"
    await host.say("\n".join(["| part | tokens |", "|---|---|", *rows, total]))


COMMANDS = (
    Command("compact", "Shorten the conversation; the task and the latest steps stay", _compact, "what to keep"),
    Command("context", "Show what fills the model's window", _context, while_running=True),
    Command("think", "Let the model think or not", _think, "on, off or auto", while_running=True),
    Command("mode", "What happens when a call wants to leave the policy", _mode, "plan, ask or auto",
            while_running=True),
    Command("btw", "Ask beside the conversation; the model never sees it again", _btw, "question", while_running=True),
    Command("pack", "Show what of the repository is sent and why; pin and drop files", _pack,
            "a task, pin PATH, drop PATH or anew"),
    Command("commit", "Commit what this session changed, after a question", _commit, "message"),
    Command("test", "Run the tests in the sandbox; the model is told with the next prompt", _test, "ids, or all"),
    Command("run", "Run a shell command in the sandbox; the model is told with the next prompt", _run, "command"),
)  # fmt: skip
