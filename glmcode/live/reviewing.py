"""The review of what a live session changed: what is up for it, and carrying it out."""

from dataclasses import replace

from glmcode.live.place import Place
from glmcode.live.session import LiveSession
from glmcode.review.applying import Reviewed, apply_review
from glmcode.review.decisions import Decisions
from glmcode.review.hunks import Review, open_review
from glmcode.session.store import FILE_NAME, records
from glmcode.session.timeline import read_timeline
from glmcode_sandbox.git.trees import FileChange

NOTHING = Review("", "", ())


async def changed_files(live: LiveSession) -> tuple[FileChange, ...]:
    """The files that a review would be about; none before the first turn. Raises WorkspaceError, SessionError."""
    if (place := live.place) is None:
        return ()
    await place.workspace.ready()
    found = await place.trees.changes(place.workspace.agreed_tree, await place.workspace.tree())
    users = await _users_own(place)
    return tuple(change for change in found if change.path not in users)


async def open_live_review(live: LiveSession) -> Review:
    """What the session changed since it was last agreed on; what the user alone changed is theirs.

    Raises WorkspaceError, SessionError.
    """
    if (place := live.place) is None:
        return NOTHING
    review = await open_review(place.workspace)
    users = await _users_own(place)
    return replace(review, files=tuple(file for file in review.files if file.path not in users))


async def carry_out(live: LiveSession, review: Review, decisions: Decisions) -> Reviewed:
    """Between two turns: write what was decided, all or nothing; the model is told with the next message.

    Raises ReviewError, WorkspaceError, SandboxError.
    """
    place = live.place
    assert place is not None, "a review needs an open session"
    done = await apply_review(place.workspace, place.session, review, decisions, sandbox=place.sandbox)
    if done.told:
        live.told.add(done.told)
    return done


async def _users_own(place: Place) -> set[str]:
    """The files of a direct workspace that the user changed while the session was open, and the session did not."""
    if place.workspace.mode != "direct":
        return set()
    changes = read_timeline(records(place.session.folder / FILE_NAME)).changes
    if all(change.by_session for change in changes):
        return set()
    users: set[str] = set()
    own: set[str] = set()
    for change in changes:
        touched = {item.path for item in await place.trees.differences(change.old, change.new)}
        (own if change.by_session else users).update(touched)
    return users - own
