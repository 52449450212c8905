"""Where the log goes: to stderr, in a form the journal understands where it listens."""

from __future__ import annotations

import logging
import os
import sys

from twind.plaintext import shown

# sd-daemon(3): a line's priority stands in front of it.
_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}


class PlainFormatter(logging.Formatter):
    """Keeps what other people wrote from commanding a terminal, or passing for lines of the log."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the record's own words on one line."""
        record.message = " ".join(record.message.splitlines())
        return shown(super().formatMessage(record))

    def formatException(self, ei: logging._SysExcInfoType) -> str:  # noqa: N802 - logging's name
        """Return a traceback."""
        return shown(super().formatException(ei))


class JournalFormatter(PlainFormatter):
    """Puts a record's priority in front of each of its lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as lines the journal can sort by priority."""
        prefix = f"<{_PRIORITY.get(record.levelno, 3)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def set_up() -> None:
    """Send the log to stderr, unless whoever started us has set up something else."""
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        if os.environ.get("JOURNAL_STREAM"):
            handler.setFormatter(JournalFormatter("%(name)s: %(message)s"))
        else:
            handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root.addHandler(handler)
        root.setLevel(logging.INFO)
    # One line for every minute's check is not news.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("watchdog").setLevel(logging.WARNING)
