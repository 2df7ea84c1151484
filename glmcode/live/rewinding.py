"""The time machine of a live session: looking at earlier points, going back to them, and forking from them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glmcode import paths
from glmcode.live.session import LiveSession
from glmcode.session import store
from glmcode.session.forking import fork
from glmcode.session.marks import Noted
from glmcode.session.restoring import Plan, open_restoring, plan_all
from glmcode.session.steps import Step, changes_in, read_steps
from glmcode.session.store import SessionError
from glmcode.session.timeline import TREES_NAME, read_timeline
from glmcode_prompts.library import load
from glmcode_sandbox.clean import clean_text
from glmcode_sandbox.git.trees import FileChange, TreeStore
from glmcode_tools.filetext import display_name

_NAMED = 50
_PATCH_BYTES = 1_000_000
"""So much of a patch is shown."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What going back to a point would do."""

    files: tuple[FileChange, ...]
    patch: str
    """From how the files are now to how they would be; cleaned, the end of a very long one left out."""
    conflicts: tuple[str, ...]
    """Files that the user changed as well, as far as the session knows. Untrusted."""


@dataclass(frozen=True, slots=True)
class Rewound:
    """What became of going back."""

    undo: str = ""
    """The point that takes it back; empty where nothing was done since there are conflicts."""
    conflicts: tuple[str, ...] = ()
    """Files that the user changed since. Untrusted."""
    files: tuple[FileChange, ...] = ()
    """Those that were written."""
    conversation: bool = False
    """Whether the conversation is another one now, so that it must be shown anew."""
    waits: bool = False
    """Whether the user's files were left alone, since the session's changes were never applied to them."""


def steps_of(live: LiveSession) -> list[Step]:
    """The steps of the session, oldest first; none before its first turn. Blocking. Raises SessionError."""
    return read_steps(store.session_file(paths.sessions_dir(), live.id))[1] if live.id else []


async def changes_of(live: LiveSession, step: Step) -> tuple[FileChange, ...]:
    """What a step did to files; nothing where that is not known. Raises WorkspaceError."""
    return await changes_in(step, _trees(live))


async def preview(live: LiveSession, to: str) -> Preview:
    """What bringing the files back to a point (see `Timeline.point`) would do. Raises SessionError, WorkspaceError."""
    plan, trees = await _plan(live, to), _trees(live)
    target = await trees.mixed(plan.old, plan.new, plan.paths, _folder(live)) if plan.files else plan.old
    patch = await trees.patch(plan.old, target)
    return Preview(plan.files, clean_text(patch[:_PATCH_BYTES]), plan.conflicts)


async def rewind(live: LiveSession, to: str, *, files: bool, conversation: bool, overwrite: bool = False) -> Rewound:
    """Between two turns: go back to a point, all or nothing; the session is left and goes on with the next turn.

    The model is told with the next message where its conversation and the files no longer belong together. With
    `overwrite` the user's own changes are no conflicts. Raises SessionError, WorkspaceError.
    """
    known = (await _plan(live, to)).files if conversation and not files else ()
    folder = _folder(live)
    await live.leave()
    live.packing.forget()
    with store.resume(folder.parent, folder.name) as session:
        async with open_restoring(session, to, files=files) as way:
            if files and not overwrite and (found := await way.conflicts()):
                return Rewound(conflicts=found)
            undo = await way.restore(files=files, conversation=conversation, overwrite=overwrite)
        done = way.plan.files
        if files and not conversation and done:
            session.append_record(Noted(text=load("restored", files=_listed(done))))
        if conversation and not files and known:
            session.append_record(Noted(text=load("went_back", files=_listed(known))))
    return Rewound(undo, (), done, conversation, way.waits and files)


async def undo(live: LiveSession, restore: str = "undo", *, overwrite: bool = False) -> Rewound:
    """Take back a restore, by its id or the last one. Raises SessionError, WorkspaceError."""
    timeline = read_timeline(store.records(_folder(live) / store.FILE_NAME))
    name = timeline.named(restore)
    if name not in timeline.brought:
        raise SessionError("nothing was restored at that point, so there is nothing to undo")
    brought = timeline.brought[name]
    return await rewind(live, name, files=brought.files, conversation=brought.conversation, overwrite=overwrite)


async def fork_from(live: LiveSession, to: str, *, files: bool) -> Rewound:
    """Go on with a copy of the session from a point; the session itself stays as it is.

    Where files are in the way, the copy goes on with the files as they are. Raises SessionError, WorkspaceError.
    """
    folder = _folder(live)
    known = () if files else (await _plan(live, to)).files
    await live.leave()
    await live.change_to(await fork(folder.parent, folder.name, to))
    done = await rewind(live, to, files=True, conversation=True) if files else Rewound()
    if done.conflicts:
        known = (await _plan(live, to)).files
    if known:
        made = _folder(live)
        with store.resume(made.parent, made.name) as session:
            session.append_record(Noted(text=load("went_back", files=_listed(known))))
    return Rewound(done.undo, done.conflicts, done.files, conversation=True, waits=done.waits)


async def _plan(live: LiveSession, to: str) -> Plan:
    folder = _folder(live)
    lines = list(store.records(folder / store.FILE_NAME))
    return await plan_all(lines, to, TreeStore(folder / TREES_NAME), folder)


def _folder(live: LiveSession) -> Path:
    """The session's own."""
    if live.id is None:
        raise SessionError("there is nothing to go back to yet")
    return store.session_file(paths.sessions_dir(), live.id).parent


def _trees(live: LiveSession) -> TreeStore:
    return TreeStore(_folder(live) / TREES_NAME)


def _listed(files: Iterable[FileChange]) -> str:
    names = [display_name(each.path) for each in files]
    more = [f"- and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return "\n".join([*(f"- {name}" for name in names[:_NAMED]), *more])
