import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.editor.acp.wire import MAX_FRAME_BYTES, StdioTransport
from tests.cli import CommandLine
from tests.e2e.place import call

HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": 1}}


class Pipes:
    """A transport between two pipes, and the client's ends of them."""

    def __init__(self) -> None:
        reading, self.to_agent = os.pipe()
        self.from_agent, writing = os.pipe()
        self.transport = StdioTransport(reading, writing)

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.to_agent, data) :]

    def answers(self) -> list[Any]:
        return [json.loads(line) for line in os.read(self.from_agent, 1 << 16).splitlines()]


@pytest.mark.parametrize(
    ("line", "code", "answered"),
    [
        (b"{", -32700, None),
        (b"\xff\xfe", -32700, None),
        (b"[" * 100_000, -32700, None),
        (b"[1, 2]", -32600, None),
        (b"3", -32600, None),
        (b'{"jsonrpc": "2.0"}', -32600, None),
        (b'{"id": 7, "method": []}', -32600, 7),
        (b'{"id": {}, "method": "x"}', -32600, None),
    ],
)
async def test_a_line_that_is_no_message_is_answered_and_the_next_is_read(
    line: bytes, code: int, answered: int | None
) -> None:
    pipes = Pipes()
    pipes.write(line + b"\n\n" + json.dumps(HELLO).encode() + b"\n")
    async with asyncio.timeout(20):
        assert await pipes.transport.receive() == HELLO
    (answer,) = pipes.answers()
    assert (answer["error"]["code"], answer["id"]) == (code, answered)


async def test_a_message_that_is_too_long_is_refused_and_the_next_is_read() -> None:
    pipes = Pipes()
    long = b'{"method": "' + b"x" * (MAX_FRAME_BYTES + 1024) + b'"}\n'
    writing = asyncio.create_task(asyncio.to_thread(pipes.write, long + b'{"method": "next"}\n'))
    async with asyncio.timeout(60):
        assert await pipes.transport.receive() == {"method": "next"}
    await writing
    assert pipes.answers()[0]["error"]["code"] == -32600


async def test_the_last_line_needs_no_end_and_then_the_input_is_over() -> None:
    pipes = Pipes()
    pipes.write(b'{"method": "last"}')
    os.close(pipes.to_agent)
    async with asyncio.timeout(20):
        assert await pipes.transport.receive() == {"method": "last"}
        assert await pipes.transport.receive() is None


async def test_messages_keep_their_order_and_a_client_that_went_away_is_the_end() -> None:
    pipes = Pipes()
    await asyncio.gather(*(pipes.transport.send({"id": number}) for number in range(200)))
    assert [each["id"] for each in pipes.answers()] == list(range(200))
    os.close(pipes.from_agent)
    async with asyncio.timeout(20):
        await pipes.transport.send({"id": 1})
        await pipes.transport.send({"id": 2})
        assert await pipes.transport.receive() is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_is_a_message_or_an_error(value: Any) -> None:
    async def received() -> Any:
        pipes = Pipes()
        pipes.write(json.dumps(value).encode() + b"\n" + b'{"method": "end"}\n')
        async with asyncio.timeout(20):
            while (message := await pipes.transport.receive()) is not None and message.get("method") != "end":
                assert isinstance(message.get("method", ""), str)
        os.close(pipes.to_agent)
        return message

    assert asyncio.run(received()) == {"method": "end"}


def named(text: str) -> list[str]:
    """The processes with a text in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += [path.parent.name] if text in path.read_text(errors="replace") else []
    return found


async def test_only_messages_are_on_standard_output_whatever_comes_in(home: Path, repo: Path) -> None:
    lines = [
        HELLO,
        "garbage",
        {"id": 2, "method": "session/new", "params": {"cwd": 7}},
        {"id": 3, "method": "session/new", "params": {"cwd": str(repo), "mcpServers": [], "_meta": {"cwd": "/"}}},
        {"id": 4, "method": "no/such"},
        {"method": "$/cancel_request", "params": {"requestId": 1}},
        {"id": 5, "method": "session/prompt", "params": {"sessionId": "x", "prompt": [{"type": "riddle"}]}},
        {"id": 99, "result": {"a": "late answer"}},
        {"id": 98, "error": "odd"},
        {"id": 6, "method": "_glm/x", "params": {}},
        {"method": "session/cancel", "params": {"sessionId": "x"}},
    ]
    given_ = "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in lines).encode()
    script = home / "script.json"
    script.write_text('[{"content": "hi"}]')
    flags = ("--engine", f"scripted:{script}", "--sandbox", "none")
    async with CommandLine(home).started("acp", *flags, stdin=asyncio.subprocess.PIPE) as running:
        assert running.process.stdin is not None
        running.process.stdin.write(given_)
        await running.until('"id":3')
        running.process.stdin.close()
        ended = await running.ended()
    assert ended.code == 0
    answers = {record["id"]: record for record in ended.records if "id" in record}
    codes = {key: record["error"]["code"] for key, record in answers.items() if "error" in record}
    assert codes == {None: -32700, 2: -32602, 4: -32601, 5: -32602, 6: -32601}
    assert answers[1]["result"]["protocolVersion"] == 1 and answers[3]["result"]["sessionId"]


def test_prints_and_children_cannot_write_between_messages() -> None:
    program = (
        "import os, subprocess, sys; from glmcode.editor.acp.wire import take_stdio; _, writing = take_stdio();"
        "print('stray', flush=True); subprocess.run(['sh', '-c', 'echo child; cat']); os.write(writing, b'message')"
    )
    done = subprocess.run([sys.executable, "-c", program], input="for us", capture_output=True, text=True, check=True)
    assert done.stdout == "message" and "stray" in done.stderr and "child" in done.stderr


@pytest.mark.parametrize(
    ("end", "code"), [("eof", 0), (signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)]
)
async def test_the_end_of_the_editor_leaves_no_child(
    home: Path, repo: Path, end: signal.Signals | str, code: int
) -> None:
    script = home / "script.json"
    script.write_text(json.dumps([call("shell", command="echo $$ > pid; echo ready; sleep 300 & wait")]))
    flags = ("--engine", f"scripted:{script}", "--sandbox", "none", "--context", "0")
    async with CommandLine(home).started("acp", *flags, stdin=asyncio.subprocess.PIPE) as running:
        stdin = running.process.stdin
        assert stdin is not None

        def tell(number: int, method: str, **params: Any) -> None:
            stdin.write(json.dumps({"id": number, "method": method, "params": params}).encode() + b"\n")

        tell(1, "initialize", protocolVersion=1)
        tell(2, "session/new", cwd=str(repo), mcpServers=[])
        session = json.loads(await running.until('"id":2'))["result"]["sessionId"]
        tell(3, "session/prompt", sessionId=session, prompt=[{"type": "text", "text": "wait"}])
        await running.until("tool_call_update", "ready")
        pid = (repo / "pid").read_text().strip()
        assert Path(f"/proc/{pid}").exists()
        if isinstance(end, str):
            stdin.close()
        else:
            running.process.send_signal(end)
            await running.process.wait()
        ended = await running.ended()
    assert ended.code == code and not Path(f"/proc/{pid}").exists()
    assert named(str(home)) == []
