import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.daemon.schedule import (
    CHECKIN_WAITS_MIN,
    Schedule,
    checkin_minute,
    due_backup,
    due_checkin,
    due_jobs,
    due_prune,
    is_obsolete,
    next_proposal,
)
from twind.settings import parse

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)


def settings_of(propose_at="07:00", sleep="23:00-06:30", zone="Europe/Berlin"):
    return parse(
        {
            "profile": {"timezone": zone},
            "hours": {"sleep": sleep},
            "schedule": {"propose_at": propose_at},
        }
    )


def due_at(local: str, settings, done=()):
    moment = datetime.fromisoformat(local).replace(tzinfo=settings.zone)
    return [due.key for due in due_jobs(moment, settings, done)]


@pytest.mark.parametrize(
    ("local", "due"),
    [
        ("2026-11-23T06:59", []),
        ("2026-11-23T07:00", ["propose:2026-11-23"]),
        ("2026-11-23T22:59", ["propose:2026-11-23"]),
        ("2026-11-23T23:00", []),
        ("2026-11-24T00:10", []),
    ],
)
def test_a_morning_is_caught_up_until_sleep_begins(local, due):
    assert due_at(local, settings_of()) == due


def test_what_is_done_is_not_due():
    assert due_at("2026-11-23T08:00", settings_of(), {"propose:2026-11-23"}) == []


def test_a_night_worker_who_is_told_before_bed_is_told_until_bed():
    settings = settings_of("20:00", "08:00-15:00")
    assert due_at("2026-11-23T23:50", settings) == ["propose:2026-11-23"]
    assert due_at("2026-11-23T10:00", settings) == []


def sweep(first: datetime, hours: int, settings, step_min=1):
    """Run the check each minute, as the daemon does, and return when it proposed."""
    done, at = set(), []
    for minute in range(0, hours * 60, step_min):
        now = first + timedelta(minutes=minute)
        for due in due_jobs(now.astimezone(settings.zone), settings, done):
            done.add(due.key)
            at.append((due.key, now))
    return at


def test_an_autumn_nights_second_half_past_two_proposes_nothing_twice():
    settings = settings_of("02:30", "18:00-01:00")
    proposed = sweep(datetime(2026, 10, 24, 22, tzinfo=UTC), 24, settings)
    assert [key for key, _ in proposed if key.endswith("10-25")] == ["propose:2026-10-25"]
    # The first 02:30, in summer time.
    assert dict(proposed)["propose:2026-10-25"] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_spring_night_without_half_past_two_proposes_at_three():
    settings = settings_of("02:30", "18:00-01:00")
    proposed = dict(sweep(datetime(2026, 3, 28, 23, tzinfo=UTC), 6, settings))
    assert proposed["propose:2026-03-29"] == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


minutes = st.integers(0, 1439).map(lambda m: f"{m // 60:02d}:{m % 60:02d}")


@given(
    propose_at=minutes,
    sleep=st.tuples(minutes, minutes).map("-".join),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    first=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 28), timezones=st.just(UTC)),
)
def test_every_day_is_proposed_once_and_never_before_its_time(propose_at, sleep, zone, first):
    settings = settings_of(propose_at, sleep, zone)
    proposed = sweep(first, 72, settings, step_min=7)
    keys = [key for key, _ in proposed]
    assert len(keys) == len(set(keys))
    for key, at in proposed:
        local = at.astimezone(settings.zone)
        assert key == f"propose:{local.date()}"
        assert local.hour * 60 + local.minute >= settings.schedule.propose_at


@given(
    propose_at=minutes,
    now=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 28), timezones=st.just(UTC)),
)
def test_the_next_proposal_is_never_past(propose_at, now):
    settings = settings_of(propose_at)
    assert now <= next_proposal(now, settings, set()) <= now + timedelta(hours=50)


def test_a_job_of_a_day_that_is_over_is_obsolete():
    now = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    assert is_obsolete("propose:2026-11-22", now)
    assert is_obsolete("checkin:2026-11-22", now)
    assert not is_obsolete("checkin:2026-11-23", now)
    assert not is_obsolete(f"propose:{date(2026, 11, 23)}", now)
    assert not is_obsolete(None, now)
    assert not is_obsolete("other", now)


# --- how the user is ------------------------------------------------------------------------------


def asking(zone="Europe/Berlin", sleep="23:00-06:30", quiet="22:00-07:00", checkin=True):
    hours = {"sleep": sleep, "quiet": quiet}
    return parse({"profile": {"timezone": zone}, "hours": hours, "schedule": {"checkin": checkin}})


def question_at(day, minute, settings, done=()):
    local = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)
    return due_checkin(local.replace(tzinfo=settings.zone), settings, done)


def test_a_question_is_due_at_its_minute_and_a_while_after_it_and_once():
    settings, day = asking(), date(2026, 11, 25)
    at = checkin_minute(day, settings)
    assert [
        question_at(day, at + after, settings) is not None
        for after in (-1, 0, CHECKIN_WAITS_MIN - 1, CHECKIN_WAITS_MIN)
    ] == [False, True, True, False]
    due = question_at(day, at, settings)
    assert (due.name, due.key, due.args) == (
        "checkin",
        "checkin:2026-11-25",
        {"day": "2026-11-25"},
    )
    assert question_at(day, at, settings, {due.key}) is None


def test_nobody_is_asked_who_has_not_said_so():
    day = date(2026, 11, 25)
    off, default = asking(checkin=False), parse({})
    assert checkin_minute(day, off) is not None
    for minute in range(1440):
        assert question_at(day, minute, off) is None
        assert question_at(day, minute, default) is None


@given(
    sleep=st.tuples(minutes, minutes).map("-".join),
    quiet=st.lists(st.tuples(minutes, minutes).map("-".join), max_size=2),
    day=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    minute=st.integers(0, 1439),
)
def test_nobody_is_asked_in_quiet_hours_or_in_bed(sleep, quiet, day, minute):
    settings = asking(sleep=sleep, quiet=quiet)
    if question_at(day, minute, settings) is not None:
        assert not settings.hours.sleep.contains(minute)
        assert not any(span.contains(minute) for span in settings.hours.quiet)


@given(st.dates(date(2026, 1, 1), date(2030, 12, 31)), st.sampled_from([10, 20, 40]))
def test_the_hours_asked_at_lie_evenly_over_the_waking_day(first, days):
    # A body clock is told from all hours: of any so many days in a row, none is left out.
    settings = asking()
    at = sorted(checkin_minute(first + timedelta(days=n), settings) for n in range(days))
    awake_min = 22 * 60 - 7 * 60
    gaps = [b - a for a, b in zip([7 * 60, *at], [*at, 22 * 60], strict=True)]
    assert max(gaps) <= 3 * awake_min / days


def test_who_is_never_to_be_disturbed_is_never_asked():
    assert checkin_minute(date(2026, 11, 25), asking(quiet=["00:00-12:00", "12:00-24:00"])) is None


def test_apscheduler_is_told_to_skip_nothing():
    async def scenario():
        called = asyncio.Event()

        async def poll():
            called.set()

        async def nothing():
            pass

        schedule = Schedule(sync=nothing, poll=poll, check=nothing)
        assert schedule.next_sync(NOW) is None
        schedule.start(parse({"schedule": {"poll_s": 0.1, "sync_every_min": 15}}))
        schedule.start(parse({"schedule": {"poll_s": 0.1, "sync_every_min": 15}}))
        for job in schedule._scheduler.get_jobs():
            assert job.misfire_grace_time is None
            assert job.coalesce
        assert 14 * 60 < (schedule.next_sync(NOW) - NOW).total_seconds() <= 15 * 60
        await asyncio.wait_for(called.wait(), 5)
        schedule.stop()
        assert schedule.next_sync(NOW) is None

    asyncio.run(scenario())


def test_a_clock_that_is_set_back_or_years_forward_stops_nothing(monkeypatch):
    """The checks go on, and the morning is that of the clock as it is."""

    class Wall(datetime):
        at = datetime(2026, 11, 23, 6, tzinfo=UTC)

        @classmethod
        def now(cls, tz=None):
            return cls.at.astimezone(tz)

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Wall)

    async def scenario():
        checks = asyncio.Semaphore(0)

        async def check():
            checks.release()

        async def nothing():
            pass

        schedule = Schedule(sync=nothing, poll=nothing, check=check, check_every_s=0.02)
        schedule.start(parse({"profile": {"timezone": "UTC"}}))
        found = []
        for day in ("2026-11-23", "2026-11-20", "1970-01-01", "2036-11-20"):
            Wall.at = datetime.fromisoformat(f"{day}T06:00+00:00")
            for _ in range(3):
                await asyncio.wait_for(checks.acquire(), 5)
            [morning] = schedule._scheduler.get_jobs()
            found.append(str(morning.next_run_time.date()) == day)
        schedule.stop()
        return found

    assert asyncio.run(scenario()) == [True] * 4


def test_what_is_not_over_is_not_called_again():
    async def scenario():
        called, meanwhile, over = [], [], asyncio.Event()

        async def check():
            called.append(len(called))
            await over.wait()

        async def poll():
            if called:
                meanwhile.extend(called)
                over.set()

        async def nothing():
            pass

        schedule = Schedule(sync=nothing, poll=poll, check=check, check_every_s=0.01)
        schedule.start(parse({"schedule": {"poll_s": 0.5}}))
        await asyncio.wait_for(over.wait(), 5)
        schedule.stop()
        return meanwhile

    assert asyncio.run(scenario()) == [0]


def test_a_stop_in_the_middle_of_a_call_is_no_failure(caplog):
    async def scenario():
        called = asyncio.Event()

        async def nothing():
            pass

        async def poll():
            called.set()
            await asyncio.Event().wait()

        schedule = Schedule(sync=nothing, poll=poll, check=nothing)
        schedule.start(parse({"schedule": {"poll_s": 0.1, "sync_every_min": 15}}))
        await asyncio.wait_for(called.wait(), 5)
        schedule.stop()

    asyncio.run(scenario())
    assert "CancelledError" not in caplog.text


# --- backups --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "done", "daily", "due"),
    [
        ("2026-11-23T06:59", (), True, None),
        ("2026-11-23T07:00", (), True, "backup:2026-11-23"),
        ("2026-11-23T23:59", ("backup:2026-11-22",), True, "backup:2026-11-23"),
        ("2026-11-23T07:01", ("backup:2026-11-23",), True, None),
        ("2026-11-23T07:01", (), False, None),
    ],
)
def test_one_backup_a_day_once_the_morning_has_come(at, done, daily, due):
    given = parse({"profile": {"timezone": "Europe/Berlin"}, "backups": {"daily": daily}})
    found = due_backup(datetime.fromisoformat(at).replace(tzinfo=given.zone), given, done)
    assert (found and found.key) == due


@pytest.mark.parametrize(
    ("at", "done", "due"),
    [
        ("2026-11-23T06:59", (), None),
        ("2026-11-23T07:00", (), "prune:2026-11-23"),
        ("2026-11-23T07:01", ("prune:2026-11-23",), None),
        ("2026-11-23T23:59", (), "prune:2026-11-23"),
    ],
)
def test_one_tidying_up_a_day_whether_or_not_it_is_backed_up(at, done, due):
    given = parse({"profile": {"timezone": "Europe/Berlin"}, "backups": {"daily": False}})
    found = due_prune(datetime.fromisoformat(at).replace(tzinfo=given.zone), given, done)
    assert (found and found.key) == due
