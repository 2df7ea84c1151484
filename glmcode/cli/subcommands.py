"""What commands with verbs of their own are made of: their parsers."""

import argparse


class SubParser(argparse.ArgumentParser):
    """A subcommand's parser: no abbreviated flags, so that new ones never change the meaning of old scripts."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"allow_abbrev": False, **options})  # type: ignore[arg-type]


SubCommands = argparse._SubParsersAction
