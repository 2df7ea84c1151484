"""`/review`: what the session changed, hunk by hunk."""

from glmcode.review.applying import Reviewed
from glmcode.review.decisions import Decisions
from glmcode.tui.conversation import Conversation
from glmcode.tui.texts import text


async def review(talk: Conversation, _: str) -> None:
    """Decide on the changes; what came of it is said, and told to the model with the next message."""
    from glmcode.live.reviewing import carry_out, open_live_review
    from glmcode.tui.review.screen import ReviewScreen

    live = await talk.opening.resumed()
    if live is None or live.place is None:
        talk.say(text("commands.nothing_changed"))
        return
    found = await open_live_review(live)

    async def apply(decisions: Decisions) -> Reviewed:
        return await carry_out(live, found, decisions)

    screen = ReviewScreen(found, apply, isolated=live.place.workspace.mode == "isolated")
    if await talk.app.push_screen_wait(screen) is not None:
        talk.say(text("review.done"))
