"""What systemd wants to hear: sd_notify(3) without its library."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

from twind import clock

if TYPE_CHECKING:
    from collections.abc import Mapping


class Notifier:
    """Tells the service manager how the daemon is; silent where there is none.

    Attributes:
        watchdog_every_s: seconds between two pings, half of what the manager allows; None where it
            asks for none.

    """

    def __init__(self, address: str | None = None, watchdog_every_s: float | None = None) -> None:
        self._address = address
        self.watchdog_every_s = watchdog_every_s

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Notifier:
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID."""
        usec = environ.get("WATCHDOG_USEC", "")
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        every_s = int(usec) / 2e6 if usec.isdigit() and int(usec) and ours else None
        return cls(environ.get("NOTIFY_SOCKET") or None, every_s)

    def ready(self, status: str) -> None:
        """Say that the daemon serves: after the start, and after a reload."""
        self._send(READY=1, STATUS=status)

    def reloading(self) -> None:
        """Say that a reload has begun; `ready` ends it."""
        self._send(RELOADING=1, MONOTONIC_USEC=int(clock.monotonic_s() * 1e6))

    def stopping(self) -> None:
        """Say that the daemon is on its way out."""
        self._send(STOPPING=1, STATUS="stopping")

    def status(self, text: str) -> None:
        """Give `systemctl status` a line to show."""
        self._send(STATUS=text)

    def ping(self) -> None:
        """Say that the main loop still turns."""
        self._send(WATCHDOG=1)

    def _send(self, **fields: object) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        message = "\n".join(
            f"{key}={str(value).replace(chr(10), ' ')}" for key, value in fields.items()
        )
        # A manager that is restarting must not take its services down with it; one that does not
        # read must not hold up the main loop.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel,
        ):
            channel.setblocking(False)
            channel.connect(address)
            channel.sendall(message.encode())
