"""Lines of JSON: the control socket, its client, workers, and columns of the database."""

from __future__ import annotations

import contextlib
import json

from targets import Target
from twind.daemon import client, control
from twind.errors import TwindError
from twind.jobs import __main__ as worker
from twind.store.connection import from_json

COMMANDS = (
    b'{"cmd": "status"}\n',
    b'{"cmd": "run", "job": "sync", "args": {"a": [1, 2.5, null]}}\n',
)
REPLIES = (
    b'{"ok": true, "data": {"a": 1}}\n',
    b'{"ok": false, "error": {"code": "usage", "message": "no"}}\n',
)
ORDERS = (b'{"job": 7, "attempt": 1, "args": {}, "nice": 5, "memory_mib": 512}\n',)
WORDS = r'[[[[[[[[ {"a":{"a":{"a": NaN 1e999 "\ud800" \u0000 -0 null true'


def command(data: bytes) -> None:
    """Read a command, and write the answer that quotes it."""
    with contextlib.suppress(TwindError):
        told = control._command(data)
        assert isinstance(told["cmd"], str)
        json.loads(control.encoded({"ok": True, "data": told}))


def reply(data: bytes) -> None:
    """Read what a daemon answers."""
    with contextlib.suppress(TwindError):
        assert isinstance(client.data_of(data), dict)


def order(data: bytes) -> None:
    """Read what a worker is to do."""
    with contextlib.suppress(TwindError):
        assert isinstance(worker._order(data.decode("utf-8", "surrogateescape")), dict)


def column(data: bytes) -> None:
    """Read a column that should hold an object."""
    assert isinstance(from_json(data.decode("utf-8", "replace")), dict)


TARGETS = {
    "command": Target(command, COMMANDS, WORDS),
    "reply": Target(reply, REPLIES, WORDS),
    "order": Target(order, ORDERS, WORDS),
    "column": Target(column, (b'{"a": 1}', b"[]"), WORDS),
}
