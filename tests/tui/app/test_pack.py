from pathlib import Path

from textual.widgets import OptionList, Static

from glmcode.tui.choices import Choices
from glmcode.tui.pack.finder import PathFinder
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


async def test_pins_and_drops_hold_for_what_is_sent_and_leaving_changes_nothing_afterwards(tmp_path: Path) -> None:
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
        await it.pilot.press("s")
        assert isinstance(it.app.screen, PackScreen) and "send it" in str(it.app.screen.query_one(".keys").render())
        await it.pilot.press("home", "d")
        assert rows(it) != before and "r packs anew" in cost(it)
        await it.pilot.press("escape")
        await it.until(lambda: it.app.screen is it.app.chat)
        assert (live.packing.pinned, live.packing.dropped) == (("other.py",), ("calc.py",))
        assert live.place and not [each for each in live.place.session.messages if "packed anew" in each.content]


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
        await it.until(lambda: isinstance(it.app.screen, PackScreen) and "earlier run" in cost(it))
        await it.pilot.press("r")
        await it.until(lambda: any("calc.py" in row for row in rows(it)))


async def test_a_file_that_was_not_chosen_is_found_by_its_letters_and_pinned_with_lines(tmp_path: Path) -> None:
    repo = two_files(tmp_path)
    (repo / "deep").mkdir()
    (repo / "deep/[b]unrelated.py").write_text("X = 1\nY = 2\nZ = 3\n")
    async with opened(tmp_path, repo=repo, context=2000) as it:
        await looking(it)
        await it.pilot.press("a")
        await it.until(lambda: isinstance(it.app.screen, PathFinder))
        await it.pilot.press(*"bunrel:2", "enter")
        await it.until(lambda: isinstance(it.app.screen, PackScreen))
        live = it.talk.live
        assert live and live.packing.pinned == ("deep/[b]unrelated.py:2",)
        await it.pilot.press("r")
        await it.until(lambda: "tokens of" in cost(it) and "●" in rows(it)[0] and "unrelated" in rows(it)[0])
        await it.pilot.press("a")
        await it.until(lambda: isinstance(it.app.screen, PathFinder))
        await it.pilot.press(*"nosuchfile", "enter", "escape")
        await it.until(lambda: isinstance(it.app.screen, PackScreen))
        assert len(live.packing.pinned) == 1
        await it.pilot.press("escape")
        await it.turn(TASK)
        assert live.place and "Y = 2" in live.place.session.messages[1].content


async def test_a_pack_that_was_sent_is_replaced_at_a_price_that_is_told(tmp_path: Path) -> None:
    price = {"prompt": 0.6, "cached": 0.1, "completion": 2.0}
    async with opened(tmp_path, repo=two_files(tmp_path), context=2000, drop=["other.py"], price=price) as it:
        await it.turn(TASK)
        await looking(it, "/pack")
        at = next(at for at, row in enumerate(rows(it)) if "other.py" in row)
        it.app.screen.query_one(OptionList).highlighted = at
        await it.pilot.press("p", "r")
        await it.until(lambda: "read anew once" in cost(it))
        assert "from the cache" in cost(it) and "$0.00" in cost(it)
        await it.pilot.press("s")
        await it.until(lambda: "repository pack" in it.notes)
        await it.idle()
        live = it.talk.live
        assert live and live.place and live.packing.sent
        first = live.place.session.messages[1].content
        assert "add_other" in first and first.endswith(f"in them already.]\n\n{TASK}")
        assert it.talk.standing.status(it.app.opening.settings, live).broken_segment == "repository pack"
        session, repo = it.app.opening.session_id, it.repo
    async with opened(tmp_path, repo=repo, context=2000, resume=session) as it:
        await it.until(lambda: it.prompts == 1)
        await it.turn("and now?")
        assert it.talk.live and it.talk.live.place
        assert "add_other" in it.talk.live.place.session.messages[1].content


async def test_the_pack_of_an_isolated_session_stays_as_it_was_sent(tmp_path: Path) -> None:
    async with opened(tmp_path, repo=two_files(tmp_path), context=2000, workspace="isolated") as it:
        await it.turn(TASK)
        await looking(it, "/pack")
        before = rows(it)
        await it.pilot.press("home", "d", "p", "r", "a", "s")
        assert rows(it) == before and isinstance(it.app.screen, PackScreen)
