"""The commit of what a live session changed: which files, a message for it, and making it."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from glmcode.live.place import Place
from glmcode.live.session import LiveSession
from glmcode.loop.asides import settled
from glmcode.session.store import FILE_NAME, records
from glmcode.session.timeline import read_timeline
from glmcode_engine.assemble import Assembler
from glmcode_engine.base import EngineError, closing
from glmcode_engine.messages import Message, Request
from glmcode_prompts.library import fenced, load
from glmcode_sandbox.clean import clean_text, one_line
from glmcode_sandbox.git.committing import CommitProblem, Committed, Preview, commit_paths, preview_commit
from glmcode_sandbox.git.gitrun import WorkspaceError
from glmcode_sandbox.git.trees import TreeStore
from glmcode_tools.filetext import display_name

NOTHING = "nothing to commit: this session changed no file that is not in the last commit"
NOT_YET = "nothing to commit: no change of this session is in your files yet; a review (/review) brings them there"
_DIFF_CHARS = 20_000
_MESSAGE_TOKENS = 400
_MESSAGE_WITHIN_S = 30.0
_NAMED = 50


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a commit would hold, for a person to decide on."""

    preview: Preview
    mixed: frozenset[str]
    """Files that hold changes of the person's as well, as far as the session knows; they are committed whole."""
    message: str


async def propose(live: LiveSession, message: str = "") -> Proposal:
    """What the session changed in the user's files and is in no commit yet; without a message the model is asked.

    Of an isolated workspace, what was applied. Raises CommitProblem, SessionError, and what `LiveSession.open` raises.
    """
    if live.id is None:
        raise CommitProblem(NOTHING)
    place = await live.open("")
    await place.workspace.ready()
    own, users = await _touched(place)
    if not own:
        raise CommitProblem(NOTHING if place.workspace.mode == "direct" else NOT_YET)
    preview = await preview_commit(live.repo, own)
    return Proposal(preview, frozenset(own & users), message.strip() or await _proposed_message(live, place, preview))


async def commit(
    live: LiveSession, proposal: Proposal, message: str, paths: Collection[str] | None = None
) -> Committed:
    """Between two turns: commit these files (None: all) as they were shown; the model is told with the next message.

    Raises CommitProblem, WorkspaceError.
    """
    entries = proposal.preview.entries
    chosen = list(entries) if paths is None else [path for path in entries if path in paths]
    if not chosen:
        raise CommitProblem("nothing was committed, since no file was chosen")
    made = await commit_paths(live.repo, chosen, message, expected=entries)
    names = [display_name(path) for path in made.paths]
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    live.told.add(load("committed", id=made.id[:12], files=", ".join([*names[:_NAMED], *more])))
    return made


async def _touched(place: Place) -> tuple[set[str], set[str]]:
    """The paths that the session changed in the user's repository, and those that the user changed."""
    timeline = await asyncio.to_thread(lambda: read_timeline(records(place.session.folder / FILE_NAME)))
    own = await _paths(place.trees, timeline.arrived)
    users = await _paths(place.trees, [(each.old, each.new) for each in timeline.changes if not each.by_session])
    return own, users | await _found_dirty(place, timeline.start)


async def _found_dirty(place: Place, start: str | None) -> set[str]:
    """What differed from the commit already when the session began."""
    commit = place.workspace.base_commit
    if start is None or commit is None:
        return set()
    try:
        return await _paths(place.trees, [(await place.trees.tree_of(commit), start)])
    except WorkspaceError:
        return set()


async def _paths(trees: TreeStore, pairs: Iterable[tuple[str, str]]) -> set[str]:
    return {item.path for pair in dict.fromkeys(pairs) for item in await trees.differences(*pair)}


async def _proposed_message(live: LiveSession, place: Place, preview: Preview) -> str:
    """The model's words, asked beside the conversation so that the cache holds; else what the session is about."""
    diff = clean_text(preview.diff[: 2 * _DIFF_CHARS])[:_DIFF_CHARS]
    asked = Message(role="user", content=load("commit_message", diff=fenced(diff)))
    request = Request(
        messages=(*settled(place.session.messages), asked),
        tools=place.agent.specs,
        thinking=False,
        max_tokens=_MESSAGE_TOKENS,
    )
    answer = Assembler("commit_")
    try:
        async with asyncio.timeout(_MESSAGE_WITHIN_S), closing(live.engine.stream(request)) as parts:
            async for part in parts:
                answer.add(part)
    except (EngineError, TimeoutError):
        return _title(place)
    return _unfenced(clean_text(answer.message().content)) or _title(place)


def _unfenced(text: str) -> str:
    """The message alone, also where the model put it into a fence."""
    lines = text.strip().split("\n")
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].startswith("```"):
        lines = lines[1:-1]
    return "\n".join(line.rstrip() for line in lines).strip()


def _title(place: Place) -> str:
    return one_line(place.session.header.title, 70)
