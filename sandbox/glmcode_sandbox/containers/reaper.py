"""Finds containers and volumes whose glmcode is dead: each names in its labels the process that made it."""

import contextlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LABEL = "glmcode"
PID, STARTED, HOST = "glmcode.pid", "glmcode.started", "glmcode.host"


def labels() -> dict[str, str]:
    """What a container of this process is marked with."""
    pid = os.getpid()
    return {LABEL: "1", PID: str(pid), STARTED: _started(pid), HOST: _host()}


def reap(api: Any) -> int:
    """Remove the containers and volumes that dead processes of this host left behind; returns how many. Blocks.

    `api` is a docker.APIClient. Those of other hosts or pid namespaces are left alone: nobody here can tell
    whether their process lives.
    """
    from docker.errors import APIError

    removed = 0
    ours = {"label": [f"{LABEL}=1", f"{HOST}={_host()}"]}
    for found in api.containers(all=True, filters=ours):
        if is_stale(found.get("Labels") or {}):
            with contextlib.suppress(APIError):
                remove(api, found["Id"])
                removed += 1
    for found in api.volumes(filters=ours)["Volumes"] or ():
        if is_stale(found.get("Labels") or {}):
            with contextlib.suppress(APIError):
                api.remove_volume(found["Name"])
                removed += 1
    return removed


def remove(api: Any, container: str) -> None:
    """Remove a container whatever state it is in. Raises docker.errors.APIError, but not for one that is gone."""
    from docker.errors import APIError, NotFound

    # Removing a paused container by force can block.
    with contextlib.suppress(APIError):
        api.unpause(container)
    try:
        api.remove_container(container, force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != 409:  # being removed already
            raise


def is_stale(marks: Mapping[str, str]) -> bool:
    """Whether the process that these labels name is dead; a later one with the same pid does not count."""
    pid = marks.get(PID, "")
    return pid.isdigit() and marks.get(HOST) == _host() and _started(int(pid)) != marks.get(STARTED)


def _started(pid: int) -> str:
    """When a process started, in a form that only serves comparing; `gone` when it is not there."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        state, *numbers = stat[stat.rindex(b")") + 2 :].split()
        return "gone" if state in (b"Z", b"X") else numbers[18].decode()
    except OSError:
        if Path("/proc/self/stat").exists():
            return "gone"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        pass
    return "there"


def _host() -> str:
    """This host, boot and pid namespace: only here do the pids of the labels mean anything."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}.{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()
