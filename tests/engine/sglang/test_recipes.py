import json
import os
import re
import shlex
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from glmcode_engine.sglang.gpus import parse_gpus
from glmcode_engine.sglang.models import CHECKPOINTS
from glmcode_engine.sglang.plan_record import make_record
from glmcode_engine.sglang.recipes import RecipeError, recipe

TWO_NODES = make_record(parse_gpus("h100:8"), 2)
ONE_NODE = make_record(parse_gpus("h100:8"), 1)
AIR = make_record(parse_gpus("h100:8"), 1, CHECKPOINTS[3])


def manifests(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    workers, service = yaml.safe_load_all(text)
    return workers, service


def test_the_manifest_is_a_leader_worker_set_of_the_plan() -> None:
    workers, service = manifests(recipe("lws", TWO_NODES))
    assert (workers["apiVersion"], workers["kind"]) == ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet")
    group = workers["spec"]["leaderWorkerTemplate"]
    assert (workers["spec"]["replicas"], group["size"]) == (1, 2)
    assert group["leaderTemplate"]["spec"] == group["workerTemplate"]["spec"]
    (container,) = group["workerTemplate"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "8"}
    assert container["image"] == "lmsysorg/sglang:v0.5.23"
    command = container["command"]
    assert command[command.index("--tp-size") + 1] == "16"
    assert command[command.index("--node-rank") + 1] == "$(LWS_WORKER_INDEX)"
    assert command[command.index("--dist-init-addr") + 1] == "$(LWS_LEADER_ADDRESS):20000"
    labels = group["leaderTemplate"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() >= labels.items()
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["containerPort"] == 30000


def test_copies_that_fit_are_replicas_and_one_pod_each_needs_no_meeting() -> None:
    workers, _ = manifests(recipe("lws", AIR))
    assert (workers["spec"]["replicas"], workers["spec"]["leaderWorkerTemplate"]["size"]) == (2, 1)
    command = workers["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]["containers"][0]["command"]
    assert "--dist-init-addr" not in command


def test_the_key_comes_from_a_secret_and_is_in_no_recipe() -> None:
    text = recipe("lws", TWO_NODES)
    pod = manifests(text)[0]["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]
    assert {"name": "key", "secret": {"secretName": "glm-key"}} in pod["volumes"]
    (mount,) = (one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "key")
    assert pod["containers"][0]["command"][-2:] == ["--config", f"{mount['mountPath']}/sglang.yaml"]
    for kind in ("lws", "slurm", "gateway"):
        assert "--api-key" not in recipe(kind, TWO_NODES)


@pytest.mark.parametrize("kind", ["lws", "slurm"])
def test_a_server_on_a_network_takes_no_code_from_requests(kind: Any) -> None:
    assert "--enable-custom-logit-processor" not in recipe(kind, TWO_NODES)


def test_a_model_path_cannot_break_out_of_a_recipe(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s "mine"; $(touch pwned) @IMAGE@\n- x: y'
    folder.mkdir()
    (folder / "config.json").write_text(
        json.dumps({"architectures": ["Glm4MoeForCausalLM"], **CHECKPOINTS[3].shape.model_dump()})
    )
    checkpoint = CHECKPOINTS[3].model_copy(update={"model": str(folder)})
    record = make_record(parse_gpus("h100:8"), 1, checkpoint)
    workers, _ = manifests(recipe("lws", record))
    command = workers["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]["containers"][0]["command"]
    assert command[command.index("--model-path") + 1] == str(folder)
    assert ["--model-path", str(folder)] == run_slurm(tmp_path, recipe("slurm", record))[0][2:4]
    assert not list(tmp_path.rglob("pwned"))


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
    (folder / name).chmod(0o755)


def run_slurm(folder: Path, script: str) -> list[list[str]]:
    """What each node would run: the script under a Slurm of two small programs."""
    tools, environment = folder / "tools", folder / "environment"
    program(tools, "scontrol", '[ "$*" = "show hostnames gpu[1-2]" ] && printf "gpu1\\ngpu2\\n"')
    program(tools, "srun", 'shift; for rank in 0 1; do SLURM_PROCID=$rank "$@"; done')
    program(environment / "bin", "sglang", 'printf "%s\\0" sglang "$@"; printf "\\1"')
    key = folder / "key.yaml"
    key.write_text("api-key: x\n")
    key.chmod(stat.S_IRUSR | stat.S_IWUSR)
    given = {"PATH": f"{tools}:{os.environ['PATH']}", "SLURM_JOB_NODELIST": "gpu[1-2]", "HOME": str(folder)}
    given |= {"GLM_ENVIRONMENT": str(environment), "GLM_KEY": str(key)}
    done = subprocess.run(
        ["bash", "-s"], input=script, env=given, cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    told, _, answers = done.stdout.partition("\n")
    assert told == "GLM answers on http://gpu1:30000/v1 once it has loaded"
    return [one.split("\0")[:-1] for one in answers.split("\1")[:-1]]


def test_the_slurm_script_starts_every_node_with_its_rank_and_the_key_by_file(tmp_path: Path) -> None:
    first, second = run_slurm(tmp_path, recipe("slurm", TWO_NODES))
    assert first[:4] == ["sglang", "serve", "--model-path", "zai-org/GLM-4.6-FP8"]
    assert first[first.index("--dist-init-addr") + 1] == "gpu1:20000"
    assert first[-4:] == ["--config", str(tmp_path / "key.yaml"), "--node-rank", "0"]
    assert second == [*first[:-1], "1"]


def test_the_slurm_script_asks_for_the_planned_machines() -> None:
    lines = recipe("slurm", TWO_NODES).splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert {"#SBATCH --nodes=2", "#SBATCH --gpus-per-node=8", "version=0.5.23"} <= set(lines)


@pytest.mark.parametrize("record", [ONE_NODE, TWO_NODES, AIR])
def test_bash_and_yaml_parse_every_recipe(record: Any) -> None:
    script = recipe("slurm", record)
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(yaml.safe_load_all(recipe("lws", record)))) == 2
    assert not re.search("@[A-Z]", script + recipe("lws", record))


def test_the_slurm_script_refuses_a_key_that_others_can_read(tmp_path: Path) -> None:
    script = recipe("slurm", ONE_NODE)
    (tmp_path / ".glm-key.yaml").touch(mode=0o644)
    program(tmp_path / "sglang-0.5.23/bin", "sglang", "exit 0")
    given = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(["bash", "-s"], input=script, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "others can read it" in done.stderr


def test_the_gateway_has_an_address_for_each_copy_and_knows_their_caches() -> None:
    line = recipe("gateway", AIR).splitlines()[-1]
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "sglang_router.launch_router"]
    assert words[words.index("--worker-urls") + 1 : words.index("--policy")] == [
        "http://COPY0:30000",
        "http://COPY1:30000",
    ]
    assert words[words.index("--policy") + 1] == "cache_aware"


def test_what_does_not_fit_has_no_recipe() -> None:
    with pytest.raises(RecipeError, match=r"GLM-4\.5-Air FP8 needs 1 more H100"):
        recipe("lws", make_record(parse_gpus("h100:1")))
