"""Now, and time zones: the only caller of the system clock.

Inside twind a time is an aware `datetime` in UTC; the user's zone appears only at the edges.
Code that needs the time takes a `Clock`, so that tests drive it.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import tzinfo
    from zoneinfo import ZoneInfo

DAY_MIN = 24 * 60


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> datetime:
        """Return the present, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved: for tests, and for rehearsing another day."""

    def __init__(self, now: datetime) -> None:
        self._now = parse_utc(now.isoformat())

    def now(self) -> datetime:
        """Return the time the clock was set to, in UTC."""
        return self._now

    def advance(self, **delta: float) -> None:
        """Move the clock by `timedelta(**delta)`."""
        self._now += timedelta(**delta)


def monotonic_s() -> float:
    """Return seconds on a clock that never jumps, for measuring how long something took."""
    return time.monotonic()


def system_zone_name() -> str:
    """Return the IANA name of the machine's time zone, or "UTC" where it has none."""
    import tzlocal

    return tzlocal.get_localzone_name() or "UTC"


def parse_utc(text: str) -> datetime:
    """Read an ISO 8601 time into UTC. A time without an offset is taken as UTC.

    Raises ValueError when `text` is no ISO 8601 time.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def format_utc(moment: datetime) -> str:
    """Write an aware time as ISO 8601 in UTC with microseconds, so that text sorts as time does.

    Raises ValueError for a naive time: guessing a zone is how calendars go wrong.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment.isoformat()}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def when(at: str, zone: tzinfo | None = None) -> str:
    """Return an ISO 8601 time as people read it: on the clock of `zone`, else on its own."""
    moment = datetime.fromisoformat(at)
    return f"{moment if zone is None else moment.astimezone(zone):%Y-%m-%d %H:%M}"


def day_of(at: str, zone: tzinfo) -> str:
    """Return the day of an ISO 8601 time on the clock of `zone`."""
    return when(at, zone)[:10]


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which `day` begins in `zone`."""
    return datetime.combine(day, time_of_day(), tzinfo=zone).astimezone(UTC)


def local_time(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of `minute` minutes past midnight on the wall clock of `day`.

    `minute` may pass 1440 and then means the next day. A wall time that a spring night skips is
    read with the offset before the jump (PEP 495, fold=0).
    """
    extra, minute = divmod(minute, 24 * 60)
    wall = time_of_day(minute // 60, minute % 60)
    return datetime.combine(day + timedelta(days=extra), wall, tzinfo=zone).astimezone(UTC)
