"""The person behind an editor, as a live session reaches them: news, questions of the policy, other questions."""

import asyncio

from glmcode.editor.acp import permission
from glmcode.editor.acp.shown import Shown
from glmcode.policy import Decision, Question


class Person:
    """What `People` is made of; `shown` is there as soon as the session is."""

    shown: Shown

    def __init__(self, notes: list[str]) -> None:
        """`notes`: what is told with the first prompt."""
        self.prompting = asyncio.Event()
        """Set while a prompt is answered: the only time at which the protocol shows news and questions."""
        self._notes = notes
        self._questions = 0
        self._loop = asyncio.get_running_loop()
        self._telling: set[asyncio.Task[None]] = set()

    def say(self, text: str) -> None:
        """One line of news, from any thread."""
        self._loop.call_soon_threadsafe(self._heard, text)

    async def ask(self, question: Question) -> Decision:
        """Put a question of the policy, once the editor shows its call; one without a call is put by itself."""
        if not question.call_id:
            return await permission.ask_of_no_call(
                self.shown.client, self.shown.session_id, self._question_id(), question
            )
        call = await self.shown.call(question.call_id)
        return await permission.ask(self.shown.client, self.shown.session_id, question, call)

    async def confirm(self, question: str) -> bool:
        """Put another question, as soon as the person is there to answer it."""
        await self.prompting.wait()
        return await permission.confirm(self.shown.client, self.shown.session_id, self._question_id(), question)

    async def tell_notes(self) -> None:
        """What came before the prompt."""
        while self._notes:
            await self.shown.news(self._notes.pop(0))

    def _question_id(self) -> str:
        self._questions += 1
        return f"question-{self._questions}"

    def _heard(self, text: str) -> None:
        if not self.prompting.is_set():
            self._notes.append(text)
            return
        task = asyncio.create_task(self.shown.news(text))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
