"""What the scripts of all shells decide by: where on the command line a word stands, and what may stand there."""

from dataclasses import dataclass

from glmcode.cli.shells.tree import Command, Takes


@dataclass(frozen=True, slots=True)
class Item:
    """One word to offer."""

    word: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Cases:
    """A command line is read word by word: `steps` lead from command to command, `values` take the next word."""

    steps: tuple[tuple[str, str, str], ...]
    """Key of a command, the word that follows, and the key reached by it."""
    values: tuple[tuple[str, str, Takes], ...]
    """Key of a command, a flag, and the value it takes."""
    words: tuple[tuple[str, tuple[Item, ...]], ...]
    """Key of a command, and its commands or the choices of its positional argument."""
    flags: tuple[tuple[str, tuple[Item, ...]], ...]
    paths: tuple[tuple[str, Takes], ...]
    """Keys of the commands that take files or folders."""


def cases(root: Command) -> Cases:
    """The cases of a whole tree."""
    commands = list(root.walk())
    return Cases(
        steps=tuple((one.key, sub.path[-1], sub.key) for one in commands for sub in one.commands),
        values=tuple(
            (one.key, name, flag.takes)
            for one in commands
            for flag in one.flags
            for name in flag.names
            if flag.takes.kind != "nothing"
        ),
        words=tuple((one.key, words) for one in commands if (words := _words(one))),
        flags=tuple(
            (one.key, tuple(Item(name, flag.help) for flag in one.flags for name in flag.names)) for one in commands
        ),
        paths=tuple((one.key, one.positional) for one in commands if one.positional.kind in ("file", "folder")),
    )


def _words(command: Command) -> tuple[Item, ...]:
    subcommands = tuple(Item(sub.path[-1], sub.help) for sub in command.commands)
    return subcommands or tuple(Item(choice) for choice in command.positional.choices)
