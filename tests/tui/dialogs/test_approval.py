import asyncio

import pytest
from textual.widgets import Input, Static

from glmcode.policy import Decision, Question
from glmcode.tui.approval.asking import Approvals
from glmcode.tui.approval.dialog import ApprovalDialog
from glmcode.tui.lines.view import LinesView
from tests.tui.dialogs.app import DialogApp

DIFF = "--- a/.envrc\n+++ b/.envrc\n@@ -1,2 +1,30 @@\n-use nix\n" + "".join(
    f"+[bold]line {n}[/bold]\n" for n in range(30)
)
QUESTION = Question("c", "edit .envrc", "writes .envrc, which tools outside the sandbox run or obey", (".envrc",), DIFF)
DONE = Question("", "commands changed .envrc", "tools outside obey it", (".envrc",), DIFF, is_done=True)
BARE = Question("c", "push", "reaches the network")


async def answers(question: Question, *keys: str, grace_s: float = 0) -> list[Decision | None]:
    app = DialogApp(ApprovalDialog(question, grace_s=grace_s))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        return app.answers


@pytest.mark.parametrize(
    ("keys", "decision"),
    [
        ("y", Decision(True)),
        ("a", Decision(True, always=True)),
        ("escape", Decision(False, "the user refused")),
        ("n enter", Decision(False, "the user refused")),
        ("n n o enter", Decision(False, "no")),
        ("n x escape y", Decision(True)),
        ("down x pagedown up y", Decision(True)),
    ],
)
async def test_keys_answer(keys: str, decision: Decision) -> None:
    assert await answers(QUESTION, *keys.split()) == [decision]


async def test_always_is_no_answer_where_it_would_cover_nothing() -> None:
    assert await answers(BARE, "a") == []
    assert await answers(BARE, "a", "y") == [Decision(True)]


async def test_what_happened_already_is_kept_or_taken_back() -> None:
    assert await answers(DONE, "y") == [Decision(True)]
    assert await answers(DONE, "escape") == [Decision(False)]


async def test_what_was_typed_ahead_answers_nothing() -> None:
    assert await answers(QUESTION, "y", "a", "escape", "n", "enter", grace_s=30) == []


async def test_an_answer_counts_after_a_moment_of_silence() -> None:
    times = [0.0]
    app = DialogApp(ApprovalDialog(QUESTION, clock=lambda: times[-1]))
    async with app.run_test() as pilot:
        await pilot.pause()
        for moment in (0.1, 0.3, 0.59):
            times.append(moment)
            await pilot.press("y")
        assert app.answers == []
        times.append(0.9)
        await pilot.press("y")
        await pilot.pause()
        assert app.answers == [Decision(True)]


@pytest.mark.parametrize("size", [(60, 20), (100, 30), (40, 10)])
async def test_at_most_half_of_the_screen_is_covered_and_the_diff_scrolls(size: tuple[int, int]) -> None:
    app = DialogApp(ApprovalDialog(QUESTION, grace_s=0))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        panel = app.screen.query_one("Vertical")
        assert panel.outer_size.height <= size[1] // 2
        view = app.screen.query_one(LinesView)
        assert view.virtual_size.height >= 31
        await pilot.press("end")
        await pilot.pause()
        assert view.scroll_y > 0


async def test_the_reason_line_is_in_sight() -> None:
    app = DialogApp(ApprovalDialog(QUESTION, grace_s=0))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("n", "b", "a", "d")
        await pilot.pause()
        line = app.screen.query_one(Input)
        assert (line.value, line.has_focus) == ("bad", True)
        assert app.screen.region.contains_region(line.region) and line.region.height == 1


async def test_questions_come_one_after_the_other_and_a_cancelled_one_goes() -> None:
    app = DialogApp()
    async with app.run_test() as pilot:
        ask = Approvals(app, grace_s=0)  # type: ignore[arg-type]
        first, second, third = (asyncio.create_task(ask(each)) for each in (QUESTION, DONE, BARE))
        await pilot.pause()
        assert len(app.screen_stack) == 2
        await pilot.press("y")
        assert await first == Decision(True)
        await pilot.pause()
        assert "commands changed" in str(app.screen.query_one(".title", Static).content)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await pilot.pause()
        await pilot.press("escape")
        assert await third == Decision(False, "the user refused")
        await pilot.pause()
        assert len(app.screen_stack) == 1
