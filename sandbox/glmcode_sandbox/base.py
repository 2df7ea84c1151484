"""The sandbox protocol: a place where commands run, and what comes back from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypedDict, Unpack

SandboxKind = Literal["docker", "bwrap", "none"]
NetworkMode = Literal["none", "host"]

DEFAULT_TIMEOUT_S = 120.0
KEEP_BYTES = 64 * 1024
"""How much of a command's output is kept in memory: the first and the last half of this."""
TIMEOUT_EXIT_CODE = 124
"""What `timeout(1)` returns too."""


class SandboxError(Exception):
    """The sandbox itself failed. The text says what happened and what to do next."""


class NoSandboxError(SandboxError):
    """There is no sandbox to run in: no daemon, no image, no bubblewrap. The text names the exact remedy."""


class FileProblem(Exception):
    """A file could not be read or written as asked; the model can act on the text."""

    def __init__(
        self,
        reason: Literal["missing", "is_directory", "not_regular", "outside", "too_large", "denied"],
        message: str,
    ) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What came back from one command."""

    exit_code: int
    """The shell's exit code; 124 after a timeout, 128 + N when killed by signal N."""
    output: bytes
    """Standard output and error as they came, raw and untrusted; the middle is left out past KEEP_BYTES."""
    total_bytes: int
    """How much the command wrote in all."""
    duration_s: float
    timed_out: bool = False
    head_bytes: int | None = None
    """Where the gap is when output was left out: `output[:head_bytes]` is the beginning, the rest the end.

    None: nothing was left out.
    """
    spill: Path | None = None
    """Host file with the whole raw output (up to the spill limit) where a spill folder is set and it was clipped.

    Of commands that keep state or have an `on_output`, also where cleaning takes something away from it.
    """
    note: str | None = None
    """What the sandbox has to say about this run (killed for too much output, container restarted)."""
    job: int | None = None
    """It was not over at its timeout and goes on as this background job; `output` is what it wrote so far."""


OutputSink = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session's commands may use."""

    memory_bytes: int = 4 * 1024**3
    pids: int = 512
    file_bytes: int = 2 * 1024**3
    """Largest file a command may write."""
    tmp_bytes: int = 2 * 1024**3
    output_bytes: int = 64 * 1024**2
    """A command that writes more than this is killed."""
    growth_bytes: int = 10 * 1024**3
    growth_files: int = 500_000
    """How much one command may add to the workspace."""
    free_bytes: int = 1024**3
    free_files: int = 50_000
    """What a command must leave free on the workspace's file system; half of what it found where that is less."""
    jobs: int = 8
    """Background jobs that may run at the same time."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """A copy-on-write layer over a folder: what is written lands in `upper`, the folder itself stays as it is."""

    volume: str
    """The name of the Docker volume that is this layer."""
    upper: Path
    work: Path
    """The kernel's own scratch space, on the same file system as `upper`. Its content belongs to root."""


@dataclass(frozen=True, slots=True)
class Mount:
    """What of the host the sandbox sees of a workspace. All paths absolute."""

    source: Path
    """On the host."""
    target: str
    """In the sandbox."""
    read_only: bool = False
    overlay: Overlay | None = None
    """The layer that takes the writes, for docker only; None: they go to `source`."""


class JobProblem(Exception):
    """A background job cannot be started or is not there; the model can act on the text."""


@dataclass(frozen=True, slots=True)
class JobReport:
    """A background job as it is now, and what it wrote since it was last looked at."""

    number: int
    command: str
    running: bool
    duration_s: float
    exit_code: int | None = None
    """As in ExecResult; None while it runs."""
    output: bytes = b""
    """New output, raw and untrusted; the middle is left out past KEEP_BYTES."""
    total_bytes: int = 0
    """How much that was before something was left out."""
    head_bytes: int | None = None
    """As in ExecResult."""
    spill: Path | None = None
    """Host file with all that it ever wrote (up to the spill limit), once it was looked at."""
    note: str | None = None


class Jobs(Protocol):
    """The background jobs of a sandbox: commands that run beside the others until they end or it closes."""

    async def start(self, command: str) -> JobReport:
        """Start one in the directory and environment of `exec` with `keeps_state`; it changes neither.

        Raises JobProblem when as many run as may, SandboxError.
        """
        ...

    async def read(self, number: int, *, wait_s: float = 0.0) -> JobReport:
        """What it wrote since the last look, after waiting for its end for at most `wait_s`. Raises JobProblem."""
        ...

    async def stop(self, number: int) -> JobReport:
        """End it and all that it started, by SIGTERM and then SIGKILL. Raises JobProblem."""
        ...

    def listed(self) -> Sequence[JobReport]:
        """All that run, and those that ended lately; without output."""
        ...


class ExecSettings(TypedDict, total=False):
    """How one command is run, beside its text. What is left out is as said here."""

    timeout_s: float
    """DEFAULT_TIMEOUT_S."""
    stdin: bytes | None
    """None: empty."""
    env: Mapping[str, str] | None
    """Variables for this command, above those of the sandbox."""
    on_output: OutputSink | None
    """Gets each piece of output as it comes."""
    keep_bytes: int
    """KEEP_BYTES. How much of the output the result holds."""
    keeps_state: bool
    """False. Begins in the directory and with the exported variables and functions that the last such command left
    (functions: bash only), and leaves its own to the next; `env` counts among them."""
    may_move: bool
    """False. Becomes a background job at its timeout when it listens on a TCP port by then."""


class Sandbox(Protocol):
    """One place where the commands of one session run. Not safe for concurrent `exec` calls; they queue."""

    @property
    def kind(self) -> SandboxKind: ...

    @property
    def workdir(self) -> str:
        """The workspace's absolute path inside; every command starts there unless it keeps state."""
        ...

    @property
    def description(self) -> str:
        """One line for people: `docker (image glmcode-sandbox:default, network none)`."""
        ...

    async def start(self) -> None:
        """Make it ready; calling it twice is harmless. Raises NoSandboxError or SandboxError."""
        ...

    async def exec(self, command: str, **settings: Unpack[ExecSettings]) -> ExecResult:
        """Run one shell script in a session (process group) of its own.

        A command that fails, is killed or times out is a result, not an exception. Cancelling the call kills
        the command. Raises SandboxError only when the sandbox is gone and could not be brought back.
        """
        ...

    async def read_file(self, path: str, *, max_bytes: int) -> bytes:
        """The bytes of a regular file in the workspace. Relative paths start at `workdir`.

        Raises FileProblem; also when the path, after resolving symbolic links inside the sandbox, lies
        outside the workspace, or is larger than `max_bytes`.
        """
        ...

    async def write_file(self, path: str, data: bytes) -> None:
        """Write a regular file in the workspace in one step (temporary file and rename), making missing folders.

        The mode of an existing file is kept. Same errors as `read_file`.
        """
        ...

    async def jobs(self) -> Jobs:
        """The background jobs; starts the sandbox. Raises NoSandboxError or SandboxError."""
        ...

    async def close(self) -> None:
        """End everything that runs in it, jobs too. May be called twice, also after a failed start. Never raises."""
        ...
