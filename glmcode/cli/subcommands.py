"""What commands with verbs of their own are made of: their parsers, and the ones that are not built yet."""

import argparse

NOT_BUILT = "not built yet"


class SubParser(argparse.ArgumentParser):
    """A subcommand's parser: no abbreviated flags, so that new ones never change the meaning of old scripts."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"allow_abbrev": False, **options})  # type: ignore[arg-type]


SubCommands = argparse._SubParsersAction


def later(commands: "SubCommands[SubParser]", name: str) -> None:
    """A name of the contract whose issue is not resolved: it answers so and exits with 2."""
    parser = commands.add_parser(name, help=NOT_BUILT)
    parser.set_defaults(later=True)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
