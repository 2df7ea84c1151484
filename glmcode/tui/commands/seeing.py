"""Commands about what the model sees: its window, and what of the repository is sent."""

from glmcode.tui.conversation import Conversation
from glmcode.tui.texts import text
from glmcode.tui.transcript.entries import UserSaid


async def context(talk: Conversation, _: str) -> None:
    """How the model's window is filled, live."""
    from glmcode.tui.context.chart import Fill
    from glmcode.tui.context.screen import ContextScreen

    def look() -> Fill:
        standing = talk.standing
        status = standing.status(talk.opening.settings, talk.live)
        return Fill(status, standing.last, standing.sent_before, standing.last_broken)

    await talk.app.push_screen(ContextScreen(look))


async def pack(talk: Conversation, task: str) -> None:
    """What of the repository is sent for a task; once sent, what was. The task comes back into the empty prompt."""
    from glmcode.engines import ready_window
    from glmcode.opening import prices_of
    from glmcode.tui.pack.screen import PackScreen

    live = await talk.opening.live()
    packing, prices = live.packing, prices_of(live.settings, live.engine)
    begun = _begun(talk)
    if begun and packing.sent is None:
        talk.say(text("pack.none" if packing.budget == 0 else "pack.unknown"))
        return
    window = await ready_window(live.engine, live.settings)
    sent = packing.sent if begun else None
    await talk.app.push_screen_wait(PackScreen(packing, lambda: packing.pack(task, window, prices), prices, sent=sent))
    if task and not begun and not talk.stage.box.value:
        talk.stage.box.put(task)


def _begun(talk: Conversation) -> bool:
    """Whether a first message was sent; commands by hand and going back to the beginning leave none."""
    if talk.live is None or talk.live.id is None:
        return False
    if talk.live.place is not None:
        return any(message.role == "user" for message in talk.live.place.session.messages)
    return any(isinstance(each, UserSaid) for each in talk.stage.view.transcript.entries)
