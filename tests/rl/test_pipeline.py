"""From rows to a snapshot: hard limits, deadlines, tolerance, and nobody else's rows."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind import asking, evidence, settings
from twind.clock import FixedClock
from twind.errors import EmptyProfileError
from twind.model import (
    HORIZON_DAYS,
    Attendee,
    CalendarEvent,
    Feedback,
    Person,
    Project,
    Proposal,
    Target,
    Task,
)
from twind.preferences.features import ACTIVITIES
from twind.reader import Reader
from twind.rl.pipeline import DataPipeline
from twind.rl.snapshot import SOME_DAYS
from twind.rl.spaces import SLOTS
from twind.store import Store, life, patterns, profiles, proposals, questions, records, schema

BERLIN = ZoneInfo("Europe/Berlin")
HOURS = {"sleep": "23:00-06:30", "quiet": "22:00-07:00", "work": {"mon-fri": "09:00-17:00"}}
MONDAY = date(2026, 3, 2)


def configured(zone="Europe/Berlin", **more):
    return settings.parse({"profile": {"timezone": zone, "emails": ["me@x.org"]}, **more})


def snapshot_of(db, clock, profile_id=1, zone="Europe/Berlin"):
    return DataPipeline(db, configured(zone, hours=HOURS), clock).snapshot(profile_id)


def local(day, hour, minute=0, fold=0, zone=BERLIN):
    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone, fold=fold)
    return moment.astimezone(UTC)


def event(uid, start, end, **more):
    return CalendarEvent(uid=uid, title=more.pop("title", "Meeting"), start=start, end=end, **more)


def sync(db, *fetched, profile_id=1, source="test"):
    window = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    records.apply(db, profile_id, source, fetched, window)


def hours_of(mask):
    """Return where a mask of slots is set, in hours."""
    return [float(slot) / 4 for slot in np.flatnonzero(mask)]


# --- days ----------------------------------------------------------------------------------------


def test_nights_quiet_hours_and_work_are_where_the_settings_say(db, clock):
    sync(db, Person(uid="ann", name="Ann"))
    snapshot = snapshot_of(db, clock)
    monday, saturday = snapshot.days[0], snapshot.days[5]
    assert snapshot.slot == 9 * 4  # 08:00 UTC is 09:00 in Berlin
    assert (monday.date, len(snapshot.days)) == (MONDAY, HORIZON_DAYS)
    assert hours_of(monday.allowed) == [h / 4 for h in range(28, 88)]
    assert hours_of(monday.work) == [h / 4 for h in range(36, 68)]
    assert hours_of(~monday.asleep) == [h / 4 for h in range(26, 92)]
    assert not saturday.work.any()
    assert not monday.busy.any()


@pytest.mark.parametrize(
    ("more", "blocks"),
    [
        ({}, True),
        ({"status": "tentative"}, True),
        ({"busy": False}, False),  # declined, or marked free
        ({"status": "cancelled"}, False),
        ({"all_day": True, "busy": False}, False),
    ],
)
def test_what_blocks(db, clock, more, blocks):
    sync(db, event("one", local(MONDAY, 13, 10), local(MONDAY, 14, 5), **more))
    busy = snapshot_of(db, clock).days[0].busy
    assert hours_of(busy) == ([13.0, 13.25, 13.5, 13.75, 14.0] if blocks else [])


def test_an_all_day_event_marked_busy_takes_the_day(db, clock):
    tuesday = MONDAY + timedelta(days=1)
    sync(
        db,
        event("off", local(tuesday, 0), local(tuesday + timedelta(days=1), 0), all_day=True),
    )
    days = snapshot_of(db, clock).days
    assert [day.busy.sum() for day in days[:3]] == [0, SLOTS, 0]
    assert not days[1].free.any()


def test_an_event_over_midnight_takes_both_days(db, clock):
    tuesday = MONDAY + timedelta(days=1)
    sync(db, event("party", local(MONDAY, 23), local(tuesday, 1)))
    days = snapshot_of(db, clock).days
    assert hours_of(days[0].busy) == [23.0, 23.25, 23.5, 23.75]
    assert hours_of(days[1].busy) == [0.0, 0.25, 0.5, 0.75]
    assert not (days[0].asleep & days[0].busy).any()


def test_people_at_an_event_are_met_there(db, clock):
    guests = (Attendee(email="ann@x.org", status="accepted"), Attendee(email="me@x.org"))
    sync(
        db,
        Person(uid="ann", name="Ann", emails=("ann@x.org",)),
        event("lunch", local(MONDAY, 12), local(MONDAY, 13), attendees=guests),
    )
    snapshot = snapshot_of(db, clock)
    [ann] = snapshot.people
    day = snapshot.days[0]
    assert day.meetings == ((ann.id, 48, 52),)
    assert day.event_people[48] == 1
    assert day.event_closeness[50] == pytest.approx(ann.closeness)


def test_what_was_accepted_is_taken(db, clock):
    start = local(MONDAY, 15)
    proposal = Proposal(
        day=MONDAY,
        action="learn",
        target=None,
        start=start,
        end=start + timedelta(hours=1),
        duration_min=60,
        intensity="normal",
        text="Read",
        confidence=0.5,
        reasons=(),
        would_change="",
    )
    accepted, _ = proposals.add(db, 1, [proposal, proposal], {})
    sync(db, Person(uid="ann", name="Ann"))
    assert not snapshot_of(db, clock).days[0].busy.any()
    said = Feedback(proposal_id=accepted, action="accept", at=clock.now())
    proposals.review(db, 1, said)
    assert hours_of(snapshot_of(db, clock).days[0].busy) == [15.0, 15.25, 15.5, 15.75]


SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


@pytest.mark.parametrize(
    ("day", "start", "end", "expected"),
    [
        (SPRING, (1, 30, 0), (3, 15, 0), {1.5, 1.75, 3.0}),
        (SPRING, (9, 0, 0), (10, 0, 0), {9.0, 9.25, 9.5, 9.75}),
        (AUTUMN, (9, 0, 0), (10, 0, 0), {9.0, 9.25, 9.5, 9.75}),
        (AUTUMN, (2, 30, 0), (2, 15, 1), {2.5, 2.75}),
        (AUTUMN, (1, 30, 0), (2, 15, 1), {1.5, 1.75, 2.0, 2.25, 2.5, 2.75}),
    ],
)
def test_days_on_which_the_clocks_change(db, day, start, end, expected):
    clock = FixedClock(local(day, 0) + timedelta(minutes=1))
    hour, minute, fold = start
    until, past, again = end
    sync(db, event("one", local(day, hour, minute, fold), local(day, until, past, again)))
    snapshot = snapshot_of(db, clock)
    assert snapshot.days[0].date == day
    found = set(hours_of(snapshot.days[0].busy))
    assert expected <= found
    assert found - expected <= {2.0, 2.25, 2.5, 2.75}  # the hour that is not there, or twice
    assert not snapshot.days[1].busy.any()


@hypothesis.settings(max_examples=20, deadline=None)
@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]),
    start=st.integers(0, 13 * 24 * 60),
    minutes=st.integers(1, 2000),
    month=st.sampled_from([3, 7, 10, 11]),
)
def test_whatever_instant_lies_in_an_event_lies_in_a_busy_slot(zone, start, minutes, month):
    clock = FixedClock(datetime(2026, month, 20, 12, tzinfo=UTC))
    begin = clock.now() + timedelta(minutes=start)
    with Store(sqlite3.connect(":memory:"), clock, owned=True) as blank:
        db = Store.adopt(blank.connection, clock)
        profiles.ensure(db, 1)
        sync(db, event("one", begin, begin + timedelta(minutes=minutes)))
        snapshot = snapshot_of(db, clock, zone=zone)
    days = {day.date: day for day in snapshot.days}
    for step in {0, minutes // 3, minutes // 2, minutes - 1}:
        moment = (begin + timedelta(minutes=step)).astimezone(ZoneInfo(zone))
        day = days.get(moment.date())
        assert day is None or day.busy[(moment.hour * 60 + moment.minute) // 15]
    assert sum(int(day.busy.sum()) for day in snapshot.days) <= minutes / 15 + 2 + 8


# --- projects and people -------------------------------------------------------------------------


def test_projects_have_their_hours_and_deadlines(db, clock):
    due = local(MONDAY, 0) + timedelta(days=3)
    step = {"project": "book"}
    sync(
        db,
        Project(uid="book", name="Book", kind="learning", priority=0.8),
        Task(uid="1", title="a", due=due, estimate_min=90, **step),
        Task(uid="2", title="b", due=due + timedelta(days=1), **step),
        Task(uid="3", title="much later", due=due + timedelta(days=30), **step),
        Task(uid="4", title="not yet", due=due, start=due, **step),
        Task(uid="5", title="done", status="done", completed_at=clock.now(), **step),
        Project(uid="past", name="Past", deadline=clock.now() - timedelta(days=1)),
        Project(uid="over", name="Over", status="completed"),
    )
    book, past = snapshot_of(db, clock).projects
    assert (book.kind, book.priority, book.deadline_h) == ("learning", 0.8, 72.0)
    assert book.remaining_h == pytest.approx(2.5)
    assert book.progress == pytest.approx(0.2)
    assert past.deadline_h == pytest.approx(-15.0)
    assert past.remaining_h == 10.0


def test_what_was_missed_is_no_work_that_is_left(db, clock):
    due = local(MONDAY, 0) + timedelta(days=1)
    run = {"title": "Run", "series": "r"}
    sync(
        db,
        Project(uid="r", name="Run", kind="habit"),
        Task(uid="1", due=due - timedelta(days=2), status="missed", **run),
        Task(uid="2", due=due - timedelta(days=1), status="done", completed_at=clock.now(), **run),
        Task(uid="3", due=due, **run),
        Task(uid="4", title="half", project="r", estimate_min=120, progress=0.25, due=due),
    )
    [habit] = snapshot_of(db, clock).projects
    assert habit.deadline_h == 24.0
    assert habit.remaining_h == pytest.approx(0.25 + 1.5)
    assert habit.progress == pytest.approx(1 / 3)


def test_what_is_made_of_parts_alone_is_worked_on_in_them(db, clock):
    sync(
        db,
        Project(uid="+p", name="Portuguese", kind="learning"),
        Project(uid="+x", name="Without tasks"),
        Project(uid="v", name="Verbs", kind="habit", parent="+p"),
        Task(uid="v/1", title="Verbs", project="+p", series="v"),
    )
    found = {one.name: one for one in snapshot_of(db, clock).projects}
    assert found.keys() == {"Without tasks", "Verbs"}
    assert found["Verbs"].kind == "learning"
    sync(
        db,
        Task(uid="t", title="Read", project="+p"),
        Project(uid="+p", name="Portuguese", kind="learning"),
    )
    assert "Portuguese" in {one.name for one in snapshot_of(db, clock).projects}


def test_work_stays_in_working_hours_only_where_it_says_so(db, clock):
    sync(
        db,
        Task(uid="1", title="a", project="office", contexts=("work",)),
        Task(uid="2", title="b", project="home", contexts=("garden",)),
    )
    assert {one.name: one.off_hours for one in snapshot_of(db, clock).projects} == {
        "office": False,
        "home": True,
    }


def test_people_meet_as_often_as_they_have(db, clock):
    sync(db, Person(uid="ann", name="Ann", emails=("ann@x.org",)), Person(uid="bob", name="Bob"))
    guests = (Attendee(email="ann@x.org", status="accepted"),)
    for days in (29, 22, 15, 8):
        start = clock.now() - timedelta(days=days)
        meeting = event(f"lunch {days}", start, start + timedelta(hours=1), attendees=guests)
        sync(db, meeting, source=f"calendar {days}")
    ann, bob = snapshot_of(db, clock).people
    assert (ann.cadence_days, ann.days_since) == (7.0, 8.0)
    assert ann.closeness > bob.closeness
    assert bob.days_since == bob.cadence_days > 7.0


def test_what_was_accepted_and_is_over_was_done(db, clock, proposal):
    """As far as anybody knows: no calendar tells of it."""
    sync(db, Person(uid="bob", name="Bob"))
    [bob] = snapshot_of(db, clock).people
    whom = Target(kind="person", id=bob.id, name="Bob")
    starts = {"accept": -50, "reject": -20, "later": 10}
    for action, hours in starts.items():
        start = clock.now() + timedelta(hours=hours)
        [row] = proposals.add(db, 1, [proposal(start, action="social", target=whom)], {})
        said = "reject" if action == "reject" else "accept"
        proposals.review(db, 1, Feedback(proposal_id=row, action=said, at=clock.now()))
    told = snapshot_of(db, clock)
    assert told.people[0].days_since == pytest.approx(49 / 24)
    assert told.days_since_done[ACTIVITIES.index("social")] == 2.0
    assert told.days_since_done[ACTIVITIES.index("rest")] == SOME_DAYS


# --- databases made elsewhere --------------------------------------------------------------------


def made_elsewhere(connection, profile_id=1, name="Ann", strength=0.9):
    """Fill a database that has MISSION's tables and columns and nothing else."""
    for table in schema.MISSION_TABLES:
        columns = ", ".join(schema.columns_of(table))
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
    base = profile_id * 10
    about = {"progress": 40, "priority": "high", "deadline_days": 5}
    rows = {
        "entities": {"entity_type": "person", "name": name},
        "entity_attributes": {"entity_id": base, "attribute_type": "trust", "value": 0.9},
        "workflows": {
            "name": f"{name}'s book",
            "workflow_type": "project",
            "status": "active",
            "metadata": json.dumps(about),
        },
        "patterns": {"aspect_id": 4, "dimension_id": 1, "strength": strength, "confidence": 0.8},
    }
    for table, values in rows.items():
        put(connection, table, id=base, profile_id=profile_id, **values)
    if not connection.execute("SELECT 1 FROM dimensions").fetchone():
        put(connection, "dimensions", id=1, name="Values")
        put(connection, "aspects", id=4, dimension_id=1, name="growth", code="VAL_GROWTH")
    return connection


def put(connection, table, **columns):
    marks = ", ".join("?" for _ in columns)
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values())
    )


@pytest.fixture
def foreign():
    """A plain connection to such a database, with its transaction still open."""
    connection = made_elsewhere(sqlite3.connect(":memory:"))
    assert connection.in_transaction
    yield connection
    connection.close()


def test_a_database_made_elsewhere_is_read(foreign, clock):
    snapshot = snapshot_of(foreign, clock)
    [ann], [book] = snapshot.people, snapshot.projects
    assert (ann.id, ann.name, ann.closeness) == (10, "Ann", 0.9)
    assert (book.progress, book.priority, book.remaining_h) == (0.4, 0.8, pytest.approx(6.0))
    assert book.deadline_h == pytest.approx(5 * 24 + 9)
    growth = snapshot.belief.names.index("VAL_GROWTH")
    assert snapshot.belief.mean[growth] > 0.6
    assert foreign.in_transaction  # its owner's to commit
    foreign.rollback()
    tables = {name for (name,) in foreign.execute("SELECT name FROM sqlite_master")}
    assert tables == set(schema.MISSION_TABLES)


@pytest.mark.parametrize(
    "factory",
    [
        sqlite3.Row,
        lambda cursor, row: {c[0]: v for c, v in zip(cursor.description, row, strict=True)},
    ],
    ids=["Row", "dict"],
)
def test_the_connections_own_row_factory_is_left_alone(foreign, clock, factory):
    foreign.row_factory = factory
    assert snapshot_of(foreign, clock).people[0].name == "Ann"
    assert foreign.row_factory is factory


def test_earlier_patterns_are_the_prior_and_stay_it(foreign, clock):
    pipeline = DataPipeline(foreign, configured(), clock)
    before = pipeline.snapshot(1).belief
    reader = pipeline.reader(1)
    asking.seed(reader)
    evidence.refresh(reader)
    evidence.refresh(reader)
    assert patterns.earlier(pipeline.store, 1) == {"VAL_GROWTH": (0.9, 0.8)}
    np.testing.assert_allclose(pipeline.snapshot(1).belief.mean, before.mean)


def test_an_empty_profile_says_what_to_do(db, clock):
    profiles.ensure(db, 2)
    sync(db, Person(uid="ann", name="Ann"), profile_id=2)
    for nobody in (1, 7):
        with pytest.raises(EmptyProfileError, match=rf"profile {nobody} is empty: .*twind ask"):
            snapshot_of(db, clock, nobody)


@pytest.mark.parametrize("odd", ["", "soon", "NaN", '{"progress": []}', "[1]", b"\x00", None, 3])
def test_odd_values_never_stop_the_rest(foreign, clock, odd):
    foreign.execute("UPDATE workflows SET metadata = ?", (odd,))
    foreign.execute("UPDATE entity_attributes SET value = ?", (odd,))
    foreign.execute("UPDATE patterns SET strength = ?, metadata = ?", (odd, odd))
    put(foreign, "workflow_steps", id=1, workflow_id=10, description=odd, due_date=odd, status=odd)
    snapshot = snapshot_of(foreign, clock)
    assert np.isfinite(snapshot.belief.mean).all()
    assert all(0.0 <= one.closeness <= 1.0 for one in snapshot.people)
    assert all(0.0 <= one.priority <= 1.0 for one in snapshot.projects)


# --- nobody else's rows --------------------------------------------------------------------------


def live(db, profile_id, name, rng):
    """Give a profile a life: people, projects, events, answers, patterns, proposals, feedback."""
    profiles.ensure(db, profile_id)
    clock, guests = db.clock, (Attendee(email="ann@x.org", status="accepted"),)
    fetched = [Person(uid="ann", name=name, emails=("ann@x.org",)), Project(uid="p", name=name)]
    fetched += [Task(uid=f"t{n}", title=name, project="p") for n in range(rng.integers(1, 4))]
    for number in range(rng.integers(2, 12)):
        start = clock.now() + timedelta(hours=int(rng.integers(-2000, 300)))
        fetched.append(
            event(f"e{number}", start, start + timedelta(hours=1), title=name, attendees=guests)
        )
    sync(db, *fetched, profile_id=profile_id)
    reader = Reader(db, profile_id, BERLIN, frozenset({"me@x.org"}), clock.now())
    asking.seed(reader)
    for question in questions.load(db, profile_id)[:: int(rng.integers(5, 30))]:
        option = question.options[int(rng.integers(len(question.options)))]
        questions.answer(db, profile_id, question.id, option.id)
    start = clock.now() + timedelta(hours=int(rng.integers(1, 200)))
    proposal = Proposal(
        day=start.date(),
        action="learn",
        target=None,
        start=start,
        end=start + timedelta(hours=1),
        duration_min=60,
        intensity="normal",
        text=name,
        confidence=0.5,
        reasons=(),
        would_change="",
        details={"features": {"LEA_PRACTICAL": 0.7}},
    )
    [made] = proposals.add(db, profile_id, [proposal], {})
    proposals.review(db, profile_id, Feedback(proposal_id=made, action="accept", at=clock.now()))
    return reader


@pytest.mark.parametrize("seed", range(4))
def test_another_profiles_rows_never_appear(db, clock, seed):
    rng = np.random.default_rng(seed)
    mine = live(db, 1, "Mine", rng)
    before = snapshot_of(db, clock)
    theirs = live(db, 2, "Theirs", rng)
    for reader in (theirs, mine):
        evidence.refresh(reader)
    after = snapshot_of(db, clock)
    assert after.people == before.people
    assert after.projects == before.projects
    assert after.belief.names == before.belief.names
    np.testing.assert_allclose(after.belief.mean, before.belief.mean)
    np.testing.assert_allclose(after.belief.covariance, before.belief.covariance)
    np.testing.assert_array_equal(after.habits, before.habits)
    for ours, then in zip(after.days, before.days, strict=True):
        np.testing.assert_array_equal(ours.busy, then.busy)
        assert ours.meetings == then.meetings
    own = {one.id for one in life.people(db, 2, clock.now())}
    assert own.isdisjoint(one.id for one in after.people)
    assert "Theirs" not in {
        row["text"] for row in db.rows("SELECT text FROM evidence WHERE profile_id = 1")
    }
