r"""The control socket: one JSON object a line in, one out.

    {"cmd": "status"}\n  →  {"ok": true, "data": {…}}\n
                            {"ok": false, "error": {"code": "usage", "message": "…"}}\n

Only the daemon's own user and root are heard. A client may take five seconds to say its line and
to take the answer, and as long as it likes in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from typing import TYPE_CHECKING, Any

from twind.errors import HomeHeldError, TwindError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

LINE_LIMIT = 64 * 1024
PATIENCE_S = 5.0
MAX_CLIENTS = 64

log = logging.getLogger(__name__)


class BadRequestError(TwindError):
    """What came over the socket is no command."""

    code = "usage"


class ForbiddenError(TwindError):
    """The caller is neither the daemon's user nor root."""

    code = "forbidden"


def bind(path: Path) -> socket.socket:
    """Return a socket listening at `path`, for the owner alone.

    One left by a killed daemon is replaced: the caller holds the home's lock. Binding goes through
    the folder's descriptor, since a socket's path ends at 108 bytes.

    Raises HomeHeldError if a daemon of another home answers there, TwindError if it cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise TwindError(f"{path.parent}: cannot be made: {error.strerror}") from error
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        address = f"/proc/self/fd/{folder}/{path.name}"
        _refuse_living(address, path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path.name, dir_fd=folder)
        listener.bind(address)
        # Nobody can connect before listen(), so the file is never open to others.
        os.chmod(path.name, 0o600, dir_fd=folder)
        listener.listen(MAX_CLIENTS)
        listener.setblocking(False)
    except BaseException as error:
        listener.close()
        if isinstance(error, OSError):
            raise TwindError(f"{path}: cannot be made: {error.strerror}") from error
        raise
    finally:
        os.close(folder)
    return listener


def _refuse_living(address: str, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
        probe.settimeout(1.0)
        with contextlib.suppress(OSError):
            probe.connect(address)
            raise HomeHeldError(f"another twind daemon answers at {path}")


class Control:
    """Answers the clients of one listening socket.

    `handle` gets each command and returns the data of the answer; a TwindError it raises becomes
    the answer's error.
    """

    def __init__(
        self,
        listener: socket.socket,
        path: Path,
        handle: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
    ) -> None:
        self._listener = listener
        self._path = path
        self._inode = path.stat().st_ino
        self._handle = handle
        self._clients: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_unix_server(
            self._serve, sock=self._listener, limit=LINE_LIMIT
        )

    async def close(self) -> None:
        """Stop listening, let the answers being written out, and remove the socket's file."""
        if self._server:
            self._server.close()
        else:
            self._listener.close()
        if self._clients:
            await asyncio.wait(self._clients, timeout=1.0)
        for client in self._clients:
            client.cancel()
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            reply = await self._answer(reader, writer)
            # Drained is what the client has taken, or its system: nothing is kept for it here.
            writer.transport.set_write_buffer_limits(high=0)
            writer.write(encoded(reply))
            async with asyncio.timeout(PATIENCE_S):
                await writer.drain()
        except (OSError, TimeoutError):
            log.debug("a client went away before its answer")
            writer.transport.abort()
        finally:
            self._clients.discard(task)
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> dict[str, Any]:
        try:
            self._refuse_crowd()
            # Read first: a refusal that leaves a line unread reaches the client as a broken pipe.
            line = await _line(reader)
            self._admit(writer)
            command = _command(line)
        except TwindError as error:
            return _refusal(error.code, str(error))
        return await self._carry_out(command)

    async def _carry_out(self, command: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"ok": True, "data": await self._handle(command)}
        except TwindError as error:
            return _refusal(error.code, str(error))
        except Exception:
            log.exception("a command failed")
            return _refusal("internal", "twind failed to answer; its journal says why")

    def _refuse_crowd(self) -> None:
        # At once, for those that say nothing hold a descriptor each until they are refused.
        if len(self._clients) > MAX_CLIENTS:
            raise BadRequestError("too many clients at once")

    def _admit(self, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("socket")
        size = struct.calcsize("3i")
        _pid, uid, _gid = struct.unpack(
            "3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        )
        if uid not in (0, os.geteuid()):
            raise ForbiddenError("only the daemon's own user and root may command it")


def _refusal(code: str, message: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": message}}


def encoded(reply: dict[str, Any]) -> bytes:
    """Return an answer as its line. In ASCII: what a client made up may be no Unicode."""
    return json.dumps(reply).encode() + b"\n"


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await reader.readline()
    except TimeoutError:
        raise BadRequestError(f"no command within {PATIENCE_S:g} s") from None
    except ValueError:
        raise BadRequestError(f"a command is at most {LINE_LIMIT} bytes long") from None


def _command(line: bytes) -> dict[str, Any]:
    try:
        command = json.loads(line)
    except (ValueError, RecursionError):
        raise BadRequestError("a command is one line of JSON") from None
    if not isinstance(command, dict) or not isinstance(command.get("cmd"), str):
        raise BadRequestError('a command is an object with a text "cmd"')
    return command
