"""`glmcode engine check`: whether an endpoint does what an agent needs, as a table or a record."""

import argparse
import shutil
import sys
import textwrap

from glmcode.cli.settings import say, settings_of
from glmcode.config import ConfigError, Settings
from glmcode.exit_codes import ExitCode, of_error
from glmcode.model.engines import open_remote
from glmcode_engine.base import EngineError
from glmcode_engine.conformance.conduct import Conformance, conduct
from glmcode_engine.conformance.exchanges import Texts
from glmcode_engine.presets import is_own
from glmcode_prompts.library import load
from glmcode_sandbox.clean import one_line

LIMIT_S = 60.0
_STRANGER = "glmcode-no-such-model"
_ENDS = frozenset({"auth", "rate_limited", "unreachable"})
"""Kinds of failure that keep the endpoint from being asked at all; each has its exit code."""


async def engine_check(options: argparse.Namespace) -> int:
    """Run the test and print it. Raises ConfigError."""
    limit_s = LIMIT_S if options.limit is None else options.limit
    if limit_s <= 0:
        raise ConfigError("--timeout: seconds greater than 0")
    settings = settings_of(options)
    record, error = await _conducted(settings, limit_s, thorough=options.thorough)
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print(record.model_dump_json() if options.json else render(record, columns), end="\n" if options.json else "")
    if error is not None and error.kind in _ENDS:
        say(str(error))
        return of_error(error.kind)
    return ExitCode.FAILURE if record.summary.fail else ExitCode.DONE


async def _conducted(settings: Settings, limit_s: float, *, thorough: bool) -> tuple[Conformance, EngineError | None]:
    engine = open_remote(settings)
    stranger = open_remote(settings.model_copy(update={"model": _STRANGER}))
    try:
        return await conduct(
            engine,
            stranger,
            texts(),
            long_prompt=thorough or is_own(engine.endpoint.base_url),
            limit_s=limit_s,
            on_ask=_progress,
        )
    finally:
        await engine.aclose()
        await stranger.aclose()
        _progress("")


def texts() -> Texts:
    """What the model reads during the test."""
    names = {name: f"check/{name}" for name in Texts.model_fields}
    names |= {name: f"check/tools/{name}" for name in ("look_up", "store", "read_log")}
    return Texts(**{name: load(path) for name, path in names.items()})


def render(record: Conformance, columns: int | None = None) -> str:
    """The table for people, one check a line, its remedy below; long lines are folded to so many columns."""
    width = max(len(check.name) for check in record.checks)
    lines = [f"{one_line(record.engine.model, 100)} at {one_line(record.engine.base_url or '', 200)}", ""]
    for check in record.checks:
        took = f"{check.seconds:5.1f} s" if check.seconds else " " * 7
        lines += _row(f"{check.status:7}  {check.name:{width}}  {took}  ", check.detail, columns)
        if check.remedy:
            lines += _row(" " * (width + 20), f"-> {check.remedy}", columns)
    counts = ", ".join(f"{number} {name}" for name, number in record.summary.model_dump().items() if number)
    lines += ["", f"{counts}; {record.requests} requests in {record.seconds:.1f} s"]
    return "\n".join(lines) + "\n"


def _row(head: str, text: str, columns: int | None) -> list[str]:
    room = max(30, (columns or 10_000) - len(head))
    first, *rest = textwrap.wrap(one_line(text, 400), room) or [""]
    return [(head + first).rstrip(), *(" " * len(head) + each for each in rest)]


def _progress(name: str) -> None:
    """One line that is written over, for whoever watches."""
    if sys.stderr.isatty():
        text = f"asking: {name.replace('_', ' ')}" if name else ""
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
