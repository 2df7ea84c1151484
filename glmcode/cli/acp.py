"""`glmcode acp`: the command line's part of the agent that editors start."""

import argparse
from pathlib import Path

from glmcode.cli.settings import say, settings_of
from glmcode.config import Settings
from glmcode.interrupts import interruptible
from glmcode.offline import check_offline, describe_connections, go_offline


async def acp(options: argparse.Namespace) -> int:
    """Serve one editor. Flags, environment and files count as for every command; the editor names the repository."""
    from glmcode.editor.acp.serve import serve

    def settings_in(folder: Path) -> Settings:
        settings = settings_of(argparse.Namespace(**{**vars(options), "repo": folder}))
        check_offline(settings)
        return settings

    go_offline(settings_of(options), say)
    try:
        return await interruptible(serve(settings_in))
    finally:
        if told := describe_connections():
            say(told)
