"""Writes shell completion scripts from the program's own argument parser, so that they never fall behind it."""

import argparse
from typing import Literal, assert_never

from glmcode.cli.shells import bash, fish, powershell, zsh
from glmcode.cli.shells.cases import cases
from glmcode.cli.shells.tree import read_tree

Shell = Literal["bash", "zsh", "fish", "powershell"]


def completion_script(shell: Shell, parser: argparse.ArgumentParser) -> str:
    """A script that completes commands, flags, choices and files of `parser` without running the program."""
    root = read_tree(parser)
    table = cases(root)
    match shell:
        case "bash":
            return bash.script(parser.prog, table)
        case "zsh":
            return zsh.script(parser.prog, table)
        case "fish":
            return fish.script(parser.prog, table, root)
        case "powershell":
            return powershell.script(parser.prog, table)
        case _:
            assert_never(shell)
