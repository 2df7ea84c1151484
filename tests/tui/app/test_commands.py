import inspect
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from glmcode import paths
from glmcode.session import store
from glmcode.tui import texts
from glmcode.tui.aside.panel import AsidePanel
from glmcode.tui.choices import Choices
from glmcode.tui.commands.table import COMMANDS, completions, nearest
from glmcode.tui.find.bar import FindBar
from glmcode.tui.page.screen import PageScreen
from glmcode.tui.preferences import load_preferences
from glmcode.tui.review.screen import ReviewScreen
from glmcode.tui.transcript.entries import Answer, Call, Seal, UserSaid
from glmcode.tui.welcome.welcome import Welcome
from tests.glmcode.live.working import EDIT, make_repo, shell
from tests.tui.app.opened import Opened, opened

TODO = {"name": "todo", "arguments": {"items": [{"content": "look", "status": "done"}]}}


def page(it: Opened) -> str:
    """The text of the page that is shown."""
    screen = it.app.screen
    assert isinstance(screen, PageScreen)
    return screen._markdown


async def shown(it: Opened, command: str) -> str:
    await it.type(command)
    await it.until(lambda: isinstance(it.app.screen, PageScreen))
    text = page(it)
    await it.pilot.press("escape")
    await it.until(lambda: it.app.screen is it.app.chat)
    return text


def test_every_command_has_help_in_both_languages_and_is_completed() -> None:
    for language in texts.LANGUAGES:
        table = texts._table(language)
        assert [each.name for each in COMMANDS if not table.get(f"commands.{each.name}")] == []
    assert [each.name for each in completions()] == [f"/{each.name}" for each in COMMANDS]
    assert len({each.name for each in COMMANDS}) == len(COMMANDS)
    assert all(inspect.iscoroutinefunction(each.handler) for each in COMMANDS)


@pytest.mark.parametrize(("typed", "meant"), [("hlep", "help"), ("resum", "resume"), ("xyzzy", None)])
def test_the_nearest_command_is_found(typed: str, meant: str | None) -> None:
    assert nearest(typed) == meant


async def test_an_unknown_command_is_answered_with_the_nearest(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        await it.type("/exprot")
        await it.until(lambda: "/export" in it.notes)
        assert "/exprot" in it.notes


async def test_help_names_every_command(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        await it.pilot.press("question_mark")
        await it.until(lambda: isinstance(it.app.screen, PageScreen))
        assert [each.name for each in COMMANDS if each.usage not in page(it)] == []


async def test_new_leaves_the_session_on_disk_and_begins_another(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "one"}, {"content": "two"}]) as it:
        await it.turn("first")
        first = it.app.opening.session_id
        await it.type("/new")
        await it.until(lambda: not it.talk.busy and not it.entries)
        assert it.app.opening.session_id is None and it.app.chat.query_one(Welcome).display
        await it.turn("second")
        assert it.app.opening.session_id != first
        assert len(store.headers(paths.sessions_dir())) == 2


async def test_resume_goes_on_with_the_chosen_session(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "one"}, {"content": "two"}]) as it:
        await it.turn("first")
        first = it.app.opening.session_id
        await it.type("/new")
        await it.idle()
        await it.type("/resume")
        await it.until(lambda: isinstance(it.app.screen, Choices))
        await it.pilot.press("enter")
        await it.until(lambda: it.app.opening.session_id == first)
        await it.idle()
        assert [each.text for each in it.entries if isinstance(each, UserSaid)] == ["first"]


async def test_resuming_an_unknown_session_is_said_and_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "one"}]) as it:
        await it.turn("first")
        session, entries = it.app.opening.session_id, len(it.entries)
        await it.type("/resume 20200101-000000-abcdef")
        await it.until(lambda: "20200101-000000-abcdef" in it.notes)
        assert it.app.opening.session_id == session and len(it.entries) == entries + 1


async def test_fork_goes_on_in_a_copy(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "one"}, {"content": "two"}]) as it:
        await it.turn("first")
        session = it.app.opening.session_id
        await it.type("/fork")
        await it.until(lambda: it.app.opening.session_id != session)
        await it.idle()
        await it.turn("second")
        assert [each.text for each in it.entries if isinstance(each, UserSaid)] == ["first", "second"]
        assert len(store.headers(paths.sessions_dir())) == 2


@pytest.mark.parametrize("ending", ["md", "html", "json"])
async def test_export_writes_the_session_to_a_new_file(ending: str, tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "an <b>answer</b>"}]) as it:
        await it.turn("first")
        await it.type(f"/export out.{ending}")
        await it.until(lambda: "out." in it.notes)
        written = (it.repo / f"out.{ending}").read_text()
        assert "an &lt;b&gt;answer" in written if ending == "html" else "an <b>answer" in written
        await it.type(f"/export out.{ending}")
        await it.until(lambda: "File exists" in it.notes)


async def test_copy_takes_the_last_answer_or_its_code(tmp_path: Path) -> None:
    answers = [{"content": "see:\n\n```sh\nls\n```\n\n```python\nx = 1\n```\n"}, {"content": "no code"}]
    async with opened(tmp_path, answers) as it:
        await it.type("/copy")
        await it.until(lambda: "nothing to copy" in it.notes)
        await it.turn("first")
        await it.type("/copy code")
        await it.until(lambda: it.app.clipboard.strip() == "x = 1")
        await it.type("/copy")
        await it.until(lambda: "```python" in it.app.clipboard)
        await it.turn("second")
        await it.type("/copy code 1")
        await it.until(lambda: it.app.clipboard == "ls")
        await it.type("/copy code 3")
        await it.until(lambda: it.notes.count("nothing to copy") == 2)


async def test_compact_shortens_and_says_so_where_there_is_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "one"}]) as it:
        await it.type("/compact")
        await it.until(lambda: "no conversation" in it.notes)
        await it.turn("first")
        await it.type("/compact keep the plan")
        await it.until(lambda: "short" in it.notes)


async def test_a_shell_command_by_hand_is_shown_and_told_to_the_model(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "I see"}]) as it:
        await it.type("!echo by hand")
        await it.until(lambda: any(isinstance(each, Call) and each.state == "ok" for each in it.entries))
        await it.idle()
        await it.turn("look")
        place = it.talk.live and it.talk.live.place
        assert place and "by hand" in place.session.messages[1].content


async def test_the_tests_run_by_hand(tmp_path: Path) -> None:
    async with opened(tmp_path, test_command="echo '1 passed'") as it:
        await it.type("/test")
        await it.until(lambda: any(isinstance(each, Call) and each.state != "running" for each in it.entries))
        (call,) = [each for each in it.entries if isinstance(each, Call)]
        assert call.name == "run_tests"


async def test_a_command_that_needs_the_session_alone_waits_for_its_turn(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"tool_calls": [shell("sleep 60")]}]) as it:
        await it.type("first")
        await it.until(lambda: any(isinstance(each, Call) for each in it.entries))
        await it.type("/new")
        await it.until(lambda: "/new" in it.notes)
        assert it.talk.busy and it.entries


async def test_diff_shows_what_the_session_changed(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"tool_calls": [EDIT]}, {"content": "ok"}]) as it:
        await it.type("/diff")
        await it.until(lambda: "changed nothing" in it.notes)
        await it.turn("make add add")
        assert "+    return a + b" in await shown(it, "/diff")


async def test_btw_asks_beside_the_conversation(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "one"}, {"content": "by the way"}, {"content": "two"}]) as it:
        await it.turn("first")
        entries = len(it.entries)
        await it.type("/btw what is this?")
        panel = it.app.chat.query_one(AsidePanel)
        await it.until(lambda: panel.display and panel._answer == "by the way")
        assert len(it.entries) == entries
        await it.pilot.press("escape")
        assert not panel.display


async def test_think_changes_the_next_turn_and_the_status(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "one"}]) as it:
        await it.type("/think off")
        await it.until(lambda: it.app.opening.settings.thinking == "off")
        await it.pilot.press("ctrl+t")
        assert it.app.opening.settings.thinking == "on"
        await it.type("/think")
        await it.until(lambda: "is on" in it.notes)


async def test_model_takes_a_name_and_says_what_holds_now(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "one"}, {"content": "two"}]) as it:
        await it.turn("first")
        await it.type("/model glm-4.6-air")
        await it.until(lambda: "glm-4.6-air" in it.notes)
        assert it.app.opening.settings.model == "glm-4.6-air"


async def test_model_without_a_name_lists_the_known_endpoints(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        await it.until(lambda: it.app.opening.session is not None)
        await it.type("/model")
        await it.until(lambda: isinstance(it.app.screen, Choices))
        await it.pilot.press(*"sglang", "enter")
        await it.idle()
        assert it.app.opening.settings.base_url == "http://127.0.0.1:30000/v1"


async def test_engine_says_who_answers(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        assert "scripted" in await shown(it, "/engine")


async def test_todo_shows_the_list(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"tool_calls": [TODO]}, {"content": "ok"}]) as it:
        await it.type("/todo")
        await it.until(lambda: "no list" in it.notes)
        await it.turn("first")
        assert "- [x] look" in await shown(it, "/todo")


async def test_find_goes_to_what_is_looked_for(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "needle here"}]) as it:
        await it.turn("first")
        await it.type("/find needle")
        await it.until(lambda: it.app.chat.query_one(FindBar).display)
        view = it.app.chat.view
        assert view.cursor is not None and isinstance(it.entries[view.cursor], Answer)
        await it.pilot.press("escape")
        assert not it.app.chat.query_one(FindBar).display and view.search is None


async def test_looks_are_remembered(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        await it.type("/theme glmcode-light")
        await it.until(lambda: it.app.theme == "glmcode-light")
        await it.type("/language zh")
        await it.until(lambda: load_preferences().language == "zh")
        await it.type("/mouse off")
        await it.until(lambda: not load_preferences().mouse)
        repo = it.repo
    async with opened(tmp_path, repo=repo) as it:
        assert it.app.theme == "glmcode-light" and not it.app.preferences.mouse
        assert "此仓库" in texts.text("welcome.recent")


async def test_a_theme_that_is_not_there_is_said(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        await it.type("/theme nosuch")
        await it.until(lambda: "nosuch" in it.notes)
        assert it.app.theme == "glmcode-dark"


async def test_quit_leaves(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        await it.type("/quit")
        await it.until(lambda: not it.app.is_running)


def fix_repo(folder: Path) -> Path:
    repo = make_repo(folder)
    (repo / "test_calc.py").write_text(
        "import unittest\nfrom calc import add\n\n\nclass T(unittest.TestCase):\n"
        "    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n"
    )
    git = ["git", "-C", str(repo), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "test"], check=True)
    return repo


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [([{"tool_calls": [EDIT]}, {"content": "done"}], "verified"), ([{"content": "nothing to do"}], "none")],
)
async def test_fix_ends_with_the_verdict_of_the_harness(answers: list[Any], verdict: str, tmp_path: Path) -> None:
    repo = fix_repo(tmp_path)
    async with opened(tmp_path, answers, repo=repo, test_command="python3 -m unittest -v") as it:
        await it.type("/fix add subtracts where it should add")
        await it.until(lambda: any(isinstance(each, Seal) for each in it.entries))
        seal = next(each for each in it.entries if isinstance(each, Seal))
        assert seal.verdict == verdict
        assert (seal.fixed == 1) is (verdict == "verified")
        assert "before: " in it.notes
        typed = json.dumps([each.text for each in it.entries if isinstance(each, UserSaid)])
        assert "/fix add subtracts" in typed
        session = it.app.opening.session_id
        await it.type("/export proof.md")
        await it.until(lambda: (repo / "proof.md").exists())
        assert f"*Verdict: {verdict}" in (repo / "proof.md").read_text()
    async with opened(tmp_path, repo=repo, resume=session) as it:
        await it.until(lambda: it.prompts == 1)
        assert [each for each in it.entries if isinstance(each, Seal)] == [seal]


async def test_a_refused_hunk_is_taken_back_and_the_model_is_told(tmp_path: Path) -> None:
    answers: list[Any] = [{"tool_calls": [EDIT]}, {"content": "done"}, {"content": "I see"}]
    async with opened(tmp_path, answers) as it:
        await it.type("make add add")
        await it.until(lambda: not it.app.chat.conversation.busy)
        assert "a + b" in (it.repo / "calc.py").read_text()
        await it.type("/review")
        await it.until(lambda: isinstance(it.app.screen, ReviewScreen))
        await it.pilot.press("n", *"no", "enter", "enter")
        await it.until(lambda: it.app.screen is it.app.chat)
        assert "a - b" in (it.repo / "calc.py").read_text()
        await it.type("and now?")
        await it.until(lambda: not it.app.chat.conversation.busy)
        live = it.app.chat.conversation.live
        assert live and live.place
        said = live.place.session.messages[-2].content
        assert "calc.py" in said and "no" in said and said.endswith("and now?")
