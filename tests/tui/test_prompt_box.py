from pathlib import Path

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.pilot import Pilot
from textual.widgets import Static

from glmcode.tui.prompt.box import PromptBox
from glmcode.tui.prompt.draft import Draft
from glmcode.tui.prompt.history import HistoryFile
from glmcode.tui.prompt.queue import Queued, QueueStrip
from tests.tui.prompt_app import PromptApp


async def _type(pilot: Pilot[None], typed: str) -> None:
    keys = {" ": "space", "\n": "shift+enter", "/": "slash", "@": "at", "!": "exclamation_mark", ".": "full_stop"}
    await pilot.press(*(keys.get(char, char) for char in typed))
    await pilot.pause()


async def _paste(app: PromptApp, pilot: Pilot[None], pasted: str) -> None:
    app.area.post_message(events.Paste(pasted))
    await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()


def _hint(app: PromptApp) -> str:
    hint = app.box.query_one(".hint", Static)
    return str(hint.render()) if hint.display else ""


async def test_the_box_has_focus_at_once_and_enter_sends() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await _type(pilot, "fix it")
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == [("fix it", "prompt")]
        assert app.area.text == ""


@pytest.mark.parametrize("key", ["shift+enter", "ctrl+j", "alt+enter", "shift+\r"])
async def test_keys_that_break_the_line_send_nothing(key: str) -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await pilot.press("a", key, "b")
        assert app.area.text == "a\nb"
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == [("a\nb", "prompt")]


async def test_enter_after_a_backslash_breaks_the_line() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await pilot.press("a", "backslash", "enter", "b")
        assert app.area.text == "a\nb"
        assert app.sent == []


@pytest.mark.parametrize("draft", ["", "   ", "\n", "!", "! "])
async def test_nothing_is_sent_of_nothing(draft: str) -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        app.box.put(draft)
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == []


@pytest.mark.parametrize(
    ("draft", "sent"),
    [
        ("!make test", ("make test", "shell")),
        ("！ls", ("ls", "shell")),
        ("/compact keep the plan", ("/compact keep the plan", "command")),
        ("／help", ("/help", "command")),
        ("/fix first line\nsecond", ("/fix first line\nsecond", "command")),
        ("/usr/bin/env is missing", ("/usr/bin/env is missing", "prompt")),
        ("/ is full", ("/ is full", "prompt")),
        ("修复 [bug] 吧", ("修复 [bug] 吧", "prompt")),
    ],
)
async def test_the_beginning_says_what_is_sent(draft: str, sent: tuple[str, str]) -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        app.box.put(draft)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.sent == [sent]


async def test_shell_mode_is_visible_while_it_lasts() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await _type(pilot, "!ls")
        assert app.box.has_class("-shell") and "sandbox" in _hint(app)
        await pilot.press("home", "delete")
        await pilot.pause()
        assert not app.box.has_class("-shell") and _hint(app) == ""


async def test_steering_needs_a_running_turn() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        app.box.running = True
        await _type(pilot, "stop")
        await pilot.press("ctrl+s")
        app.box.running = False
        await _type(pilot, "go")
        await pilot.press("ctrl+s")
        await pilot.pause()
        steered, sent = app.posted
        assert isinstance(steered, PromptBox.Steered) and steered.text == "stop"
        assert isinstance(sent, PromptBox.Submitted) and sent.text == "go"


async def test_escape_interrupts_and_shift_tab_changes_the_mode() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await pilot.press("escape", "shift+tab")
        await pilot.pause()
        assert [type(one) for one in app.posted] == [PromptBox.Interrupted, PromptBox.ModeCycled]


async def test_a_question_mark_asks_for_help_only_where_nothing_is_typed() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await pilot.press("question_mark", "w", "question_mark")
        await pilot.pause()
        assert app.sent == [("/help", "command")]
        assert app.area.text == "w?"


async def test_ctrl_c_clears_a_draft_and_undo_brings_it_back() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await _type(pilot, "long thought")
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert app.area.text == "" and "Ctrl+Z" in _hint(app)
        await pilot.press("ctrl+z")
        assert app.area.text == "long thought"


async def test_the_box_grows_with_its_text_up_to_a_limit() -> None:
    app = PromptApp()
    async with app.run_test(size=(80, 30)) as pilot:
        app.box.put("one")
        await pilot.pause()
        small = app.area.size.height
        app.box.put("\n".join("line" for _ in range(5)))
        await pilot.pause()
        larger = app.area.size.height
        app.box.put("x " * 700)
        await pilot.pause()
        assert (small, larger) == (1, 5)
        assert 5 < app.area.size.height <= 12


async def test_up_and_down_walk_the_history_and_come_back_to_the_draft() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        for sent in ("first", "second\nlines"):
            app.box.put(sent)
            await pilot.press("enter")
        await _type(pilot, "draft")
        seen = []
        for key in ("up", "up", "up", "down", "down"):
            await pilot.press(key)
            await pilot.pause()
            seen.append(app.area.text)
        assert seen == ["second\nlines", "first", "first", "second\nlines", "draft"]


async def test_up_inside_a_text_moves_the_cursor_first() -> None:
    app = PromptApp()
    async with app.run_test(size=(40, 20)) as pilot:
        app.box.put("older")
        await pilot.press("enter")
        app.box.put("word " * 20)
        await pilot.pause()
        await pilot.press("up")
        assert app.area.text != "older"
        await pilot.press("up", "up", "up")
        assert app.area.text == "older"


async def test_reverse_search_finds_older_and_escape_takes_it_back() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        for sent in ("fix alpha", "fix beta", "other"):
            app.box.put(sent)
            await pilot.press("enter")
        await _type(pilot, "draft")
        await pilot.press("ctrl+r", "F", "i", "x")
        await pilot.pause()
        assert app.area.text == "fix beta"
        await pilot.press("ctrl+r")
        assert app.area.text == "fix alpha"
        await pilot.press("escape")
        await pilot.pause()
        assert app.area.text == "draft" and app.area.has_focus
        await pilot.press("ctrl+r", "b", "e", "t", "enter")
        await pilot.pause()
        assert app.area.text == "fix beta" and app.area.has_focus
        assert len(app.posted) == 3


async def test_history_and_draft_outlive_the_interface(tmp_path: Path) -> None:
    app = PromptApp(tmp_path / "prompts")
    async with app.run_test() as pilot:
        await _type(pilot, "sent")
        await pilot.press("enter")
        await _type(pilot, "unsent")
    again = PromptApp(tmp_path / "prompts")
    async with again.run_test() as pilot:
        await again.workers.wait_for_complete()
        await pilot.pause()
        assert again.area.text == "unsent" and "draft" in _hint(again)
        await pilot.press("up")
        assert again.area.text == "sent"
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "prompts").iterdir()}
    assert modes == {0o600} and (tmp_path / "prompts").stat().st_mode & 0o777 == 0o700


async def test_a_crash_takes_less_than_a_second_of_typing(tmp_path: Path) -> None:
    app = PromptApp(tmp_path)
    async with app.run_test() as pilot:
        await _type(pilot, "precious")
        await pilot.pause(0.8)
        # What a process would find that starts now, after this one died.
        assert [Draft.from_json(file.read_text()) for file in tmp_path.glob("draft-*.json")] == [Draft("precious")]
        await pilot.press("enter")
        await pilot.pause(0.8)
        assert [*tmp_path.glob("draft-*.json")] == []
        assert [entry.text for entry in HistoryFile(tmp_path).read()] == ["precious"]


async def test_a_large_paste_stands_folded_and_is_sent_whole() -> None:
    pasted = "\r".join(f"row {number}" for number in range(120))
    app = PromptApp()
    async with app.run_test() as pilot:
        await _type(pilot, "see ")
        await _paste(app, pilot, pasted)
        assert app.area.text == "see [pasted 120 lines #1]"
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == [("see " + pasted.replace("\r", "\n"), "prompt")]


async def test_a_folded_paste_goes_and_comes_back_as_one_and_opens_on_a_key() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await _paste(app, pilot, "row\n" * 20)
        await pilot.press("left", "x", "right", "backspace")
        assert app.area.text == "x"
        await pilot.press("ctrl+z")
        assert app.area.text == "x[pasted 20 lines #1]"
        await pilot.press("ctrl+o")
        assert app.area.text == "x" + "row\n" * 20


async def test_what_is_pasted_acts_on_no_terminal_and_is_no_command() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await _paste(app, pilot, "a\x1b[31mred\x1b]0;title\x07\u202ez")
        assert app.area.text == "aredz"
        app.box.put("")
        await _paste(app, pilot, "!rm -rf /\n" + "x\n" * 20)
        await pilot.press("enter")
        await pilot.pause()
        assert [kind for _, kind in app.sent] == ["prompt"]


async def test_pictures_are_refused_with_the_reason(tmp_path: Path) -> None:
    picture = tmp_path / "my shot.png"
    picture.write_bytes(b"\x89PNG")
    escaped = str(picture).replace(" ", "\\ ")
    app = PromptApp()
    async with app.run_test() as pilot:
        for pasted in (escaped, f"'{picture}'", str(picture), picture.as_uri(), "data:image/png;base64,AAAA", ""):
            app.box.say("")
            await _paste(app, pilot, pasted)
            assert app.area.text == "" and "GLM-4.6" in _hint(app), pasted
        await _paste(app, pilot, "see docs/logo.png")
        assert app.area.text == "see docs/logo.png"


async def test_chinese_arrives_whole_and_no_key_is_eaten() -> None:
    app = PromptApp()
    async with app.run_test(size=(20, 12)) as pilot:
        # As an input method commits it: all at once, as bytes of the terminal.
        for event in XTermParser().feed("请修复这个错误，谢谢你的帮助"):
            app.post_message(event)
        await pilot.pause()
        assert app.area.text == "请修复这个错误，谢谢你的帮助"
        # Two cells each: fourteen characters need two lines where twenty narrow ones would fit on one.
        assert app.area.size.height == 2


async def test_a_command_is_completed_and_one_without_arguments_sent() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await _type(pilot, "/co")
        assert [each.split()[0] for each in app.offered] == ["/compact", "/context"]
        await pilot.press("tab")
        await pilot.pause()
        assert app.area.text == "/compact " and app.offered == []
        app.box.put("")
        await _type(pilot, "/cont")
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == [("/context", "command")]


async def test_a_mention_is_completed_where_it_stands() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await _type(pilot, "see @due")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert len(app.offered) == 2
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.area.text == "see @duebook/money.py " and app.sent == []
        await _type(pilot, "看@bil")
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert app.offered == [] and app.posted == []
        await _type(pilot, "l a@b")
        assert app.offered == []


async def test_clicking_a_completion_takes_it() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await _type(pilot, "/co")
        await pilot.click("Suggestions", offset=(3, 1))
        await pilot.pause()
        assert app.area.text == "/context" and app.area.has_focus


async def test_up_in_an_empty_box_asks_for_the_last_waiting_message() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await app.box.show_queue([Queued(1, "one"), Queued(2, "two\n[b]lines[/b]")])
        await pilot.press("up")
        await pilot.pause()
        assert [one.id for one in app.posted if isinstance(one, QueueStrip.TakeBack)] == [2]
        app.box.put("two\nlines")
        assert app.box.value == "two\nlines"
        await pilot.click("QueueRow .remove")
        assert [one.id for one in app.posted if isinstance(one, QueueStrip.Removed)] == [1]
        await app.box.show_queue([])
        assert not app.box.query_one(QueueStrip).display


async def test_keys_that_come_faster_than_the_list_mean_what_they_say() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await pilot.press("slash")
        await pilot.pause()
        for key, character in [*((each, each) for each in "quit"), ("enter", None)]:
            app.area.post_message(events.Key(key, character))
        await pilot.pause()
        assert [(each.text, each.kind) for each in app.posted if isinstance(each, PromptBox.Submitted)] == [
            ("/quit", "command")
        ]


async def test_a_command_typed_to_its_end_is_sent_by_one_enter() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await pilot.press(*"/compact")
        await pilot.pause()
        await pilot.press("enter")
        assert [each.text for each in app.posted if isinstance(each, PromptBox.Submitted)] == ["/compact"]
