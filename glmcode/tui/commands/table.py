"""All commands: what completion, /help and the prompt know of them."""

from typing import TYPE_CHECKING

from glmcode.tui.commands.command import SlashCommand
from glmcode.tui.prompt.completion import Command
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line

if TYPE_CHECKING:
    from glmcode.tui.conversation import Conversation

COMMANDS: tuple[SlashCommand, ...] = (
    SlashCommand("help", "", "helping.help_page"),
    SlashCommand("resume", "[SESSION]", "sessions.resume", alone=True),
    SlashCommand("new", "", "sessions.new", alone=True),
    SlashCommand("clear", "", "sessions.new", alone=True),
    SlashCommand("fork", "[STEP]", "sessions.fork", alone=True),
    SlashCommand("rewind", "[undo]", "rewinding.rewind", alone=True),
    SlashCommand("export", "[FILE.md|.html|.json]", "sessions.export"),
    SlashCommand("compact", "[HINT]", "working.compact", alone=True),
    SlashCommand("test", "[ID ...]", "working.run_tests", alone=True),
    SlashCommand("shell", "COMMAND", "working.shell", alone=True),
    SlashCommand("fix", "ISSUE", "working.fix", alone=True),
    SlashCommand("review", "", "reviewing.review", alone=True),
    SlashCommand("commit", "[MESSAGE]", "committing.commit", alone=True),
    SlashCommand("diff", "", "reading.diff"),
    SlashCommand("btw", "QUESTION", "asking.aside"),
    SlashCommand("context", "", "seeing.context"),
    SlashCommand("pack", "[TASK]", "seeing.pack"),
    SlashCommand("think", "[on|off|auto]", "models.think"),
    SlashCommand("model", "[NAME]", "models.model", alone=True),
    SlashCommand("engine", "", "models.engine"),
    SlashCommand("find", "[TEXT]", "looks.find"),
    SlashCommand("todo", "", "reading.todo"),
    SlashCommand("copy", "[code [N]]", "looks.copy"),
    SlashCommand("theme", "[NAME]", "looks.theme"),
    SlashCommand("mouse", "[on|off]", "looks.mouse"),
    SlashCommand("language", "[en|zh]", "looks.language"),
    SlashCommand("quit", "", "looks.quit_now"),
)


def completions() -> tuple[Command, ...]:
    """The table as the prompt completes it."""
    return tuple(Command(f"/{each.name}", each.usage, each.help) for each in COMMANDS)


def nearest(name: str) -> str | None:
    """The command that someone who typed `name` may have meant."""
    import difflib

    close = difflib.get_close_matches(name.lower(), [each.name for each in COMMANDS], n=1, cutoff=0.5)
    return close[0] if close else None


async def perform(conversation: "Conversation", line: str) -> None:
    """Do what `/NAME ...` says, in the background. What cannot be done now or at all is said."""
    name, _, rest = line.removeprefix("/").partition(" ")
    command = next((each for each in COMMANDS if each.name == name.lower()), None)
    if command is None:
        like = nearest(name)
        meant = text("commands.nearest", name=like) if like else text("commands.see_help")
        conversation.warn(text("commands.unknown", name=one_line(name, 60), nearest=meant))
    elif command.alone and conversation.ending:
        conversation.app.run_worker(_afterwards(command, conversation, rest.strip()), group="commands")
    elif command.alone and conversation.busy:
        conversation.warn(text("commands.busy", name=command.name))
    elif command.alone:
        conversation.command(command.handler(conversation, rest.strip()))
    else:
        work = conversation.attempt(command.handler(conversation, rest.strip()))
        conversation.app.run_worker(work, group="commands")


async def _afterwards(command: SlashCommand, conversation: "Conversation", rest: str) -> None:
    """What is asked for when the end of a turn is on the screen need not be asked for again."""
    await conversation.until_idle()
    conversation.command(command.handler(conversation, rest))
