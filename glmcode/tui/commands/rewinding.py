"""`/rewind`: going back to an earlier step, taking that back, and going on from there in a copy."""

import asyncio
from typing import TYPE_CHECKING

from glmcode.tui.asking import confirmed
from glmcode.tui.conversation import Conversation
from glmcode.tui.texts import text

if TYPE_CHECKING:
    from glmcode.live.rewinding import Rewound
    from glmcode.live.session import LiveSession
    from glmcode.tui.rewind.points import Wish


async def rewind(talk: Conversation, what: str) -> None:
    """Choose a step and what goes back to it; `undo` takes the last one back."""
    from glmcode.live.rewinding import steps_of
    from glmcode.tui.rewind.points import prompt_after
    from glmcode.tui.rewind.screen import RewindScreen

    if talk.session_id is None:
        talk.warn(text("commands.no_conversation"))
        return
    live = await talk.opening.live()
    if what == "undo":
        await _undo(talk, live)
        return
    steps = await asyncio.to_thread(steps_of, live)
    if not steps:
        talk.say(text("rewind.nothing"))
        return
    match await talk.app.push_screen_wait(RewindScreen(live, steps)):
        case None:
            return
        case "undo":
            await _undo(talk, live)
        case wish:
            went = await (_fork(talk, live, wish) if wish.is_fork else _go(talk, live, wish))
            if went and wish.conversation and not talk.stage.box.value:
                talk.stage.box.put(prompt_after(steps, wish.to))


async def _go(talk: Conversation, live: "LiveSession", wish: "Wish") -> bool:
    """Gives whether anything was done."""
    from glmcode.live.rewinding import rewind as go_back
    from glmcode.tui.rewind.points import names, point_name

    done = await go_back(live, wish.to, files=wish.files, conversation=wish.conversation)
    if done.conflicts:
        if not await confirmed(talk.app, text("rewind.overwrite", files=names(done.conflicts))):
            talk.say(text("rewind.blocked", files=names(done.conflicts)))
            return False
        done = await go_back(live, wish.to, files=wish.files, conversation=wish.conversation, overwrite=True)
    await _shown(talk, done)
    talk.say(text("rewind.went", point=point_name(wish.to), what=_what(done)))
    return True


async def _undo(talk: Conversation, live: "LiveSession") -> None:
    from glmcode.live.rewinding import undo
    from glmcode.tui.rewind.points import names

    done = await undo(live)
    if done.conflicts:
        if not await confirmed(talk.app, text("rewind.overwrite", files=names(done.conflicts))):
            talk.say(text("rewind.blocked", files=names(done.conflicts)))
            return
        done = await undo(live, overwrite=True)
    await _shown(talk, done)
    talk.say(text("rewind.undone", what=_what(done)))


async def _fork(talk: Conversation, live: "LiveSession", wish: "Wish") -> bool:
    from glmcode.live.rewinding import fork_from
    from glmcode.tui.rewind.points import names, point_name

    old = live.id
    done = await fork_from(live, wish.to, files=wish.files)
    await _shown(talk, done)
    talk.say(text("rewind.forked", new=live.id, old=old, point=point_name(wish.to), what=_what(done)))
    if done.conflicts:
        talk.warn(text("rewind.forked_blocked", files=names(done.conflicts)))
    return True


async def _shown(talk: Conversation, done: "Rewound") -> None:
    """Show the session as it is now."""
    if done.conversation:
        await talk.show_session(talk.session_id)
    if done.waits:
        talk.say(text("rewind.waits"))


def _what(done: "Rewound") -> str:
    said = [text("rewind.what_files", count=len(done.files))] if done.files else []
    said += [text("rewind.what_conversation")] if done.conversation else []
    return ", ".join(said) or text("rewind.what_nothing")
