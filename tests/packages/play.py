"""Running `glmcode fix` as a user would, against an endpoint in another process that plays a script."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli import PROJECT, CommandLine

KEY = "packages-test-key-4f1c"
"""What the endpoint asks for; it must show up nowhere."""
START_TIMEOUT_S = 30
RUN_TIMEOUT_S = 420


@dataclass(frozen=True, slots=True)
class FixRun:
    """How one run ended and what it left behind."""

    exit_code: int
    stdout: str
    stderr: str
    out: Path
    """The folder of --out."""

    @property
    def result(self) -> dict[str, Any]:
        """The one record on standard output."""
        record: dict[str, Any] = json.loads(self.stdout)
        return record


@asynccontextmanager
async def endpoint(script: Path, flavor: str, record: Path) -> AsyncIterator[str]:
    """A simulated endpoint that plays `script`; gives its base URL. Requests are written to `record`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.simulated", "--script", str(script), "--flavor", flavor),
        *("--key", KEY, "--record", str(record)),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await process.stdout.readline()
        yield json.loads(line)["base_url"]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def run_fix(issue: Path, repo: Path, *, base_url: str, image: str, home: Path, out: Path) -> FixRun:
    """Run `glmcode fix` in a process of its own, with a home of its own."""
    user = CommandLine(home, {"GLMCODE_API_KEY": KEY})
    ended = await user.run(
        *("fix", str(issue), "--repo", str(repo)),
        *("--engine", "remote", "--base-url", base_url, "--model", "glm-4.6"),
        *("--sandbox", "docker", "--image", image, "--out", str(out), "--output", "json", "--yes"),
        timeout_s=RUN_TIMEOUT_S,
    )
    return FixRun(ended.code, ended.stdout, ended.stderr, out)
