"""Where the index of a repository lies, and what happens when it cannot be used there."""

import hashlib
import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from glmcode import paths
from glmcode.config_error import ConfigError
from glmcode.context.files import GIT_TIMEOUT_S, git_command, git_environment
from glmcode.context.index.store import Store, open_store, remove
from glmcode_sandbox.finding import looks_like_git_dir

Result = TypeVar("Result")


def index_file(repo: Path) -> Path:
    """The file for a repository: one for all its worktrees and branches, which share most of their content."""
    name = hashlib.sha256(os.fsencode(_common_folder(repo))).hexdigest()[:32]
    return paths.cache_dir() / "index" / f"{name}.sqlite"


def _common_folder(repo: Path) -> str:
    own = repo / ".git"
    if looks_like_git_dir(own) and not own.is_symlink() and not (own / "commondir").exists():
        return os.path.realpath(own)  # no worktree: git need not be asked, which takes longer than all of this
    command = git_command("rev-parse", "--git-common-dir")
    done = subprocess.run(
        command, cwd=repo, env=git_environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=GIT_TIMEOUT_S
    )
    return os.path.realpath(repo / os.fsdecode(done.stdout.rstrip(b"\n"))) if done.returncode == 0 else str(repo)


def with_index(repo: Path, work: Callable[[Store], Result]) -> Result:
    """Do `work` with the repository's index: anew once where it turns out damaged, in memory where none can be kept."""
    file = index_file(repo)
    for attempt in range(2):
        try:
            with open_store(file) as store:
                return work(store)
        except OSError:
            break
        except ConfigError:
            raise
        except Exception as error:
            if isinstance(error, sqlite3.OperationalError) and not str(error).startswith("no such"):
                break  # locked for too long, a full disk, a folder that cannot be written
            # What is damaged without its page showing it fails anywhere; what does not come of it fails again.
            if attempt:
                raise
            remove(file)
    return work(Store(Path(":memory:")))
