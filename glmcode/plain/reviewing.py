"""`/review` and `/diff` in lines: what the session changed, hunk by hunk, and a number for each."""

from glmcode.live.reviewing import carry_out, open_live_review
from glmcode.live.session import LiveSession
from glmcode.plain.asking import NumberedQuestions, shortened
from glmcode.review.decisions import Accept, Decisions, Refuse, ReviewError
from glmcode.review.hunks import Hunk
from glmcode.tui.review.hunk_text import hunk_place, patch_rows
from glmcode.tui.texts import text
from glmcode_sandbox.clean import clean_text, one_line
from glmcode_tools.filetext import display_name

_ANSWERS = ("review_accept", "refuse", "refuse_because", "review_accept_rest", "review_refuse_rest", "review_leave")


async def review_by_lines(live: LiveSession, questions: NumberedQuestions) -> str:
    """Decide on each hunk and carry it out at once; gives what came of it. Raises what `LiveSession.open` raises."""
    if live.id is None:
        return text("commands.nothing_changed")
    place = await live.open("")
    found = await open_live_review(live)
    decisions = Decisions(found)
    hunks = list(found.hunks())
    if not hunks:
        return text("commands.nothing_changed")
    where = text("review.isolated" if place.workspace.mode == "isolated" else "review.direct")
    live.people.say(text("plain.review", hunks=len(hunks), files=len(found.files), where=where))
    for number, (file, hunk) in enumerate(hunks, 1):
        told = {"number": number, "count": len(hunks), "file": display_name(file.path)}
        questions.show(text("plain.review_hunk", **told, place=hunk_place(file, hunk)), _patch(hunk))
        if not await _decided(decisions, hunk, questions):
            break
    if len(decisions.undecided) == len(hunks):
        return text("plain.review_none")
    try:
        done = await carry_out(live, found, decisions)
    except ReviewError as error:
        return text("plain.failure", message=one_line(str(error), 500))
    if not done.applied:
        return text("review.conflicts", files=", ".join(map(display_name, done.conflicts)))
    return text("review.done")


async def _decided(decisions: Decisions, hunk: Hunk, questions: NumberedQuestions) -> bool:
    """Whether there is more to ask about."""
    match await questions.choose([text(f"plain.{name}") for name in _ANSWERS]):
        case 1:
            decisions.accept(hunk.id)
        case 2:
            decisions.refuse(hunk.id)
        case 3:
            decisions.refuse(hunk.id, await questions.reason())
        case 4:
            decisions.all(Accept(), undecided_only=True)
        case 5:
            decisions.all(Refuse(), undecided_only=True)
        case _:
            return False
    return bool(decisions.undecided)


def _patch(hunk: Hunk) -> str:
    return shortened("\n".join(row for line in hunk.lines for row in patch_rows(line.kind, line.text)))


async def diff_by_lines(live: LiveSession) -> str:
    """The same as a patch. Raises what `LiveSession.open` raises."""
    if live.id is None:
        return text("commands.nothing_changed")
    place = await live.open("")
    await place.workspace.ready()
    patch = await place.trees.patch(place.workspace.agreed_tree, await place.workspace.tree())
    return clean_text(patch.decode("utf-8", "replace")) or text("commands.nothing_changed")
