import json
from pathlib import Path
from typing import Any

import pytest

from glmcode.cli.main import main
from glmcode_engine.sglang.models import CHECKPOINTS

OPTION_KEYS = {"model", "dtype", "tp", "nodes", "context", "fits", "source", "missing", "command"}


def planned(capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, Any]:
    assert main(["engine", "plan", "--json", *flags]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    record = json.loads(told.out)
    assert isinstance(record, dict)
    return record


def option(record: dict[str, Any], model: str) -> dict[str, Any]:
    (found,) = (one for one in record["options"] if one["model"] == f"zai-org/{model}")
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("model", "least", "full"),
    [("GLM-4.6", 16, 32), ("GLM-4.6-FP8", 8, 16), ("GLM-4.5-Air", 4, 8), ("GLM-4.5-Air-FP8", 2, 4)],
)
@pytest.mark.parametrize(("kind", "share", "source"), [("h100", 1, "published"), ("h200", 2, "estimate")])
def test_every_row_of_the_published_table_is_reproduced(
    capsys: pytest.CaptureFixture[str], model: str, least: int, full: int, kind: str, share: int, source: str
) -> None:
    least, full = least // share, full // share
    enough = option(planned(capsys, "--gpus", f"{kind}:{least}"), model)
    assert (enough["fits"], enough["tp"], enough["source"]) == (True, least, source)
    assert enough["context"] < 131_072
    whole = option(planned(capsys, "--gpus", f"{kind}:{full}"), model)
    assert (whole["context"], whole["source"]) == (131_072, source)
    over_nodes = option(planned(capsys, "--gpus", f"{kind}:{max(1, full // 2)}", "--nodes", "2"), model)
    assert (over_nodes["context"], over_nodes["nodes"]) == (131_072, 2)


def test_the_record_has_the_keys_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    record = planned(capsys, "--gpus", "h100:8")
    assert (record["kind"], record["v"]) == ("engine_plan", 1)
    assert record["gpus"][0].items() >= {"name": "h100", "count": 8}.items()
    assert all(one.keys() >= OPTION_KEYS for one in record["options"])
    (line,) = option(record, "GLM-4.6-FP8")["command"]
    assert "--model-path zai-org/GLM-4.6-FP8" in line


@pytest.mark.parametrize("flags", [["--gpus", "none"], ["--gpus", "h100:1"], []])
def test_nothing_that_fits_is_an_answer_too(capsys: pytest.CaptureFixture[str], flags: list[str]) -> None:
    record = planned(capsys, *flags)
    assert record["options"]
    if flags:
        assert all(one["fits"] is False and one["missing"] for one in record["options"])
        assert any("remote endpoint" in note for note in record["notes"])


def test_a_plan_for_here_tells_this_machines_memory_and_one_for_elsewhere_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert planned(capsys)["host_memory_bytes"] > 2**20
    assert planned(capsys, "--gpus", "h100:8")["host_memory_bytes"] is None


@pytest.mark.parametrize("gpus", ["none", "h100:1", "h100:8", "h200:4,h100:2", "a100-80:8", "t4:2", "mystery@48:64"])
@pytest.mark.parametrize("more", [[], ["--nodes", "2"], ["--context-length", "131072"]])
def test_the_table_fits_a_terminal_of_80_columns(
    capsys: pytest.CaptureFixture[str], gpus: str, more: list[str]
) -> None:
    assert main(["engine", "plan", "--gpus", gpus, *more]) == 0
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert "GLM-4.5-Air" in text


def test_the_text_ends_with_the_command_lines_of_the_best_option(capsys: pytest.CaptureFixture[str]) -> None:
    main(["engine", "plan", "--gpus", "h100:8", "--nodes", "2"])
    shown = capsys.readouterr().out.partition("Start it")[2]
    typed = [line for line in shown.replace("\\\n   ", "").splitlines() if line.startswith("sglang serve")]
    record = planned(capsys, "--gpus", "h100:8", "--nodes", "2")
    assert [line.split() for line in typed] == [line.split() for line in option(record, "GLM-4.6-FP8")["command"]]


def test_a_checkpoint_on_disk_is_planned_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = {"architectures": ["Glm4MoeForCausalLM"], **CHECKPOINTS[3].shape.model_dump()}
    (tmp_path / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "fp8"}}))
    (only,) = planned(capsys, "--gpus", "h100:4", "--model-path", str(tmp_path))["options"]
    assert (only["model"], only["dtype"], only["tp"], only["context"]) == (str(tmp_path), "FP8", 4, 131_072)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--gpus", "voodoo2:4"], "one of: a10,"),
        (["--model-path", "/nonexistent"], "config.json"),
        (["--gpus", "h100:1", "--recipe", "lws"], "there is no recipe"),
    ],
)
def test_what_cannot_be_planned_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], flags: list[str], text: str
) -> None:
    assert main(["engine", "plan", *flags]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert text in told.err


@pytest.mark.parametrize(
    "flags", [["--nodes", "0"], ["--nodes", "65"], ["--nodes", "x"], ["--json", "--recipe", "lws"]]
)
def test_wrong_flags_are_usage_errors(capsys: pytest.CaptureFixture[str], flags: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["engine", "plan", *flags])
    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_recipe_is_all_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engine", "plan", "--gpus", "h100:8", "--nodes", "2", "--recipe", "slurm"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("#!/usr/bin/env bash\n")
    assert told.err == ""
