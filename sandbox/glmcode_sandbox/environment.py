"""The environment that commands see: the same few variables in every sandbox, and nothing of the caller's."""

from collections.abc import Mapping

HOME = "/home/glmcode"
"""The home folder in a container or in bubblewrap: empty, in memory, gone at the end."""
USER = "glmcode"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def standard_environment(*, home: str, path: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """No pager, prompt or colour, which would hang a command or blur its output; `extra` wins.

    CI is not set on purpose: it changes how test suites behave, and tests shall run here as the user runs them.
    """
    return {
        "HOME": home,
        "USER": USER,
        "LOGNAME": USER,
        "PATH": path,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PAGER": "cat",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "DEBIAN_FRONTEND": "noninteractive",
        **(extra or {}),
    }
