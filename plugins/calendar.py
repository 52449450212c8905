"""Events from iCalendar files (RFC 5545), one record for each occurrence.

A file is cut into its components before anything is parsed, and only the lines that matter are:
one broken event, alarm or attachment costs nothing else. icalendar reads the components,
recurring-ical-events expands them (recurrence, exclusions, overrides, moved tails of a series).

Times without a zone belong to the calendar's X-WR-TIMEZONE, or else to the user's zone, and so
do all-day events, from midnight to midnight.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

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
    Context,
    RecordError,
    Settings,
    Unchanged,
    files_under,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SETTLED_S = 2.0
"""Coarse file systems keep times to two seconds (FAT): a file younger than that may change again
and show the same time."""
MAX_STEPS = 200_000
"""How many repetitions a series may go through before the window ends: 22 years of every hour."""
MAX_TEXT = 2000
"""Characters kept of a description, which every occurrence carries."""

_TIMED = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE")
"""Without one of these an event has no time: where it cannot be read, neither can the event."""
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
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_NAME = re.compile(r"[A-Za-z0-9-]+")
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
    floating: ZoneInfo


@dataclass(slots=True)
class _Raw:
    """The lines of one VEVENT that matter, unfolded."""

    line: int
    zone: str = ""
    lines: list[str] = field(default_factory=list)

    def value(self, name: str) -> str:
        for line in self.lines:
            if _name_of(line) == name:
                return line.partition(":")[2].strip()
        return ""


@dataclass(slots=True)
class _File:
    """A file cut into its components."""

    events: list[_Raw] = field(default_factory=list)
    zones: list[str] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    calendars: int = 0
    complete: bool = True


class Calendar:
    """iCalendar files, as a plugin."""

    name = "calendar"
    Settings = CalendarSettings

    def watch(self, ctx: Context[CalendarSettings]) -> list[Path]:
        """Return the files and folders of the settings."""
        return ctx.settings.paths

    def fetch(
        self, ctx: Context[CalendarSettings]
    ) -> Iterator[CalendarEvent | RecordError | Unchanged]:
        """Yield what overlaps the window, file by file; a file that stands is not read.

        Raises FileNotFoundError when a path of the settings does not exist.
        """
        paths = list(dict.fromkeys(files_under(ctx.settings.paths, ".ics", ".ical")))
        view = (
            f"{ctx.window.start:%Y%m%d}-{ctx.window.end:%Y%m%d} {ctx.timezone.key} "
            f"{','.join(sorted(ctx.emails))} {ctx.settings.max_occurrences} 1"
        )
        files = _Files(ctx.state, view, paths, ctx.now)
        for path in paths:
            yield from _one_file(path, files, ctx)
        ctx.state.clear()
        ctx.state.update(view=view, files=files.seen)


class _Files:
    """Which files stand as they were, and which of them a UID belongs to.

    `seen` is the next state, for each path: its stamp, the hash of its bytes, its UIDs each with a
    hash of what they say, the errors it had, and the files that it gave way to.
    """

    def __init__(self, state: dict[str, Any], view: str, paths: list[Path], now: datetime) -> None:
        known = state.get("files", {}) if state.get("view") == view else {}
        self.stamps = {str(path): _stamp(path, now) for path in paths}
        self.seen: dict[str, dict[str, Any]] = {}
        self._old = {key: known[key] for key in self.stamps if key in known}
        self._standing = {
            key
            for key, old in self._old.items()
            if self.stamps[key] is not None and old["stamp"] == self.stamps[key]
        }
        self._owners = {
            uid: (key, digest) for key, old in self._old.items() for uid, digest in old["uids"]
        }

    def unchanged(self, key: str) -> bool:
        """Tell whether the file need not even be read."""
        return key in self._standing and self._independent(key)

    def same_bytes(self, key: str, digest: str) -> bool:
        """Tell whether the file holds what it held, whatever its time says."""
        old = self._old.get(key)
        return old is not None and old["sha256"] == digest and self._independent(key)

    def keep(self, key: str) -> list[list[str]]:
        """Carry a file over as it is; return the errors it had."""
        self.seen[key] = {**self._old[key], "stamp": self.stamps[key]}
        errors: list[list[str]] = self.seen[key]["errors"]
        return errors

    def open(self, key: str, digest: str) -> None:
        """Begin a file that is read anew; its UIDs are free until it claims them again."""
        for uid, _ in self._old.get(key, {}).get("uids", ()):
            self._owners.pop(uid, None)
        self.seen[key] = {
            "stamp": self.stamps[key],
            "sha256": digest,
            "uids": [],
            "errors": [],
            "after": [],
        }

    def claim(self, key: str, uid: str, digest: str) -> str | None:
        """Return the UID this file may use, or None when another file says the very same.

        The file that has had a UID keeps it. Another gets one of its own, made of its path.
        """
        owner, said = self._owners.setdefault(uid, (key, digest))
        mine = self.seen[key]
        if owner == key:
            mine["uids"].append([uid, digest])
            return uid
        if owner not in mine["after"]:
            mine["after"].append(owner)
        return None if said == digest else f"{uid}@{_digest(key)[:8]}"

    def _independent(self, key: str) -> bool:
        """Tell whether the files this one gave way to still stand."""
        return self._standing.issuperset(self._old[key]["after"])


def _stamp(path: Path, now: datetime) -> list[int] | None:
    """Return [mtime in ns, size in bytes], or None where the time cannot be trusted yet."""
    try:
        found = path.stat()
    except OSError:
        return None
    settled = found.st_mtime < now.timestamp() - SETTLED_S
    return [found.st_mtime_ns, found.st_size] if settled else None


def _one_file(
    path: Path, files: _Files, ctx: Context[CalendarSettings]
) -> Iterator[CalendarEvent | RecordError | Unchanged]:
    key = str(path)
    if files.unchanged(key):
        yield Unchanged(key)
        yield from (RecordError(uid, reason, key) for uid, reason in files.keep(key))
        return
    try:
        data = _bytes_of(path, ctx.settings.max_mib)
    except (OSError, ValueError) as error:
        # Not in the state, so that it is tried again whatever its time says.
        yield RecordError(key, _reason(error), key)
        return
    digest = hashlib.sha256(data).hexdigest()
    if files.same_bytes(key, digest):
        yield Unchanged(key)
        yield from (RecordError(uid, reason, key) for uid, reason in files.keep(key))
        return
    files.open(key, digest)
    for item in _records(key, _decode(data), files, ctx):
        if isinstance(item, RecordError):
            files.seen[key]["errors"].append([item.uid, item.reason])
        yield item


def _bytes_of(path: Path, max_mib: float) -> bytes:
    if path.stat().st_size > max_mib * 2**20:
        raise ValueError(f"is larger than {max_mib:g} MiB")
    return path.read_bytes()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())[:300]
    # A bare KeyError says "DTSTART" and an AttributeError nothing a user knows: name the kind.
    return text if isinstance(error, ValueError) else f"{type(error).__name__}: {text}"


def _decode(data: bytes) -> str:
    """Read bytes in whatever encoding they are in: UTF-8, UTF-16, else Windows' Latin."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    # UTF-16 without its mark: every other byte of "BEGIN" is zero.
    if data[1:2] == b"\0" and data[3:4] == b"\0":
        return data.decode("utf-16-le", "replace")
    if data[:1] == b"\0" and data[2:3] == b"\0":
        return data.decode("utf-16-be", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _records(
    key: str, text: str, files: _Files, ctx: Context[CalendarSettings]
) -> Iterator[CalendarEvent | RecordError]:
    """Yield what one file says."""
    cut = _cut(text)
    if not cut.calendars and not cut.events:
        yield RecordError(key, "holds no calendar", key)
        return
    if not cut.complete:
        # What is missing is not gone: naming the group keeps it.
        yield RecordError(key, "is cut short: its last component does not end", key)
    for line, problem in cut.problems:
        yield RecordError(f"{key}#{line}", f"line {line}: {problem}", key)
    _learn_zones(cut.zones)
    for uid, raws in _by_uid(key, cut.events).items():
        mine = files.claim(key, uid, _digest("\n".join(line for raw in raws for line in raw.lines)))
        if mine is None:
            continue
        try:
            yield from _series(mine, raws, key, ctx)
        except Exception as error:  # noqa: BLE001 - whatever a parser raises is this series' failure
            yield RecordError(mine, f"line {raws[0].line}: {_reason(error)}", key)


# --- cutting a file into components --------------------------------------------------------------


def _name_of(line: str) -> str:
    match = _NAME.match(line)
    return match[0].upper() if match else ""


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, content line) with the folds of RFC 5545, 3.1 undone."""
    number, parts = 0, [""]
    for here, line in enumerate(_LINE_BREAK.split(text), start=1):
        if line[:1] in {" ", "\t"} and number:
            parts.append(line[1:])
            continue
        if number:
            yield number, "".join(parts)
        number, parts = here, [line]
    yield number, "".join(parts)


def _cut(text: str) -> _File:
    """Cut a file into its events and time zones; lines that nobody asks for are left out."""
    found = _File()
    stack: list[str] = []
    event: _Raw | None = None
    zone: list[str] | None = None
    calendar_zone = ""
    since = 0
    for number, line in _unfolded(text):
        name = _name_of(line)
        value = line.partition(":")[2].strip().upper() if name in {"BEGIN", "END"} else ""
        if name == "BEGIN":
            if value == "VCALENDAR":
                found.calendars += 1
                calendar_zone, since = "", len(found.events)
            if value == "VEVENT":
                if event is not None:
                    found.problems.append((event.line, "the event does not end"))
                    del stack[stack.index("VEVENT") :]
                event = _Raw(number)
            elif value == "VTIMEZONE":
                zone = []
            stack.append(value)
        inside = stack[-1] if stack else ""
        if zone is not None:
            zone.append(line)
        elif event is not None and inside == "VEVENT" and name in _WANTED:
            # An empty property says nothing; icalendar takes offence at some.
            if not line.endswith(":"):
                event.lines.append(line)
        elif inside == "VCALENDAR" and name == "X-WR-TIMEZONE":
            calendar_zone = line.partition(":")[2].strip()
            # It may stand after the events it is about.
            for earlier in found.events[since:]:
                earlier.zone = calendar_zone
        if name != "END" or value not in stack:
            continue
        while stack.pop() != value:
            pass
        if value == "VEVENT" and event is not None:
            event.zone = calendar_zone
            found.events.append(event)
            event = None
        elif value == "VTIMEZONE" and zone is not None:
            found.zones.append("\r\n".join(zone))
            zone = None
    found.complete = not stack
    if event is not None:
        found.problems.append((event.line, "the event does not end"))
    return found


def _by_uid(key: str, events: list[_Raw]) -> dict[str, list[_Raw]]:
    """Gather the components of each event: itself, its revisions and its overrides.

    Exporters that give one UID to several events exist: those that begin at different times, none
    of them a later revision of another, are told apart by when they begin.
    """
    by_uid: dict[str, list[_Raw]] = {}
    for raw in events:
        uid = raw.value("UID") or _made_up_uid(key, raw)
        by_uid.setdefault(uid, []).append(raw)
    apart: dict[str, list[_Raw]] = {}
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


def _made_up_uid(key: str, raw: _Raw) -> str:
    said = (raw.value(name) for name in ("DTSTART", "DTEND", "RRULE", "SUMMARY"))
    return f"x-{_digest(chr(0).join((key, *said)))[:20]}"


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


def _zone_named(name: str) -> ZoneInfo | None:
    """Return the zone an X-WR-TIMEZONE names, IANA's way or Windows', if anybody knows it."""
    if not name:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = tzp.timezone(name)
    return found if isinstance(found, ZoneInfo) else None


# --- one event, or one series --------------------------------------------------------------------


def _series(
    uid: str, raws: list[_Raw], key: str, ctx: Context[CalendarSettings]
) -> Iterator[CalendarEvent | RecordError]:
    """Yield the occurrences of what shares one UID. Raises whatever the parsers raise."""
    own_zone = _zone_named(raws[0].zone)
    zones = _Zones(ctx.timezone, own_zone or ctx.timezone)
    events = []
    done: set[str] = set()
    for raw in raws:
        try:
            event = _event(raw)
            _start_and_end(event, zones)
        except Exception as error:
            # The overrides of a series stand without each other, but not without the series.
            if not raw.value("RECURRENCE-ID"):
                raise
            name = f"{uid}/{_named(raw)}"
            # Nor does the series speak for it: its last good version stays.
            done.add(name)
            yield RecordError(name, f"line {raw.line}: {_reason(error)}", key)
        else:
            events.append(event)
    if not events:
        return
    if len(events) == 1 and not _recurs(events[0]):
        yield from _occurrence(events[0], uid, "", key, zones, ctx)
        return
    masters = [event for event in events if "RECURRENCE-ID" not in event]
    if not any(_recurs(event) for event in events):
        # Revisions of a single event.
        latest = max(masters, key=lambda event: int(event.get("SEQUENCE", 0)))
        yield from _occurrence(latest, uid, "", key, zones, ctx)
        return
    for master in masters:
        _refuse_endless(master, ctx)
    calendar = icalendar.Calendar()
    for event in events:
        # One UID for all, whatever spelling the file has.
        event["UID"] = icalendar.vText(uid)
        calendar.add_component(event)
    if own_zone is not None:
        calendar["X-WR-TIMEZONE"] = own_zone.key
    moves = dict(_moves(events))
    found = recurring_ical_events.of(calendar, keep_recurrence_attributes=True).between(
        (ctx.window.start - _MARGIN).astimezone(ctx.timezone),
        (ctx.window.end + _MARGIN).astimezone(ctx.timezone),
    )
    if len(found) > ctx.settings.max_occurrences:
        raise ValueError(f"repeats {len(found)} times in the window")
    for event in found:
        name = f"{uid}/{_original(event, moves)}"
        if name not in done:
            done.add(name)
            yield from _occurrence(event, name, uid, key, zones, ctx)


def _event(raw: _Raw) -> _Event:
    """Parse one VEVENT. Raises ValueError where a part that gives its time cannot be read."""
    event = _parsed(icalendar.Event, _component(raw.lines))
    if any(name is None for name, _ in event.errors):
        # icalendar does not say which lines are none; those that give no time are not missed.
        lines = [line for line in raw.lines if _name_of(line) in _TIMED or _is_line(line)]
        event = _parsed(icalendar.Event, _component(lines))
    for name, problem in event.errors:
        if name is None or name in _TIMED:
            raise ValueError(f"{name or 'a line'} cannot be read: {problem}")
    if "DTSTART" not in event:
        raise ValueError("has no DTSTART")
    for name in ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID"):
        if isinstance(event.get(name), list):
            event[name] = event[name][0]
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        if name in event and not isinstance(event[name].dt, date):
            raise ValueError(f"{name} is no date")
    if not isinstance(event.get("SEQUENCE", 0), int):
        del event["SEQUENCE"]
    return event


def _named(raw: _Raw) -> str:
    """Return which occurrence an override that cannot be read is about."""
    lines = [line for line in raw.lines if _name_of(line) == "RECURRENCE-ID"]
    try:
        return _basic(_parsed(icalendar.Event, _component(lines))["RECURRENCE-ID"].dt)
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
    return any(name in event for name in ("RRULE", "RDATE", "RECURRENCE-ID"))


def _refuse_endless(event: _Event, ctx: Context[CalendarSettings]) -> None:
    """Raise ValueError for a rule that would take too long, or that no day ever satisfies.

    dateutil walks through a rule from its start, up to the year 9999 where nothing matches.
    """
    rules = event.get("RRULE", [])
    start = event["DTSTART"].dt
    begin = start if isinstance(start, datetime) else datetime.combine(start, time(0))
    for rule in rules if isinstance(rules, list) else [rules]:
        text = icalendar.vRecur(rule).to_ical().decode()  # type: ignore[no-untyped-call]
        steps = _steps(rule, begin.replace(tzinfo=UTC), ctx.window.end + _MARGIN)
        if steps > MAX_STEPS:
            raise ValueError(f"repeats too often to be followed: RRULE {text[:100]}")
        if any(name.startswith("BY") for name in rule) and not _ever(rule):
            raise ValueError(f"never happens: RRULE {text[:100]}")


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
    text = icalendar.vRecur(kept).to_ical().decode()  # type: ignore[no-untyped-call]
    # The calendar ends with the year 9999, and so does the search.
    return next(iter(rrulestr(text, dtstart=datetime(9960, 1, 1))), None) is not None


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


def _original(event: _Event, moves: dict[str, timedelta]) -> str:
    """Return when this occurrence would have been before anybody moved it.

    In a moved tail every occurrence carries the RECURRENCE-ID of the first.
    """
    named = event["RECURRENCE-ID"]
    if _is_tail(named):
        return _basic(event["DTSTART"].dt - moves.get(_basic(named.dt), timedelta(0)))
    return _basic(named.dt)


# --- from a component to a record ----------------------------------------------------------------


def _start_and_end(event: _Event, zones: _Zones) -> tuple[datetime, datetime, bool]:
    """Return start and end in UTC, and whether the event is about days rather than times.

    RFC 5545, 3.6.1: without an end, an event of days lasts one, any other no time at all. Raises
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
    if last < first:
        raise ValueError(f"ends before it starts: {_basic(start)} to {_basic(end)}")
    return first, last, all_day


def _utc(moment: date, zones: _Zones) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(0), tzinfo=zones.days)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zones.floating)
    # Zones made from a file's own definition are not zoneinfo's; what leaves here is.
    return moment.astimezone(UTC)


def _one(event: _Event, name: str) -> Any:
    value = event.get(name)
    return value[0] if isinstance(value, list) and value else value


def _plain(event: _Event, name: str) -> str:
    value = _one(event, name)
    return "" if value is None else str(value).replace("\0", "").strip()[:MAX_TEXT]


def _occurrence(
    event: _Event, uid: str, series: str, key: str, zones: _Zones, ctx: Context[CalendarSettings]
) -> Iterator[CalendarEvent]:
    """Yield the record of one occurrence, if it is inside the window."""
    start, end, all_day = _start_and_end(event, zones)
    instant = start == end
    if start >= ctx.window.end or (end < ctx.window.start if instant else end <= ctx.window.start):
        return
    attendees = _attendees(event)
    mine = {one.status for one in attendees if one.email in ctx.emails}
    status = _STATUS.get(_plain(event, "STATUS").upper(), "confirmed")
    if status == "confirmed" and "tentative" in mine:
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
        organizer=_email(_one(event, "ORGANIZER")),
        attendees=attendees,
        location=_plain(event, "LOCATION"),
        description=_plain(event, "DESCRIPTION"),
        categories=_categories(event),
        group=key,
    )


def _takes_time(event: _Event, all_day: bool) -> bool:
    """Tell whether the event keeps its time from other things; a day's event only if it says so."""
    shown = _plain(event, "TRANSP").upper()
    office = _plain(event, "X-MICROSOFT-CDO-BUSYSTATUS").upper()
    if shown == "TRANSPARENT" or office == "FREE":
        return False
    return not all_day or shown == "OPAQUE" or office in {"BUSY", "OOF"}


def _email(address: Any) -> str:
    text = re.sub(r"^\s*mailto:\s*", "", str(address or ""), flags=re.IGNORECASE)
    return text.strip().lower() if "@" in text else ""


def _attendees(event: _Event) -> tuple[Attendee, ...]:
    """Return the people invited, once each; rooms and equipment are none."""
    values = event.get("ATTENDEE", [])
    found: dict[str, Attendee] = {}
    for value in values if isinstance(values, list) else [values]:
        params = getattr(value, "params", {})
        email = _email(value)
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
    values = event.get("CATEGORIES", [])
    names = [
        str(name).strip()
        for value in (values if isinstance(values, list) else [values])
        for name in getattr(value, "cats", [value])
    ]
    return tuple(dict.fromkeys(name for name in names if name))


@hookimpl
def twind_register(register: Callable[[Any], None]) -> None:
    """Offer the plugin."""
    register(Calendar())
