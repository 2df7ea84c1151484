"""Commands about what the model sees: its window, and what of the repository is sent."""

from glmcode.tui.conversation import Conversation
from glmcode.tui.prompt.mentions import RepositoryMentions
from glmcode.tui.transcript.entries import UserSaid


async def context(talk: Conversation, _: str) -> None:
    """How the model's window is filled, live."""
    from glmcode.tui.context.chart import Fill
    from glmcode.tui.context.screen import ContextScreen

    def look() -> Fill:
        standing = talk.standing
        status = standing.status(talk.opening.settings, talk.live)
        return Fill(status, standing.last, standing.sent_before, standing.last_broken)

    if talk.live is not None:
        await talk.standing.measure(talk.live)
    await talk.app.push_screen(ContextScreen(look))


async def pack(talk: Conversation, task: str) -> None:
    """What of the repository is sent for a task; once sent, what was, and another one in its place at its price.

    Before the first message the task comes back into the empty prompt.
    """
    from glmcode.live import repacking
    from glmcode.model.engines import ready_window
    from glmcode.opening import prices_of
    from glmcode.tui.pack.screen import PackScreen

    live = await talk.opening.live()
    packing, prices = live.packing, prices_of(live.settings, live.engine)
    begun = _begun(talk)
    window = await ready_window(live.engine, live.settings)
    screen = PackScreen(
        packing,
        lambda: packing.pack(task, window, prices),
        prices,
        find=RepositoryMentions(live.repo).files,
        begun=begun,
        anew=(lambda: repacking.offer(live, task)) if begun and live.settings.workspace == "direct" else None,
    )
    offer = await talk.app.push_screen_wait(screen)
    if task and not begun and not talk.stage.box.value:
        talk.stage.box.put(task)
    if offer is not None:
        await talk.until_idle()
        talk.perform(talk.play(repacking.take(live, offer)))


def _begun(talk: Conversation) -> bool:
    """Whether a first message was sent; commands by hand and going back to the beginning leave none."""
    from glmcode.live.repacking import has_begun

    if talk.live is None or talk.live.id is None:
        return False
    if talk.live.place is not None:
        return has_begun(talk.live.place)
    return any(isinstance(each, UserSaid) for each in talk.stage.view.transcript.entries)
