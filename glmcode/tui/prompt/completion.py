"""What is being completed at the cursor: a command after `/`, a file or symbol after `@`."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from glmcode.tui.fuzzy import match

MAX_SHOWN = 50
"""More is not offered; another letter narrows better than scrolling does."""

# A chinese input method gives the wide forms, and no space before them. An address like a@b.c mentions nothing.
_MENTION = re.compile(r"(?<![A-Za-z0-9_.+-])[@＠](?P<query>[^\s@＠]*)$")
_COMMAND = re.compile(r"[/／](?P<query>[\w-]*)")
_COMMAND_LINE = re.compile(r"[/／](?P<name>[A-Za-z][\w-]*)(?:\s+(?P<rest>.*))?", re.DOTALL)
_SHELL = ("!", "！")

Kind = Literal["prompt", "command", "shell"]


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the prompt offers it; `usage` and `help` are in the interface's language."""

    name: str
    """With its slash: `/compact`."""
    usage: str
    """The whole form: `/compact [HINT]`. Equal to the name where it takes nothing."""
    help: str

    @property
    def takes_arguments(self) -> bool:
        return self.usage.strip() != self.name


@dataclass(frozen=True, slots=True)
class Mention:
    """Something of the repository that a prompt can name."""

    label: str
    detail: str
    insert: str
    """What then stands in the prompt."""


CommandSource = Callable[[], Sequence[Command]]
"""Gives all that may follow a slash."""
MentionSource = Callable[[str], Awaitable[Sequence[Mention]]]
"""The best mentions for what stands after the `@`, best first."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """What is to be completed, and which part of the line the completion replaces."""

    kind: Literal["command", "mention"]
    query: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Completion:
    """One line of the list."""

    label: str
    detail: str
    insert: str
    sends: bool = False
    """Whether Enter needs nothing more: a command without arguments."""

    def is_whole(self, trigger: Trigger) -> bool:
        """Whether Enter sends it at once: nothing may follow, or the command's name was typed to its end."""
        return self.sends or (trigger.kind == "command" and self.insert[1:].rstrip() == trigger.query)


def trigger_at(line: str, column: int, *, is_first: bool) -> Trigger | None:
    """What the text before the cursor asks for. `is_first`: the line is the first of the prompt."""
    before = line[:column]
    if is_first and (found := _COMMAND.fullmatch(before)):
        return Trigger("command", found["query"], 0, column)
    if found := _MENTION.search(before):
        return Trigger("mention", found["query"], found.start(), column)
    return None


def matching_commands(query: str, commands: Sequence[Command]) -> list[Completion]:
    """Commands whose names match, those that begin with the query first."""
    hits = [(command, hit) for command in commands if (hit := match(query, command.name[1:])) is not None]
    low = query.lower()
    if query:
        hits.sort(key=lambda pair: (not pair[0].name[1:].lower().startswith(low), -pair[1].score))
    return [_completion(command) for command, _ in hits[:MAX_SHOWN]]


def _completion(command: Command) -> Completion:
    more = command.takes_arguments
    return Completion(command.usage, command.help, f"{command.name} " if more else command.name, sends=not more)


def mention_completions(mentions: Sequence[Mention]) -> list[Completion]:
    return [Completion(one.label, one.detail, f"{one.insert} ") for one in mentions[:MAX_SHOWN]]


def kind_of(draft: str) -> Kind:
    """What sending this draft would mean. `/usr/bin` is a path in a prompt, not a command."""
    if draft.lstrip().startswith(_SHELL):
        return "shell"
    return "command" if _COMMAND_LINE.fullmatch(draft.strip()) else "prompt"


def sent_text(draft: str) -> tuple[str, Kind]:
    """What is sent of a draft, and as what: commands begin with `/`, shell commands lose their `!`."""
    text, kind = draft.strip(), kind_of(draft)
    match kind:
        case "shell":
            return text[1:].strip(), kind
        case "command":
            return f"/{text[1:]}", kind
        case "prompt":
            return text, kind
