"""A pause: until the user says otherwise, or until a moment."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import TYPE_CHECKING

from twind.clock import format_utc, local_midnight, local_time, parse_utc
from twind.errors import TwindError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from twind.clock import Clock
    from twind.store import Store

KEY = "paused_until"
FOREVER = "forever"

_CLOCK_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class BadMomentError(TwindError):
    """What should be a moment to come is none."""

    code = "usage"


def until(text: str | None, now: datetime, zone: ZoneInfo) -> str:
    """Return what to keep under KEY for a pause that ends at `text`.

    `text` is None (until resumed), "18:00" (the next one on the user's clock), "2026-12-01" (when
    that day begins) or an ISO 8601 time, read in the user's zone where it has no offset.

    Raises BadMomentError when it is none of these, or not in the future.
    """
    if text is None:
        return FOREVER
    moment = _moment(text.strip(), now, zone)
    if moment <= now:
        raise BadMomentError(f'"{text}" is already past')
    return format_utc(moment)


def _moment(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    if match := _CLOCK_TIME.fullmatch(text):
        return _next_wall_time(time_of_day(int(match[1]), int(match[2])), now, zone)
    try:
        if len(text) == len("2026-12-01"):
            return local_midnight(date.fromisoformat(text), zone)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadMomentError(
            f'"{text}" is no time; write it like "18:00", "2026-12-01" or "2026-12-01T18:00"'
        ) from None


def _next_wall_time(wall: time_of_day, now: datetime, zone: ZoneInfo) -> datetime:
    today = now.astimezone(zone).date()
    minute = wall.hour * 60 + wall.minute
    moment = local_time(today, minute, zone)
    return moment if moment > now else local_time(today + timedelta(days=1), minute, zone)


def is_paused(kept: str | None, now: datetime) -> bool:
    """Tell whether what is kept under KEY means a pause at `now` (UTC)."""
    if kept is None:
        return False
    return kept == FOREVER or parse_utc(kept) > now


class Pause:
    """The pause of one daemon, kept in the store: it outlives the process."""

    def __init__(self, db: Store, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._was_on = False

    def until(self) -> str | None:
        """Return "forever", the UTC time until which nothing is done by itself, or None."""
        kept = self._db.meta_get(KEY)
        return kept if is_paused(kept, self._clock.now()) else None

    def is_on(self) -> bool:
        """Tell whether nothing is to be done by itself."""
        return self.until() is not None

    def begin(self, text: str | None, zone: ZoneInfo) -> str:
        """Pause until `text`, as `until` reads it, and return what is kept."""
        kept = until(text, self._clock.now(), zone)
        self._db.meta_set(KEY, kept)
        self._was_on = True
        return kept

    def end(self) -> None:
        """Go on."""
        self._db.meta_set(KEY, None)

    def has_ended(self) -> bool:
        """Tell whether it has ended since this was last asked."""
        is_on = self.is_on()
        ended = self._was_on and not is_on
        self._was_on = is_on
        return ended
