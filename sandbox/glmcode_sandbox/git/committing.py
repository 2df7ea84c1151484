"""Commits that the harness makes on the host in the user's repository, without running anything that is named there.

Files are read through a git folder of our own, which knows no filters, as everywhere in workspaces; the user's own
git folder is only asked to take objects in, to move the branch and to note the committed paths in the index. So no
hook, file system monitor, filter, external diff, pager or signing program of its configuration ever runs.
"""

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from glmcode_sandbox.beneath import parts_of
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.finding import find_repository
from glmcode_sandbox.git.gitrun import GitFailed, WorkspaceError, git_environment, listing, names, run_git
from glmcode_sandbox.git.gitview import GitView
from glmcode_sandbox.git.obeyed import persons_environment
from glmcode_sandbox.git.repository import Repository, open_repository
from glmcode_sandbox.git.shadow import make_shadow
from glmcode_sandbox.git.trees import FileChange, TreeStore, parents

_UNFINISHED = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "BISECT_LOG": "a bisection",
}
_SETTINGS = r"^(filter\..*\.(clean|process)|core\.autocrlf|commit\.gpgsign)$"
_IDENTITY = re.compile(r"(.*) <([^<>]*)> \d+ [+-]\d{4}\n?")
_IDENTITY_NAMES = frozenset(f"GIT_{role}_{part}" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL"))

Entry = tuple[str, str] | None
"""git's mode and object id; None where nothing is."""


class CommitProblem(WorkspaceError):
    """Nothing was committed; the text says why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit that was made."""

    id: str
    branch: str | None
    """None where no branch is checked out."""
    paths: tuple[str, ...]
    """What it changed, sorted. Untrusted."""
    unsigned: bool
    """Whether the person's configuration asks for signed commits, which this one is not."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a commit would hold."""

    branch: str
    changes: tuple[FileChange, ...]
    """From the last commit, sorted by path."""
    diff: bytes
    """The same as text, as git prints it."""
    entries: Mapping[str, Entry]
    """What each path of `changes` is now, for `commit_paths`."""


async def preview_commit(repo: Path, paths: Iterable[str]) -> Preview:
    """What `commit_paths` would commit of these files. Nothing is written. Raises CommitProblem, WorkspaceError."""
    async with _opened(repo, detached=False) as (work, branch):
        await work.identity()
        planned = await work.plan(sorted(set(paths)))
        changes = await work.trees.changes(planned.base, planned.tree)
        entries = {change.path: planned.wanted[change.path] for change in changes}
        return Preview(branch or "", changes, await work.trees.lines(planned.base, planned.tree), entries)


async def commit_paths(
    repo: Path,
    paths: Iterable[str],
    message: str,
    *,
    detached: bool = False,
    expected: Mapping[str, Entry] | None = None,
) -> Committed:
    """Commit `paths` (files, relative to the top; missing ones are deleted) as they are in the working tree.

    Like `git commit --only --no-verify`: whatever else is staged stays so. `detached` allows a commit that no branch
    will hold; with `expected` (see `Preview.entries`) nothing is committed that was not shown.
    Raises CommitProblem, WorkspaceError.
    """
    if not message.strip():
        raise CommitProblem("a commit needs a message")
    async with _opened(repo, detached=detached) as (work, branch):
        planned = await work.plan(sorted(set(paths)))
        if expected is not None and any(expected.get(path) != entry for path, entry in planned.wanted.items()):
            raise CommitProblem("nothing was committed, since files changed after they were shown: look again")
        return await work.make(planned, message.strip(), branch)


@asynccontextmanager
async def _opened(repo: Path, *, detached: bool) -> "AsyncIterator[tuple[_Commit, str | None]]":
    repository = await open_repository(find_repository(repo))
    with tempfile.TemporaryDirectory(prefix="glmcode-commit-") as folder:
        work = _Commit(repository, Path(folder))
        branch = await work.branch()
        if branch is None and not detached:
            raise CommitProblem("no branch is checked out, so the commit would be on none: `git switch` to one first")
        await work.check_state()
        yield work, branch


@dataclass(frozen=True, slots=True)
class _Planned:
    settings: Mapping[str, str]
    held: Mapping[str, tuple[str, str, str]]
    wanted: Mapping[str, Entry]
    base: str
    tree: str
    changed: tuple[str, ...]


class _Commit:
    """One commit; `folder` is a new folder of ours."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        self._repository = repository
        self._shadow = folder / "git"
        self._folder = folder
        self.trees = TreeStore(self._shadow)
        status = repository.top.stat()
        self._owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 != status.st_uid else None

    async def _git(
        self, *arguments: str, stdin: bytes = b"", ok: Sequence[int] = (0,), extra: Mapping[str, str] | None = None
    ) -> bytes:
        """One plumbing command in the user's git folder, as its owner."""
        kept = (("core.untrackedCache", "keep"), ("i18n.commitEncoding", "UTF-8"))
        environment = git_environment(self._repository.git_dir, index=self._repository.index, config=kept)
        environment.update(extra or {})
        return await run_git(arguments, environment, cwd=Path("/"), stdin=stdin, ok=ok, owner=self._owner)

    async def branch(self) -> str | None:
        """The branch that is checked out."""
        name = os.fsdecode(await self._git("symbolic-ref", "--quiet", "HEAD", ok=(0, 1))).strip()
        return name.removeprefix("refs/heads/") or None

    async def check_state(self) -> None:
        """Raises CommitProblem in the middle of something else."""
        git_dir = self._repository.git_dir
        if not self._repository.vouched:
            raise CommitProblem(f"the git folder of {self._repository.top} belongs to another working tree")
        for name, what in _UNFINISHED.items():
            if os.path.lexists(git_dir / name):
                raise CommitProblem(f"{what} is not finished: finish or abort it first, `git status` says how")
        if names(await self._git("ls-files", "--unmerged", "-z")):
            raise CommitProblem("some files are not merged: `git status` names them")
        if (git_dir / "index.lock").exists():
            raise CommitProblem(f"another git works here: try again, or remove {git_dir / 'index.lock'} if none runs")

    async def plan(self, paths: list[str]) -> _Planned:
        """What there is to commit. Raises CommitProblem, WorkspaceError."""
        repository = self._repository
        objects = repository.common_dir / "objects"
        await asyncio.to_thread(make_shadow, self._shadow, objects, repository.object_format, b"")
        settings, held = await self._settings(), await self._held()
        wanted = await self._wanted(paths, held, settings)
        base = await self.trees.tree_of(repository.head) if repository.head else await self.trees.empty()
        tree = await self.trees.with_files(base, wanted, self._folder)
        changed = tuple(item.path for item in await self.trees.every_difference(base, tree))
        if not changed:
            raise CommitProblem("nothing to commit: these files are as in the last commit")
        return _Planned(settings, held, wanted, base, tree, changed)

    async def make(self, planned: _Planned, message: str, branch: str | None) -> Committed:
        """Raises CommitProblem, WorkspaceError."""
        head, identity = self._repository.head, await self.identity()
        await self._hand_over(planned.base, planned.tree)
        parent = ("-p", head) if head else ()
        text = f"{message}\n".encode("utf-8", "replace")
        made = (await self._git("commit-tree", *parent, planned.tree, stdin=text, extra=identity)).decode().strip()
        await self._note(made, planned.wanted, planned.held, f"commit: {one_line(message, 200)}", identity)
        unsigned = planned.settings.get("commit.gpgsign", "").lower() in ("true", "yes", "on", "1")
        return Committed(made, branch, planned.changed, unsigned)

    async def identity(self) -> dict[str, str]:
        """Who commits, as the person's git would have it."""
        environment = persons_environment(self._repository.git_dir)
        environment |= {name: value for name, value in os.environ.items() if name in _IDENTITY_NAMES}
        found: dict[str, str] = {}
        for role in ("AUTHOR", "COMMITTER"):
            words = ("-c", "user.useConfigOnly=true", "var", f"GIT_{role}_IDENT")
            try:
                told = os.fsdecode(await run_git(words, environment, cwd=Path("/")))
            except GitFailed:
                told = ""
            if (match := _IDENTITY.fullmatch(told)) is None:
                raise CommitProblem(
                    "git does not know who you are: `git config --global user.name NAME`, and user.email likewise"
                )
            found |= {f"GIT_{role}_NAME": match[1], f"GIT_{role}_EMAIL": match[2]}
        return found

    async def _settings(self) -> dict[str, str]:
        environment = persons_environment(self._repository.git_dir)
        words = ("config", "--includes", "-z", "--get-regexp", _SETTINGS)
        output = await run_git(words, environment, cwd=Path("/"), ok=(0, 1))
        pairs = (os.fsdecode(record).partition("\n") for record in output.split(b"\0") if record)
        # What has no value at all is true.
        return {key: value if mark else "true" for key, mark, value in pairs}

    async def _held(self) -> dict[str, tuple[str, str, str]]:
        """`{path: (tag, mode, object id)}` of the user's index."""
        records = (record.split("\t", 1) for record in names(await self._git("ls-files", "-v", "-s", "-z")))
        parsed = ((path, meta.split()) for meta, path in records)
        return {path: (tag, mode, oid) for path, (tag, mode, oid, _) in parsed}

    async def _wanted(
        self, paths: list[str], held: Mapping[str, tuple[str, str, str]], settings: Mapping[str, str]
    ) -> dict[str, Entry]:
        """What the paths are now. Raises CommitProblem for those that our git cannot commit as the person's would."""
        top = self._repository.top
        for path in paths:
            try:
                parts_of(path)
            except ValueError as error:
                raise CommitProblem(str(error)) from None
            tag, mode, _ = held.get(path, ("", "", ""))
            if mode == "160000" or any(os.path.lexists(top / above / ".git") for above in parents(path)):
                raise CommitProblem(f"{one_line(path, 200)} belongs to another repository: commit it there")
            if tag in ("S", "s") and not os.path.lexists(top / path):
                raise CommitProblem(f"{one_line(path, 200)} is not checked out here (sparse checkout)")
        line_ends = settings.get("core.autocrlf", "false")
        config = (("core.autocrlf", line_ends if line_ends in ("true", "input") else "false"),)
        view = GitView(self._shadow, top, self._folder / "index", loose_stat=False, read_only=True, config=config)
        await self._check_filters(view, paths, settings)
        found = await view.entries(paths)
        return {path: found.get(path) for path in paths}

    async def _check_filters(self, view: GitView, paths: list[str], settings: Mapping[str, str]) -> None:
        """Without its filter a file would be committed as it must not be: large, or not encrypted."""
        known = {key.split(".", 1)[1].rpartition(".")[0] for key in settings if key.startswith("filter.")}
        told = names(await view.git("check-attr", "-z", "--stdin", "filter", stdin=listing(paths)))
        for path, value in zip(told[::3], told[2::3], strict=True):
            if value in known:
                raise CommitProblem(
                    f"{one_line(path, 200)} is stored through the filter {one_line(value)}, which is not run here: "
                    "commit it with your own git"
                )

    async def _hand_over(self, base: str, tree: str) -> None:
        """Give the user's object store what it does not have of a tree."""
        environment = git_environment(self._shadow)
        found = await run_git(("rev-list", "--objects", tree, f"^{base}"), environment, cwd=self._shadow)
        pack = await run_git(("pack-objects", "-q", "--stdout"), environment, cwd=self._shadow, stdin=found)
        await self._git("unpack-objects", "-q", stdin=pack)

    async def _note(
        self,
        made: str,
        wanted: Mapping[str, Entry],
        held: Mapping[str, tuple[str, str, str]],
        reason: str,
        identity: Mapping[str, str],
    ) -> None:
        """Index and branch; neither where the branch has moved meanwhile."""
        nothing = "0" * len(made)
        before: dict[str, Entry] = {path: held[path][1:] if path in held else None for path in wanted}
        await self._write_index(wanted, nothing)
        try:
            await self._git("update-ref", "-m", reason, "HEAD", made, self._repository.head or nothing, extra=identity)
        except BaseException:
            await self._write_index(before, nothing)
            raise

    async def _write_index(self, files: Mapping[str, Entry], nothing: str) -> None:
        lines = [f"{entry[0]} {entry[1]}\t{path}" if entry else f"0 {nothing}\t{path}" for path, entry in files.items()]
        records = b"".join(
            os.fsencode(line) + b"\0" for line in sorted(lines, key=lambda line: not line.startswith("0 "))
        )
        await self._git("update-index", "--replace", "-z", "--index-info", stdin=records)
