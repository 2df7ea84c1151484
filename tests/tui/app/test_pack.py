from pathlib import Path

from textual.widgets import OptionList, Static

from glmcode.tui.choices import Choices
from glmcode.tui.pack.screen import PackScreen
from tests.glmcode.live.working import make_repo
from tests.tui.app.opened import Opened, opened

TASK = "why does add in calc.py not add?"


def two_files(folder: Path) -> Path:
    repo = make_repo(folder)
    (repo / "other.py").write_text("def add_other(a):\n    return add(a, 1)\n")
    return repo


def cost(it: Opened) -> str:
    return str(it.app.screen.query_one(".cost", Static).render())


def rows(it: Opened) -> list[str]:
    return [str(each.prompt) for each in it.app.screen.query_one(OptionList).options]


async def looking(it: Opened, command: str = f"/pack {TASK}") -> None:
    await it.type(command)
    await it.until(lambda: isinstance(it.app.screen, PackScreen))
    await it.until(lambda: "tokens of" in cost(it))


async def test_the_files_are_shown_with_tokens_lines_and_why_and_the_task_comes_back(tmp_path: Path) -> None:
    async with opened(tmp_path, repo=two_files(tmp_path), context=2000) as it:
        await looking(it)
        (row,) = [row for row in rows(it) if "calc.py" in row]
        assert "whole" in row and "tokens of 2.0K" in cost(it)
        await it.pilot.press("escape")
        await it.until(lambda: it.draft == TASK)


async def test_pins_and_drops_hold_for_what_is_sent_and_then_it_is_as_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path, repo=two_files(tmp_path), context=2000) as it:
        await looking(it)
        at = next(at for at, row in enumerate(rows(it)) if "calc.py" in row)
        it.app.screen.query_one(OptionList).highlighted = at
        await it.pilot.press("d")
        assert "r packs again" in cost(it) and rows(it)[at].startswith("×")
        await it.pilot.press("r")
        await it.until(lambda: "tokens of" in cost(it))
        assert [row[0] for row in rows(it) if "calc.py" in row] == ["×"] and "dropped" in rows(it)[-1]
        await it.pilot.press("home", "p", "r")
        await it.until(lambda: "tokens of" in cost(it) and rows(it)[0].startswith("●"))
        live = it.talk.live
        assert live and live.packing.dropped == ("calc.py",) and live.packing.pinned == ("other.py",)
        await it.pilot.press("escape")
        await it.turn(TASK)
        assert live.packing.sent and [each.path for each in live.packing.sent.files] == ["other.py"]
        await looking(it)
        before = rows(it)
        await it.pilot.press("d", "p", "r", "b")
        assert rows(it) == before and live.packing.pinned == ("other.py",)
        assert isinstance(it.app.screen, PackScreen)


async def test_a_pin_taken_back_and_a_drop_taken_back_leave_no_trace(tmp_path: Path) -> None:
    async with opened(tmp_path, repo=two_files(tmp_path), context=2000) as it:
        await looking(it)
        await it.pilot.press("p", "p", "d", "d", "d", "p", "p")
        assert it.talk.live and (it.talk.live.packing.pinned, it.talk.live.packing.dropped) == ((), ())


async def test_the_budget_is_chosen_and_packed_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, repo=two_files(tmp_path), context=2000) as it:
        await looking(it)
        await it.pilot.press("b")
        await it.until(lambda: isinstance(it.app.screen, Choices))
        await it.pilot.press(*"16K", "enter")
        await it.until(lambda: isinstance(it.app.screen, PackScreen) and "of 16K" in cost(it))
        await it.pilot.press("b")
        await it.until(lambda: isinstance(it.app.screen, Choices))
        await it.pilot.press(*"nothing", "enter")
        await it.until(lambda: isinstance(it.app.screen, PackScreen) and "nothing of the repository" in cost(it))
        assert it.talk.live and it.talk.live.packing.budget == 0


async def test_a_pin_on_nothing_is_said(tmp_path: Path) -> None:
    async with opened(tmp_path, repo=two_files(tmp_path), context=2000, pin=["nosuch.py"]) as it:
        await it.type("/pack")
        await it.until(lambda: isinstance(it.app.screen, PackScreen) and "nosuch.py" in cost(it))
        await it.pilot.press("home", "p", "r")
        await it.until(lambda: "tokens of" in cost(it))


async def test_a_command_by_hand_sends_no_pack_so_it_may_still_be_chosen(tmp_path: Path) -> None:
    async with opened(tmp_path, repo=two_files(tmp_path), context=2000) as it:
        await it.type("!true")
        await it.until(lambda: it.talk.live and it.talk.live.place)
        await it.idle()
        await looking(it)
        await it.pilot.press("home", "d")
        assert it.talk.live and len(it.talk.live.packing.dropped) == 1


async def test_what_an_earlier_run_sent_is_not_known(tmp_path: Path) -> None:
    async with opened(tmp_path, repo=two_files(tmp_path), context=2000) as it:
        await it.turn(TASK)
        session, repo = it.app.opening.session_id, it.repo
    async with opened(tmp_path, repo=repo, context=2000, resume=session) as it:
        await it.until(lambda: it.prompts == 1)
        await it.type("/pack")
        await it.until(lambda: "earlier run" in it.notes)
