import asyncio
from pathlib import Path

import pytest
from acp.exceptions import RequestError

from tests.e2e.place import DONE, call
from tests.editor.acp.editor import Editor, editing

TASKS = call("write", path=".vscode/tasks.json", content="{}\n")
HOOK = call("write", path=".github/workflows/ci.yml", content="on: push\n")


async def test_always_covers_the_same_file_and_once_covers_once(home: Path, repo: Path) -> None:
    answers = [TASKS, HOOK, DONE, TASKS, HOOK, DONE]
    async with editing(home, repo, answers, editor=Editor(option="allow_always")) as agent:
        session = await agent.begin()
        await agent.prompt(session, "write them")
        agent.editor.option = "allow_once"
        await agent.prompt(session, "again")
        assert len(agent.editor.asked) == 2
        other = await agent.begin(answers=[TASKS, TASKS, DONE])
        await agent.prompt(other, "in another session")
        assert len(agent.editor.asked) == 4
    asked = agent.editor.asked[0]
    assert asked.title == "write .vscode/tasks.json" and asked.kinds == ["allow_once", "allow_always", "reject_once"]
    assert "which tools outside the sandbox run or obey" in asked.texts and asked.diffs[0].new_text == "{}\n"
    assert (repo / ".vscode/tasks.json").exists()


async def test_a_refusal_reaches_the_model_with_its_reason(home: Path, repo: Path) -> None:
    editor = Editor(option="reject_once", reason="not in this repository")
    async with editing(home, repo, [TASKS, TASKS, DONE], editor=editor) as agent:
        session = await agent.begin()
        prompt = asyncio.create_task(agent.prompt(session, "write it"))
        refused = await editor.until("tool_call_update", "not in this repository")
        editor.option = None
        assert (await prompt).stop_reason == "end_turn"
    assert refused.status == "failed" and editor.results()[0].content[0].content.text.startswith("Refused: the user")
    assert not (repo / ".vscode").exists()


async def test_a_question_that_waits_is_given_up_when_the_turn_is_cancelled(home: Path, repo: Path) -> None:
    editor = Editor(holds=asyncio.Event())
    async with editing(home, repo, [TASKS, DONE, DONE], editor=editor) as agent:
        session = await agent.begin()
        prompt = asyncio.create_task(agent.prompt(session, "write it"))
        await editor.until_asked()
        await agent.connection.cancel(session)
        assert (await prompt).stop_reason == "cancelled"
        assert editor.holds
        editor.holds.set()  # an answer that comes too late
        assert (await agent.prompt(session, "go on")).stop_reason == "end_turn"
    assert not (repo / ".vscode").exists()


async def test_modes_change_what_is_asked_and_both_ways_of_choosing_agree(home: Path, repo: Path) -> None:
    async with editing(home, repo, [TASKS, DONE, TASKS, DONE]) as agent:
        opened = await agent.new()
        session = opened.session_id
        assert opened.modes and opened.modes.current_mode_id == "ask"
        assert [mode.id for mode in opened.modes.available_modes] == ["plan", "ask", "auto"]
        await agent.connection.set_session_mode(session, "plan")
        await agent.prompt(session, "write it")
        assert "plan mode is read-only" in agent.editor.results()[0].content[0].content.text
        changed = await agent.connection.set_config_option("mode", session, "auto")
        assert {each.id: each.current_value for each in changed.config_options} == {
            "mode": "auto",
            "model": "current",
            "thinking": "auto",
        }
        await agent.editor.until("current_mode_update", "auto")
        await agent.prompt(session, "write it now")
    assert agent.editor.asked == [] and (repo / ".vscode/tasks.json").exists()


CHANGES = call("shell", command="mkdir .vscode && echo '{\"[x](y)\": 1}' > .vscode/tasks.json")


@pytest.mark.parametrize(("option", "is_kept"), [("allow_once", True), ("reject_once", False)])
async def test_what_a_command_did_to_a_protected_file_is_asked_after_the_turn(
    home: Path, repo: Path, option: str, is_kept: bool
) -> None:
    async with editing(home, repo, [CHANGES, DONE], editor=Editor(option=option)) as agent:
        assert (await agent.prompt(await agent.begin(), "do it")).stop_reason == "end_turn"
        assert (repo / ".vscode/tasks.json").exists() is is_kept
    (asked,) = agent.editor.asked
    assert asked.names == ["Keep", "Always keep for these files", "Take back"]
    assert "Tools outside the sandbox run or obey" in asked.texts and '+{"[x](y)": 1}\n' in asked.texts
    ended = agent.editor.results()[-1]
    assert (ended.tool_call_id, ended.status) == ("question-1", "completed" if is_kept else "failed")


@pytest.mark.parametrize("prompt", ["do it", f"/run {CHANGES['tool_calls'][0]['arguments']['command']}"])
async def test_a_question_after_the_turn_is_given_up_when_it_is_cancelled(home: Path, repo: Path, prompt: str) -> None:
    editor = Editor(holds=asyncio.Event())
    async with editing(home, repo, [CHANGES, DONE], editor=editor) as agent:
        session = await agent.begin()
        answer = asyncio.create_task(agent.prompt(session, prompt))
        await editor.until_asked()
        await agent.connection.cancel(session)
        assert (await answer).stop_reason == "cancelled"
        assert editor.results()[-1].tool_call_id == "question-1"


async def test_a_long_change_is_shown_as_far_as_it_goes_and_names_are_no_markup(home: Path, repo: Path) -> None:
    path = ".vscode/`[a](b)`.json"
    long = call("write", path=path, content="evil line\n" * 10_000)
    async with editing(home, repo, [long, DONE], editor=Editor(option="reject_once")) as agent:
        await agent.prompt(await agent.begin(), "write it")
    (asked,) = agent.editor.asked
    assert asked.diffs == [] and "+evil line\n+evil line" in asked.texts and len(asked.texts) < 60_000
    assert asked.texts.startswith(f"```\nThis writes {path}, which")


async def test_an_editor_that_cannot_ask_refuses(home: Path, repo: Path) -> None:
    editor = Editor(refuses=RequestError.method_not_found("session/request_permission"))
    async with editing(home, repo, [TASKS, DONE], editor=editor) as agent:
        assert (await agent.prompt(await agent.begin(), "write it")).stop_reason == "end_turn"
    assert "the editor could not put the question" in editor.results()[0].content[0].content.text
    assert not (repo / ".vscode").exists()
