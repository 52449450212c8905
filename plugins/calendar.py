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
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import icalendar
import recurring_ical_events
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
    ical,
    is_own_event,
    name_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_TIMED = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXRULE", "EXDATE")
"""Without one of these an event has no time: where it cannot be read, neither can the event."""
_WANTED = frozenset(
    {
        *_TIMED,
        "UID",
        "SUMMARY",
        "SEQUENCE",
        "LAST-MODIFIED",
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
_LINES = {**ical.ZONES, "VEVENT": _WANTED}
_STATUS = {"CANCELLED": "cancelled", "CANCELED": "cancelled", "TENTATIVE": "tentative"}
_ANSWERS = {
    "ACCEPTED": "accepted",
    "DECLINED": "declined",
    "DELEGATED": "declined",
    "TENTATIVE": "tentative",
}
MAX_RULES = 50
"""RRULEs and EXRULEs of one series; programs write one."""
MAX_INVITED = 200_000
"""People in all occurrences of one series: two hundred each working day for years."""
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NAMING_DAYS = ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH")
_MARGIN = timedelta(days=2)
"""Zones differ by a day at most; the window itself is applied to the occurrences, in UTC."""
_MOMENT = re.compile(r"\d{8}(?:T\d{6}Z?)?")


class CalendarSettings(Settings):
    """`[plugins.calendar]`."""

    paths: list[Path] = Field(default=[], description=".ics files, or folders of them.")
    max_mib: float = Field(default=64, gt=0, description="A larger file is refused.")
    max_occurrences: int = Field(
        default=10_000, ge=1, description="A series that has more in the window is refused."
    )


_Event: TypeAlias = Any
"""An icalendar.Event. Its values are a union of thirty types: which one, the file decides."""
_LENGTH = "X-TWIND-LENGTH"
"""Under this an event has its DURATION as a `_Length`: its copies keep it."""


class Calendar:
    """iCalendar files, as a plugin."""

    name = "calendar"
    Settings = CalendarSettings

    def watch(self, ctx: Context[CalendarSettings]) -> list[Path]:
        """Return the files and folders of the settings."""
        return ctx.settings.paths

    def fetch(self, ctx: Context[CalendarSettings]) -> Iterator[Fetched]:
        """Yield what overlaps the window, file by file; a file that stands is not read.

        Raises OSError when no path of the settings can be read.
        """
        files = Files(ctx, ctx.settings.paths, ".ics", ".ical", max_mib=ctx.settings.max_mib)
        yield from files.each(_Reader(ctx).parse)


class _Reader:
    """Reads files, one after the other."""

    def __init__(self, ctx: Context[CalendarSettings]) -> None:
        self._ctx = ctx
        self._settler = ical.Settler(ctx.timezone)

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
        for uid, raws in _by_uid(file.group, [one for one in events if one.ended]):
            if is_own_event(uid):
                continue
            records = partial(self._series, file, zones, raws)
            if len(raws) == 1 and _lies_outside(raws[0], self._ctx):
                records = _nothing
            lines = (line for raw in raws for line in raw.lines)
            # A copy that some program has touched is one all the same.
            said = "\n".join(line for line in lines if name_of(line) != "LAST-MODIFIED")
            yield Claim(uid, said, records, raws[0].line)

    def _series(
        self, file: SourceFile, zones: list[str], raws: list[Component], uid: str
    ) -> Iterator[CalendarEvent | RecordError]:
        for line, problem in self._settler.settle(raws, zones, _TIMED):
            yield file.error(problem, line=line)
        yield from _series(uid, raws, file, self._ctx)


# --- from a file to its events -------------------------------------------------------------------


def _by_uid(group: str, events: list[Component]) -> Iterator[tuple[str, list[Component]]]:
    """Yield (uid, components) of each event: the latest version of itself, and its overrides.

    Exporters that give one UID to several events exist: those of which none is a later version of
    another are told apart by when they begin, and the rest by Files.
    """
    by_uid: dict[str, list[Component]] = {}
    for raw in events:
        uid = ical.uid_of(raw) or _made_up_uid(group, raw)
        by_uid.setdefault(uid, []).append(raw)
    for uid, raws in by_uid.items():
        overrides = [raw for raw in raws if raw.value("RECURRENCE-ID")]
        masters = _latest([raw for raw in raws if not raw.value("RECURRENCE-ID")])
        yield uid, [*masters[:1], *overrides]
        for other in masters[1:]:
            start = other.value("DTSTART")
            at_once = start == masters[0].value("DTSTART")
            yield uid if at_once else f"{uid}#{start or other.line}", [other]


def _latest(masters: list[Component]) -> list[Component]:
    """Return the latest versions of the events of one UID.

    One that begins at another time is an earlier version only if its SEQUENCE says so: when they
    were changed last is told of versions and of different events alike.
    """
    number = max((ical.revision(raw)[0] for raw in masters), default=0)
    by_start: dict[str, list[Component]] = {}
    for raw in masters:
        if ical.revision(raw)[0] == number:
            by_start.setdefault(raw.value("DTSTART"), []).append(raw)
    return [raw for those in by_start.values() for raw in ical.latest(those)]


def _made_up_uid(group: str, raw: Component) -> str:
    said = (raw.value(name) for name in ("DTSTART", "DTEND", "RRULE", "SUMMARY"))
    text = "\0".join((group, *said))
    return f"x-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"


def _lies_outside(raw: Component, ctx: Context[CalendarSettings]) -> bool:
    """Tell whether an event takes place once and outside the window, from its lines alone.

    Most of a calendar of years does, and parsing it is what takes the time. Where its lines leave
    any doubt it is parsed: False.
    """
    times = sorted((name, line) for line in raw.lines if (name := name_of(line)) in _TIMED)
    if [name for name, _ in times] != ["DTEND", "DTSTART"]:
        return False
    end, start = (_written(line) for _, line in times)
    if start is None or end is None or end < start:
        return False
    return end < ctx.window.start - _MARGIN or start > ctx.window.end + _MARGIN


def _written(line: str) -> datetime | None:
    """Return the day or time of a line, whatever its zone, as one in UTC; None where unsure."""
    value = line.rpartition(":")[2].strip()
    if not _MOMENT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError:
        return None


def _nothing(_uid: str) -> Iterator[CalendarEvent]:
    """Say nothing of an event that lies outside the window."""
    return iter(())


# --- one event, or one series --------------------------------------------------------------------


def _series(
    uid: str, raws: list[Component], file: SourceFile, ctx: Context[CalendarSettings]
) -> Iterator[CalendarEvent | RecordError]:
    """Yield the occurrences of what shares one UID. Raises whatever the parsers raise."""
    own_zone = ical.own_zone(raws[0])
    zones = ical.Zones(ctx.timezone, own_zone or ctx.timezone)
    events, broken = [], []
    # Of several versions of one override the latest counts.
    for raw in sorted(raws, key=ical.revision, reverse=True):
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
        if own_zone is not None and not _recurs_in_utc(master, moved, own_zone):
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
    invited = sum(len(ical.listed(event, "ATTENDEE")) for _, event in found)
    if invited > MAX_INVITED:
        raise ValueError(f"invites {invited} people in all")
    for original, event in found:
        name = f"{uid}/{ical.basic(original)}"
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
    for event in found:
        # The library makes an end of what lasts so long, by the clock; one of another length is an
        # RDATE's own.
        length = event.get(_LENGTH)
        lasts = ical.naive(event["DTEND"].dt) - ical.naive(event["DTSTART"].dt)
        if length is not None and lasts == length.days + length.exact:
            del event["DTEND"]
    return [(_original(event, moves), event) for event in found]


def _event(raw: Component) -> _Event:
    """Parse one VEVENT. Raises ValueError where a part that gives its time cannot be read."""
    event = ical.parse(raw, _TIMED)
    if "DTSTART" not in event:
        raise ValueError("has no DTSTART")
    if "DURATION" in event and "DTEND" not in event:
        event[_LENGTH] = _Length.of(raw)
    return event


@dataclass(frozen=True, slots=True)
class _Length:
    """How long an event lasts: RFC 5545, 3.3.6, counts hours exactly, and days by the calendar.

    So a day on which the clocks change is one all the same, and eight hours are eight.
    """

    days: timedelta
    exact: timedelta

    @classmethod
    def of(cls, raw: Component) -> _Length:
        told = raw.value("DURATION")
        whole = icalendar.vDuration.from_ical(told)
        if "T" not in raw.value("DTSTART"):  # Google has written a day as PT86400S
            return cls(whole, timedelta())
        days = icalendar.vDuration.from_ical(told.partition("T")[0])
        return cls(days, whole - days)

    def after(self, start: date, zones: ical.Zones) -> date:
        """Return when something ends that begins then."""
        if isinstance(start, datetime):
            return zones.utc(start + self.days) + self.exact
        whole = self.days + self.exact
        return start + whole if not whole.seconds else ical.naive(start) + whole


def _named(raw: Component, master: _Event | None, zones: ical.Zones) -> str:
    """Return which occurrence an override that cannot be read is about."""
    try:
        named = ical.moment_named(raw, "RECURRENCE-ID")
        return ical.basic(
            ical.like(named, master["DTSTART"].dt, zones) if master is not None else named
        )
    except Exception:  # noqa: BLE001 - then it is named as it stands
        return raw.value("RECURRENCE-ID")


def _recurs(event: _Event) -> bool:
    return "RRULE" in event or "RDATE" in event


@dataclass(frozen=True, slots=True)
class _Excluded:
    """What a series leaves out: occurrences by their name, and whole days of one that has times."""

    names: frozenset[str] = frozenset()
    days: frozenset[date] = frozenset()

    def covers(self, original: date) -> bool:
        day = original.date() if isinstance(original, datetime) else original
        return day in self.days or ical.basic(original) in self.names


def _align(master: _Event, overrides: Iterable[_Event], zones: ical.Zones) -> None:
    """Write the times that a series names as its start is written: a day, or a time in its zone.

    Exporters mix them: a series of days moved at midnight in UTC, one of times until some day.
    """
    start = master["DTSTART"].dt
    for override in overrides:
        named = override["RECURRENCE-ID"]
        named.dt = ical.like(named.dt, start, zones)
    for rule in [one for name in ical.RULES for one in ical.listed(master, name)]:
        ical.align_rule(rule, start, zones)
    added = [
        tuple(ical.like(end, start, zones) if isinstance(end, date) else end for end in one.dt)
        if isinstance(one.dt, tuple)
        else ical.like(one.dt, start, zones)
        for value in ical.listed(master, "RDATE")
        for one in value.dts
    ]
    if added:
        master["RDATE"] = icalendar.vDDDLists(added)


def _exclusions(master: _Event, zones: ical.Zones, ctx: Context[CalendarSettings]) -> _Excluded:
    """Return what a series leaves out, and take it out of the series."""
    start = master["DTSTART"].dt
    named = [one.dt for value in ical.listed(master, "EXDATE") for one in value.dts]
    days = {day for day in named if isinstance(start, datetime) and not isinstance(day, datetime)}
    left_out = {ical.basic(ical.like(one, start, zones)) for one in named if one not in days}
    first, last = ctx.window.start - _MARGIN, ctx.window.end + _MARGIN
    for rule in ical.listed(master, "EXRULE"):
        left_out |= {ical.basic(one) for one in ical.repeated(rule, start, first, last)}
    for name in ("EXDATE", "EXRULE"):
        master.pop(name, None)
    return _Excluded(frozenset(left_out), frozenset(days))


# --- series that stand in UTC --------------------------------------------------------------------


def _recurs_in_utc(master: _Event, moved: list[_Event], zone: tzinfo) -> bool:
    """Tell whether a series that begins in UTC recurs there, and not by the clock of `zone`.

    Exporters that write a local series in UTC, with its zone as the calendar's, are many; so it is
    taken for one where nothing says otherwise: days that its rule names as they are in UTC, or a
    time left out or moved that is where UTC has it after the clocks of the zone have changed. What
    may be either is as RFC 5545 has it.
    """
    start = master["DTSTART"].dt
    if not isinstance(start, datetime) or start.tzname() != "UTC":
        return False
    local = start.astimezone(zone)
    rules = [one for name in ical.RULES for one in ical.listed(master, name)]
    apart = [rule for rule in rules if _means_others(rule, start, local)]
    for rule in apart:
        if _fits(rule, start) != _fits(rule, local):
            return _fits(rule, start)
    hours = _hours_kept(rules, [master, *moved], start, local)
    return (False, True) not in hours and (bool(apart) or (True, False) in hours)


def _means_others(rule: Any, start: datetime, local: datetime) -> bool:
    """Tell whether a rule means other days or hours for a start as another clock has it."""
    if _is_by_hour(rule) and start.time() != local.time():
        return True
    # The last days of a month are not in all of them.
    is_last = start.month != local.month or max(start.day, local.day) > 28
    by_month = is_last and ical.first_of(rule, "FREQ") in {"MONTHLY", "YEARLY"}
    names_days = by_month or any(name in rule for name in _NAMING_DAYS)
    return names_days and start.date() != local.date()


def _is_by_hour(rule: Any) -> bool:
    finer = {"HOURLY", "MINUTELY", "SECONDLY"}
    return "BYHOUR" in rule or "BYMINUTE" in rule or ical.first_of(rule, "FREQ") in finer


def _fits(rule: Any, moment: datetime) -> bool:
    """Tell whether a rule names the day and the hour of a moment, as far as it names any."""
    is_named = {
        "BYMONTH": lambda month: month == moment.month,
        # Below zero they are counted from the end.
        "BYMONTHDAY": lambda day: (moment - timedelta(days=min(day, 0))).day == max(day, 1),
        "BYDAY": lambda day: str(day)[-2:] == _WEEKDAYS[moment.weekday()],
        "BYHOUR": lambda hour: hour == moment.hour,
    }
    return all(
        any(map(names, ical.listed(rule, part))) for part, names in is_named.items() if part in rule
    )


def _hours_kept(
    rules: list[Any], events: list[_Event], start: datetime, local: datetime
) -> set[tuple[bool, bool]]:
    """Return, for each time that a series names, whether it has its hour in UTC, and in the zone.

    Nothing of a series that has several hours.
    """
    if any(map(_is_by_hour, rules)):
        return set()
    lists = [*ical.listed(events[0], "EXDATE"), *(e["RECURRENCE-ID"] for e in events[1:])]
    named = [one.dt for value in lists for one in getattr(value, "dts", [value])]
    named += [ical.first_of(rule, "UNTIL") for rule in rules]
    return {
        (
            one.astimezone(UTC).time() == start.time(),
            one.astimezone(local.tzinfo).time() == local.time(),
        )
        for one in named
        if isinstance(one, datetime) and one.tzinfo is not None
    }


def _move_from_utc(events: Iterable[_Event], zone: tzinfo) -> None:
    """Give what stands in UTC the zone of its calendar, so that it recurs by the clock there."""
    for event in events:
        for name in ("DTSTART", "DTEND"):
            moment = event[name].dt if name in event else None
            if isinstance(moment, datetime) and moment.tzname() == "UTC":
                event[name].dt = moment.astimezone(zone)


# --- rules that would not end --------------------------------------------------------------------


def _refuse_endless(master: _Event, ctx: Context[CalendarSettings]) -> None:
    """Raise ValueError for a series that would take too long, or too much, or never happens."""
    start = master["DTSTART"].dt
    begin = ical.naive(start).replace(tzinfo=UTC)
    rules = ical.listed(master, "RRULE")
    excluding = ical.listed(master, "EXRULE")
    if len(rules) + len(excluding) > MAX_RULES:
        raise ValueError(f"has {len(rules) + len(excluding)} rules")
    for rule in (*rules, *excluding):
        ical.refuse_endless(rule, begin, ctx.window.end + _MARGIN)
    most, (first, last) = ctx.settings.max_occurrences, (ctx.window.start, ctx.window.end)
    # Counting is dearer than estimating, and making a record of each dearer still.
    if sum(ical.steps(rule, max(begin, first), last) for rule in rules) > most:
        times = sum(1 for rule in rules for _ in ical.repeated(rule, start, first, last))
        if times > most:
            raise ValueError(f"repeats {times} times in the window")


def _moves(events: list[_Event]) -> Iterator[tuple[str, timedelta]]:
    """Yield by how much each override "this and all that follow" moves what follows it."""
    for event in events:
        moved = event.get("RECURRENCE-ID")
        if moved is not None and _is_tail(moved):
            yield (
                ical.basic(moved.dt),
                ical.naive(event["DTSTART"].dt) - ical.naive(moved.dt),
            )


def _is_tail(recurrence_id: Any) -> bool:
    return str(recurrence_id.params.get("RANGE", "")).upper() == "THISANDFUTURE"


def _original(event: _Event, moves: dict[str, timedelta]) -> Any:
    """Return when this occurrence would have been before anybody moved it.

    In a moved tail every occurrence carries the RECURRENCE-ID of the first.
    """
    named = event["RECURRENCE-ID"]
    if _is_tail(named):
        return event["DTSTART"].dt - moves.get(ical.basic(named.dt), timedelta(0))
    return named.dt


# --- from a component to a record ----------------------------------------------------------------


def _start_and_end(event: _Event, zones: ical.Zones) -> tuple[datetime, datetime, bool]:
    """Return start and end in UTC, and whether the event is about days rather than times.

    RFC 5545, 3.6.1: without an end, an event of days lasts one, any other no time at all. What
    begins in an hour that the clocks skip or repeat lasts as long as on any other day. Raises
    ValueError where it ends before it starts.
    """
    start = event["DTSTART"].dt
    all_day = not isinstance(start, datetime)
    if "DTEND" in event:
        end = event["DTEND"].dt
    elif _LENGTH in event:
        end = event[_LENGTH].after(start, zones)
    else:
        end = start + timedelta(days=1) if all_day else start
    if all_day and not isinstance(end, datetime):
        # Exporters that mean one day and write an end that is not exclusive are many.
        end = start + timedelta(days=1) if end == start else end
    else:
        all_day = False
    first, last = zones.utc(start), zones.utc(end)
    is_exact = "DTEND" not in event and isinstance(start, datetime)
    if not is_exact and first != zones.utc(start, fold=1):
        last = first + (ical.naive(end) - ical.naive(start))
    if last < first:
        raise ValueError(f"ends before it starts: {ical.written(start)} to {ical.written(end)}")
    return first, last, all_day


def _occurrence(
    event: _Event, uid: str, series: str, zones: ical.Zones, ctx: Context[CalendarSettings]
) -> Iterator[CalendarEvent]:
    """Yield the record of one occurrence, if it is inside the window."""
    start, end, all_day = _start_and_end(event, zones)
    instant = start == end
    if start >= ctx.window.end or (end < ctx.window.start if instant else end <= ctx.window.start):
        return
    organizer = _address(ical.first(event, "ORGANIZER"))
    attendees = _attendees(event)
    mine = {one.status for one in attendees if one.email in ctx.emails}
    status = _STATUS.get(ical.text(event, "STATUS").upper(), "confirmed")
    if status == "confirmed" and _is_open(event, organizer, attendees, ctx.emails):
        status = "tentative"
    yield CalendarEvent(
        uid=uid,
        title=ical.text(event, "SUMMARY") or "(no title)",
        start=start,
        end=end,
        all_day=all_day,
        busy=status != "cancelled" and "declined" not in mine and _takes_time(event, all_day),
        status=status,  # type: ignore[arg-type]
        series=series,
        organizer=organizer,
        attendees=attendees,
        location=ical.text(event, "LOCATION"),
        description=ical.text(event, "DESCRIPTION"),
        categories=ical.categories(event),
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
    return ical.text(event, "X-MICROSOFT-CDO-BUSYSTATUS").upper()


def _takes_time(event: _Event, all_day: bool) -> bool:
    """Tell whether the event keeps its time from other things; a day's event only if it says so."""
    shown, office = ical.text(event, "TRANSP").upper(), _office_status(event)
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
    for value in ical.listed(event, "ATTENDEE"):
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


@hookimpl
def twind_register(register: Callable[[Any], None]) -> None:
    """Offer the plugin."""
    register(Calendar())
