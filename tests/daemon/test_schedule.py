import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.daemon.schedule import Schedule, due_jobs, is_obsolete, next_proposal
from twind.settings import parse


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
    assert not is_obsolete(f"propose:{date(2026, 11, 23)}", now)
    assert not is_obsolete(None, now)
    assert not is_obsolete("other", now)


def test_apscheduler_is_told_to_skip_nothing():
    async def scenario():
        called = asyncio.Event()

        async def poll():
            called.set()

        async def nothing():
            pass

        schedule = Schedule(sync=nothing, poll=poll, check=nothing)
        assert schedule.next_sync() is None
        schedule.start(parse({"schedule": {"poll_s": 0.05, "sync_every_min": 15}}))
        schedule.start(parse({"schedule": {"poll_s": 0.05, "sync_every_min": 15}}))
        for job in schedule._scheduler.get_jobs():
            assert job.misfire_grace_time is None
            assert job.coalesce
        assert schedule.next_sync().tzinfo is not None
        await asyncio.wait_for(called.wait(), 5)
        schedule.stop()

    asyncio.run(scenario())
