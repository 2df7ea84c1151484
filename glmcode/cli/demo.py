"""`glmcode demo`: the whole loop on the bundled sample, in the best sandbox that this machine has."""

import tempfile
from collections.abc import Mapping
from importlib.resources import as_file
from pathlib import Path
from typing import Any

from glmcode import paths
from glmcode.cli.settings import say
from glmcode.config import Settings, load
from glmcode.demo.sample import ISSUE, SCRIPT, create_sample
from glmcode.headless.run import run_headless
from glmcode.offline import describe_connections, go_offline
from glmcode_sandbox.base import NoSandboxError, SandboxError
from glmcode_sandbox.open import probe

DEMO_IMAGE = "glmcode-sandbox:demo"


async def demo(flags: Mapping[str, Any]) -> int:
    """Fix the sample's bug as the script plays it, and prove it. Returns the exit code of `fix`."""
    with tempfile.TemporaryDirectory(prefix="glmcode-demo-") as folder, as_file(SCRIPT) as script:
        repo = create_sample(Path(folder) / "duebook")
        wanted = load({"engine": f"scripted:{script}", **flags, "repo": repo}, user_file=paths.config_file())
        go_offline(wanted, say)
        say("a small repository with a bug: " + ISSUE.read_text(encoding="utf-8").strip().splitlines()[0].lstrip("# "))
        settings = wanted if "sandbox" in wanted.model_fields_set else await _with_sandbox(wanted)
        try:
            return await run_headless(settings, ISSUE.read_text(encoding="utf-8"), "fix")
        finally:
            if told := describe_connections():
                say(told)


async def _with_sandbox(settings: Settings) -> Settings:
    """Docker where a daemon answers, else bubblewrap, else none on the temporary copy."""
    try:
        return settings.model_copy(update={"sandbox": "docker", "image": settings.image or await _docker_image()})
    except SandboxError as error:
        say(f"no Docker: {error}")
    try:
        await probe("bwrap", None)
    except NoSandboxError as error:
        say(f"no bubblewrap: {error}")
        say("commands run without a sandbox, on a temporary copy of the sample")
        return settings.model_copy(update={"sandbox": "none"})
    return settings.model_copy(update={"sandbox": "bwrap"})


async def _docker_image() -> str | None:
    """An image to run the demo in: the default one, else the demo's own. Raises SandboxError."""
    from glmcode_sandbox.containers.daemon import probe_daemon
    from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE
    from glmcode_sandbox.image import build_image

    found = probe_daemon(DEFAULT_IMAGE)
    if found.image:
        return None
    if not found.daemon:
        raise NoSandboxError(found.problem or "no daemon")
    if not probe_daemon(DEMO_IMAGE).image:
        say(f"making the image {DEMO_IMAGE}: this host's toolchain, mounted read-only")
        await build_image("host", tag=DEMO_IMAGE, on_line=say)
    return DEMO_IMAGE
