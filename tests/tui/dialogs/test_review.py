import asyncio
import time
from pathlib import Path

import pytest
from textual.widgets import Static, TextArea

from glmcode.review.applying import Reviewed
from glmcode.review.decisions import Accept, Decision, Decisions, Edit, Refuse
from glmcode.review.hunks import Review
from glmcode.tui.lines.view import LinesView
from glmcode.tui.review.files import FileList
from glmcode.tui.review.screen import ReviewScreen
from glmcode_sandbox.git.gitrun import WorkspaceError
from tests.tui.dialogs.app import DialogApp
from tests.tui.dialogs.reviews import LINES, NEW, OLD, review_of

DONE = Reviewed(applied=True, conflicts=(), told="told", agreed_tree="")


@pytest.fixture
def review(tmp_path: Path) -> Review:
    """Hunks in order: three of a.py, gone.txt, new/说明.md, pic.bin."""
    return asyncio.run(review_of(tmp_path))


class Carried:
    """Stands where decisions are carried out, and keeps them."""

    def __init__(self, *answers: Reviewed | Exception) -> None:
        self.answers = list(answers)
        self.decided: list[list[Decision | None]] = []

    async def __call__(self, decisions: Decisions) -> Reviewed:
        self.decided.append([decisions.of(hunk.id) for _, hunk in decisions.review.hunks()])
        answer = self.answers.pop(0) if self.answers else DONE
        if isinstance(answer, Exception):
            raise answer
        return answer


def opened(review: Review, carried: Carried | None = None, *, isolated: bool = True) -> DialogApp:
    return DialogApp(ReviewScreen(review, carried or Carried(), isolated=isolated))


def course(app: DialogApp) -> list[str]:
    """What is decided on each hunk, by the first letter of its kind."""
    assert isinstance(app.dialog, ReviewScreen)
    decisions = app.dialog.course.decisions
    found = [decisions.of(hunk.id) for _, hunk in decisions.review.hunks()]
    return [each.kind[0] if each else "-" for each in found]


def message(app: DialogApp) -> str:
    return str(app.screen.query_one(".message", Static).content)


KEYS = {
    "y": ("a-----", 1),
    "j j y": ("--a---", 3),
    "down down up y": ("-a----", 2),
    "n n o enter": ("r-----", 1),
    "n enter y": ("ra----", 2),
    "n escape y": ("a-----", 1),
    "f": ("aaa---", 3),
    "j F x enter": ("rrr---", 3),
    "A": ("aaaaaa", 0),
    "y R enter": ("arrrrr", 1),
    "A R enter": ("rrrrrr", 0),
    "y y u": ("a-----", 1),
    "f u y": ("a-----", 1),
    "A u u": ("------", 0),
    "right_square_bracket y": ("---a--", 4),
    "right_square_bracket right_square_bracket left_square_bracket y": ("---a--", 4),
    "k k y j y k k y": ("aaa---", 3),
}


async def test_keys_move_decide_and_undo(review: Review) -> None:
    app = DialogApp()
    async with app.run_test(size=(100, 30)) as pilot:
        found = {}
        for keys in KEYS:
            app.dialog = screen = ReviewScreen(review, Carried(), isolated=True)
            await app.push_screen(screen)
            await pilot.pause()
            await pilot.press(*keys.split())
            found[keys] = ("".join(course(app)), screen.course.at)
            screen.dismiss(None)
        assert found == KEYS


async def test_the_reason_and_all_decisions_are_handed_over_at_once(review: Review) -> None:
    carried = Carried()
    app = opened(review, carried)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.press("n", *"why not", "enter", "y", "enter")
        await pilot.pause()
        assert carried.decided == [[Refuse(reason="why not"), Accept(), None, None, None, None]]
        assert app.answers == [DONE]


async def test_nothing_is_applied_before_anything_is_decided_and_escape_leaves(review: Review) -> None:
    carried = Carried()
    app = opened(review, carried)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("enter")
        assert "Nothing is decided" in message(app)
        await pilot.press("y", "escape")
        await pilot.pause()
        assert (carried.decided, app.answers) == ([], [None])


async def test_conflicts_and_failures_are_told_and_the_decisions_stay(review: Review) -> None:
    carried = Carried(Reviewed(False, ("a.py", "odd\x1b[2J"), "", ""), WorkspaceError("disk\x1b[2J full"))
    app = opened(review, carried)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("A", "enter")
        await pilot.pause()
        assert "a.py, $'odd\\033[2J'" in message(app) and app.answers == []
        await pilot.press("enter")
        await pilot.pause()
        assert message(app) == "disk full"
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == [DONE] and len(carried.decided) == 3


async def test_a_hunk_is_edited_in_place(review: Review) -> None:
    carried = Carried()
    app = opened(review, carried)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.press("e")
        await pilot.pause()
        area = app.screen.query_one(TextArea)
        assert area.text == "\n".join(NEW.split("\n")[:6]) + "\n"
        area.text = area.text.replace("[three]", "3000")
        await pilot.press("ctrl+s")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        (decided,) = carried.decided
        edit = decided[0]
        assert isinstance(edit, Edit) and "line_3 = 3000\n" in edit.text and decided[1:] == [None] * 5


async def test_an_edit_that_is_left_or_changes_nothing_decides_nothing(review: Review) -> None:
    app = opened(review)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        for key in ("escape", "ctrl+s"):
            await pilot.press("e")
            await pilot.pause()
            await pilot.press(key)
            await pilot.pause()
        assert course(app) == ["-"] * 6


async def test_what_an_editor_cannot_show_is_not_edited(tmp_path: Path) -> None:
    old = {"esc": "a\nb\n", "mixed": "a\r\nb\n", "pic": "\0"}
    new = {"esc": "a\n\x1b[31mb\n", "mixed": "a\r\nc\n", "pic": "\0\0"}
    app = opened(await review_of(tmp_path, old, new))
    async with app.run_test(size=(100, 30)) as pilot:
        for _ in new:
            await pilot.pause()
            await pilot.press("e")
            await pilot.pause()
            assert isinstance(app.screen, ReviewScreen) and "cannot be edited" in message(app)
            await pilot.press("j")


async def test_line_ends_survive_an_edit(tmp_path: Path) -> None:
    app = opened(await review_of(tmp_path, {"dos": "a\r\nb\r\n"}, {"dos": "a\r\nc\r\n"}))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.press("e")
        await pilot.pause()
        app.screen.query_one(TextArea).text = "a\nd\n"
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(app.dialog, ReviewScreen)
        assert app.dialog.course.decisions.of("0.0") == Edit(text="a\r\nd\r\n")


async def test_nothing_to_review_is_said(tmp_path: Path) -> None:
    app = opened(await review_of(tmp_path, {"a": "a"}, {"a": "a"}))
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("y", "j", "A", "enter", "n")
        assert "Nothing changed" in message(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.answers == [None]


async def test_a_click_on_a_file_shows_it(review: Review) -> None:
    app = opened(review)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.click("FileList", offset=(6, 1))
        await pilot.press("y")
        assert course(app) == ["-", "-", "-", "a", "-", "-"]


async def test_nothing_of_a_file_acts_on_the_terminal(tmp_path: Path) -> None:
    app = opened(
        await review_of(
            tmp_path, {}, {"x\x1b]0;t\x07": "\x1b[2J[red]\u202eabc\x00"[:12] + "\n", "y": "\x1b]52;c;aGk=\x07\n"}
        )
    )
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        for _ in range(2):
            shown = [app.screen.query_one(LinesView).render_line(y).text for y in range(10)]
            assert "\x1b" not in "".join(shown) and "\u202e" not in "".join(shown)
            await pilot.press("j")


async def test_large_reviews_stay_quick(tmp_path: Path) -> None:
    files = {f"dir{number % 20}/file{number}.py": OLD for number in range(500)}
    large = "\n".join(LINES * 500)
    review = await review_of(tmp_path, {**files, "large": ""}, {**dict.fromkeys(files, NEW), "large": large})
    app = opened(review)
    began = time.perf_counter()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.press(*"jkjkyyyjjj", "right_square_bracket", "A", "u")
        listed = app.screen.query_one(FileList)
        listed.highlighted = 500
        listed.action_select()
        await pilot.pause()
        assert app.screen.query_one(LinesView).virtual_size.height > 20_000
        await pilot.press("j", "k", "y", "pagedown", "k")
        await pilot.pause()
        assert len(app.screen.query("*")) < 30
    assert time.perf_counter() - began < 20
