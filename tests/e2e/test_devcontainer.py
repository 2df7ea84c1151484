"""A repository with a devcontainer.json, through the real command line and a real daemon."""

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli import CommandLine, Ended
from tests.e2e.place import commit_all
from tests.sandbox.images.test_image import small_root
from tests.sandbox.repositories import write

pytestmark = pytest.mark.docker

FILE = ".devcontainer/devcontainer.json"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image that the repository's may be built from; gone at the end with all that was made of it."""
    from glmcode_sandbox.containers.docker_api import connect

    api = connect()
    api.timeout = 60
    name, tag = "glmcode-devcontainer-test", uuid.uuid4().hex[:12]
    tar = small_root(
        tmp_path_factory.mktemp("root") / "root.tar", tag.encode(), "cat", "sleep", "mkdir", "find", "chown"
    )
    api.import_image_from_file(str(tar), repository=name, tag=tag)
    try:
        yield f"{name}:{tag}"
    finally:
        remove_with_children(api, str(api.inspect_image(f"{name}:{tag}")["Id"]))
        api.close()


def remove_with_children(api: Any, image: str) -> None:
    from docker.errors import APIError, ImageNotFound

    for found in api.images(all=True):
        try:
            if found["ParentId"] == image:
                remove_with_children(api, found["Id"])
        except (APIError, ImageNotFound):
            continue
    try:
        api.remove_image(image, force=True)
    except (APIError, ImageNotFound):
        return


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    write(folder, {"hello.txt": "hello\n", "other.txt": "one\n"})
    return folder


def describe(repo: Path, base: str, dockerfile: str = "", **content: object) -> None:
    build = {"build": {"dockerfile": "Dockerfile", "context": ".."}} if dockerfile else {"image": base}
    files = {FILE: json.dumps({**build, **content}) + " // the end\n"}
    write(repo, {**files, ".devcontainer/Dockerfile": f"FROM {base}\n{dockerfile}"} if dockerfile else {**files})
    commit_all(repo)


async def run(user: CommandLine, repo: Path, *flags: str) -> Ended:
    (user.home / "s.yaml").write_text("- content: done\n")
    return await user.run("run", "x", "--repo", str(repo), "--engine", "scripted:s.yaml", "--sandbox", "docker", *flags)


async def inside(user: CommandLine, repo: Path, script: str) -> str:
    ended = await user.run("sandbox", "exec", "--repo", str(repo), "--sandbox", "docker", "--", script)
    assert ended.code == 0, ended.stderr
    return ended.stdout


async def test_a_build_asks_once_for_a_content_and_is_kept(user: CommandLine, repo: Path, base: str) -> None:
    build = "COPY hello.txt /hello.txt\nRUN printf 'made by the build' > /made.txt\n"
    describe(repo, base, build, containerEnv={"FROM_FILE": "a $b", "PATH": "/more:${containerEnv:PATH}"})
    refused = await run(user, repo)
    assert f"{FILE} is left out: building it runs the repository's code" in refused.stderr
    assert "--yes" in refused.stderr and "glmcode-sandbox:default: the default image" in refused.stderr
    agreed = await run(user, repo, "--yes")
    assert agreed.code == 0, agreed.stderr
    assert "glmcode: Step 3/4 : RUN" in agreed.stderr and f": from {FILE}" in agreed.stderr
    again = await run(user, repo)
    assert f": from {FILE}" in again.stderr and "Step" not in again.stderr
    script = 'cat /hello.txt /made.txt; echo "$FROM_FILE"; echo $PATH'
    hello, made, path = (await inside(user, repo, script)).splitlines()
    assert (hello, made) == ("hello", "made by the builda $b") and path.startswith("/more:/")
    (repo / "other.txt").write_text("two\n")
    assert f": from {FILE}" in (await run(user, repo)).stderr
    (repo / "hello.txt").write_text("other code\n")
    assert f"{FILE} is left out: building it" in (await run(user, repo)).stderr


async def test_its_command_runs_inside_and_its_result_is_kept(user: CommandLine, repo: Path, base: str) -> None:
    write(repo, {"tools/post.sh": "echo post-was-here > /post.txt; echo from the script\n"})
    describe(
        repo, base, postCreateCommand="sh tools/post.sh", initializeCommand=f"touch {user.home}/initialized",
        remoteUser="vscode",
    )  # fmt: skip
    refused = await run(user, repo)
    assert "its postCreateCommand runs the repository's code" in refused.stderr
    assert "initializeCommand is ignored" in refused.stderr and "remoteUser vscode is not honoured" in refused.stderr
    agreed = await run(user, repo, "--yes")
    assert "glmcode: from the script" in agreed.stderr
    assert await inside(user, repo, "cat /post.txt") == "post-was-here\n"
    assert not (user.home / "initialized").exists()
    write(repo, {"tools/post.sh": "echo something else\n"})
    assert "its postCreateCommand runs" in (await run(user, repo)).stderr


async def test_an_image_that_is_not_here_is_never_pulled_silently(user: CommandLine, repo: Path) -> None:
    describe(repo, "glmcode-nobody.invalid/none:1")
    ended = await run(user, repo)
    line = f"{FILE} is left out: the image glmcode-nobody.invalid/none:1 is not here: docker pull"
    assert line in ended.stderr and "pulling" not in ended.stderr
    asked = await run(user, repo, "--yes")
    assert "pulling glmcode-nobody.invalid/none:1" in asked.stderr and f"{FILE} is left out" in asked.stderr
    offline = await run(user, repo, "--yes", "--offline")
    assert line in offline.stderr and "pulling" not in offline.stderr


async def test_offline_builds_nothing(user: CommandLine, repo: Path, base: str) -> None:
    describe(repo, base, f"RUN printf {os.getpid()} > /made.txt\n")
    ended = await run(user, repo, "--yes", "--offline")
    assert "uses the network, which --offline refuses" in ended.stderr and "Step" not in ended.stderr


async def test_a_build_that_fails_goes_on_with_the_next_image(user: CommandLine, repo: Path, base: str) -> None:
    describe(repo, base, "RUN printf 'told \\033[31mred\\n'; exit 3\n")
    ended = await run(user, repo, "--yes")
    assert f"{FILE} is left out: the image could not be built" in ended.stderr and "told" in ended.stderr
    assert "\x1b" not in ended.stderr and "the default image" in ended.stderr


async def test_the_image_that_was_asked_for_comes_first(user: CommandLine, repo: Path, base: str) -> None:
    describe(repo, "glmcode-nobody.invalid/none:1")
    ended = await run(user, repo, "--image", base)
    assert f"glmcode: image {base}: as configured" in ended.stderr and FILE not in ended.stderr


async def test_the_doctor_says_which_image_and_why(user: CommandLine, repo: Path, base: str) -> None:
    describe(repo, base)
    here = CommandLine(user.home, cwd=repo)
    for flags, name, why in (((), base, f"from {FILE}"), (("GLMCODE_IMAGE",), "other:1", "as configured")):
        here.variables.update(dict.fromkeys(flags, "other:1"))
        ended = await here.run("doctor", "--json")
        (check,) = [each for each in ended.result["checks"] if each["name"] == "image"]
        assert check["detail"].startswith(name) and check["detail"].endswith(f"({why})")
    del here.variables["GLMCODE_IMAGE"]
    describe(repo, "glmcode-nobody.invalid/none:1")
    (check,) = [each for each in (await here.run("doctor", "--json")).result["checks"] if each["name"] == "image"]
    assert "since the repository's devcontainer.json gives none" in check["detail"]
