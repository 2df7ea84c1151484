"""Running git on the host so that nothing of the repository or of the model is ever executed."""

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from glmcode_sandbox.clean import clean_text
from glmcode_sandbox.finding import WorkspaceError as WorkspaceError

GIT_TIMEOUT_S = 300.0

_CONFIG: tuple[tuple[str, str], ...] = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.splitIndex", "false"),
    ("core.sparseCheckout", "false"),
    ("core.preloadIndex", "true"),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("core.sshCommand", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.autocrlf", "false"),
    ("core.safecrlf", "false"),
    ("core.fileMode", "true"),
    ("core.symlinks", "true"),
    ("core.ignoreCase", "false"),
    ("core.fsync", "none"),
    ("core.looseCompression", "1"),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("submodule.recurse", "false"),
    ("maintenance.auto", "false"),
    ("gc.auto", "0"),
    ("advice.detachedHead", "false"),
    ("safe.directory", "*"),
)


class GitFailed(WorkspaceError):
    """git ended with an error; the text is git's own, cleaned."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def git_environment(
    git_dir: Path,
    *,
    work_tree: Path | None = None,
    index: Path | None = None,
    config: Sequence[tuple[str, str]] = (),
) -> dict[str, str]:
    """The whole environment of one git command: nothing is inherited but PATH.

    `git_dir` is given explicitly, so git neither searches for a repository nor asks who owns it. Configuration
    passed here wins over the one in `git_dir`.
    """
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_DIR": str(git_dir),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_PAGER": "cat",
    }
    if work_tree is not None:
        environment["GIT_WORK_TREE"] = str(work_tree)
    if index is not None:
        environment["GIT_INDEX_FILE"] = str(index)
    settings = [*_CONFIG, *config]
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (key, value) in enumerate(settings):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


def git_program() -> str:
    """The absolute path of git; entries of PATH that depend on the current folder are passed over."""
    folders = [p for p in os.environ.get("PATH", os.defpath).split(os.pathsep) if p.startswith("/")]
    program = shutil.which("git", path=os.pathsep.join(folders))
    if program is None:
        raise WorkspaceError("git is not installed: install git 2.31 or newer")
    return program


class GitStuck(WorkspaceError):
    """git did not finish in its time."""


async def run_git(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    cwd: Path,
    stdin: bytes = b"",
    timeout_s: float = GIT_TIMEOUT_S,
    ok: Sequence[int] = (0,),
    owner: tuple[int, int] | None = None,
) -> bytes:
    """Standard output of one git command, run as another uid and gid if `owner` is given (root only).

    Raises GitFailed with git's own words where the exit code is not in `ok`, GitStuck where it does not finish.
    """
    process = await _start(arguments, environment, cwd, owner)
    try:
        output, errors = await asyncio.wait_for(process.communicate(stdin), timeout_s)
    except TimeoutError:
        raise GitStuck(
            f"git {arguments[0]} did not finish in {timeout_s:.0f} s: "
            "look for named pipes or a stuck disk below the repository"
        ) from None
    finally:
        if process.returncode is None:
            await _end(process)
    assert process.returncode is not None
    if process.returncode not in ok:
        words = clean_text(errors[-4000:]).strip() or f"exit code {process.returncode}"
        raise GitFailed(f"git {arguments[0]}: {words}", process.returncode)
    return output


async def _start(
    arguments: Sequence[str], environment: Mapping[str, str], cwd: Path, owner: tuple[int, int] | None
) -> asyncio.subprocess.Process:
    user, group = owner if owner is not None else (None, None)
    return await asyncio.create_subprocess_exec(
        git_program(),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        cwd=cwd,
        user=user,
        group=group,
        extra_groups=None if owner is None else [],
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    # Asked kindly, git removes its lock files.
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 2)
    except TimeoutError:
        process.kill()
        await process.wait()


def names(data: bytes) -> list[str]:
    """The NUL-ended names of a `-z` listing, undecodable bytes kept as surrogates."""
    return [os.fsdecode(name) for name in data.split(b"\0") if name]


def listing(paths: Sequence[str]) -> bytes:
    """Names for the standard input of a command that takes `-z --stdin`."""
    return b"".join(os.fsencode(path) + b"\0" for path in paths)
