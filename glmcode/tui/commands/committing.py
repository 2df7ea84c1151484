"""`/commit`: what the session changed, as a commit on the branch that is checked out."""

from glmcode.tui.conversation import Conversation
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line


async def commit(talk: Conversation, message: str) -> None:
    """Show what would go in, ask, and say what was made."""
    from glmcode.live.committing import commit as make_commit
    from glmcode.live.committing import propose
    from glmcode.tui.commit.screen import CommitScreen

    live = await talk.opening.live()
    if not message:
        talk.say(text("commit.proposing"))
    proposal = await propose(live, message)
    chosen = await talk.app.push_screen_wait(CommitScreen(proposal))
    if chosen is None:
        talk.say(text("commit.not_done"))
        return
    made = await make_commit(live, proposal, chosen.message, chosen.paths)
    branch = one_line(made.branch or "", 80)
    talk.say(text("commit.done", id=made.id[:12], branch=branch, count=len(made.paths)))
    if made.unsigned:
        talk.warn(text("commit.unsigned"))
