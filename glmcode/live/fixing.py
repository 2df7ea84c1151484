"""A fix in a session that a person works in: the tests before, the turn, and what the harness itself found out."""

from collections.abc import Awaitable, Callable

from glmcode.events import VerdictReached
from glmcode.fix.proving import describe, fix_task, verified
from glmcode.fix.verdict import Judgement
from glmcode.fix.verify import Verifier
from glmcode.live.place import Place
from glmcode.live.session import LiveSession
from glmcode.opening import sandbox_for
from glmcode_sandbox.base import Sandbox
from glmcode_sandbox.workspace import Workspace
from glmcode_tools.testing.report import TestReport


async def fix_live(
    live: LiveSession, issue: str, turn: Callable[[str], Awaitable[object]], say: Callable[[str], None]
) -> VerdictReached:
    """Fix an issue in a session that a person works in: the tests before, the turn, the verdict on what it changed.

    The session file keeps the verdict. `turn` plays one turn with the prompt it gets. Raises what `LiveSession.open`
    raises, SandboxError, WorkspaceError.
    """
    place = await live.open(issue)
    workspace = place.workspace

    async def make_sandbox(derived: Workspace) -> Sandbox:
        sandbox = await sandbox_for(derived, live.settings, live.image, place.session.folder)
        await sandbox.start()
        return sandbox

    await workspace.ready()
    start = await workspace.tree()
    settings = live.settings
    verifier = Verifier(
        workspace,
        make_sandbox,
        test_command=settings.test_command,
        timeout_s=settings.test_timeout,
        say=say,
        start=start,
    )
    before = await verifier.baseline()
    say(f"before: {describe(before)}")
    await turn(fix_task(issue, settings.test_command, before))
    await place.sandbox.close()  # what still runs in it would write on while the change is taken down
    tree = await workspace.tree()
    patch = await place.trees.patch(start, tree)
    if not patch:
        return _kept(place, Judgement(verdict="none", reason="nothing was changed"), None)
    changed = [change.path for change in await place.trees.changes(start, tree)]
    verification = await verified(verifier, before, tree, patch, changed)
    return _kept(place, verification.judgement, verification.after)


def _kept(place: Place, judgement: Judgement, after: TestReport | None) -> VerdictReached:
    passed = len(after.passed) if after is not None else None
    reached = VerdictReached(
        verdict=judgement.verdict,
        reason=judgement.reason,
        fixed=judgement.fixed,
        broken=judgement.broken,
        passed=passed,
    )
    place.session.append_event(reached)
    return reached
