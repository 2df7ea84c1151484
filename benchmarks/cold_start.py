"""CPU time until the first request, against a ten-line script that sends the same request; and peak memory."""

import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.repository import make_repository
from tests.simulated.script import Entry
from tests.simulated.server import SimulatedEndpoint

ROUNDS = 15
TEN_LINES = """\
import asyncio, json, sys
from openai import AsyncOpenAI

async def main():
    client = AsyncOpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
    body = json.load(open(sys.argv[2]))
    extra = {name: body.pop(name) for name in ("chat_template_kwargs", "top_k") if name in body}
    async for chunk in await client.chat.completions.create(**body, extra_body=extra):
        pass

asyncio.run(main())
"""


class CpuProbe:
    """Reads the CPU time of the process that sends a request, at the moment the request arrives."""

    def __init__(self) -> None:
        self.pid = 0
        self.seconds: list[float] = []
        self.body: dict[str, object] = {}

    def answer(self, request: dict[str, object], number: int) -> Entry:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        # utime, stime, and those of children that were waited for: fields 14 to 17 of proc(5).
        self.seconds.append(sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK"))
        self.body = request
        return Entry(content="Done.")


async def _timed(probe: CpuProbe, *command: str, env: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=env,
    )
    probe.pid = process.pid
    if await process.wait() != 0:
        raise SystemExit(f"{command[0]} failed")


async def main() -> None:
    probe = CpuProbe()
    with tempfile.TemporaryDirectory() as folder:
        repo = make_repository(Path(folder) / "repo")
        env = {**os.environ, "HOME": folder}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is not compiled at every start
        async with SimulatedEndpoint(probe.answer) as server:
            glmcode = [sys.executable, "-m", "glmcode", "run", "Say done.", "--repo", str(repo),
                       "--base-url", server.base_url, "--sandbox", "none"]  # fmt: skip
            await _timed(probe, *glmcode, env=env)
            same = Path(folder) / "request.json"
            same.write_text(json.dumps(probe.body))
            ours, floor = [], []
            for _ in range(ROUNDS):
                await _timed(probe, *glmcode, env=env)
                ours.append(probe.seconds[-1])
                await _timed(probe, sys.executable, "-c", TEN_LINES, server.base_url, str(same), env=env)
                floor.append(probe.seconds[-1])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    # The best of each: a shared machine only ever adds to the time a process takes.
    best, bare = min(ours), min(floor)
    print(f"cold start: {best:.2f} s CPU until the first request, floor {bare:.2f} s, ratio {best / bare:.2f}")
    print(f"of the means: {statistics.mean(ours) / statistics.mean(floor):.2f} (goal 1.3)")
    print(f"peak memory of a run: {peak:.0f} MB (goal 150)")


if __name__ == "__main__":
    asyncio.run(main())
