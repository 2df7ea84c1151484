"""Commands about what the model sees and what was done: the window, the pack, the time machine."""

from glmcode.tui.conversation import Conversation


async def context(talk: Conversation, _: str) -> None:
    """How the model's window is filled, live."""
    from glmcode.tui.context.chart import Fill
    from glmcode.tui.context.screen import ContextScreen

    def look() -> Fill:
        standing = talk.standing
        return Fill(standing.status(talk.opening.settings, talk.live), standing.last, standing.last_broken)

    await talk.app.push_screen(ContextScreen(look))
