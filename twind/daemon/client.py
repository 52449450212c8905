"""Talk to a running daemon.

Standard library only, and little of it: `twind ctl status` has to answer in a blink.
"""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any

from twind.errors import NotRunningError, TwindError

if TYPE_CHECKING:
    from twind.home import Home

_CHUNK = 1 << 16


def request(home: Home, command: dict[str, Any], timeout_s: float | None = 10.0) -> dict[str, Any]:
    """Send one command (`{"cmd": "status"}`) and return the data of the daemon's answer.

    `timeout_s` bounds each wait for the daemon; None waits for ever (a job's result).

    Raises TwindError with the daemon's own code and words when it refuses or the job fails, or when
    it takes longer than `timeout_s`; NotRunningError when no daemon answers, or it stops before it
    has answered.
    """
    try:
        with _connect(home, timeout_s) as connection:
            connection.sendall(json.dumps(command).encode() + b"\n")
            line = _read_line(connection)
    except TimeoutError:
        raise TwindError(f"the twind daemon did not answer within {timeout_s:g} s") from None
    except PermissionError:
        raise TwindError(f"{home.socket} belongs to another user") from None
    except OSError:
        raise NotRunningError(
            f"no twind daemon answers at {home.socket}; start one with `twind run`"
        ) from None
    if not line.endswith(b"\n"):
        raise NotRunningError("the twind daemon stopped before it had answered")
    return data_of(line)


def data_of(line: bytes) -> dict[str, Any]:
    """Return the data of an answer. Raises TwindError with the words of one that is an error."""
    try:
        reply = json.loads(line)
        data, told = reply.get("data"), reply.get("error")
    except (ValueError, RecursionError, AttributeError):
        data = told = None
    if isinstance(data, dict):
        return data
    if not isinstance(told, dict):
        raise TwindError("what answers at the socket is no twind daemon")
    error = TwindError(str(told.get("message")))
    error.code = str(told.get("code"))
    raise error


def _connect(home: Home, timeout_s: float | None) -> socket.socket:
    """Connect through the folder's descriptor, since a socket's path ends at 108 bytes."""
    folder = os.open(home.socket.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        connection.settimeout(timeout_s)
        connection.connect(f"/proc/self/fd/{folder}/{home.socket.name}")
    except BaseException:
        connection.close()
        raise
    finally:
        os.close(folder)
    return connection


def _read_line(connection: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n") and (chunk := connection.recv(_CHUNK)):
        line += chunk
    return bytes(line)
