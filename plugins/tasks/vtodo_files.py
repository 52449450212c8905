"""A task of an iCalendar file, read: its versions, its values, and the times of what recurs."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import icalendar

from twind.api import Component, SourceFile, ical, name_of

TIMED = ("DTSTART", "DUE", "DURATION", "COMPLETED", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE")
"""Where one of these cannot be read, nobody knows when the task is due or whether it is done."""
_ESTIMATES = ("ESTIMATED-DURATION", "X-ESTIMATED-DURATION")
"""Of draft-ietf-calext-ical-tasks, and what Cfait writes where there is a due date as well."""
PENDING = "X-KDE-LIBKCAL-DTRECURRENCE"
"""When the time is due, or begins, that comes next."""
_WANTED = frozenset(
    {
        *TIMED,
        *_ESTIMATES,
        PENDING,
        "UID",
        "SUMMARY",
        "DESCRIPTION",
        "SEQUENCE",
        "LAST-MODIFIED",
        "CREATED",
        "STATUS",
        "PERCENT-COMPLETE",
        "PRIORITY",
        "CATEGORIES",
        "RELATED-TO",
    }
)
LINES = {**ical.ZONES, "VTODO": _WANTED}
_RELATION = re.compile(r'RELATED-TO((?:;[^:;="]+=(?:"[^"]*"|[^:;]*))*):(.*)', re.IGNORECASE)
_MUCH_LATER = datetime(9990, 1, 1, tzinfo=UTC)


def latest_of(todos: list[Component]) -> Iterator[Component]:
    """Yield the tasks, of several versions of one the latest alone."""
    versions: dict[tuple[str, str], list[Component]] = {}
    for raw in todos:
        versions.setdefault((ical.uid_of(raw), raw.value("RECURRENCE-ID")), []).append(raw)
    for (uid, _), those in versions.items():
        yield from ical.latest(those) if uid else those


@dataclass(frozen=True, slots=True)
class Todo:
    """A task, parsed.

    Attributes:
        uid: the one that its file gives it, by which others know it.
        todo: icalendar's view of it.
        zones: where its days begin, and its times without a zone belong.
        pending: when the time of a habit that comes next is due, or begins, where that is told.
        file: the one it is in.

    """

    uid: str
    todo: Any
    zones: ical.Zones
    pending: datetime | None
    file: SourceFile

    @classmethod
    def of(cls, uid: str, raw: Component, file: SourceFile, zone: ZoneInfo) -> Todo:
        """Parse a component, whose zones are settled. Raises whatever icalendar raises."""
        zones = ical.Zones(zone, ical.own_zone(raw) or zone)
        return cls(uid, ical.parse(raw, TIMED), zones, _pending(raw, zones), file)

    @property
    def begin(self) -> date | None:
        """DTSTART."""
        return _moment(self.todo, "DTSTART")

    @property
    def due(self) -> date | None:
        """DUE, or what DURATION makes of DTSTART."""
        due, length = _moment(self.todo, "DUE"), ical.first(self.todo, "DURATION")
        if due is not None or length is None or self.begin is None:
            return due
        if not isinstance(self.begin, datetime) and not length.dt.seconds:
            # A day begins what lasts until the one that it ends before.
            return self.begin + length.dt - timedelta(days=1)
        timed = self.begin if isinstance(self.begin, datetime) else ical.naive(self.begin)
        return timed + length.dt

    @property
    def rules(self) -> list[Any]:
        """Its RRULEs."""
        return ical.listed(self.todo, "RRULE")

    @property
    def recurs(self) -> bool:
        """Whether it is a habit: it is to be done again, and something says when."""
        return bool(self.rules or "RDATE" in self.todo) and self.first is not None

    @property
    def first(self) -> date | None:
        """The first of its times, by which the others are counted and named."""
        return self.begin if self.begin is not None else self.due

    def end(self, moment: date) -> datetime:
        """Return when something due then is overdue: a day lasts until it ends."""
        return self.zones.utc(
            moment if isinstance(moment, datetime) else moment + timedelta(days=1)
        )


# --- the times of a habit ------------------------------------------------------------------------


def originals(read: Todo, until: datetime) -> Iterator[date]:
    """Yield the times as the rules have them, in order, from the one that is pending on.

    Raises ValueError for a rule that cannot be followed until then.
    """
    start = read.first
    assert start is not None
    since = read.zones.utc(start)
    if read.pending is not None:
        # Not one by one up to the one that is pending: that may be said to be any time.
        until = max(until, read.pending)
        since = max(since, read.pending - _length(read) - timedelta(days=2))
    for rule in read.rules:
        ical.align_rule(rule, start, read.zones)
        ical.refuse_endless(rule, ical.naive(start), until)
    by_rule = [ical.repeated(rule, start, since, _MUCH_LATER) for rule in read.rules]
    last = None
    for one in heapq.merge([start], dates(read, "RDATE"), *by_rule, key=read.zones.utc):
        if one != last and (read.pending is None or due_of(read, one) >= read.pending):
            yield one
        last = one


def dates(read: Todo, name: str) -> list[date]:
    """Return the days or times that a property lists, as the series has them, in order."""
    assert read.first is not None
    told = [one.dt for value in ical.listed(read.todo, name) for one in value.dts]
    moments = [one[0] if isinstance(one, tuple) else one for one in told]
    aligned = (ical.like(one, read.first, read.zones) for one in moments)
    return sorted(aligned, key=read.zones.utc)


def _pending(raw: Component, zones: ical.Zones) -> datetime | None:
    """Return when the time that KOrganizer says comes next is due, or begins."""
    for line in raw.lines:
        if name_of(line) == PENDING:
            as_due = Component(raw.kind, raw.line, [f"DUE{line[len(PENDING) :]}"])
            return zones.utc(ical.moment_named(as_due, "DUE"))
    return None


def due_of(read: Todo, original: date) -> datetime:
    """Return when one time is overdue; what only begins is to be done on its day."""
    start = read.first
    assert start is not None
    if read.due is None or start is read.due:
        is_due = read.due is not None
        return read.end(original if is_due else _day_of(original))
    length = _length(read)
    if isinstance(original, datetime) == isinstance(read.due, datetime):
        return read.end(original + length)
    moment = ical.naive(original) + length
    if not isinstance(read.due, datetime):
        return read.end(moment.date())
    return read.end(moment.replace(tzinfo=read.due.tzinfo))


def _length(read: Todo) -> timedelta:
    """Return how long after its beginning each time is due."""
    if read.due is None or read.first is None:
        return timedelta(0)
    return ical.naive(read.due) - ical.naive(read.first)


# --- values --------------------------------------------------------------------------------------


def relations(raw: Component) -> Iterator[tuple[str, str]]:
    """Yield what a task names as its parent or child: a uid, and "PARENT" or "CHILD"."""
    for line in raw.lines:
        if match := _RELATION.fullmatch(line):
            told = re.search(r';RELTYPE="?([A-Z-]+)', match[1], re.IGNORECASE)
            kind = told[1].upper() if told else "PARENT"
            uid = ical.unescaped(match[2])
            if kind in {"PARENT", "CHILD"} and uid:
                yield uid, kind


def status_of(todo: Any) -> Literal["open", "done", "cancelled"]:
    """Return what became of a task."""
    told = ical.text(todo, "STATUS").upper()
    if told in {"CANCELLED", "CANCELED"}:
        return "cancelled"
    # Some programs write nothing but how much is done, or when it was.
    silent = not told and ("COMPLETED" in todo or number(todo, "PERCENT-COMPLETE") >= 100)
    return "done" if told == "COMPLETED" or silent else "open"


def _moment(todo: Any, name: str) -> date | None:
    value = ical.first(todo, name)
    return None if value is None else value.dt


def stamp(todo: Any, name: str, zones: ical.Zones) -> datetime | None:
    """Return when something happened; of a day, noon."""
    moment = getattr(ical.first(todo, name), "dt", None)
    if not isinstance(moment, date):
        return None
    at = zones.utc(moment)
    return at if isinstance(moment, datetime) else at + timedelta(hours=12)


def _day_of(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def number(todo: Any, name: str) -> int:
    """Return the value of a property that is a number; 0 for none."""
    value = ical.first(todo, name)
    return int(value) if isinstance(value, int) else 0


def estimate_min(read: Todo) -> float | None:
    """Return how long a task is thought to take. Raises ValueError for what is no length.

    DURATION without a time to begin at is one, too.
    """
    told = next(filter(None, (ical.text(read.todo, name) for name in _ESTIMATES)), "")
    if told:
        length = icalendar.vDuration.from_ical(told)
    elif "DURATION" in read.todo and read.begin is None:
        length = ical.first(read.todo, "DURATION").dt
    else:
        return None
    return max(0.0, length.total_seconds() / 60)
