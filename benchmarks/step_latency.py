"""From the end of an answer to the next request, over 60 steps in Docker, against a bare loop that does the same."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from benchmarks.repository import make_repository
from glmcode_engine.script import ScriptedCall
from tests.simulated.script import Entry
from tests.simulated.server import SimulatedEndpoint

STEPS = 60
BARE_LOOP = """\
import asyncio, json, sys
from openai import AsyncOpenAI

async def main():
    client = AsyncOpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
    command = ["docker", "run", "-i", "--rm", "--network", "none", "-v", "/usr:/usr:ro", sys.argv[2], "sh"]
    pipe = asyncio.subprocess.PIPE
    shell = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    messages = [{"role": "user", "content": "go"}]
    tools = json.loads(sys.argv[3])
    while True:
        name = arguments = call_id = ""
        body = {"model": "glm-4.6", "messages": messages, "stream": True, "tools": tools}
        async for chunk in await client.chat.completions.create(**body):
            for call in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
                call_id = call_id or call.id
                arguments += call.function.arguments or ""
        if not call_id:
            break
        shell.stdin.write((json.loads(arguments)["command"] + "; echo END\\n").encode())
        output = (await shell.stdout.readuntil(b"END\\n")).decode()
        messages.append({"role": "assistant", "content": "", "tool_calls": [{"id": call_id, "type": "function",
            "function": {"name": "shell", "arguments": arguments}}]})
        messages.append({"role": "tool", "tool_call_id": call_id, "content": output})
    shell.stdin.close()
    await shell.wait()

asyncio.run(main())
"""


def _answer(request: dict[str, object], number: int) -> Entry:
    if number >= STEPS:
        return Entry(content="Done.")
    return Entry(tool_calls=(ScriptedCall(name="shell", arguments=json.dumps({"command": f"/usr/bin/true {number}"})),))


async def _gaps_ms(*command: str, env: dict[str, str]) -> tuple[list[float], list[dict[str, object]]]:
    """Run a client against the endpoint; the gaps between its requests and the answers before them."""
    async with SimulatedEndpoint(_answer) as server:
        words = [server.base_url if word == "BASE_URL" else word for word in command]
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=env,
        )
        if await process.wait() != 0:
            raise SystemExit(f"{words[:4]} failed")
        requests = server.requests
    gaps = [(after.arrived_at - (before.ended_at or after.arrived_at)) * 1000 for before, after in pairwise(requests)]
    return gaps, [each.body for each in requests]


async def main() -> None:
    image = os.environ.get("GLMCODE_BENCHMARK_IMAGE", "glmcode-sandbox:default")
    with tempfile.TemporaryDirectory() as folder:
        repo = make_repository(Path(folder) / "repo")
        env = {**os.environ, "HOME": folder}
        ours, bodies = await _gaps_ms(sys.executable, "-m", "glmcode", "run", "go", "--repo", str(repo), "--base-url",
                                      "BASE_URL", "--sandbox", "docker", "--image", image, env=env)  # fmt: skip
        tools = json.dumps(bodies[0]["tools"])
        floor, _ = await _gaps_ms(sys.executable, "-c", BARE_LOOP, "BASE_URL", image, tools, env=env)
    # The first command waits for the container, in both.
    ours, floor = ours[1:], floor[1:]
    median, bare = statistics.median(ours), statistics.median(floor)
    print(f"step latency: median {median:.1f} ms (goal 15), bare loop {bare:.1f} ms, ratio {median / bare:.2f}")
    print(f"first ten steps {statistics.median(ours[:10]):.1f} ms, last ten {statistics.median(ours[-10:]):.1f} ms")


if __name__ == "__main__":
    asyncio.run(main())
