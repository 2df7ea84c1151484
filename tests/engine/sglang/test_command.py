import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from glmcode_engine.sglang.command import ServeSpec, release_of, serve_command, shell_pieces

SPEC = ServeSpec(model="zai-org/GLM-4.6-FP8", tp=8)


def flag(command: tuple[str, ...], name: str) -> str | None:
    return command[command.index(name) + 1] if name in command else None


@pytest.mark.parametrize(
    ("version", "program", "tool", "reasoning"),
    [
        (None, ("python", "-m", "sglang.launch_server"), "glm45", "glm45"),
        ("unknown", ("python", "-m", "sglang.launch_server"), "glm45", "glm45"),
        ("0.5.3.post3", ("python", "-m", "sglang.launch_server"), "glm45", "glm45"),
        ("0.5.4", ("python", "-m", "sglang.launch_server"), "glm", "glm45"),
        ("0.5.5rc1", ("python", "-m", "sglang.launch_server"), "glm", "glm45"),
        ("0.5.5", ("sglang", "serve"), "glm", "glm45"),
        ("0.5.11.post1", ("sglang", "serve"), "glm", "glm45"),
        ("0.5.12", ("sglang", "serve"), "auto", "auto"),
        ("v0.5.23+cpu", ("sglang", "serve"), "auto", "auto"),
        ("1.0", ("sglang", "serve"), "auto", "auto"),
    ],
)
def test_each_version_is_told_in_its_own_words(
    version: str | None, program: tuple[str, ...], tool: str, reasoning: str
) -> None:
    command = serve_command(SPEC, version)
    assert command[: len(program)] == program
    assert command[len(program)] == "--model-path"
    assert (flag(command, "--tool-call-parser"), flag(command, "--reasoning-parser")) == (tool, reasoning)


def test_a_plain_server_listens_on_loopback_reports_the_cache_and_asks_for_nothing_else() -> None:
    assert serve_command(SPEC, "0.5.23") == (
        "sglang", "serve", "--model-path", "zai-org/GLM-4.6-FP8", "--served-model-name", "glm-4.6",
        "--host", "127.0.0.1", "--port", "30000", "--tp-size", "8",
        "--tool-call-parser", "auto", "--reasoning-parser", "auto",
        "--enable-cache-report", "--enable-metrics",
    )  # fmt: skip


def test_what_was_not_asked_for_is_left_out() -> None:
    assert "--enable-metrics" not in serve_command(SPEC.model_copy(update={"metrics": False}), "0.5.23")


def test_pickled_code_from_requests_is_taken_only_when_asked_for() -> None:
    flag_name = "--enable-custom-logit-processor"
    assert flag_name not in serve_command(SPEC, "0.5.23")
    assert flag_name in serve_command(SPEC.model_copy(update={"thinking_budget": True}), "0.5.23")


def test_mtp_cache_and_context_are_flags_of_their_own_and_extra_flags_come_last() -> None:
    spec = ServeSpec(model="m", context_length=65536, mtp=True, hierarchical_cache_gb=40, extra=("--port", "1"))
    command = serve_command(spec, "0.5.23")
    assert flag(command, "--context-length") == "65536"
    assert flag(command, "--speculative-algorithm") == "EAGLE"
    assert flag(command, "--speculative-num-draft-tokens") == "4"
    assert flag(command, "--hicache-size") == "40"
    assert "--enable-hierarchical-cache" in command
    assert command[-2:] == ("--port", "1")


def test_every_node_gets_the_same_line_but_for_its_rank() -> None:
    spec = ServeSpec(model="m", tp=16, nodes=2, dist_init_addr="10.0.0.1:20000")
    first, second = (serve_command(spec.model_copy(update={"node_rank": rank}), "0.5.23") for rank in (0, 1))
    assert [pair for pair in zip(first, second, strict=True) if pair[0] != pair[1]] == [("0", "1")]
    assert (flag(first, "--nnodes"), flag(first, "--node-rank")) == ("2", "0")
    assert flag(first, "--dist-init-addr") == "10.0.0.1:20000"


def test_nodes_without_a_meeting_point_or_beyond_the_last_are_refused() -> None:
    with pytest.raises(ValueError, match="address where they meet"):
        serve_command(ServeSpec(model="m", tp=16, nodes=2), None)
    with pytest.raises(ValueError, match="node rank 1 does not exist"):
        serve_command(ServeSpec(model="m", node_rank=1), None)


@pytest.mark.parametrize("wrong", [{"tp": 0}, {"port": 0}, {"model": ""}, {"context_length": 0}, {"nodes": 0}])
def test_specs_that_no_server_could_run_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ServeSpec.model_validate({"model": "m", **wrong})


def test_a_given_interpreter_runs_the_command_of_its_own_package(tmp_path: Path) -> None:
    cli = tmp_path / "sglang/cli"
    cli.mkdir(parents=True)
    (cli.parent / "__init__.py").touch()
    (cli / "__init__.py").touch()
    (cli / "main.py").write_text("import sys\ndef main():\n    print(sys.argv[1:3])\n    return 5\n")
    command = serve_command(SPEC, "0.5.23", sys.executable)
    done = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("['serve', '--model-path']", 5)
    assert serve_command(SPEC, None, "/opt/py")[:3] == ("/opt/py", "-m", "sglang.launch_server")


@given(st.lists(st.text(max_size=8)))
def test_pieces_for_a_shell_hold_the_same_words(argv: list[str]) -> None:
    argv = ["sglang", *argv, "--model-path", "a --b c"]
    assert shlex.split(" ".join(shell_pieces(argv))) == argv
    assert shell_pieces(argv)[-1] == "--model-path 'a --b c'"


@given(st.text(max_size=30))
def test_any_text_as_a_version_gives_a_release_or_none(text: str) -> None:
    release = release_of(text)
    assert release is None or len(release) == 3
    assert serve_command(SPEC, text)
