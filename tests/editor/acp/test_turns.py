import asyncio
from pathlib import Path
from typing import Any

import pytest
from acp.exceptions import RequestError

from tests.e2e.place import DONE, FIX, FIXED, call
from tests.editor.acp.editor import WINDOW, Editor, editing
from tests.simulated.server import SimulatedEndpoint

TODO = call("todo", items=[{"content": "look", "status": "done"}, {"content": "mend", "status": "in_progress"}])

NOW: dict[str, Any] = {"content": "now"}


async def test_a_turn_is_shown_as_thoughts_calls_diffs_plan_and_answer(home: Path, repo: Path) -> None:
    answers = [{"reasoning": "What is wrong?", **FIX}, TODO, call("read", path="calc.py", offset=2), DONE]
    async with editing(home, repo, answers) as agent:
        session = await agent.begin()
        answered = await agent.prompt(session, "make add add")
        editor = agent.editor
    assert answered.stop_reason == "end_turn" and answered.usage.input_tokens > 0
    assert (repo / "calc.py").read_text() == FIXED
    assert "What is wrong?" in editor.text("agent_thought_chunk") and editor.text().endswith("All done.")
    edit, read = editor.of("tool_call")
    assert (edit.title, edit.kind, edit.status) == ("edit calc.py", "edit", "in_progress")
    assert (edit.content[0].old_text, edit.content[0].new_text) == ("a - b", "a + b")
    assert (read.kind, read.locations[0].path, read.locations[0].line) == ("read", str(repo / "calc.py"), 2)
    edited, shown = editor.results()
    assert (edited.status, edited.content[0].path) == ("completed", str(repo / "calc.py"))
    assert edited.content[0].old_text.endswith("a - b\n") and edited.content[0].new_text == FIXED
    assert edited.locations[0].line == 2
    assert "return a + b" in shown.content[0].content.text
    (plan,) = editor.of("plan")
    assert [(entry.content, entry.status) for entry in plan.entries] == [("look", "completed"), ("mend", "in_progress")]
    assert editor.of("session_info_update")[0].title == "make add add"
    assert {command.name for command in editor.of("available_commands_update")[0].available_commands} >= {"compact"}


async def test_a_script_and_a_missing_sandbox_are_said_aloud(home: Path, repo: Path) -> None:
    async with editing(home, repo, [DONE, DONE]) as agent:
        session = await agent.begin()
        await agent.prompt(session, "hi")
        first = agent.editor.text()
        await agent.prompt(session, "hi again")
    assert "A script is playing here, not a model." in first and "without a sandbox" in first
    assert agent.editor.text().count("A script is playing") == 1


async def test_usage_fills_the_meter_and_names_what_was_cached(home: Path, repo: Path) -> None:
    async with editing(home, repo, [FIX, DONE]) as agent:
        await agent.prompt(await agent.begin(), "make add add")
        first, *_, last = agent.editor.of("usage_update")
    assert first.size == last.size == WINDOW and 0 < first.used < last.size
    assert first.field_meta["glmcode"]["cachedTokens"] == 0 < last.field_meta["glmcode"]["cachedTokens"]
    assert sum(last.field_meta["glmcode"]["segments"].values()) == last.used


async def test_output_of_a_command_is_shown_while_it_runs(home: Path, repo: Path) -> None:
    script = "echo first; sleep 1; echo '\\033[31m```'; printf 'last'"
    async with editing(home, repo, [call("shell", command=script), DONE]) as agent:
        session = await agent.begin()
        prompt = asyncio.create_task(agent.prompt(session, "run it"))
        while_running = await agent.editor.until("tool_call_update", "first\\n```")
        assert while_running.status is None and "last" not in while_running.content[1].content.text
        await prompt
    (started,), (ended,) = agent.editor.of("tool_call"), agent.editor.results()
    assert started.kind == "execute" and started.content[0].content.text.startswith("````\n$ echo first")
    shown = ended.content[1].content.text
    assert shown.startswith("````\nfirst\n") and "last" in shown and "\x1b" not in shown


async def test_a_failed_call_is_failed(home: Path, repo: Path) -> None:
    async with editing(
        home, repo, [call("edit", path="calc.py", old="nowhere", new="x"), call("nothing"), DONE]
    ) as agent:
        await agent.prompt(await agent.begin(), "try")
        one, other = agent.editor.results()
    assert (one.status, other.status) == ("failed", "failed")
    assert "does not occur" in one.content[0].content.text and "There is no tool" in other.content[0].content.text


async def test_cancelling_ends_a_command_and_the_next_prompt_goes_on(home: Path, repo: Path) -> None:
    answers = [
        {"content": "I wait.", **call("shell", command="echo begun; sleep 300; touch late")},
        {"content": "fine"},
    ]
    async with editing(home, repo, answers) as agent:
        session = await agent.begin()
        prompt = asyncio.create_task(agent.prompt(session, "wait"))
        await agent.editor.until("tool_call_update", "begun\\n```")
        await agent.connection.cancel(session)
        assert (await prompt).stop_reason == "cancelled"
        (ended,) = agent.editor.results()
        assert ended.status == "failed" and "begun" in ended.content[1].content.text
        assert (await agent.prompt(session, "go on")).stop_reason == "end_turn"
    assert agent.editor.text().endswith("I wait.fine")


async def test_cancelling_in_the_middle_of_an_answer_keeps_its_beginning(home: Path, repo: Path) -> None:
    entries: list[dict[str, Any]] = [
        {"content": "The beginning of a long answer", "stall_at": 2, "stall_s": 60},
        {"content": "again"},
    ]
    async with SimulatedEndpoint(entries) as server, editing(home, repo, [], engine=remote(server)) as agent:
        session = await agent.begin()
        prompt = asyncio.create_task(agent.prompt(session, "tell"))
        await agent.editor.until("agent_message_chunk", "The")
        await agent.connection.cancel(session)
        assert (await prompt).stop_reason == "cancelled"
        await agent.prompt(session, "go on")
        kept = [message for message in server.requests[-1].body["messages"] if message["role"] == "assistant"]
    assert kept and kept[0]["content"] and "The beginning of a long answer".startswith(kept[0]["content"].strip())


async def test_what_is_said_while_a_turn_runs_is_read_in_it(home: Path, repo: Path) -> None:
    entries = [call("shell", command="until test -e go; do sleep 0.1; done"), {"content": "as you say"}]
    async with SimulatedEndpoint(entries) as server, editing(home, repo, [], engine=remote(server)) as agent:
        session = await agent.begin()
        prompt = asyncio.create_task(agent.prompt(session, "work"))
        await agent.editor.until("tool_call")
        steered = asyncio.create_task(agent.prompt(session, "mind the gap"))
        with pytest.raises(RequestError, match="/compact has to wait"):
            await agent.prompt(session, "/compact")
        (repo / "go").touch()
        assert [(await each).stop_reason for each in (prompt, steered)] == ["end_turn", "end_turn"]
        assert "mind the gap" in server.requests[1].body["messages"][-1]["content"]
        assert len(server.requests) == 2


async def test_a_prompt_right_after_a_cancellation_is_answered_as_its_own(home: Path, repo: Path) -> None:
    entries = [call("shell", command="echo begun; sleep 300"), {"content": "the second"}]
    async with SimulatedEndpoint(entries) as server, editing(home, repo, [], engine=remote(server)) as agent:
        session = await agent.begin()
        first = asyncio.create_task(agent.prompt(session, "wait"))
        await agent.editor.until("tool_call_update", "begun\\n```")
        await agent.connection.cancel(session)
        second = await agent.prompt(session, "mind the gap")
        assert ((await first).stop_reason, second.stop_reason) == ("cancelled", "end_turn")
        assert server.requests[1].body["messages"][-1]["content"].endswith("mind the gap")
    assert agent.editor.text().endswith("the second")


async def test_what_was_said_before_a_cancellation_is_not_said_after_it(home: Path, repo: Path) -> None:
    entries = [call("shell", command="echo begun; sleep 300"), NOW]
    async with SimulatedEndpoint(entries) as server, editing(home, repo, [], engine=remote(server)) as agent:
        session = await agent.begin()
        first = asyncio.create_task(agent.prompt(session, "wait"))
        await agent.editor.until("tool_call_update", "begun\\n```")
        steered = asyncio.create_task(agent.prompt(session, "mind the gap"))
        await agent.prompt(session, "/context")  # both are there
        await agent.connection.cancel(session)
        assert [(await each).stop_reason for each in (first, steered)] == ["cancelled", "cancelled"]
        await agent.prompt(session, "go on")
        assert "mind the gap" not in str(server.requests[1].body["messages"])


async def test_a_prompt_at_the_tail_of_a_turn_is_answered_as_its_own(home: Path, repo: Path) -> None:
    command = "mkdir .vscode && echo '{}' > .vscode/tasks.json"
    editor = Editor(holds=asyncio.Event())
    async with editing(
        home, repo, [call("shell", command=command), DONE, {"content": "two"}, {"content": "three"}], editor=editor
    ) as agent:
        session = await agent.begin()
        first = asyncio.create_task(agent.prompt(session, "one"))
        await editor.until_asked()
        others = [asyncio.create_task(agent.prompt(session, text)) for text in ("two", "three")]
        await asyncio.wait(others, timeout=0.3)
        assert editor.holds
        editor.holds.set()
        assert [(await each).stop_reason for each in (first, *others)] == ["end_turn"] * 3
    assert "two" in editor.text() and "three" in editor.text()


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ({"error": {"status": 401, "message": "bad key"}}, -32000, "key"),
        ({"error": {"status": 400, "message": "no such model"}}, -32603, "no such model"),
    ],
)
async def test_a_turn_that_fails_answers_with_a_clear_error(
    home: Path, repo: Path, fault: dict[str, Any], code: int, said: str
) -> None:
    async with (
        SimulatedEndpoint([fault, NOW]) as server,
        editing(home, repo, [], engine=remote(server)) as agent,
    ):
        session = await agent.begin()
        with pytest.raises(RequestError, match=said) as caught:
            await agent.prompt(session, "tell")
        assert caught.value.code == code and "\n" not in str(caught.value)
        assert (await agent.prompt(session, "again")).stop_reason == "end_turn"


async def test_a_limit_is_a_stop_reason_of_its_own(home: Path, repo: Path) -> None:
    async with editing(home, repo, [FIX, DONE], "--max-steps", "1") as agent:
        answered = await agent.prompt(await agent.begin(), "work")
    assert answered.stop_reason == "max_turn_requests" and "limit was reached: steps" in agent.editor.text()


async def test_two_sessions_work_side_by_side(home: Path, repo: Path) -> None:
    async with editing(home, repo, [call("shell", command="until test -e go; do sleep 0.1; done"), DONE]) as agent:
        one = await agent.begin()
        slow = asyncio.create_task(agent.prompt(one, "wait"))
        await agent.editor.until("tool_call")
        other = await agent.begin(answers=[call("shell", command="touch go"), {"content": "I went."}])
        await agent.prompt(other, "go")
        await slow
    assert agent.editor.text(session_id=one).endswith("All done.")
    assert agent.editor.text(session_id=other).endswith("I went.")


def remote(server: SimulatedEndpoint) -> list[str]:
    return ["--base-url", server.base_url, "--context", "0", "--patience", "0"]
