"""Where the daemon's log goes: to the journal with fields where it listens, else to stderr.

Fields, beside the usual MESSAGE, PRIORITY and CODE_*:

    LOGGER         who speaks, as `twind.daemon.queue`
    TWIND_JOB      the name of the job a line is about, and TWIND_JOB_ID its number
    TWIND_SOURCE   the plugin a line is about
    TWIND_CODE     of an error: what `--json` calls `code`
    MESSAGE_ID     of the events that are worth an alarm or a chart: EVENTS

`journalctl TWIND_JOB=sync` and `journalctl MESSAGE_ID=…` find them.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from twind.plaintext import shown
from twind.store import is_circumstance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

SOCKET = "/run/systemd/journal/socket"

EVENTS = {
    "started": "882620523845405f966f4716b0d2b830",
    "stopping": "5be54327e6814f61bc33d922e99abf14",
    "job_failed": "b0358717602f4068bb5054f6ad2a8c8c",
    "job_back": "af7c1e9dbfa54a2fa00bc76b85bd26f9",
    "plugin_failed": "ffd96ae9db8c4245a39952fd441f76eb",
    "source_failed": "1dce69f031b34f57939a673e372d3e4d",
    "source_back": "950caf6482444c0db6cdfa55c458358c",
    "uncertain": "4d0d515c55074d3eaa625f2a0c5a0c14",
    "recovered": "00e31219defe43f5964cf0be6201ae7c",
    "settings": "ac132cf8ddd146f8a255c26acea0f490",
}
"""The events by name, each with the identifier (128 bits, sd_id128(3)) that the journal knows."""

# syslog(3). What is made of a level that is none of these: an error.
PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}
LEVELS = {
    **dict.fromkeys(range(4), logging.ERROR),
    4: logging.WARNING,
    5: logging.INFO,
    6: logging.INFO,
    7: logging.DEBUG,
}


def about(
    *,
    job: str | None = None,
    job_id: int | None = None,
    source: str | None = None,
    code: str | None = None,
    event: str | None = None,
) -> dict[str, Any]:
    """Return what to give a logger as `extra`, so that a line carries these fields."""
    fields = {
        "TWIND_JOB": job,
        "TWIND_JOB_ID": job_id,
        "TWIND_SOURCE": source,
        "TWIND_CODE": code,
        "MESSAGE_ID": event and EVENTS[event],
    }
    return {"fields": {name: value for name, value in fields.items() if value is not None}}


def failed(log: logging.Logger, message: str, error: Exception) -> None:
    """Log a failure: in one line where the machine is at fault, else with its traceback."""
    if is_circumstance(error):
        log.warning("%s: %s", message, error)
    else:
        log.error("%s", message, exc_info=error)


class PlainFormatter(logging.Formatter):
    """Keeps what other people wrote from commanding a terminal, or passing for lines of the log."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the record's own words on one line."""
        record.message = " ".join(record.message.splitlines())
        return shown(super().formatMessage(record))

    def formatException(self, ei: logging._SysExcInfoType) -> str:  # noqa: N802 - logging's name
        """Return a traceback."""
        return shown(super().formatException(ei))


class PriorityFormatter(PlainFormatter):
    """Puts a record's priority in front of each of its lines, as sd-daemon(3) has it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as lines the journal can sort by priority."""
        prefix = f"<{priority(record)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def priority(record: logging.LogRecord) -> int:
    """Return a record's priority, 7 (debug) to 3 (error)."""
    return PRIORITIES.get(record.levelno, 3)


class JournalHandler(logging.Handler):
    """Speaks the journal's native protocol, one datagram a record.

    https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. What cannot be sent (no journal, too long for a
    datagram) goes to `otherwise`.
    """

    def __init__(self, otherwise: logging.Handler, address: str = SOCKET) -> None:
        super().__init__()
        self._otherwise = otherwise
        self._address = address
        # Not blocking: a journal that does not read must not hold up the main loop.
        self._socket = socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        try:
            self._socket.sendto(datagram(self._fields(record)), self._address)
        except OSError:
            self._otherwise.handle(record)
        except Exception:  # noqa: BLE001 - a line that cannot be formatted must not hurt its caller
            self.handleError(record)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
        super().close()

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        return {
            "MESSAGE": self.format(record),
            "PRIORITY": priority(record),
            "SYSLOG_IDENTIFIER": "twind",
            "LOGGER": record.name,
            "CODE_FILE": record.pathname,
            "CODE_LINE": record.lineno,
            "CODE_FUNC": record.funcName,
            **getattr(record, "fields", {}),
        }


def datagram(fields: Mapping[str, Any]) -> bytes:
    """Return fields as the journal takes them.

    A value of several lines follows its name with its length, 64 bits, little-endian.
    """
    parts = []
    for name, value in fields.items():
        text = str(value).encode("utf-8", "replace")
        if b"\n" in text:
            parts.append(name.encode() + b"\n" + len(text).to_bytes(8, "little") + text)
        else:
            parts.append(name.encode() + b"=" + text)
    return b"".join(part + b"\n" for part in parts)


def set_up(address: str = SOCKET) -> None:
    """Send the log where it belongs, unless whoever started us has set up something else."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(_handler(address))
        root.setLevel(logging.INFO)
    # One line for every minute's check is not news.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("watchdog").setLevel(logging.WARNING)


def _handler(address: str) -> logging.Handler:
    stderr = logging.StreamHandler(sys.stderr)
    if not is_journal(sys.stderr, os.environ):
        stderr.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        return stderr
    stderr.setFormatter(PriorityFormatter("%(name)s: %(message)s"))
    journal = JournalHandler(stderr, address)
    journal.setFormatter(PlainFormatter("%(name)s: %(message)s"))
    return journal


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether a stream is the one that the journal reads (JOURNAL_STREAM, systemd.exec(5)).

    Whoever redirects it, as to a file, wants the log there.
    """
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        there = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(there.st_dev), str(there.st_ino))
