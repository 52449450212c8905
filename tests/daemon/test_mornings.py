"""When the day is proposed for, and when the user is asked how they are.

A daemon whose clock the test drives, with the fake worker.
"""

import asyncio
import gc
import json
import logging
import sys
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pytest

from twind import settings
from twind.clock import FixedClock, local_time
from twind.daemon import control
from twind.daemon.configuration import Configuration
from twind.daemon.schedule import CHECKIN_WAITS_MIN, checkin_minute
from twind.daemon.service import Service
from twind.home import Home
from twind.model import CalendarEvent
from twind.store import Store, jobs, outbox, profiles, records

FAKE = [sys.executable, str(Path(__file__).with_name("fake_worker.py"))]
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
PLUGINS = [
    {"name": name, "state": "ok", "abilities": ["fetch"], "error": None, "watch": []}
    for name in ("files", "people")
]


class Morning:
    """A daemon's inside, and the hands of its clock."""

    def __init__(self, service, db, clock, journal, zone):
        self._service = service
        self._journal = journal
        self.db = db
        self.clock = clock
        self.zone = ZoneInfo(zone)

    def begin_life(self):
        profiles.ensure(self.db, 1)
        self.db.execute(
            "INSERT INTO entities (id, profile_id, entity_type, name) VALUES (1, 1, 'person', 'A')"
        )

    async def at(self, local):
        """Set the clock to a time on the wall, have it checked, and let the work be done."""
        moment = datetime.fromisoformat(local).replace(tzinfo=self.zone).astimezone(UTC)
        self.clock.advance(seconds=(moment - self.clock.now()).total_seconds())
        await self.check()

    async def check(self):
        await self._service._check()
        await self.rest()

    async def rest(self):
        async with asyncio.timeout(30):
            while self._is_busy():  # noqa: ASYNC110 - nothing tells of the end of everything
                await asyncio.sleep(0.01)

    def _is_busy(self):
        service = self._service
        return bool(jobs.queued(self.db) or service._queue.running or service._tasks)

    async def command(self, cmd, **more):
        return await self._service._command({"cmd": cmd, **more})

    def began(self):
        """Return the names of the jobs that began, in order."""
        return [json.loads(line)["name"] for line in self._journal.read_text().splitlines()]

    def proposed(self):
        """Return the days that were proposed for, in order."""
        lines = [json.loads(line) for line in self._journal.read_text().splitlines()]
        return [order["args"]["day"] for order in lines if order["name"] == "propose"]


@pytest.fixture
def morning(tmp_path, monkeypatch):
    """Return a context that is a daemon started at a local time; several may follow another."""
    journal = tmp_path / "journal"
    journal.touch()
    monkeypatch.setenv("FAKE_JOURNAL", str(journal))
    monkeypatch.setenv("FAKE_RESULTS", json.dumps({"inspect": {"plugins": PLUGINS}}))
    home = Home.under(tmp_path / "h")

    @asynccontextmanager
    async def started(
        local, zone=BERLIN, propose_at="07:00", *, life=True, hours=None, checkin=False
    ):
        given = settings.parse(
            {
                "profile": {"timezone": zone},
                "schedule": {"propose_at": propose_at, "checkin": checkin},
                "hours": hours or {"sleep": "23:00-06:30"},
            }
        )
        clock = FixedClock(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)))
        listener = control.bind(home.socket)
        with Store.open(home.database, clock) as db:
            configuration = Configuration(home, lambda _home: given, clock)
            service = Service(home, configuration, clock, db, listener, command=FAKE)
            one = Morning(service, db, clock, journal, zone)
            if life and not db.value("SELECT COUNT(*) FROM entities"):
                one.begin_life()
            await service._start()
            service._sd._address = None
            # The daemon's own timers go by the machine's clock, which is not this one.
            service._schedule.stop()
            try:
                await one.rest()
                # The inspection has been, and has called for a sync.
                yield one
            finally:
                await service._stop()

    return started


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario(), 120))


def test_not_before_its_time_then_once_and_again_the_next_day(morning):
    async def scenario():
        async with morning("2026-11-23T06:40") as one:
            assert one.proposed() == []
            await one.at("2026-11-23T06:59")
            assert one.proposed() == []
            await one.at("2026-11-23T07:00")
            assert one.proposed() == ["2026-11-23"]
            for local in ("07:01", "12:00", "22:59", "23:30"):
                await one.at(f"2026-11-23T{local}")
            await one.at("2026-11-24T06:59")
            assert one.proposed() == ["2026-11-23"]
            await one.at("2026-11-24T07:00")
            assert one.proposed() == ["2026-11-23", "2026-11-24"]

    run(scenario)


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, "Pacific/Auckland", "Asia/Kolkata"])
def test_the_wall_clock_is_the_users(morning, zone):
    async def scenario():
        async with morning("2026-11-23T06:58", zone) as one:
            assert one.proposed() == []
            await one.at("2026-11-23T07:00")
            assert one.proposed() == ["2026-11-23"]

    run(scenario)


def test_a_first_start_late_in_the_morning_proposes_once_the_sources_are_read(morning):
    async def scenario():
        async with morning("2026-11-23T09:15") as one:
            assert one.proposed() == ["2026-11-23"]
            began = one.began()
            assert began.index("inspect") < began.index("sync") < began.index("propose")

    run(scenario)


def test_a_start_in_the_evening_waits_for_the_morning(morning):
    async def scenario():
        async with morning("2026-11-23T23:20") as one:
            await one.at("2026-11-24T00:30")
            await one.at("2026-11-24T06:00")
            assert one.proposed() == []
            await one.at("2026-11-24T07:30")
            assert one.proposed() == ["2026-11-24"]

    run(scenario)


def test_a_restart_on_the_same_day_proposes_nothing_again(morning):
    async def scenario():
        async with morning("2026-11-23T08:00") as one:
            assert one.proposed() == ["2026-11-23"]
        async with morning("2026-11-23T11:00") as again:
            assert again.proposed() == ["2026-11-23"]
            await again.at("2026-11-24T08:00")
            assert again.proposed() == ["2026-11-23", "2026-11-24"]

    run(scenario)


def test_a_night_slept_through_reads_the_sources_before_it_proposes(morning):
    async def scenario():
        async with morning("2026-11-23T08:00") as one:
            read = one.began().count("sync")
            await one.at("2026-11-24T09:00")
            began = one.began()
            assert began.count("sync") == read + 1
            assert began[-1] == "propose"
            assert began[-2:] == ["sync", "propose"]
            assert one.proposed() == ["2026-11-23", "2026-11-24"]

    run(scenario)


def test_sources_that_cannot_be_read_do_not_cost_the_morning(morning, monkeypatch):
    async def scenario():
        async with morning("2026-11-23T06:00") as one:
            monkeypatch.setitem(one._service._workers._env, "FAKE_DIE", "sync")
            before = len(one.began())
            await one.at("2026-11-23T07:05")
            assert jobs.counts(one.db)["failed"] == 1
            # All at once, and then each alone.
            assert one.began()[before:][:4] == ["sync", "sync", "sync", "propose"]
            assert one.proposed() == ["2026-11-23"]

    run(scenario)


def test_one_source_read_is_not_all(morning):
    async def scenario():
        async with morning("2026-11-22T20:00") as one:
            one.clock.advance(hours=11, minutes=30)
            one._service._reading.read_at = None
            await one.command("sync", plugins=["files"], wait=True)
            await one.check()
            assert one.proposed() == ["2026-11-22"]
            await one.command("sync", wait=True)
            await one.rest()
            assert one.proposed() == ["2026-11-22", "2026-11-23"]

    run(scenario)


def test_an_empty_life_leaves_the_morning_open_until_there_is_one(morning):
    async def scenario():
        async with morning("2026-11-23T09:00", life=False) as one:
            await one.check()
            assert one.proposed() == []
            one.begin_life()
            await one.at("2026-11-23T09:02")
            assert one.proposed() == ["2026-11-23"]

    run(scenario)


def test_a_pause_is_kept_and_its_end_catches_up(morning):
    async def scenario():
        async with morning("2026-11-23T06:00") as one:
            await one.command("pause")
            await one.at("2026-11-23T07:30")
            await one.at("2026-11-23T10:00")
            assert one.proposed() == []
            await one.command("resume")
            await one.rest()
            await one.check()
            assert one.proposed() == ["2026-11-23"]

    run(scenario)


async def sweep(one, first, minutes, step_min=5):
    """Check every few minutes and return when each day was proposed for, in UTC."""
    found = {}
    for minute in range(0, minutes, step_min):
        one.clock.advance(
            seconds=(first + timedelta(minutes=minute) - one.clock.now()).total_seconds()
        )
        await one.check()
        for day in one.proposed():
            found.setdefault(day, one.clock.now())
    return found


@pytest.mark.parametrize(
    ("zone", "begin", "propose_at", "day", "expected"),
    [
        # The night has no 02:30: at 03:00, which is the same instant.
        (BERLIN, "2026-03-28T22:00", "02:30", "2026-03-29", "2026-03-29T01:00"),
        # It has two: at the first.
        (BERLIN, "2026-10-24T22:00", "02:30", "2026-10-25", "2026-10-25T00:30"),
        (BERLIN, "2026-03-28T22:00", "07:00", "2026-03-29", "2026-03-29T05:00"),
        (BERLIN, "2026-10-24T22:00", "07:00", "2026-10-25", "2026-10-25T06:00"),
        (NEW_YORK, "2026-03-07T22:00", "07:00", "2026-03-08", "2026-03-08T11:00"),
        (NEW_YORK, "2026-10-31T22:00", "07:00", "2026-11-01", "2026-11-01T12:00"),
    ],
)
def test_a_night_in_which_the_clocks_change(morning, zone, begin, propose_at, day, expected):
    async def scenario():
        hours = {"sleep": "18:00-01:00"}
        async with morning(begin, zone, propose_at, hours=hours) as one:
            found = await sweep(one, one.clock.now(), 14 * 60)
            assert one.proposed() == [day]
            assert found[day] == datetime.fromisoformat(expected).replace(tzinfo=UTC)

    run(scenario)


@pytest.mark.parametrize("away", [{"days": 40}, {"days": -40}, {"hours": 5}, {"hours": -5}])
def test_a_clock_that_goes_wrong_and_is_put_right_repeats_no_day(morning, away):
    async def scenario():
        async with morning("2026-11-23T09:00") as one:
            one.clock.advance(**away)
            await one.check()
            one.clock.advance(**{unit: -number for unit, number in away.items()})
            await one.check()
            await one.at("2026-11-23T10:00")
            await one.at("2026-11-24T07:00")
            days = one.proposed()
            assert days.count("2026-11-23") == days.count("2026-11-24") == 1
            assert len(days) == len(set(days))

    run(scenario)


def test_somebody_who_travels_is_proposed_for_each_day_once(morning):
    async def scenario():
        async with morning("2026-11-23T07:10", BERLIN) as one:
            assert one.proposed() == ["2026-11-23"]
        async with morning("2026-11-23T07:30", NEW_YORK) as west:
            await west.check()
            assert west.proposed() == ["2026-11-23"]
        async with morning("2026-11-24T07:30", "Pacific/Auckland") as east:
            assert east.proposed() == ["2026-11-23", "2026-11-24"]

    run(scenario)


# --- how the user is ------------------------------------------------------------------------------

DAY = date(2026, 11, 23)


def asked(one):
    """Return the keys of the questions whose job ran, in order."""
    return [
        row["key"] for row in one.db.rows("SELECT key FROM jobs WHERE name = 'checkin' ORDER BY id")
    ]


async def through_the_day(one, day=DAY, step_min=5):
    """Check every few minutes of a day; return the wall clock at which a question's job ran."""
    before, found = len(asked(one)), []
    for minute in range(0, 24 * 60, step_min):
        await one.at(f"{day}T{minute // 60:02d}:{minute % 60:02d}")
        if len(asked(one)) > before:
            before = len(asked(one))
            found.append(minute)
    return found


def test_the_user_is_asked_once_a_day_at_the_days_moment(morning):
    async def scenario():
        async with morning("2026-11-23T00:00", checkin=True) as one:
            at = checkin_minute(DAY, one._service._settings)
            [minute] = await through_the_day(one)
            assert 0 <= minute - at < 5
            tomorrow = DAY + timedelta(days=1)
            [other] = await through_the_day(one, tomorrow)
            assert asked(one) == [f"checkin:{DAY}", f"checkin:{tomorrow}"]
            assert abs(other - minute) > 60

    run(scenario)


@pytest.mark.parametrize("more", [{"checkin": False}, {"checkin": True, "life": False}])
def test_who_does_not_want_it_and_who_has_no_life_yet_are_not_asked(morning, more):
    async def scenario():
        async with morning("2026-11-23T00:00", **more) as one:
            assert await through_the_day(one, step_min=15) == []

    run(scenario)


def put_event(one, first_min, last_min, **more):
    start, end = (local_time(DAY, minute, one.zone) for minute in (first_min, last_min))
    event = CalendarEvent(uid="e", title="Review", start=start, end=end, **more)
    window = (start - timedelta(days=1), end + timedelta(days=1))
    records.apply(one.db, 1, "test", [event], window)


@pytest.mark.parametrize(("length", "times"), [(60, [60]), (CHECKIN_WAITS_MIN + 5, [])])
def test_a_meeting_is_waited_for_as_long_as_the_question_is_of_use(morning, length, times):
    async def scenario():
        async with morning("2026-11-23T00:00", checkin=True) as one:
            at = checkin_minute(DAY, one._service._settings) // 5 * 5
            put_event(one, at - 30, at + length)
            assert [minute - at for minute in await through_the_day(one)] == times

    run(scenario)


def test_an_event_of_the_whole_day_is_no_meeting(morning):
    async def scenario():
        async with morning("2026-11-23T00:00", checkin=True) as one:
            put_event(one, 0, 24 * 60, all_day=True)
            assert len(await through_the_day(one)) == 1

    run(scenario)


def test_a_notification_that_waits_for_its_button_is_not_closed_by_the_question(
    morning, monkeypatch
):
    async def scenario():
        async with morning("2026-11-23T00:00", checkin=True) as one:
            at = checkin_minute(DAY, one._service._settings)
            now = local_time(DAY, at, one.zone)
            one.clock.advance(seconds=(now - one.clock.now()).total_seconds())
            monkeypatch.setitem(one._service._workers._env, "FAKE_LISTEN", "notify")
            outbox.put(one.db, 1, "news", {"title": "News", "body": ""})
            one._service._delivery.want()
            async with asyncio.timeout(30):
                while not one._service._delivery.is_listening():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await one._service._check()
            assert asked(one) == []
            one._service._delivery.end_listening()
            await one.check()
            assert asked(one) == [f"checkin:{DAY}"]

    run(scenario)


# --- backups --------------------------------------------------------------------------------------


@pytest.mark.parametrize("life", [True, False])
def test_each_day_is_backed_up_once_where_there_is_anything_to_lose(morning, life):
    async def scenario():
        async with morning("2026-11-23T06:00", life=life) as one:
            for at in ("23T06:30", "23T07:00", "23T12:00", "24T06:59", "24T07:01", "24T07:02"):
                await one.at(f"2026-11-{at}")
            rows = one.db.rows("SELECT key FROM jobs WHERE name = 'backup' ORDER BY id")
        days = ["backup:2026-11-23", "backup:2026-11-24"]
        assert [row["key"] for row in rows] == (days if life else [])

    run(scenario)


@pytest.mark.parametrize("fails", ["propose", "inspect"])
def test_a_day_that_cannot_be_proposed_for_is_backed_up_all_the_same(morning, monkeypatch, fails):
    monkeypatch.setenv("FAKE_DIE", fails)

    async def scenario():
        async with morning("2026-11-23T06:59") as one:
            for at in ("07:00", "07:01", "07:02"):
                await one.at(f"2026-11-23T{at}")
            assert {"backup:2026-11-23", "prune:2026-11-23"} <= {
                key for name in ("backup:", "prune:") for key in jobs.done_keys(one.db, name)
            }
            assert jobs.done_keys(one.db, "propose:") == set()

    run(scenario)


def test_each_day_is_tidied_up_after_its_backup(morning):
    async def scenario():
        async with morning("2026-11-23T06:00") as one:
            for at in ("23T06:59", "23T07:00", "23T12:00", "24T07:00", "24T07:01"):
                await one.at(f"2026-11-{at}")
            began = [name for name in one.began() if name in {"propose", "backup", "prune"}]
        assert began == ["propose", "backup", "prune"] * 2

    run(scenario)


# --- years ----------------------------------------------------------------------------------------


DAYS, WARM = 365, 60


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_year_of_days_comes_at_its_minutes_and_leaves_nothing_behind(morning, caplog):
    caplog.set_level(logging.CRITICAL)  # pytest keeps what is logged
    first = date(2026, 11, 23)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    held = []

    async def scenario():
        async with morning("2026-11-23T06:00") as one:
            for day in days:
                await one.at(f"{day}T06:59")
                assert len(one.proposed()) == (day - first).days
                for time in ("07:00", "12:00", "22:59"):
                    await one.at(f"{day}T{time}")
                    await one.command("status")
                gc.collect()
                held.append((sys.getallocatedblocks(), psutil.Process().memory_info().rss))
            assert one.proposed() == [str(day) for day in days]

    asyncio.run(scenario())
    (early_blocks, early_bytes), (late_blocks, late_bytes) = held[WARM], held[-1]
    # A job that is kept would be more, every day: it is some twenty blocks.
    assert late_blocks - early_blocks < 10 * (DAYS - WARM)
    assert late_bytes - early_bytes < 8 << 20
