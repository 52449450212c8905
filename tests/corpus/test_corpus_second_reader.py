"""Two real calendars, read a second time by a reader that shares nothing with the plugin.

It takes the files line by line and expands the rules with dateutil on the local clock, where the
plugin parses with icalendar and expands with recurring-ical-events. Both must say the same of every
occurrence: when it begins and ends, its title, series, name and status.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from twind.api import CalendarEvent, Context, Window
from twind.home import bundled

CORPUS = Path(
    os.environ.get("TWIND_CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "corpus"
)
CALENDARS = {
    "galaxy/basic.ics": ZoneInfo("UTC"),
    "recurring-ical-events/issue_173_only_modifications_error.ics": ZoneInfo("Europe/Paris"),
}
pytestmark = pytest.mark.skipif(
    not all((CORPUS / "ics" / name).exists() for name in CALENDARS),
    reason=f"no corpus at {CORPUS}; set TWIND_CORPUS to a folder with ics/ in it",
)

spec = importlib.util.spec_from_file_location("calendar_to_check", bundled("plugins/calendar.py"))
plugin = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = plugin
spec.loader.exec_module(plugin)


class Occurrence(NamedTuple):
    """What both readers say of one."""

    start: datetime
    end: datetime
    all_day: bool
    title: str
    series: str
    name: str
    status: str


# --- the second reader ---------------------------------------------------------------------------


class Property(NamedTuple):
    """One line of an event."""

    name: str
    parameters: dict[str, str]
    value: str


LINE = re.compile(r'([A-Za-z0-9-]+)((?:;[^=;:]+=(?:"[^"]*"|[^;:]*))*):(.*)')
MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")
LENGTH = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
STATUS = {"CANCELLED": "cancelled", "TENTATIVE": "tentative", "CONFIRMED": "confirmed"}


def events_of(path: Path) -> list[list[Property]]:
    """Cut a file into its events, each a list of lines; what lies within an event is left out."""
    text = re.sub(r"\n[ \t]", "", path.read_text("utf-8"))
    events: list[list[Property]] = []
    depth = 0
    for line in text.split("\n"):
        if line.startswith("BEGIN:VEVENT"):
            events.append([])
            depth = 1
        elif depth and line.startswith(("BEGIN:", "END:")):
            depth += 1 if line.startswith("BEGIN:") else -1
        elif depth == 1 and (match := LINE.fullmatch(line)):
            told = re.findall(r';([^=;:]+)=("[^"]*"|[^;:]*)', match[2])
            parameters = {name.upper(): value.strip('"') for name, value in told}
            events[-1].append(Property(match[1].upper(), parameters, match[3]))
    return events


class Event:
    """One event as its lines have it."""

    def __init__(self, lines: list[Property], zone: ZoneInfo) -> None:
        self.lines = lines
        self.zone = zone
        self.uid = self.text("UID")
        self.start = self.moments("DTSTART")[0]
        self.all_day = not isinstance(self.start, datetime)

    def text(self, name: str) -> str:
        found = next((line.value for line in self.lines if line.name == name), "")
        escapes = {r"\n": "\n", r"\N": "\n"}
        return re.sub(r"\\.", lambda match: escapes.get(match[0], match[0][1]), found).strip()

    def moments(self, name: str) -> list[date]:
        """Return the days and times of a property; every time in a zone."""
        return [
            self.moment(value, line.parameters.get("TZID"))
            for line in self.lines
            if line.name == name and line.value
            for value in line.value.split(",")
        ]

    def moment(self, value: str, zone: str | None) -> date:
        year, month, day, hour, minute, second, utc = MOMENT.fullmatch(value).groups()
        on = date(int(year), int(month), int(day))
        if hour is None:
            return on
        at = datetime.combine(on, time(int(hour), int(minute), int(second)))
        return at.replace(tzinfo=UTC if utc else ZoneInfo(zone) if zone else self.zone)

    @property
    def original(self) -> date | None:
        return next(iter(self.moments("RECURRENCE-ID")), None)

    @property
    def length(self) -> timedelta:
        """How long it lasts by the clock on the wall."""
        ends = self.moments("DTEND")
        if ends:
            return naive(ends[0], self.start) - naive(self.start, self.start)
        if length := self.text("DURATION"):
            weeks, days, hours, minutes, seconds = (
                int(part or 0) for part in LENGTH.fullmatch(length).groups()
            )
            return timedelta(days + 7 * weeks, hours=hours, minutes=minutes, seconds=seconds)
        return timedelta(days=1 if self.all_day else 0)

    @property
    def status(self) -> str:
        invited = {
            line.value.lower(): line.parameters.get("PARTSTAT", "")
            for line in self.lines
            if line.name == "ATTENDEE"
            and "@" in line.value
            and line.parameters.get("CUTYPE", "") not in {"ROOM", "RESOURCE"}
        }
        if "@" in (host := self.text("ORGANIZER").lower()):
            invited.setdefault(host, "ACCEPTED")
        status = STATUS.get(self.text("STATUS"), "confirmed")
        called_off = invited and set(invited.values()) == {"DECLINED"}
        return "tentative" if status == "confirmed" and called_off else status

    def at(self, start: date, original: date | None) -> Occurrence:
        """Return the occurrence that begins then and, before it was moved, at `original`."""
        first = self.absolute(start)
        last = self.absolute(start + self.length)
        if isinstance(start, datetime) and start.utcoffset() != start.replace(fold=1).utcoffset():
            last = first + self.length
        if original is None:
            name, series = self.uid, ""
        else:
            told = f"{original:%Y%m%d}"
            if isinstance(original, datetime):
                told = f"{original.astimezone(UTC):%Y%m%dT%H%M%SZ}"
            name, series = f"{self.uid}/{told}", self.uid
        title = self.text("SUMMARY") or "(no title)"
        return Occurrence(first, last, self.all_day, title, series, name, self.status)

    def absolute(self, moment: date) -> datetime:
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time(0), tzinfo=self.zone)
        return moment.astimezone(UTC)

    def repeated(self, last: date) -> list[date]:
        """Return when it happens by its rules and additions, before anything is left out."""
        zone = None if self.all_day else self.start.tzinfo
        begin = naive(self.start, self.start)
        until = datetime.combine(last, time(0))
        wall = {naive(added, self.start) for added in self.moments("RDATE")}
        rules = [line.value for line in self.lines if line.name == "RRULE"]
        ended = False
        for rule in rules:
            plain = re.sub(r";?UNTIL=[^;]+", "", rule)
            end = datetime.max
            if match := re.search(r"UNTIL=([^;]+)", rule):
                at = self.moment(match[1], getattr(zone, "key", None))
                end = naive(at, self.start)
                if not isinstance(at, datetime) and not self.all_day:
                    end += timedelta(days=1, seconds=-1)
                ended = begin > end
            for moment in rrulestr(plain, dtstart=begin):
                if moment > min(until, end):
                    break
                wall.add(moment)
        if not ended:
            wall.add(begin)
        return [at.date() if self.all_day else at.replace(tzinfo=zone) for at in sorted(wall)]


def naive(moment: date, like: date) -> datetime:
    """Return a moment on the clock of another, which may be a day."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(0))
    if isinstance(like, datetime):
        moment = moment.astimezone(like.tzinfo)
    return moment.replace(tzinfo=None)


@cache
def read_again(name: str) -> tuple[Occurrence, ...]:
    """Return every occurrence of a calendar up to the year 2031."""
    zone = CALENDARS[name]
    by_uid: dict[str, list[Event]] = defaultdict(list)
    for lines in events_of(CORPUS / "ics" / name):
        event = Event(lines, zone)
        by_uid[event.uid].append(event)
    found: list[Occurrence] = []
    for events in by_uid.values():
        moved = {
            event.original if event.all_day else event.absolute(event.original): event
            for event in events
            if event.original is not None
        }
        masters = [event for event in events if event.original is None]
        assert len(masters) <= 1, "these calendars have no event twice"
        for original, event in moved.items():
            found.append(event.at(event.start, original))
        for master in masters:
            recurs = any(line.name in {"RRULE", "RDATE"} for line in master.lines)
            if not recurs and not moved:
                found.append(master.at(master.start, None))
                continue
            left_out = {
                one if master.all_day else master.absolute(one) for one in master.moments("EXDATE")
            }
            for start in master.repeated(date(2031, 1, 1)):
                key = start if master.all_day else master.absolute(start)
                if key not in moved and key not in left_out:
                    found.append(master.at(start, start))
    return tuple(sorted(found))


# --- both ----------------------------------------------------------------------------------------


def fetched(name: str, window: Window) -> list[Occurrence]:
    ctx = Context(
        settings=plugin.CalendarSettings(paths=[CORPUS / "ics" / name]),
        window=window,
        now=datetime(2026, 11, 23, tzinfo=UTC),
        timezone=CALENDARS[name],
    )
    found = list(plugin.Calendar().fetch(ctx))
    assert all(isinstance(event, CalendarEvent) for event in found)
    return sorted(
        Occurrence(
            event.start,
            event.end,
            event.all_day,
            event.title,
            event.series,
            event.uid,
            event.status,
        )
        for event in found
    )


def inside(found: tuple[Occurrence, ...], window: Window) -> list[Occurrence]:
    return [
        one
        for one in found
        if one.start < window.end
        and (one.end > window.start or one.start == one.end == window.start)
    ]


def month(number: int) -> Window:
    """Return a month, counted from January of the year 0, in UTC."""
    first, after = (
        datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC) for months in (number, number + 1)
    )
    return Window(first, after)


def months_of(name: str) -> tuple[int, int]:
    """Return the first month and the last in which a calendar has something."""
    found = read_again(name)
    first, last = found[0].start, max(one.start for one in found)
    return first.year * 12 + first.month - 1, last.year * 12 + last.month - 1


@pytest.mark.parametrize("name", CALENDARS)
def test_both_readers_agree_on_the_whole_calendar(name):
    whole = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
    again = inside(read_again(name), whole)
    assert len(again) > 1000
    assert fetched(name, whole) == again


@pytest.mark.slow
@pytest.mark.parametrize("name", CALENDARS)
def test_both_readers_agree_on_any_month(name):
    first, last = months_of(name)

    @settings(max_examples=25, deadline=None)
    @given(st.integers(first - 1, last))
    def agree(number: int) -> None:
        assert fetched(name, month(number)) == inside(read_again(name), month(number))

    agree()
