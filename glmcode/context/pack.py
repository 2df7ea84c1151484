"""Packs what of a repository the model should see for a task into a budget of tokens."""

import gc
import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from glmcode.context.budget import MASS, MAX_CHOSEN, Auto, Budget, choose_budget
from glmcode.context.candidates import Candidates, find_candidates
from glmcode.context.files import listing, open_root, shown
from glmcode.context.fitting import Fitted, fit, spread
from glmcode.context.fixed import Fixed, Written, write_fixed
from glmcode.context.index.history import HistoryReader
from glmcode.context.index.outlines import Outlines
from glmcode.context.index.place import index_file, with_index
from glmcode.context.index.pruning import MAX_INDEX_BYTES, prune
from glmcode.context.index.settling import settle_later
from glmcode.context.index.snapshot import NOT_YET, reasons, take_snapshot
from glmcode.context.index.store import Store
from glmcode.context.marks import sign
from glmcode.context.pins import NO_PINS, Pins
from glmcode.context.ranking.lexical import wanted_terms
from glmcode.context.ranking.task import Task
from glmcode.context.record import ContextPack, PackedFile, Segment
from glmcode.context.render import FILES_HEAD, file_block
from glmcode.context.why import why
from glmcode_engine.tokens import estimate_tokens

MARGIN = 1.02
"""On top of the tokens counted by cl100k_base, so that the budget holds in o200k_base and GLM-4's vocabulary, too."""
SIGNATURE_SHARE = 50
"""One part in so many goes to signatures of what is left out of the files that are shown."""
INDEX_LIMIT_S = 120.0
"""A first pack takes about a second for a thousand files; what takes longer is packed as far as it is known."""
MAX_EARLY = 8
"""So many changed files are parsed before it is known whether they matter for this task, too: starting a process takes
longer than that. They are those that mattered for a task before."""


@dataclass(slots=True)
class _Chosen:
    """What goes into a pack, and how many files each reason keeps out."""

    budget: Budget
    of: int = 0
    """Files that there are."""
    segments: list[Written] = field(default_factory=list)
    files: list[PackedFile] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    unsettled: bool = False
    """Whether the index is still to be settled."""


def pack(
    repo: Path, task: str, budget: int | Auto, pins: Pins = NO_PINS, limit_s: float | None = INDEX_LIMIT_S
) -> ContextPack:
    """Choose what of `repo` (a folder in a git repository) goes to the model for `task`, in at most `budget` tokens.

    With `Auto` the budget is chosen, and `budget_why` of the answer says why.
    Files that are not in the index yet are read into it for `limit_s` seconds at most (None: all of them); the rest is
    left out, and `left_out` and `note` say so. But for that the text depends on the repository's files and history, the
    task, the budget and the pins alone. What is worked out about files is kept in the user's cache folder. Blocking:
    call it in a thread. Raises ContextError where the folder is missing, git cannot list it or a pin names no text
    file; ValueError for a negative budget.
    """
    if isinstance(budget, int) and budget < 0:
        raise ValueError("the budget must not be negative")
    began = time.perf_counter()
    chosen = _Chosen(Budget(0))
    if budget:
        with listing(repo) as names, open_root(repo) as root, _uncollected():
            packer = _Packer(repo, root, names, Task(task), pins, limit_s)
            chosen = with_index(repo, lambda store: packer.pack(store, budget))
            if chosen.unsettled:
                settle_later(index_file(repo))
    return ContextPack(
        budget=chosen.budget.tokens,
        budget_why=chosen.budget.reason,
        tokens=sum(tokens for _, _, tokens in chosen.segments),
        text="".join(text for _, text, _ in chosen.segments),
        files=tuple(chosen.files),
        segments=tuple(
            Segment(name=name, tokens=tokens, sha256=hashlib.sha256(text.encode()).hexdigest())
            for name, text, tokens in chosen.segments
        ),
        note=_note(chosen.left_out.get(NOT_YET, 0), chosen.of),
        left_out=dict(sorted(chosen.left_out.items())),
        seconds=round(time.perf_counter() - began, 3),
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing here refers to itself, and to look for what does takes a thirtieth of the time of a first pack."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _note(missing: int, of: int) -> str:
    return f"index still building: {of - missing:,} of {of:,} files" if missing else ""


@dataclass(slots=True)
class _Packer:
    """One pack in the making."""

    repo: Path
    root: int
    names: Callable[[], list[str]]
    """Of all files; git may still be at work on them."""
    task: Task
    pins: Pins
    limit_s: float | None

    def pack(self, store: Store, budget: int | Auto) -> _Chosen:
        history = HistoryReader(store, self.repo)
        before = store.files(os.path.realpath(self.repo))
        names = self.names()
        paths = shown(names)
        snapshot = take_snapshot(store, self.repo, paths, self.limit_s, before=before, terms=wanted_terms(self.task))
        left_out = Counter(reasons(snapshot.left_out))
        if hidden := len(names) - len(paths):
            left_out["a name that cannot be shown"] = hidden
        candidates = None
        if self.task.text.strip() or self.pins:
            outlines = Outlines(store, self.repo)
            if len(snapshot.fresh) <= MAX_EARLY:
                outlines.prepare_again((file.path, file.hash, before.get(file.path)) for file in snapshot.fresh)
            most = budget if isinstance(budget, int) else MAX_CHOSEN
            candidates = find_candidates(self.root, snapshot, history.commits, outlines, self.task, self.pins, most)
        told = self._budget(budget, candidates)
        fixed = write_fixed(self.root, paths, snapshot, told.tokens, MARGIN)
        chosen = _Chosen(told, len(paths), fixed.segments, fixed.files, left_out)
        if candidates is not None and (left := told.tokens - fixed.tokens) > 0:
            self._fill(chosen, candidates, fixed, left)
        chosen.unsettled = bool(store.unsettled())
        # Warming prunes; this is for those whose prompts never wait for it.
        prune(store, 2 * MAX_INDEX_BYTES)
        return chosen

    def _budget(self, budget: int | Auto, candidates: Candidates | None) -> Budget:
        if isinstance(budget, int):
            return Budget(budget)
        if candidates is None or candidates.evidence is None:
            return choose_budget(budget, self.task, 0, ())
        lines = [line for _, named in candidates.evidence.mentions.values() for line in named]
        return choose_budget(budget, self.task, spread(candidates.offers, MASS), lines)

    def _fill(self, chosen: _Chosen, candidates: Candidates, fixed: Fixed, left: int) -> None:
        """Add the segment of the files that matter, best first, with their records."""
        head = estimate_tokens(FILES_HEAD)
        room = int((left - head) / MARGIN)
        offers = [offer for offer in candidates.offers if offer.path not in fixed.shown]
        signing = room // SIGNATURE_SHARE
        wanted = candidates.pinned
        fitted = fit(offers, room - signing, candidates.line_tokens, heading_tokens, wanted) if room > 0 else []
        candidates.counts.keep()
        sign(fitted, candidates.marks, signing)
        missing = candidates.pinned.keys() - {one.path for one in fitted} - fixed.shown
        if missing:
            chosen.left_out["pinned, but nothing of it fits"] = len(missing)
        if not fitted:
            return
        blocks = [_render(candidates, one) for one in fitted]
        text = FILES_HEAD + "".join(body for body, _ in blocks)
        chosen.segments.append(("files", text, int(head + sum(one.tokens * MARGIN for one in fitted))))
        chosen.files += [record for _, record in blocks]


def _render(candidates: Candidates, one: Fitted) -> tuple[str, PackedFile]:
    text = candidates.text(one.path)
    total = text.count("\n") + (not text.endswith("\n"))
    whole = one.ranges == [(1, total)]
    body = file_block(one.path, text, None if whole else one.ranges, candidates.marks(one.path).told)
    assert body is not None, "a file that no fence holds is never offered"
    record = PackedFile(
        path=one.path,
        ranges=None if whole else tuple(one.ranges),
        tokens=int(one.tokens * MARGIN),
        score=round(one.worth, 6),
        why=why(candidates, one.path),
    )
    return body, record


def heading_tokens(path: str) -> int:
    """What a file's path costs in its heading."""
    return estimate_tokens(path)
