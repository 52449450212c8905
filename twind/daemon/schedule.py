"""When things are due. APScheduler gives the moments, a job's key gives the truth.

A laptop sleeps through its morning, an autumn night has 02:30 twice, a spring night has none: so
what is due is asked of the clock on the wall and of the keys that are done, at the start and at
least once a minute; the scheduler only says when to ask, so that the morning comes to the second.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from twind.clock import DAY_MIN, local_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from twind.settings import TwindSettings

CHECK_EVERY_S = 60.0
MORNING = "morning"
PROPOSE, CHECKIN, BACKUP, PRUNE = "propose:", "checkin:", "backup:", "prune:"
CHECKIN_STEP = (5**0.5 - 1) / 2
"""How far on in the waking day each day's question is, as a share of it: with the golden section,
few days or many, the hours asked at lie as evenly as so many can (Weyl 1916)."""
CHECKIN_WAITS_MIN = 120
"""How long the question waits for a moment at which it disturbs nobody."""


@dataclass(frozen=True, slots=True)
class Due:
    """A job whose time has come; it is done once its `key` is."""

    name: str
    key: str
    args: dict[str, Any]


def due_jobs(now_local: datetime, settings: TwindSettings, done: Collection[str]) -> list[Due]:
    """Return what is due at `now_local`, a time in the user's zone, and not among the keys `done`.

    The morning's proposals are due from `propose_at` on the wall until the sleep that follows it
    begins: a morning slept through is caught up, but nobody is told in bed how to spend the day.
    """
    day = now_local.date()
    key = f"{PROPOSE}{day.isoformat()}"
    if key in done or not _may_propose(now_local, settings):
        return []
    return [Due("propose", key, {"day": day.isoformat()})]


def _may_propose(now_local: datetime, settings: TwindSettings) -> bool:
    propose_at, sleep = settings.schedule.propose_at, settings.hours.sleep
    since = now_local.hour * 60 + now_local.minute - propose_at
    if since < 0:
        return False
    awake = (sleep.start - propose_at) % DAY_MIN if sleep.start != sleep.end else DAY_MIN
    # Whoever wants to be told at the very minute sleep begins is told then, and may be late.
    return since < (awake or DAY_MIN)


def due_checkin(now_local: datetime, settings: TwindSettings, done: Collection[str]) -> Due | None:
    """Return the question how the user's energy is, if it is due and not among the keys `done`.

    It is due at one moment of the waking day, another each day, and a while after it. What is
    missed is not caught up: it would always be asked when the machine is switched on.
    """
    day = now_local.date()
    key = f"{CHECKIN}{day.isoformat()}"
    at = checkin_minute(day, settings) if settings.schedule.checkin and key not in done else None
    minute = now_local.hour * 60 + now_local.minute
    if at is None or not at <= minute < at + CHECKIN_WAITS_MIN or not _may_ask(minute, settings):
        return None
    return Due("checkin", key, {"day": day.isoformat()})


def due_backup(now_local: datetime, settings: TwindSettings, done: Collection[str]) -> Due | None:
    """Return the day's backup, if it is due, from the morning on, and not among the keys `done`."""
    return (
        _due_from_morning("backup", now_local, settings, done) if settings.backups.daily else None
    )


def due_prune(now_local: datetime, settings: TwindSettings, done: Collection[str]) -> Due | None:
    """Return the day's tidying up, if it is due and not among the keys `done`: as the backup is."""
    return _due_from_morning("prune", now_local, settings, done)


def _due_from_morning(
    name: str, now_local: datetime, settings: TwindSettings, done: Collection[str]
) -> Due | None:
    minute = now_local.hour * 60 + now_local.minute
    key = f"{name}:{now_local.date().isoformat()}"
    if key in done or minute < settings.schedule.propose_at:
        return None
    return Due(name, key, {})


def checkin_minute(day: date, settings: TwindSettings) -> int | None:
    """Return when on a day it is asked, in minutes past midnight; None where it may never be."""
    awake = [minute for minute in range(DAY_MIN) if _may_ask(minute, settings)]
    return awake[int(day.toordinal() * CHECKIN_STEP % 1.0 * len(awake))] if awake else None


def _may_ask(minute: int, settings: TwindSettings) -> bool:
    hours = settings.hours
    return not any(span.contains(minute) for span in (hours.sleep, *hours.quiet))


def is_obsolete(key: str | None, now_local: datetime) -> bool:
    """Tell whether a job's key belongs to a day that is over."""
    name, _, day = (key or "").partition(":")
    return (
        f"{name}:" in {PROPOSE, CHECKIN, BACKUP, PRUNE}
        and date.fromisoformat(day) < now_local.date()
    )


def next_proposal(now: datetime, settings: TwindSettings, done: Collection[str]) -> datetime:
    """Return when the next morning's proposals are made, in UTC: now, if they are late."""
    today = now.astimezone(settings.zone)
    if due_jobs(today, settings, done):
        return now.astimezone(UTC)
    at = settings.schedule.propose_at
    key = f"{PROPOSE}{today.date().isoformat()}"
    if key not in done and today.hour * 60 + today.minute < at:
        return local_time(today.date(), at, settings.zone)
    return local_time(today.date() + timedelta(days=1), at, settings.zone)


class Schedule:
    """Calls back when it is time to sync, to look for changes that no event told of, to check.

    What comes again and again goes by the loop's clock, which no one sets: only the morning has a
    time on the wall. That is found anew with each check, so that a clock that was set back, or
    years forward, is no matter. The callbacks run in the loop. To be started inside one.
    """

    def __init__(
        self,
        *,
        sync: Callable[[], Awaitable[None]],
        poll: Callable[[], Awaitable[None]],
        check: Callable[[], Awaitable[None]],
        check_every_s: float = CHECK_EVERY_S,
    ) -> None:
        self._check_every_s = check_every_s
        self._callbacks = {"sync": sync, "poll": poll, "check": check}
        self._scheduler: Any = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._calls: dict[str, asyncio.Task[None]] = {}

    def start(self, settings: TwindSettings) -> None:
        """Begin to call back as `settings` say; called again, change to other settings."""
        self.stop()
        when = settings.schedule
        hour, minute = divmod(when.propose_at, 60)
        # The defaults of APScheduler 3 skip what is a second late, as all is after a sleep.
        self._scheduler = AsyncIOScheduler(
            timezone=settings.zone, job_defaults={"misfire_grace_time": None, "coalesce": True}
        )
        self._scheduler.add_job(
            self._on_morning,
            CronTrigger(hour=hour, minute=minute, timezone=settings.zone),
            id=MORNING,
        )
        self._scheduler.start()
        self._call_every(when.sync_every_min * 60.0, "sync")
        self._call_every(when.poll_s, "poll")
        self._call_every(self._check_every_s, "check")

    def stop(self) -> None:
        """Call back no more; what was called is cut off, but for who calls this."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
        for timer in self._timers.values():
            timer.cancel()
        for call in self._calls.values():
            if call is not asyncio.current_task():
                call.cancel()
        self._timers.clear()

    def next_sync(self, now: datetime) -> datetime | None:
        """Return when the sources are read anyway, by the clock that says `now`."""
        timer = self._timers.get("sync")
        if timer is None:
            return None
        return now + timedelta(seconds=timer.when() - asyncio.get_running_loop().time())

    def _call_every(self, seconds: float, name: str) -> None:
        loop = asyncio.get_running_loop()
        self._timers[name] = loop.call_later(seconds, self._next, seconds, name)

    def _next(self, seconds: float, name: str) -> None:
        self._call_every(seconds, name)
        if name == "check":
            morning = self._scheduler.get_job(MORNING)
            morning.reschedule(morning.trigger)
        self._call(name)

    async def _on_morning(self) -> None:
        self._call("check")

    def _call(self, name: str) -> None:
        """Call back, unless the last call of it is not over."""
        last = self._calls.get(name)
        if last is None or last.done():
            self._calls[name] = asyncio.ensure_future(self._callbacks[name]())
