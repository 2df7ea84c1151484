"""The shell and todo tools."""

import asyncio
from pathlib import Path

from glmcode_sandbox.base import ExecResult
from glmcode_tools.base import ToolContext
from glmcode_tools.shell import ShellArguments, ShellTool
from glmcode_tools.todo import TodoArguments, TodoTool
from tests.fakes import FakeSandbox


async def test_output_and_exit_code_are_shown(context: ToolContext) -> None:
    output = await ShellTool().run(ShellArguments(command="echo out; echo err >&2; exit 3"), context)
    assert output.text.startswith("out\nerr\n[exit code 3, ")
    assert not output.is_error
    assert output.details is not None
    assert output.details["exit_code"] == 3


async def test_silent_command_shows_its_exit_code_only(context: ToolContext) -> None:
    assert (await ShellTool().run(ShellArguments(command="true"), context)).text.startswith("[exit code 0, ")


async def test_timeout_is_explained(context: ToolContext) -> None:
    output = await ShellTool().run(ShellArguments(command="echo before; sleep 60", timeout_s=0.5), context)
    assert output.is_error
    assert output.text.startswith("before\n")
    assert "[timed out after 0.5 s and was killed; give timeout_s (up to 600), run it in the background" in output.text


async def test_live_output_arrives_cleaned_while_the_command_runs(repository: Path, context: ToolContext) -> None:
    pieces: list[str] = []
    first = asyncio.Event()

    def watch(text: str) -> None:
        pieces.append(text)
        first.set()

    context.on_output = watch
    command = "printf '\\033[31mone\\033[0m\\n'; until [ -e go ]; do sleep 0.05; done; printf two"
    running = asyncio.create_task(ShellTool().run(ShellArguments(command=command), context))
    await asyncio.wait_for(first.wait(), 20)
    assert pieces == ["one\n"]
    (repository / "go").touch()
    await running
    assert "".join(pieces) == "one\ntwo"


async def test_blank_command_is_refused_without_running() -> None:
    sandbox = FakeSandbox()
    assert (await ShellTool().run(ShellArguments(command=" \n"), ToolContext(sandbox=sandbox))).is_error
    assert sandbox.commands == []


async def test_note_of_the_sandbox_is_passed_on() -> None:
    sandbox = FakeSandbox({}, ExecResult(137, b"", 0, 1.0, note="killed: it wrote too much\x1b[1m"))
    output = await ShellTool().run(ShellArguments(command="yes"), ToolContext(sandbox=sandbox))
    assert output.text == "[exit code 137, 1.0 s; killed: it wrote too much]"


async def test_todo_replaces_the_list() -> None:
    context = ToolContext(sandbox=FakeSandbox())
    for items in ([{"content": "a"}], [{"content": "b\n\x1b[1mc", "status": "done"}, {"content": "d"}]):
        output = await TodoTool().run(TodoArguments.model_validate({"items": items}), context)
    assert output.text == "List kept: 1 done, 0 in progress, 1 pending."
    assert context.memory["todo"] == [
        {"content": "b c", "status": "done"},
        {"content": "d", "status": "pending"},
    ]
    assert output.details == {"items": context.memory["todo"]}


async def test_shell_state_carries_over_to_the_next_command(repository: Path, context: ToolContext) -> None:
    await ShellTool().run(ShellArguments(command="mkdir sub; cd sub; export V=1"), context)
    output = await ShellTool().run(ShellArguments(command='pwd; echo "$V"'), context)
    assert output.text.startswith(f"{repository}/sub\n1\n[exit code 0")


async def test_a_server_goes_on_in_the_background_and_the_model_is_told(context: ToolContext) -> None:
    command = 'python3 -u -c \'import socket, time; s = socket.create_server(("", 0)); print("up"); time.sleep(60)\''
    output = await ShellTool().run(ShellArguments(command=command, timeout_s=3), context)
    assert not output.is_error and output.summary == "goes on as background job 1"
    assert output.text.startswith("up\n[listens on a port after 3 s, so it goes on as background job 1; the job tool")
    assert output.details is not None and (output.details["job"], output.details["exit_code"]) == (1, None)
