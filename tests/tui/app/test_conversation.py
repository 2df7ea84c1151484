import asyncio
from pathlib import Path
from typing import Any

from textual.widgets import OptionList

from glmcode import paths
from glmcode.session import store
from glmcode.tui.approval.dialog import ApprovalDialog
from glmcode.tui.texts import text
from glmcode.tui.transcript.entries import Answer, Call, Note, TurnEnd, UserSaid
from glmcode.tui.welcome.welcome import Welcome
from tests.glmcode.live.working import EDIT, TASKS, shell
from tests.tui.app.opened import opened

SLOW = {"tool_calls": [shell("sleep 60")]}


async def test_a_prompt_is_played_and_shown(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"reasoning": "hm", "tool_calls": [EDIT]}, {"content": "done **now**"}]) as it:
        assert it.app.chat.query_one(Welcome).display
        await it.turn("make add add")
        assert not it.app.chat.query_one(Welcome).display
        assert "a + b" in (it.repo / "calc.py").read_text()
        kinds = [type(each) for each in it.entries]
        assert kinds.index(UserSaid) < kinds.index(Call) < kinds.index(Answer) < kinds.index(TurnEnd)
        status = it.app.chat._stage.status.status
        assert status and status.tokens_in > 0 and status.branch in ("master", "main") and status.segments


async def test_the_first_prompt_may_come_with_the_command(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "hello"}], start={"prompt": "hi"}) as it:
        await it.until(lambda: any(isinstance(each, TurnEnd) for each in it.entries))
        assert "hello" in it.said


async def test_nothing_is_made_on_disk_before_the_first_prompt(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        await it.until(lambda: it.app.opening.session is not None)
        assert store.headers(paths.sessions_dir()) == []


async def test_what_is_typed_while_a_turn_runs_waits_and_follows_in_order(tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = [
        {"tool_calls": [shell("while [ ! -e go ]; do sleep 0.05; done")]},
        {"content": "one"},
        {"content": "two"},
        {"content": "three"},
    ]
    async with opened(tmp_path, answers) as it:
        await it.type("first")
        await it.until(lambda: it.talk.busy)
        await it.type("second")
        await it.type("third")
        assert [each.text for each in it.talk.queue] == ["second", "third"]
        (it.repo / "go").touch()
        await it.until(lambda: sum(isinstance(each, TurnEnd) for each in it.entries) == 3)
        assert [each.text for each in it.entries if isinstance(each, UserSaid)] == ["first", "second", "third"]
        assert it.talk.queue == []


async def test_escape_interrupts_keeps_the_queue_and_the_next_message_goes_first(tmp_path: Path) -> None:
    async with opened(tmp_path, [SLOW, {"content": "b"}, {"content": "c"}]) as it:
        await it.type("first")
        await it.until(lambda: any(isinstance(each, Call) for each in it.entries))
        await it.type("waits")
        await it.pilot.press("escape")
        await it.idle()
        end = next(each for each in it.entries if isinstance(each, TurnEnd))
        assert end.reason == "cancelled" and [each.text for each in it.talk.queue] == ["waits"]
        await it.type("correction")
        await it.until(lambda: sum(isinstance(each, TurnEnd) for each in it.entries) == 3)
        assert [each.text for each in it.entries if isinstance(each, UserSaid)] == ["first", "correction", "waits"]


WAITING = shell("while [ ! -e go ]; do sleep 0.05; done")["arguments"]["command"]


async def test_a_call_that_is_interrupted_says_how_long_it_ran(tmp_path: Path) -> None:
    calls = [shell("sleep 60"), shell("echo never")]
    async with opened(tmp_path, [{"tool_calls": calls}]) as it:
        await it.type("wait")
        await it.until(lambda: any(isinstance(each, Call) for each in it.entries))
        await it.pilot.pause(0.5)
        await it.pilot.press("escape")
        await it.idle()
        ran, never = (each.duration_s for each in it.entries if isinstance(each, Call))
        assert ran is not None and ran >= 0.5 and never == 0


async def test_what_is_typed_while_a_command_runs_is_sent_when_it_has_ended(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "one"}, {"content": "two"}]) as it:
        await it.type(f"!{WAITING}")
        await it.until(lambda: it.talk.busy)
        await it.type("first")
        await it.type("second")
        assert [each.text for each in it.talk.queue] == ["first", "second"]
        (it.repo / "go").touch()
        await it.until(lambda: sum(isinstance(each, TurnEnd) for each in it.entries) == 2)
        assert it.prompts == 2 and it.talk.queue == []


async def test_what_waits_for_a_command_that_is_interrupted_is_told_and_follows_the_next_message(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, [{"content": "one"}, {"content": "two"}]) as it:
        await it.type(f"!{WAITING}")
        await it.until(lambda: it.talk.busy)
        await it.type("waits")
        await it.pilot.press("escape")
        await it.idle()
        assert text("conversation.waiting", count=1) in it.notes and it.prompts == 0
        await it.type("/new")
        await it.idle()
        assert [each.text for each in it.talk.queue] == ["waits"] and it.prompts == 0
        await it.type("first")
        await it.until(lambda: sum(isinstance(each, TurnEnd) for each in it.entries) == 2)
        assert [each.text for each in it.entries if isinstance(each, UserSaid)] == ["first", "waits"]


async def test_a_waiting_message_is_taken_back_into_the_prompt(tmp_path: Path) -> None:
    async with opened(tmp_path, [SLOW]) as it:
        await it.type("first")
        await it.until(lambda: any(isinstance(each, Call) for each in it.entries))
        await it.type("second thoughts")
        await it.pilot.press("up")
        await it.until(lambda: it.draft == "second thoughts")
        assert it.talk.queue == []


async def test_ctrl_s_steers_the_running_turn(tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = [{"tool_calls": [shell("sleep 0.7; echo out")]}, {"content": "as you say"}]
    async with opened(tmp_path, answers) as it:
        await it.type("first")
        await it.until(lambda: any(isinstance(each, Call) for each in it.entries))
        it.app.chat.box.put("use tabs")
        await it.pilot.press("ctrl+s")
        await it.idle()
        place = it.talk.live and it.talk.live.place
        assert place and any("use tabs" in each.content for each in place.session.messages if each.role == "tool")
        assert it.talk.queue == []


async def test_shift_tab_cycles_the_mode_and_it_judges_the_next_call(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"tool_calls": [TASKS]}, {"content": "ok"}]) as it:
        await it.pilot.press("shift+tab")
        modes = [it.app.opening.mode]
        await it.pilot.press("shift+tab")
        assert [*modes, it.app.opening.mode] == ["auto", "plan"]
        await it.turn("write tasks")
        assert not (it.repo / ".vscode").exists()
        call = next(each for each in it.entries if isinstance(each, Call))
        assert call.state == "refused"


async def test_an_approval_is_asked_in_a_dialog(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"tool_calls": [TASKS]}, {"content": "ok"}]) as it:
        await it.type("write tasks")
        await it.until(lambda: isinstance(it.app.screen, ApprovalDialog))
        await asyncio.sleep(0.8)
        await it.pilot.press("y")
        await it.idle()
        assert (it.repo / ".vscode/tasks.json").exists()


async def test_a_failure_before_the_turn_gives_the_prompt_back(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "x"}]) as it:
        (tmp_path / "script.json").unlink()
        it.app.opening.session = None
        it.app.opening._settings = it.app.opening._settings.model_copy(update={"engine": "scripted:/nowhere"})
        await it.turn("keep me")
        assert it.draft == "keep me" and "/nowhere" in it.notes


async def test_ctrl_c_twice_leaves_and_closes_everything(tmp_path: Path) -> None:
    async with opened(tmp_path, [SLOW]) as it:
        await it.type("first")
        await it.until(lambda: any(isinstance(each, Call) for each in it.entries))
        await it.pilot.press("ctrl+c")
        assert it.app.is_running and "Ctrl+C" in it.hint
        await it.pilot.press("ctrl+c")
        await it.until(lambda: not it.app.is_running)
        assert it.app.opening.session is None and it.app.opening.session_id


async def test_recent_sessions_are_offered_and_come_back_whole(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"tool_calls": [EDIT]}, {"content": "the **end**"}]) as it:
        await it.turn("make add add")
        shown = [type(each) for each in it.entries if not isinstance(each, Note)]
        repo = it.repo
    async with opened(tmp_path, [{"content": "again"}], repo=repo) as it:
        recent = it.app.chat.query_one(Welcome).query_one(OptionList)
        await it.until(lambda: recent.option_count == 1)
        await it.pilot.press("tab", "enter")
        await it.until(lambda: it.entries and not it.talk.busy)
        assert [type(each) for each in it.entries if not isinstance(each, Note)] == shown
        await it.turn("and now?")
        place = it.talk.live and it.talk.live.place
        assert place and next(each.content for each in place.session.messages if each.role == "user").endswith(
            "add add"
        )


async def test_a_session_named_at_the_start_is_shown(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "first answer"}]) as it:
        await it.turn("hello")
        repo, session = it.repo, it.app.opening.session_id
    async with opened(tmp_path, repo=repo, resume=session) as it:
        await it.until(lambda: "first answer" in it.said)
        assert not it.app.chat.query_one(Welcome).display


async def test_text_typed_while_the_conversation_has_the_focus_goes_to_the_prompt(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "x"}]) as it:
        await it.turn("hello")
        it.app.chat.view.focus()
        await it.pilot.press("h", "i")
        assert it.draft == "hi"
