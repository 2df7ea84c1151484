from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli import CommandLine
from tests.e2e.place import DONE, call, members, messages
from tests.simulated import SimulatedEndpoint

STEPS = 60


@pytest.mark.docker
async def test_sixty_steps_only_grow_the_prompt_at_its_end(user: CommandLine, repo: Path, image: str) -> None:
    steps = [
        {"reasoning": f"Thought {number}.", **call("shell", command=f"echo step {number}; ls")}
        for number in range(STEPS)
    ]
    flags = ("run", "Count – naïvely.", "--repo", str(repo), "--image", image, "--output", "json")
    async with SimulatedEndpoint([*steps, DONE, DONE]) as server:
        ended = await user.run(*flags, "--base-url", server.base_url)
        again = await user.run(*flags, "--base-url", server.base_url)
    assert (ended.code, again.code) == (0, 0), ended.stderr + again.stderr
    assert ended.result["usage"]["requests"] == STEPS + 1
    *raws, other = (request.raw for request in server.requests)
    said = [members(raw)["messages"] for raw in raws]
    for before, after in pairwise(said):
        assert after.startswith(before.removesuffix("]") + ",")
    assert len(messages(raws[-1])) == 2 + 2 * STEPS
    fixed = {name: text for name, text in members(raws[0]).items() if name != "messages"}
    for raw in (*raws[1:], other):
        assert {name: text for name, text in members(raw).items() if name != "messages"} == fixed
    assert messages(other) == messages(raws[0])
