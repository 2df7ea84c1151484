"""How a command ends that fails: one clear line, and an exit code."""

import errno
import os
import sys

from glmcode.exit_codes import ExitCode
from glmcode.telling import told

_OF_DISKS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


def say(text: str) -> None:
    """What people are told, on standard error."""
    print(told(text), file=sys.stderr, flush=True)


def fail(code: ExitCode, text: str) -> int:
    """Say what is wrong."""
    say(text)
    return code


def unexpected(error: Exception) -> int:
    """The edge: our own bugs become one line, the trace is there for who asks; a full disk is nobody's bug."""
    if isinstance(error, BrokenPipeError):
        return ExitCode.FAILURE
    if isinstance(error, OSError) and error.errno in _OF_DISKS:
        return fail(ExitCode.FAILURE, _about_disk(error))
    if os.environ.get("GLMCODE_DEBUG"):
        import traceback

        traceback.print_exception(error)
    text = f"unexpected failure: {type(error).__name__}: {error} (GLMCODE_DEBUG=1 shows the trace)"
    return fail(ExitCode.FAILURE, text)


def _about_disk(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    what = f"{where}{error.strerror}"
    return f"{what}: free space, or point --out, XDG_STATE_HOME or TMPDIR at folders that can be written"
