"""Commands about sessions: going on with another one, forking, exporting."""

import asyncio
from pathlib import Path

from glmcode import paths
from glmcode.session import store
from glmcode.session.export import EXPORTS, exported
from glmcode.session.store import SessionError
from glmcode.tui.choices import Choice, Choices
from glmcode.tui.conversation import Conversation
from glmcode.tui.texts import text
from glmcode.tui.welcome.welcome import session_line
from glmcode_sandbox.clean import one_line


async def resume(talk: Conversation, session: str) -> None:
    """Go on with a session of this repository, chosen from a list where none is named."""
    if not session:
        known = await asyncio.to_thread(store.headers, paths.sessions_dir(), talk.opening.start.repo)
        if not known:
            talk.say(text("commands.no_sessions"))
            return
        choices = [Choice(each.id, session_line(each).plain, each.id) for each in known]
        chosen = await talk.app.push_screen_wait(Choices(text("commands.sessions"), choices))
        session = chosen or ""
    if session:
        await talk.change_to(session)


async def new(talk: Conversation, _: str) -> None:
    """Leave this session, which stays on disk, for a new one."""
    await talk.change_to(None)


async def fork(talk: Conversation, step: str) -> None:
    """Go on in a copy of this session that ends at a step, by default at the last one."""
    from glmcode.session.forking import fork as forked

    session = talk.session_id
    if session is None:
        talk.warn(text("commands.no_conversation"))
        return
    made = await forked(paths.sessions_dir(), session, step or "end")
    await talk.change_to(made)
    talk.say(text("commands.forked", old=session, new=made))


async def export(talk: Conversation, name: str) -> None:
    """Write the session to a new file; its ending says the form."""
    session = talk.session_id
    if session is None:
        talk.warn(text("commands.no_conversation"))
        return
    target = Path(name).expanduser() if name else Path(f"session-{session}.md")
    if target.suffix not in EXPORTS:
        talk.warn(text("commands.export_form", forms=", ".join(EXPORTS)))
        return
    target = talk.opening.start.repo / target
    try:
        await asyncio.to_thread(_write, session, target)
    except OSError as error:
        raise SessionError(f"{target}: {error.strerror}") from None
    talk.say(text("commands.exported", file=one_line(str(target), 300)))


def _write(session: str, target: Path) -> None:
    header, conversation = store.read_whole(store.session_file(paths.sessions_dir(), session))
    with target.open("x", encoding="utf-8") as file:
        file.write(exported(target.suffix, header, conversation.said, conversation.remarks))
