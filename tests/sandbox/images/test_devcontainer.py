import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glmcode_sandbox.images.devcontainer import Build, DevcontainerError, find_devcontainer, read_devcontainer
from tests.sandbox.repositories import write

FILE = ".devcontainer/devcontainer.json"


def described(repo: Path, **content: object) -> Path:
    write(repo, {FILE: json.dumps({"image": "debian:12", **content})})
    return repo


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([], None),
        ([".devcontainer.json"], ".devcontainer.json"),
        ([".devcontainer.json", FILE], FILE),
        ([".devcontainer/py/devcontainer.json"], ".devcontainer/py/devcontainer.json"),
        ([".devcontainer/py/devcontainer.json", ".devcontainer/js/devcontainer.json"], None),
        ([".devcontainer/devcontainer.json/x", ".devcontainer.json"], ".devcontainer.json"),
    ],
)
def test_the_file_that_counts(tmp_path: Path, files: list[str], found: str | None) -> None:
    write(tmp_path, dict.fromkeys(files, "{}"))
    assert find_devcontainer(tmp_path) == found


def test_a_link_is_no_devcontainer(tmp_path: Path) -> None:
    outside, repo = tmp_path / "outside", tmp_path / "repo"
    write(outside, {"devcontainer.json": '{"image": "a"}'})
    repo.mkdir()
    (repo / ".devcontainer").symlink_to(outside)
    (repo / ".devcontainer.json").symlink_to(outside / "devcontainer.json")
    assert find_devcontainer(repo) is None
    os.mkfifo(tmp_path / ".devcontainer.json")
    assert find_devcontainer(tmp_path) is None


def test_an_image_with_variables_and_commands(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            FILE: '{ // the image\n"image": "debian:12", "name": "x",\n'
            '"containerEnv": {"A": "in ${containerWorkspaceFolderBasename}", "P": "/x:${containerEnv:PATH}"},\n'
            '"postCreateCommand": {"one": "pip install -r ${containerWorkspaceFolder}/a.txt", "two": ["echo", "a b"]},}'
        },
    )
    found = read_devcontainer(tmp_path, FILE)
    assert (found.image, found.build, found.notes) == ("debian:12", None, ())
    assert found.environment == (("A", f"in {tmp_path.name}"), ("P", "/x:${containerEnv:PATH}"))
    assert found.commands == (f"pip install -r {tmp_path}/a.txt", "echo 'a b'")


def test_a_build_is_read_relative_to_its_file(tmp_path: Path) -> None:
    build = {"dockerfile": "Dockerfile", "context": "..", "args": {"V": "1"}, "target": "dev", "cacheFrom": "x"}
    found = read_devcontainer(described(tmp_path, build=build), FILE)
    assert found.build == Build(".devcontainer/Dockerfile", "", (("V", "1"),), "dev")
    assert found.image is None
    assert found.notes == (f"{FILE}: build.cacheFrom is ignored",)
    old = read_devcontainer(described(tmp_path, dockerFile="../docker/x", context="../docker"), FILE)
    assert old.build == Build("docker/x", "docker")


IGNORED = {
    "initializeCommand": "touch /tmp/x", "mounts": ["source=/,target=/host,type=bind"], "runArgs": ["--privileged"],
    "privileged": True, "capAdd": ["ALL"], "securityOpt": ["seccomp=unconfined"], "features": {"a": {}},
    "workspaceMount": "x", "hostRequirements": {"cpus": 4}, "onCreateCommand": "a", "postStartCommand": "a",
    "overrideCommand": False, "made up\x1b[31m": 1,
}  # fmt: skip


def test_what_reaches_out_of_the_container_is_ignored_with_a_line_each(tmp_path: Path) -> None:
    found = read_devcontainer(described(tmp_path, **IGNORED), FILE)
    assert len(found.notes) == len(IGNORED)
    assert all("ignored" in note and "\x1b" not in note for note in found.notes)
    assert (found.commands, found.environment) == ((), ())


def test_variables_of_this_machine_stay_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZAI_API_KEY", "very-secret")
    leaks = "${localEnv:ZAI_API_KEY}${env:ZAI_API_KEY}${localEnv:ZAI_API_KEY:-}"
    build = {"dockerfile": "D", "args": {"A": leaks}}
    found = read_devcontainer(
        described(tmp_path, build=build, containerEnv={"B": leaks}, postCreateCommand=f"curl x/{leaks}"), FILE
    )
    assert "very-secret" not in repr(found)
    assert any("ZAI_API_KEY of this machine is not given" in note for note in found.notes)
    assert found.environment == (("B", "-"),)


def test_variables_of_the_shell_are_left_to_it(tmp_path: Path) -> None:
    command = 'for d in ${HOME}/*; do echo "${d##*/}"; done'
    assert read_devcontainer(described(tmp_path, postCreateCommand=command), FILE).commands == (command,)


def test_another_user_is_told_not_to_be_honoured(tmp_path: Path) -> None:
    (note,) = read_devcontainer(described(tmp_path, remoteUser="vscode"), FILE).notes
    assert "remoteUser vscode is not honoured" in note


@pytest.mark.parametrize(
    "content",
    [
        "", "[1]", "{", '{"name": "x"}', '{"image": "-v /:/x"}', '{"image": "a b"}', '{"image": ["a"]}',
        '{"image": "debian\\nRUN x"}', '{"dockerComposeFile": "c.yml", "image": "a"}', '{"image": "A"}',
        '{"build": {"dockerfile": "../../x"}}', '{"build": {"dockerfile": "/etc/passwd"}}',
        '{"build": {"dockerfile": "D", "context": "../.."}}', '{"build": {"dockerfile": "D", "context": "/"}}',
        '{"build": {"dockerfile": "../.git/x"}}', '{"build": {"dockerfile": 1}}',
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_refused_by_name(tmp_path: Path, content: str) -> None:
    write(tmp_path, {FILE: content})
    with pytest.raises(DevcontainerError, match=r"devcontainer\.json"):
        read_devcontainer(tmp_path, FILE)


_KEYS = st.sampled_from(["image", "build", "dockerfile", "context", "args", "containerEnv", "postCreateCommand", "a"])
_ANY = st.recursive(
    st.none() | st.booleans() | st.sampled_from(["", "a", "..", "${localEnv:A}", "a b", "\n"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)
@given(content=st.dictionaries(_KEYS, _ANY, max_size=6))
def test_any_content_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: dict[str, object]) -> None:
    repo = tmp_path_factory.mktemp("any")
    write(repo, {FILE: json.dumps(content)})
    try:
        found = read_devcontainer(repo, FILE)
    except DevcontainerError:
        return
    assert (found.image is None) != (found.build is None)
