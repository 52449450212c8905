"""What the rows tell of the user's own parameters, and what they do not."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from twind import settings
from twind.clock import FixedClock, monotonic_s
from twind.model import CalendarEvent, Feedback, Person, Project, Proposal, Reason, Target, Task
from twind.rl import personal
from twind.rl.durations import Durations, Took, learn
from twind.rl.fitting import BODY, FollowUp
from twind.rl.lived import Body, put_together
from twind.rl.pipeline import DataPipeline, within
from twind.rl.snapshot import LIFE_NAMES, LifeParameters
from twind.rl.spaces import SLOTS
from twind.rl.world import reduce_belief
from twind.store import Store, checkins, jobs, life, profiles, proposals, records

BERLIN = ZoneInfo("Europe/Berlin")
HOURS = {"sleep": "23:00-06:30", "quiet": "22:00-07:00", "work": {"mon-fri": "09:00-17:00"}}
MONDAY = date(2026, 3, 2)


def configured(**hours):
    profile = {"timezone": "Europe/Berlin", "emails": ["me@x.org"]}
    return settings.parse({"profile": profile, "hours": HOURS | hours})


def local(hour, minute=0, day=MONDAY):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


class Someone:
    """A database, and the hands of its clock."""

    def __init__(self, db, clock):
        self.db, self.clock = db, clock

    def at(self, hour, minute=0, day=MONDAY):
        self.clock.advance(seconds=(local(hour, minute, day) - self.clock.now()).total_seconds())
        return self

    def sync(self, *fetched, source="test"):
        window = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        records.apply(self.db, 1, source, fetched, window)

    def reader(self):
        return DataPipeline(self.db, configured(), self.clock).reader(1)

    def snapshot(self, **hours):
        return DataPipeline(self.db, configured(**hours), self.clock).snapshot(1)

    def fitted(self, **hours):
        return {one.name: one for one in self.snapshot(**hours).fitted}

    def projects(self):
        return life.projects(self.db, 1, active=False)


@pytest.fixture
def someone(db, clock):
    one = Someone(db, clock)
    one.sync(Person(uid="ann", name="Ann"), source="contacts")
    return one


# --- nothing is known -----------------------------------------------------------------------------


def test_of_whom_nothing_is_known_is_the_average_person(someone):
    snapshot = someone.snapshot()
    assert snapshot.life == LifeParameters()
    assert {one.name for one in snapshot.fitted} == {
        *LIFE_NAMES,
        "estimate_ratio",
        "task_h",
        "habit_h",
    }
    assert all(one.evidence == 0 and one.value == one.population for one in snapshot.fitted)


def test_whoever_sleeps_by_day_has_a_body_clock_to_match(someone):
    assert someone.snapshot(sleep="08:00-15:00").life.chronotype_h == 9.0
    assert someone.snapshot(sleep="01:30-09:30").life.chronotype_h == 0.0


def test_the_proposals_a_day_are_the_users_word_and_no_finding(someone):
    given = settings.parse({"proposals": {"max_per_day": 2}})
    snapshot = DataPipeline(someone.db, given, someone.clock).snapshot(1)
    [most] = [one for one in snapshot.fitted if one.name == "max_proposals"]
    assert (most.value, most.population, most.evidence) == (2.0, 2.0, 0)


# --- how the user is now --------------------------------------------------------------------------


def test_without_a_check_in_energy_follows_the_day(someone):
    # The default habits: work till the evening, and then rest.
    day = {hour: someone.at(hour).snapshot() for hour in (7, 9, 12, 17, 20)}
    energy = {hour: one.energy for hour, one in day.items()}
    load = {hour: one.load for hour, one in day.items()}
    assert energy[9] > energy[17]
    assert load[7] == pytest.approx(0.0, abs=0.05)
    assert load[17] > load[9]
    assert load[20] < load[17]


def test_meetings_that_were_lived_through_tell(someone):
    calm = someone.at(17).snapshot()
    someone.sync(
        *(
            CalendarEvent(uid=f"{n}", title="Workshop", start=local(n), end=local(n + 1))
            for n in range(9, 17)
        )
    )
    full = someone.snapshot()
    assert full.energy < calm.energy
    assert full.load > calm.load


def test_an_event_of_days_is_not_lived_through_without_sleep(someone):
    plain = someone.at(9, day=date(2026, 3, 5)).snapshot()
    start = local(0)
    holiday = CalendarEvent(
        uid="h", title="Away", start=start, end=start + timedelta(days=3), all_day=True
    )
    fair = CalendarEvent(uid="f", title="Fair", start=start, end=start + timedelta(days=2))
    someone.sync(holiday, fair)
    assert someone.snapshot().energy == pytest.approx(plain.energy, abs=0.02)


@pytest.mark.parametrize(("level", "sign"), [(1, -1), (5, 1)])
def test_todays_check_in_is_heard_now_and_fades(someone, level, sign):
    plain = {hour: someone.at(hour).snapshot().energy for hour in (10, 13, 21)}
    someone.at(10)
    checkins.add(someone.db, 1, checkins.energy_of(level))
    told = {hour: someone.at(hour).snapshot().energy for hour in (10, 13, 21)}
    moved = {hour: sign * (told[hour] - plain[hour]) for hour in told}
    assert moved[10] > (0.25 if level == 1 else 0.05)
    assert moved[10] > moved[13] > moved[21] > 0.0


def test_the_last_check_in_of_today_counts(someone):
    checkins.add(someone.at(9).db, 1, 0.0)
    low = someone.at(9, 30).snapshot().energy
    checkins.add(someone.at(9, 30).db, 1, 1.0)
    assert someone.snapshot().energy > low + 0.2


def test_yesterdays_check_in_is_slept_off(someone):
    tuesday = MONDAY + timedelta(days=1)
    plain = someone.at(9, day=tuesday).snapshot()
    checkins.add(someone.at(20).db, 1, 0.0)
    after = someone.at(9, day=tuesday).snapshot()
    assert after.energy == pytest.approx(plain.energy, abs=0.06)


def test_a_check_in_of_the_future_is_not_heard(someone):
    plain = someone.at(9).snapshot()
    checkins.add(someone.at(15).db, 1, 0.0)
    again = someone.at(9).snapshot()
    assert (again.energy, again.life) == (plain.energy, plain.life)


def test_a_short_history_of_odd_hours_is_no_trouble(someone):
    for hour, minute in ((0, 0), (3, 59), (23, 59)):
        checkins.add(someone.at(hour, minute).db, 1, 0.5)
    for hour, minute in ((23, 59), (23, 59)):
        assert 0.0 <= someone.at(hour, minute).snapshot().energy <= 1.0
    spring = someone.at(3, 30, date(2026, 3, 29)).snapshot()
    assert 0.0 <= spring.energy <= 1.0


# --- the body, from check-ins ---------------------------------------------------------------------


def tell_as(someone, own, days):
    """Check in three times a day, at changing hours, as a body of such parameters would."""
    rng = np.random.default_rng(1)
    snapshot = someone.at(0, 1, MONDAY + timedelta(days=days)).snapshot()
    first = MONDAY - timedelta(days=3)
    asleep = within(configured().hours.sleep)
    stretch = put_together(first, (days + 3) * SLOTS, asleep, snapshot.habits, [])
    energy, _ = Body(stretch, reduce_belief(snapshot.belief, [], [])[0]).live(own)
    for day in range(days):
        for hour in sorted(rng.choice(np.arange(7, 23), 3, replace=False)):
            someone.at(int(hour), 0, MONDAY + timedelta(days=day))
            felt = energy[stretch.slot_of(someone.clock.now().astimezone(BERLIN))]
            said = round(4.0 * (felt + rng.normal(0.0, 0.1))) / 4.0
            checkins.add(someone.db, 1, min(1.0, max(0.0, float(said))))
    return someone.at(23, 0, MONDAY + timedelta(days=days - 1))


@pytest.mark.parametrize(("clock_h", "low", "high"), [(2.0, 0.8, 2.8), (-2.0, -2.8, -0.8)])
def test_check_ins_tell_a_body_clock(someone, clock_h, low, high):
    tell_as(someone, replace(LifeParameters(), chronotype_h=clock_h), 40)
    found = someone.fitted()
    assert {found[name].evidence for name in BODY} == {120}
    assert low < found["chronotype_h"].value < high
    assert found["lead_time"].evidence == 0


def test_a_snapshot_of_much_is_made_in_well_under_a_second(someone):
    tell_as(someone, LifeParameters(), 110)
    someone.snapshot()
    began = monotonic_s()
    personal.know(
        someone.reader(),
        personal.Days(
            sleep=configured().hours.sleep,
            asleep=np.arange(96) < 26,
            habits=someone.snapshot().habits,
            values=np.zeros(200),
            most=4,
        ),
        [],
        Durations(),
        [],
    )
    assert monotonic_s() - began < 1.0


def test_another_profiles_check_ins_are_not_heard(someone):
    profiles.ensure(someone.db, 2)
    plain = someone.at(10).snapshot()
    checkins.add(someone.db, 2, 0.0)
    again = someone.snapshot()
    assert (again.energy, again.life) == (plain.energy, plain.life)


# --- when tasks are done --------------------------------------------------------------------------


def task(uid, *, created, due, done=None, **more):
    return Task(
        uid=str(uid),
        title=f"Task {uid}",
        project="p",
        created_at=created,
        due=due,
        completed_at=done,
        status=more.pop("status", "done" if done else "open"),
        **more,
    )


def done_before(days, count=12):
    """Return tasks, each done so many days before it was due, on a day of its own."""
    found = []
    for n in range(count):
        due = local(18, 0, MONDAY - timedelta(days=3 * n))
        made = due - timedelta(days=15)
        found.append(task(n, created=made, due=due, done=due - timedelta(days=days)))
    return found


@pytest.mark.parametrize(("days", "longer"), [(9.0, True), (0.2, False)])
def test_lead_time_follows_from_when_tasks_were_done(someone, days, longer):
    someone.at(20).sync(Project(uid="p", name="P"), *done_before(days))
    found = someone.fitted()["lead_time"]
    assert found.evidence == 12
    assert (found.value > 1.05 * found.population) is longer
    assert (found.value < 0.9 * found.population) is not longer


@pytest.mark.parametrize(
    "more",
    [
        {"series": "p"},
        {"recurrence": "weekly"},
        {"status": "cancelled"},
        {"created": None},
        {"due": None},
        {"start": local(18, 0, MONDAY + timedelta(days=1))},
    ],
)
def test_what_says_nothing_of_lead_time(someone, more):
    due = local(18)
    given = {"created": due - timedelta(days=9), "due": due, "done": due - timedelta(days=1)}
    given |= {"done": None} if more.get("status") else {}
    someone.at(20).sync(Project(uid="p", name="P", kind="habit"), task(1, **given | more))
    assert someone.fitted()["lead_time"].evidence == 0


def test_what_is_still_open_counts_as_not_done_yet(someone):
    tasks = [
        task(n, created=local(8) - timedelta(days=20), due=local(8) + timedelta(hours=n))
        for n in range(40)
    ]
    someone.sync(Project(uid="p", name="P"), *tasks)
    found = someone.fitted()["lead_time"]
    assert found.evidence == 40
    assert found.value < found.population


def test_one_sitting_is_one_decision(someone):
    spread = done_before(9.0, 12)
    [first] = done_before(9.0, 1)
    someone.at(20).sync(Project(uid="p", name="P"), *spread)
    apart = someone.fitted()["lead_time"].value
    heap = [replace(first, uid=f"{n}", created_at=first.created_at) for n in range(12)]
    someone.sync(Project(uid="p", name="P"), *heap)
    together = someone.fitted()["lead_time"]
    assert together.evidence == 12
    assert LifeParameters().lead_time < together.value < apart


# --- how long things take -------------------------------------------------------------------------


def test_actual_times_change_what_is_left(someone):
    tasks = [
        task(n, created=None, due=None, done=local(7), estimate_min=60, spent_min=120)
        for n in range(30)
    ]
    ahead = task("a", created=None, due=None, estimate_min=60)
    someone.sync(Project(uid="p", name="P"), *tasks, ahead)
    [project] = someone.snapshot().projects
    assert 1.7 < project.remaining_h <= 2.0
    assert project.estimate_ratio == pytest.approx(project.remaining_h)
    ratio = someone.fitted()["estimate_ratio"]
    assert 1.3 < ratio.value < project.estimate_ratio
    assert (ratio.population, ratio.evidence) == (1.0, 30)


def test_where_nothing_is_estimated_no_ratio_is_told(someone):
    tasks = [
        task(n, created=None, due=None, done=local(7), estimate_min=60, spent_min=120)
        for n in range(30)
    ]
    someone.sync(Project(uid="p", name="P"), *tasks, task("a", created=None, due=None))
    [project] = someone.snapshot().projects
    assert project.estimate_ratio == 1.0
    assert project.remaining_h == 1.0


def test_a_habits_time_is_as_long_as_it_was(someone):
    run = {"title": "Run", "series": "r"}
    someone.sync(
        Project(uid="r", name="Run", kind="habit"),
        *(
            Task(uid=f"r{n}", status="done", completed_at=local(7), spent_min=60, **run)
            for n in range(20)
        ),
        Task(uid="next", due=local(20), **run),
    )
    [habit] = someone.snapshot().projects
    assert habit.remaining_h == pytest.approx(1.0, rel=0.1)


def test_what_took_is_read_from_what_is_done(someone):
    someone.sync(
        Project(uid="p", name="P"),
        task(1, created=None, due=None, done=local(7), estimate_min=60, spent_min=90),
        task(2, created=None, due=None, done=local(7), spent_min=30),
        task(3, created=None, due=None, done=local(7)),
        task(4, created=None, due=None, spent_min=500),
    )
    [project] = [one.id for one in someone.projects()]
    assert sorted(personal.took(someone.projects())) == [
        Took(project, False, 30.0),
        Took(project, False, 90.0, 60.0),
    ]


def test_the_time_before_a_task_was_done_was_spent_on_it(someone):
    when = local(19, 30, MONDAY - timedelta(days=1))
    someone.sync(
        Project(uid="p", name="P"),
        task("known", created=None, due=None, done=when, spent_min=45),
        task("guessed", created=None, due=None, done=when),
        task("long", created=None, due=None, done=when, spent_min=900),
        task("noon", created=None, due=None, done=local(12, 0, MONDAY - timedelta(days=2))),
        task("midnight", created=None, due=None, done=local(0, 0, MONDAY - timedelta(days=2))),
    )
    spells = personal.worked(someone.reader(), someone.projects(), Durations())
    assert sorted((one.end - one.start).total_seconds() / 60 for one in spells) == [45, 60, 120]


# --- what becomes of what was accepted ------------------------------------------------------------


def accept(someone, step, *, project, start, minutes=60, action="work"):
    reason = Reason(
        kind="deadline",
        ref=f"workflow:{project}",
        weight=1.0,
        text="It is due",
        evidence=({"table": "workflow_steps", "id": step, "text": "x"},),
    )
    one = Proposal(
        day=start.astimezone(BERLIN).date(),
        action=action,
        target=Target(kind="project", id=project, name="P"),
        start=start,
        end=start + timedelta(minutes=minutes),
        duration_min=minutes,
        intensity="normal",
        text="Work on P",
        confidence=0.5,
        reasons=(reason,),
        would_change="",
    )
    [row] = proposals.add(someone.db, 1, [one], {})
    proposals.review(
        someone.db, 1, Feedback(proposal_id=row, action="accept", at=someone.clock.now())
    )
    return row


SUNDAY = MONDAY - timedelta(days=1)
TEN = local(10, 0, SUNDAY)


@pytest.mark.parametrize(
    ("step", "done"),
    [
        ({"done": local(11, 0, SUNDAY), "estimate_min": 60}, True),
        ({"done": local(22, 0, SUNDAY)}, True),  # nobody estimated it, but done it is
        ({"estimate_min": 60}, False),
        ({"done": local(9), "estimate_min": 30}, False),  # on another day
        ({}, None),  # it may well have been worked on
        ({"estimate_min": 180}, None),
        ({"done": local(9), "estimate_min": 180}, None),
        ({"status": "cancelled", "estimate_min": 60}, None),
        ({"done": local(9, 0, SUNDAY - timedelta(days=1)), "estimate_min": 60}, None),
    ],
)
def test_only_what_the_rows_can_tell_is_told_of_what_was_accepted(someone, step, done):
    someone.sync(Project(uid="p", name="P"), task(1, created=None, due=None, **step))
    [project] = someone.projects()
    accept(someone, project.steps[0].id, project=project.id, start=TEN)
    told = list(personal._follow_ups(someone.reader(), someone.projects(), Durations()))
    assert [one.done for one in told] == ([] if done is None else [done])


@pytest.mark.parametrize(
    ("status", "day", "done"),
    [("done", 0, True), ("missed", 0, False), ("missed", 1, None), ("open", 0, None)],
)
def test_a_time_of_a_habit_is_done_or_missed(someone, status, day, done):
    due = local(0, 0, SUNDAY + timedelta(days=1 + day))
    someone.sync(
        Project(uid="r", name="Run", kind="habit"),
        Task(
            uid="r1",
            title="Run",
            series="r",
            due=due,
            status=status,
            completed_at=local(18, 0, SUNDAY) if status == "done" else None,
        ),
    )
    [habit] = someone.projects()
    accept(someone, habit.steps[0].id, project=habit.id, start=TEN, minutes=30, action="exercise")
    told = list(personal._follow_ups(someone.reader(), someone.projects(), Durations()))
    expected = FollowUp(hours=0.25, demand=0.1, pressing=True, done=bool(done))
    assert told == ([] if done is None else [expected])


def test_what_was_not_accepted_or_is_not_over_tells_nothing(someone):
    someone.sync(Project(uid="p", name="P"), task(1, created=None, due=None, estimate_min=30))
    [project] = someone.projects()
    row = accept(someone, project.steps[0].id, project=project.id, start=TEN)
    accept(someone, project.steps[0].id, project=project.id, start=local(7))
    undo = Feedback(proposal_id=row, action="undo", at=someone.clock.now())
    proposals.review(someone.db, 1, undo)
    assert list(personal._follow_ups(someone.reader(), someone.projects(), Durations())) == []


def test_promises_that_are_not_kept_lower_what_is_expected(someone):
    tasks = [task(n, created=None, due=None, estimate_min=30) for n in range(12)]
    someone.sync(Project(uid="p", name="P"), *tasks)
    [project] = someone.projects()
    for n, step in enumerate(project.steps):
        start = local(10, 0, SUNDAY - timedelta(days=n))
        accept(someone, step.id, project=project.id, start=start)
    found = someone.fitted()
    for name in ("completion", "start_friction"):
        assert found[name].evidence == 12
    own, anybody = (
        (1.0 - 0.8 * friction) / (1.0 + math.exp(-completion))
        for friction, completion in (
            (found["start_friction"].value, found["completion"].value),
            (found["start_friction"].population, found["completion"].population),
        )
    )
    assert own < anybody - 0.2


# --- what nobody planned --------------------------------------------------------------------------


def review(someone, action, count):
    """Propose something on so many days, which was as likely as not to be accepted, and answer."""
    for _ in range(count):
        someone.clock.advance(seconds=86_400)
        start = someone.clock.now() + timedelta(hours=2)
        one = Proposal(
            day=start.astimezone(BERLIN).date(),
            action="create",
            target=None,
            start=start,
            end=start + timedelta(hours=1),
            duration_min=60,
            intensity="normal",
            text="Draw",
            confidence=0.5,
            reasons=(Reason(kind="time", ref="day", weight=1.0, text="x"),),
            would_change="",
        )
        one.details["odds"] = 0.0
        [row] = proposals.add(someone.db, 1, [one], {})
        proposals.review(
            someone.db, 1, Feedback(proposal_id=row, action=action, at=someone.clock.now())
        )


@pytest.mark.parametrize("action", ["accept", "reject"])
def test_how_readily_somebody_says_yes_moves_what_is_expected(someone, action):
    someone.at(7)
    assert someone.fitted()["acceptance"].evidence == 0
    review(someone, action, 10)
    found = someone.fitted()["acceptance"]
    assert found.evidence == 10
    assert found.value == someone.snapshot().life.acceptance
    assert (found.value > found.population) is (action == "accept")


def look(someone, day):
    """Note that the morning's proposals of a day were made."""
    job = jobs.enqueue(someone.db, "propose", {}, f"propose:{day}")
    jobs.start(someone.db, job.id)
    assert jobs.finish(someone.db, job.id, 1, {})


def event(uid, hour, day, **more):
    start = local(hour, 0, day)
    end = more.pop("end", start + timedelta(hours=1))
    return CalendarEvent(uid=uid, title="Call", start=start, end=end, **more)


class Diary:
    """A calendar that is synced anew with each event."""

    def __init__(self, someone):
        self.someone, self.events = someone, []

    def gain(self, *events):
        self.events += events
        self.someone.sync(*self.events, source="calendar")


def test_events_new_on_their_own_day_are_what_nobody_planned(someone):
    diary = Diary(someone)
    day = [MONDAY + timedelta(days=n) for n in range(6)]
    someone.at(8)
    diary.gain(event("first sync", 15, day[0]), event("first sync, planned", 9, day[1]))
    someone.at(9, 0, day[1])
    diary.gain(
        event("unplanned", 15, day[1]),
        event("planned", 15, day[2]),
        event("already over", 7, day[1]),
        event("free", 16, day[1], busy=False),
        event("off", 0, day[1], all_day=True, end=local(0, 0, day[2])),
        event("called off", 17, day[1], status="cancelled"),
    )
    someone.at(9, 0, day[3])
    diary.gain(event("another", 10, day[3]), event("one more", 17, day[3]))
    for one in (day[0], day[1], day[3], day[4]):  # switched off on day 2
        look(someone, one)
    someone.at(9, 0, day[5])
    look(someone, day[5])
    assert personal._unplanned(someone.reader()) == [1, 2, 0]
    found = someone.fitted()["unplanned_per_day"]
    assert found.evidence == 3
    assert found.value > found.population


def test_a_calendar_that_comes_later_is_no_surprise(someone):
    diary = Diary(someone)
    someone.at(8)
    diary.gain(event("a", 15, MONDAY))
    tuesday = MONDAY + timedelta(days=1)
    someone.at(8, 0, tuesday)
    someone.sync(*(event(f"b{n}", 15, tuesday) for n in range(9)), source="another")
    look(someone, tuesday)
    someone.at(8, 0, tuesday + timedelta(days=1))
    assert personal._unplanned(someone.reader()) == [0]


def test_without_mornings_nobody_has_looked(someone):
    diary = Diary(someone)
    diary.gain(event("a", 15, MONDAY))
    someone.at(9, 0, MONDAY + timedelta(days=3))
    diary.gain(event("b", 15, MONDAY + timedelta(days=3)))
    someone.at(9, 0, MONDAY + timedelta(days=4))
    assert personal._unplanned(someone.reader()) == []
    assert someone.fitted()["unplanned_per_day"].evidence == 0


# --- databases made elsewhere ---------------------------------------------------------------------


def test_a_plain_connection_is_known_as_well(tmp_path):
    clock = FixedClock(local(9))
    with Store.open(tmp_path / "twind.db", clock) as db:
        profiles.ensure(db, 1)
        someone = Someone(db, clock)
        someone.sync(Person(uid="ann", name="Ann"))
        checkins.add(db, 1, 0.0)
        mine = someone.snapshot()
        plain = DataPipeline(db.connection, configured(), clock).snapshot(1)
    assert (plain.energy, plain.life) == (mine.energy, mine.life)
    assert learn([]) == Durations()
