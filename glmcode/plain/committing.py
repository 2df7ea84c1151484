"""`/commit` in lines: the files, the message, a question, and what was made."""

from glmcode.live.committing import Proposal, commit, propose
from glmcode.live.session import LiveSession
from glmcode.tui.commit.change import change_text
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line
from glmcode_tools.filetext import display_name


async def commit_by_lines(live: LiveSession, message: str) -> str:
    """Commit what the session changed, once the person says yes; gives what came of it.

    Raises CommitProblem and what `LiveSession.open` raises.
    """
    proposal = await propose(live, message)
    for line in _lines(proposal):
        live.people.say(line)
    preview = proposal.preview
    question = text("commit.confirm", count=len(preview.changes), branch=one_line(preview.branch, 80))
    if live.people.confirm is None or not await live.people.confirm(question):
        return text("commit.not_done")
    made = await commit(live, proposal, proposal.message)
    done = text("commit.done", id=made.id[:12], branch=one_line(made.branch or "", 80), count=len(made.paths))
    return f"{done}\n{text('commit.unsigned')}" if made.unsigned else done


def _lines(proposal: Proposal) -> list[str]:
    lines = []
    for change in proposal.preview.changes:
        key = "commit.file_mixed" if change.path in proposal.mixed else "commit.file"
        lines.append(text(key, file=display_name(change.path), change=change_text(change)))
    return [*lines, *(text("commit.message", message=line) for line in proposal.message.split("\n") if line)]
