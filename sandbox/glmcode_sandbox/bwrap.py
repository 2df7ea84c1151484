"""The sandbox made by bubblewrap: namespaces of its own for a plain user, where there is no Docker daemon.

Weaker than docker in three ways: no limit of memory, a smaller filter of system calls, as root no limit of processes.
"""

import asyncio
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from glmcode_sandbox.base import Limits, Mount, NetworkMode, NoSandboxError, SandboxError, SandboxKind
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.environment import DEFAULT_PATH, HOME, USER, standard_environment
from glmcode_sandbox.posix import PosixSandbox
from glmcode_sandbox.seccomp import call_filter
from glmcode_sandbox.shells import processes
from glmcode_sandbox.shells.growth import Growth, written_folders
from glmcode_sandbox.shells.keeper import Keeper
from glmcode_sandbox.shells.place import Channel
from glmcode_sandbox.shells.shell import Shell
from glmcode_sandbox.shells.subprocesses import spawn

INSTALL = "install bubblewrap (`apt install bubblewrap`, `dnf install bubblewrap`)"
PROBE_TIMEOUT_S = 10.0

_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "mime.types", "services"),
    *("protocols", "ssl/certs", "pki/tls/certs", "ca-certificates", "java-17-openjdk", "java-21-openjdk"),
)
_NAMESPACES = ("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent")
"""No further user namespaces inside: they would give capabilities there, and with them more of the kernel to attack."""
_ETC_NETWORK = ("resolv.conf", "hosts", "nsswitch.conf", "gai.conf")
_SHELLS = "/run/glmcode"
# The keeper of `keeper.py`. Not `sh &`, which would have all commands ignore SIGINT for ever.
_KEEP = f"""
if setsid -f true 2>/dev/null; then start='setsid -f sh'
elif command -v perl >/dev/null 2>&1; then start='perl -MPOSIX -e "fork and exit; POSIX::setsid(); exec q(sh)"'
else start='python3 -c "import os; os.fork() and os._exit(0); os.setsid(); os.execvp(\'sh\', [\'sh\'])"'
fi
while IFS= read -r word; do
  case $word in
    clear) kill -s KILL -- -1; echo cleared;;
    *) eval "$start" >"{_SHELLS}/$word.out" 2>&1 <"{_SHELLS}/$word.in";;
  esac
done
"""
_NEW_KERNEL = (5, 14)
"""From here on a user namespace counts its own processes; before, the limit would count all of the user's."""


class BwrapPlace:
    """One bubblewrap around one shell; all that is ever started there descends from it and dies with it."""

    def __init__(
        self,
        mounts: Sequence[Mount],
        workdir: str,
        owner: tuple[int, int],
        network: NetworkMode,
        limits: Limits,
        env: Mapping[str, str] | None,
    ) -> None:
        self._arguments = (tuple(mounts), workdir, owner, network, limits)
        self._owner = owner
        self._env = env
        self._keeper: Keeper | None = None
        self._folder: Path | None = None

    async def open(self) -> Channel:
        if self._keeper is None or not self._keeper.running:
            await self.end()
            self._keeper = await self._keep()
        return await self._keeper.open()

    async def _keep(self) -> Keeper:
        other = _other_user(self._owner)
        self._folder = await asyncio.to_thread(_private_folder, other)
        path = f"{DEFAULT_PATH}:{sys.base_prefix}/bin" if _own_prefix() else DEFAULT_PATH
        env = standard_environment(home=HOME, path=path, extra=self._env)
        passwd, group = _accounts(self._owner)
        calls = call_filter()
        fds = [await asyncio.to_thread(_pipe, text) for text in (passwd, group, calls or b"")]
        try:
            words = [find_bwrap(), *(["--seccomp", str(fds[2])] if calls else [])]
            words += arguments(*self._arguments, env=env, passwd_fd=fds[0], group_fd=fds[1], shells=str(self._folder))
            # With an empty environment: bubblewrap is process 1 in there, and its own environment can be read.
            return await Keeper.start(
                [*words, "sh", "-c", _KEEP],
                self._folder,
                env={},
                cwd="/",
                pass_fds=fds,
                run_as=other,
                owner=other,
            )
        finally:
            for fd in fds:
                os.close(fd)

    async def signal(self, driver: int, number: int, known: Collection[int], began_s: float) -> frozenset[int]:
        return await asyncio.to_thread(self._signal, driver, number, known, began_s)

    async def listening(self, pids: Collection[int]) -> bool:
        return await asyncio.to_thread(processes.listening, pids)

    async def clear(self) -> str | None:
        if self._keeper is not None and self._keeper.running and await self._keeper.clear():
            return None
        await self.end()
        return f"/tmp and {HOME} are empty again"

    async def end(self) -> None:
        """End bubblewrap and, with its pid namespace, everything in it. Never raises."""
        keeper, self._keeper = self._keeper, None
        folder, self._folder = self._folder, None
        if keeper is not None:
            inside = await asyncio.to_thread(self._inside, keeper.pid)
            await keeper.close()
            await asyncio.to_thread(processes.send, inside, 9)
        if folder is not None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _inside(self, pid: int) -> set[int]:
        return processes.descendants(pid, processes.running())

    def _signal(self, driver: int, number: int, known: Collection[int], began_s: float) -> frozenset[int]:
        if self._keeper is None:
            raise SandboxError("bubblewrap is not running")
        for pid in self._inside(self._keeper.pid):
            if processes.pid_in_namespace(pid) == driver:
                return processes.signal_command(pid, number, known, began_s)
        raise SandboxError("the sandbox's shell is not there any more")


class BwrapSandbox(PosixSandbox):
    """Commands see the system's programs read-only, the mounts, and nothing else of this machine."""

    def __init__(
        self,
        mounts: Sequence[Mount],
        workdir: str,
        *,
        owner: tuple[int, int] | None = None,
        network: NetworkMode = "none",
        limits: Limits | None = None,
        spill_dir: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`owner` (uid, gid) is who commands run as when we are root; else they run as ourselves."""
        limits = limits or Limits()
        self._network = network
        owner = owner or (os.getuid(), os.getgid())
        self._place = BwrapPlace(mounts, workdir, owner, network, limits, env)
        shell = Shell(
            self._place,
            workdir,
            limits=limits,
            growth=Growth(lambda: written_folders(mounts), limits),
            spill_dir=spill_dir,
            limit_files=True,
            limit_pids=_kernel() >= _NEW_KERNEL,
        )
        super().__init__(shell, workdir)

    @property
    def kind(self) -> SandboxKind:
        return "bwrap"

    @property
    def description(self) -> str:
        return f"bwrap (network {self._network})"

    async def _end(self) -> None:
        await self._place.end()


def arguments(
    mounts: Sequence[Mount],
    workdir: str,
    owner: tuple[int, int],
    network: NetworkMode,
    limits: Limits,
    *,
    env: Mapping[str, str],
    passwd_fd: int,
    group_fd: int,
    shells: str,
) -> list[str]:
    """All words between `bwrap` and the program. `shells`: the host's folder with the FIFOs of the keeper."""
    words = [*_NAMESPACES, *(["--share-net"] if network == "host" else [])]
    words += ["--new-session", "--cap-drop", "ALL", "--clearenv"]
    for name, value in env.items():
        words += ["--setenv", name, value]
    words += ["--ro-bind", "/usr", "/usr"]
    for folder in map(Path, _SYSTEM):
        if folder.is_symlink():
            words += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            words += ["--ro-bind", str(folder), str(folder)]
    for name in _ETC + (_ETC_NETWORK if network == "host" else ()):
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    words += ["--ro-bind-data", str(passwd_fd), "/etc/passwd", "--ro-bind-data", str(group_fd), "/etc/group"]
    size = ["--size", str(limits.tmp_bytes), "--perms"]
    # Read-only: uid 0 of the host may write its settings in /proc/sys, core_pattern too, without any capability.
    words += ["--proc", "/proc", "--remount-ro", "/proc"]
    words += ["--dev", "/dev", *size, "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
    words += [*size, "1777", "--tmpfs", "/tmp", *size, "0700", "--tmpfs", HOME]
    if _own_prefix() and _reachable(Path(sys.base_prefix), owner):
        words += ["--ro-bind-try", sys.base_prefix, sys.base_prefix]
    words += ["--ro-bind", shells, _SHELLS]
    for mount in mounts:
        words += ["--ro-bind" if mount.read_only else "--bind", str(mount.source), mount.target]
    return [*words, "--remount-ro", "/", "--chdir", workdir]


def find_bwrap() -> str:
    """Where the program is. Raises NoSandboxError."""
    found = shutil.which("bwrap")
    if found is None:
        raise NoSandboxError(f"bubblewrap is not installed: {INSTALL}, or use --sandbox docker")
    return found


async def probe_bwrap() -> None:
    """Really make one sandbox. Raises NoSandboxError with the reason: namespaces are often forbidden."""
    words = [*_NAMESPACES, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/proc"]
    words += ["--size", "4096", "--perms", "0700", "--tmpfs", "/tmp"]
    channel = await spawn([find_bwrap(), *words, "sh", "-c", "echo works"], env={}, cwd="/")
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            output = b""
            while piece := await channel.read():
                output += piece
    except TimeoutError:
        output = f"no answer within {PROBE_TIMEOUT_S:.0f} s".encode()
    finally:
        await channel.close()
    if output.strip() != b"works":
        raise NoSandboxError(
            f"bubblewrap does not work here: {one_line(output, 200) or 'it ended without a word'}."
            " User namespaces may be forbidden (sysctl kernel.unprivileged_userns_clone=1,"
            " kernel.apparmor_restrict_unprivileged_userns=0); or use --sandbox docker"
        )


def _own_prefix() -> bool:
    """Whether our Python lives outside /usr: a virtual environment in the workspace may need it."""
    return not Path(sys.base_prefix).is_relative_to("/usr") and Path(sys.base_prefix) != Path("/")


def _reachable(path: Path, owner: tuple[int, int]) -> bool:
    """Whether bubblewrap, running as `owner`, may walk to `path`; it would refuse to start otherwise."""
    if _other_user(owner) is None:
        return os.access(path, os.X_OK)
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _other_user(owner: tuple[int, int]) -> tuple[int, int] | None:
    return owner if os.geteuid() == 0 and owner[0] != 0 else None


def _accounts(owner: tuple[int, int]) -> tuple[bytes, bytes]:
    uid, gid = owner if os.geteuid() == 0 else (os.getuid(), os.getgid())
    passwd = f"{USER}:x:{uid}:{gid}:{USER}:{HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
    return passwd.encode(), f"{USER}:x:{gid}:\nnogroup:x:65534:\n".encode()


def _pipe(data: bytes) -> int:
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    return reader


def _private_folder(owner: tuple[int, int] | None) -> Path:
    """A new folder for the FIFOs, where bubblewrap can walk to it as `owner`."""
    reachable = owner is None or _reachable(Path(tempfile.gettempdir()), owner)
    folder = Path(tempfile.mkdtemp(prefix="glmcode-", dir=None if reachable else "/tmp"))
    if owner is not None:
        os.chown(folder, *owner)
    return folder


def _kernel() -> tuple[int, int]:
    major, minor, *_ = (*platform.release().split("."), "0", "0")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)
