"""After each turn in a direct workspace: what commands did to files that the person's own tools run or obey."""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from glmcode.live.people import People
from glmcode.loop.snapshots import Snapshots
from glmcode.policy import Ask, Decision, NobodyToAsk, Policy, Question
from glmcode_prompts.library import load
from glmcode_sandbox.clean import clean_text, one_line
from glmcode_sandbox.git.gitrun import WorkspaceError
from glmcode_sandbox.git.guarding import Guard
from glmcode_sandbox.git.trees import TreeStore
from glmcode_sandbox.workspace import Workspace, protected
from glmcode_tools.base import relative_path
from glmcode_tools.filetext import display_name

_NAMED = 10
_DIFF_CHARS = 100_000

Say = Callable[[str], None]


class TurnGuard:
    """Asks whether such changes stay. What a tool wrote was asked about before. What no snapshot holds (large ignored
    files, git folders) and what nobody was asked about is left to the `Guard` at the end, when nothing runs any more.

    Files are taken back as the difference of two snapshots, which no process that still runs can lead elsewhere.
    """

    def __init__(self, workspace: Workspace, trees: TreeStore, snapshots: Snapshots, guard: Guard) -> None:
        self._workspace = workspace
        self._trees = trees
        self._snapshots = snapshots
        self._guard = guard
        self._looked: dict[bool, str | None] = {False: None, True: None}
        """The states at the last look: of all files but the ignored ones, and of small ignored ones."""
        self._written: dict[str, str] = {}
        """The git ids of the contents that tools wrote, by path."""

    def wrote(self, path: str, data: bytes) -> None:
        """A tool wrote a file, as the policy allowed."""
        name = relative_path(path, str(self._workspace.host_path))
        self._written[name] = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()

    async def look(self, policy: Policy, people: People, *, since_prompt: bool = True) -> str:
        """Ask about what changed; gives what the model is to be told, empty for nothing.

        `since_prompt`: what came before the last prompt was the person, but for hooks, which git runs unasked.
        """
        try:
            return await self._look(policy, people.ask, people.say, since_prompt)
        except WorkspaceError as error:
            people.say(f"warning: whether commands changed files that your tools run or obey is not known: {error}")
            return ""

    async def _look(self, policy: Policy, ask: Ask, say: Say, since_prompt: bool) -> str:
        snapshots, written, self._written = self._snapshots, self._written, {}
        taken = (snapshots.last, snapshots.found), (snapshots.last_ignored, snapshots.found_ignored)
        told = []
        for ignored in (False, True):
            now, found = taken[ignored]
            before = self._looked[ignored] or found
            self._looked[ignored] = now
            if now is None or before is None:
                continue
            base = found if since_prompt and found is not None else before
            told.append(await self._judged((before, base, now), ignored, written, policy, ask, say))
        return "\n\n".join(filter(None, told))

    async def _judged(
        self,
        states: tuple[str, str, str],
        ignored: bool,
        written: dict[str, str],
        policy: Policy,
        ask: Ask,
        say: Say,
    ) -> str:
        """`states`: at the last look, at what counts for files that git does not run unasked, and now."""
        before, base, now = states
        hooks = await self._changed((before, now), written, policy, hooks=True)
        others = await self._changed((base, now), written, policy, hooks=False)
        paths = (*hooks, *others)
        if not paths:
            return ""
        if policy.mode != "ask":
            say(f"warning: commands changed files that your own tools run or obey: {_names(paths)}")
            return ""
        target = await self._workspace.mixed_tree(now, before, frozenset(hooks))
        target = await self._workspace.mixed_tree(target, base, frozenset(others))
        decision = await _asked(ask, paths, await self._trees.patch(target, now))
        if not decision.allowed:
            return await self._take_back((now, target), ignored, paths, decision.reason, say)
        await self._guard.accept(paths)
        policy.granted.update(paths if decision.always else ())
        return ""

    async def _changed(
        self, trees: tuple[str, str], written: dict[str, str], policy: Policy, *, hooks: bool
    ) -> list[str]:
        """The protected files that differ; the person was asked about none of them."""
        if trees[0] == trees[1]:
            return []
        found = {item.path: item.new for item in await self._trees.differences(*trees)}
        hook_paths = self._workspace.hook_paths
        listed = protected(found, hook_paths)
        fresh = [path for path in listed if (new := found[path]) is None or written.get(path) != new[1]]
        return [path for path in fresh if path not in policy.granted and _is_below(path, hook_paths) == hooks]

    async def _take_back(
        self, trees: tuple[str, str], ignored: bool, paths: Sequence[str], reason: str, say: Say
    ) -> str:
        try:
            result = await self._workspace.move(trees, frozenset(paths))
        except WorkspaceError as error:
            say(f"warning: not taken back: {error}")
            return ""
        if result.conflicts:
            say(f"warning: nothing was taken back, since these change at this moment: {_names(result.conflicts)}")
            return ""
        await self._guard.accept(paths)
        self._looked[ignored] = trees[1]
        why = f": {clean_text(reason).strip()}" if reason.strip() else ""
        return load("taken_back", files="\n".join(f"- {display_name(path)}" for path in paths), reason=why)


async def _asked(ask: Ask, paths: Sequence[str], patch: bytes) -> Decision:
    """The person's answer; where nobody can be asked, all stays as it is and is named at the end."""
    diff = clean_text(patch[:_DIFF_CHARS])
    title = one_line(f"commands changed {_names(paths)}", 200)
    effect = "tools outside the sandbox run or obey what was changed"
    try:
        return await ask(Question("", title, effect, tuple(paths), diff, is_done=True))
    except NobodyToAsk:
        return Decision(True)


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _names(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(map(display_name, paths[:_NAMED])) + more
