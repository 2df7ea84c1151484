"""The records of a session file that tie its steps to states of the files.

Steps count through the whole session here, over all its turns, and no number is used twice.
"""

from typing import Literal

from glmcode.events import Record
from glmcode_engine.messages import Value


class WorkspaceOpened(Record):
    """A run begins to work on the repository."""

    kind: Literal["workspace"] = "workspace"
    step: int
    """How many steps the session had had."""
    mode: Literal["direct", "isolated"]
    start: str
    """The tree of the user's repository then."""
    ignored: str | None = None
    """That of its small ignored files; None where they are not followed, as in an isolated workspace."""


class SnapshotTaken(Record):
    """The state of the workspace between two steps. Written only where it differs from the one before."""

    kind: Literal["snapshot"] = "snapshot"
    step: int
    """The step after which it was taken."""
    since: int
    """Smaller than `step` where calls of several steps were made before a state could be taken."""
    calls: tuple[str, ...] = ()
    """The ids of the calls since the snapshot before; none for one at the beginning of a turn."""
    tree: str | None
    """None where it could not be taken."""
    problem: str = ""
    """Why not."""
    ignored: str | None = None
    """The tree of the small ignored files, where they are followed."""


class Restoring(Record):
    """Files of the repository are about to be moved, by a restore, a review, or a run that applies its changes.

    `restored` or `rolled_back` with the same id says how it ended, or `reviewed`, or the `result` of the run.
    """

    kind: Literal["restoring"] = "restoring"
    id: str
    before: str
    """A tree in which the files of `paths` are as they are."""
    tree: str
    """One in which they are as they are to be."""
    paths: tuple[str, ...]
    aside: str
    """The folder in the repository where things are while they are moved."""


class RolledBack(Record):
    """What began with `restoring` did not happen, or was taken back."""

    kind: Literal["rolled_back"] = "rolled_back"
    id: str


class Restored(Record):
    """The user went back to an earlier point; what came in between stays in the file."""

    kind: Literal["restored"] = "restored"
    id: str
    """A point of its own: how everything was before this restore."""
    to: str
    """The point: a step, `start`, `end` or the id of an earlier restore."""
    conversation: bool
    """Whether the conversation goes on from there."""
    files: bool
    """Whether the files are as they were there."""
    before: str | None = None
    """The tree of the repository before, where `files`; of an isolated workspace that was not applied its own."""
    tree: str | None = None
    """The tree after."""
    ignored_before: str | None = None
    ignored: str | None = None
    """The trees of the small ignored files before and after, where they are followed."""
    waits: bool = False
    """Whether the repository was left alone: the patch beside the session file, which waits to be applied, was made
    anew."""


class Left(Record):
    """A person left the session, whose workspace is gone now. What it had changed is in the patch beside the file."""

    kind: Literal["left"] = "left"
    applied: bool
    """Whether all of it is in the user's repository."""


class HunkDecided(Value):
    """What the user decided about one hunk of a review."""

    path: str
    hunk: Literal["lines", "mode", "whole"]
    lines: tuple[int, int] | None
    """The first line and how many there were, as the model wrote them; None where it is not about lines."""
    decision: Literal["accept", "refuse", "edit"]
    reason: str = ""


class ReviewEnded(Record):
    """The user decided on changes, hunk by hunk, and that was carried out."""

    kind: Literal["reviewed"] = "reviewed"
    old: str
    """The tree that the changes were compared with."""
    new: str
    """The tree with all of them."""
    agreed: str
    """`old` with what was accepted and edited; in the user's repository, if the workspace is isolated."""
    kept: str
    """What the workspace holds since then: `new` without what was refused. Differs from `agreed` in what was left
    undecided."""
    decisions: tuple[HunkDecided, ...]


class Noted(Record):
    """Something that the model is told with the user's next message; told, once such a message comes after it."""

    kind: Literal["noted"] = "noted"
    text: str
