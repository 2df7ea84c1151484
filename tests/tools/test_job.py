"""The job tool, and shell commands that begin in the background."""

import pytest

from glmcode_sandbox.base import Limits
from glmcode_sandbox.local import LocalSandbox
from glmcode_tools.base import ToolContext, ToolOutput
from glmcode_tools.job import JobTool
from glmcode_tools.shell import ShellTool
from glmcode_tools.toolbox import Prepared, Toolbox


async def call(context: ToolContext, name: str, arguments: str) -> ToolOutput:
    toolbox = Toolbox([ShellTool(), JobTool()])
    prepared = toolbox.prepare(name, arguments)
    return await toolbox.run(prepared, context) if isinstance(prepared, Prepared) else prepared


async def test_a_job_is_started_read_waited_for_and_listed(context: ToolContext) -> None:
    command = "echo one; until [ -e go ]; do sleep 0.05; done; printf '\\\\033]0;title\\\\007two\\\\u202e\\\\n'; exit 3"
    started = await call(context, "shell", f'{{"command": "{command}", "background": true}}')
    assert started.text.startswith("one\n[background job 1 runs for ") and started.details is not None
    assert started.details["running"] is True
    listed = await call(context, "job", "{}")
    assert listed.text.startswith("1: runs for ") and "until [ -e go ]" in listed.text
    await call(context, "shell", '{"command": "touch go"}')
    ended = await call(context, "job", '{"number": "1", "wait_s": 30}')
    assert ended.text.startswith("two\n[background job 1 ended with exit code 3 after ")
    assert not ended.is_error and ended.details is not None and ended.details["exit_code"] == 3


async def test_a_job_that_fails_at_once_shows_it(context: ToolContext) -> None:
    output = await call(context, "shell", '{"command": "no-such-server", "background": true}')
    assert "not found" in output.text and "ended with exit code 127" in output.text


async def test_a_job_is_stopped(context: ToolContext) -> None:
    await call(context, "shell", '{"command": "sleep 72", "background": true}')
    output = await call(context, "job", '{"number": 1, "stop": true}')
    assert output.text.startswith("[background job 1 ended with exit code ")
    left = await call(context, "shell", '{"command": "ps -eo args | grep -c \'^sleep 72\'"}')
    assert left.text.startswith("0\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"number": 5}', "there is no background job 5; there are: none"),
        ('{"stop": true}', "Which job? Give its `number`."),
        ('{"number": 1, "wait_s": 5000}', "`wait_s`"),
    ],
)
async def test_mistakes_are_explained(context: ToolContext, arguments: str, said: str) -> None:
    output = await call(context, "job", arguments)
    assert output.is_error and said in output.text


async def test_without_jobs_the_list_says_so(context: ToolContext) -> None:
    assert (await call(context, "job", "{}")).text == "No background jobs."


async def test_too_many_jobs_are_refused(context: ToolContext) -> None:
    assert isinstance(context.sandbox, LocalSandbox)
    for _ in range(Limits().jobs):
        await (await context.sandbox.jobs()).start("sleep 71")
    output = await call(context, "shell", '{"command": "sleep 71", "background": true}')
    assert output.is_error and output.text.startswith("8 background jobs run already (1, 2, 3, 4, 5, 6, 7, 8)")
