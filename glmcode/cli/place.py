"""`glmcode sandbox exec` and `glmcode tool`: one command or tool through the agent's own path."""

import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from glmcode.cli.settings import say
from glmcode.config import ConfigError, Settings
from glmcode.exit_codes import ExitCode
from glmcode.offline import go_offline
from glmcode.places.guarded import guarded
from glmcode.places.images import resolve_image
from glmcode.places.layers import choose_store
from glmcode.policy import Decision, Policy
from glmcode_sandbox.base import Sandbox
from glmcode_sandbox.clean import StreamCleaner
from glmcode_sandbox.open import open_sandbox, probe
from glmcode_sandbox.workspace import Workspace, find_repository, open_workspace, protected
from glmcode_tools.base import ToolContext, ToolOutput
from glmcode_tools.toolbox import Toolbox

_WORDS = {
    "read": ("path", "offset", "limit"),
    "write": ("path",),
    "edit": ("path", "old", "new"),
    "glob": ("pattern", "path"),
    "grep": ("pattern", "path"),
    "shell": ("command",),
}
_NUMBERS = frozenset({"offset", "limit"})
_NEEDED = {"read": 1, "write": 1, "edit": 3, "glob": 1, "grep": 1, "shell": 1}


@asynccontextmanager
async def open_place(settings: Settings) -> AsyncIterator[tuple[Sandbox, Workspace]]:
    """A started sandbox on the repository, direct unless isolated is asked for; gone at the end."""
    go_offline(settings, say)
    repo = find_repository(settings.repo or Path.cwd())
    image = await resolve_image(settings, repo, say, build=False)
    await probe(settings.sandbox, image)
    mode = settings.workspace or "direct"
    with tempfile.TemporaryDirectory(prefix="glmcode-", ignore_cleanup_errors=True) as folder:
        state_dir = Path(folder) / "workspace"
        store = await choose_store(settings, repo, mode, state_dir, image)
        workspace = await open_workspace(repo, mode, state_dir=state_dir, store=store, image=image)
        try:
            async with guarded(workspace, say):
                on_host = settings.sandbox == "none"
                sandbox = await open_sandbox(
                    settings.sandbox,
                    mounts=workspace.mounts,
                    workdir=str(workspace.host_path) if on_host else workspace.path,
                    owner=workspace.owner,
                    image=image,
                    network=settings.network,
                    runtime=settings.runtime,
                )
                try:
                    await sandbox.start()
                    yield sandbox, workspace
                finally:
                    await sandbox.close()
        finally:
            await workspace.close()


async def execute(settings: Settings, script: str, timeout_s: float | None) -> int:
    """Run one script, its cleaned output on standard output; returns its exit code."""
    cleaner = StreamCleaner()

    def show(data: bytes) -> None:
        sys.stdout.write(cleaner.feed(data))
        sys.stdout.flush()

    async with open_place(settings) as (sandbox, _):
        result = await sandbox.exec(script, timeout_s=timeout_s or settings.command_timeout, on_output=show)
    sys.stdout.write(cleaner.finish())
    for note in (result.note, f"timed out after {result.duration_s:.0f} s" if result.timed_out else None):
        if note:
            print(f"glmcode: {note}", file=sys.stderr)
    return result.exit_code


async def run_tool(settings: Settings, name: str, words: Sequence[str]) -> int:
    """Run one tool and print what the model would be shown; 1 when that is an error."""
    arguments = _arguments(name, words)
    toolbox = Toolbox()
    prepared = toolbox.prepare(name, json.dumps(arguments))
    if isinstance(prepared, ToolOutput):
        return _show(prepared)
    async with open_place(settings) as (sandbox, workspace):
        guarded = partial(protected, hook_paths=workspace.hook_paths)
        policy = Policy(settings.approval or "deny", guarded, sandbox.workdir)
        decision = policy.judge("tool", toolbox.one_line(prepared), prepared.tool.effect, prepared.paths)
        if not isinstance(decision, Decision) or not decision.allowed:
            reason = decision.reason if isinstance(decision, Decision) else decision.effect
            return _show(ToolOutput(text=f"Refused: {reason}", is_error=True))
        context = ToolContext(
            sandbox=sandbox, test_command=settings.test_command, command_timeout_s=settings.command_timeout
        )
        return _show(await toolbox.run(prepared, context))


def _show(output: ToolOutput) -> int:
    print(output.text)
    return ExitCode.FAILURE if output.is_error else ExitCode.DONE


def _arguments(name: str, words: Sequence[str]) -> dict[str, Any]:
    """The tool's arguments from the command line's words. Raises ConfigError."""
    if name == "run_tests":
        return {"ids": list(words)} if words else {}
    names = _WORDS[name]
    if not _NEEDED[name] <= len(words) <= len(names):
        raise ConfigError(f"tool {name} takes: {' '.join(each.upper() for each in names)} (got {len(words)} words)")
    arguments: dict[str, Any] = {}
    for key, word in zip(names, words, strict=False):
        if key in _NUMBERS and not word.isdigit():
            raise ConfigError(f"tool {name}: {key} is a number, not {word!r}")
        arguments[key] = int(word) if key in _NUMBERS else word
    if name == "write":
        arguments["content"] = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    return arguments
