"""Yields all that is no record, and records that cannot be right."""

import math
from datetime import UTC, datetime, timedelta

from twind.api import CalendarEvent, Deleted, Person, RecordError, Task, hookimpl

ROUND = []
ROUND.append(ROUND)


class Odd(Person):
    def __getattribute__(self, _):
        raise RuntimeError("odd")


class Plugin:
    name = "fetch_garbles"

    def fetch(self, ctx):
        yield Person(uid="good", name="Good")
        yield from (None, 7, "text", b"bytes", {}, object(), Person, [Person(uid="in", name="In")])
        yield Person(uid="\ud800", name="Surrogate")
        yield Person(uid="nul\0", name="Nul")
        yield Person(uid=7, name=8)
        yield Person(uid="", name="")
        yield Person(uid="u" * 10_000_000, name="n" * 10_000_000)
        yield Person(uid="long", name="n" * 10_000_000, note="o" * 10_000_000)
        yield Person(uid="mail", name="Mail", emails=object())
        yield Task(uid="nan", title="Nan", priority=math.nan, estimate_min=math.inf)
        yield Task(uid="round", title="Round", contexts=ROUND)
        yield Odd(uid="odd", name="Odd")
        now = datetime.now(UTC)
        yield CalendarEvent(uid="back", title="Back", start=now, end=now - timedelta(days=1))
        yield CalendarEvent(
            uid="naive", title="Naive", start=datetime(2026, 1, 1), end=datetime(2026, 1, 2)
        )
        yield CalendarEvent(uid="far", title="Far", start=datetime.min, end=datetime.max)
        yield RecordError(ROUND, ROUND)
        yield Deleted(ROUND)


@hookimpl
def twind_register(register):
    register(Plugin())
