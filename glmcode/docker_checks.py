"""What the doctor says about Docker: whether the daemon answers, and whether it has the sandbox image."""

import asyncio

from glmcode.doctor_record import Check
from glmcode_sandbox.containers.daemon import ProbeResult, probe_daemon
from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE


async def check_docker(image: str | None) -> tuple[Check, ...]:
    """The daemon and the image of that name (None: the default one). Never raises for what it finds."""
    return checks_of(await asyncio.to_thread(probe_daemon, image or DEFAULT_IMAGE), image or DEFAULT_IMAGE)


def checks_of(found: ProbeResult, image: str) -> tuple[Check, ...]:
    """The checks that follow from what the daemon said."""
    if not found.daemon:
        return (Check(name="docker", status="missing", detail="no daemon", remedy=found.problem),)
    daemon = Check(name="docker", status="ok", detail=f"answers at {found.endpoint}")
    if not found.image:
        return daemon, Check(name="image", status="missing", detail=f"{image} is not there", remedy=found.problem)
    return daemon, Check(name="image", status="ok", detail=image)
