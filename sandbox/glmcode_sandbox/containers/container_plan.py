"""What a container shall be: the user, the limits, the mounts and the environment of its commands."""

import json
import os
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glmcode_sandbox.base import Limits, Mount, NetworkMode, SandboxError
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.containers import reaper
from glmcode_sandbox.environment import DEFAULT_PATH, HOME, standard_environment
from glmcode_sandbox.workspaces.overlay import volume_options

MOUNTS_LABEL = "glmcode.host_mounts"
"""On an image: a JSON list of folders of the host that it needs, mounted read-only at the same paths."""
PATH_LABEL = "glmcode.path"
"""On an image: folders that come first on PATH."""
TMP_INODES = 400_000

# Ends with its standard input, and takes the exit codes of orphans. Docker's own init would do too, but it is mounted
# as /sbin/docker-init, which an image hides whose /sbin is a link into a mounted /usr.
_FIRST_PROCESS = "trap 'exit 0' TERM; exec 3<&0; cat <&3 >/dev/null & wait $!"
_KEEPERS = (65533, 65532)
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """What the container shall be."""

    image: str
    mounts: tuple[Mount, ...]
    owner: tuple[int, int]
    network: NetworkMode
    limits: Limits
    env: Mapping[str, str] = field(default_factory=dict)
    runtime: str | None = None
    """A runtime that the daemon knows by this name (`runsc`); None: the daemon's own choice."""


def describe(api: Any, plan: ContainerPlan, name: str) -> dict[str, Any]:
    """The arguments of docker-py's low-level create_container. Raises SandboxError and what docker-py raises."""
    config = api.inspect_image(plan.image)["Config"]
    marks = config.get("Labels") or {}
    # Another user than the commands', so that none of them can end it.
    keeper = next(number for number in _KEEPERS if number != plan.owner[0])
    return {
        "name": name,
        "image": plan.image,
        "entrypoint": ["sh", "-c", _FIRST_PROCESS],
        "user": f"{keeper}:{keeper}",
        "hostname": "sandbox",
        "working_dir": "/",
        "environment": standard_environment(home=HOME, path=_path(config, marks), extra=plan.env),
        "labels": reaper.labels(),
        "healthcheck": {"test": ["NONE"]},
        "stdin_open": True,
        "detach": False,
        "host_config": _host_config(api, plan, marks),
    }


def _host_config(api: Any, plan: ContainerPlan, marks: Mapping[str, str]) -> Any:
    """What the container gets of the host, and no more of it than this."""
    from docker.types import Ulimit

    mounts = [Mount(path, str(path), read_only=True) for path in host_mounts(marks)] + list(plan.mounts)
    uid, gid = plan.owner
    limits = plan.limits
    size = f"size={limits.tmp_bytes},nr_inodes={TMP_INODES}"
    return api.create_host_config(
        mounts=[_docker_mount(mount) for mount in mounts],
        tmpfs={
            "/tmp": f"rw,exec,nosuid,nodev,{size},mode=1777",
            HOME: f"rw,exec,nosuid,nodev,{size},mode=0700,uid={uid},gid={gid}",
        },
        network_mode=plan.network,
        **_resolver(plan.network),
        runtime=plan.runtime,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=True,
        auto_remove=True,
        pids_limit=limits.pids,
        mem_limit=limits.memory_bytes,
        memswap_limit=limits.memory_bytes,
        ulimits=[
            Ulimit(name="fsize", soft=limits.file_bytes, hard=limits.file_bytes),
            Ulimit(name="core", soft=0, hard=0),
        ],
    )


def _resolver(network: NetworkMode) -> dict[str, list[str]]:
    """Without a network nobody needs the host's name servers and search domains, which tell where it is."""
    return {"dns": ["127.0.0.1"], "dns_search": ["."]} if network == "none" else {}


def _docker_mount(mount: Mount) -> Any:
    from docker.types import DriverConfig
    from docker.types import Mount as DockerMount

    if mount.overlay is None:
        return DockerMount(mount.target, str(mount.source), type="bind", read_only=mount.read_only)
    return DockerMount(
        mount.target,
        mount.overlay.volume,
        type="volume",
        read_only=mount.read_only,
        # The daemon makes the volume together with the first container that wants it.
        driver_config=DriverConfig("local", volume_options(mount.source, mount.overlay)),
        labels=reaper.labels(),
        no_copy=True,
    )


def _path(config: Mapping[str, Any], marks: Mapping[str, str]) -> str:
    given = next((v[5:] for v in config.get("Env") or () if v.startswith("PATH=")), DEFAULT_PATH)
    prefix = marks.get(PATH_LABEL)
    return f"{prefix}:{given}" if prefix else given


def host_mounts(marks: Mapping[str, str]) -> list[Path]:
    """The folders of the host that an image's label asks for. Raises SandboxError for one that no image may have.

    Allowed are the system's program folders and the prefix of a Python; an image must not open a home folder.
    """
    try:
        names = json.loads(marks.get(MOUNTS_LABEL) or "[]")
        paths = [Path(posixpath.normpath(name)) for name in names]
    except (ValueError, TypeError) as error:
        raise SandboxError(f"the image's label {MOUNTS_LABEL} is not a JSON list of paths; build it again") from error
    for path in paths:
        if str(path) not in _SYSTEM and not (path.is_absolute() and path != Path("/") and _holds_python(path)):
            raise SandboxError(f"the image asks for the host's folder {one_line(os.fspath(path))}; use another image")
    return paths


def _holds_python(path: Path) -> bool:
    try:
        return any((path / "bin" / name).exists() for name in ("python3", "python"))
    except PermissionError as error:
        raise SandboxError(
            f"the image borrows {one_line(os.fspath(path))} of this host, which you may not read;"
            " make one of your own with `glmcode sandbox build --from-host`"
        ) from error
