"""What the settings and flags say about the embedded server, and what is chosen where they say nothing."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glmcode.config import Settings
from glmcode_engine.sglang.command import ServeSpec
from glmcode_engine.sglang.options import ServeOptions
from glmcode_engine.sglang.record import DEFAULT_NAME, Place


class NoModelPath(Exception):
    """Nobody said which checkpoint to serve, and no server runs; the text says what to do."""


def serve_options(
    settings: Settings,
    folder: Path,
    *,
    name: str = DEFAULT_NAME,
    extra: Sequence[str] = (),
    spec: dict[str, Any] | None = None,
    **rules: Any,
) -> ServeOptions:
    """Options of a server whose files are in `folder`. `spec` and `rules` hold fields of ServeSpec and ServeOptions.

    Raises NoModelPath, and ValueError for values that do not fit.
    """
    place = Place(folder, name)
    record = place.read() if place.is_supervised() else None
    model = settings.model_path or (record.model_path if record else None)
    if model is None:
        raise NoModelPath(
            "no engine runs here, and none can be started without a checkpoint: pass --model-path (GLMCODE_MODEL_PATH) "
            "with its folder or its name, for instance zai-org/GLM-4.6-FP8; `glmcode engine plan` says what fits"
        )
    given = {key: value for key, value in (spec or {}).items() if value is not None}
    if "tp" not in given and record is None:
        planned = local_layout(model, given.get("nodes", 1), given.get("context_length"))
        given = {**{key: value for key, value in planned.items() if value is not None}, **given}
    return ServeOptions(
        spec=ServeSpec(model=model, extra=(*settings.sglang_args, *extra), port=settings.engine_port or 30000, **given),
        folder=folder,
        name=name,
        any_port=settings.engine_port == 0,
        python=settings.sglang_python,
        start_timeout_s=settings.start_timeout,
        **{key: value for key, value in rules.items() if value is not None},
    )


def local_layout(model: str, nodes: int, context_length: int | None) -> dict[str, Any]:
    """How to split this model over the GPUs of `nodes` machines like this one: as planned, else all that there are."""
    from glmcode_engine.sglang.gpus import read_gpus
    from glmcode_engine.sglang.models import CHECKPOINTS, CheckpointError, read_checkpoint
    from glmcode_engine.sglang.plan import equal_group, plan

    group = equal_group(read_gpus(), nodes)
    if group is None:
        return {}
    known = [each for each in CHECKPOINTS if each.model == model]
    if Path(model).is_dir():
        with contextlib.suppress(CheckpointError):
            known = [read_checkpoint(Path(model))]
    option = plan(known[:1], group, context_length)[0] if known else None
    if option is None or option.spec is None or option.nodes != nodes:
        return {"tp": group.total}
    return {"tp": option.spec.tp, "pp": option.spec.pp, "context_length": option.spec.context_length}
