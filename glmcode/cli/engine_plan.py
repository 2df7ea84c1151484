"""`glmcode engine plan`: prints what runs on which GPUs, as a table, a record or a recipe."""

import argparse
import os
import shlex
import textwrap
from importlib.metadata import PackageNotFoundError, version

from glmcode.config import ConfigError
from glmcode.exit_codes import ExitCode
from glmcode_engine.sglang.cards import GIB
from glmcode_engine.sglang.command import shell_pieces
from glmcode_engine.sglang.gpus import GpuSpecError, parse_gpus, read_gpus
from glmcode_engine.sglang.models import CheckpointError, read_checkpoint
from glmcode_engine.sglang.plan import Option, best
from glmcode_engine.sglang.plan_record import GpuGroup, PlanRecord, make_record

_WIDTH = 80
_COLUMNS = "{:<14} {:<6} {:>4} {:>4}  {:>8}  {:>8}  {}"


def print_plan(options: argparse.Namespace) -> int:
    """Print the plan; 0 also when nothing fits."""
    record = plan_here(options)
    if options.recipe:
        from glmcode_engine.sglang.recipes import RecipeError, recipe

        try:
            print(recipe(options.recipe, record), end="")
        except RecipeError as error:
            raise ConfigError(str(error)) from None
    elif options.json:
        print(record.model_dump_json())
    else:
        print(render(record), end="")
    return ExitCode.DONE


def plan_here(options: argparse.Namespace) -> PlanRecord:
    """The plan that the flags ask for. Raises ConfigError."""
    try:
        reading = read_gpus() if options.gpus is None else parse_gpus(options.gpus)
        checkpoint = read_checkpoint(options.model_path) if options.model_path else None
    except (GpuSpecError, CheckpointError) as error:
        raise ConfigError(str(error)) from None
    return make_record(
        reading,
        options.nodes,
        checkpoint,
        options.context_length,
        installed_version(),
        _host_memory() if options.gpus is None else None,
    )


def installed_version() -> str | None:
    """The SGLang of this interpreter, None without one."""
    try:
        return version("sglang")
    except PackageNotFoundError:
        return None


def _host_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def render(record: PlanRecord) -> str:
    """The plan for people, at most 80 columns wide but for long paths."""
    machines = f" on each of {record.nodes} machines" if record.nodes > 1 else ""
    groups = ", ".join(_group(group) for group in record.gpus)
    lines = textwrap.wrap(f"GPUs: {groups or 'none'}{machines}", _WIDTH, subsequent_indent=" " * 6)
    lines += [] if record.gpus else textwrap.wrap(record.detail, _WIDTH)
    lines.append("")
    lines.append(_COLUMNS.format("model", "dtype", "GPUs", "mach", "context", "alone", "by").rstrip())
    lines += [_row(option) for option in record.options]
    lines += ["", "context: tokens for each of 8 requests at once; alone: for one without others.", _legend(record)]
    chosen = best(record.options)
    if chosen:
        lines += ["", *_details(chosen), "", f"Start it (SGLang {record.sglang}):"]
        lines += _commands(chosen)
    lines += [""] * bool(record.notes)
    for note in record.notes:
        lines += textwrap.wrap(f"note: {note}", _WIDTH, subsequent_indent=" " * 6, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def _group(group: GpuGroup) -> str:
    fp8 = {True: ", FP8", False: ", no FP8", None: ""}[group.fp8]
    busy = f", {group.busy} in use" if group.busy else ""
    return f"{group.count} x {group.name} ({group.memory_bytes / GIB:.0f} GiB, {group.interconnect}{fp8}{busy})"


def _row(option: Option) -> str:
    gpus = str(option.tp * option.pp or "-")
    if not option.fits:
        head = _COLUMNS.format(option.name, option.dtype, gpus, option.nodes, "", "", "").rstrip() + "  "
        return "\n".join(
            textwrap.wrap(f"needs {option.missing}", _WIDTH, initial_indent=head, subsequent_indent=" " * 33)
        )
    context, alone = f"{option.context:,}", f"{option.context_alone:,}"
    return _COLUMNS.format(option.name, option.dtype, gpus, option.nodes, context, alone, option.source)


def _legend(record: PlanRecord) -> str:
    sources = {option.source for option in record.options if option.fits}
    told = {
        "published": "published: GPU counts of github.com/zai-org/GLM-4.5 (contexts < 128K are ours).",
        "estimate": "estimate: extrapolated from those counts, or from weights and KV memory.",
    }
    return "\n".join(text for source, text in told.items() if source in sources) or "Nothing fits."


def _details(option: Option) -> list[str]:
    gb = 10**9
    at_best = ", over 1 TB at best" if option.host_memory_bytes > 100 * gb else ""
    copies = f", {option.replicas} copies fit" if option.replicas > 1 else ""
    weights, kv, memory = option.weight_bytes / gb, option.kv_bytes / gb, option.memory_bytes / gb
    return [
        f"{option.name} {option.dtype}: tensor parallel {option.tp}"
        + (f", {option.pp} pipeline stages" if option.pp > 1 else "")
        + copies,
        f"  each GPU: {weights:.0f} GB weights, {kv:.0f} GB KV cache of {memory:.0f} GB; "
        f"{option.kv_bytes_per_token:,} bytes a token",
        f"  each machine: {option.host_memory_bytes / gb:.0f} GB host memory at the least{at_best}",
    ]


def _commands(option: Option) -> list[str]:
    lines = []
    for rank, command in enumerate(option.command):
        if len(option.command) > 1:
            lines.append(f"# machine {rank}" + (" (NODE0: its address)" if rank == 0 else ""))
        lines += _wrapped(command)
    return lines


def _wrapped(command: str) -> list[str]:
    """The same command over several lines, cut before flags, so that a narrow terminal can be copied from."""
    lines, line = [], ""
    for piece in shell_pieces(shlex.split(command)):
        if line and len(line) + len(piece) + 3 > _WIDTH:
            lines.append(line + " \\")
            line = "   "
        line = f"{line} {piece}" if line else piece
    return [*lines, line]
