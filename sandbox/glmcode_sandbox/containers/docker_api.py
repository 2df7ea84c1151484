"""The connection to the Docker daemon, and its failures as errors that say what to do."""

import contextlib
from collections.abc import Iterator
from typing import Any

from glmcode_sandbox.base import NoSandboxError, SandboxError
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.containers.daemon_address import endpoint, no_daemon, no_image


def connect() -> Any:
    """A docker.APIClient for the daemon of `endpoint()`. Raises what docker-py raises."""
    import docker
    from docker.utils import kwargs_from_env

    settings: dict[str, Any] = {"base_url": endpoint(), **kwargs_from_env()}
    return docker.APIClient(version="auto", timeout=60, **settings)


def lacks_image(api: Any, image: str) -> bool:
    """Whether the daemon does not have `image`."""
    from docker.errors import ImageNotFound

    try:
        api.inspect_image(image)
    except ImageNotFound:
        return True
    return False


@contextlib.contextmanager
def told(image: str) -> Iterator[None]:
    """Turn what docker-py and its HTTP client raise into our errors, whose text says what to do."""
    from docker.errors import APIError, DockerException, ImageNotFound
    from requests.exceptions import RequestException

    try:
        yield
    except ImageNotFound as error:
        raise NoSandboxError(no_image(image)) from error
    except APIError as error:
        words = one_line(str(error.explanation or error), 300)
        if "unknown" in words.lower() and "runtime" in words:
            raise NoSandboxError(
                f"the Docker daemon refused: {words}; register it (`sudo runsc install` and a restart of the daemon),"
                " or leave --runtime out"
            ) from error
        raise SandboxError(f"the Docker daemon refused: {words}") from error
    except (DockerException, RequestException, OSError) as error:
        raise NoSandboxError(no_daemon(endpoint(), _cause(error))) from error


def _cause(error: BaseException) -> BaseException:
    """The PermissionError deep inside, where there is one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, PermissionError) or "Permission denied" in str(seen):
            return PermissionError()
        seen = seen.__cause__ or seen.__context__
    return error
