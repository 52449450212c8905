"""Events from iCalendar files (RFC 5545), one record for each occurrence.

A file is cut into its components before anything is parsed, and only the lines that matter are:
one broken event, alarm or attachment costs nothing else. icalendar reads the components,
recurring-ical-events expands them (recurrence, exclusions, overrides, moved tails of a series).

Times without a zone belong to the calendar's X-WR-TIMEZONE, or else to the user's zone; days are
the user's, from midnight to midnight. A zone that nobody knows is read as none, and said.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

import icalendar
import recurring_ical_events
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from icalendar.parser import Contentline
from icalendar.timezone import tzp
from pydantic import Field

# pydantic reads the annotations of Settings at run time.
from pathlib import Path  # isort: skip

from twind.api import (
    Attendee,
    CalendarEvent,
    Claim,
    Component,
    Context,
    Fetched,
    Files,
    RecordError,
    Settings,
    SourceFile,
    components,
    hookimpl,
    is_own_event,
    name_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_STEPS = 200_000
"""How many repetitions a series may go through before the window ends: 22 years of every hour."""
MAX_TEXT = 2000
"""Characters kept of a description, which every occurrence carries."""

_TIMED = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXRULE", "EXDATE")
"""Without one of these an event has no time: where it cannot be read, neither can the event."""
_RULES = ("RRULE", "EXRULE")
_WANTED = frozenset(
    {
        *_TIMED,
        "UID",
        "SUMMARY",
        "SEQUENCE",
        "STATUS",
        "TRANSP",
        "ATTENDEE",
        "ORGANIZER",
        "LOCATION",
        "DESCRIPTION",
        "CATEGORIES",
        "X-MICROSOFT-CDO-BUSYSTATUS",
    }
)
_LINES = {
    "VCALENDAR": {"X-WR-TIMEZONE"},
    "VEVENT": _WANTED,
    "VTIMEZONE": None,
    "STANDARD": None,
    "DAYLIGHT": None,
}
_TZID = re.compile(r';TZID=("?)([^";]*)\1', re.IGNORECASE)
_OFFSET = re.compile(r"(?:UTC|GMT)? ?([+-])0?(\d{1,2})(?::?00)?", re.IGNORECASE)
_STATUS = {"CANCELLED": "cancelled", "CANCELED": "cancelled", "TENTATIVE": "tentative"}
_ANSWERS = {
    "ACCEPTED": "accepted",
    "DECLINED": "declined",
    "DELEGATED": "declined",
    "TENTATIVE": "tentative",
}
_PERIOD_S = {
    "SECONDLY": 1,
    "MINUTELY": 60,
    "HOURLY": 3600,
    "DAILY": 86_400,
    "WEEKLY": 7 * 86_400,
    "MONTHLY": 28 * 86_400,
    "YEARLY": 365 * 86_400,
}
_DAYS_IN = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}
_MIDNIGHT = time(0, tzinfo=UTC)
_MARGIN = timedelta(days=2)
"""Zones differ by a day at most; the window itself is applied to the occurrences, in UTC."""


class CalendarSettings(Settings):
    """`[plugins.calendar]`."""

    paths: list[Path] = Field(default=[], description=".ics files, or folders of them.")
    max_mib: float = Field(default=64, gt=0, description="A larger file is refused.")
    max_occurrences: int = Field(
        default=10_000, ge=1, description="A series that has more in the window is refused."
    )


_Event: TypeAlias = Any
"""An icalendar.Event. Its values are a union of thirty types: which one, the file decides."""


@dataclass(frozen=True, slots=True)
class _Zones:
    """Where days begin, and where times without a zone belong."""

    days: ZoneInfo
    floating: tzinfo


class Calendar:
    """iCalendar files, as a plugin."""

    name = "calendar"
    Settings = CalendarSettings

    def watch(self, ctx: Context[CalendarSettings]) -> list[Path]:
        """Return the files and folders of the settings."""
        return ctx.settings.paths

    def fetch(self, ctx: Context[CalendarSettings]) -> Iterator[Fetched]:
        """Yield what overlaps the window, file by file; a file that stands is not read.

        Raises FileNotFoundError when a path of the settings does not exist.
        """
        files = Files(ctx, ctx.settings.paths, ".ics", ".ical", max_mib=ctx.settings.max_mib)
        yield from files.each(_Reader(ctx).parse)


class _Reader:
    """Reads files, one after the other."""

    def __init__(self, ctx: Context[CalendarSettings]) -> None:
        self._ctx = ctx
        self._zones: list[str] | None = None
        self._unknown: set[str] = set()

    def parse(self, file: SourceFile) -> Iterator[RecordError | Claim]:
        """Yield what one file says: a claim for each event or series."""
        found = components(file.text, _LINES)
        events = list(found.every("VEVENT"))
        if not events and not any(found.every("VCALENDAR")):
            yield file.error("holds no calendar")
            return
        if not found.ended:
            # What is missing is not gone: the file's own error keeps it.
            yield file.error("is cut short: its last component does not end")
        for event in events:
            if not event.ended:
                yield file.error("the event does not end", line=event.line)
        zones = [zone.text() for zone in found.every("VTIMEZONE")]
        for uid, raws in _by_uid(file.group, [one for one in events if one.ended]).items():
            if is_own_event(uid):
                continue
            said = "\n".join(line for raw in raws for line in raw.lines)
            yield Claim(uid, said, partial(self._series, file, zones, raws), raws[0].line)

    def _series(
        self, file: SourceFile, zones: list[str], raws: list[Component], uid: str
    ) -> Iterator[CalendarEvent | RecordError]:
        # icalendar knows the zones of one file at a time.
        if self._zones is not zones:
            _learn_zones(zones)
            self._zones, self._unknown = zones, set()
        for raw in raws:
            for name in set(_settle_zones(raw)) - self._unknown:
                self._unknown.add(name)
                read_as = _zone_id(_calendar_zone(raw)) or self._ctx.timezone
                problem = f"the time zone {name[:60]} is not known; read as if in {read_as}"
                yield file.error(problem, line=raw.line)
        yield from _series(uid, raws, file, self._ctx)


# --- from a file to its events -------------------------------------------------------------------


def _by_uid(group: str, events: list[Component]) -> dict[str, list[Component]]:
    """Gather the components of each event: itself, its revisions and its overrides.

    Exporters that give one UID to several events exist: those that begin at different times, none
    of them a later revision of another, are told apart by when they begin.
    """
    by_uid: dict[str, list[Component]] = {}
    for raw in events:
        uid = raw.value("UID") or _made_up_uid(group, raw)
        by_uid.setdefault(uid, []).append(raw)
    apart: dict[str, list[Component]] = {}
    for uid, raws in by_uid.items():
        masters = [raw for raw in raws if not raw.value("RECURRENCE-ID")]
        starts = {raw.value("DTSTART") for raw in masters}
        revisions = {raw.value("SEQUENCE") or "0" for raw in masters}
        if len(starts) < 2 or len(revisions) > 1:
            apart[uid] = raws
            continue
        first = masters[0].value("DTSTART")
        for raw in raws:
            start = raw.value("DTSTART")
            override = bool(raw.value("RECURRENCE-ID"))
            name = uid if override or start == first else f"{uid}#{start or raw.line}"
            apart.setdefault(name, []).append(raw)
    return apart


def _made_up_uid(group: str, raw: Component) -> str:
    said = (raw.value(name) for name in ("DTSTART", "DTEND", "RRULE", "SUMMARY"))
    text = "\0".join((group, *said))
    return f"x-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"


def _learn_zones(zones: Iterable[str]) -> None:
    """Teach icalendar this file's own time zones, and make it forget those of the one before.

    A zone known by its name (IANA's or Windows') is used as the machine knows it; one that cannot
    be read is left out, and times in it are the user's.
    """
    tzp.use_default()
    for zone in zones:
        # A zone changes once or twice a year; anything faster is there to stall its reader.
        if re.search(r"FREQ=(?!YEARLY)", zone, re.IGNORECASE):
            continue
        try:
            _parsed(icalendar.Timezone, zone)
        except Exception:  # noqa: BLE001, S112 - as said above
            continue


def _parsed(kind: type[icalendar.Component], text: str) -> Any:
    with warnings.catch_warnings():
        # icalendar warns where it guesses the zone behind a vendor's name, and guesses well.
        warnings.simplefilter("ignore")
        return kind.from_ical(text)


def _settle_zones(raw: Component) -> Iterator[str]:
    """Name the zones of an event as icalendar knows them; yield those that nobody knows."""
    for place, line in enumerate(raw.lines):
        # No time has a colon in it, but many a zone that its exporter should have quoted.
        head, _, value = line.rpartition(":")
        zone = _TZID.search(head)
        if zone is None or not zone[2] or name_of(line) not in _TIMED:
            continue
        known = _zone_id(zone[2])
        told = f';TZID="{known}"' if known else ""
        raw.lines[place] = f"{head[: zone.start()]}{told}{head[zone.end() :]}:{value}"
        if not known:
            yield zone[2]
    named = _calendar_zone(raw)
    if named and not _zone_id(named):
        yield named


def _calendar_zone(raw: Component) -> str:
    """Return the zone that the calendar of an event names, "" for none."""
    return raw.within.value("X-WR-TIMEZONE") if raw.within is not None else ""


def _known(zone: str) -> tzinfo | None:
    if not zone:
        return None
    with warnings.catch_warnings():
        # icalendar warns where it guesses the zone behind a vendor's name, and guesses well.
        warnings.simplefilter("ignore")
        try:
            return tzp.timezone(zone)
        except OSError:
            # A folder of the zone database ("Europe"), or longer than a file's name can be.
            return None


def _zone_id(name: str) -> str:
    """Return the name under which icalendar knows a zone; "" for one that nobody knows.

    Beside IANA's, Windows' and those of the file: "europe/berlin", "America/Los Angeles", "UTC+2".
    """
    if _known(name):
        return name
    if offset := _OFFSET.fullmatch(name):
        # IANA counts from Greenwich towards the west.
        name = f"Etc/GMT{'-' if offset[1] == '+' else '+'}{offset[2]}"
    return _spellings().get(name.replace(" ", "_").casefold(), "")


@cache
def _spellings() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


# --- one event, or one series --------------------------------------------------------------------


def _series(
    uid: str, raws: list[Component], file: SourceFile, ctx: Context[CalendarSettings]
) -> Iterator[CalendarEvent | RecordError]:
    """Yield the occurrences of what shares one UID. Raises whatever the parsers raise."""
    own_zone = _known(_zone_id(_calendar_zone(raws[0])))
    zones = _Zones(ctx.timezone, own_zone or ctx.timezone)
    events, broken = [], []
    for raw in raws:
        try:
            event = _event(raw)
            _start_and_end(event, zones)
        except Exception as error:
            # The overrides of a series stand without each other, but not without the series.
            if not raw.value("RECURRENCE-ID"):
                raise
            broken.append((raw, error))
        else:
            events.append(event)
    # Of several revisions the latest counts.
    events.sort(key=lambda event: int(event.get("SEQUENCE", 0)), reverse=True)
    moved = [event for event in events if "RECURRENCE-ID" in event]
    master = next((event for event in events if "RECURRENCE-ID" not in event), None)
    done: set[str] = set()
    for raw, error in broken:
        # The series does not speak for it either: its last good version stays.
        name = f"{uid}/{_named(raw, master, zones)}"
        done.add(name)
        yield file.error(error, uid=name, line=raw.line)
    if master is None:
        found, excluded = _moved(moved), _Excluded()
    elif moved or broken or _recurs(master):
        if own_zone is not None:
            _move_from_utc([master, *moved], own_zone)
        _align(master, moved, zones)
        _refuse_endless(master, ctx)
        excluded = _exclusions(master, zones, ctx)
        tails = [event for event in moved if _is_tail(event["RECURRENCE-ID"])]
        alone = [event for event in moved if not _is_tail(event["RECURRENCE-ID"])]
        found = [*_moved(alone), *_expanded([master, *tails], ctx)]
    else:
        yield from _occurrence(master, uid, "", zones, ctx)
        return
    for original, event in found:
        name = f"{uid}/{_basic(original)}"
        if name not in done and not excluded.covers(original):
            done.add(name)
            yield from _occurrence(event, name, uid, zones, ctx)


def _moved(events: Iterable[_Event]) -> list[tuple[date, _Event]]:
    """Return overrides, each with when it was before it was moved."""
    return [(event["RECURRENCE-ID"].dt, event) for event in events]


def _expanded(events: list[_Event], ctx: Context[CalendarSettings]) -> list[tuple[date, _Event]]:
    """Return the occurrences about the window, each with when it was before anybody moved it.

    events: a series, and the moves of its tail. Exclusions and moves of single occurrences are left
    to the caller: the library tells times of day in a zone from those in UTC by luck alone.
    """
    calendar = icalendar.Calendar()
    for event in events:
        event["UID"] = icalendar.vText("")
        calendar.add_component(event)
    moves = dict(_moves(events))
    found = recurring_ical_events.of(calendar, keep_recurrence_attributes=True).between(
        (ctx.window.start - _MARGIN).astimezone(ctx.timezone),
        (ctx.window.end + _MARGIN).astimezone(ctx.timezone),
    )
    if len(found) > ctx.settings.max_occurrences:
        raise ValueError(f"repeats {len(found)} times in the window")
    return [(_original(event, moves), event) for event in found]


def _event(raw: Component) -> _Event:
    """Parse one VEVENT. Raises ValueError where a part that gives its time cannot be read."""
    # Some exporters write lists with blanks; in a rule none means anything.
    lines = [line.replace(" ", "") if name_of(line) in _RULES else line for line in raw.lines]
    event = _parsed(icalendar.Event, _component(lines))
    if any(name is None for name, _ in event.errors):
        # icalendar does not say which lines are none; those that give no time are not missed.
        lines = [line for line in lines if name_of(line) in _TIMED or _is_line(line)]
        event = _parsed(icalendar.Event, _component(lines))
    for name, problem in event.errors:
        if name is None or name in _TIMED:
            raise ValueError(f"{name or 'a line'} cannot be read: {problem}")
    if "DTSTART" not in event:
        raise ValueError("has no DTSTART")
    for name in ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID"):
        if isinstance(event.get(name), list):
            event[name] = event[name][0]
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE"):
        if not all(_is_dated(value) for value in _listed(event, name)):
            raise ValueError(f"{name} is no date")
    if not isinstance(event.get("SEQUENCE", 0), int):
        del event["SEQUENCE"]
    return event


def _is_dated(value: Any) -> bool:
    """Tell whether all that a property names has a date: not a time of day alone, nor a length."""
    moments = [one.dt for one in getattr(value, "dts", [value])]
    return all(isinstance(one[0] if isinstance(one, tuple) else one, date) for one in moments)


def _named(raw: Component, master: _Event | None, zones: _Zones) -> str:
    """Return which occurrence an override that cannot be read is about."""
    lines = [line for line in raw.lines if name_of(line) == "RECURRENCE-ID"]
    try:
        named = _parsed(icalendar.Event, _component(lines))["RECURRENCE-ID"].dt
        return _basic(_like(named, master["DTSTART"].dt, zones) if master is not None else named)
    except Exception:  # noqa: BLE001 - then it is named as it stands
        return raw.value("RECURRENCE-ID")


def _component(lines: list[str]) -> str:
    return "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""])


def _is_line(line: str) -> bool:
    try:
        Contentline(line).parts()  # type: ignore[no-untyped-call]
    except ValueError:
        return False
    return True


def _recurs(event: _Event) -> bool:
    return "RRULE" in event or "RDATE" in event


@dataclass(frozen=True, slots=True)
class _Excluded:
    """What a series leaves out: occurrences by their name, and whole days of one that has times."""

    names: frozenset[str] = frozenset()
    days: frozenset[date] = frozenset()

    def covers(self, original: date) -> bool:
        day = original.date() if isinstance(original, datetime) else original
        return day in self.days or _basic(original) in self.names


def _move_from_utc(events: Iterable[_Event], zone: tzinfo) -> None:
    """Give what stands in UTC the zone of its calendar, so that it recurs by the clock there."""
    for event in events:
        for name in ("DTSTART", "DTEND"):
            moment = event[name].dt if name in event else None
            if isinstance(moment, datetime) and moment.tzname() == "UTC":
                event[name].dt = moment.astimezone(zone)


def _align(master: _Event, overrides: Iterable[_Event], zones: _Zones) -> None:
    """Write the times that a series names as its start is written: a day, or a time in its zone.

    Exporters mix them: a series of days moved at midnight in UTC, one of times until some day.
    """
    start = master["DTSTART"].dt
    for override in overrides:
        named = override["RECURRENCE-ID"]
        named.dt = _like(named.dt, start, zones)
    for rule in [one for name in _RULES for one in _listed(master, name)]:
        if "UNTIL" in rule:
            rule["UNTIL"] = [_last(_first_of(rule, "UNTIL"), start, zones)]
    added = [
        tuple(_like(end, start, zones) if isinstance(end, date) else end for end in one.dt)
        if isinstance(one.dt, tuple)
        else _like(one.dt, start, zones)
        for value in _listed(master, "RDATE")
        for one in value.dts
    ]
    if added:
        master["RDATE"] = icalendar.vDDDLists(added)


def _like(moment: date, start: date, zones: _Zones) -> date:
    """Return a time as a series has it that begins at `start`; a day is the start's time on it."""
    if not isinstance(start, datetime):
        if isinstance(moment, datetime) and moment.tzinfo and moment.timetz() != _MIDNIGHT:
            moment = moment.astimezone(zones.floating)
        return moment.date() if isinstance(moment, datetime) else moment
    if not isinstance(moment, datetime):
        return datetime.combine(moment, start.timetz())
    if start.tzinfo is None:
        return moment.astimezone(zones.floating).replace(tzinfo=None) if moment.tzinfo else moment
    return moment if moment.tzinfo else moment.replace(tzinfo=start.tzinfo)


def _last(until: date, start: date, zones: _Zones) -> date:
    """Return the end of a rule; one that is a day is the end of that day."""
    if isinstance(start, datetime) and not isinstance(until, datetime):
        until = datetime.combine(until, time(23, 59, 59))
    until = _like(until, start, zones)
    return until.astimezone(UTC) if isinstance(until, datetime) and until.tzinfo else until


def _exclusions(master: _Event, zones: _Zones, ctx: Context[CalendarSettings]) -> _Excluded:
    """Return what a series leaves out, and take it out of the series."""
    start = master["DTSTART"].dt
    named = [one.dt for value in _listed(master, "EXDATE") for one in value.dts]
    days = {day for day in named if isinstance(start, datetime) and not isinstance(day, datetime)}
    left_out = {_basic(_like(one, start, zones)) for one in named if one not in days}
    first, last = ctx.window.start - _MARGIN, ctx.window.end + _MARGIN
    for rule in _listed(master, "EXRULE"):
        left_out |= {_basic(one) for one in _repeated(rule, start, first, last)}
    for name in ("EXDATE", "EXRULE"):
        master.pop(name, None)
    return _Excluded(frozenset(left_out), frozenset(days))


# --- rules that would not end --------------------------------------------------------------------


def _refuse_endless(master: _Event, ctx: Context[CalendarSettings]) -> None:
    """Raise ValueError for a series that would take too long, or too much, or never happens.

    dateutil walks through a rule from its start, up to the year 9999 where nothing matches.
    """
    start = master["DTSTART"].dt
    begin = _naive(start).replace(tzinfo=UTC)
    rules = _listed(master, "RRULE")
    for rule in (*rules, *_listed(master, "EXRULE")):
        for name in ("INTERVAL", "COUNT"):
            if (number := _first_of(rule, name)) is not None and number < 1:
                raise ValueError(f"never ends: RRULE has {name}={number}")
        told = f"RRULE {_text(rule)[:100]}"
        if _steps(rule, begin, ctx.window.end + _MARGIN) > MAX_STEPS:
            raise ValueError(f"repeats too often to be followed: {told}")
        if any(name.startswith("BY") for name in rule) and not _ever(rule):
            raise ValueError(f"never happens: {told}")
    most, (first, last) = ctx.settings.max_occurrences, (ctx.window.start, ctx.window.end)
    # Counting is dearer than estimating, and making a record of each dearer still.
    if sum(_steps(rule, max(begin, first), last) for rule in rules) > most:
        times = sum(1 for rule in rules for _ in _repeated(rule, start, first, last))
        if times > most:
            raise ValueError(f"repeats {times} times in the window")


def _repeated(rule: Any, start: date, first: datetime, last: datetime) -> Iterator[date]:
    """Yield when a rule that begins at `start` happens, in [first, last)."""
    begin = start if isinstance(start, datetime) else datetime.combine(start, time(0))
    after, before = (
        edge.astimezone(begin.tzinfo) if begin.tzinfo else edge.replace(tzinfo=None)
        for edge in (first, last)
    )
    for moment in _followed(rule, begin).xafter(after, inc=True):
        if moment >= before:
            return
        yield moment if isinstance(start, datetime) else moment.date()


def _followed(rule: Any, begin: datetime) -> Any:
    """Return dateutil's view of a rule. Raises ValueError for one that it does not understand."""
    text = _text(rule)
    try:
        return rrulestr(text, dtstart=begin)
    except Exception as error:
        raise ValueError(f"cannot be followed ({error}): RRULE {text[:100]}") from error


def _listed(event: _Event, name: str) -> list[Any]:
    values = event.get(name, [])
    return values if isinstance(values, list) else [values]


def _text(rule: Any) -> str:
    return icalendar.vRecur(rule).to_ical().decode()  # type: ignore[no-untyped-call, no-any-return]


def _first_of(rule: Any, name: str, default: Any = None) -> Any:
    values = rule.get(name) or [default]
    return values[0] if isinstance(values, list) else values


def _steps(rule: Any, begin: datetime, end: datetime) -> float:
    """Estimate from above how many repetitions there are between two times."""
    kind = str(_first_of(rule, "FREQ", "")).upper()
    if kind not in _PERIOD_S:
        raise ValueError(f"RRULE has no known FREQ: {kind or 'none'}")
    if "BYSETPOS" in rule and kind not in _DAYS_IN:
        raise ValueError("RRULE picks positions (BYSETPOS) within less than a day")
    until = _first_of(rule, "UNTIL")
    if isinstance(until, datetime):
        end = min(end, until if until.tzinfo else until.replace(tzinfo=UTC))
    periods = max(0.0, (end - begin).total_seconds()) / _PERIOD_S[kind]
    periods = periods / max(1, int(_first_of(rule, "INTERVAL", 1))) + 1
    finer = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        finer *= max(1, len(rule.get(name, [])))
    if kind in _DAYS_IN:
        by_day = any(name in rule for name in ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"))
        finer *= _DAYS_IN[kind] if by_day else 1
    # A count ends a rule of its own accord, but not one that seldom matches.
    count = _first_of(rule, "COUNT")
    filtered = any(name.startswith("BY") for name in rule)
    steps = periods * finer
    return min(steps, float(count)) if count and not filtered else steps


def _ever(rule: Any) -> bool:
    """Tell whether any day in forty years satisfies the rule, at an interval of one."""
    kept = {
        name: values
        for name, values in rule.items()
        if name not in {"COUNT", "UNTIL", "INTERVAL", "SKIP", "RSCALE"}
    }
    # The calendar ends with the year 9999, and so does the search.
    return next(iter(_followed(kept, datetime(9960, 1, 1))), None) is not None


def _moves(events: list[_Event]) -> Iterator[tuple[str, timedelta]]:
    """Yield by how much each override "this and all that follow" moves what follows it."""
    for event in events:
        moved = event.get("RECURRENCE-ID")
        if moved is not None and _is_tail(moved):
            yield _basic(moved.dt), _naive(event["DTSTART"].dt) - _naive(moved.dt)


def _is_tail(recurrence_id: Any) -> bool:
    return str(recurrence_id.params.get("RANGE", "")).upper() == "THISANDFUTURE"


def _naive(moment: date) -> datetime:
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None)
    return datetime.combine(moment, time(0))


def _basic(moment: date) -> str:
    """Write a time as RFC 5545 does, in UTC where it has a zone."""
    if not isinstance(moment, datetime):
        return f"{moment:%Y%m%d}"
    if moment.tzinfo is None:
        return f"{moment:%Y%m%dT%H%M%S}"
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _original(event: _Event, moves: dict[str, timedelta]) -> Any:
    """Return when this occurrence would have been before anybody moved it.

    In a moved tail every occurrence carries the RECURRENCE-ID of the first.
    """
    named = event["RECURRENCE-ID"]
    if _is_tail(named):
        return event["DTSTART"].dt - moves.get(_basic(named.dt), timedelta(0))
    return named.dt


# --- from a component to a record ----------------------------------------------------------------


def _start_and_end(event: _Event, zones: _Zones) -> tuple[datetime, datetime, bool]:
    """Return start and end in UTC, and whether the event is about days rather than times.

    RFC 5545, 3.6.1: without an end, an event of days lasts one, any other no time at all. What
    begins in an hour that the clocks skip or repeat lasts as long as on any other day. Raises
    ValueError where it ends before it starts.
    """
    start = event["DTSTART"].dt
    all_day = not isinstance(start, datetime)
    if "DTEND" in event:
        end = event["DTEND"].dt
    elif "DURATION" in event:
        length = event["DURATION"].dt
        end = start + length if not all_day or not length.seconds else _naive(start) + length
    else:
        end = start + timedelta(days=1) if all_day else start
    if all_day and not isinstance(end, datetime):
        # Exporters that mean one day and write an end that is not exclusive are many.
        end = start + timedelta(days=1) if end == start else end
    else:
        all_day = False
    first, last = _utc(start, zones), _utc(end, zones)
    if first != _utc(start, zones, fold=1):
        last = first + (_naive(end) - _naive(start))
    if last < first:
        raise ValueError(f"ends before it starts: {_basic(start)} to {_basic(end)}")
    return first, last, all_day


def _utc(moment: date, zones: _Zones, fold: int = 0) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(0), tzinfo=zones.days)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zones.floating)
    moment = moment.replace(fold=fold)
    # Zones made from a file's own definition are not zoneinfo's; what leaves here is.
    return moment.astimezone(UTC)


def _one(event: _Event, name: str) -> Any:
    value = event.get(name)
    return value[0] if isinstance(value, list) and value else value


def _plain(event: _Event, name: str) -> str:
    value = _one(event, name)
    return "" if value is None else str(value).replace("\0", "").strip()[:MAX_TEXT]


def _occurrence(
    event: _Event, uid: str, series: str, zones: _Zones, ctx: Context[CalendarSettings]
) -> Iterator[CalendarEvent]:
    """Yield the record of one occurrence, if it is inside the window."""
    start, end, all_day = _start_and_end(event, zones)
    instant = start == end
    if start >= ctx.window.end or (end < ctx.window.start if instant else end <= ctx.window.start):
        return
    organizer = _address(_one(event, "ORGANIZER"))
    attendees = _attendees(event)
    mine = {one.status for one in attendees if one.email in ctx.emails}
    status = _STATUS.get(_plain(event, "STATUS").upper(), "confirmed")
    if status == "confirmed" and _is_open(event, organizer, attendees, ctx.emails):
        status = "tentative"
    yield CalendarEvent(
        uid=uid,
        title=_plain(event, "SUMMARY") or "(no title)",
        start=start,
        end=end,
        all_day=all_day,
        busy=status != "cancelled" and "declined" not in mine and _takes_time(event, all_day),
        status=status,  # type: ignore[arg-type]
        series=series,
        organizer=organizer,
        attendees=attendees,
        location=_plain(event, "LOCATION"),
        description=_plain(event, "DESCRIPTION"),
        categories=_categories(event),
    )


def _is_open(
    event: _Event, organizer: str, attendees: tuple[Attendee, ...], own: frozenset[str]
) -> bool:
    """Tell whether it is open if the event takes place: for the user, or as nobody else will come.

    The user's time is kept all the same: only the user's own "declined" frees it.
    """
    mine = {one.status for one in attendees if one.email in own}
    others = {one.email: one.status for one in attendees if one.email not in own}
    if organizer and organizer not in own:
        # Who calls others together comes, even where the list leaves them out.
        others.setdefault(organizer, "accepted")
    nobody_comes = bool(others) and set(others.values()) == {"declined"}
    return "tentative" in mine or nobody_comes or _office_status(event) == "TENTATIVE"


def _office_status(event: _Event) -> str:
    return _plain(event, "X-MICROSOFT-CDO-BUSYSTATUS").upper()


def _takes_time(event: _Event, all_day: bool) -> bool:
    """Tell whether the event keeps its time from other things; a day's event only if it says so."""
    shown, office = _plain(event, "TRANSP").upper(), _office_status(event)
    if shown == "TRANSPARENT" or office in {"FREE", "WORKINGELSEWHERE"}:
        return False
    return not all_day or shown == "OPAQUE" or office in {"BUSY", "OOF"}


def _address(who: Any) -> str:
    """Return somebody's e-mail address, "" for none; calendar servers put it into a parameter."""
    for text in (str(who or ""), str(getattr(who, "params", {}).get("EMAIL", ""))):
        bare = re.sub(r"^\s*mailto:\s*", "", text, flags=re.IGNORECASE).strip().lower()
        if "@" in bare and not bare.startswith(("http:", "https:", "/")):
            return bare
    return ""


def _attendees(event: _Event) -> tuple[Attendee, ...]:
    """Return the people invited, once each; rooms and equipment are none."""
    found: dict[str, Attendee] = {}
    for value in _listed(event, "ATTENDEE"):
        params = getattr(value, "params", {})
        email = _address(value)
        if not email or str(params.get("CUTYPE", "")).upper() in {"ROOM", "RESOURCE"}:
            continue
        status = _ANSWERS.get(str(params.get("PARTSTAT", "")).upper(), "needs-action")
        name = str(params.get("CN", "")).strip().strip('"')
        found.setdefault(
            email,
            Attendee(email=email, name="" if name.lower() == email else name, status=status),  # type: ignore[arg-type]
        )
    return tuple(found.values())


def _categories(event: _Event) -> tuple[str, ...]:
    names = [
        str(name).strip()
        for value in _listed(event, "CATEGORIES")
        for name in getattr(value, "cats", [value])
    ]
    return tuple(dict.fromkeys(name for name in names if name))


@hookimpl
def twind_register(register: Callable[[Any], None]) -> None:
    """Offer the plugin."""
    register(Calendar())
