"""`glmcode session steps|diff|restore|fork`: what each step did to the files, and the way back."""

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glmcode.cli.settings import ask_on_terminal, say
from glmcode.config import ConfigError
from glmcode.exit_codes import ExitCode
from glmcode.interrupts import interruptible
from glmcode.session import store
from glmcode.session.ignored import ignored_timeline, whole_tree
from glmcode.session.restoring import Restoring, in_the_way, open_restoring
from glmcode.session.steps import changes_in, read_steps
from glmcode.session.timeline import TREES_NAME, Timeline, read_timeline
from glmcode_sandbox.clean import clean_text, one_line
from glmcode_sandbox.git.trees import FileChange, TreeStore
from glmcode_sandbox.workspace import find_repository
from glmcode_tools.filetext import display_name

_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


def run_time_machine(options: argparse.Namespace, root: Path) -> int:
    """Run one verb. Raises ConfigError, SessionError, WorkspaceError."""
    ids = [word for word in options.words if _ID.fullmatch(word)]
    points = [word for word in options.words if not _ID.fullmatch(word)]
    fewest, most = {"steps": (0, 0), "diff": (0, 2)}.get(options.verb, (1, 1))
    if len(ids) > 1 or not fewest <= len(points) <= most:
        wanted = {"steps": "[SESSION]", "diff": "[SESSION] [A] [B]"}.get(options.verb, "POINT [SESSION]")
        raise ConfigError(f"session {options.verb} takes {wanted}, with points like start, end or 3")
    session = ids[0] if ids else store.latest(root, find_repository(options.repo or Path.cwd()))
    match options.verb:
        case "steps":
            return asyncio.run(_steps(options, root, session))
        case "diff":
            return asyncio.run(_diff(options, root, session, [*points, *("start", "end")[len(points) :]]))
        case "restore":
            return asyncio.run(interruptible(_restore(options, root, session, points[0])))
        case _:
            return asyncio.run(_fork(root, session, points[0]))


async def _diff(options: argparse.Namespace, root: Path, session: str, points: Sequence[str]) -> int:
    path = store.session_file(root, session)
    lines, trees = list(store.records(path)), TreeStore(path.parent / TREES_NAME)
    timeline, ignored = read_timeline(lines), ignored_timeline(lines)
    with tempfile.TemporaryDirectory(prefix="glmcode-") as scratch:
        old, new = [await whole_tree(timeline, ignored, name, trees, Path(scratch)) for name in points]
    if options.json:
        record = {"kind": "diff", "v": 1, "session": session, "from": points[0], "to": points[1]}
        files = _as_json(await trees.changes(old, new))
        print(json.dumps({**record, "files": files, "patch": os.fsdecode(await trees.patch(old, new))}))
    elif options.stat:
        print("\n".join(_stat(await trees.changes(old, new))))
    else:
        _print_patch(await trees.patch(old, new))
    return ExitCode.DONE


def _print_patch(patch: bytes) -> None:
    """Cleaned for a terminal, else byte for byte, so that git can apply it."""
    if sys.stdout.isatty():
        print(clean_text(patch), end="")
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(patch)


def _as_json(files: Sequence[FileChange]) -> list[dict[str, Any]]:
    return [{"path": each.path, "status": each.status, "added": each.added, "removed": each.removed} for each in files]


def _stat(files: Sequence[FileChange]) -> list[str]:
    if not files:
        return ["no file differs"]
    lines = [f"{each.status:9} {display_name(each.path)}{_counts(each)}" for each in files]
    return [*lines, f"{len(files)} file{'s' if len(files) > 1 else ''} changed"]


def _counts(change: FileChange) -> str:
    return "  (binary)" if change.added is None else f"  +{change.added} -{change.removed}"


async def _steps(options: argparse.Namespace, root: Path, session: str) -> int:
    path = store.session_file(root, session)
    trees = TreeStore(path.parent / TREES_NAME)
    listed: list[dict[str, Any]] = []
    for step in read_steps(path)[1]:
        known = step.before is not None and step.after is not None
        files = await changes_in(step, trees) if known else ()
        listed.append({"step": step.number, "calls": step.calls, "known": known, "files": _as_json(files)})
        if not options.json:
            _print_step(step.number, step.calls, files, known=known)
    if options.json:
        print(json.dumps({"kind": "steps", "v": 1, "session": session, "steps": listed}))
    return ExitCode.DONE


def _print_step(number: int, calls: Sequence[str], files: Sequence[FileChange], *, known: bool) -> None:
    print(one_line(f"{number:4}  {'; '.join(calls) or 'answered'}", 100))
    if not known:
        print("      changed: not known")
    elif files:
        print(f"      changed: {', '.join(display_name(each.path) for each in files)}")


async def _restore(options: argparse.Namespace, root: Path, session_id: str, to: str) -> int:
    with store.resume(root, session_id) as session:
        files, conversation = _what(options.what, read_timeline(store.records(session.folder / store.FILE_NAME)), to)
        only = frozenset(options.only or ())
        if only and not files:
            raise ConfigError("--only names files, and --conversation leaves all files alone")
        async with open_restoring(session, to, files=files, only=only) as way:
            if files:
                for line in _stat(way.plan.files):
                    say(f"  {line}")
            conflicts = () if options.overwrite or not files else await way.conflicts()
            if conflicts:
                raise store.SessionError(in_the_way(conflicts))
            if options.dry_run:
                say("nothing was restored: --dry-run")
                return ExitCode.DONE
            if not options.yes and not await _allowed(way, session_id, to):
                return ExitCode.NO_PERMISSION
            undo = await way.restore(files=files, conversation=conversation, overwrite=options.overwrite)
    if way.waits:
        say("the changes wait to be applied as before; the patch beside the session is the one of that point now")
    print(undo)
    say(f"restored; to take it back: glmcode session restore {undo} {session_id}")
    return ExitCode.DONE


def _what(wanted: str | None, timeline: Timeline, to: str) -> tuple[bool, bool]:
    """Whether to bring back files and conversation: both, but where a restore is taken back what that one brought."""
    if wanted is None and (undone := timeline.brought.get(timeline.named(to))):
        return undone.files, undone.conversation
    return wanted != "conversation", wanted != "files"


async def _allowed(way: Restoring, session: str, to: str) -> bool:
    ask = ask_on_terminal()
    if ask is None:
        say("nothing was restored: nobody can be asked here; --yes does it without asking")
        return False
    if await ask(f"glmcode: go back to {to} of session {session}?"):
        return True
    say("nothing was restored")
    return False


async def _fork(root: Path, session: str, to: str) -> int:
    from glmcode.session.forking import fork

    made = await fork(root, session, to)
    print(made)
    say(f"go on with it: glmcode run --resume {made} PROMPT; its files: glmcode session restore {to} {made} --files")
    return ExitCode.DONE
