import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from glmcode.config import Settings
from glmcode.model.window_check import check_window
from tests.simulated import SimulatedEndpoint


async def test_the_window_that_the_server_tells_is_shown() -> None:
    async with SimulatedEndpoint([]) as server:
        check = await check_window(Settings(base_url=server.base_url))
    assert (check.status, check.detail) == ("ok", "202752 tokens")


async def test_a_window_of_the_users_is_believed_without_asking() -> None:
    async with SimulatedEndpoint([]) as server:
        check = await check_window(Settings(base_url=server.base_url, window=32768))
        assert server.connections == 0
    assert check.detail == "32768 tokens"


async def test_an_endpoint_that_does_not_tell_is_a_warning_with_a_way_out() -> None:
    async with SimulatedEndpoint([], flavor="zai") as server:
        check = await check_window(Settings(base_url=server.base_url, dialect="plain"))
    assert check.status == "warn"
    assert check.remedy is not None and "--window" in check.remedy


@pytest.mark.parametrize("preset", ["sglang", "vllm"])
async def test_the_doctor_shows_it_for_a_preset_at_an_address(preset: str, tmp_path: Path) -> None:
    async with SimulatedEndpoint([], flavor="vllm") as server:
        url = server.base_url
        command = ["-m", "glmcode", "doctor", "--json", "--connect", "--preset", preset, "--base-url", url]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdout=asyncio.subprocess.PIPE,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )
        output, _ = await process.communicate()
    checks = {check["name"]: check for check in json.loads(output)["checks"]}
    assert checks["window"]["detail"] == "202752 tokens"
    assert checks["endpoint"]["detail"] == f"glm-4.6 at {url}"
