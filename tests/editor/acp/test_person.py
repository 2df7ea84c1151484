import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from glmcode.editor.acp.person import Person
from glmcode.editor.acp.shown import Shown
from tests.editor.acp.editor import Editor
from tests.glmcode.live.working import living


@asynccontextmanager
async def reached(editor: Editor, repo: Path, notes: list[str]) -> AsyncIterator[Person]:
    async with living(repo, [{"content": "hi"}]) as live:
        person = Person(notes)
        person.shown = Shown(editor, "s", live)  # type: ignore[arg-type]
        yield person


@pytest.mark.parametrize(("option", "allowed"), [("allow_once", True), ("reject_once", False), (None, False)])
async def test_other_questions_wait_for_a_prompt_and_are_put_as_a_call(
    repo: Path, option: str | None, allowed: bool
) -> None:
    editor = Editor(option=option)
    async with reached(editor, repo, []) as person:
        answer = asyncio.create_task(person.confirm("Build the image of devcontainer.json?\x1b[2J"))
        await asyncio.wait([answer], timeout=0.1)
        assert editor.asked == []
        person.prompting.set()
        assert await answer is allowed
    assert [(each.title, each.kinds) for each in editor.asked] == [
        ("Build the image of devcontainer.json?", ["allow_once", "reject_once"])
    ]
    assert [each.status for each in editor.results()] == ["completed" if allowed else "failed"]


async def test_news_come_at_once_while_a_prompt_is_answered_and_else_with_the_next(repo: Path) -> None:
    editor = Editor()
    async with reached(editor, repo, ["noted at the start"]) as person:
        await asyncio.to_thread(person.say, "heard before")
        await asyncio.sleep(0)
        assert editor.updates == []
        person.prompting.set()
        await person.tell_notes()
        await asyncio.to_thread(person.say, "heard while it runs\x1b]0;title\x07")
        await editor.until("agent_thought_chunk", "while it runs")
    assert editor.text("agent_thought_chunk") == "noted at the start\nheard before\nheard while it runs\n"
