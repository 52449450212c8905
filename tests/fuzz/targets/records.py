"""What plugins yield, checked, and what twind makes of other people's text."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from targets import Target
from twind.errors import PluginError
from twind.model import (
    Attendee,
    CalendarEvent,
    Deleted,
    Person,
    Project,
    RecordError,
    Task,
    Unchanged,
)
from twind.plugins.validation import validate_records

from .shared import HERE, is_harmless

KINDS = (Person, Project, Task, CalendarEvent, Deleted, Unchanged, RecordError)
_LOADED = SimpleNamespace(file=HERE / "plugin.py", name="plugin")
_LINES = {"note", "description", "reason"}
_EXACT = {"uid", "group", "book", "series", "parent", "project"}


def _value(told):
    """Make times, lengths and attendees of what JSON cannot say."""
    if isinstance(told, dict):
        if "at" in told:
            with contextlib.suppress(TypeError, ValueError, OverflowError):
                return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=told["at"])
        return Attendee(told.get("email"), told.get("name"), told.get("status"))
    return tuple(map(_value, told)) if isinstance(told, list) else told


def records(data: bytes) -> None:
    """Check records of whatever a plugin puts into them; what is let through is harmless."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return
    made = []
    for kind, fields in told.items() if isinstance(told, dict) else ():
        with contextlib.suppress(TypeError, ValueError, AttributeError):
            values = {name: _value(value) for name, value in fields.items()}
            made.append(KINDS[int(kind) % len(KINDS)](**values))
    with contextlib.suppress(PluginError):
        for record in validate_records(_LOADED, made):
            for name in record.__slots__:
                value = getattr(record, name)
                if isinstance(value, str) and name not in _EXACT:
                    assert is_harmless(value, lines=name in _LINES), (name, value)


EVENT = {
    "uid": "a",
    "title": "T\u001b[31m",
    "start": {"at": 0},
    "end": {"at": 3600},
    "busy": True,
    "attendees": [{"email": "A@b.c", "name": "A", "status": "accepted"}],
    "categories": ["x"],
}
TARGETS = {
    "records": Target(
        records,
        (
            json.dumps({"3": EVENT}).encode(),
            b'{"0": {"uid": "p", "name": "N", "emails": ["a@b"]}, "6": {"uid": "x"}}',
            b'{"2": {"uid": "t", "title": "t", "estimate_min": 5, "rescheduled": 1}}',
        ),
        r'"uid": "title": "at": NaN 1e999 \ud800 \u202e \u0000 \u001b]0;',
    )
}
