"""Commands that work on the repository: by hand in the sandbox, tests, a fix with its proof, compaction."""

import asyncio
import json

from glmcode.tui.conversation import Conversation
from glmcode.tui.texts import text


async def shell(talk: Conversation, command: str) -> None:
    """Run a command in the sandbox; the model is told of it with the next message."""
    if not command:
        talk.warn(text("commands.shell_usage"))
        return
    await _by_hand(talk, "shell", json.dumps({"command": command}))


async def run_tests(talk: Conversation, ids: str) -> None:
    """Run the tests as the model would."""
    await _by_hand(talk, "run_tests", json.dumps({"ids": ids.split()} if ids else {}))


async def _by_hand(talk: Conversation, tool: str, arguments: str) -> None:
    talk.begin()
    live = await talk.opening.live()
    await talk.play(live.by_hand(tool, arguments))


async def compact(talk: Conversation, hint: str) -> None:
    """Shorten the conversation, keeping what the hint names."""
    from glmcode.live import repacking

    live = await talk.opening.resumed()
    if live is None:
        talk.say(text("commands.no_conversation"))
        return
    before = len(talk.stage.view.transcript.entries)
    await talk.play(repacking.compact(live, hint))
    if len(talk.stage.view.transcript.entries) == before:
        talk.say(text("commands.is_short"))


async def fix(talk: Conversation, issue: str) -> None:
    """Fix an issue and let the harness prove it: the tests before, the turn, the verdict as a seal."""
    from glmcode.headless.issue import read_issue
    from glmcode.live.fixing import fix_live

    if not issue or issue == "-":
        talk.warn(text("commands.fix_usage"))
        return
    talk.begin()
    settings = talk.opening.settings
    given = issue if _is_source(issue) else f"text:{issue}"
    task = await asyncio.to_thread(read_issue, given, offline=settings.offline)
    live = await talk.opening.live()
    typed = f"/fix {issue}"
    talk.stage.view.user(typed)
    talk.show(await fix_live(live, task, lambda prompt: talk.play(live.turn(prompt, typed=typed)), talk.say))


def _is_source(issue: str) -> bool:
    """Whether this names where the issue is, rather than saying it."""
    return " " not in issue.strip() and "\n" not in issue
