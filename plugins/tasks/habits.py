"""What recurs: how often, and which of its times were missed.

A time that is still open has lapsed once the day has begun that the next one is due on: a daily
habit's the day after, a weekly one's a week later. Until then it can be caught up with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

from dateutil.relativedelta import relativedelta

GIVEN_UP = 31
"""Times missed in a row after which a habit has been given up: what follows says nothing more."""

_LONGEST_DAYS = {"d": 1.0, "w": 7.0, "m": 31.0, "y": 366.0, "b": 1.4}


@dataclass(frozen=True, slots=True)
class Period:
    """So many days, weeks, months, years or working days: unit "d", "w", "m", "y" or "b"."""

    number: int
    unit: str

    def __post_init__(self) -> None:
        """Raise ValueError for a period without length."""
        if self.number < 1:
            raise ValueError("nothing recurs every 0 days")

    def after(self, day: date, times: int) -> date:
        """Return the day so many periods after `day`, or before it: not of working days.

        Raises OverflowError beyond the year 9999.
        """
        number = self.number * times
        if not number:
            return day
        match self.unit:
            case "b":
                return _working_days_after(day, number)
            case "m":
                return _shifted(day, relativedelta(months=number))
            case "y":
                return _shifted(day, relativedelta(years=number))
        return day + timedelta(days=number * (7 if self.unit == "w" else 1))

    def times_until(self, day: date, last: date) -> int:
        """Return how many periods after `day` lie between it and `last`, that day included."""
        days = (last - day).days
        if days <= 0:
            return 0
        # A little below what it must be, so that counting on from there takes no time.
        least = max(0, int(days / (self.number * _LONGEST_DAYS[self.unit])) - 3)
        return next(n for n in count(least) if self.after(day, n + 1) > last)

    def next_after(self, day: date, anchor: date) -> date:
        """Return the first day after `day` that lies whole periods from `anchor`."""
        if anchor <= day:
            return self.after(anchor, self.times_until(anchor, day) + 1)
        least = int((anchor - day).days / (self.number * _LONGEST_DAYS[self.unit]))
        back = next(n for n in count(least) if self.after(anchor, -n) <= day)
        return self.after(anchor, 1 - back)


def _shifted(day: date, by: relativedelta) -> date:
    try:
        return day + by
    except ValueError as error:
        raise OverflowError(str(error)) from None


def _working_days_after(day: date, number: int) -> date:
    # A weekend counts on from the Friday before it.
    day -= timedelta(days=max(0, day.weekday() - 4))
    weeks, left = divmod(number, 5)
    day += timedelta(weeks=weeks)
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day


def lapsed(due: date, period: Period, last: date) -> tuple[list[date], date]:
    """Return the days missed of what was due on `due`, and the day that it is due on at last.

    On the day `last` it was done, or is still to be done. Of what has been given up only the first
    GIVEN_UP are told.
    """
    try:
        times = period.times_until(due, last)
    except OverflowError:
        return [], due  # the calendar ends with the year 9999
    return [period.after(due, n) for n in range(min(times, GIVEN_UP))], period.after(due, times)
