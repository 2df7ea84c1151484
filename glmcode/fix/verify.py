"""Running the tests of a repository in places of their own: before, after, and with only the tests changed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from glmcode.fix.testfiles import is_test_path
from glmcode.fix.verdict import Judgement, Runs, candidates, guarded, judge, suspects
from glmcode_sandbox.base import Sandbox
from glmcode_sandbox.workspace import Workspace
from glmcode_tools.testing.report import NoTests, TestReport

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Verification:
    """The run with the whole change, and what follows from all runs."""

    after: TestReport | None
    judgement: Judgement


class Verifier:
    """Runs the suite in fresh copies of the repository, each in a fresh sandbox that is gone afterwards."""

    def __init__(
        self,
        workspace: Workspace,
        make_sandbox: Callable[[Workspace], Awaitable[Sandbox]],
        *,
        test_command: str | None,
        timeout_s: float,
        say: Say,
        start: str | None = None,
    ) -> None:
        """`start`: the tree before the change; None: that at the start of the workspace."""
        self._given_start = start
        self._workspace = workspace
        self._make_sandbox = make_sandbox
        self._test_command = test_command
        self._timeout_s = timeout_s
        self._say = say

    @property
    def _start(self) -> str:
        return self._given_start or self._workspace.start_tree

    async def baseline(self) -> TestReport | NoTests:
        """The suite on the repository as it was at the start."""
        self._say("running the tests before the change")
        await self._workspace.ready()
        async with self._fresh(self._start) as sandbox:
            return await self._run(sandbox)

    async def verify(
        self, before: TestReport | NoTests, tree: str, patch: bytes, changed: Collection[str] | None = None
    ) -> Verification:
        """The verdict on `patch`, which leads from the start to `tree` and changes the paths `changed`.

        None: what changed since the start of the workspace.
        """
        if isinstance(before, NoTests):
            return Verification(None, Judgement(verdict="unverified", reason=f"no tests could be run: {before.reason}"))
        self._say("applying the patch to a fresh checkout and running the tests again")
        async with self._fresh(self._start, patch) as sandbox:
            after = await self._run(sandbox)
            if isinstance(after, NoTests):
                reason = f"no tests can be run any more after the change: {after.reason}"
                return Verification(None, Judgement(verdict="failed", reason=reason))
            again = await self._again(sandbox, before, after)
        if changed is None:
            changed = [change.path for change in await self._workspace.changes(tree)]
        touched = {path for path in changed if is_test_path(path)}
        runs = Runs(
            before=before,
            after=after,
            touched=touched,
            control=await self._control(before, after, tree, touched),
            again=again,
            original=await self._original(before, tree, touched),
        )
        return Verification(after, judge(runs))

    async def _again(self, sandbox: Sandbox, before: TestReport, after: TestReport) -> TestReport | None:
        """The tests that seem broken once more, to tell broken from flaky."""
        if not (broken := suspects(before, after)):
            return None
        self._say(f"running again what failed: {len(broken)} of {len(after.cases)} tests")
        report = await self._run(sandbox, _files_of(broken, after))
        return report if isinstance(report, TestReport) else None

    async def _control(
        self, before: TestReport, after: TestReport, tree: str, touched: Collection[str]
    ) -> TestReport | None:
        """The candidates without the change to the source: what passes there proves nothing."""
        if not (chosen := candidates(before, after, touched)):
            return None
        self._say("running the tests that now pass without the change to the source")
        start = self._start
        mixed = await self._workspace.mixed_tree(start, tree, frozenset(touched))
        async with self._fresh(mixed) as sandbox:
            report = await self._run(sandbox, _files_of(chosen, after))
        return report if isinstance(report, TestReport) else None

    async def _original(self, before: TestReport, tree: str, touched: Collection[str]) -> TestReport | None:
        """The touched test files as they were, on the changed source: an edited test may hide what broke."""
        if not (kept := guarded(before, touched)):
            return None
        self._say("running the tests that the change edits in their original form")
        mixed = await self._workspace.mixed_tree(tree, self._start, frozenset(touched))
        async with self._fresh(mixed) as sandbox:
            report = await self._run(sandbox, _files_of(kept, before))
        return report if isinstance(report, TestReport) else None

    async def _run(self, sandbox: Sandbox, files: Sequence[str] = ()) -> TestReport | NoTests:
        from glmcode_tools.testing.run import run_suite

        return await run_suite(sandbox, command=self._test_command, ids=files, timeout_s=self._timeout_s)

    @asynccontextmanager
    async def _fresh(self, tree: str, patch: bytes = b"") -> AsyncIterator[Sandbox]:
        """A started sandbox on a fresh workspace that holds `tree`, and then the patch."""
        workspace = await self._workspace.derive(tree)
        try:
            await workspace.apply_patch(patch)
            sandbox = await self._make_sandbox(workspace)
            try:
                yield sandbox
            finally:
                await sandbox.close()
        finally:
            await workspace.close()


def _files_of(test_ids: Collection[str], report: TestReport) -> tuple[str, ...]:
    """The files to run for these ids; empty (everything) where the runner does not take files."""
    if report.runner != "pytest":
        return ()
    files = {test_id.split("::", 1)[0] for test_id in test_ids}
    return tuple(sorted(files)) if all("::" in test_id for test_id in test_ids) else ()
