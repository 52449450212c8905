"""Components of iCalendar files, read: their zones, their values, and rules that end.

icalendar parses bad values and raises only when they are looked at, guesses zones, and knows those
of one file at a time; dateutil walks through a rule from its start, up to the year 9999 where
nothing matches. Whoever reads events or tasks needs the same care. It is offered to plugins by
twind.api; both libraries are imported when they are needed, and not before.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from twind.contentlines import Component, name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

MAX_STEPS = 200_000
"""How many repetitions a rule may go through before it is of interest: 22 years of every hour."""
MAX_TEXT = 2000
"""Characters kept of a text."""

MAX_ZONES, MAX_ZONE = 100, 2**16
"""How many zones a file may define, and the characters of each: IANA's with all their history take
a tenth of it."""

RULES = ("RRULE", "EXRULE")
ZONES: dict[str, Collection[str] | None] = {
    "VCALENDAR": {"X-WR-TIMEZONE"},
    "VTIMEZONE": None,
    "STANDARD": None,
    "DAYLIGHT": None,
}
"""What `components` is to keep of a file so that its zones are known."""

_TZID = re.compile(r';TZID=("?)([^";]*)\1', re.IGNORECASE)
_TOO_OFTEN = re.compile(
    r"FREQ=(?!YEARLY)|INTERVAL=(?!0*[1-9])|BY(?:HOUR|MINUTE|SECOND|YEARDAY|WEEKNO)=[^;\r\n]*,",
    re.IGNORECASE,
)
"""A zone changes once or twice a year; anything faster, or without end, would stall its reader."""
_OFFSET = re.compile(r"(?:UTC|GMT)? ?([+-])0?(\d{1,2})(?::?00)?", re.IGNORECASE)
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


# --- zones ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Zones:
    """Where days begin, and where times without a zone belong."""

    days: ZoneInfo
    floating: tzinfo

    def utc(self, moment: date, fold: int = 0) -> datetime:
        """Return a time, or the beginning of a day, in UTC.

        fold: 1 for the second of the hours that the clocks repeat, and after one that they skip.
        """
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time(0), tzinfo=self.days)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.floating)
        moment = moment.replace(fold=fold)
        # Zones made from a file's own definition are not zoneinfo's; what leaves here is.
        return moment.astimezone(UTC)


class Settler:
    """Settles which zones components are in, file by file: icalendar knows those of one at a time.

    `default` is the zone of what is in one that nobody knows.
    """

    def __init__(self, default: ZoneInfo) -> None:
        self._default = default
        self._zones: list[str] | None = None
        self._unknown: set[str] = set()

    def settle(
        self, raws: Iterable[Component], zones: list[str], timed: Collection[str]
    ) -> Iterator[tuple[int, str]]:
        """Name the zones of components as icalendar knows them.

        zones: those that their file defines, each a VTIMEZONE. timed: the properties that may have
        one. Yields (line, what is wrong) for each zone that nobody knows, once a file.
        """
        if self._zones is not zones:
            _learn_zones(zones)
            self._zones, self._unknown = zones, set()
        for raw in raws:
            for name in sorted(set(_settle_zones(raw, timed)) - self._unknown):
                self._unknown.add(name)
                read_as = _zone_id(_calendar_zone(raw)) or self._default
                yield raw.line, f"the time zone {name[:60]} is not known; read as if in {read_as}"


def _learn_zones(zones: Iterable[str]) -> None:
    """Teach icalendar this file's own time zones, and make it forget those of the one before.

    A zone known by its name (IANA's or Windows') is used as the machine knows it; one that cannot
    be read is left out.
    """
    import icalendar
    from icalendar.timezone import tzp

    tzp.use_default()
    for zone in islice(zones, MAX_ZONES):
        if len(zone) > MAX_ZONE or _TOO_OFTEN.search(zone):
            continue
        try:
            _parsed(icalendar.Timezone, zone)
        except Exception:  # noqa: BLE001, S112 - as said above
            continue


def _settle_zones(raw: Component, timed: Collection[str]) -> Iterator[str]:
    """Name the zones of a component as icalendar knows them; yield those that nobody knows."""
    for place, line in enumerate(raw.lines):
        # No time has a colon in it, but many a zone that its exporter should have quoted.
        head, _, value = line.rpartition(":")
        zone = _TZID.search(head)
        if zone is None or not zone[2] or name_of(line) not in timed:
            continue
        known = _zone_id(zone[2])
        told = f';TZID="{known}"' if known else ""
        raw.lines[place] = f"{head[: zone.start()]}{told}{head[zone.end() :]}:{value}"
        if not known:
            yield zone[2]
    named = _calendar_zone(raw)
    if named and not _zone_id(named):
        yield named


def own_zone(raw: Component) -> tzinfo | None:
    """Return the zone that the calendar of a component names, if anybody knows it."""
    return _known(_zone_id(_calendar_zone(raw)))


def _calendar_zone(raw: Component) -> str:
    return raw.within.value("X-WR-TIMEZONE") if raw.within is not None else ""


def _known(zone: str) -> tzinfo | None:
    from icalendar.timezone import tzp

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


# --- a component and its values ------------------------------------------------------------------


def parse(raw: Component, timed: Collection[str]) -> Any:
    """Return icalendar's view of a component.

    timed: the properties that give its time; each is dated, and none is there twice unless it may
    be. Raises ValueError where one of them cannot be read, or all is too large; others that cannot
    be read are left out.
    """
    raw.refuse_large()
    # Some exporters write lists with blanks; in a rule none means anything.
    lines = [line.replace(" ", "") if name_of(line) in RULES else line for line in raw.lines]
    found = _event_of(lines)
    if any(name is None for name, _ in found.errors):
        # icalendar does not say which lines are none; those that give no time are not missed.
        lines = [line for line in lines if name_of(line) in timed or _is_line(line)]
        found = _event_of(lines)
    for name, problem in found.errors:
        if name is None or name in timed:
            raise ValueError(f"{name or 'a line'} cannot be read: {problem}")
    for name in timed:
        if isinstance(found.get(name), list) and name not in {*RULES, "RDATE", "EXDATE"}:
            found[name] = found[name][0]
        if name not in {*RULES, "DURATION"} and not all(map(_is_dated, listed(found, name))):
            raise ValueError(f"{name} is no date")
    if not isinstance(found.get("SEQUENCE", 0), int):
        del found["SEQUENCE"]
    return found


def _event_of(lines: list[str]) -> Any:
    """Return an event of these lines, whatever they are of: it alone notes what it cannot read."""
    import icalendar

    return _parsed(icalendar.Event, "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""]))


def _parsed(kind: Any, text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind.from_ical(text)


def _is_line(line: str) -> bool:
    from icalendar.parser import Contentline

    try:
        Contentline(line).parts()  # type: ignore[no-untyped-call]
    except ValueError:
        return False
    return True


def _is_dated(value: Any) -> bool:
    """Tell whether all that a property names has a date: not a time of day alone, nor a length."""
    moments = [one.dt for one in getattr(value, "dts", [value])]
    return all(isinstance(one[0] if isinstance(one, tuple) else one, date) for one in moments)


def unescaped(text: str) -> str:
    """Return the value of a property that is a text, as RFC 5545, 3.3.11, writes one, in plain."""
    from icalendar.parser import unescape_backslash

    return str(unescape_backslash(text)).strip()


def uid_of(raw: Component) -> str:
    """Return the UID of a component; "" for none."""
    return unescaped(raw.value("UID"))


def revision(raw: Component) -> tuple[int, str]:
    """Return what is greater of a later version of a component: SEQUENCE, and when it changed."""
    told = raw.value("SEQUENCE")
    return int(told) if told.isdecimal() and len(told) <= 10 else 0, raw.value("LAST-MODIFIED")


def latest(raws: Iterable[Component]) -> list[Component]:
    """Return those versions of one component of which none is later.

    They are more than one where an exporter calls several things by one name.
    """
    versions = list(raws)
    newest = max(map(revision, versions), default=None)
    return [raw for raw in versions if revision(raw) == newest]


def moment_named(raw: Component, name: str) -> Any:
    """Return the time that one property of a component names, whatever becomes of the others.

    Raises whatever icalendar raises.
    """
    only = Component(raw.kind, raw.line, [line for line in raw.lines if name_of(line) == name])
    return parse(only, (name,))[name].dt


def listed(component: Any, name: str) -> list[Any]:
    """Return all values of a property."""
    values = component.get(name, [])
    return values if isinstance(values, list) else [values]


def first(component: Any, name: str) -> Any:
    """Return the first value of a property; None for none."""
    return next(iter(listed(component, name)), None)


def text(component: Any, name: str) -> str:
    """Return the first value of a property as a text; "" for none."""
    value = first(component, name)
    return "" if value is None else str(value).replace("\0", "").strip()[:MAX_TEXT]


def categories(component: Any) -> tuple[str, ...]:
    """Return its categories, once each."""
    names = [
        str(name).strip()
        for value in listed(component, "CATEGORIES")
        for name in getattr(value, "cats", [value])
    ]
    return tuple(dict.fromkeys(name for name in names if name))


def naive(moment: date) -> datetime:
    """Return a time, or the beginning of a day, without its zone."""
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None)
    return datetime.combine(moment, time(0))


def basic(moment: date) -> str:
    """Write a time as RFC 5545 does, in UTC where it has a zone."""
    if not isinstance(moment, datetime):
        return f"{moment:%Y%m%d}"
    if moment.tzinfo is None:
        return f"{moment:%Y%m%dT%H%M%S}"
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def written(moment: date) -> str:
    """Write a time as the file has it: on the clock of its zone, which is named."""
    if not isinstance(moment, datetime) or moment.tzinfo in {None, UTC}:
        return basic(moment)
    return f"{basic(naive(moment))} {getattr(moment.tzinfo, 'key', '')}".rstrip()


def like(moment: date, start: date, zones: Zones) -> date:
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


# --- rules that end ------------------------------------------------------------------------------


def align_rule(rule: Any, start: date, zones: Zones) -> None:
    """Write the end of a rule as the start of its series is written; a day lasts until it ends.

    Exporters mix them: a series of days until midnight in UTC, one of times until some day.
    """
    if "UNTIL" not in rule:
        return
    until = first_of(rule, "UNTIL")
    if isinstance(start, datetime) and not isinstance(until, datetime):
        until = datetime.combine(until, time(23, 59, 59))
    until = like(until, start, zones)
    if isinstance(until, datetime) and until.tzinfo:
        until = until.astimezone(UTC)
    rule["UNTIL"] = [until]


def refuse_endless(rule: Any, begin: datetime, end: datetime) -> None:
    """Raise ValueError for a rule that takes too long to follow, never happens, or is none.

    begin: naive times count as UTC's. end: until when it is of interest.
    """
    for name, becomes in (("INTERVAL", "never ends"), ("COUNT", "never happens")):
        if (number := first_of(rule, name)) is not None and number < 1:
            raise ValueError(f"{becomes}: RRULE has {name}={number}")
    told = f"RRULE {rule_text(rule)[:100]}"
    if steps(rule, begin.replace(tzinfo=UTC), end) > MAX_STEPS:
        raise ValueError(f"repeats too often to be followed: {told}")
    # Whether it ends in the zone of its start is another matter.
    _followed({name: values for name, values in rule.items() if name != "UNTIL"}, begin)
    if any(name.startswith("BY") for name in rule) and not _ever(rule):
        raise ValueError(f"never happens: {told}")


def repeated(rule: Any, start: date, since: datetime, until: datetime) -> Iterator[date]:
    """Yield when a rule that begins at `start` happens, in [since, until)."""
    begin = start if isinstance(start, datetime) else datetime.combine(start, time(0))
    after, before = (
        edge.astimezone(begin.tzinfo) if begin.tzinfo else edge.replace(tzinfo=None)
        for edge in (since, until)
    )
    for moment in _followed(rule, begin).xafter(after, inc=True):
        if moment >= before:
            return
        yield moment if isinstance(start, datetime) else moment.date()


def _followed(rule: Any, begin: datetime) -> Any:
    """Return dateutil's view of a rule. Raises ValueError for one that it does not understand."""
    from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

    told = rule_text(rule)
    try:
        return rrulestr(told, dtstart=begin)
    except Exception as error:
        raise ValueError(f"cannot be followed ({error}): RRULE {told[:100]}") from error


def rule_text(rule: Any) -> str:
    """Return a rule as it is written."""
    import icalendar

    return icalendar.vRecur(rule).to_ical().decode()  # type: ignore[no-untyped-call, no-any-return]


def first_of(rule: Any, name: str, default: Any = None) -> Any:
    """Return the first value of a part of a rule."""
    values = rule.get(name) or [default]
    return values[0] if isinstance(values, list) else values


def steps(rule: Any, begin: datetime, end: datetime) -> float:
    """Estimate from above how many repetitions there are between two times.

    Raises ValueError for a rule that cannot be estimated.
    """
    kind = str(first_of(rule, "FREQ", "")).upper()
    if kind not in _PERIOD_S:
        raise ValueError(f"RRULE has no known FREQ: {kind or 'none'}")
    if "BYSETPOS" in rule and kind not in _DAYS_IN:
        raise ValueError("RRULE picks positions (BYSETPOS) within less than a day")
    until = first_of(rule, "UNTIL")
    if isinstance(until, datetime):
        end = min(end, until if until.tzinfo else until.replace(tzinfo=UTC))
    periods = max(0.0, (end - begin).total_seconds()) / _PERIOD_S[kind]
    periods = periods / max(1, int(first_of(rule, "INTERVAL", 1))) + 1
    finer = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        finer *= max(1, len(rule.get(name, [])))
    if kind in _DAYS_IN:
        by_day = any(name in rule for name in ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"))
        finer *= _DAYS_IN[kind] if by_day else 1
    # A count ends a rule of its own accord, but not one that seldom matches.
    count = first_of(rule, "COUNT")
    filtered = any(name.startswith("BY") for name in rule)
    most = periods * finer
    return min(most, float(count)) if count and not filtered else most


def _ever(rule: Any) -> bool:
    """Tell whether any day in forty years satisfies the rule, at an interval of one."""
    kept = {
        name: values
        for name, values in rule.items()
        if name not in {"COUNT", "UNTIL", "INTERVAL", "SKIP", "RSCALE"}
    }
    # The calendar ends with the year 9999, and so does the search.
    return next(iter(_followed(kept, datetime(9960, 1, 1))), None) is not None
