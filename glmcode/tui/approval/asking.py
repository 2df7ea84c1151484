"""Answers the agent's questions by dialogs, one after the other."""

import asyncio

from textual.app import App

from glmcode.policy import Decision, Question
from glmcode.tui.approval.dialog import GRACE_S, ApprovalDialog


class Approvals:
    """An `Ask` for an application. A question whose turn is cancelled disappears."""

    def __init__(self, app: App[object], *, grace_s: float = GRACE_S) -> None:
        self._app = app
        self._grace_s = grace_s
        self._asked = 0
        self._free = asyncio.Lock()

    async def __call__(self, question: Question) -> Decision:
        """Comes back with the person's answer."""
        self._asked += 1
        try:
            async with self._free:
                return await self._answer(ApprovalDialog(question, waiting=self._asked - 1, grace_s=self._grace_s))
        finally:
            self._asked -= 1

    async def _answer(self, dialog: ApprovalDialog) -> Decision:
        given: asyncio.Future[Decision | None] = asyncio.get_running_loop().create_future()

        def answered(decision: Decision | None) -> None:
            if not given.done():
                given.set_result(decision)

        # By the application's own task: whoever asks may have no part in it.
        self._app.call_later(self._app.push_screen, dialog, answered)
        try:
            decision = await given
        except asyncio.CancelledError:
            self._app.call_later(dialog.withdraw)
            raise
        return decision or Decision(False, "the question was withdrawn")
