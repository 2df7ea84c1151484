"""The states that a session's files went through, read from the session file: which tree belongs to which step."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from glmcode.session.marks import Restored, ReviewEnded, SnapshotTaken, WorkspaceOpened
from glmcode.session.store import SessionError

TREES_NAME = "trees"
"""The folder in a session's folder that holds the trees."""
READERS = frozenset({"read", "glob", "grep", "todo"})
"""Tools whose calls change no file."""


@dataclass(frozen=True, slots=True)
class Change:
    """From one tree to the next."""

    old: str
    new: str
    by_session: bool
    """Else by the user, between two turns."""


@dataclass(frozen=True, slots=True)
class Point:
    """A state of the files, and how many changes came before it."""

    tree: str | None
    """None where it is not known."""
    place: int
    problem: str = ""


@dataclass(slots=True)
class Timeline:
    """What happened to the files, in order. Made by `read_timeline`."""

    steps: int = 0
    mode: Literal["direct", "isolated"] | None = None
    """Of the last run; None where no run came as far as to open its workspace."""
    start: str | None = None
    end: str | None = None
    """What the session's workspace held last; None where that is not known."""
    there: str | None = None
    """What the session knows the user's repository to have held last."""
    waiting: bool = False
    """Whether the changes of the last run, an isolated one, are not in the repository."""
    agreed: str | None = None
    """What the last review since the workspace was opened agreed on; None where there was none."""
    trees: list[str] = field(default_factory=list)
    """All of them, oldest first."""
    changes: list[Change] = field(default_factory=list)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of trees between which the session changed files of the user's own repository."""
    restores: dict[str, Point] = field(default_factory=dict)
    """The states before each restore."""
    brought: dict[str, Restored] = field(default_factory=dict)
    """What each restore did."""
    _points: list[tuple[tuple[int, int], Point]] = field(default_factory=list)
    _writing: int | None = None
    """The step of the last call that can write whose effect is not known yet."""

    def add(self, line: dict[str, Any]) -> None:
        """The next line of the session file. Raises ValidationError."""
        before = len(self.changes)
        self._take(line)
        if self.mode == "direct":
            self.arrived += [(each.old, each.new) for each in self.changes[before:] if each.by_session]

    def _take(self, line: dict[str, Any]) -> None:
        match line.get("kind"):
            case "step_started":
                self.steps += 1
            case "tool_started" if line.get("name") not in READERS:
                self._writing = self.steps
            case "turn_finished":
                self._writing = None
            case "workspace":
                self._opened(WorkspaceOpened.model_validate(line))
            case "snapshot":
                self._taken(SnapshotTaken.model_validate(line))
            case "restoring":
                self.trees += [str(line["before"]), str(line["tree"])]
            case "restored":
                self._restored(Restored.model_validate(line))
            case "reviewed":
                self._reviewed(ReviewEnded.model_validate(line))
            case "result" | "left":
                if self.waiting and line.get("applied") and self.end is not None:
                    self.waiting, self.there = False, self.end
                    self.arrived += [(each.old, each.new) for each in self.changes if each.by_session]
                elif self.end == self.there:
                    self.waiting = False  # there was nothing to apply

    def _opened(self, opened: WorkspaceOpened) -> None:
        self._cut()
        if self.there is not None:
            self._changed(self.there, opened.start, by_session=False)
        self.mode, self.waiting = opened.mode, opened.mode == "isolated"
        self.agreed = None
        self.start = self.start or opened.start
        self.there = opened.start
        self._at((opened.step, 1), opened.start)

    def _taken(self, taken: SnapshotTaken) -> None:
        if taken.tree is not None and self._writing is not None and self._writing <= taken.step:
            self._writing = None
        is_user = not taken.calls and self.mode == "direct"
        if taken.tree is not None:
            self._changed(self.end or self.there or taken.tree, taken.tree, by_session=not is_user)
            self.there = taken.tree if self.mode == "direct" else self.there
            self.waiting = self.waiting or (self.mode == "isolated" and taken.tree != self.there)
        if taken.since < taken.step:
            self._at((taken.since, 0), None, f"its state was taken together with that of step {taken.step}")
        self._at((taken.step, 0 if taken.calls else 1), taken.tree, taken.problem)

    def _reviewed(self, reviewed: ReviewEnded) -> None:
        self.trees += [reviewed.old, reviewed.agreed]
        self._changed(self.end or reviewed.new, reviewed.new, by_session=self.mode == "isolated")
        self._changed(reviewed.new, reviewed.kept, by_session=True)
        self.there = reviewed.kept if self.mode == "direct" else reviewed.agreed
        self.agreed = reviewed.agreed
        if self.mode == "isolated":
            self.arrived.append((reviewed.old, reviewed.agreed))
        self.waiting = self.mode == "isolated" and reviewed.kept != reviewed.agreed
        # Going back to the step does not bring back what was refused after it.
        self._at((self.steps, 0), reviewed.kept)

    def _restored(self, restored: Restored) -> None:
        self._cut()
        self.brought[restored.id] = restored
        self.restores[restored.id] = Point(restored.before or self.end, len(self.changes))
        if not restored.files or restored.before is None or restored.tree is None:
            return
        if not self.waiting:
            if self.there is not None:
                self._changed(self.there, restored.before, by_session=False)
            self.restores[restored.id] = Point(restored.before, len(self.changes))
            self.there = restored.tree
        self._changed(restored.before, restored.tree, by_session=True)
        self._at((self.steps, 1), restored.tree)

    def _changed(self, old: str, new: str, *, by_session: bool) -> None:
        self.trees += [old, new]
        if old != new:
            self.changes.append(Change(old, new, by_session))

    def _at(self, key: tuple[int, int], tree: str | None, problem: str = "") -> None:
        self._points.append((key, Point(tree, len(self.changes), problem)))
        self.end = tree

    def _cut(self) -> None:
        """A run that was killed in the middle of a call left an unknown state."""
        if self._writing is not None:
            self._at((self._writing, 0), None, "the run was cut off in it, before its state was taken")
            self._writing = None

    def tree_after(self, step: int) -> str | None:
        """The tree after a step; None where it is not known."""
        return self._after(step).tree if self.start is not None else None

    def tree_before(self, step: int) -> str | None:
        """The tree that a step found, with what the user changed after the one before; None where it is not known."""
        return self._latest((step - 1, 1)).tree if self.start is not None else None

    def _after(self, step: int) -> Point:
        return self._latest((step, 0))

    def _latest(self, key: tuple[int, int]) -> Point:
        """The last point up to a key."""
        earlier = [point for each, point in self._points if each <= key]
        return earlier[-1] if earlier else Point(self.start, 0)

    def named(self, name: str) -> str:
        """A point's name, `undo` being the last restore's. Raises SessionError where there is none of that name."""
        if name == "undo" and not self.restores:
            raise SessionError("nothing was restored in this session, so there is nothing to undo")
        if name == "undo":
            return list(self.restores)[-1]
        is_step = name.isascii() and name.isdigit() and 1 <= int(name) <= self.steps
        if not is_step and name not in ("start", "end", *self.restores):
            raise SessionError(
                f"{name[:40]!r} is no point of this session: pass start, end, or a step from 1 to {self.steps}"
            )
        return str(int(name)) if is_step else name

    def point(self, name: str) -> Point:
        """The state at `start`, `end`, after a step, or before a restore. Raises SessionError."""
        if self.start is None:
            raise SessionError("this session took no snapshots: it ended before its workspace was open")
        name = self.named(name)
        if name == "start":
            return Point(self.start, 0)
        if name in self.restores:
            found = self.restores[name]
        elif name == "end":
            found = next((point for _, point in reversed(self._points) if point.tree is not None), Point(self.start, 0))
        else:
            found = self._after(int(name))
        if found.tree is None:
            raise SessionError(f"the files after step {name} are not known: {found.problem or 'no snapshot'}")
        return found


def read_timeline(lines: Iterable[dict[str, Any]]) -> Timeline:
    """What the lines of a session file say about the files. Raises SessionError."""
    timeline = Timeline()
    try:
        for line in lines:
            timeline.add(line)
    except (ValidationError, LookupError) as error:
        raise SessionError(f"a snapshot in the session file cannot be read: {str(error).splitlines()[0]}") from None
    timeline._cut()
    return timeline
