"""The Docker daemon spoken to over its unix socket, for the few calls that must not wait for the docker package."""

import http.client
import json
import socket
from typing import Any


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("docker", timeout=timeout_s)
        self._path = path
        self._timeout_s = timeout_s

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(self._path)


def ask(path: str, method: str, target: str, body: Any = None, *, timeout_s: float) -> tuple[int, Any]:
    """One call of the daemon's API: its status and the JSON it answered, None where there was none. Blocks.

    Raises OSError and http.client.HTTPException.
    """
    connection = UnixConnection(path, timeout_s)
    try:
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    try:
        return response.status, json.loads(text) if text else None
    except ValueError:
        return response.status, None
