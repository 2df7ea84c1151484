import asyncio
import subprocess
from pathlib import Path

import pytest
from acp.exceptions import RequestError
from acp.schema import ResourceContentBlock

from glmcode.editor.acp.commands import command_in
from tests.e2e.place import DONE, FIX, call
from tests.editor.acp.editor import Editor, editing
from tests.editor.acp.test_turns import remote
from tests.simulated.server import SimulatedEndpoint


@pytest.mark.parametrize("prompt", ["/etc/hosts is odd", "what of /compact?", "/compacted", "/", "hi"])
def test_only_a_command_is_a_command(prompt: str) -> None:
    assert command_in(prompt) is None


async def test_what_is_run_by_hand_is_shown_and_told_with_the_next_prompt(home: Path, repo: Path) -> None:
    async with (
        SimulatedEndpoint([{"content": "I see"}]) as server,
        editing(home, repo, [], engine=remote(server)) as agent,
    ):
        session = await agent.begin()
        await agent.prompt(session, "/run echo by hand; exit 3")
        (call_,), (ended,) = agent.editor.of("tool_call"), agent.editor.results()
        assert call_.title == "shell: echo by hand; exit 3" and "exit code 3" in ended.content[1].content.text
        await agent.prompt(session, "look")
        last = server.requests[0].body["messages"][-1]["content"]
    assert "The user ran `shell: echo by hand; exit 3`" in last and last.endswith("look")


async def test_commands_change_what_they_say_and_the_editor_is_told(home: Path, repo: Path) -> None:
    async with editing(home, repo, [FIX, DONE, {"content": "aside"}]) as agent:
        session = await agent.begin()
        await agent.prompt(session, "/context")
        await agent.prompt(session, "/compact")
        assert "Nothing is in the model's window yet." in agent.editor.text()
        assert "There is nothing to compact yet." in agent.editor.text()
        await agent.prompt(session, "/mode plan")
        assert (await agent.editor.until("current_mode_update")).current_mode_id == "plan"
        await agent.prompt(session, "/think off")
        chosen = agent.editor.of("config_option_update")[-1].config_options
        assert {each.id: each.current_value for each in chosen}["thinking"] == "off"
        for wrong in ("/mode yolo", "/think hard", "/btw", "/run", "/test 'open"):
            with pytest.raises(RequestError, match="takes") as caught:
                await agent.prompt(session, wrong)
            assert caught.value.code == -32602
        await agent.prompt(session, "make add add")
        assert "plan mode" in agent.editor.results()[0].content[0].content.text
        await agent.prompt(session, "/btw why?")
        assert agent.editor.text().endswith("> why?\n\naside\n")
        await agent.prompt(session, "/context")
        assert "| history |" in agent.editor.text()


async def test_an_aside_is_answered_while_a_turn_runs_and_does_not_mix_with_it(home: Path, repo: Path) -> None:
    wait = {"content": "I wait. ", **call("shell", command="until test -e go; do sleep 0.1; done")}
    async with editing(home, repo, [wait, {"content": "by the way"}, DONE]) as agent:
        session = await agent.begin()
        prompt = asyncio.create_task(agent.prompt(session, "work"))
        await agent.editor.until("tool_call")
        assert (await agent.prompt(session, "/btw what is it?")).stop_reason == "end_turn"
        assert not prompt.done()
        (repo / "go").touch()
        await prompt
    said = agent.editor.of("agent_message_chunk")
    asides = {update.message_id for update in said if "by the way" in update.content.text}
    assert len(asides) == 1 and all("by the way" in each.content.text for each in said if each.message_id in asides)


async def test_the_tests_of_the_repository_run_by_hand(home: Path, repo: Path) -> None:
    async with editing(home, repo, [DONE], "--test-command", "echo 1 passed") as agent:
        session = await agent.begin()
        assert (await agent.prompt(session, "/test")).stop_reason == "end_turn"
        assert agent.editor.of("tool_call")[0].kind == "execute" and agent.editor.results()


async def test_an_unsaved_buffer_is_read_from_the_editor(home: Path, repo: Path) -> None:
    path = repo / "calc.py"
    editor = Editor(buffers={str(path): "def add(a, b, c): ...\n"})
    async with (
        SimulatedEndpoint([{"content": "I see"}]) as server,
        editing(home, repo, [], engine=remote(server), editor=editor) as agent,
    ):
        session = await agent.begin()
        mention = ResourceContentBlock(type="resource_link", uri=path.as_uri(), name="calc.py")
        await agent.prompt(session, "What is ", mention, "?")
        sent = server.requests[0].body["messages"][-1]["content"]
        agent.editor.updates.clear()
        await agent.connection.load_session(str(repo), session, mcp_servers=[])
    assert editor.read == [str(path)]
    assert "def add(a, b, c)" in sent and sent.endswith("What is @calc.py?")
    assert editor.text("user_message_chunk") == "What is @calc.py?"


async def test_a_commit_is_asked_for_and_made(home: Path, repo: Path) -> None:
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = a@example.org\n")
    editor = Editor(option="reject_once")
    async with editing(home, repo, [FIX, DONE, {"content": "Let add add"}], editor=editor) as agent:
        session = await agent.begin()
        await agent.prompt(session, "make add add")
        await agent.prompt(session, "/commit")
        assert "Let add add" in editor.text() and "- calc.py" in editor.text()
        assert editor.text().endswith("Nothing was committed.")
        editor.option = "allow_once"
        await agent.prompt(session, "/commit By hand")
        assert "Commit these 1 files" in editor.asked[-1].title and "Committed to " in editor.text()
    log = await asyncio.to_thread(
        subprocess.run, ["git", "log", "-1", "--format=%s"], cwd=repo, capture_output=True, text=True, check=True
    )
    assert log.stdout == "By hand\n"
