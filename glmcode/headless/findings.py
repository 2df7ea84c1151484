"""What a headless run has come to, and the exit code that follows."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from glmcode.events import TurnFinished
from glmcode.exit_codes import ExitCode, of_turn
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.workspace import WorkspaceError
from glmcode_tools.testing.report import NoTests, TestReport

if TYPE_CHECKING:
    from glmcode.fix.verdict import Judgement
    from glmcode.fix.verify import Verification

Mode = Literal["run", "fix"]

_OF_VERDICT = {
    "verified": ExitCode.DONE,
    "unverified": ExitCode.UNVERIFIED,
    "not_reproduced": ExitCode.NOTHING,
    "failed": ExitCode.BROKE_TESTS,
    "none": ExitCode.NOTHING,
}


@dataclass(slots=True)
class Findings:
    """Filled as the run goes on; whatever ends it, this is reported."""

    mode: Mode
    started: float = field(default_factory=time.monotonic)
    turn: TurnFinished | None = None
    tests_before: TestReport | NoTests | None = None
    patch: bytes = b""
    files: tuple[str, ...] = ()
    verification: "Verification | None" = None
    applied: bool = False
    failure: SandboxError | WorkspaceError | None = None
    """What kept the run from going on."""
    refused: str = ""
    """Why the change that was to be applied is not in the user's repository."""

    @property
    def before(self) -> TestReport | None:
        return self.tests_before if isinstance(self.tests_before, TestReport) else None

    @property
    def after(self) -> TestReport | None:
        return self.verification.after if self.verification else None

    @property
    def judgement(self) -> "Judgement":
        from glmcode.fix.verdict import Judgement

        if self.verification:
            return self.verification.judgement
        if not self.patch:
            return Judgement(verdict="none", reason="nothing was changed")
        return Judgement(verdict="none", reason="the change was not verified")

    @property
    def exit_code(self) -> ExitCode:
        """A limit or an error of the turn outweighs every verdict but verified and failed."""
        if self.failure is not None:
            return ExitCode.NO_SANDBOX if isinstance(self.failure, SandboxError) else ExitCode.FAILURE
        if self.turn is None:
            return ExitCode.FAILURE
        alone = of_turn(self.turn)
        if self.mode == "run":
            return ExitCode.FAILURE if alone is ExitCode.DONE and self.refused else alone
        verdict = self.judgement.verdict
        if verdict not in ("verified", "failed") and alone is not ExitCode.DONE:
            return alone
        return ExitCode.UNVERIFIED if verdict == "none" and self.patch else _OF_VERDICT[verdict]
