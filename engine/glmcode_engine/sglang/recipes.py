"""Turns a plan into files for a cluster: a Kubernetes LeaderWorkerSet, a Slurm script, a gateway over copies."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from glmcode_engine.sglang.command import ServeSpec, serve_command, shell_pieces
from glmcode_engine.sglang.plan import DIST_PORT, PINNED_VERSION, Option, best
from glmcode_engine.sglang.plan_record import PlanRecord

Recipe = Literal["lws", "slurm", "gateway"]
IMAGE = f"lmsysorg/sglang:v{PINNED_VERSION}"
"""Published for every release: docs.sglang.io/get_started/install.html."""
GATEWAY_PORT = 30080


_GATEWAY = """\
# SGLang's model gateway (pip install sglang-router==0.3.2) in front of the copies of this plan.
# COPYn: the address of each copy. It hands the caller's key on, so all copies have the same one.
"""


class RecipeError(ValueError):
    """A recipe that cannot be written; the text says what is missing."""


def recipe(kind: Recipe, record: PlanRecord) -> str:
    """The text of a recipe for the plan's best option. Raises RecipeError where nothing fits."""
    option = best(record.options)
    if option is None or option.spec is None:
        wants = "; ".join(f"{one.name} {one.dtype} needs {one.missing}" for one in record.options)
        raise RecipeError(f"nothing fits, so there is no recipe: {wants}")
    # Who reaches a server over a network may not bring code along, which logit processors are.
    spec = option.spec.model_copy(update={"host": "0.0.0.0"})
    match kind:
        case "lws":
            return _lws(option, spec)
        case "slurm":
            return _slurm(option, spec)
        case "gateway":
            return _GATEWAY + gateway_line(option, spec.port) + "\n"


def gateway_line(option: Option, port: int) -> str:
    """The line that starts SGLang's model gateway (package sglang-router) in front of the copies of a plan."""
    urls = [f"http://COPY{number}:{port}" for number in range(max(1, option.replicas))]
    line = ["python", "-m", "sglang_router.launch_router", "--worker-urls", *urls]
    return shlex.join([*line, "--policy", "cache_aware", "--host", "127.0.0.1", "--port", str(GATEWAY_PORT)])


def _lws(option: Option, spec: ServeSpec) -> str:
    # Kubernetes fills in $(NAME) in commands; LeaderWorkerSet sets these names in every pod of a group.
    if spec.nodes > 1:
        spec = spec.model_copy(update={"dist_init_addr": f"$(LWS_LEADER_ADDRESS):{DIST_PORT}"})
    command = [*serve_command(spec, PINNED_VERSION), "--config", "/etc/glmcode/sglang.yaml"]
    if "--node-rank" in command:
        command[command.index("--node-rank") + 1] = "$(LWS_WORKER_INDEX)"
    return _filled(
        "lws.yaml",
        {
            **_numbers(option, spec),
            "IMAGE": IMAGE,
            "SUMMARY": json.dumps(f"{option.name} {option.dtype}, {option.context} tokens x {option.requests}"),
            "COMMAND": json.dumps(command),
        },
    )


def _slurm(option: Option, spec: ServeSpec) -> str:
    meeting = f"$first:{DIST_PORT}"
    command = list(serve_command(spec.model_copy(update={"dist_init_addr": meeting}), PINNED_VERSION))
    if "--node-rank" in command:
        at = command.index("--node-rank")
        del command[at : at + 2]
    # The one word that the shell must fill in.
    pieces = [piece.replace(shlex.quote(meeting), f'"{meeting}"') for piece in shell_pieces(command)]
    return _filled(
        "slurm.sh",
        {**_numbers(option, spec), "VERSION": PINNED_VERSION, "COMMAND": "\n".join(f"  {piece}" for piece in pieces)},
    )


def _numbers(option: Option, spec: ServeSpec) -> dict[str, str]:
    gpus = option.tp * option.pp
    return {
        "MODEL": " ".join(option.model.split()),
        "GPUS": str(gpus),
        "NODES": str(option.nodes),
        "REPLICAS": str(option.replicas),
        "GPUS_PER_NODE": str(gpus // option.nodes),
        "PORT": str(spec.port),
    }


def _filled(name: str, values: Mapping[str, str]) -> str:
    """The template with each @NAME@ replaced, in one pass: what is filled in is not looked at again."""
    text = (_folder() / name).read_text(encoding="utf-8")
    return re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], text)


def _folder() -> Path:
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_recipes", package.parent / "recipes"):
        if (folder / "lws.yaml").is_file():
            return folder
    raise FileNotFoundError("the recipes of glmcode are missing; reinstall it")
