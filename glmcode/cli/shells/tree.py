"""The commands, flags and values of an argparse parser, as the completion scripts need them."""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HELP_CHARS = 100

_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
_FLAG = re.compile(r"--?[A-Za-z0-9][\w.+-]*")
_FOLDERS = {"DIR", "DIRECTORY", "FOLDER"}
_FILES = {"FILE", "F", "PATH", "TAR", "ISSUE"}


@dataclass(frozen=True, slots=True)
class Takes:
    """What may follow a flag, or stand where a positional argument is expected."""

    kind: Literal["nothing", "text", "file", "folder", "choice"]
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag with all its spellings."""

    names: tuple[str, ...]
    takes: Takes
    help: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command, or with an empty path the program itself."""

    path: tuple[str, ...]
    help: str
    flags: tuple[Flag, ...]
    positional: Takes
    commands: tuple["Command", ...]

    @property
    def key(self) -> str:
        return " ".join(self.path)

    def walk(self) -> Iterator["Command"]:
        """This command and all below it, parents first."""
        yield self
        for command in self.commands:
            yield from command.walk()


def read_tree(parser: argparse.ArgumentParser) -> Command:
    """The whole tree of `parser`. Names that a shell could not take as one plain word are left out."""
    return _command(parser, (), "")


def _command(parser: argparse.ArgumentParser, path: tuple[str, ...], text: str) -> Command:
    flags: list[Flag] = []
    commands: list[Command] = []
    positional = Takes("nothing")
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            commands += _subcommands(action, path)
        elif action.help == argparse.SUPPRESS:
            continue
        elif action.option_strings:
            names = tuple(name for name in action.option_strings if _FLAG.fullmatch(name))
            flags += [Flag(names, _takes(action), _line(action.help))] if names else []
        elif positional.kind == "nothing":
            positional = _takes(action)
    return Command(path, text, tuple(flags), positional, tuple(commands))


def _subcommands(
    action: "argparse._SubParsersAction[argparse.ArgumentParser]", path: tuple[str, ...]
) -> Iterator[Command]:
    helps = {choice.dest: choice.help for choice in action._choices_actions}
    for name, parser in action.choices.items():
        if _NAME.fullmatch(name) and helps.get(name) != argparse.SUPPRESS:
            yield _command(parser, (*path, name), _line(helps.get(name)))


def _takes(action: argparse.Action) -> Takes:
    # A flag whose value may be missing is completed as if it had none: what follows may be anything.
    if action.nargs == 0 or (action.option_strings and action.nargs in ("?", "*", argparse.REMAINDER)):
        return Takes("nothing")
    if action.choices is not None:
        return Takes("choice", tuple(str(choice) for choice in action.choices if _NAME.fullmatch(str(choice))))
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if name in _FOLDERS:
        return Takes("folder")
    return Takes("file" if name in _FILES or action.type is Path else "text")


def _line(text: str | None) -> str:
    """Help on one short line, without what a shell or terminal would act on."""
    plain = "".join(char if char.isprintable() else " " for char in (text or "").replace("%%", "%"))
    line = " ".join(plain.split())
    return line if len(line) <= HELP_CHARS else line[: HELP_CHARS - 1] + "…"
