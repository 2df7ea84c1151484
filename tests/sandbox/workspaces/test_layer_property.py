"""Whatever commands do in a layer, its patch on a clean checkout gives the files that the commands see."""

import asyncio
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from glmcode_sandbox.base import Sandbox
from glmcode_sandbox.open import open_sandbox
from glmcode_sandbox.workspace import open_workspace
from tests.sandbox.repositories import contents, git, make_repository

pytestmark = pytest.mark.docker

FILES: dict[str, str | bytes] = {
    "a": "a\n", "b.sh": "#!/bin/sh\n", "d/one": "1\n", "d/two": "2\n", "d/e/three": "3\n", "d/e/f/four": "4\n",
    "x y/ü": "5\n",
}  # fmt: skip
PATHS = ["a", "b.sh", "d", "d/one", "d/two", "d/e", "d/e/three", "d/e/f", "x y", "x y/ü", "n", "n/m", "n/m/o", "d/new"]
SHOW = """
find . -path ./.git -prune -o \\( -type f -o -type l \\) -print0 | sort -z | while IFS= read -r -d '' p; do
  printf '%s\\0' "$p"; if [ -L "$p" ]; then printf 'l%s\\0' "$(readlink "$p")"
  else if [ -x "$p" ]; then printf x; else printf -- -; fi; base64 -w0 "$p"; printf '\\0'; fi; done
"""

paths = st.sampled_from(PATHS)
operations = st.one_of(
    st.builds(lambda p, n: f"mkdir -p $(dirname {p}) && echo {n} >{p}", paths.map(shlex.quote), st.integers(0, 3)),
    st.builds(lambda p: f"rm -rf {p}", paths.map(shlex.quote)),
    st.builds(lambda p: f"rm -rf {p} && mkdir -p {p} && echo again >{p}/again", paths.map(shlex.quote)),
    st.builds(lambda p: f"mkdir -p {p}", paths.map(shlex.quote)),
    st.builds(lambda p, q: f"mv -T {p} {q}", paths.map(shlex.quote), paths.map(shlex.quote)),
    st.builds(lambda p, q: f"cp -r {p} {q}", paths.map(shlex.quote), paths.map(shlex.quote)),
    st.builds(lambda p, q: f"ln -sfn {p} {q}", paths.map(shlex.quote), paths.map(shlex.quote)),
    st.builds(lambda p, m: f"test -f {p} && chmod {m} {p}", paths.map(shlex.quote), st.sampled_from(["755", "644"])),
    st.builds(lambda p, q: f"ln -f {p} {q}", paths.map(shlex.quote), paths.map(shlex.quote)),
    st.just("TREE"),
)


async def _seen(sandbox: Sandbox) -> list[bytes]:
    shown = await sandbox.exec(f"bash -c {shlex.quote(SHOW)}", keep_bytes=1 << 20)
    assert shown.exit_code == 0, shown.output
    return shown.output.split(b"\0")


def _listed(folder: Path) -> list[bytes]:
    return subprocess.run(["bash", "-c", SHOW], cwd=folder, check=True, capture_output=True).stdout.split(b"\0")


@pytest.fixture
def try_operations(tmp_path: Path, docker_image: str) -> Callable[[list[str]], None]:
    """Runs commands in a fresh layer over one repository, and looks at what came of it."""
    repo = make_repository(tmp_path / "repo", FILES)

    async def play(commands: list[str]) -> None:
        clean = tmp_path / "clean"
        before = contents(repo)
        async with await open_workspace(repo, "isolated", state_dir=tmp_path / "state", store="overlay") as space:
            sandbox = await open_sandbox(
                "docker", mounts=space.mounts, workdir=space.path, owner=space.owner, image=docker_image
            )
            try:
                await sandbox.start()
                for command in commands:
                    if command == "TREE":
                        await space.tree()
                    else:
                        await sandbox.exec(command)
                seen, tree, patch = await _seen(sandbox), await space.tree(), await space.patch()
            finally:
                await sandbox.close()
            subprocess.run(["rm", "-rf", clean], check=True)  # noqa: ASYNC221
            git(repo, "clone", "-q", str(repo), str(clean))
            if patch:
                git(clean, "apply", stdin=patch)
            assert _listed(clean) == seen
            async with await space.derive(tree) as derived:
                again = await open_sandbox(
                    "docker", mounts=derived.mounts, workdir=derived.path, owner=derived.owner, image=docker_image
                )
                try:
                    await again.start()
                    assert await _seen(again) == seen
                finally:
                    await again.close()
        assert contents(repo) == before

    return lambda commands: asyncio.run(play(commands))


# Without shrinking: every example costs seconds.
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(commands=st.lists(operations, min_size=3, max_size=14))
def test_the_patch_of_a_layer_gives_what_commands_see(
    try_operations: Callable[[list[str]], None], commands: list[str]
) -> None:
    try_operations(commands)
